"""ArviZ on the data of a fit: all of its plots and statistics that make sense for a regression."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

import bayesq

Call = Callable[[xr.DataTree], Any]


def compared(data: xr.DataTree) -> Any:
    return az.compare({"one": az.loo(data, pointwise=True), "other": az.loo(data, pointwise=True)})


def mean_of(data: xr.DataTree, response: str) -> xr.DataTree:
    """Put the predictions where statistics of a regression look for its mean."""
    found = data.copy()
    found["posterior"] = xr.DataTree(
        data["posterior"].to_dataset().assign(mu=data["posterior_predictive"][response])
    )
    return found


def one(function: Callable[..., Any], **given: Any) -> Call:
    return lambda data: function(data, **given)


WITH_TWO = [
    "plot_autocorr",
    "plot_dist",
    "plot_ess",
    "plot_ess_evolution",
    "plot_forest",
    "plot_mcse",
    "plot_pair",
    "plot_parallel",
    "plot_prior_posterior",
    "plot_psense_dist",
    "plot_psense_quantities",
    "plot_rank",
    "plot_rank_dist",
    "plot_ridge",
    "plot_trace",
    "plot_trace_dist",
    "plot_dgof",
    "plot_dgof_dist",
    "plot_convergence_dist",
    "psense",
    "psense_summary",
    "summary",
    "ess",
    "rhat",
    "rhat_nested",
    "mcse",
    "hdi",
    "eti",
    "histogram",
    "kde",
    "qds",
    "iqr",
    "mad",
    "mean",
    "median",
    "mode",
    "std",
    "var",
    "thin",
    "diagnose",
]
AS_THEY_ARE = [
    "plot_energy",
    "plot_ppc_dist",
    "plot_ppc_dist_pit",
    "plot_ppc_interval",
    "plot_ppc_pit",
    "plot_ppc_tstat",
    "plot_loo_interval",
    "plot_loo_pit",
    "bfmi",
    "loo",
    "loo_expectations",
    "loo_influence",
    "loo_metrics",
    "loo_pit",
    "loo_score",
    "metrics",
    "extract",
    "convert_to_datatree",
    "get_log_likelihood",
]


def calls(response: str, two: list[str]) -> dict[str, Call]:
    """List what is run on a fit of a response, with two of its parameters."""
    return {
        **{name: one(getattr(az, name), var_names=two) for name in WITH_TWO},
        **{name: one(getattr(az, name)) for name in AS_THEY_ARE},
        "rhat_nested": one(az.rhat_nested, var_names=two, superchain_ids=[0, 1]),
        "plot_bf": one(az.plot_bf, var_names=[two[0]]),
        "bayes_factor": one(az.bayes_factor, var_names=[two[0]]),
        "plot_pair_focus": one(az.plot_pair_focus, focus_var=two[0], var_names=two),
        "plot_khat": lambda data: az.plot_khat(az.loo(data, pointwise=True)),
        "plot_compare": lambda data: az.plot_compare(compared(data)),
        "compare": compared,
        "plot_lm": one(az.plot_lm, x="N", y=response),
        "loo_i": lambda data: az.loo_i(0, data),
        "loo_r2": one(az.loo_r2, var_name=response, n_simulations=100),
        "loo_subsample": one(az.loo_subsample, observations=20, log_lik_fn=None),
        "bayesian_r2": lambda data: az.bayesian_r2(mean_of(data, response), "mu", "sigma"),
        "residual_r2": lambda data: az.residual_r2(mean_of(data, response), "mu", response),
        "ci_in_rope": one(az.ci_in_rope, rope=(0.0, 1.0), var_names=two),
        "kl_divergence": lambda data: az.kl_divergence(data, data, var_names=two, num_samples=50),
        "wasserstein": lambda data: az.wasserstein(data, data, var_names=two, num_samples=50),
        "weight_predictions": lambda data: az.weight_predictions([data, data]),
        "convert_to_dataset": one(az.convert_to_dataset, group="posterior"),
        "dataset_to_dataarray": lambda data: az.dataset_to_dataarray(
            data["posterior"].to_dataset()
        ),
        "dataset_to_dataframe": lambda data: az.dataset_to_dataframe(
            data["posterior"].to_dataset()
        ),
        "kde2d": lambda data: az.kde2d(*(data["posterior"][n].values.ravel() for n in two)),
        "histogram2d": lambda data: az.histogram2d(
            *(data["posterior"][n].values.ravel() for n in two)
        ),
        "hexbin": lambda data: az.hexbin(*(data["posterior"][n].values.ravel() for n in two)),
        "xarray_var_iter": lambda data: list(az.xarray_var_iter(data["posterior"].to_dataset())),
        "xarray_sel_iter": lambda data: list(az.xarray_sel_iter(data["posterior"].to_dataset())),
        # Of a whole tree ArviZ has none yet, and says to take a group.
        "ecdf": lambda data: az.ecdf(data["posterior"].to_dataset()[two]),
    }


RUN = calls("degradation", ["gamma_D", "gamma_N"])
# A parameter called alpha, as a dimension of ArviZ's own is in power-scaling.
RUN_WITH_ALPHA = calls("loss", ["alpha", "beta"])
# These two put draws along that dimension and refuse a variable of its name: Fit.data says so.
REFUSES_ALPHA = {"plot_psense_dist", "plot_psense_quantities"}
# By the groups and coordinates that they look at; the others run with the slow tests.
QUICK = {
    *("summary", "psense_summary", "loo", "compare", "extract", "diagnose", "residual_r2"),
    *("plot_energy", "plot_ppc_dist", "plot_loo_pit", "plot_prior_posterior", "plot_khat"),
    *("plot_lm", "plot_pair", "plot_psense_dist", "plot_trace_dist"),
}
# What is no plot or statistic of a fitted regression.
_TOOLS = "ArviZ's own machinery, which takes no fit"
_OTHER_SAMPLER = "reads the output of another library"
_OTHER_DATA = "for data of another kind: counts, survival, 0 or 1, simulations"
_MODEL = "fits the model again or asks it for densities: bayesq.compare does that"
LEFT_OUT = {
    **dict.fromkeys(
        [
            "AzStatsDaAccessor",
            "AzStatsDsAccessor",
            "AzStatsDtAccessor",
            "ELPDData",
            "ELPDDataLFO",
            "ELPDDataLOO",
            "ELPDDataLOOKFold",
            "ELPDDataLOOSubsample",
            "MigrationWarning",
            "PlotCollection",
            "PlotMatrix",
            "accessors",
            "add_bands",
            "add_lines",
            "base",
            "citations",
            "clear_data_home",
            "combine_plots",
            "dict_to_dataset",
            "from_dict",
            "generate_dims_coords",
            "get_data_home",
            "get_function",
            "info",
            "labels",
            "list_datasets",
            "load_arviz_data",
            "make_attrs",
            "manipulation",
            "ndarray_to_dataarray",
            "plot_collection",
            "plot_matrix",
            "rcParams",
            "rc_context",
            "references_to_dataset",
            "sampling_diagnostics",
            "style",
            "testing",
            "utils",
            "validate",
            "visualization",
            "visuals",
            "xarray_to_ndarray",
            "ecdf_utils",
            "helper_stats",
            "explode_dataset_dims",
            "update_subsample",
        ],
        _TOOLS,
    ),
    **dict.fromkeys(
        [
            "MCMCAdapter",
            "NumPyroInferenceAdapter",
            "SVIAdapter",
            "from_cmdstanpy",
            "from_emcee",
            "from_numpyro",
            "from_numpyro_svi",
        ],
        _OTHER_SAMPLER,
    ),
    **dict.fromkeys(
        [
            "generate_survival_curves",
            "kaplan_meier",
            "survival",
            "plot_ecdf_pit",
            "plot_loo_pava",
            "plot_ppc_censored",
            "plot_ppc_pava",
            "plot_ppc_pava_residuals",
            "plot_ppc_rootogram",
        ],
        _OTHER_DATA,
    ),
    **dict.fromkeys(
        [
            "SamplingWrapper",
            "lfo_cv",
            "loo_approximate_posterior",
            "loo_kfold",
            "loo_moment_match",
            "reloo",
            "get_unconstrained_samples",
        ],
        _MODEL,
    ),
    "from_netcdf": "tested below, on a file",
    "from_zarr": "bayesq writes netCDF",
}


@pytest.fixture(scope="module")
def loaded(small_fit: bayesq.Fit, tmp_path_factory: pytest.TempPathFactory) -> bayesq.Fit:
    """Save a fit and load it."""
    return bayesq.load_fit(small_fit.save(tmp_path_factory.mktemp("arviz") / "fit.nc"))


@pytest.fixture(autouse=True)
def no_figures() -> Iterator[None]:
    yield
    plt.close("all")


def check(call: Call, data: xr.DataTree) -> None:
    with warnings.catch_warnings():
        # Few draws, and what ArviZ says of its own defaults, are no matter here.
        warnings.simplefilter("ignore")
        found = call(data)
    assert found is not None


def some_slow(names: Iterable[str]) -> list[Any]:
    return [pytest.param(n, marks=[pytest.mark.slow] * (n not in QUICK)) for n in sorted(names)]


@pytest.mark.parametrize("name", some_slow(RUN))
def test_arviz_runs_on_a_fit_that_was_saved(name: str, loaded: bayesq.Fit) -> None:
    check(RUN[name], loaded.data)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(RUN))
def test_arviz_runs_on_a_fit(name: str, small_fit: bayesq.Fit) -> None:
    check(RUN[name], small_fit.data)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(RUN_WITH_ALPHA.keys() - REFUSES_ALPHA))
def test_arviz_runs_on_a_law_with_alpha(name: str, small_base: bayesq.Fit) -> None:
    check(RUN_WITH_ALPHA[name], small_base.data)


@pytest.mark.parametrize("name", sorted(REFUSES_ALPHA))
def test_what_arviz_refuses_of_alpha_it_still_refuses(name: str, small_base: bayesq.Fit) -> None:
    """When it no longer does, it goes with the others, and the docstring of Fit loses a word."""
    with pytest.raises(ValueError, match="alpha already exists"):
        check(RUN_WITH_ALPHA[name], small_base.data)
    assert name in str(bayesq.Fit.__doc__)
    assert bayesq.plot.plot_sensitivity(small_base) is not None


def test_every_name_of_arviz_is_run_or_left_out_for_a_reason() -> None:
    public = {name for name in dir(az) if not name.startswith("_")}
    assert public - RUN.keys() - LEFT_OUT.keys() == set()
    assert not RUN.keys() & LEFT_OUT.keys()
    assert RUN.keys() - public == set()


def test_arviz_opens_a_saved_fit(small_fit: bayesq.Fit, tmp_path: Path) -> None:
    for group in ("prior", "posterior_predictive"):
        small_fit.data[group].load()
    path = small_fit.save(tmp_path / "fit.nc")
    found = az.from_netcdf(path)
    groups = {"posterior", "posterior_predictive", "prior", "prior_predictive", "observed_data"}
    groups |= {"constant_data", "log_likelihood", "log_prior", "sample_stats", "misfit"}
    assert groups <= set(found.children)
    for group in groups:
        xr.testing.assert_equal(found[group].to_dataset(), small_fit.data[group].to_dataset())


def test_a_summary_has_the_parameters_of_law_and_noise(small_fit: bayesq.Fit) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = az.summary(small_fit.data)
    wanted = [p.symbol for p in small_fit.parameters if p.symbol not in ("tau", "tau_format")]
    assert sorted(found.index) == sorted(wanted)
    assert set(found.index) < set(small_fit.summary().index)


def test_power_scaling_by_arviz_is_that_of_the_fit(ptq_fit: bayesq.Fit) -> None:
    # All of what a person states, and nothing of the hierarchy below.
    mine = ptq_fit.sensitivity(progress=False).to_frame()["prior"]
    two = ["gamma_D", "gamma_N"]
    for name in two:
        theirs = az.psense(ptq_fit.data, var_names=[name])[name]
        assert float(theirs) == pytest.approx(mine[name], rel=1e-6)
    assert np.isfinite(mine[two]).all()


def test_power_scaling_of_derived_coefficients_is_by_their_logarithm(
    small_base: bayesq.Fit,
) -> None:
    mine = small_base.sensitivity(progress=False).to_frame()["prior"]
    data = small_base.data.copy()
    held = data["posterior"].to_dataset()
    data["posterior"] = held.assign(B=np.log(held["B"])).drop_vars("alpha")
    assert float(az.psense(data, var_names=["B"])["B"]) == pytest.approx(mine["B"], rel=1e-6)
    plain = az.psense(small_base.data, var_names=["B"])["B"]
    assert float(plain) != pytest.approx(mine["B"], rel=0.01)
