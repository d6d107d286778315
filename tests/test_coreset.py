"""Tests of large tables: cells, weighted rows, and what a fit by them says beside one of all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq.fitting import fit_of_draws
from bayesq.model.coreset import Table
from bayesq.model.row_cells import cells, nodes
from bayesq.model.specification import Specification, specify
from bayesq.sampling.large import Large
from bayesq.sampling.needle import mode_of
from bayesq.sampling.packing import pack
from bayesq.sampling.program import find_program
from bayesq.sampling.reduction import FEW, Reduction, asked_for, takes_weighted


def table(rows: int, seed: int = 1, **columns: Any) -> pd.DataFrame:
    """Simulate Chinchilla's law with Student-t scatter of a per cent, all (N, D) different."""
    rng = np.random.default_rng(seed)
    sizes = np.exp(rng.uniform(np.log(1e7), np.log(1e10), rows))
    tokens = np.exp(rng.uniform(np.log(1e9), np.log(1e12), rows))
    mean = 1.69 + 406.4 * sizes**-0.34 + 410.7 * tokens**-0.28
    loss = mean * np.exp(0.01 * rng.standard_t(4, rows))
    return pd.DataFrame({"N": sizes, "D": tokens, "loss": loss, **columns})


def test_cells_keep_strata_apart_and_are_as_many_as_asked() -> None:
    rng = np.random.default_rng(0)
    strata = rng.integers(0, 3, 500)
    found, count = cells(rng.normal(size=(500, 2)), strata, 40)
    assert count == 40
    assert set(found) == set(range(40))
    assert all(len(np.unique(strata[found == c])) == 1 for c in range(40))


def test_equal_rows_are_one_cell() -> None:
    where = np.repeat([[0.0, 1.0], [2.0, 3.0]], 50, axis=0)
    assert cells(where, np.zeros(100, dtype=int), 40)[1] == 2


def test_two_nodes_keep_three_moments() -> None:
    rng = np.random.default_rng(0)
    cell, values = rng.integers(0, 5, 200), rng.standard_t(4, 200)
    at, weights = nodes(cell, 5, values)
    for power in range(4):
        whole = np.bincount(cell, values**power, 5)
        np.testing.assert_allclose((weights * at**power).sum(axis=1), whole, rtol=1e-9)


def test_one_row_needs_one_node() -> None:
    at, weights = nodes(np.array([0]), 1, np.array([0.3]))
    assert weights.tolist() == [[1.0, 0.0]]
    assert at[0, 0] == 0.3


def ratios(specification: Any, most: int, draws: int = 40) -> np.ndarray:
    """Log likelihood of all rows less that of weighted ones, at points about the mode."""
    large = Large(specification)
    rows = Table(specification).some(most, np.random.default_rng(1))
    large._program = find_program(rows.specification, rows.given)
    at = mode_of(large._program, pack(rows.given))[0]
    for _ in range(2):
        rows = large._together(rows, at, most)
        large._program = find_program(rows.specification, rows.given)
        at, whitened, _ = mode_of(large._program, pack(rows.given), at)
    assert whitened is not None
    points = whitened.back(np.random.default_rng(2).standard_normal((draws, len(at))))
    told = large._draws(rows, points)
    like = rows.given
    whole = large._likelihood(told, large._table.parts(like))
    return whole - large._likelihood(told, rows.parts(like))


@pytest.mark.slow
def test_weighted_rows_say_of_draws_what_all_rows_do() -> None:
    described = specify(bayesq.read_runs(table(9000)), "chinchilla", discrepancy=False)
    # What 9,000 rows say of these draws differs by 1.9 (half the parameters' root).
    assert ratios(described, 4096).std() < 0.2


@pytest.mark.slow
def test_rows_of_equal_setting_collapse_exactly_under_normal_noise() -> None:
    once = table(40)
    runs = bayesq.read_runs(
        pd.concat([once.assign(loss=table(40, seed=s).loss.values) for s in range(2, 12)])
    )
    described = specify(runs, "chinchilla", noise="normal", discrepancy=False)
    off = ratios(described, 96)
    np.testing.assert_allclose(off, off[0], atol=1e-6)


