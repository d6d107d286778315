"""Cures of rows that importance sampling cannot leave out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import arviz_stats as azs
import numpy as np
import pytest
import xarray as xr
from leaving import leave_out

import bayesq
from bayesq.comparison.moments import moments_of
from bayesq.comparison.refits import Refits
from bayesq.comparison.units import densities, units_of
from bayesq.model.compose import compose
from bayesq.model.given import given
from bayesq.sampling.packing import pack
from bayesq.sampling.sample import sample
from two_runs import WILD


def test_the_density_for_moment_matching_is_that_of_the_model(wild_fit: bayesq.Fit) -> None:
    moments = moments_of(wild_fit, wild_fit.specification, np.arange(16))
    assert moments is not None
    rows = given(wild_fit.specification, fill_up=True)
    model = compose(wild_fit.specification, rows=rows)
    density, start = model.compile_logp(), model.initial_point()
    # In a point of the sampler they stand in the order of the model's free variables.
    values_of = [model.rvs_to_values[v] for v in model.free_RVs]
    found = moments.log_prob(moments.draws).values
    for chain, draw in ((0, 0), (1, 7), (0, 100)):
        values = moments.draws.values[chain, draw]
        ends = np.cumsum([np.size(start[v.name]) for v in values_of])
        assert ends[-1] == values.size
        point = {
            v.name: part.reshape(np.shape(start[v.name]))
            for v, part in zip(values_of, np.split(values, ends[:-1]), strict=True)
        }
        assert found[chain, draw] == pytest.approx(float(density(point)), abs=1e-9)
    own = np.stack([moments.log_lik(moments.draws, i).values for i in range(16)], axis=2)
    np.testing.assert_allclose(own, densities(wild_fit).values, rtol=0, atol=1e-8)


def test_cures_do_without_densities_that_are_not_kept(
    wild_fit: bayesq.Fit, wild_refits: Refits, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs, left_out = np.arange(16) // 2, np.arange(16) == WILD

    def told() -> tuple[np.ndarray, float]:
        moments = moments_of(wild_fit, wild_fit.specification, pairs)
        assert moments is not None
        return moments.log_lik(moments.draws, 3).values, wild_refits.elpd(left_out)

    by_pair, alone = told()
    # Of many rows by draws groups of a fit hold no densities by row.
    monkeypatch.setattr("bayesq.sampling.groups.MOST_CELLS", 10)
    again, alone_again = told()
    np.testing.assert_allclose(again, by_pair, rtol=0, atol=1e-8)
    assert alone_again == pytest.approx(alone, abs=1e-8)


def test_a_wild_row_is_cured(
    wild_fit: bayesq.Fit, wild_refits: Refits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bayesq.comparison.refits.Refits", lambda *_: wild_refits)
    plain = leave_out(wild_fit, wild_fit.specification, "row", "none")
    assert WILD in plain.bad
    assert plain.matched == plain.refitted == ()
    matched = leave_out(wild_fit, wild_fit.specification, "row", "moments")
    assert WILD in matched.matched
    assert matched.refitted == ()
    assert matched.pareto_k[WILD] <= matched.good_k < plain.pareto_k[WILD]
    # Rows whose estimate was good are left as they are.
    kept = np.setdiff1d(np.arange(16), plain.bad)
    np.testing.assert_array_equal(matched.elpd[kept], plain.elpd[kept])
    # Where draws cannot be moved, as those of a fit that has not kept their coordinates, the
    # exact answer is taken.
    older = replace(wild_fit, data=wild_fit.data.copy())
    del older.data["unconstrained_posterior"]
    stuck = leave_out(older, wild_fit.specification, "row", "moments")
    np.testing.assert_array_equal(stuck.elpd, plain.elpd)
    assert stuck.matched == ()
    exact = leave_out(older, wild_fit.specification, "row", "refit")
    assert exact.refitted == tuple(plain.bad)
    assert exact.matched == ()
    assert exact.bad.size == 0
    assert (exact.pareto_k[plain.bad] == 0).all()
    np.testing.assert_array_equal(exact.elpd[kept], plain.elpd[kept])
    # Importance sampling sees the row with draws that know it; both cures take that back.
    assert plain.elpd[WILD] > exact.elpd[WILD] + 0.5
    assert matched.elpd[WILD] == pytest.approx(exact.elpd[WILD], abs=0.5)


def test_refits_are_told_before_the_first(
    wild_fit: bayesq.Fit,
    wild_refits: Refits,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen = []

    def elpd(left_out: np.ndarray) -> float:
        seen.append(capsys.readouterr().err)
        return 1.0

    monkeypatch.setattr(wild_refits, "elpd", elpd)
    monkeypatch.setattr("bayesq.comparison.refits.Refits", lambda *_: wild_refits)
    older = replace(wild_fit, data=wild_fit.data.copy())
    del older.data["unconstrained_posterior"]
    two = {"a": older, "b": older}
    found = bayesq.compare(two, outside=None)
    each = found.to_frame()["refitted"].iloc[0]
    assert len(seen) == 2 * each
    assert (
        f"{2 * each} of 32 estimates are not to be trusted, and each takes a refit "
        f"(a {each}, b {each}). Cure 'moments' takes seconds instead"
    ) in seen[0]
    assert (found.inside["a"].elpd[list(found.inside["a"].refitted)] == 1.0).all()
    capsys.readouterr()
    bayesq.compare(two, outside=None, progress=False)
    assert "".join(seen[len(seen) // 2 :]) == capsys.readouterr().err == ""
    # Where none is to come, none is spoken of.
    bayesq.compare(two, outside=None, cure="none")
    assert "refit" not in capsys.readouterr().err


def test_the_table_counts_the_cures(
    wild_fit: bayesq.Fit, wild_refits: Refits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bayesq.comparison.refits.Refits", lambda *_: wild_refits)
    two = {"a": wild_fit, "b": wild_fit}
    options: dict[str, Any] = {"outside": None, "progress": False}
    plain = bayesq.compare(two, cure="none", **options)
    bad = plain.to_frame()["bad"]
    assert (bad > 0).all()
    assert "pareto-k" in {n.code for n in plain.notes}
    matched = bayesq.compare(two, cure="moments", **options)
    table = matched.to_frame()
    assert (table["matched"] > 0).all()
    assert (table["matched"] + table["bad"] == bad).all()
    assert (table["refitted"] == 0).all()
    cured = bayesq.compare(two, **options).to_frame()
    assert (cured["bad"] == 0).all()
    assert (cured["matched"] + cured["refitted"] == bad).all()
    assert (cured["k"] <= plain.inside["a"].good_k).all()


def points_of(wild_refits: Refits, counted: np.ndarray, *, draws: int, seed: int) -> np.ndarray:
    """Draw from the posterior with each row counted as often as `counted` says."""
    model = wild_refits._model
    assert model._rows["counted"].tolist() == [1.0] * 16
    rows = pack(model._rows | {"counted": counted})
    drawn = sample(model.program, rows, draws=draws, tune=500, chains=2, seed=seed, low_rank=False)
    return drawn.points


@pytest.mark.slow
def test_a_fit_without_the_row_is_exact(wild_refits: Refits, wild_fit: bayesq.Fit) -> None:
    """Integrate the log density of the row along a path that fades it in: no fit left it out."""
    from bayesq.comparison.units import per_nat

    at, weights = np.polynomial.legendre.leggauss(8)
    at, weights = ((at + 1) / 2) ** 2, weights * (at + 1) / 2  # denser where it is not yet in
    whole = 0.0
    for counted, weight in zip(at, weights, strict=True):
        rows = np.ones(16)
        rows[WILD] = counted
        points = points_of(wild_refits, rows, draws=1000, seed=5)
        found = wild_refits._model.groups(points)["log_likelihood"]["loss"]
        whole += weight * float(per_nat(wild_fit, found).isel(row=WILD).mean())
    exact = wild_refits.elpd(np.arange(16) == WILD)
    assert exact == pytest.approx(whole, abs=0.4)


def test_refits_count_the_rows_that_they_are_told_to(
    wild_refits: Refits, wild_fit: bayesq.Fit, two_fits: dict[str, bayesq.Fit]
) -> None:
    def sampled(counted: np.ndarray) -> xr.Dataset:
        return wild_refits._model.groups(points_of(wild_refits, counted, draws=500, seed=3))[
            "posterior"
        ]

    everything = sampled(np.ones(16))
    for symbol in ("E", "alpha", "beta", "sigma"):
        one, other = everything[symbol], wild_fit.posterior[symbol]
        error = np.sqrt(sum(float(x.var() / azs.ess(x)) for x in (one, other)))
        assert abs(float(one.mean() - other.mean())) < 4 * error
    without = sampled(np.where(np.arange(16) == WILD, 0.0, 1.0))
    # Without it the noise is that of the table in which the row is not wild.
    tame = float(two_fits["normal"].posterior["sigma"].median())
    assert float(without["sigma"].median()) == pytest.approx(tame, rel=0.25)
    assert float(everything["sigma"].median()) > 1.4 * tame


def test_units_of_several_rows_are_refitted_together(
    wild_refits: Refits, wild_fit: bayesq.Fit
) -> None:
    codes = units_of(wild_fit.specification.design, "run")
    left = leave_out(wild_fit, wild_fit.specification, "run", "none")
    good = int(np.flatnonzero(left.pareto_k < 0.5)[0])
    # Where importance sampling does well, both say the same.
    assert wild_refits.elpd(codes == good) == pytest.approx(left.elpd[good], abs=0.25)
