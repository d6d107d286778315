"""Checkpoints of one schedule: which tables hold them, and which misfit their laws get."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq.model.checkpoints import along_a_schedule, training_runs
from bayesq.model.design import design
from bayesq.model.discrepancy import LEARNED, LEARNED_ALONG_A_SCHEDULE, find_discrepancy
from bayesq.model.specification import specify

LAW = "kumar2024-ptq"


def checkpoints(**columns: Any) -> pd.DataFrame:
    """Make up three widths of four checkpoints of two runs."""
    runs = pd.DataFrame({"run": ["a", "b"], "N": [1e8, 1e9]})
    frame = runs.merge(pd.DataFrame({"D": np.geomspace(1e10, 1e11, 4)}), "cross")
    frame = frame.merge(pd.DataFrame({"w_bits": [3, 4, 5]}), "cross")
    frame["loss_full"] = 1.7 + 400 * frame["N"] ** -0.34 + 1100 * frame["D"] ** -0.37
    frame["loss"] = frame["loss_full"] + np.exp(-frame["w_bits"])
    return frame.assign(stage="post", **columns)


def along(frame: pd.DataFrame, law: str = LAW) -> bool:
    return along_a_schedule(design(bayesq.read_runs(frame), bayesq.laws()[law]))


def test_checkpoints_are_rows_of_one_run_that_was_not_brought_down_for_each() -> None:
    assert along(checkpoints(annealed="no"))
    assert not along(checkpoints(annealed="yes"))
    assert not along(checkpoints())


def test_runs_of_one_length_are_no_checkpoints() -> None:
    frame = checkpoints(annealed="no")
    each = frame["run"] + frame["D"].astype(str)
    assert not along(frame.assign(run=each))


def test_unnamed_checkpoints_are_of_the_run_of_their_network() -> None:
    assert along(checkpoints(annealed="no", run=""))
    # Where nobody said so, no two rows without names are known to be of one run.
    assert not along(checkpoints(run=""))
    frame = checkpoints(annealed="no", run="")
    assert not along(frame[frame["D"] == frame["D"].max()])
    assert len(set(training_runs(bayesq.read_runs(frame)))) == 2


def test_the_end_of_a_schedule_belongs_to_its_checkpoints() -> None:
    frame = checkpoints(annealed="no")
    last = frame["D"] == frame["D"].max()
    assert along(frame.assign(annealed=np.where(last, "yes", "no")))


def test_most_rows_decide() -> None:
    frame = checkpoints(annealed="no")
    each = frame["run"] + frame["D"].astype(str)
    alone = pd.concat([frame.assign(study=f"s{i}", run=each, annealed="yes") for i in range(2)])
    assert along(pd.concat([frame, alone.iloc[:12]]))
    assert not along(pd.concat([frame, alone]))


def test_a_law_without_tokens_sees_no_schedule() -> None:
    assert not along(checkpoints(annealed="no"), "ptq-without-d")


def test_a_rougher_misfit_is_taken_for_checkpoints_alone() -> None:
    rough = LEARNED_ALONG_A_SCHEDULE["degradation"]
    assert rough.hurst < LEARNED["degradation"].hurst
    assert find_discrepancy(True, "degradation", schedule=True) == rough
    assert find_discrepancy(True, "loss", schedule=True) == LEARNED["loss"]
    runs = bayesq.read_runs(checkpoints(annealed="no"))
    assert specify(runs, LAW).discrepancy == rough
    assert specify(runs, LAW, discrepancy=False).discrepancy is None
    asked = LEARNED["degradation"]
    assert specify(runs, LAW, discrepancy=asked).discrepancy == asked
    # What a part of the rows is fitted with follows from the whole.
    kept = runs.select(runs.columns["D"] == runs.columns["D"].min())
    assert not along_a_schedule(design(kept, bayesq.laws()[LAW]))
    assert specify(runs, LAW).on(kept).discrepancy == rough


def test_the_grid_keeps_the_default() -> None:
    # Its runs have rows at several D, and the learning rate was brought down for each.
    runs = bayesq.load_pool("grid").select("stage == 'post' and w_kind == 'int' and w_group == 128")
    chosen = design(runs, bayesq.laws()[LAW])
    assert len(set(chosen.runs.cluster)) < len(set(zip(*chosen.inputs.values(), strict=True)))
    assert specify(runs, LAW).discrepancy == LEARNED["degradation"]


@pytest.mark.usefixtures("public")
def test_olmo_has_checkpoints() -> None:
    runs = bayesq.load_pool("olmo_ptq").select("study == 'olmo_ptq-c4' and method == 'RTN'")
    assert specify(runs, LAW).discrepancy == LEARNED_ALONG_A_SCHEDULE["degradation"]


@pytest.mark.slow
@pytest.mark.usefixtures("public")
@pytest.mark.parametrize("quantile", [0.5, 0.7, 0.85])
def test_intervals_hold_later_checkpoints(quantile: float) -> None:
    held = []
    for study in ("c4", "wt2"):
        for method in ("RTN", "AWQ"):
            runs = bayesq.load_pool("olmo_ptq").select(
                f"study == 'olmo_ptq-{study}' and method == '{method}' and 3 <= w_bits <= 5"
            )
            found = bayesq.backtest(
                runs, LAW, split="largest-D", quantile=quantile, draws=250, seed=1, progress=False
            )
            held += found.rows["in_90"].tolist()
    assert 0.75 <= np.mean(held) <= 0.97
