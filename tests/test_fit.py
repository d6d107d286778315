"""Fits on real rows: the numbers that must come out, the table, and what is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import arviz_stats as azs
import numpy as np
import pytest
import xarray as xr
from scipy import stats

import bayesq
from bayesq import Fit, Runs
from bayesq.errors import BayesqError
from bayesq.model.coordinates import COORDINATES
from bayesq.model.design import design

COLUMNS = ["median", "mean", "sd", "lower", "upper", "r_hat", "ess_bulk", "ess_tail", "unit"]
SCIPY = {
    "Normal": lambda k: stats.norm(k["mu"], k["sigma"]),
    "LogNormal": lambda k: stats.lognorm(s=k["sigma"], scale=np.exp(k["mu"])),
    "HalfNormal": lambda k: stats.halfnorm(scale=k["sigma"]),
    "Gamma": lambda k: stats.gamma(k["alpha"], scale=1 / k["beta"]),
}


def t_logpdf(
    values: xr.DataArray, dof: xr.DataArray, mean: xr.DataArray, scale: xr.DataArray
) -> xr.DataArray:
    values, dof, mean, scale = xr.broadcast(values, dof, mean, scale)
    return mean.copy(data=stats.t.logpdf(values, dof, mean, scale))


def misfit(fit: Fit, draws: xr.Dataset, inputs: xr.Dataset) -> Any:
    """Add up the parts of the misfit at the rows, each times its scale; 0 without a misfit."""
    if fit.field is None:
        return 0.0
    bases = fit.field.bases({str(s): v.values for s, v in inputs.items()})
    return sum(
        draws[scale]
        * xr.dot(draws[f"misfit_{n}"], xr.DataArray(bases[n], dims=("row", f"{n}_part")))
        for n, scale in (("shared", "tau"), ("own", "tau_format"))
        if f"misfit_{n}" in draws
    )


def check_log_likelihood(fit: Fit) -> None:
    some = {"draw": slice(None, None, 100)}
    draws = fit.posterior.isel(some)
    inputs = fit.data["constant_data"].to_dataset()
    observed = fit.data["observed_data"][fit.response]
    wrong = np.exp(misfit(fit, draws, inputs))
    if fit.response == "degradation":
        C_T, gamma_D, gamma_N, gamma_post = (draws[s] for s in list(fit.summary().index)[:4])
        mean = C_T * inputs["D"] ** gamma_D / inputs["N"] ** gamma_N
        mean = mean * np.exp(-inputs["P"] / gamma_post) * wrong
        scale = draws["sigma_0"] + draws["sigma"] * abs(mean)
    else:
        observed, scale = np.log(observed), draws["sigma"]
        law = fit.law.evaluate("loss", {**inputs, **draws})
        mean = np.log(draws["E"] + (law - draws["E"]) * wrong)
    wanted = t_logpdf(observed, draws["dof"], mean, scale)
    stored = fit.data["log_likelihood"][fit.response].isel(some)
    xr.testing.assert_allclose(stored, wanted.transpose(*stored.dims), rtol=1e-9)


def check_log_prior(fit: Fit) -> None:
    assert fit.densities is not None
    stored = fit.densities.prior
    parts = {n for n in fit.posterior if str(n).startswith("misfit_")}
    assert bool(parts) == (fit.field is not None)
    assert set(stored) == {p.sampled_as for p in fit.parameters} | parts
    for p in fit.parameters:
        prior = SCIPY[p.prior.distribution](dict(p.prior.parameters))
        # The prior of an asymptote is on its share of the typical loss.
        unit = fit.data.attrs["typical_loss"] if p.asymptote else 1.0
        # Constants such as log(1.5) are computed in single precision, the same for all draws.
        wanted = prior.logpdf(fit.posterior[p.sampled_as] / unit) - np.log(unit)
        np.testing.assert_allclose(stored[p.sampled_as], wanted, atol=1e-7)
    for name in parts:
        wanted = stats.norm.logpdf(fit.posterior[name])
        np.testing.assert_allclose(stored[name], wanted, atol=1e-7)


# --- the numbers that must come out ------------------------------------------------------------


def test_the_grid_gives_what_least_squares_gives(ptq_law_fit: Fit, ptq_runs: Runs) -> None:
    # Least squares takes the law to be true, and so does this fit.
    c = ptq_runs.columns
    delta = c["loss"] - c["loss_full"]
    assert len(delta) == 76
    terms = np.column_stack([np.ones(len(delta)), np.log(c["D"]), -np.log(c["N"]), -c["w_bits"]])
    (_, gamma_D, gamma_N, slope), *_ = np.linalg.lstsq(terms, np.log(delta))
    medians = ptq_law_fit.summary()["median"]
    assert medians["gamma_D"] == pytest.approx(gamma_D, rel=0.1)
    assert medians["gamma_N"] == pytest.approx(gamma_N, rel=0.1)
    assert medians["gamma_post"] == pytest.approx(1 / slope, rel=0.1)


def test_epochs_rows_give_the_published_constants(public: Path) -> None:
    runs = bayesq.load_pool("epoch_chinchilla").select("loss < 3.44")
    assert len(runs) == 240
    # The published constants are those of the law without a misfit.
    fit = bayesq.fit(runs, "chinchilla", discrepancy=False, seed=1, draws=500, progress=False)
    medians = fit.summary()["median"]
    assert medians["E"] == pytest.approx(1.817, rel=0.1)
    assert medians["alpha"] == pytest.approx(0.347, rel=0.1)
    assert medians["beta"] == pytest.approx(0.367, rel=0.1)
    assert not [n for n in fit.notes if n.code in ("divergences", "r-hat")]


def test_base_and_degradation_are_fitted_together(grid: Runs, ptq_law_fit: Fit) -> None:
    rows = grid.select(
        "stage == 'none' or "
        "(stage == 'post' and w_kind == 'int' and 3 <= w_bits <= 6 and w_group == 128)"
    )
    loss_fit = bayesq.fit(
        rows, "kumar2024-ptq", "loss", discrepancy=False, seed=1, draws=500, progress=False
    )
    table = loss_fit.summary()
    base, own = ["E", "A", "B", "alpha", "beta"], ["C_T", "gamma_D", "gamma_N", "gamma_post"]
    assert list(table.index) == [*base, *own, "sigma", "dof"]
    assert loss_fit.data.attrs["rows"] == 28 + 76
    # A noise relative to the loss weighs the rows otherwise, so the exponents agree roughly only.
    both = [f.summary().loc[own[1:], "median"] for f in (loss_fit, ptq_law_fit)]
    np.testing.assert_allclose(*both, atol=0.15)
    observed = loss_fit.data["observed_data"]["loss"]
    inputs = loss_fit.data["constant_data"].to_dataset()
    medians = {s: float(v) for s, v in loss_fit.posterior.median().items()}
    fitted = loss_fit.law.evaluate("loss", {**inputs, **medians})
    assert float(abs(np.log(fitted / observed)).median()) < 0.02
    check_log_likelihood(loss_fit)
    check_log_prior(loss_fit)


# --- the table ---------------------------------------------------------------------------------


def test_the_summary_is_of_the_papers_own_parameters(
    ptq_fit: Fit, ptq_law_fit: Fit, base_fit: Fit
) -> None:
    table = ptq_fit.summary()
    assert list(table.columns) == COLUMNS
    own = ["C_T", "gamma_D", "gamma_N", "gamma_post"]
    noise = ["sigma", "sigma_0", "dof"]
    assert list(table.index) == [*own, *noise, "tau", "tau_format"]
    assert list(ptq_law_fit.summary().index) == [*own, *noise]
    base = ["E", "A", "B", "alpha", "beta", "sigma", "dof"]
    # A law without formats has no misfit of a format.
    assert list(base_fit.summary().index) == [*base, "tau"]
    assert table.loc["gamma_post", "unit"] == "bits"
    assert table.loc["C_T", "unit"] == ptq_fit.posterior["C_T"].attrs["units"] == "nats/token"


@pytest.mark.parametrize("prob", [0.5, 0.9])
def test_the_summary_says_what_the_draws_say(ptq_fit: Fit, prob: float) -> None:
    table = ptq_fit.summary(prob)
    for symbol, row in table.iterrows():
        draws = ptq_fit.posterior[symbol]
        flat = draws.values.ravel()
        assert row["median"] == np.median(flat)
        assert row["mean"] == pytest.approx(flat.mean(), rel=1e-12)
        assert row["sd"] == pytest.approx(flat.std(ddof=1), rel=1e-12)
        ends = np.quantile(flat, [(1 - prob) / 2, (1 + prob) / 2])
        np.testing.assert_allclose([row["lower"], row["upper"]], ends, rtol=1e-12)
        assert row["r_hat"] == pytest.approx(float(azs.rhat(draws)), rel=1e-12)
        assert row["ess_bulk"] == pytest.approx(float(azs.ess(draws, method="bulk")))
        assert row["ess_tail"] == pytest.approx(float(azs.ess(draws, method="tail")))


def test_a_fit_prints_its_table_and_notes(ptq_fit: Fit) -> None:
    said = repr(ptq_fit)
    assert said.startswith("Fit of kumar2024-ptq to degradation: 76 rows of pool grid where ")
    assert "4 chains of 1000 draws, seed 1" in said
    assert all(str(note) in said for note in ptq_fit.notes)


# --- what is stored ----------------------------------------------------------------------------


def test_everything_that_later_checks_need_is_stored(ptq_fit: Fit, ptq_runs: Runs) -> None:
    groups = {"posterior", "sample_stats", "log_likelihood", "log_prior", "observed_data"}
    groups |= {"posterior_predictive", "prior", "prior_predictive", "constant_data"}
    assert set(ptq_fit.data.children) == groups | {
        "misfit",
        "auxiliary",
        "prior_misfit",
        "prior_auxiliary",
        "log_prior_auxiliary",
        "discrepancy",
        "unconstrained_posterior",
    }
    sizes = dict(ptq_fit.posterior.sizes)
    assert (sizes.pop("chain"), sizes.pop("draw")) == (4, 1000)
    assert set(sizes) == {"shared_part", "own_part"}
    assert not [n for n in ptq_fit.posterior if str(n).startswith(COORDINATES)]
    assert ptq_fit.data["log_likelihood"].sizes == {"chain": 4, "draw": 1000, "row": 76}
    attrs = ptq_fit.data.attrs
    assert attrs["fingerprint"] == design(ptq_runs, ptq_fit.law).runs.fingerprint
    assert attrs["law_digest"] == ptq_fit.law.digest
    assert (attrs["seed"], attrs["draws"], attrs["tune"], attrs["rows"]) == (1, 1000, 500, 76)


@pytest.mark.parametrize("name", ["ptq_fit", "ptq_law_fit", "base_fit"])
def test_densities_at_the_draws_are_those_of_scipy(
    name: str, request: pytest.FixtureRequest
) -> None:
    fit = request.getfixturevalue(name)
    check_log_likelihood(fit)
    check_log_prior(fit)


@pytest.mark.parametrize("name", ["ptq_fit", "base_fit"])
def test_coefficients_belong_to_their_terms(name: str, request: pytest.FixtureRequest) -> None:
    fit: Fit = request.getfixturevalue(name)
    inputs = fit.data["constant_data"].to_dataset()
    pivot = {s: float(np.exp(np.log(inputs[s]).mean())) for s in ("N", "D")}
    draws = fit.posterior
    if name == "base_fit":
        term = pivot["N"] ** -draws["alpha"]
        xr.testing.assert_allclose(draws["A"] * term, draws["A_pivot"].rename("A"))
    else:
        term = pivot["D"] ** draws["gamma_D"] / pivot["N"] ** draws["gamma_N"]
        term = term * np.exp(-float(inputs["P"].mean()) / draws["gamma_post"])
        xr.testing.assert_allclose(draws["C_T"] * term, draws["C_T_pivot"].rename("C_T"))


# --- what cannot be fitted ---------------------------------------------------------------------

WRONG = {
    "draws": ({"draws": 3}, "draws is 3; it must be a whole number from 4 on"),
    "tune": ({"tune": 0}, "tune is 0; it must be a whole number from 1 on"),
    "chains": ({"chains": 0}, "chains is 0; it must be a whole number from 1 on"),
    "negative seed": ({"seed": -1}, "seed is -1; it must be a whole number from 0"),
    "huge seed": ({"seed": 2**64}, "must be a whole number from 0"),
    "law": ({"law": "chinchila"}, "did you mean chinchilla"),
    "response": ({"response": "los"}, "cannot be fitted to response 'los'"),
    "noise": ({"noise": "student"}, "No noise 'student'; did you mean student-t"),
    "a noise of another kind": ({"noise": 3}, "A int is not a noise; pass a bayesq.Noise or one"),
    "discrepancy": ({"discrepancy": "no"}, "discrepancy is 'no'; pass True, False or a bayesq.Di"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_arguments_are_refused_before_sampling(
    what: str, grid: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("bayesq.sampling.compiled.find_program")
    given, words = WRONG[what]
    with pytest.raises(BayesqError, match=words):
        bayesq.fit(grid, **({"law": "chinchilla"} | given))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"draws": 0}, "^draws is 0; it must be a whole number from 1 on"),
        ({"draws": 2.5}, r"^draws is 2\.5; it must be a whole number"),
        ({"seed": -1}, "^seed is -1; it must be a whole number from 0 on"),
    ],
)
def test_wrong_arguments_of_a_prior_check_are_refused(
    given: dict[str, Any], words: str, grid: Runs
) -> None:
    with pytest.raises(BayesqError, match=words):
        bayesq.prior_check(grid, "chinchilla", **given)


def test_only_a_table_that_was_read_can_be_fitted(grid: Runs) -> None:
    with pytest.raises(BayesqError, match=r"A DataFrame is not a table of runs; read it with"):
        bayesq.fit(grid.frame, "chinchilla")  # type: ignore[arg-type]


@pytest.mark.parametrize("prob", [0, 1, -0.1, 90, float("nan")])
def test_an_interval_has_a_probability(ptq_fit: Fit, prob: float) -> None:
    with pytest.raises(BayesqError, match=r"must lie between 0 and 1, such as 0\.9"):
        ptq_fit.summary(prob)
