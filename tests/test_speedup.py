"""What one recipe saves over another: identities of laws, brute force, fits, refusals."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq

import bayesq
from bayesq import Law, Parameter, Prior
from bayesq.decide import compute_optimal, speedup
from bayesq.decide.contour import Plane, cheapest
from bayesq.errors import BayesqError
from command import Run
from published_fits import CHINCHILLA, PTQ, QAT, spread

HOFFMANN = bayesq.published("chinchilla", "hoffmann2022")
PRIORS = (
    Parameter("L", Prior("LogNormal", mu=0.4, sigma=0.5), "nats/token"),
    Parameter("K", Prior("LogNormal", mu=0.7, sigma=1), "nats/token"),
    Parameter("alpha", Prior("LogNormal", mu=-2, sigma=0.5)),
)
OF_COMPUTE = Law(
    name="of-compute",
    loss=lambda C, L, K, alpha: L + K * C**-alpha,
    parameters=PRIORS,
    remember=False,
)
OF_PRODUCT = Law(
    name="of-product",
    loss=lambda N, D, L, K, alpha: L + K * (6 * N * D) ** -alpha,
    parameters=PRIORS,
    remember=False,
)


def made(law: Law, **values: float) -> Any:
    return bayesq.published(law, **{"L": 1.6, "K": 95.0, "alpha": 0.094, **values})


@pytest.mark.parametrize("law", [OF_COMPUTE, OF_PRODUCT], ids=lambda law: law.name)
@pytest.mark.parametrize("compute", [1e18, "1e21", 3e24])
def test_a_law_of_compute_alone_saves_the_same_at_every_budget(law: Law, compute: Any) -> None:
    better, worse = made(law, K=88.0), made(law, K=95.0)
    found = speedup(better, over=worse, compute=compute).draws
    c = float(compute)
    gaps = [k * c**-0.094 for k in (95.0, 88.0)]
    assert found["speedup"].item() == pytest.approx((gaps[0] / gaps[1]) ** (1 / 0.094), rel=1e-6)
    assert found["speedup"].item() == pytest.approx((95 / 88) ** (1 / 0.094), rel=1e-6)
    assert found["compute"].item() == pytest.approx(c / found["speedup"].item(), rel=1e-9)
    assert found["loss"].item() == pytest.approx(1.6 + gaps[0], rel=1e-9)
    back = speedup(worse, over=better, compute=compute).draws["speedup"].item()
    assert back == pytest.approx(1 / found["speedup"].item(), rel=1e-6)


def least(law: Any, values: dict[str, Any], compute: float, **inputs: float) -> float:
    """Least loss over a fine grid of sizes."""
    sizes = xr.DataArray(np.geomspace(1e5, 1e13, 40001), dims="size")
    at = {"N": sizes, "D": compute / 6 / sizes, **inputs}
    return float(law.evaluate("loss", {**values, **at}).min())


def test_two_papers_against_brute_force() -> None:
    found = speedup(CHINCHILLA, over=HOFFMANN, compute=1e22).draws
    mine, theirs = (dict(p.constants.values) for p in (CHINCHILLA, HOFFMANN))
    target = least(HOFFMANN.law, theirs, 1e22)
    needed = brentq(
        lambda log_c: least(CHINCHILLA.law, mine, 10**log_c) - target, 18, 26, xtol=1e-9
    )
    assert found["loss"].item() == pytest.approx(target, rel=1e-8)
    assert found["speedup"].item() == pytest.approx(1e22 / 10**needed, rel=1e-5)


def test_every_draw_against_brute_force_and_settings_share_a_draw() -> None:
    fit = spread(QAT, 4)
    found = speedup(fit, over={"w_bits": 16}, compute=1e20, w_bits=4).draws["speedup"]
    four, full = (
        {"P_w": b, "P_a": 16.0, "P_kv": 16.0, "quantized": q} for b, q in ((4, 1), (16, 0))
    )
    for chain, draw in ((0, 0), (0, 1), (1, 0), (1, 1)):
        one = fit.posterior.isel(chain=chain, draw=draw)
        values = {str(k): float(v) for k, v in one.items()}
        target = least(fit.law, values, 1e20, **full)
        needed = brentq(
            lambda c, v=values, t=target: least(fit.law, v, 10**c, **four) - t, 18, 23, xtol=1e-9
        )
        assert found.values[chain, draw] == pytest.approx(1e20 / 10**needed, rel=1e-5)


def test_a_setting_against_itself_saves_nothing() -> None:
    found = speedup(spread(QAT), over={"w_bits": 4}, compute=1e21, w_bits=4)
    np.testing.assert_allclose(found.draws["speedup"], 1.0, rtol=1e-7)
    assert "the loss that w_bits 4 reaches with 1e+21 FLOP" in found.answer
    # What differs by round-off alone needs no more.
    assert "it needs no more compute in 100% of the draws" in found.answer
    assert found.choices is not None
    assert found.choices.loc[1.0, "probability_at_least"] == 1


def test_two_fits_are_independent_whatever_their_order() -> None:
    fit = spread(CHINCHILLA, 400, by=0.002)
    found = speedup(fit, over=fit, compute=1e21)
    values = found.draws["speedup"].values.ravel()
    assert np.median(values) == pytest.approx(1, abs=0.02)
    assert values.std() > 0.01
    assert found.choices is not None
    assert found.choices.loc[1.0, "probability_at_least"] == pytest.approx(0.5, abs=0.1)
    shown = found.choices.loc[1.0, "probability_at_least"]
    assert f"it needs no more compute in {shown:.0%} of the draws." in found.answer


@pytest.mark.parametrize(("mine", "theirs"), [(1, 24), (24, 1), (24, 40)])
def test_fits_may_have_other_numbers_of_draws(mine: int, theirs: int) -> None:
    fits = [CHINCHILLA if n == 1 else spread(CHINCHILLA, n, by=0.001) for n in (mine, theirs)]
    found = speedup(fits[0], over=fits[1], compute=1e21).draws["speedup"]
    assert found.size == (mine if mine > 1 else theirs)
    assert float(abs(found - 1).max()) < 0.2


def test_a_loss_that_is_never_reached_takes_infinite_compute() -> None:
    found = speedup(made(OF_COMPUTE, L=3.0), over=made(OF_COMPUTE), compute=1e21)
    assert found.draws["speedup"].item() == 0
    assert np.isposinf(found.draws["compute"].item())
    assert found.answer == "No compute that was searched reaches the loss of the other recipe."


def test_a_loss_that_is_mostly_out_of_reach_is_told_so_first() -> None:
    floors = np.where(np.arange(8) < 6, 3.0, 1.6)
    found = speedup(spread(made(OF_COMPUTE), 8, L=floors), over=made(OF_COMPUTE), compute=1e21)
    never = "In 75% of the draws no compute that was searched reaches the loss of the other recipe"
    assert found.answer.startswith(f"{never}; in the others the loss that the other recipe")
    assert "beyond what was searched" not in found.answer


def test_a_loss_that_the_least_reaches_takes_nothing() -> None:
    found = speedup(made(OF_COMPUTE), over=made(OF_COMPUTE, L=300.0), compute=1e21).draws
    assert found["compute"].item() == 0
    assert np.isposinf(found["speedup"].item())


def test_notes_about_two_fits_say_whose_they_are(
    small_fit: bayesq.Fit, small_base: bayesq.Fit
) -> None:
    at: dict[str, Any] = {"base": small_base, "compute": 1e21, "w_bits": 4}
    found = speedup(small_fit, over=small_base, **at)
    beyond = [n.message for n in found.notes if n.code == "extrapolation"]
    assert [m.partition(" (")[0] for m in beyond] == ["This recipe", "The other recipe"]
    assert small_base.title in beyond[1]
    assert len(set(found.notes)) == len(found.notes)
    of_settings = speedup(small_fit, over={"w_bits": 16}, **at)
    (beyond,) = [n.message for n in of_settings.notes if n.code == "extrapolation"]
    assert beyond.startswith("The decision lies outside the data")


def test_a_fit_of_runs_and_its_misfit(small_fit: bayesq.Fit, small_base: bayesq.Fit) -> None:
    at = {"base": small_base, "over": {"w_bits": 16}, "compute": 1e16}
    four = speedup(small_fit, **at, w_bits=4)
    draws = four.draws["speedup"]
    assert draws.sizes == {"chain": 2, "draw": 60}
    assert 0.6 < float(draws.median()) < 0.95
    assert (draws < 1).all()
    assert four.evidence is not None
    assert "law-taken-as-true" not in [n.code for n in four.notes]
    six = speedup(small_fit, **at, w_bits=6).draws["speedup"]
    assert float(draws.median()) < float(six.median()) < 1.02
    formula = speedup(small_fit, **at, w_bits=4, discrepancy=False)
    assert "law-taken-as-true" in [n.code for n in formula.notes]


def test_a_fit_against_its_base_law_agrees_with_its_own_full_precision(
    small_fit: bayesq.Fit, small_base: bayesq.Fit
) -> None:
    of_settings, of_fits = (
        speedup(small_fit, base=small_base, over=over, compute=1e16, w_bits=4).draws["speedup"]
        for over in ({"w_bits": 16}, small_base)
    )
    assert float(of_fits.median()) == pytest.approx(float(of_settings.median()), rel=0.06)
    assert float(of_fits.std()) > float(of_settings.std())


def test_an_average_is_asked(small_base: bayesq.Fit) -> None:
    average = bayesq.average(
        {"chinchilla": small_base, "hoffmann": HOFFMANN}, {"chinchilla": 0.5, "hoffmann": 0.5}
    )
    found = speedup(average, over=CHINCHILLA, compute=1e22)
    assert found.answer.startswith("Over 2 laws")
    assert set(found.laws) == {"chinchilla", "hoffmann"}


def test_a_base_law_may_be_asked_over_a_quantized_recipe() -> None:
    full = bayesq.published("chinchilla", **{s: QAT.constants.values[s] for s in BASE})
    found, back = (
        speedup(fit, over=over, compute=1e20, w_bits=4).draws["speedup"].item()
        for fit, over in ((full, QAT), (QAT, full))
    )
    assert found > 1 > back
    settings = speedup(QAT, over={"w_bits": 16}, compute=1e20, w_bits=4).draws["speedup"].item()
    assert back == pytest.approx(settings, rel=1e-7)


BASE = ("E", "A", "B", "alpha", "beta")
REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no recipe": (
        QAT,
        {"over": "QAT", "compute": 1e21},
        "over is of type str; pass the fit of",
    ),
    "an average": (
        QAT,
        {"over": bayesq.average({"a": QAT, "b": QAT}, {"a": 0.5, "b": 0.5}), "compute": 1e21},
        "over is of type Average; pass the fit",
    ),
    "nothing else": (QAT, {"over": {}, "compute": 1e21}, "over= is empty; say what is different"),
    "base of a setting": (
        QAT,
        {"over": {"w_bits": 16}, "over_base": CHINCHILLA, "compute": 1e21, "w_bits": 4},
        "leave over_base= out",
    ),
    "compute": (QAT, {"over": {"w_bits": 16}, "compute": "much"}, "compute is 'much'; write a num"),
    "no base": (
        PTQ,
        {"over": {"w_bits": 16}, "compute": 1e21, "w_bits": 4},
        "needs E, A, B, alpha",
    ),
    "size": (
        CHINCHILLA,
        {"over": HOFFMANN, "compute": 1e21, "N": 1e9},
        "speedup looks for N; leave N out",
    ),
    "one size": (
        bayesq.published(
            Law(
                name="size-alone",
                loss=lambda N, L, K, alpha: L + K * N**-alpha,
                parameters=PRIORS,
                remember=False,
            ),
            L=1.6,
            K=400.0,
            alpha=0.34,
        ),
        {"over": CHINCHILLA, "compute": 1e21},
        "depends on N; speedup needs a law of N and D, or of one other input alone",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_bad_question_is_refused_in_one_sentence(what: str) -> None:
    fit, question, words = REFUSED[what]
    with pytest.raises(BayesqError, match=re.escape(words)) as caught:
        speedup(fit, **question)
    assert re.fullmatch(r"[^\n]+[^.]\.", str(caught.value))


def test_the_command_line_takes_a_setting_or_another_paper(run: Run) -> None:
    said = run("decide", "speedup", "kumar2024-qat", "over=w_bits:16", "compute=1e21", "w_bits=4")
    assert "a speedup of 0.775" in re.sub(r"\s+", " ", said.out)
    said = run(
        "decide", "speedup", "chinchilla", "over=chinchilla:hoffmann2022", "compute=1e22", "--json"
    )
    wanted = speedup(CHINCHILLA, over=HOFFMANN, compute=1e22)
    assert said.json()["text"] == wanted.text
    said = run("decide", "speedup", "chinchilla", "over=nowhere.nc", "compute=1e22")
    assert said.code == 2
    assert "nowhere.nc does not exist" in said.err
    for over, wanted in {
        "w_bits=16": "over is 'w_bits=16'; write a setting with colons, over=w_bits:16.",
        "w_bits:16,a_bits": "over is 'w_bits:16,a_bits'; write a setting with colons, over=w_bits:",
    }.items():
        said = run("decide", "speedup", "kumar2024-qat", f"over={over}", "compute=1e21", "w_bits=4")
        assert said.code == 2
        assert wanted in said.err


def test_a_law_of_compute_alone_is_asked_at_the_sizes_of_its_data(grid: bayesq.Runs) -> None:
    full = grid.select("stage == 'none'")
    fit = bayesq.fit(full, OF_PRODUCT, draws=40, tune=200, chains=2, seed=1, progress=False)
    found = speedup(fit, over=fit, compute=1e16)
    assert float(found.draws["speedup"].median()) == pytest.approx(1, abs=0.1)
    assert "extrapolation" not in [n.code for n in found.notes]


def test_ends_of_a_search_are_told_apart() -> None:
    plane = Plane(np.linspace(18.0, 20.0, 9), np.linspace(0.0, 2.0, 9))

    def loss(log_pairs: Any, log_ratio: Any) -> xr.DataArray:
        floor = xr.DataArray([[0.0, 1.0, -1.0]], dims=("chain", "draw"))
        return floor + (19 - log_pairs) / 2 + 0.1 * (log_ratio - 1.2) ** 2

    log_pairs, ratio, cost = cheapest(loss, 0.0, plane, lambda n, d: n * d)
    np.testing.assert_allclose(cost, [[1e19, np.inf, 1e18]], rtol=1e-6)
    np.testing.assert_allclose(ratio, [[1.2, np.nan, np.nan]], atol=1e-6)
    np.testing.assert_allclose(log_pairs, [[19.0, np.inf, -np.inf]], atol=1e-6)


def test_the_baseline_is_compute_optimal() -> None:
    found = speedup(CHINCHILLA, over=CHINCHILLA, compute=1e21).draws
    sizes = compute_optimal(CHINCHILLA, compute=1e21).draws
    at = {"N": sizes["N"], "D": sizes["D"]}
    assert found["loss"].item() == pytest.approx(CHINCHILLA.evaluate("loss", at).item(), rel=1e-9)
