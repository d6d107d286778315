"""Comparing laws: the numbers of ArviZ, their cures, the verdict in words, what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import arviz_stats as azs
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesq
import bayesq.comparison.fits as fits_room
from bayesq.comparison.difference import Difference, difference, standard_error
from bayesq.comparison.left_out import LeftOut, leave_out
from bayesq.comparison.moments import moments_of
from bayesq.comparison.refits import Refits
from bayesq.comparison.result import Comparison
from bayesq.comparison.units import densities, units_of
from bayesq.comparison.weights import weigh
from bayesq.errors import BayesqError
from bayesq.model.compose import compose
from bayesq.model.given import given
from bayesq.sampling.packing import pack
from bayesq.sampling.sample import sample

FEW: dict[str, Any] = {"draws": 250, "tune": 400, "chains": 2, "seed": 1, "progress": False}
TRUE: dict[str, Any] = {**FEW, "discrepancy": False}
WILD = 15


def rows(wild: float = 0.0) -> pd.DataFrame:
    """Make up full-precision rows, two of them of each run; the last one is `wild`."""
    rng = np.random.default_rng(3)
    n, d = (x.ravel() for x in np.meshgrid(np.geomspace(1e7, 1e9, 4), np.geomspace(1e9, 5e10, 4)))
    mean = 1.7 + 0.6 * (n / 1e8) ** -0.34 + 0.5 * (d / 1e10) ** -0.3
    loss = mean * np.exp(rng.normal(0, 0.005, 16))
    loss[WILD] *= 1 + wild
    run = [f"run {i // 2}" for i in range(16)]
    return pd.DataFrame({"N": n, "D": d, "loss": loss, "stage": "none", "run": run})


@pytest.fixture(scope="module")
def runs() -> bayesq.Runs:
    return bayesq.read_runs(rows())


@pytest.fixture(scope="module")
def fits(runs: bayesq.Runs) -> dict[str, bayesq.Fit]:
    """Fit one law with noise on the logarithm and, the same rows, with other tails."""
    return {
        "heavy": bayesq.fit(runs, "chinchilla", **TRUE),
        "normal": bayesq.fit(runs, "chinchilla", noise="normal", **TRUE),
    }


@pytest.fixture(scope="module")
def compared(fits: dict[str, bayesq.Fit]) -> Comparison:
    return bayesq.compare(fits, outside=None, cure="none", progress=False)


@pytest.fixture(scope="module")
def wild() -> bayesq.Fit:
    """Fit a table with one row that lies far off, by a noise that cannot pass over it."""
    table = bayesq.read_runs(rows(wild=0.05))
    return bayesq.fit(table, "chinchilla", noise="normal", **TRUE)


@pytest.fixture(scope="module")
def refits(wild: bayesq.Fit) -> Refits:
    assert wild.design is not None
    return Refits(wild, wild.design)


# --- the numbers of ArviZ ----------------------------------------------------------------------


def by_arviz(fit: bayesq.Fit, likelihood: xr.DataArray) -> Any:
    """Let ArviZ leave out what the last dimension of a log-likelihood counts."""
    groups = {"log_likelihood": likelihood.to_dataset(name="y"), "posterior": fit.posterior}
    return azs.loo(xr.DataTree.from_dict(groups), pointwise=True)


@pytest.mark.filterwarnings("ignore:Estimated shape parameter:UserWarning")
@pytest.mark.parametrize("name", ["heavy", "normal"])
def test_rows_are_left_out_as_arviz_does(
    fits: dict[str, bayesq.Fit], compared: Comparison, name: str
) -> None:
    fit = fits[name]
    loss = fit.data["observed_data"]["loss"].values
    # The noise is on the logarithm; a density per nat is that per unit of the logarithm by value.
    assert fit.scatter.on == "log"
    reference = by_arviz(fit, fit.data["log_likelihood"]["loss"])
    left = compared.inside[name]
    np.testing.assert_allclose(left.elpd, reference.elpd_i.values - np.log(loss), atol=1e-8)
    np.testing.assert_allclose(left.pareto_k, reference.pareto_k.values, atol=1e-8)
    assert left.effective == pytest.approx(reference.p, abs=1e-8)
    assert left.good_k == pytest.approx(min(1 - 1 / np.log10(500), 0.7))
    np.testing.assert_array_equal(left.runs, np.repeat(np.arange(8), 2))


@pytest.mark.filterwarnings("ignore:Estimated shape parameter:UserWarning")
@pytest.mark.parametrize("unit", ["run", "cell"])
def test_units_of_several_rows_are_left_out_together(runs: bayesq.Runs, unit: str) -> None:
    # Cells of two rows each: the same sizes, measured twice.
    table = rows().assign(D=lambda t: np.repeat(t["D"][::2], 2).values, N=lambda t: t["N"])
    table["N"] = np.repeat(table["N"][::2].values, 2)
    table["run"] = [f"run {i % 4}" for i in range(16)]
    fit = bayesq.fit(bayesq.read_runs(table), "chinchilla", **(TRUE | {"draws": 200}))
    assert fit.design is not None
    left = leave_out(fit, fit.design, unit, "none")  # type: ignore[arg-type]
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


def test_a_noise_on_the_value_has_densities_per_nat_at_once(fits: dict[str, bayesq.Fit]) -> None:
    fit = fits["heavy"]
    on_value = bayesq.Noise("as-is", lambda sigma: sigma, fit.scatter.parameters[:1], "value")
    observed = np.array([2.0, 3.0])
    np.testing.assert_array_equal(on_value.log_jacobian(observed), [0.0, 0.0])
    np.testing.assert_array_equal(fit.scatter.log_jacobian(observed), -np.log(observed))
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
    fits: dict[str, bayesq.Fit], compared: Comparison
) -> None:
    fit = fits["heavy"]
    reference = by_arviz(fit, densities(fit))
    found = standard_error(compared.inside["heavy"].elpd, np.arange(16))
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


# --- the verdict in words ----------------------------------------------------------------------


def made(
    fits: dict[str, bayesq.Fit],
    inside: dict[str, np.ndarray],
    outside: dict[str, np.ndarray] | None = None,
    pareto_k: float = 0.2,
    split: str = "largest-compute",
) -> Comparison:
    """Put a comparison together by hand; `fits` only lend their notes."""
    left, beyond = {}, {}
    for name, elpd in inside.items():
        k = np.full(len(elpd), pareto_k)
        left[name] = LeftOut(elpd, elpd + 0.1, k, 0.7, (), (), np.arange(len(elpd)))
    for name, scores in (outside or {}).items():
        beyond[name] = pd.DataFrame({"log_score": scores, "run": np.arange(len(scores))})
    lent = dict(zip(inside, [*fits.values(), fits["normal"]], strict=False))
    return Comparison(lent, "row", split if beyond else None, left, beyond)


EVEN = np.linspace(-0.1, 0.1, 30)


def test_laws_that_cannot_be_told_apart_are_said_to_be(fits: dict[str, bayesq.Fit]) -> None:
    found = made(fits, {"a": EVEN, "b": EVEN - 0.1})
    assert found.best == "a"
    assert found.text == (
        "Inside the data (30 rows left out): indistinguishable: a and b (diff 3.0 ± 0.0)."
    )
    assert "laws-bend" not in [n.code for n in found.notes]
    assert found.difference("b", "a").sign == 0


def test_a_better_law_is_preferred(fits: dict[str, bayesq.Fit]) -> None:
    noisy = EVEN - 0.2 + 0.6 * np.where(np.arange(30) % 2, 1, -1)
    found = made(fits, {"a": EVEN, "b": EVEN - 0.5, "c": noisy})
    assert found.text.startswith(
        "Inside the data (30 rows left out): prefer a over b (15.0 ± 0.0); indistinguishable from "
        "it: c (diff 6.0 ± 3.3)."
    )
    table = found.to_frame()
    assert list(table.index) == ["a", "c", "b"]
    assert table["diff"].tolist() == pytest.approx([0.0, -6.0, -15.0])
    assert table.at["c", "diff_se"] == pytest.approx(np.sqrt(30 * 30 / 29 * 0.36))
    assert table["effective"].tolist() == pytest.approx([3.0] * 3)
    assert table["stacking"].sum() == pytest.approx(1.0)
    assert not [c for c in table.columns if c.startswith("outside")]


def test_the_largest_rows_may_say_another_thing(fits: dict[str, bayesq.Fit]) -> None:
    far = np.linspace(-1, 1, 10)
    found = made(fits, {"a": EVEN, "b": EVEN - 0.5}, {"a": far - 1, "b": far})
    assert found.best_outside == "b"
    assert found.text == (
        "Inside the data (30 rows left out): prefer a over b (15.0 ± 0.0). "
        "Outside (the 10 rows of largest compute left out): prefer b over a (10.0 ± 0.0). "
        "a wins inside the data (15.0 ± 0.0), b outside (10.0 ± 0.0)."
    )
    (note,) = [n for n in found.notes if n.code == "inside-outside"]
    assert note.severity == "warning"
    assert "a wins inside" in note.message
    table = found.to_frame()
    assert table["outside"].to_dict() == pytest.approx({"a": -10.0, "b": 0.0})
    assert table["outside_diff"].to_dict() == pytest.approx({"a": -10.0, "b": 0.0})
    assert table.at["b", "outside_stacking"] == pytest.approx(1.0, abs=1e-3)
    assert table.at["a", "stacking"] == pytest.approx(1.0, abs=1e-3)
    assert found.weights(outside=True)["b"] == table.at["b", "outside_stacking"]


@pytest.mark.parametrize(
    ("inside", "outside", "words"),
    [
        (0.5, 0.1, "a wins inside the data (15.0 ± 0.0), and not outside."),
        (0.01, 1.0, "b wins outside the data (10.0 ± 0.0), and not inside."),
        (0.01, 0.1, ""),
        (0.5, -1.0, ""),
    ],
)
def test_what_is_said_where_one_side_says_little(
    fits: dict[str, bayesq.Fit], inside: float, outside: float, words: str
) -> None:
    far = np.zeros(10)
    found = made(
        fits, {"a": EVEN, "b": EVEN - inside}, {"a": far - outside, "b": far}, split="study"
    )
    assert "Outside (each study in turn left out): " in found.text
    assert found.text.endswith(words)
    assert ("wins" in found.text) == bool(words)
    assert ("inside-outside" in [n.code for n in found.notes]) == bool(words)


def test_few_runs_and_bad_estimates_are_noted(fits: dict[str, bayesq.Fit]) -> None:
    found = made(fits, {"a": EVEN[:19], "b": EVEN[:19]}, pareto_k=0.9)
    codes = [n.code for n in found.notes]
    assert codes.count("pareto-k") == 2
    assert "few-runs-to-compare" in codes
    assert found.to_frame()["bad"].tolist() == [19, 19]
    assert found.notes[0].severity == "severe"
    many = made(fits, {"a": EVEN[:20], "b": EVEN[:20]})
    assert not {"pareto-k", "few-runs-to-compare"} & {n.code for n in many.notes}


def test_a_k_that_is_not_a_number_is_bad() -> None:
    k = np.array([0.1, np.inf, 0.71, 0.7])
    left = LeftOut(np.zeros(4), np.zeros(4), k, 0.7, (), (), np.arange(4))
    assert left.bad.tolist() == [1, 2]


def test_a_comparison_shows_table_text_and_notes(compared: Comparison) -> None:
    shown = repr(compared)
    assert shown.startswith(compared.text)
    assert "few-runs-to-compare" in shown
    assert "pseudo_bma" in shown
    table = compared.to_frame()
    assert table["elpd"].is_monotonic_decreasing
    assert table["matched"].tolist() == table["refitted"].tolist() == [0, 0]
    assert "heavy" in compared.text
    assert "normal" in compared.text


# --- cures -------------------------------------------------------------------------------------


def test_the_density_for_moment_matching_is_that_of_the_model(wild: bayesq.Fit) -> None:
    assert wild.design is not None
    moments = moments_of(wild, wild.design, np.arange(16))
    assert moments is not None
    rows = given(wild.design, wild.scatter, wild.wrong, fill_up=True)
    model = compose(wild.design, wild.scatter, wild.wrong, rows=rows)
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
    np.testing.assert_allclose(own, densities(wild).values, rtol=0, atol=1e-8)


def test_a_wild_row_is_cured(
    wild: bayesq.Fit, refits: Refits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bayesq.comparison.refits.Refits", lambda *_: refits)
    plain = leave_out(wild, wild.design, "row", "none")
    assert WILD in plain.bad
    assert plain.matched == plain.refitted == ()
    matched = leave_out(wild, wild.design, "row", "moments")
    assert WILD in matched.matched
    assert matched.refitted == ()
    assert matched.pareto_k[WILD] <= matched.good_k < plain.pareto_k[WILD]
    # Rows whose estimate was good are left as they are.
    kept = np.setdiff1d(np.arange(16), plain.bad)
    np.testing.assert_array_equal(matched.elpd[kept], plain.elpd[kept])
    # Where draws cannot be moved, as those of a fit that has not kept their coordinates, the
    # exact answer is taken.
    older = replace(wild, data=wild.data.copy())
    del older.data["unconstrained_posterior"]
    stuck = leave_out(older, wild.design, "row", "moments")
    np.testing.assert_array_equal(stuck.elpd, plain.elpd)
    assert stuck.matched == ()
    exact = leave_out(older, wild.design, "row", "refit")
    assert exact.refitted == tuple(plain.bad)
    assert exact.matched == ()
    assert exact.bad.size == 0
    assert (exact.pareto_k[plain.bad] == 0).all()
    np.testing.assert_array_equal(exact.elpd[kept], plain.elpd[kept])
    # Importance sampling sees the row with draws that know it; both cures take that back.
    assert plain.elpd[WILD] > exact.elpd[WILD] + 0.5
    assert matched.elpd[WILD] == pytest.approx(exact.elpd[WILD], abs=0.5)


def test_refits_are_told_before_the_first(
    wild: bayesq.Fit,
    refits: Refits,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen = []

    def elpd(left_out: np.ndarray) -> float:
        seen.append(capsys.readouterr().err)
        return 1.0

    monkeypatch.setattr(refits, "elpd", elpd)
    monkeypatch.setattr("bayesq.comparison.refits.Refits", lambda *_: refits)
    older = replace(wild, data=wild.data.copy())
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
    wild: bayesq.Fit, refits: Refits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bayesq.comparison.refits.Refits", lambda *_: refits)
    two = {"a": wild, "b": wild}
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


def points_of(refits: Refits, counted: np.ndarray, *, draws: int, seed: int) -> np.ndarray:
    """Draw from the posterior with each row counted as often as `counted` says."""
    model = refits._model
    assert model._rows["counted"].tolist() == [1.0] * 16
    rows = pack(model._rows | {"counted": counted})
    drawn = sample(model.program, rows, draws=draws, tune=500, chains=2, seed=seed, low_rank=False)
    return drawn.points


def test_a_fit_without_the_row_is_exact(refits: Refits, wild: bayesq.Fit) -> None:
    """Integrate the log density of the row along a path that fades it in: no fit left it out."""
    from bayesq.comparison.units import per_nat

    at, weights = np.polynomial.legendre.leggauss(8)
    at, weights = ((at + 1) / 2) ** 2, weights * (at + 1) / 2  # denser where it is not yet in
    whole = 0.0
    for counted, weight in zip(at, weights, strict=True):
        rows = np.ones(16)
        rows[WILD] = counted
        points = points_of(refits, rows, draws=1000, seed=5)
        found = refits._model.groups(points)["log_likelihood"]["loss"]
        whole += weight * float(per_nat(wild, found).isel(row=WILD).mean())
    exact = refits.elpd(np.arange(16) == WILD)
    assert exact == pytest.approx(whole, abs=0.4)


def test_refits_count_the_rows_that_they_are_told_to(
    refits: Refits, wild: bayesq.Fit, fits: dict[str, bayesq.Fit]
) -> None:
    def sampled(counted: np.ndarray) -> xr.Dataset:
        return refits._model.groups(points_of(refits, counted, draws=500, seed=3))["posterior"]

    everything = sampled(np.ones(16))
    for symbol in ("E", "alpha", "beta", "sigma"):
        one, other = everything[symbol], wild.posterior[symbol]
        error = np.sqrt(sum(float(x.var() / azs.ess(x)) for x in (one, other)))
        assert abs(float(one.mean() - other.mean())) < 4 * error
    without = sampled(np.where(np.arange(16) == WILD, 0.0, 1.0))
    # Without it the noise is that of the table in which the row is not wild.
    tame = float(fits["normal"].posterior["sigma"].median())
    assert float(without["sigma"].median()) == pytest.approx(tame, rel=0.25)
    assert float(everything["sigma"].median()) > 1.4 * tame


def test_units_of_several_rows_are_refitted_together(refits: Refits, wild: bayesq.Fit) -> None:
    assert wild.design is not None
    codes = units_of(wild.design, "run")
    left = leave_out(wild, wild.design, "run", "none")
    good = int(np.flatnonzero(left.pareto_k < 0.5)[0])
    # Where importance sampling does well, both say the same.
    assert refits.elpd(codes == good) == pytest.approx(left.elpd[good], abs=0.25)


# --- what is refused, and fits from files ------------------------------------------------------


@pytest.fixture(scope="module")
def saved(
    fits: dict[str, bayesq.Fit], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bayesq.Fit]:
    """Read the fits back from files, which do not hold the rows."""
    folder = tmp_path_factory.mktemp("saved")
    return {n: bayesq.load_fit(f.save(folder / f"{n}.nc")) for n, f in fits.items()}


def test_fits_from_files_are_not_cured_without_their_table(
    saved: dict[str, bayesq.Fit], compared: Comparison
) -> None:
    found = bayesq.compare(saved, progress=False)
    (note,) = [n for n in found.notes if n.code == "no-rows"]
    assert "Pass runs=" in note.remedy
    assert found.beyond == {}
    pd.testing.assert_frame_equal(found.to_frame(), compared.to_frame())


def test_fits_from_files_are_cured_with_their_table(
    saved: dict[str, bayesq.Fit],
    runs: bayesq.Runs,
    refits: Refits,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stand_in(fit: bayesq.Fit, design: Any) -> Any:
        assert len(design.index) == 16
        return refits

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
def test_a_mistake_is_refused_in_one_sentence(what: str, fits: dict[str, bayesq.Fit]) -> None:
    ask, words = REFUSED[what]
    with pytest.raises(BayesqError) as caught:
        ask(fits)
    check_sentence(str(caught.value), words)


def check_sentence(said: str, words: str) -> None:
    assert words in said
    assert re.fullmatch(r"[^\n]+[^.]\.", said)
    assert not re.search(r"[a-z]\. [A-Z]", said), "one sentence"


def test_other_rows_and_responses_do_not_compare(
    fits: dict[str, bayesq.Fit], saved: dict[str, bayesq.Fit], wild: bayesq.Fit
) -> None:
    with pytest.raises(BayesqError) as caught:
        bayesq.compare({"these": fits["normal"], "those": wild})
    check_sentence(str(caught.value), "fit them to the rows that all can use: bayesq.fit_laws(")
    with pytest.raises(BayesqError) as caught:
        bayesq.compare(saved, runs=bayesq.read_runs(rows(wild=0.05)), progress=False)
    check_sentence(str(caught.value), "pass the table it was fitted to")


# --- fits of several laws ----------------------------------------------------------------------

QUICK: dict[str, Any] = {"draws": 20, "tune": 60, "chains": 2, "discrepancy": False}
LAWS = ("ptq-without-d", "kumar2024-ptq:gamma_D=0")


@pytest.fixture(scope="module")
def rounded() -> bayesq.Runs:
    """Choose rows of which one law can use more than another: some have no group."""
    grid = bayesq.load_pool("grid")
    return grid.select("stage == 'post' and w_kind == 'int' and w_group == 128 and w_bits <= 6")


def stop(*_: Any, **__: Any) -> Any:
    raise AssertionError("nothing was to be fitted")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_laws_are_fitted_to_the_rows_that_all_can_use(
    rounded: bayesq.Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {**QUICK, "save": tmp_path / "fits", "progress": False}
    made = bayesq.fit_laws(rounded, LAWS, **options)
    assert list(made) == list(LAWS)
    assert len({f.data.attrs["fingerprint"] for f in made.values()}) == 1
    assert sorted(p.name for p in (tmp_path / "fits").iterdir()) == [
        "kumar2024-ptq_gamma_D=0.nc",
        "ptq-without-d.nc",
    ]
    found = bayesq.compare(made, cure="none", outside=None, progress=False)
    assert set(found.to_frame().index) == set(LAWS)
    with monkeypatch.context() as patch:
        patch.setattr(fits_room, "fit", stop)
        again = bayesq.fit_laws(rounded, LAWS, **options)
        for name in LAWS:
            xr.testing.assert_equal(again[name].posterior, made[name].posterior)
            assert again[name].design is not None, "so that it can be cured"
        for changed in ({"seed": 1}, {"draws": 21}, {"noise": "normal"}, {"discrepancy": True}):
            with pytest.raises(AssertionError, match="nothing was to be fitted"):
                bayesq.fit_laws(rounded, LAWS, **(options | changed))
        with pytest.raises(AssertionError, match="nothing was to be fitted"):
            bayesq.fit_laws(rounded.select("w_bits >= 3"), LAWS, **options)


def test_rows_that_one_law_cannot_use_are_left_to_none(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def keep(runs: bayesq.Runs, law: bayesq.Law, response: str, **_: Any) -> str:
        asked[law.name] = runs
        return law.name

    monkeypatch.setattr(fits_room, "fit", keep)
    grid = bayesq.load_pool("grid").select("stage == 'post'")
    table = grid.frame
    table.loc[table.index[:200], "w_group"] = np.nan
    fits = bayesq.fit_laws(bayesq.read_runs(table), ["ptq-bits-by-group", "kumar2024-ptq"])
    assert list(fits) == list(asked)
    one, other = (r.fingerprint for r in asked.values())
    assert one == other
    assert 0 < len(asked["kumar2024-ptq"]) < len(table)


@pytest.mark.parametrize(
    ("laws", "response", "words"),
    [
        (["kumar2024-ptq"], None, "Pass two laws or more, each once; these are kumar2024-ptq"),
        ("kumar2024-ptq", None, "Pass two laws or more, each once"),
        (["kumar2024-ptq", "kumar2024-ptq"], None, "Pass two laws or more, each once"),
        (["chinchilla", "kumar2024-ptq"], "degradation", "cannot be fitted to"),
        (["kumar2024-ptq", "kumar2024-ptp"], None, "did you mean kumar2024-ptq"),
        (["kumar2024-ptq", "ptq-without-d"], "delta", "response 'delta'; it takes"),
    ],
)
def test_laws_that_do_not_compare_are_refused(
    laws: Any, response: str | None, words: str, rounded: bayesq.Runs
) -> None:
    with pytest.raises(BayesqError) as caught:
        bayesq.fit_laws(rounded, laws, response, progress=False)
    check_sentence(str(caught.value), words)


@pytest.mark.slow
def test_the_largest_rows_are_foretold(fits: dict[str, bayesq.Fit]) -> None:
    found = bayesq.compare(fits, cure="none", progress=False)
    scores = [t["log_score"].to_numpy() for t in found.beyond.values()]
    own = bayesq.backtest(
        bayesq.read_runs(rows()), "chinchilla", noise="normal", **TRUE
    ).rows.sort_values("row")
    np.testing.assert_allclose(scores[1], own["log_score"], atol=1e-8)
    assert len(scores[0]) == len(scores[1])
    assert "Outside (the" in found.text
    mixed = bayesq.average(found, "stacking-outside")
    assert mixed.weights == found.weights(outside=True)


def test_laws_that_cannot_be_fitted_together_are_refused_before_any_is(
    grid: bayesq.Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*args: object, **options: object) -> None:
        raise AssertionError("nothing was to be fitted")

    monkeypatch.setattr("bayesq.comparison.fits.fit", stop)
    # Of the rows that both can use none is quantized, and Kumar's law is about those that are.
    with pytest.raises(BayesqError, match="28 rows, none of them quantized, that law kumar2024"):
        bayesq.fit_laws(grid, ["chinchilla", "kumar2024-ptq"])


def test_a_misspelt_option_is_refused_whatever_is_kept(tmp_path: Path, grid: bayesq.Runs) -> None:
    with pytest.raises(BayesqError, match="fit_laws takes no drws; did you mean draws"):
        bayesq.fit_laws(grid, ["kumar2024-ptq", "ouyang2024"], save=tmp_path, drws=5)
