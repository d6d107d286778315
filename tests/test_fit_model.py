"""The PyMC model of a fit: what PyMC's own functions make of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from pytensor.compile import Mode
from saved_fits import unpacked
from scipy import stats

import bayesq
from bayesq.model.compose import compose
from bayesq.posterior.stand_ins import stand_in_law

PLAIN = Mode(linker="py", optimizer="fast_compile")


@pytest.mark.parametrize(
    "name",
    [*(pytest.param(n, marks=pytest.mark.slow) for n in ("ptq", "kinds")), "studies"],
)
def test_a_saved_fit_has_the_model_that_was_fitted(name: str, tmp_path: Path) -> None:
    fit = bayesq.load_fit(unpacked(name, "6", tmp_path))
    model, plain = fit.model, compose(fit.specification, to_sample=False)
    assert [v.name for v in model.free_RVs] == [v.name for v in plain.free_RVs]
    # The same density, of values in nats in place of those on the scale of the noise.
    point = model.initial_point()
    jacobian = fit.noise.log_jacobian(fit.design.observed).sum()
    # NumPy runs one point faster than any compiler starts.
    first, second = (
        sum(part.sum() for part in m.compile_logp(sum=False, mode=PLAIN)(point))
        for m in (model, plain)
    )
    assert first == pytest.approx(second + jacobian, rel=1e-10)
    assert {v.name for v in model.free_RVs} <= set(fit.trace["posterior"].data_vars)
    for held in model.data_vars:
        known = fit.trace["constant_data"][held.name]
        assert known.dims == model.named_vars_to_dims[held.name]
        np.testing.assert_array_equal(held.get_value(), known.values)
        for dim in known.dims:
            if dim in known.coords:
                assert list(known[dim].values) == list(model.coords[dim])


def test_variables_stand_under_the_names_of_the_paper(small_base: bayesq.Fit) -> None:
    model = small_base.model
    assert model is small_base.model
    assert [v.name for v in model.observed_RVs] == ["loss"]
    assert {v.name for v in model.data_vars} == {"N", "D", "misfit_basis_shared", "measured_loss"}
    assert {v.name for v in model.deterministics} == {"A", "B"}
    np.testing.assert_array_equal(model["measured_loss"].get_value(), small_base.design.observed)
    assert list(model.coords["row"]) == list(small_base.design.index)
    drawn = pm.model_to_graphviz(model).source
    assert "LogStudentT" in drawn
    # Nothing of the sampler's coordinates.
    assert not any(word in drawn for word in ("counted", "turned", "amid", "told"))


@pytest.mark.slow
def test_what_pymc_foretells_is_what_bayesq_does(base_fit: bayesq.Fit, ptq_fit: bayesq.Fit) -> None:
    for fit in (base_fit, ptq_fit):
        trace = fit.trace.isel(draw=slice(0, None, 4))
        drawn = pm.sample_posterior_predictive(
            trace, model=fit.model, random_seed=1, progressbar=False
        )
        theirs = drawn["posterior_predictive"][fit.response].stack(all=("chain", "draw"))
        columns = {n: fit.design.runs.columns[n] for n in ("N", "D", "w_bits")}
        columns = {n: v for n, v in columns.items() if n != "w_bits" or fit is ptq_fit}
        if fit is ptq_fit:
            columns |= {n: fit.design.runs.columns[n] for n in ("w_kind", "w_group", "stage")}
        ours = bayesq.predict(fit, columns, kind="run", seed=3).draws
        for row in range(0, len(fit.design.index), 5):
            told = stats.ks_2samp(theirs.values[row], of_row(ours, row))
            assert told.pvalue > 1e-4, (fit.response, row)


def of_row(draws: xr.DataArray, row: int) -> np.ndarray:
    return draws.isel(scenario=row).values.ravel()


@pytest.mark.slow
def test_likelihoods_are_those_of_the_fit(small_fit: bayesq.Fit, small_base: bayesq.Fit) -> None:
    for fit in (small_fit, small_base):
        found = pm.compute_log_likelihood(fit.trace, model=fit.model, progressbar=False)
        own = fit.data["log_likelihood"][fit.response]
        change = xr.DataArray(fit.noise.log_jacobian(fit.design.observed), dims="row")
        np.testing.assert_allclose(
            found["log_likelihood"][fit.response].values, (own + change).values, atol=1e-9
        )


def test_draws_without_the_misfit_are_completed(small_base: bayesq.Fit) -> None:
    """PyMC would draw tau and the misfit from their priors, without a word."""
    model = small_base.model

    def drawn(trace: xr.DataTree, model: pm.Model) -> xr.DataArray:
        found = pm.sample_posterior_predictive(
            trace, model=model, random_seed=1, progressbar=False, compile_kwargs={"mode": PLAIN}
        )
        return found["posterior_predictive"]["loss"]

    right = drawn(small_base.trace, model)
    xr.testing.assert_allclose(drawn(small_base.data, model), right)
    some = small_base.data.sel(draw=slice(10, 30))
    assert np.corrcoef(drawn(some, model)[0].mean("draw"), right[0].mean("draw"))[0, 1] > 0.99
    # Whoever wants them from their priors has a copy.
    wide = drawn(small_base.data, model.copy()).std(("chain", "draw"))
    assert float((wide / right.std(("chain", "draw"))).median()) > 3


def test_draws_of_another_fit_are_not_completed(small_base: bayesq.Fit) -> None:
    other = small_base.data.copy()
    other["posterior"] = other["posterior"].to_dataset() * 1.01
    with pytest.raises(bayesq.BayesqError, match=r"not those of this fit.*pass fit\.trace"):
        pm.sample_posterior_predictive(other, model=small_base.model, progressbar=False)


@pytest.mark.slow
def test_priors_are_drawn(small_base: bayesq.Fit) -> None:
    drawn = pm.sample_prior_predictive(50, model=small_base.model, random_seed=1)
    assert {"E", "A", "alpha", "tau", "misfit_shared"} <= set(drawn["prior"].data_vars)
    assert drawn["prior_predictive"]["loss"].dims == ("chain", "draw", "row")


@pytest.mark.slow
def test_priors_of_studies_are_drawn_to_their_far_tails(tmp_path: Path) -> None:
    """One study's term may overflow, and the rows of the others are no less numbers for it."""
    fit = bayesq.load_fit(unpacked("studies", "6", tmp_path))
    found = bayesq.prior_check(fit.design.runs, fit.law, noise=fit.noise, pool_by="study")
    assert np.isfinite(found.draws).mean() > 0.99
    assert np.isinf(found.draws).any()