def same(few: bayesq.Fit, whole: bayesq.Fit) -> None:
    """Hold means and deviations of two fits against each other by their Monte Carlo errors."""
    a, b = few.summary(), whole.summary()
    error = np.hypot(a["sd"] / np.sqrt(a["ess_bulk"]), b["sd"] / np.sqrt(b["ess_bulk"]))
    # Coefficients have long tails; their exponents tell.
    rows = [name for name in a.index if name not in ("A", "B", "C")]
    assert ((a["mean"] - b["mean"]) / error)[rows].abs().max() < 4.5
    assert np.log(a["sd"] / b["sd"])[rows].abs().max() < 0.2


def by_weighted(
    specification: Specification, weighted: int, draws: int = 1000, chains: int = 4, seed: int = 1
) -> bayesq.Fit:
    """Fit by so few weighted rows as no fit takes by itself."""
    made: dict[str, Any] = {"draws": draws, "tune": 500, "seed": seed, "sampler": "nutpie"}
    large = Large(specification, weighted=weighted)
    drawn = large.sample(**made, chains=chains)
    return fit_of_draws(specification, large, drawn, made)


@pytest.mark.slow
@pytest.mark.parametrize("discrepancy", [False, True])
def test_six_rows_put_into_one_say_what_all_do(discrepancy: bool) -> None:
    runs = bayesq.read_runs(table(3000))
    few = by_weighted(specify(runs, "chinchilla", discrepancy=discrepancy), 500)
    reduction = Reduction.from_attributes(few.data.attrs)
    assert reduction is not None
    assert reduction.weighted <= 520
    assert reduction.good
    same(few, bayesq.fit(runs, "chinchilla", discrepancy=discrepancy, seed=1, progress=False))


@pytest.mark.slow
def test_intervals_by_weighted_rows_cover() -> None:
    truth = {"E": 1.69, "alpha": 0.34, "beta": 0.28, "sigma": 0.01, "dof": 4.0}
    tables, held = 30, dict.fromkeys(truth, 0)
    for seed in range(tables):
        runs = bayesq.read_runs(table(3000, seed=100 + seed))
        described = specify(runs, "chinchilla", discrepancy=False)
        fit = by_weighted(described, 300, draws=400, chains=2, seed=seed)
        for name, value in truth.items():
            low, high = np.quantile(fit.posterior[name], [0.05, 0.95])
            held[name] += int(low <= value <= high)
    # One parameter of a right fit has fewer than 21 with a probability of 0.2 %.
    assert min(held.values()) >= 21, held
    # All of them together: their intervals go together by no more than all five being one.
    assert 0.8 <= sum(held.values()) / (tables * len(truth)) <= 0.98, held


@pytest.mark.slow
def test_all_rows_are_sampled_where_weighted_ones_do_not_stand_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = bayesq.read_runs(table(3000))
    described = specify(runs, "chinchilla", discrepancy=False)
    # Rows that fail of themselves are a matter of luck, and take minutes to: these are called bad.
    monkeypatch.setattr("bayesq.sampling.large._MORE", 1)
    monkeypatch.setattr("bayesq.sampling.reduction._LEAST_EFFECTIVE", 2.0)
    monkeypatch.setattr("bayesq.sampling.reduction._GOOD", 2.0)
    fit = by_weighted(described, 200)
    (note,) = [note for note in fit.notes if note.code == "coreset"]
    assert note.severity == "info"
    assert "all rows were sampled as they are" in note.message
    same(fit, bayesq.fit(runs, "chinchilla", discrepancy=False, seed=2, progress=False))
    # Of more rows than that a fit says that it is not to be used.
    monkeypatch.setattr("bayesq.sampling.large._ALL", 1000)
    (note,) = [note for note in by_weighted(described, 200).notes if note.code == "coreset"]
    assert note.severity == "severe"
    assert "coreset=False" in note.remedy


