"""Comparing laws: the numbers of ArviZ, standard errors and differences."""

from __future__ import annotations

from typing import Any

import arviz_stats as azs
import numpy as np
import pytest
import xarray as xr
from leaving import leave_out

import bayesq
from bayesq.comparison.comparison import Comparison
from bayesq.comparison.difference import Difference, difference, standard_error
from bayesq.comparison.units import densities
from bayesq.comparison.weights import weigh
from two_runs import TRUE, rows

# --- the numbers of ArviZ ----------------------------------------------------------------------


def by_arviz(fit: bayesq.Fit, likelihood: xr.DataArray) -> Any:
    """Let ArviZ leave out what the last dimension of a log-likelihood counts."""
    groups = {"log_likelihood": likelihood.to_dataset(name="y"), "posterior": fit.posterior}
    return azs.loo(xr.DataTree.from_dict(groups), pointwise=True)


@pytest.mark.filterwarnings("ignore:Estimated shape parameter:UserWarning")
@pytest.mark.parametrize("name", ["heavy", "normal"])
def test_rows_are_left_out_as_arviz_does(
    two_fits: dict[str, bayesq.Fit], two_compared: Comparison, name: str
) -> None:
    fit = two_fits[name]
    loss = fit.data["observed_data"]["loss"].values
    # The noise is on the logarithm; a density per nat is that per unit of the logarithm by value.
    assert fit.noise.on == "log"
    reference = by_arviz(fit, fit.data["log_likelihood"]["loss"])
    left = two_compared.inside[name]
    np.testing.assert_allclose(left.elpd, reference.elpd_i.values - np.log(loss), atol=1e-8)
    np.testing.assert_allclose(left.pareto_k, reference.pareto_k.values, atol=1e-8)
    assert left.effective == pytest.approx(reference.p, abs=1e-8)
    assert left.good_k == pytest.approx(min(1 - 1 / np.log10(500), 0.7))
    np.testing.assert_array_equal(left.runs, np.repeat(np.arange(8), 2))


