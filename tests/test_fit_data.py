"""The groups of a fit's data: what is in which, what is made when it is looked at, and by whom."""

from __future__ import annotations

import logging
import pickle
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from made_up_fits import around
from saved_fits import unpacked

import bayesq
from bayesq import BayesqError, Fit
from bayesq.posterior import on_demand, remeasured
from bayesq.posterior.division import GROUPS
from bayesq.posterior.migration import BEFORE
from bayesq.posterior.on_demand import POINTWISE, PRIOR_OF, PRIOR_PREDICTIVE
from bayesq.posterior.remeasured import log_likelihood
from bayesq.sampling import groups as sampling_groups
from bayesq.sampling.compiled import Compiled

FORMATS = [name.rpartition(" ")[2] for name in BEFORE]
NAMES = ("ptq", "kinds", "studies")
PTQ_QUICK = [pytest.param(name, marks=[pytest.mark.slow] * (name != "ptq")) for name in NAMES]


def unmade(fit: Fit) -> set[str]:
    """List the groups whose values are not there yet."""
    return {
        group
        for group in (*POINTWISE, *PRIOR_OF)
        if group in fit.data.children
        and not all(
            on_demand._is_at_hand(v) for v in fit.data[group].to_dataset().data_vars.values()
        )
    }


# --- which group holds what --------------------------------------------------------------------


def test_each_variable_stands_in_the_group_of_its_kind(ptq_fit: Fit) -> None:
    data = ptq_fit.data
    found = {group: set(data[group].data_vars) for group in GROUPS}
    assert found == {
        "posterior": {"C_T", "gamma_D", "gamma_N", "gamma_post", "sigma", "sigma_0", "dof"},
        "misfit": {"tau", "tau_format", "misfit_shared", "misfit_own"},
        "auxiliary": {"C_T_pivot"},
    }
    summarised = [n for n in ptq_fit.summary().index if not n.startswith("tau")]
    assert list(data["posterior"].data_vars) == summarised
    assert set(ptq_fit.posterior.data_vars) == set().union(*found.values())
    for group, of in PRIOR_OF.items():
        assert set(data[group].data_vars) == found[of]
    assert set(data["log_prior_auxiliary"].data_vars) == {"misfit_shared", "misfit_own"}


@pytest.mark.parametrize("name", NAMES)
def test_every_number_has_its_unit_and_its_maker(name: str, tmp_path: Path) -> None:
    fit = bayesq.load_fit(unpacked(name, "6", tmp_path))
    for group in fit.data.children:
        held = fit.data[group].to_dataset()
        if fit.data[group].children:  # the fields of several studies
            continue
        for variable, values in held.data_vars.items():
            if values.dtype.kind != "U":
                assert values.attrs["units"], (group, variable)
        assert held.attrs["creation_library"] == "bayesq"
        assert held.attrs["inference_library"] == "nutpie"
        assert held.attrs["inference_library_version"]
    assert fit.data["posterior_predictive"][fit.response].attrs["units"] == "nats/token"


@pytest.mark.parametrize(
    ("name", "number"), [*((n, "6") for n in NAMES), *(("ptq", number) for number in FORMATS[1:])]
)
def test_files_of_before_have_the_groups_of_today(name: str, number: str, tmp_path: Path) -> None:
    path = unpacked(name, number, tmp_path)
    with xr.open_datatree(path, engine="h5netcdf") as file:
        then = file["posterior"].to_dataset().load()
    fit = bayesq.load_fit(path)
    xr.testing.assert_equal(fit.posterior[list(then.data_vars)], then)
    wanted = {p.symbol for p in fit.parameters} - {"tau", "tau_format"}
    named = {n.partition("_by_")[0].removesuffix("_spread") for n in fit.data["posterior"]}
    assert {n.removesuffix("_rate") for n in named} == wanted
    assert "tau" in fit.data["misfit"]
    stats = set(fit.data["sample_stats"].data_vars)
    assert {"tree_depth", "lp", "acceptance_rate"} <= stats
    assert not {"depth", "logp", "mean_tree_accept"} & stats


@pytest.mark.parametrize("name", PTQ_QUICK)
def test_a_file_without_rows_is_one_again_when_it_is_saved_again(name: str, tmp_path: Path) -> None:
    fit = bayesq.load_fit(unpacked(name, "4", tmp_path))
    back = bayesq.load_fit(fit.save(tmp_path / "again.nc"))
    for found in (fit, back):
        assert not found.can_refit
        assert not {*PRIOR_OF, PRIOR_PREDICTIVE, "posterior_predictive"} & set(found.data.children)
        for read in (lambda f: f.model, lambda f: f.trace):
            with pytest.raises(BayesqError, match="does not hold the rows that were fitted"):
                read(found)
        with pytest.raises(BayesqError, match="no draws of the prior"):
            bayesq.plot.plot_prior_posterior(found)
    xr.testing.assert_equal(back.posterior, fit.posterior)


