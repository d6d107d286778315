"""The public check by simulation: its verdicts, what it keeps, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesq
import bayesq.sweeping.simulation as simulation_room
from bayesq import BayesqError, CalibrationCheck, Law, Parameter, Prior
from made_up_runs import made_up
from two_runs import check_sentence

LEVEL = Law(
    name="level",
    loss=lambda N, D, E: E + 0 * (N + D),
    parameters=(Parameter("E", Prior("LogNormal", mu=0.4, sigma=0.5), "nats/token"),),
    remember=False,
)
QUICK: dict[str, Any] = {
    **{"discrepancy": False, "noise": "normal", "draws": 100, "progress": False, "executor": 1}
}


def checked(width: float = 1.0, shift: float = 0.0, tables: int = 200) -> CalibrationCheck:
    """Rank the mean of a normal in its posterior, which is known, or in one that is wrong."""
    rng = np.random.default_rng(7)
    lines = []
    for number, truth in enumerate(rng.normal(size=tables)):
        data = rng.normal(truth, 1.0, size=5)
        centre, sd = data.sum() / 6, 1 / np.sqrt(6)
        draws = rng.normal(centre + shift * sd, width * sd, size=100)
        rank = ((draws < truth).sum() + rng.uniform()) / 101
        lines.append({"simulation": number, "mu": rank, "ess": 100.0, "divergences": 0})
    return CalibrationCheck("A mean", pd.DataFrame(lines))


def test_a_right_model_passes() -> None:
    found = checked()
    assert found.notes == ()
    assert "has the ranks that it is to have" in found.text
    line = found.to_frame().loc["mu"]
    assert line["p_value"] > 0.05
    assert abs(line["mean"] - 0.5) < 4 / np.sqrt(12 * 200)
    assert abs(line["spread"] - 1) < 0.15


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"width": 0.6}, "too narrow"),
        ({"width": 1.7}, "too wide"),
        ({"shift": 0.6}, "too high"),
        ({"shift": -0.6}, "too low"),
    ],
)
def test_a_wrong_model_is_told_with_how_it_is_wrong(wrong: dict[str, float], words: str) -> None:
    found = checked(**wrong)
    (note,) = found.notes
    assert (note.code, note.severity) == ("not-calibrated", "severe")
    assert words in note.message
    assert "mu are not uniform" in found.text
    assert words in repr(found)
    assert words in found._repr_html_()


def test_few_simulations_and_few_draws_are_told() -> None:
    ranks = checked(tables=20).ranks
    ranks.loc[3, "ess"] = 12.0
    codes = [note.code for note in CalibrationCheck("Few", ranks).notes]
    assert codes == ["few-draws", "few-simulations"]


def test_simulations_are_kept_and_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ranks.json"
    first = bayesq.calibration_check(made_up(), LEVEL, simulations=2, save=path, **QUICK)
    assert list(first.ranks["simulation"]) == [0, 1]
    assert {"E", "sigma", "prediction", "log_likelihood"} <= set(first.to_frame().index)
    quantities = first.ranks[list(first.to_frame().index)]
    assert ((quantities > 0) & (quantities < 1)).all(axis=None)
    made: list[int] = []
    real = simulation_room._simulate

    def counted(stated: Any, response: str, seed: int) -> Any:
        made.append(seed)
        return real(stated, response, seed)

    monkeypatch.setattr(simulation_room, "_simulate", counted)
    more = bayesq.calibration_check(made_up(), LEVEL, simulations=3, save=path, **QUICK)
    assert made == [2]
    pd.testing.assert_frame_equal(more.ranks.iloc[:2], first.ranks)
    again = bayesq.calibration_check(made_up(), LEVEL, simulations=2, seed=1, **QUICK)
    pd.testing.assert_frame_equal(
        again.ranks.reset_index(drop=True), more.ranks.iloc[1:].reset_index(drop=True)
    )
    with pytest.raises(BayesqError) as caught:
        bayesq.calibration_check(made_up(), LEVEL, save=path, **{**QUICK, "draws": 200})
    check_sentence(str(caught.value), "name another file")
    path.write_text(json.dumps({"key": 3}))
    with pytest.raises(BayesqError, match="name another file"):
        bayesq.calibration_check(made_up(), LEVEL, save=path, **QUICK)


@pytest.mark.slow
def test_a_real_law_is_calibrated_on_rows_of_ones_own() -> None:
    options: dict[str, Any] = {"simulations": 60, "progress": False, "executor": 2}
    found = bayesq.calibration_check(made_up(18), "chinchilla", **options)
    assert not [note for note in found.notes if note.severity == "severe"], found


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"simulations": 1}, "simulations is 1"),
        ({"draws": 2}, "draws is 2"),
        ({"law": "chinchila"}, "did you mean chinchilla"),
        ({"save": "nowhere/ranks.json"}, "does not exist"),
        ({"executor": "four"}, "number of processes"),
    ],
)
def test_what_cannot_be_checked_is_said(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BayesqError) as caught:
        bayesq.calibration_check(**{"runs": made_up(), "law": LEVEL, **QUICK, **given})
    check_sentence(str(caught.value), words)