@pytest.mark.filterwarnings("ignore:Estimated shape parameter:UserWarning")
@pytest.mark.parametrize("unit", ["run", "cell"])
def test_units_of_several_rows_are_left_out_together(unit: str) -> None:
    # Cells of two rows each: the same sizes, measured twice.
    table = rows().assign(D=lambda t: np.repeat(t["D"][::2], 2).values, N=lambda t: t["N"])
    table["N"] = np.repeat(table["N"][::2].values, 2)
    table["run"] = [f"run {i % 4}" for i in range(16)]
    fit = bayesq.fit(bayesq.read_runs(table), "chinchilla", **(TRUE | {"draws": 200}))
    left = leave_out(fit, fit.specification, unit, "none")  # type: ignore[arg-type]
    loss = table["loss"].to_numpy()
    values = fit.data["log_likelihood"]["loss"].values - np.log(loss)
    groups = [np.arange(16) % 4 == i for i in range(4)]
    if unit == "cell":
        groups = [np.arange(16) // 2 == i for i in range(8)]
    summed = np.stack([values[:, :, group].sum(axis=2) for group in groups], axis=2)
    over = {d: fit.posterior[d] for d in ("chain", "draw")}
    reference = by_arviz(fit, xr.DataArray(summed, over, ("chain", "draw", "unit")))
    np.testing.assert_allclose(left.elpd, reference.elpd_i.values, atol=1e-8)
    np.testing.assert_allclose(left.pareto_k, reference.pareto_k.values, atol=1e-8)
    firsts = [int(np.argmax(group)) % 4 for group in groups]
    np.testing.assert_array_equal(left.runs, firsts)


def test_a_noise_on_the_value_has_densities_per_nat_at_once(
    two_fits: dict[str, bayesq.Fit],
) -> None:
    fit = two_fits["heavy"]
    on_value = bayesq.Noise("as-is", lambda sigma: sigma, fit.noise.parameters[:1], "value")
    observed = np.array([2.0, 3.0])
    np.testing.assert_array_equal(on_value.log_jacobian(observed), [0.0, 0.0])
    np.testing.assert_array_equal(fit.noise.log_jacobian(observed), -np.log(observed))
    own = densities(fit) - fit.data["log_likelihood"]["loss"]
    wanted = -np.log(fit.data["observed_data"]["loss"].values)
    np.testing.assert_allclose(own, np.broadcast_to(wanted, own.shape), atol=1e-12)


@pytest.mark.parametrize(
    ("method", "name"), [("stacking", "stacking"), ("pseudo-bma+", "BB-pseudo-BMA")]
)
def test_weights_are_those_of_arviz(method: Any, name: str) -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(-1, 0.5, 40)
    elpd = {
        "a": truth + rng.normal(0, 0.5, 40),
        "b": truth + rng.normal(-0.05, 0.5, 40),
        "c": truth - 0.4,
    }

    def data(values: np.ndarray) -> Any:
        pointwise = xr.DataArray(values, dims="row")
        return azs.ELPDDataLOO(
            elpd=values.sum(),
            se=np.sqrt(40 * values.var()),
            p=1.0,
            n_samples=1000,
            n_data_points=40,
            scale="log",
            warning=False,
            good_k=0.7,
            elpd_i=pointwise,
            pareto_k=0 * pointwise,
        )

    wanted = azs.compare({n: data(v) for n, v in elpd.items()}, method=name, round_to="none")[
        "weight"
    ]
    found = weigh(elpd, method)
    assert 0.05 < found["a"] < 0.95, "the example must not be trivial"
    assert found == pytest.approx(wanted.to_dict(), abs=1e-8)
    assert sum(found.values()) == pytest.approx(1.0)
    shifted = {n: v - 1e4 + np.arange(40) for n, v in elpd.items()}
    assert weigh(shifted, method) == pytest.approx(found, abs=1e-6)


# --- standard errors and differences -----------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Estimated shape parameter:UserWarning")
def test_the_standard_error_is_that_of_arviz_for_runs_of_one_row(
    two_fits: dict[str, bayesq.Fit], two_compared: Comparison
) -> None:
    fit = two_fits["heavy"]
    reference = by_arviz(fit, densities(fit))
    found = standard_error(two_compared.inside["heavy"].elpd, np.arange(16))
    assert found == pytest.approx(reference.se, rel=1e-8)


def test_rows_of_a_run_that_move_together_tell_less() -> None:
    rng = np.random.default_rng(0)
    of_run = np.repeat(np.arange(10), 5)
    together = np.repeat(rng.normal(size=10), 5)
    alone = standard_error(together, np.arange(50))
    assert standard_error(together, of_run) > 2 * alone
    # Of a sum over 10 runs of 5 equal rows.
    wanted = np.sqrt(10 * np.var(5 * together[::5], ddof=1))
    assert standard_error(together, of_run) == pytest.approx(wanted)
    assert np.isnan(standard_error(together, np.zeros(50, int)))
    # Numbers of runs need not follow each other.
    assert standard_error(together, 7 * of_run) == standard_error(together, of_run)


@pytest.mark.parametrize(
    ("elpd", "se", "sign"),
    [
        (3.9, 0.1, 0),  # below 4 nats a difference says little
        (4.1, 0.1, 1),
        (-4.1, 0.1, -1),
        (9.9, 5.0, 0),  # below two standard errors
        (10.1, 5.0, 1),
        (-10.1, 5.0, -1),
        (100.0, np.nan, 0),  # of one run
    ],
)
def test_when_a_difference_says_something(elpd: float, se: float, sign: int) -> None:
    assert Difference(elpd, se).sign == sign


def test_a_difference_is_of_the_same_units() -> None:
    one, other = np.array([1.0, 2.0, 4.0]), np.array([0.5, 2.5, 1.0])
    found = difference(one, other, np.arange(3))
    assert found.elpd == pytest.approx(3.0)
    assert found.se == pytest.approx(np.sqrt(3 * np.var(one - other, ddof=1)))
    back = difference(other, one, np.arange(3))
    assert (back.elpd, back.se) == (pytest.approx(-3.0), found.se)
    assert str(Difference(-3.04, 2.51)) == "3.0 ± 2.5"