def test_rows_of_the_model_come_back_from_constant_data(ptq_fit: Fit) -> None:
    held = ptq_fit.data["constant_data"].to_dataset()
    columns = ptq_fit.design.runs.columns
    for name in ("loss", "loss_se", "loss_full", "degradation_se", "study", "run", "corpus"):
        np.testing.assert_array_equal(held[name], columns[name].astype(held[name].dtype))
    for symbol, values in ptq_fit.design.inputs.items():
        np.testing.assert_array_equal(held[symbol], values)
    observed = ptq_fit.data["observed_data"]["degradation"]
    np.testing.assert_allclose(held["loss"] - held["loss_full"], observed, rtol=1e-12)


# --- what is made when it is looked at ---------------------------------------------------------


def test_nothing_is_drawn_before_it_is_looked_at(small_fit: Fit) -> None:
    fit = replace(small_fit, data=small_fit.data.copy().filter(lambda n: n.name not in MADE))
    everything = {*PRIOR_OF, PRIOR_PREDICTIVE, "posterior_predictive"}
    assert unmade(fit) == everything
    fit.summary()
    bayesq.predict(fit, {"N": 7e6, "D": 2e8, "w_bits": 4}, kind="run")
    repr(fit), repr(fit.data)
    assert unmade(fit) == everything
    fit.data["posterior_predictive"].load()
    assert unmade(fit) == everything - {"posterior_predictive"}
    # Priors and what they predict are one draw of the model.
    fit.data["prior"].load()
    assert not unmade(fit)


MADE = {*PRIOR_OF, PRIOR_PREDICTIVE, "posterior_predictive"}


@pytest.mark.parametrize("saved", [False, True])
def test_a_fit_goes_to_another_process(saved: bool, small_base: Fit, tmp_path: Path) -> None:
    fit = bayesq.load_fit(small_base.save(tmp_path / "fit.nc")) if saved else small_base
    assert fit.model is not None
    back = pickle.loads(pickle.dumps(fit))
    for group in ("posterior", "posterior_predictive"):
        one, other = (f.data[group].to_dataset() for f in (fit, back))
        xr.testing.assert_identical(one.load(), other.load())
    assert [v.name for v in back.model.free_RVs] == [v.name for v in fit.model.free_RVs]


def test_what_was_not_saved_is_drawn_the_same_again(
    small_fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_demand, "_PRIOR_DRAWS", 50)
    fresh = replace(small_fit, data=small_fit.data.copy().filter(lambda n: n.name not in MADE))
    path = fresh.save(tmp_path / "fit.nc")
    with xr.open_datatree(path, engine="h5netcdf") as file:
        assert MADE & set(file.children) == {"posterior_predictive"}
    back = bayesq.load_fit(path)
    for group in sorted(MADE):
        one, other = (f.data[group].to_dataset() for f in (fresh, back))
        xr.testing.assert_identical(one.load(), other.load())
    # Looked at, they are in the file.
    with xr.open_datatree(fresh.save(path), engine="h5netcdf") as file:
        assert set(file.children) >= MADE