@pytest.mark.slow
def test_pymc_draws_priors_of_studies_without_nan(tmp_path: Path) -> None:
    fit = bayesq.load_fit(unpacked("studies", "6", tmp_path))
    drawn = pm.sample_prior_predictive(2000, model=fit.model, random_seed=1)
    values = drawn["prior_predictive"][fit.response].values
    assert not np.isnan(values).any()
    assert np.isinf(values).any()


def test_a_model_that_cannot_be_written_down_is_refused(
    small_base: bayesq.Fit, tmp_path: Path
) -> None:
    law = small_base.law
    other = stand_in_law(law.to_dict(), "Law chinchilla has changed since this fit was made.")
    specification = small_base.specification
    changed = replace(specification, design=replace(specification.design, law=other))
    fit = bayesq.Fit(changed, small_base.data, ())
    for read in (lambda: fit.model, lambda: fit.trace):
        with pytest.raises(bayesq.BayesqError, match="has changed since"):
            read()
    old = bayesq.load_fit(unpacked("ptq", "4", tmp_path))
    with pytest.raises(bayesq.BayesqError, match="does not hold the rows"):
        _ = old.model


@pytest.mark.slow
def test_pymc_samples_what_bayesq_does(grid: bayesq.Runs) -> None:
    fit = bayesq.fit(grid, "chinchilla", discrepancy=False, seed=1, progress=False)
    tree = pm.sample(
        500, tune=1000, chains=4, cores=1, model=fit.model, random_seed=1, progressbar=False
    )
    agree(tree["posterior"].to_dataset(), fit.posterior, ("E", "A_pivot", "alpha", "beta", "sigma"))


def agree(one: xr.Dataset, other: xr.Dataset, names: tuple[str, ...]) -> None:
    """Hold medians against each other within four Monte Carlo errors."""
    import arviz_stats as azs

    for name in names:
        first, second = one[name].values, other[name].values
        error = np.hypot(*(azs.mcse(v, method="median") for v in (first, second)))
        assert abs(np.median(first) - np.median(second)) < 4 * error, name
