"""Comparisons that are refused, and fits from files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq import Runs
from bayesq.comparison.comparison import Comparison
from bayesq.comparison.refits import Refits
from bayesq.errors import BayesqError
from bayesq.model.specification import Specification
from two_runs import TRUE, check_sentence, rows


@pytest.fixture(scope="module")
def saved(
    two_fits: dict[str, bayesq.Fit], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bayesq.Fit]:
    """Read the fits back from files, without the rows as files of the format before had none."""
    folder = tmp_path_factory.mktemp("saved")
    back = {n: bayesq.load_fit(f.save(folder / f"{n}.nc")) for n, f in two_fits.items()}
    assert all(fit.can_refit for fit in back.values())
    return {name: without_rows(fit) for name, fit in back.items()}


def without_rows(fit: bayesq.Fit) -> bayesq.Fit:
    design = fit.specification.design
    losses = Runs({"loss": design.runs.columns["loss"]}, design.runs.source)
    described = replace(fit.specification, design=replace(design, runs=losses))
    return replace(fit, specification=described)


def test_fits_from_files_are_not_cured_without_their_table(
    saved: dict[str, bayesq.Fit], two_compared: Comparison
) -> None:
    found = bayesq.compare(saved, progress=False)
    (note,) = [n for n in found.notes if n.code == "no-rows"]
    assert "Pass runs=" in note.remedy
    assert found.beyond == {}
    pd.testing.assert_frame_equal(found.to_frame(), two_compared.to_frame())


def test_fits_from_files_are_cured_with_their_table(
    saved: dict[str, bayesq.Fit],
    wild_refits: Refits,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = bayesq.read_runs(rows())

    def stand_in(fit: bayesq.Fit, specification: Specification) -> Any:
        assert len(specification.design.index) == 16
        return wild_refits

    monkeypatch.setattr("bayesq.comparison.refits.Refits", stand_in)
    found = bayesq.compare(saved, runs=runs, outside=None, progress=False)
    assert "no-rows" not in {n.code for n in found.notes}
    table = found.to_frame()
    before = bayesq.compare(saved, outside=None, cure="none", progress=False).to_frame()
    assert before["bad"].sum() > 0
    assert (table["bad"] == 0).all()
    assert (table["matched"] + table["refitted"]).sum() == before["bad"].sum()
    by_run = bayesq.compare(saved, runs=runs, unit="run", outside=None, cure="none")
    assert len(by_run.inside["heavy"].elpd) == 8


def test_units_of_fits_from_files_need_the_table(saved: dict[str, bayesq.Fit]) -> None:
    with pytest.raises(BayesqError, match="pass runs=, the table"):
        bayesq.compare(saved, unit="run", progress=False)


Two = dict[str, bayesq.Fit]
REFUSED: dict[str, tuple[Callable[[Two], Any], str]] = {
    "one fit": (lambda f: bayesq.compare([f["heavy"]]), "pass two fits or more"),
    "a fit": (lambda f: bayesq.compare(f["heavy"]), "pass two fits or more"),  # type: ignore[arg-type]
    "nothing": (lambda f: bayesq.compare([]), "pass two fits or more"),
    "one law twice": (lambda f: bayesq.compare([*f.values()]), "of one law; give them names"),
    "a paper": (
        lambda f: bayesq.compare([f["heavy"], bayesq.published("sun2025")]),  # type: ignore[list-item]
        "sun2025 is not a fit of a table",
    ),
    "a name": (
        lambda f: bayesq.compare({"a": f["heavy"], "b": "fit.nc"}),  # type: ignore[dict-item]
        "bayesq.load_fit(path)",
    ),
    "unit": (lambda f: bayesq.compare(f, unit="rows"), "did you mean row"),
    "outside": (lambda f: bayesq.compare(f, outside="largest"), "did you mean largest-"),
    "outside by run": (lambda f: bayesq.compare(f, outside="run"), "largest-compute"),
    "cure": (lambda f: bayesq.compare(f, cure="refits"), "did you mean refit"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_mistake_is_refused_in_one_sentence(what: str, two_fits: dict[str, bayesq.Fit]) -> None:
    ask, words = REFUSED[what]
    with pytest.raises(BayesqError) as caught:
        ask(two_fits)
    check_sentence(str(caught.value), words)


def test_other_rows_and_responses_do_not_compare(
    two_fits: dict[str, bayesq.Fit], saved: dict[str, bayesq.Fit], wild_fit: bayesq.Fit
) -> None:
    with pytest.raises(BayesqError) as caught:
        bayesq.compare({"these": two_fits["normal"], "those": wild_fit})
    check_sentence(str(caught.value), "fit them to the rows that all can use: bayesq.fit_laws(")
    with pytest.raises(BayesqError) as caught:
        bayesq.compare(saved, runs=bayesq.read_runs(rows(wild=0.05)), progress=False)
    check_sentence(str(caught.value), "pass the table it was fitted to")


@pytest.mark.slow
def test_the_largest_rows_are_foretold(two_fits: dict[str, bayesq.Fit]) -> None:
    found = bayesq.compare(two_fits, cure="none", progress=False)
    scores = [t["log_score"].to_numpy() for t in found.beyond.values()]
    own = bayesq.backtest(
        bayesq.read_runs(rows()), "chinchilla", noise="normal", **TRUE
    ).rows.sort_values("row")
    np.testing.assert_allclose(scores[1], own["log_score"], atol=1e-8)
    assert len(scores[0]) == len(scores[1])
    assert "Outside (the" in found.text
    mixed = bayesq.average(found, "stacking-outside")
    assert mixed.weights == found.weights(outside=True)
