"""Which rows a law takes, where taking the wrong ones would give a number that looks sure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq.checks.identification import identification_notes
from bayesq.errors import BayesqError
from bayesq.law.registry import find_law
from bayesq.model.design import Design, design


def table(**columns: object) -> bayesq.Runs:
    """Cross 4 sizes with 4 lengths of training, each run with rows of its own."""
    n, d = np.meshgrid(np.geomspace(1e7, 1e9, 4), np.geomspace(1e9, 1e11, 4))
    frame = pd.DataFrame({"N": n.ravel(), "D": d.ravel(), "loss": 3 - 0.01 * np.arange(16)})
    return bayesq.read_runs(frame.assign(run=[f"r{i}" for i in range(16)], **columns))


def codes(chosen: Design) -> set[str]:
    return {note.code for note in (*chosen.notes, *identification_notes(chosen))}


def test_quantized_rows_without_a_width_are_not_sixteen_bits() -> None:
    runs = table(stage="post", loss_full=2.5, width=[3, 4, 5, 6] * 4)
    with pytest.raises(BayesqError, match="w_bits is 16 or empty"):
        design(runs, find_law("kumar2024-ptq"))


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"sparsity": 0.5}, r"weights are sparse after training \(sparsity\)"),
        ({"fc2_a_bits": 8}, r"the FC2 input has bits of its own after training \(fc2_a_bits\)"),
        ({"kv_bits": 4}, r"the KV cache is quantized after training \(kv_bits\)"),
        ({"a_bits": 8}, r"activations are quantized after training \(a_bits\)"),
        ({"kv_bits": 4, "a_bits": 8}, "the KV cache is quantized and activations are quantized"),
        (
            {"kv_bits": 4, "w_bits": 16},
            r"the KV cache is quantized \(kv_bits\), and weights are not",
        ),
        ({"train_w_bits": 2}, "trained in few bits"),
    ],
)
def test_rows_of_another_kind_are_left_out_by_their_cause(more: dict[str, float], why: str) -> None:
    runs = table(**{"stage": "post", "loss_full": 2.5, "w_bits": [3, 4, 5, 6] * 4, **more})
    with pytest.raises(BayesqError, match=why):
        design(runs, find_law("kumar2024-ptq"))


def test_full_precision_rows_do_not_widen_the_range_of_bits(grid: bayesq.Runs) -> None:
    runs = grid.select("stage == 'none' or (w_kind == 'int' and 3 <= w_bits <= 6)")
    chosen = design(runs, find_law("kumar2024-ptq"), "loss")
    assert chosen.inputs["quantized"].min() == 0
    assert (chosen.inputs["P"].min(), chosen.inputs["P"].max()) == (3, 6)


def test_base_and_degradation_need_full_precision_rows(ptq_runs: bayesq.Runs) -> None:
    law = find_law("kumar2024-ptq")
    assert "no-full-precision" in codes(design(ptq_runs, law, "loss"))
    assert "no-full-precision" not in codes(design(ptq_runs, law))


def test_corpora_are_told_apart_like_studies() -> None:
    mixed = design(table(corpus=["a", "b"] * 8), find_law("chinchilla"))
    assert "several-studies" in codes(mixed)
    assert "several-studies" not in codes(design(table(corpus="a"), find_law("chinchilla")))


def test_standard_errors_are_those_of_the_rows_used() -> None:
    chosen = design(table(loss_se=[0.01, None] * 8), find_law("chinchilla"))
    np.testing.assert_equal(chosen.errors, [0.01, np.nan] * 8)
    assert not any("loss_se" in note.message for note in chosen.notes)


def test_a_users_format_column_is_not_asked_of_full_precision_rows(grid: bayesq.Runs) -> None:
    law = bayesq.Law(
        name="by-group",
        base=find_law("chinchilla"),
        degradation=lambda N, w_group, k: k * w_group / N,
        parameters=(bayesq.Parameter("k", bayesq.Prior("HalfNormal", sigma=1)),),
        stages=("post",),
    )
    chosen = design(grid.select("stage == 'none' or w_group == 128"), law, "loss")
    assert (chosen.inputs["quantized"] == 0).sum() == 28


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"distribution": "Normal", "mu": 0, "sigma": -1}, "sigma=-1; write a finite number above"),
        ({"distribution": "Normal", "mu": "a", "sigma": 1}, "mu='a'; write a finite number"),
        ({"distribution": "Uniform", "lower": 2, "upper": 1}, "the smaller one as lower"),
    ],
)
def test_impossible_priors_are_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(BayesqError, match=said):
        bayesq.Prior(**given)  # type: ignore[arg-type]
