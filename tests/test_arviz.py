"""ArviZ on the data of a fit: all of its plots and statistics that make sense for a regression."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

import bayesq

Call = Callable[[xr.DataTree], Any]
RESPONSE = "degradation"
TWO = ["gamma_D", "gamma_N"]


def compared(data: xr.DataTree) -> Any:
    return az.compare({"one": az.loo(data, pointwise=True), "other": az.loo(data, pointwise=True)})


def mean_of(data: xr.DataTree) -> xr.DataTree:
    """Put the predictions where statistics of a regression look for its mean."""
    found = data.copy()
    found["posterior"] = xr.DataTree(
        data["posterior"].to_dataset().assign(mu=data["posterior_predictive"][RESPONSE])
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
RUN: dict[str, Call] = {
    **{name: one(getattr(az, name), var_names=TWO) for name in WITH_TWO},
    **{name: one(getattr(az, name)) for name in AS_THEY_ARE},
    "rhat_nested": one(az.rhat_nested, var_names=TWO, superchain_ids=[0, 1]),
    "plot_bf": one(az.plot_bf, var_names=["gamma_D"]),
    "bayes_factor": one(az.bayes_factor, var_names=["gamma_D"]),
    "plot_pair_focus": one(az.plot_pair_focus, focus_var="gamma_D", var_names=TWO),
    "plot_khat": lambda data: az.plot_khat(az.loo(data, pointwise=True)),
    "plot_compare": lambda data: az.plot_compare(compared(data)),
    "compare": compared,
    "plot_lm": one(az.plot_lm, x="N", y=RESPONSE),
    "loo_i": lambda data: az.loo_i(0, data),
    "loo_r2": one(az.loo_r2, var_name=RESPONSE, n_simulations=100),
    "loo_subsample": one(az.loo_subsample, observations=20, log_lik_fn=None),
    "bayesian_r2": lambda data: az.bayesian_r2(mean_of(data), "mu", "sigma"),
    "residual_r2": lambda data: az.residual_r2(mean_of(data), "mu", RESPONSE),
    "ci_in_rope": one(az.ci_in_rope, rope=(0.0, 1.0), var_names=TWO),
    "kl_divergence": lambda data: az.kl_divergence(data, data, var_names=TWO, num_samples=50),
    "wasserstein": lambda data: az.wasserstein(data, data, var_names=TWO, num_samples=50),
    "weight_predictions": lambda data: az.weight_predictions([data, data]),
    "convert_to_dataset": one(az.convert_to_dataset, group="posterior"),
    "dataset_to_dataarray": lambda data: az.dataset_to_dataarray(data["posterior"].to_dataset()),
    "dataset_to_dataframe": lambda data: az.dataset_to_dataframe(data["posterior"].to_dataset()),
    "kde2d": lambda data: az.kde2d(*(data["posterior"][n].values.ravel() for n in TWO)),
    "histogram2d": lambda data: az.histogram2d(*(data["posterior"][n].values.ravel() for n in TWO)),
    "hexbin": lambda data: az.hexbin(*(data["posterior"][n].values.ravel() for n in TWO)),
    "xarray_var_iter": lambda data: list(az.xarray_var_iter(data["posterior"].to_dataset())),
    "xarray_sel_iter": lambda data: list(az.xarray_sel_iter(data["posterior"].to_dataset())),
    # Of a whole tree ArviZ has none yet, and says to take a group.
    "ecdf": lambda data: az.ecdf(data["posterior"].to_dataset()[TWO]),
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


def check(name: str, data: xr.DataTree) -> None:
    with warnings.catch_warnings():
        # Few draws, and what ArviZ says of its own defaults, are no matter here.
        warnings.simplefilter("ignore")
        found = RUN[name](data)
    assert found is not None


@pytest.mark.parametrize("name", sorted(RUN))
def test_arviz_runs_on_a_fit_that_was_saved(name: str, loaded: bayesq.Fit) -> None:
    check(name, loaded.data)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(RUN))
def test_arviz_runs_on_a_fit(name: str, small_fit: bayesq.Fit) -> None:
    check(name, small_fit.data)


def test_every_name_of_arviz_is_run_or_left_out_for_a_reason() -> None:
    public = {name for name in dir(az) if not name.startswith("_")}
    assert public - RUN.keys() - LEFT_OUT.keys() == set()
    assert not RUN.keys() & LEFT_OUT.keys()
    assert RUN.keys() - public == set()


def test_arviz_opens_a_saved_fit(small_fit: bayesq.Fit, tmp_path: Path) -> None:
    small_fit.data["prior"].load()
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
    for name in TWO:
        theirs = az.psense(ptq_fit.data, var_names=[name])[name]
        assert float(theirs) == pytest.approx(mine[name], rel=1e-6)
    assert np.isfinite(mine[TWO]).all()