@pytest.mark.slow
def test_a_fit_by_weighted_rows_is_that_of_all_and_says_so(tmp_path: Path) -> None:
    runs = bayesq.read_runs(table(3000))
    options: dict[str, Any] = {"discrepancy": False, "seed": 1, "progress": False}
    few = bayesq.fit(runs, "chinchilla", coreset=True, **options)
    whole = bayesq.fit(runs, "chinchilla", **options)
    same(few, whole)
    assert "coreset" not in {note.code for note in whole.notes}
    (note,) = [note for note in few.notes if note.code == "coreset"]
    assert note.severity == "info"
    reduction = Reduction.from_attributes(few.data.attrs)
    assert reduction is not None
    assert reduction.rows == 3000
    assert reduction.note == note
    loaded = bayesq.load_fit(few.save(tmp_path / "fit.nc"))
    assert Reduction.from_attributes(loaded.data.attrs) == reduction
    assert note in loaded.notes


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"law": "chinchilla"},
        {"law": "chinchilla", "noise": "known-se", "discrepancy": False},
        {"law": "chinchilla", "noise": "student-t + run", "discrepancy": False},
        {"law": "chinchilla", "noise": "falls-with-D", "discrepancy": False},
        {"law": "chinchilla", "pool_by": "study", "discrepancy": False},
    ],
    ids=["misfit", "known-se", "run", "falls-with-D", "pooled"],
)
def test_weighted_rows_serve_other_models(options: dict[str, Any]) -> None:
    count = 3000
    rng = np.random.default_rng(5)
    run = rng.integers(0, 12, count)
    beside = {"run": [f"r{i}" for i in run], "study": [f"s{i % 3}" for i in run]}
    frame = table(count, loss_se=rng.uniform(0.005, 0.02, count), **beside)
    frame["loss"] *= np.exp(0.01 * rng.standard_normal(12))[run]
    runs = bayesq.read_runs(frame)
    made = {**options, "seed": 1, "progress": False}
    same(bayesq.fit(runs, coreset=True, **made), bayesq.fit(runs, **made))


def test_few_rows_are_all_fitted_and_many_are_not() -> None:
    assert FEW >= 5000  # usual tables keep their draws
    assert not takes_weighted(FEW, None)
    assert takes_weighted(FEW + 1, None)
    assert not takes_weighted(FEW + 1, None, "gpu")
    assert not takes_weighted(FEW + 1, False)
    assert takes_weighted(50, True)


def test_what_a_fit_was_asked_for_is_told_by_its_attributes() -> None:
    by = Reduction(30000, 8192, 1200, 1100.0, 0.1).to_attributes()
    assert asked_for(by, FEW + 1) is None
    assert asked_for(by, FEW) is True
    assert asked_for({}, FEW + 1) is False
    assert asked_for({"device": "gpu"}, FEW + 1) is None
    assert asked_for({}, FEW) is None


def test_all_rows_sampled_after_all_are_told_when_loaded() -> None:
    found = Reduction(30000, 8192, 1200, 3.0, 1.4, all_rows=True)
    assert Reduction.from_attributes(found.to_attributes()) == found
    assert found.note.severity == "info"


def test_weights_that_a_few_draws_have_are_severe() -> None:
    assert Reduction(10**6, 8192, 800, 700.0, 0.1).note.severity == "info"
    assert Reduction(10**6, 8192, 1200, 390.0, 0.1).note.severity == "warning"
    assert Reduction(10**6, 8192, 1200, 900.0, 0.6).note.severity == "warning"
    assert Reduction(10**6, 8192, 200, 190.0, 0.1).note.severity == "info"
    assert Reduction(10**6, 8192, 800, 30.0, 0.1).note.severity == "severe"
    assert Reduction(10**6, 8192, 800, 700.0, 0.9).note.severity == "severe"
    assert Reduction(10**6, 8192, 800, 700.0, float("nan")).note.severity == "severe"


def test_a_word_that_is_no_choice_is_refused() -> None:
    with pytest.raises(bayesq.BayesqError, match="coreset is 'yes'"):
        bayesq.fit(bayesq.read_runs(table(50)), "chinchilla", coreset="yes")  # type: ignore[arg-type]