@pytest.mark.parametrize("name", NAMES)
def test_densities_made_are_those_that_were_sampled(name: str, tmp_path: Path) -> None:
    # Kinds, studies, and effects that cells share.
    fit = bayesq.load_fit(unpacked(name, "6", tmp_path))
    stored = fit.data["log_likelihood"][fit.response].values
    made = log_likelihood(fit.specification, fit.posterior, *map(np.arange, stored.shape))
    np.testing.assert_allclose(made, stored, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("fixture", ["ptq_fit", pytest.param("base_fit", marks=pytest.mark.slow)])
def test_new_measurements_of_the_rows_are_what_predictions_of_runs_are(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    fit: Fit = request.getfixturevalue(fixture)
    drawn = fit.data["posterior_predictive"][fit.response]
    columns = fit.design.runs.columns
    at = pd.DataFrame({n: columns[n] for n in ("N", "D")})
    if fit.response == "degradation":
        at = at.assign(w_bits=columns["w_bits"], w_group=columns["w_group"])
    predicted = bayesq.predict(fit, at, kind="run", seed=5).draws
    probs = [0.05, 0.25, 0.5, 0.75, 0.95]
    mine, theirs = (d.quantile(probs, ("chain", "draw")).values for d in (drawn, predicted))
    # Quantiles of 4,000 draws each, in units of the interval's width: by chance up to 0.05.
    width = theirs[-1] - theirs[0]
    assert np.abs((mine - theirs) / width).max() < 0.08


def test_priors_are_drawn_from_the_stated_ones(small_fit: Fit) -> None:
    prior = small_fit.data["prior"].to_dataset()
    prior = prior.assign(small_fit.data["prior_misfit"].to_dataset().data_vars)
    for p in small_fit.parameters:
        if p.term is None:
            values = prior[p.symbol].values.ravel()
            levels = np.array([np.mean(values < p.prior.quantile(q)) for q in (0.1, 0.5, 0.9)])
            # 1,000 draws: four standard errors at most.
            np.testing.assert_allclose(levels, [0.1, 0.5, 0.9], atol=0.07)


@pytest.mark.parametrize("name", NAMES)
def test_priors_have_the_shapes_of_the_posterior(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_demand, "_PRIOR_DRAWS", 30)
    fit = bayesq.load_fit(unpacked(name, "6", tmp_path))
    for group, of in PRIOR_OF.items():
        prior, posterior = (fit.data[g].to_dataset() for g in (group, of))
        assert set(prior.data_vars) == set(posterior.data_vars)
        for variable, values in prior.data_vars.items():
            assert values.dims == posterior[variable].dims
            assert values.values.shape[2:] == posterior[variable].shape[2:]
    new = fit.data[PRIOR_PREDICTIVE][fit.response]
    assert new.values.shape == (1, 30, len(fit.design.index))


# --- large tables ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large() -> Fit:
    """Make up a fit with more values of rows by draws than are kept."""
    rng = np.random.default_rng(0)
    rows = [{"N": n, "D": d} for n, d in product(np.geomspace(1e7, 1e9, 16), [1e9, 3e9, 1e10])]
    frame = pd.DataFrame(rows * 5)
    frame["loss"] = 1.7 + 400 / frame["N"] ** 0.34 + 400 / frame["D"] ** 0.28
    frame["loss"] *= rng.normal(1, 0.01, len(frame))
    about = {"E": 1.7, "A": 400.0, "B": 400.0, "alpha": 0.34, "beta": 0.28, "sigma": 0.01}
    return around(bayesq.read_runs(frame), "chinchilla", "loss", about | {"dof": 8.0}, draws=3000)


def test_large_groups_are_not_saved_and_made_by_the_row(large: Fit, tmp_path: Path) -> None:
    path = large.save(tmp_path / "fit.nc")
    with xr.open_datatree(path, engine="h5netcdf") as file:
        assert not set(POINTWISE) & set(file.children)
    back = bayesq.load_fit(path)
    for group in ("log_likelihood", "posterior_predictive"):
        few = back.data[group]["loss"].isel(row=[3, 200], draw=slice(0, 3000, 100))
        assert few.shape == (2, 30, 2)
        whole = large.data[group]["loss"]
        assert whole.size > 1_000_000
        np.testing.assert_array_equal(whole.values[:, ::100, [3, 200]], few.values)
        np.testing.assert_array_equal(whole.isel(row=3).values, whole.values[..., 3])
        assert group in unmade(large)


def test_large_groups_are_made_by_blocks_of_rows(
    large: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = large.data["posterior_predictive"]["loss"].values
    asked, around_rows = [], remeasured.around

    def told(specification: object, posterior: xr.Dataset, rows: np.ndarray) -> object:
        asked.append((posterior.sizes["chain"] * posterior.sizes["draw"], len(rows)))
        return around_rows(specification, posterior, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(remeasured, "around", told)
    monkeypatch.setattr(remeasured, "_CELLS", 6000 * 100)
    again = large.data["posterior_predictive"]["loss"].values
    assert asked == [(6000, 100), (6000, 100), (6000, 40)]
    np.testing.assert_allclose(again, whole, rtol=1e-12)
    asked.clear()
    few = large.data["log_likelihood"]["loss"].isel(chain=0, draw=[5, 3])
    assert few.values.shape == (2, 240)
    assert asked == [(2, 240)]


def test_a_fit_of_a_large_table_keeps_no_densities(
    small_fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = small_fit.data["unconstrained_posterior"]["coordinate"].values
    model = Compiled(small_fit.specification)
    whole = model.groups(points)
    monkeypatch.setattr(sampling_groups, "MOST_CELLS", 100)
    few = model.groups(points)
    assert whole.keys() - few.keys() == {"log_likelihood"}
    for group, held in few.items():
        xr.testing.assert_identical(held, whole[group])


# --- PyMC --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_pymc_takes_the_trace_and_redraws_the_misfit_from_the_data(
    small_fit: Fit, caplog: pytest.LogCaptureFixture
) -> None:
    # Of the model itself draws without the misfit are refused.
    model = small_fit.model.copy()
    few = {"draw": slice(0, 3)}
    caplog.set_level(logging.INFO)

    def redrawn(tree: xr.DataTree) -> str:
        caplog.clear()
        pm.sample_posterior_predictive(tree, model=model, random_seed=1, progressbar=False)
        (said,) = [m for m in caplog.messages if m.startswith("Sampling: ")]
        return said

    assert redrawn(small_fit.trace.isel(few)) == "Sampling: [degradation]"
    alone = xr.DataTree.from_dict({"posterior": small_fit.data["posterior"].to_dataset().isel(few)})
    assert "misfit_shared" in redrawn(alone)
