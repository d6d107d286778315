"""Decisions: the papers' own numbers, closed forms against searches, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.optimize import brentq, minimize_scalar

import bayesq
from bayesq import Fit, Law, Parameter, Prior, decide
from bayesq.decide import (
    Decision,
    compute_optimal,
    critical_tokens,
    effective_parameters,
    fewest_bits,
    largest_group,
    optimal_format,
    optimal_precision,
    tokens_to_degradation,
    weight_activation_crossover,
)
from bayesq.decide.solve import minimise
from bayesq.errors import BayesqError
from bayesq.posterior.published import PublishedFit

LAWS = bayesq.laws()
T = 1e12
BASE = {"E": 1.8172, "A": 482.01, "B": 2085.43, "alpha": 0.3478, "beta": 0.3658}
CHINCHILLA = bayesq.published("chinchilla")
SUN = bayesq.published("sun2025")
CHEN = bayesq.published("chen2025")
SCHEMES = bayesq.published("chen2025-schemes")
QAT = bayesq.published("kumar2024-qat")
PTQ = bayesq.published("kumar2024-ptq", gamma_post=0.6)
OUYANG = bayesq.published("ouyang2024")
QUEST = bayesq.published("frantar2025", "quest")
QUARTET = bayesq.published("quartet2025")
UNIFIED = bayesq.published(
    "kumar2024-unified",
    **dict(QAT.constants.values),
    **{"C_T": 0.06, "gamma_D": 0.5, "gamma_N": 0.34, "gamma_post": 0.6},
    **{"C_w": 0.8, "C_a": 1.0, "C_kv": 1.2},
)
E2M1 = {"N": "1B", "exponent": 2, "mantissa": 1, "group": 128}


def spread(paper: PublishedFit, draws: int = 24, by: float = 0.02, **values: Any) -> PublishedFit:
    """Put draws around a paper's constants; `values` are draws given by hand."""
    rng = np.random.default_rng(7)
    over = {"chain": [0, 1], "draw": np.arange(draws // 2)}
    one = paper.posterior.isel(chain=0, draw=0, drop=True)
    noise = {s: rng.normal(1, by, (2, draws // 2)) for s in one.data_vars}
    many = one * xr.Dataset({s: (("chain", "draw"), v) for s, v in noise.items()}, over)
    for symbol, given in values.items():
        many[symbol] = (("chain", "draw"), np.broadcast_to(given, draws).reshape(2, -1))
    return replace(paper, draws=many.transpose("chain", "draw", ...))


def without_closed_forms(fit: PublishedFit) -> PublishedFit:
    return replace(fit, law=replace(fit.law, closed={}, remember=False))


def full_precision(fit: PublishedFit, **at: Any) -> xr.DataArray:
    """Work out the loss before any quantization."""
    law = fit.law
    while law.base is not None:
        law = law.base
    return law.evaluate("loss", fit.values_at(at))


def codes(decision: Decision) -> list[str]:
    return [note.code for note in decision.notes]


# --- the papers' own numbers -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exponent", "mantissa", "tokens"), [(8, 7, 1730 * T), (4, 3, 27.3 * T), (2, 1, 0.39 * T)]
)
def test_sun_critical_tokens(exponent: int, mantissa: int, tokens: float) -> None:
    found = critical_tokens(SUN, N=1e9, exponent=exponent, mantissa=mantissa, group=128)
    assert found.draws.item() == pytest.approx(tokens, rel=0.01)


def test_a_setting_may_be_in_the_words_of_a_table_or_of_the_law() -> None:
    one = {"exponent": 2, "mantissa": 1, "group": 128, "bits": 4}
    columns = {f"{side}_{name}": value for side in "wa" for name, value in one.items()}
    wanted = critical_tokens(SUN, **E2M1).draws.item()
    for question in (columns, {"E": 2, "M": 1, "B": 128}):
        assert critical_tokens(SUN, N=1e9, **question).draws.item() == wanted


@pytest.mark.parametrize(("D", "bits"), [("0.1T", 4.27), ("100T", 7.62)])
@pytest.mark.parametrize("compute", [1e21, "1e25"])
def test_sun_best_bits_at_fixed_tokens(D: str, bits: float, compute: Any) -> None:
    found = optimal_precision(SUN, compute=compute, D=D, group=128)
    assert found.draws.item() == pytest.approx(bits, abs=0.005)


def test_sun_best_bits_lie_between_4_and_8_for_any_compute() -> None:
    budgets = (1e21, 1e24, 1e28, 1e31)
    bits = [optimal_precision(SUN, compute=c, group=128).draws.item() for c in budgets]
    assert 4 <= bits[0] < bits[-1] <= 8
    assert bits == sorted(bits)


@pytest.mark.parametrize(("bits", "best"), [(4, "E2M1"), (8, "E4M3"), (16, "E8M7")])
def test_sun_best_splits(bits: int, best: str) -> None:
    found = optimal_format(SUN, bits=bits, N="1B", D="100B", group=128)
    assert found.near_optimal is not None
    assert found.near_optimal.index[0] == best
    assert found.text.startswith(f"At N 1B, D 100B, B 128, {best} is the best format")
    assert found.draws.sizes["format"] == bits


@pytest.mark.parametrize(
    ("N", "tokens"), [("1B", 0.0012), ("7B", 0.0027), ("70B", 0.0072), ("405B", 0.0154)]
)
def test_ouyang_tokens_to_degradation(N: str, tokens: float) -> None:
    found = tokens_to_degradation(OUYANG, level=0.2, N=N, bits=2)
    assert round(found.draws.item() / T, 4) == tokens


def chen(scheme: str, N: Any, D: Any, G: Any) -> float:
    return bayesq.predict(
        bayesq.published("chen2025", scheme), {"N": N, "D": D, "G": G}
    ).draws.item()


def test_chen_degradation() -> None:
    assert chen("W4A4", "595M", "100B", 256) == pytest.approx(0.0635, abs=1e-4)


def test_chen_errors_of_weights_and_activations_add_up() -> None:
    grid = product((74e6, 145e6, 297e6, 595e6), (1e10, 5e10, 1e11), (32, 64, 128, 256))
    ratios = [chen("W4A4", *at) / (chen("W4A16", *at) + chen("W16A4", *at)) for at in grid]
    assert np.mean(ratios) == pytest.approx(0.906, abs=0.01)
    both, weights, activations = (
        SCHEMES.evaluate(
            "degradation", {"N": 3e8, "D": 5e10, "G": 64.0, "W": w, "A4": a, "FC8": 0.0}
        ).item()
        for w, a in ((1.0, 1.0), (1.0, 0.0), (0.0, 1.0))
    )
    assert both == pytest.approx(0.906 * (weights + activations), rel=1e-12)
    assert weights == pytest.approx(chen("W4A16", 3e8, 5e10, 64), rel=1e-12)
    assert activations == pytest.approx(chen("W16A4", 3e8, 5e10, 64), rel=1e-12)


@pytest.mark.parametrize(("group", "gain"), [(32, 0.205), (256, 0.429)])
def test_chen_gain_of_an_8_bit_fc2_input(group: int, gain: float) -> None:
    at = {"N": 595e6, "D": 1e11, "w_bits": 4, "a_bits": 4, "w_group": group, "a_group": group}
    four, eight = bayesq.predict(SCHEMES, at | {"fc2_a_bits": [4, 8]}).draws.values.ravel()
    assert 1 - eight / four == pytest.approx(gain, abs=0.006)


EFFICIENCIES = {
    "frantar2025": {"W4": 0.923, "W4A4": 0.747, "W1A1": 0.067, "S0.5": 0.871},
    "quest": {"W1A1": 0.0205, "W2A2": 0.1519, "W3A3": 0.4331, "W4A4": 0.6918, "W8A8": 1.016}
    | {"W1": 0.1384, "W2": 0.4137, "W3": 0.6531, "W4": 0.8404},
}


@pytest.mark.parametrize("label", EFFICIENCIES)
def test_frantar_effective_parameters(label: str) -> None:
    paper = bayesq.published("frantar2025", label)
    every = effective_parameters(paper).to_frame()["median"]
    for kind, eff in EFFICIENCIES[label].items():
        assert every[f"eff {kind}"] == eff
        assert every[f"multiplier {kind}"] == pytest.approx(1 / eff, rel=1e-12)
        one = effective_parameters(paper, compression=kind).to_frame()["median"]
        assert one.tolist() == [eff, pytest.approx(1 / eff, rel=1e-12)]


def test_hoffmann_exponents() -> None:
    found = compute_optimal(bayesq.published("chinchilla", "hoffmann2022"), compute=5.76e23)
    assert found.draws["a"].item() == pytest.approx(0.2849 / (0.3392 + 0.2849), rel=1e-6)
    # Besiroglu et al.: about 20 tokens a parameter at Chinchilla's budget.
    paper = compute_optimal(CHINCHILLA, compute=5.76e23).draws
    assert (paper["D"] / paper["N"]).item() == pytest.approx(20, abs=3)


@pytest.mark.parametrize("gamma", [1.0, 2.0])
def test_kumar_best_bits_do_not_depend_on_compute(gamma: float) -> None:
    root = brentq(lambda x: x / np.expm1(x) - 1 / 3, 1, 3)
    assert root == pytest.approx(1.904, abs=5e-4)
    equal = dict.fromkeys(("gamma_w", "gamma_a", "gamma_kv"), gamma)
    paper = bayesq.published("kumar2024-qat", **equal)
    for compute in (1e19, 1e23):
        found = optimal_precision(paper, compute=compute)
        assert found.draws.item() == pytest.approx(root * gamma, rel=1e-5)


def test_kumar_best_bits_grow_with_the_logarithm_of_compute_at_a_fixed_size() -> None:
    bits = [
        optimal_precision(QAT, compute=c, N="100M").draws.item() for c in (1e18, 1e19, 1e20, 1e21)
    ]
    steps = np.diff(bits)
    assert (steps > 0.5).all()
    assert steps.max() < 1.5 * steps.min()


# --- closed forms against searches -------------------------------------------------------------

# For each law and decision that has a closed form: whom to ask, and what.
CLOSED: dict[tuple[str, str], list[tuple[PublishedFit, dict[str, Any]]]] = {
    ("chen2025", "critical_tokens"): [
        (bayesq.published("chen2025", label), {"N": n, "G": g})
        for label, n, g in (("W4A4", "74M", 32), ("W4A16", "595M", 256), ("W16A4", "7B", 128))
    ],
    ("chen2025-schemes", "weight_activation_crossover"): [
        (SCHEMES, {"N": "7B", "group": 64}),
        (bayesq.published("chen2025-schemes", gamma_Dw=0.4), {"N": "74M", "group": [16, 1024]}),
    ],
    ("chinchilla", "compute_optimal"): [
        (CHINCHILLA, {"compute": 1e18}),
        (bayesq.published("chinchilla", "hoffmann2022"), {"compute": 5.76e23}),
    ],
    ("frantar2025", "effective_parameters"): [
        (QUEST, {"N": "1B", "D": "100B"}),
        (QUEST, {"N": "30M", "D": "3B", "compression": "W2A2"}),
    ],
    ("kumar2024-ptq", "critical_tokens"): [
        (bayesq.published("kumar2024-ptq", gamma_post=g, **BASE), {"N": n, "w_bits": p})
        for g, n, p in ((0.6, "1B", 4), (0.9, "70B", 3), (0.5, "30M", 5))
    ],
    ("ouyang2024", "tokens_to_degradation"): [
        (OUYANG, {"N": n, "bits": p, "level": level})
        for n, p, level in (("1B", 2, 0.2), ("405B", 4, 0.05), ("160M", 3, 1.0))
    ],
    ("sun2025", "critical_tokens"): [
        (SUN, E2M1),
        (SUN, {"N": "70B", "exponent": 4, "mantissa": 3, "group": 32}),
        (SUN, {"N": "100M", "exponent": 1, "mantissa": 2, "group": -1}),
    ],
    ("sun2025", "optimal_format"): [(SUN, {"bits": b}) for b in (4, 6, 8, 16)],
    ("sun2025", "optimal_precision"): [
        (SUN, {"compute": c, "D": d, "group": g})
        for c, d, g in ((1e21, "0.1T", 128), (1e25, "100T", 128), (1e19, "1B", 32))
    ],
}


@pytest.mark.parametrize(
    "pair", [(law.name, d) for law in LAWS.values() for d in law.closed], ids=" of ".join
)
def test_closed_forms_are_what_a_search_finds(pair: tuple[str, str]) -> None:
    name, decision = pair
    assert decision in decide.__all__
    assert pair in CLOSED, f"add settings that test the closed form of {decision} of {name}"
    for paper, question in CLOSED[pair]:
        fit = spread(paper)
        assert fit.law is LAWS[name]
        if decision == "optimal_format":
            check_split(fit, **question)
            continue
        ask = getattr(decide, decision)
        exact = as_dataset(ask(fit, **question))
        searched = ask(fit, **question, closed_form=False)
        xr.testing.assert_allclose(as_dataset(searched), exact, rtol=1e-5)
        assert all(values.notnull().all() for values in exact.data_vars.values())
        assert all(float(values.std(("chain", "draw")).min()) > 0 for values in exact.values())


@pytest.mark.parametrize("pair", CLOSED, ids=" of ".join)
def test_a_law_without_its_closed_form_answers_the_same(pair: tuple[str, str]) -> None:
    paper, question = CLOSED[pair][0]
    if pair[1] == "optimal_format":
        question = {**question, "N": "1B", "D": "100B", "group": 128}
    ask = getattr(decide, pair[1])
    exact, searched = (as_dataset(ask(p, **question)) for p in (paper, without_closed_forms(paper)))
    xr.testing.assert_allclose(searched, exact, rtol=1e-5)


def as_dataset(decision: Decision) -> xr.Dataset:
    found = decision.draws
    found = found if isinstance(found, xr.Dataset) else found.to_dataset()
    return found.transpose("chain", "draw", ...)


def check_split(fit: PublishedFit, bits: float) -> None:
    at = {"N": 1e9, "D": 1e11, "B": 128.0}

    def error(mantissa: xr.DataArray) -> xr.DataArray:
        return fit.evaluate("degradation", at | {"M": mantissa, "E": bits - 1 - mantissa})

    best, _ = minimise(error, np.linspace(0.0, bits - 1, 161))
    p = fit.posterior
    exact = fit.law.closed["optimal_format"](bits=bits, delta=p["delta"], nu=p["nu"])
    np.testing.assert_allclose(best.transpose("chain", "draw"), exact["M"], rtol=1e-5)
    np.testing.assert_allclose(exact["E"] + exact["M"], bits - 1, rtol=1e-12)


# --- no optimum, intervals, notes --------------------------------------------------------------


@pytest.mark.parametrize("closed_form", [True, False])
def test_draws_without_an_optimum_have_no_answer(closed_form: bool) -> None:
    slopes = np.array([0.3, -0.2, 0.5, 0.4, -0.1, 0.6, 0.35, 0.45])
    fit = spread(bayesq.published("kumar2024-ptq", gamma_post=0.6, **BASE), 8, gamma_D=slopes)
    found = critical_tokens(fit, N="100M", w_bits=4, closed_form=closed_form)
    # Where the loss falls all the way it would turn beyond what is searched, if ever.
    answers = found.draws.values.ravel()
    np.testing.assert_array_equal(np.isposinf(answers), slopes < 0)
    assert found.without_answer == 0.25
    row = found.to_frame().loc["D"]
    assert row["without_answer"] == 0.25
    assert row["median"] == np.sort(answers)[3]
    assert row["upper"] == np.inf
    assert np.isnan(row["mean"])
    assert "in 25% of the draws more tokens never raise the loss" in found.text


def test_no_draw_may_have_an_optimum() -> None:
    fit = spread(bayesq.published("chen2025", gamma_D=-0.1))
    found = critical_tokens(fit, N="100M", group=64)
    assert found.without_answer == 1
    assert found.near_optimal is None
    row = found.to_frame().loc["D"]
    assert np.isposinf(row[["median", "lower", "upper"]]).all()
    assert np.isnan(row["mean"])
    assert found.answer == "At N 100M, G 64, more tokens never raise the loss."
    assert "no-answer" in codes(found)
    assert found.text.endswith("from 1k to 1e+30 tokens.")
    # A degradation without tokens leaves the base law's fall as it is.
    law = bayesq.published("qat-without-d", k=0.1, gamma_N=0.2, gamma_G=0.7, **BASE)
    assert critical_tokens(law, N="1B", group=32).without_answer == 1


def test_a_budget_too_small_for_any_network_has_no_optimum() -> None:
    found = optimal_precision(QAT, compute=1e3)
    assert found.without_answer == 1
    assert "there is no optimum" in found.text


def test_a_draw_without_an_optimum_has_no_best_whole_number() -> None:
    # Where size costs nothing, none is best.
    fit = spread(QAT, 4, by=0, A=[4299.0, 4299.0, 1e-9, 4299.0])
    found = optimal_precision(fit, compute=1e15)
    assert found.without_answer == 0.25
    assert found.near_optimal is not None
    best = found.near_optimal.iloc[0]
    assert best["probability_best"] == best["probability_near"] == 0.75
    assert "100%" not in found.text


@pytest.mark.parametrize("prob", [0.5, 0.8, 0.99])
def test_intervals_are_quantiles_of_the_draws(prob: float) -> None:
    tails = [(1 - prob) / 2, (1 + prob) / 2]
    tokens = critical_tokens(spread(SUN, 200), **E2M1)
    sizes = compute_optimal(spread(CHINCHILLA, 200), compute=1e21)
    kinds = effective_parameters(spread(QUEST, 200))
    cases = {"D": (tokens, tokens.draws), "a": (sizes, sizes.draws["a"])}
    bits = fewest_bits(spread(PTQ, 200), level=0.02, N="1B", D="100B")
    cases["w_bits"] = (bits, bits.draws)
    for what in ("eff", "multiplier"):
        of_kind = kinds.draws[what].sel(compression="W4A4 E2M1")
        cases[f"{what} W4A4 E2M1"] = (kinds, of_kind)
    for label, (decision, draws) in cases.items():
        row = decision.to_frame(prob).loc[label]
        values = draws.values.ravel()
        # Tokens and ratios have tails without end, bits have two ends: these have a mean.
        mean = values.mean() if label == "w_bits" else np.nan
        wanted = [np.median(values), mean, *np.quantile(values, tails), 0]
        assert list(row.index) == ["median", "mean", "lower", "upper", "without_answer"]
        np.testing.assert_allclose(row, wanted, rtol=1e-12)


@pytest.mark.parametrize("tolerance", [1e-4, 0.005, 0.05])
def test_the_ends_of_what_is_near_the_best_cost_the_tolerance(tolerance: float) -> None:
    at = {"N": 1e9, "E": 2.0, "M": 1.0, "B": 128.0, "quantized": 1.0}
    found = critical_tokens(SUN, **E2M1, tolerance=tolerance)
    check_ends(found, "D", found.draws.item(), lambda d: SUN.evaluate("loss", at | {"D": d}))
    found = compute_optimal(CHINCHILLA, compute=1e21, tolerance=tolerance)
    check_ends(
        found,
        "N",
        found.draws["N"].item(),
        lambda n: CHINCHILLA.evaluate("loss", {"N": n, "D": 1e21 / 6 / n}),
    )


def check_ends(
    found: Decision, symbol: str, best: float, loss: Callable[[float], xr.DataArray]
) -> None:
    assert found.near_optimal is not None
    row = found.near_optimal.loc[symbol]
    assert row["lower"] < best < row["upper"]
    for end in ("lower", "upper"):
        cost = loss(row[end]).item() - loss(best).item()
        assert cost == pytest.approx(row["tolerance"], rel=1e-6)


def test_what_is_near_the_best_lists_whole_bits_by_their_cost() -> None:
    found = optimal_precision(QAT, compute=1e21, N="1B", tolerance=0.002)
    bits = np.arange(2.0, 17)
    tokens = 1e21 / (6 * bits / 16) / 1e9
    at = {"N": 1e9, "D": xr.DataArray(tokens, dims="bits")}
    at |= {s: xr.DataArray(bits, dims="bits") for s in ("P_w", "P_a", "P_kv")}
    loss = QAT.evaluate("loss", at).values.ravel()
    cost = pd.Series(loss - loss.min(), bits.astype(int)).sort_values()
    wanted = cost[cost <= 0.002]
    assert found.near_optimal is not None
    assert found.near_optimal.index.tolist() == wanted.index.tolist()
    np.testing.assert_allclose(found.near_optimal["regret"], wanted, atol=1e-12)
    assert abs(found.draws.item() - wanted.index[0]) < 0.5


def test_an_answer_outside_what_the_law_has_seen_is_noted() -> None:
    # Sun saw 10B to 105B tokens and 41M to 679M parameters.
    near = {"N": "500M", "exponent": 1, "mantissa": 1, "group": 128}
    inside = critical_tokens(SUN, **near)
    assert 1e10 < inside.draws.item() < 1.05e11
    assert codes(inside) == ["published-constants", "range-unknown"]
    far = critical_tokens(SUN, **near | {"exponent": 8, "mantissa": 7})
    assert codes(far) == ["extrapolation", "published-constants", "range-unknown"]
    assert far.notes[0].severity == "severe"
    assert "times in D" in far.text
    assert "times in N" not in far.text
    assert "times in N" in critical_tokens(SUN, **near | {"N": "70B"}).text


def test_an_input_that_was_never_seen_is_noted() -> None:
    law = replace(QAT.law, observed={**QAT.law.observed, "P_kv": (16.0, 16.0)}, remember=False)
    fit = replace(QAT, law=law)
    at = {"N": "100M", "D": "10B", "w_bits": 4, "a_bits": 4}
    assert "unseen-input" not in codes(effective_parameters(fit, **at))
    said = effective_parameters(fit, **at, kv_bits=4)
    assert codes(said)[0] == "unseen-input"
    assert "P_kv" in said.notes[0].message
    # Bits that are looked for are asked too, once there is an answer.
    assert "unseen-input" in codes(optimal_precision(fit, compute=1e19))
    assert "unseen-input" not in codes(optimal_precision(fit, compute=1e19, kv_bits=16))


@pytest.mark.parametrize("paper", [CHINCHILLA, QAT, OUYANG], ids=lambda p: p.law.name)
def test_the_notes_of_the_constants_stand_behind_every_answer(paper: PublishedFit) -> None:
    answers = {
        "chinchilla": lambda: compute_optimal(paper, compute=1e21),
        "kumar2024-qat": lambda: optimal_precision(paper, compute=1e19),
        "ouyang2024": lambda: tokens_to_degradation(paper, level=0.2, N="1B", bits=3),
    }
    said = codes(answers[paper.law.name]())
    assert "published-constants" in said
    assert ("published-unchecked" in said) is not paper.constants.checked


# --- bits --------------------------------------------------------------------------------------


def best_bits(loss: Callable[[float], float]) -> float:
    found = minimize_scalar(loss, bounds=(1, 16), method="bounded", options={"xatol": 1e-8})
    return float(found.x)


BUDGETS: dict[str, tuple[dict[str, Any], Callable[[float], tuple[float, float]]]] = {
    "memory": ({"memory": 8e9, "D": "100B"}, lambda p: (8e9 / p, 1e11)),
    "fixed D": ({"compute": 1e20, "D": "20B"}, lambda p: (1e20 / (6 * p / 16) / 2e10, 2e10)),
    "fixed N": ({"compute": 1e20, "N": "300M"}, lambda p: (3e8, 1e20 / (6 * p / 16) / 3e8)),
}


@pytest.mark.parametrize("budget", BUDGETS)
def test_the_best_bits_solve_the_law_at_every_draw(budget: str) -> None:
    given, sizes = BUDGETS[budget]
    fit = spread(QAT, 6)
    found = optimal_precision(fit, **given, kv_bits=16)

    def loss(bits: float, draw: xr.Dataset) -> float:
        N, D = sizes(bits)
        values = {str(k): float(v) for k, v in draw.items()}
        at = {"N": N, "D": D, "P_w": bits, "P_a": bits, "P_kv": 16.0}
        return float(fit.law.evaluate("loss", values | at))

    for chain, draw in product(range(2), range(3)):
        one = fit.posterior.isel(chain=chain, draw=draw)
        wanted = best_bits(lambda bits, one=one: loss(bits, one))
        assert found.draws.values[chain, draw] == pytest.approx(wanted, abs=1e-3)
    assert found.draws.attrs["units"] == "bits"


def test_the_best_bits_of_a_rounded_network_hold_its_memory_constant() -> None:
    fit = bayesq.published("kumar2024-ptq", gamma_post=0.6, **BASE)
    found = optimal_precision(fit, memory="8B", D="100B")
    values = {**fit.constants.values, "gamma_post": 0.6, **BASE}

    def loss(bits: float) -> float:
        return float(fit.law.evaluate("loss", values | {"N": 8e9 / bits, "D": 1e11, "P": bits}))

    assert found.draws.item() == pytest.approx(best_bits(loss), abs=1e-3)
    # In the numbers of the notes N is memory / bits too.
    factor = 8e9 / found.draws.item() / fit.law.observed["N"][1]
    assert factor == pytest.approx(8.8, abs=0.05)
    assert "8.8 times in N" in found.text


def test_bits_lie_between_1_and_16_or_there_is_no_answer() -> None:
    scale = np.geomspace(0.2, 20, 24)
    gammas = dict.fromkeys(("gamma_w", "gamma_a", "gamma_kv"), scale)
    found = optimal_precision(spread(QAT, **gammas), compute=1e20).draws
    bits = found.values.ravel()
    none = np.isnan(bits)
    assert 0 < none.sum() < bits.size
    np.testing.assert_array_equal(none, (1.9038 * scale < 1) | (1.9038 * scale > 16))
    np.testing.assert_allclose(bits[~none], 1.9038 * scale[~none], rtol=1e-3)


def test_the_best_compression_at_a_fixed_memory() -> None:
    found = optimal_precision(spread(QUEST, 40), memory="8B", D="100B", tolerance=10)
    widths = {label: float(re.sub(r"\D.*", "", label[1:])) for label in QUEST.levels["compression"]}
    assert found.near_optimal is not None
    assert set(found.near_optimal.index) == set(widths)
    assert found.near_optimal["probability_best"].sum() == pytest.approx(1)
    assert set(np.unique(found.draws)) <= set(widths.values())
    p = QUEST.constants.values
    loss = {
        k: p["A"] * (8e9 / w * p["eff"][k]) ** -p["alpha"]  # type: ignore[index, operator]
        for k, w in widths.items()
    }
    one = optimal_precision(QUEST, memory="8B", D="100B")
    assert one.near_optimal is not None
    assert one.near_optimal.index[0] == min(loss, key=loss.__getitem__)


@pytest.mark.parametrize(
    ("paper", "given", "inputs"),
    [
        (QAT, {"N": "100M", "D": "10B"}, ("P_w", "P_a", "P_kv")),
        (QAT, {"N": "100M", "D": "10B", "a_bits": 16, "kv_bits": 16}, ("P_w",)),
        (OUYANG, {"N": "7B", "D": "1T"}, ("P",)),
    ],
    ids=["all operands", "weights", "ouyang"],
)
def test_the_fewest_bits_reach_the_level(
    paper: PublishedFit, given: dict[str, Any], inputs: tuple[str, ...]
) -> None:
    fit = spread(paper)
    found = fewest_bits(fit, level=0.05, **given)
    assert found.draws.name == ("w_bits" if len(inputs) == 1 else "bits")
    held = {s: 16.0 for s in ("P_a", "P_kv") if s not in inputs}
    at = {k: bayesq.runs.counts.parse_count(given[k]) for k in ("N", "D")}
    reached = fit.evaluate("degradation", {**held, **at, **dict.fromkeys(inputs, found.draws)})
    np.testing.assert_allclose(reached, 0.05, rtol=1e-9)


# --- effective parameters ----------------------------------------------------------------------

_SIZES = {"N": 2e8, "D": 2e10}
WORTH: dict[str, tuple[PublishedFit, dict[str, Any], dict[str, Any]]] = {
    "sun2025": (SUN, {"exponent": 2, "mantissa": 1, "group": 32}, {"E": 2.0, "M": 1.0, "B": 32.0}),
    "chen2025": (CHEN, {"group": 64}, {"G": 64.0}),
    "kumar2024-ptq": (
        bayesq.published("kumar2024-ptq", gamma_post=0.6, **BASE),
        {"w_bits": 4},
        {"P": 4.0},
    ),
    "kumar2024-qat": (
        QAT,
        {"w_bits": 4, "a_bits": 6},
        {"P_w": 4.0, "P_a": 6.0, "P_kv": 16.0},
    ),
    "kumar2024-unified": (
        UNIFIED,
        {"w_bits": 4, "stage": "post", "train_w_bits": 8},
        {"P_w": 8.0, "P_a": 16.0, "P_kv": 16.0, "P_post": 4.0},
    ),
    "frantar2025": (QUEST, {"compression": "W3"}, {"compression": 9}),
    "quartet2025": (
        QUARTET,
        {"forward": "W4A4 QuEST", "backward": "G4 SR-absmax"},
        {"forward": 0, "backward": 0},
    ),
}


@pytest.mark.parametrize("closed_form", [True, False])
@pytest.mark.parametrize("name", WORTH)
def test_effective_parameters_have_equal_losses(name: str, closed_form: bool) -> None:
    paper, question, inputs = WORTH[name]
    fit = spread(paper)
    found = effective_parameters(fit, **_SIZES, **question, closed_form=closed_form).draws
    N, D = _SIZES["N"], _SIZES["D"]
    quantized = fit.evaluate("loss", {**_SIZES, **inputs})
    assert (quantized > full_precision(fit, **_SIZES)).all()
    np.testing.assert_allclose(full_precision(fit, N=N * found["eff"], D=D), quantized, rtol=1e-9)
    grown = fit.evaluate("loss", {"N": N * found["multiplier"], "D": D, **inputs})
    np.testing.assert_allclose(grown, full_precision(fit, **_SIZES), rtol=1e-9)


def test_both_kinds_of_compression_are_answered_for() -> None:
    found = effective_parameters(QUARTET, **_SIZES).draws
    assert dict(found.sizes) == {"chain": 1, "draw": 1, "forward": 4, "backward": 1}
    one = effective_parameters(QUARTET, **_SIZES, **WORTH["quartet2025"][1]).draws["eff"]
    same = found["eff"].sel(forward="W4A4 QuEST", backward="G4 SR-absmax")
    assert same.item() == pytest.approx(one.item(), rel=1e-12)
    # With the backward pass in full precision the forward format's efficiency is all there is.
    forward = effective_parameters(QUARTET, **_SIZES, forward="W4A4 QuEST").draws["eff"]
    assert forward.item() == pytest.approx(0.645, rel=1e-6)


def test_a_loss_that_no_size_reaches_has_no_multiplier() -> None:
    # A degradation that does not fall with size, above all that size can win back.
    fit = bayesq.published("chen2025", gamma_N=0.0, k=1e3)
    found = effective_parameters(fit, N="1B", D="10B", group=64)
    assert np.isposinf(found.draws["multiplier"]).all()
    assert found.without_answer == 1


# --- weights against activations, groups, sizes ------------------------------------------------


def test_at_the_crossover_both_degradations_are_equal() -> None:
    fit = spread(SCHEMES)
    found = weight_activation_crossover(fit, N="595M", group=[32, 256]).draws
    assert found.dims == ("chain", "draw", "group")
    for group in (32.0, 256.0):
        at = {"N": 595e6, "G": group, "FC8": 0.0}
        for factor, sign in ((1.0, 0), (1.5, 1), (0.6, -1)):
            tokens = {"D": found.sel(group=group) * 595e6 * factor}
            weights, activations = (
                fit.evaluate("degradation", {**at, **tokens, "W": w, "A4": 1.0 - w})
                for w in (1.0, 0.0)
            )
            if sign:
                assert (np.sign(weights - activations) == sign).all()
            else:
                np.testing.assert_allclose(weights, activations, rtol=1e-9)


@pytest.mark.parametrize("closed_form", [True, False])
def test_the_weights_may_never_overtake(closed_form: bool) -> None:
    slopes = [0.16, 0.01, 0.16, 0.02]
    fit = spread(SCHEMES, 4, gamma_Dw=slopes, gamma_Da=0.0331)
    found = weight_activation_crossover(fit, N="595M", group=64, closed_form=closed_form)
    np.testing.assert_array_equal(found.draws.isnull().values.ravel(), [0, 1, 0, 1])
    assert found.without_answer == 0.5
    fit = bayesq.published("chen2025-schemes", gamma_Dw=0.01)
    assert "never" in weight_activation_crossover(fit, N="595M", group=64).text


def test_weights_that_are_always_worse_are_not_said_to_be_never() -> None:
    fit = bayesq.published("chen2025-schemes", k_w=1e3)
    at = {"N": 595e6, "D": 1e3, "G": 64.0, "FC8": 0.0}
    weights, activations = (
        fit.evaluate("degradation", {**at, "W": w, "A4": 1.0 - w}) for w in (1.0, 0.0)
    )
    assert weights > activations
    assert "never" not in weight_activation_crossover(fit, N="595M", group=64).text


GROUPS: dict[str, tuple[PublishedFit, str, dict[str, Any], dict[str, Any]]] = {
    "chen2025": (CHEN, "G", {}, {}),
    "weights of chen2025-schemes": (
        SCHEMES,
        "G",
        {"w_bits": 4, "a_bits": 16},
        {"W": 1.0, "A4": 0.0, "FC8": 0.0},
    ),
    "both of chen2025-schemes": (
        SCHEMES,
        "G",
        {"w_bits": 4, "a_bits": 4},
        {"W": 1.0, "A4": 1.0, "FC8": 0.0},
    ),
    "sun2025": (SUN, "B", {"exponent": 1, "mantissa": 1}, {"E": 1.0, "M": 1.0}),
}


@pytest.mark.parametrize("what", GROUPS)
def test_the_largest_group_reaches_the_level(what: str) -> None:
    paper, symbol, given, inputs = GROUPS[what]
    fit = spread(paper)
    at = {"N": 3e8, "D": 5e10, **inputs}
    level = float(fit.evaluate("degradation", at | {symbol: 64.0}).median())
    found = largest_group(fit, level=level, N="300M", D="50B", **given)
    assert found.draws.name == symbol
    reached = fit.evaluate("degradation", at | {symbol: found.draws})
    np.testing.assert_allclose(reached, level, rtol=1e-9)
    assert (largest_group(fit, level=1e6, N="300M", D="50B", **given).draws == 2**20).all()
    assert largest_group(fit, level=1e-9, N="300M", D="50B", **given).without_answer == 1


SIZES: dict[str, tuple[PublishedFit, dict[str, Any], dict[str, Any]]] = {
    "chinchilla": (CHINCHILLA, {}, {}),
    "chinchilla of hoffmann2022": (bayesq.published("chinchilla", "hoffmann2022"), {}, {}),
    "chen2025": (CHEN, {"group": 64}, {"G": 64.0}),
    "kumar2024-qat": (QAT, {"w_bits": 4}, {"P_w": 4.0, "P_a": 16.0, "P_kv": 16.0}),
    "sun2025": (SUN, {"exponent": 4, "mantissa": 3, "group": 32}, {"E": 4.0, "M": 3.0, "B": 32.0}),
    "frantar2025": (QUEST, {"compression": "W4A4"}, {"compression": 3}),
    "muennighoff2023": (bayesq.published("muennighoff2023"), {"U": "10B"}, {"U": 1e10}),
}


@pytest.mark.parametrize("compute", [1e20, "5.76e23"])
@pytest.mark.parametrize("what", SIZES)
def test_the_best_size_spends_the_compute_where_the_loss_is_flat(what: str, compute: Any) -> None:
    paper, question, inputs = SIZES[what]
    fit = spread(paper)
    found = compute_optimal(fit, compute=compute, **question).draws
    budget = float(compute)
    assert found["N"].notnull().all()
    np.testing.assert_allclose(6 * found["N"] * found["D"], budget, rtol=1e-9)
    np.testing.assert_allclose(found["a"] + found["b"], 1, rtol=1e-12)

    def loss(step: float) -> xr.DataArray:
        size = found["N"] * np.exp(step)
        return fit.evaluate("loss", {**inputs, "N": size, "D": budget / 6 / size})

    low, middle, high = (loss(step) for step in (-1e-3, 0.0, 1e-3))
    bend = low - 2 * middle + high
    assert (bend > 0).all()
    # The slope is nil against the bend: the vertex lies within a ten-thousandth of N*.
    assert float(abs((high - low) / 2 / bend).max()) * 1e-3 < 1e-4
    if what.startswith("chinchilla"):
        p = fit.posterior
        wanted = p["beta"] / (p["alpha"] + p["beta"])
        np.testing.assert_allclose(found["a"], wanted, rtol=1e-6)


@pytest.mark.parametrize("decision", ["compute_optimal", "optimal_precision"])
def test_a_rest_of_draws_without_an_optimum_is_a_sentence(decision: str) -> None:
    signs = np.ones(202)
    signs[17] = -1
    if decision == "compute_optimal":
        fit = spread(CHINCHILLA, 202, alpha=0.3478 * signs)
        found = compute_optimal(fit, compute=1e21)
    else:
        # One draw feels no bits, and is best at one.
        gammas = {s: np.where(signs > 0, 2.0, 1e-3) for s in ("gamma_w", "gamma_a", "gamma_kv")}
        found = optimal_precision(spread(QAT, 202, **gammas), compute=1e20, D="10B")
    assert found.without_answer == pytest.approx(1 / 202)
    assert re.search(r"\. In less than 1% of the draws there is no optimum", found.text)


# --- formats -----------------------------------------------------------------------------------


def test_probabilities_of_being_best_sum_to_1() -> None:
    fit = spread(SUN, 400, by=0.2)
    found = optimal_format(fit, bits=4, N="300M", D="50B", group=64, tolerance=1e3)
    table = found.near_optimal
    assert table is not None
    assert set(table.index) == {"E0M3", "E1M2", "E2M1", "E3M0"}
    assert table["probability_best"].sum() == pytest.approx(1)
    assert table["probability_best"].is_monotonic_decreasing
    assert (table["probability_best"] < 1).all()
    draws = found.draws.transpose("chain", "draw", "format")
    np.testing.assert_array_equal(draws["regret"].min("format"), 0)
    best = draws["loss"].idxmin("format").values
    for name, share in table["probability_best"].items():
        assert share == pytest.approx((best == name).mean())
    near = optimal_format(fit, bits=4, N="300M", D="50B", group=64, tolerance=0.01).near_optimal
    assert near is not None
    assert (near["regret"] <= 0.01).all()
    regret = draws["regret"].sel(format="E1M2")
    assert near.loc["E1M2", "probability_near"] == pytest.approx(float((regret <= 0.01).mean()))


def test_formats_of_the_same_values_share_the_first_place() -> None:
    formats = ["E0M3", "INT4", "E1M2"]
    found = optimal_format(spread(SUN), formats=formats, N="1B", D="100B", group=128, tolerance=9)
    assert found.near_optimal is not None
    assert found.near_optimal["probability_best"].to_dict() == {"INT4": 0.5, "E1M2": 0.5, "E0M3": 0}
    assert "integers-as-minifloats" in codes(found)


def test_formats_of_fewer_bits_have_more_parameters_at_a_fixed_memory() -> None:
    given = {"formats": ["E2M1", "E4M3", "INT8"], "N": "1B", "D": "100B"}
    found = optimal_format(SUN, **given, group=128, memory="4B").draws["loss"]
    for name, (e, m) in {"E2M1": (2, 1), "E4M3": (4, 3), "INT8": (1, 6)}.items():
        # As stored: each group of 128 has a scale of 16 bits.
        at = {
            "N": 4e9 / (1 + e + m + 16 / 128),
            "D": 1e11,
            "E": float(e),
            "M": float(m),
            "B": 128.0,
        }
        wanted = SUN.evaluate("loss", at | {"quantized": 1.0}).item()
        assert found.sel(format=name).item() == pytest.approx(wanted, rel=1e-12)


def test_compressions_of_one_width_are_compared() -> None:
    found = optimal_format(QUEST, bits=4, N="1B", D="100B", tolerance=9)
    assert found.near_optimal is not None
    assert list(found.near_optimal.index) == ["W4A4", "W4A4 E2M1", "W4A4 S0.5"]
    named = optimal_format(QUEST, formats=["W4", "W2A2"], N="1B", D="100B").draws["loss"]
    np.testing.assert_array_equal(named["format"], ["W4", "W2A2"])
    p: Any = QUEST.constants.values
    wanted = p["E"] + p["A"] * (1e9 * 0.8404) ** -p["alpha"] + p["B"] * 1e11 ** -p["beta"]
    assert named.sel(format="W4").item() == pytest.approx(wanted, rel=1e-12)


# --- a degradation with its base law -----------------------------------------------------------


def ouyang_by_hand(p: Any, base: Any) -> Any:
    ratio = base["beta"] * base["B"] * 1e9 ** p["alpha"] * 3 ** p["gamma"] / (p["beta"] * p["k"])
    return ratio ** (1 / (p["beta"] + base["beta"]))


@pytest.mark.parametrize(("own", "of_base"), [(1, 1), (24, 1), (1, 24), (24, 24)])
def test_a_base_law_completes_a_degradation(own: int, of_base: int) -> None:
    fit = OUYANG if own == 1 else spread(OUYANG, own)
    base = CHINCHILLA if of_base == 1 else spread(CHINCHILLA, of_base)
    found = critical_tokens(fit, base=base, N="1B", w_bits=3)
    p, b = (
        {s: v.values.ravel() for s, v in paper.posterior.data_vars.items()} for paper in (fit, base)
    )
    np.testing.assert_allclose(found.draws.values.ravel(), ouyang_by_hand(p, b), rtol=1e-5)
    assert found.draws.size == max(own, of_base)


def test_a_base_law_goes_with_every_decision_about_the_loss() -> None:
    whole = bayesq.published("kumar2024-ptq", gamma_post=0.6, **BASE)
    questions: list[tuple[Callable[..., Decision], dict[str, Any]]] = [
        (critical_tokens, {"N": "1B", "w_bits": 4}),
        (effective_parameters, {"N": "1B", "D": "100B", "w_bits": 4}),
        (optimal_precision, {"memory": "8B", "D": "100B"}),
        (compute_optimal, {"compute": 1e21, "w_bits": 4}),
    ]
    for ask, question in questions:
        joined, direct = ask(PTQ, **question, base=CHINCHILLA), ask(whole, **question)
        pd.testing.assert_frame_equal(joined.to_frame(), direct.to_frame())


def test_a_joint_answer_carries_the_notes_of_both() -> None:
    found = critical_tokens(OUYANG, base=CHINCHILLA, N="1B", w_bits=3)
    said = [n.message for n in found.notes if n.code == "published-constants"]
    assert any("Ouyang" in message for message in said)
    assert any("Besiroglu" in message for message in said)


# --- refusals ----------------------------------------------------------------------------------

SIZE_ONLY = Law(
    name="size-only",
    loss=lambda N, E, A, alpha: E + A * N**-alpha,
    parameters=(
        Parameter("E", Prior("LogNormal", mu=0.4, sigma=0.5), "nats/token"),
        Parameter("A", Prior("LogNormal", mu=-0.7, sigma=1), term=lambda N, alpha: N**-alpha),
        Parameter("alpha", Prior("LogNormal", mu=-1, sigma=0.5)),
    ),
    remember=False,
)
_SUN = {"exponent": 4, "mantissa": 3, "group": 128}
_AT = {"N": "1B", "D": "100B"}
Question = tuple[Callable[..., Decision], PublishedFit | Any, dict[str, Any], str]
REFUSED: dict[str, Question] = {
    "no budget": (optimal_precision, QAT, {}, "needs one budget: compute= or memory="),
    "both budgets": (
        optimal_precision,
        QAT,
        {"compute": 1e21, "memory": 1e9},
        "needs one budget: compute= or memory=",
    ),
    "nothing left": (
        optimal_precision,
        QAT,
        {"compute": 1e21, **_AT},
        "with both of them, nothing is left to choose",
    ),
    "memory without tokens": (optimal_precision, QAT, {"memory": 1e9}, "With memory= give D="),
    "memory and size": (
        optimal_precision,
        QAT,
        {"memory": 1e9, **_AT},
        "give D= and leave N= out",
    ),
    "no compute": (optimal_precision, QAT, {"compute": 0}, "compute is 0; write a number"),
    "budget in words": (compute_optimal, CHINCHILLA, {"compute": "much"}, "compute is 'much'"),
    "compute of a rounded network": (
        optimal_precision,
        PTQ,
        {"compute": 1e21, "base": CHINCHILLA},
        "do not change the compute of training; give memory= and D=",
    ),
    "compute of kinds": (optimal_precision, QUEST, {"compute": 1e21}, "give memory= and D="),
    "bits of a base law": (optimal_precision, CHINCHILLA, {"compute": 1e21}, "no quantization"),
    "no bits to choose": (
        optimal_precision,
        CHEN,
        {"compute": 1e21, "group": 64},
        "leaves no bits to choose",
    ),
    "all bits given": (
        optimal_precision,
        QAT,
        {"compute": 1e21, "w_bits": 4, "a_bits": 4, "kv_bits": 4},
        "leaves no bits to choose",
    ),
    "tokens of a base law": (critical_tokens, CHINCHILLA, {"N": 1e9}, "has no degradation"),
    "level of a base law": (
        tokens_to_degradation,
        CHINCHILLA,
        {"N": 1e9, "level": 0.1},
        "has no degradation",
    ),
    "group of a base law": (largest_group, CHINCHILLA, {**_AT, "level": 1}, "has no degradation"),
    "worth of a base law": (effective_parameters, CHINCHILLA, _AT, "its parameters are all effect"),
    "bits without bits": (fewest_bits, CHEN, {**_AT, "level": 1, "group": 64}, "as a function of"),
    "tokens without tokens": (
        tokens_to_degradation,
        bayesq.published("qat-without-d", k=0.1, gamma_N=0.2, gamma_G=0.7),
        {"N": 1e9, "group": 64, "level": 0.1},
        "does not depend on tokens",
    ),
    "sizes without tokens": (
        compute_optimal,
        bayesq.published(SIZE_ONLY, E=1.7, A=400.0, alpha=0.34),
        {"compute": 1e21},
        "size-only.*(D|tokens)",
    ),
    "no group": (largest_group, QAT, {**_AT, "level": 0.1}, "does not look at the group size"),
    "one scheme": (
        weight_activation_crossover,
        CHEN,
        {"N": 1e9},
        "does not know weights and activations apart; fit .* chen2025-schemes",
    ),
    "one format for both sides": (
        weight_activation_crossover,
        SUN,
        {"N": 1e9},
        "Law sun2025 does not know weights and activations apart",
    ),
    "no groups": (weight_activation_crossover, SCHEMES, {"N": 1e9, "group": []}, "group is empt"),
    "no level": (tokens_to_degradation, OUYANG, {"N": 1e9, "bits": 2, "level": 0}, "level is 0"),
    "no tolerance": (critical_tokens, SUN, {**E2M1, "tolerance": -1}, "tolerance is -1"),
    "unknown format": (
        optimal_format,
        SUN,
        {**_AT, "formats": ["FP4"], "group": 128},
        "'FP4' is none that law sun2025 knows; write it like E4M3",
    ),
    "unknown kind": (
        optimal_format,
        QUEST,
        {**_AT, "formats": ["W5A5"]},
        "'W5A5' is none of the kinds of compression",
    ),
    "format of several kinds": (
        optimal_format,
        bayesq.published("frantar2025", "quest", eff={"W4A4 g32": 0.7, "W4A4 g64": 0.6}),
        {**_AT, "formats": ["W4A4"]},
        "'W4A4' fits several of the kinds",
    ),
    "bits of no kind": (
        optimal_format,
        QUEST,
        {**_AT, "bits": 5},
        "no compression of 5 bits; it has W1A1",
    ),
    "bits of no split": (optimal_format, SUN, {**_AT, "bits": 4.5, "group": 128}, "whole number"),
    "neither bits nor formats": (optimal_format, SUN, {**_AT, "group": 128}, "either bits= or"),
    "empty formats": (optimal_format, SUN, {**_AT, "formats": [], "group": 128}, "format"),
    "bits and formats": (
        optimal_format,
        SUN,
        {**_AT, "bits": 4, "formats": ["E2M1"], "group": 128},
        "either bits= or formats=",
    ),
    "formats of no law": (optimal_format, CHEN, {**_AT, "bits": 4}, "does not tell formats apart"),
    "compression lacking": (compute_optimal, QAT, {"compute": 1e21, "bit": 4}, "no column 'bit'"),
    "unknown column": (critical_tokens, SUN, {**E2M1, "widht": 4}, "no column 'widht'"),
    "input lacking": (critical_tokens, SUN, {"N": 1e9, "exponent": 2, "mantissa": 1}, "gives no B"),
    "no setting": (critical_tokens, SUN, {}, "needs a setting; say B, E, M, N of it"),
    "tokens given": (critical_tokens, SUN, {**E2M1, "D": 1e9}, "looks for D; leave D out"),
    "tokens given too": (
        tokens_to_degradation,
        OUYANG,
        {**_AT, "bits": 2, "level": 1},
        "looks for D; leave D out",
    ),
    "size given": (compute_optimal, CHINCHILLA, {"compute": 1e21, "N": 1e9}, "looks for N"),
    "group given": (largest_group, CHEN, {**_AT, "level": 1, "group": 64}, "leave group out"),
    "digits given": (optimal_format, SUN, {**_AT, **_SUN, "bits": 8}, "leave exponent out"),
    "two settings": (critical_tokens, SUN, {**E2M1, "N": [1e9, 2e9]}, "answers for one setting"),
    "no base": (critical_tokens, OUYANG, {"N": 1e9, "w_bits": 3}, "needs E, A, B, alpha_base"),
    "no base for the size": (
        effective_parameters,
        PTQ,
        {**_AT, "w_bits": 4},
        "loss needs E, A, B, alpha, beta",
    ),
    "another base": (
        critical_tokens,
        PTQ,
        {"N": 1e9, "w_bits": 4, "base": SUN},
        "law kumar2024-ptq has base law chinchilla; pass a fit of that one",
    ),
    "base of a base": (
        compute_optimal,
        CHINCHILLA,
        {"compute": 1e21, "base": CHINCHILLA},
        "law chinchilla has no base law",
    ),
    "base that is none": (
        critical_tokens,
        PTQ,
        {"N": 1e9, "w_bits": 4, "base": "chinchilla"},
        "A str is not a fit; make one",
    ),
    "no fit": (critical_tokens, "sun2025", E2M1, "A str is not a fit; make one with bayesq.fit"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_bad_question_is_refused_in_one_sentence(what: str) -> None:
    ask, fit, question, words = REFUSED[what]
    with pytest.raises(BayesqError, match=words) as caught:
        ask(fit, **question)
    said = str(caught.value)
    assert re.fullmatch(r"[^\n]+[^.]\.", said)
    assert not re.search(r"[a-z]\. [A-Z]", said), "one sentence"


def test_every_decision_has_a_refusal_and_an_example() -> None:
    asked = {ask.__name__ for ask, *_ in REFUSED.values()}
    asked |= {"inference_optimal", "iso_loss", "speedup"}  # in files of their own
    assert asked == set(decide.__all__) - {"Decision"}


# --- answers that looked sure and were wrong ---------------------------------------------------


def test_a_fit_that_holds_base_parameters_takes_no_base() -> None:
    # Sun's degradation shares exponents with its base: another base's would not go with them.
    shared = bayesq.published("sun2025", response="degradation")
    with pytest.raises(
        BayesqError, match=r"holds .*alpha, beta itself, which no other fit can repl"
    ):
        critical_tokens(shared, base=bayesq.published("chinchilla"), N="1B", group=128, bits=4)


def test_a_base_that_was_seen_elsewhere_is_noted(ptq_fit: Fit) -> None:
    found = critical_tokens(ptq_fit, base=bayesq.published("chinchilla"), N="10M", bits=4)
    (note,) = (n for n in found.notes if n.code == "disjoint-base")
    assert note.severity == "severe"
    assert "N 786k to 18.9M against 57.3M to 16.2B" in note.message
    (far,) = (n for n in found.notes if n.code == "extrapolation")
    assert "the data have 300M to 400M" in far.message, "D is that of both, N that of the fit"


def test_round_off_is_no_optimum() -> None:
    # Bits act as a smaller size: the loss falls for ever, to the last digit of a float.
    assert critical_tokens(QAT, N="10M", w_bits=4).without_answer == 1


@pytest.mark.parametrize(
    ("constants", "words"),
    [
        ({}, "from "),
        ({"k_w": 1e3}, "at any number of tokens"),
        ({"k_w": 1e-6, "gamma_Dw": 0.0331}, "never"),
        ({"gamma_Dw": -0.1, "k_w": 500.0}, "at few tokens only: the activations overtake"),
    ],
)
def test_a_crossover_says_who_is_ahead(constants: dict[str, float], words: str) -> None:
    fit = bayesq.published("chen2025-schemes", **constants)
    found = weight_activation_crossover(fit, N="595M", group=128)
    assert f"the larger one with groups of 128 {words}" in found.answer
    assert found.without_answer == (0 if words == "from " else 1)
    for d in (1e3, 1e30):
        weights, activations = (
            fit.evaluate("degradation", {"N": 595e6, "D": d, "G": 128, "FC8": 0} | on).item()
            for on in ({"W": 1, "A4": 0}, {"W": 0, "A4": 1})
        )
        ahead = {"from ": d > 1e20, "never": False, "at any number of tokens": True}
        assert (weights > activations) is ahead.get(words, d < 1e20)


@pytest.mark.parametrize("budget", [{"memory": 32e9, "D": "10B"}, {"compute": 1e21}])
def test_bits_that_the_budget_counts_cannot_be_given(budget: dict[str, Any]) -> None:
    with pytest.raises(BayesqError, match="counted in the bits that are to be chosen, and w_bits"):
        optimal_precision(QAT, w_bits=4, **budget)


def test_a_law_of_two_stages_is_asked_about_one() -> None:
    law = bayesq.laws()["kumar2024-unified"]
    values = {p.symbol: 0.5 for p in law.parameters if not p.symbol.startswith("C_")}
    values |= dict(C_T=10.0, C_w=1.0, C_a=1.0, C_kv=1.0, **QAT.constants.values)
    values |= {"gamma_post": 0.6}
    fit = bayesq.published(law, **values)
    at = {"N": "1B", "D": "10B"}
    with pytest.raises(BayesqError, match="several stages; say whose bits are looked for"):
        fewest_bits(fit, level=0.01, **at)
    after = fewest_bits(fit, level=0.01, stage="post", **at)
    bits = after.draws.item()
    inputs = {"N": 1e9, "D": 1e10, "P_w": 16, "P_a": 16, "P_kv": 16, "quantized": 1.0}
    added = fit.evaluate("degradation", inputs | {"P_post": bits})
    assert added.item() == pytest.approx(0.01, rel=1e-6)
    with pytest.raises(BayesqError, match="several stages; say stage=train or post of each"):
        bayesq.predict(fit, at | {"w_bits": 4})
    training = fewest_bits(fit, level=0.01, stage="train", **at)
    assert training.draws.item() != pytest.approx(bits, rel=0.1)
    with pytest.raises(BayesqError, match="Bits after training do not change the compute"):
        optimal_precision(fit, compute=1e21, stage="post")


def test_formats_that_are_given_choose_the_kinds() -> None:
    fit = bayesq.published(
        "frantar2025",
        eff={
            "W4A4 int g32": 0.60,
            "W4A4 int g128": 0.50,
            "W4A4 E2M1 g32": 0.65,
            "W4A4 E2M1-mxfp g32": 0.62,
            "W4 int g32": 0.80,
            "W8 int channel": 0.99,
        },
        **BASE,
    )
    at = {"N": "1B", "D": "10B"}

    def options(**asked: Any) -> set[str]:
        found = optimal_format(fit, bits=4, tolerance=1e3, **at, **asked)
        assert found.near_optimal is not None
        return set(found.near_optimal.index)

    assert options() == {label for label in fit.levels["compression"] if label.startswith("W4A4")}
    assert options(a_bits=16) == {"W4 int g32"}
    assert options(w_group=128, a_group=128) == {"W4A4 int g128"}
    assert options(w_kind="int") == {"W4A4 int g32", "W4A4 int g128"}
    assert options(w_kind="fp") == {"W4A4 E2M1 g32"}
    assert options(w_kind="mxfp", group=32) == {"W4A4 E2M1-mxfp g32"}
    assert options(w_exponent=2) == {"W4A4 E2M1 g32", "W4A4 E2M1-mxfp g32"}
    with pytest.raises(BayesqError, match="has no compression with kv_bits=4; it has W4A4 int g32"):
        options(kv_bits=4)
    found = optimal_precision(fit, memory="8B", D="10B", a_bits=4, tolerance=1e3)
    assert found.near_optimal is not None
    assert all(label.startswith("W4A4") for label in found.near_optimal.index)
    per_channel = optimal_precision(fit, memory="8B", D="10B", group=-1)
    assert per_channel.draws.item() == 8


def test_both_directions_may_be_held() -> None:
    fit = bayesq.published("quartet2025")
    at = {"N": "1B", "D": "10B", "formats": ["W4A4 QuEST"]}
    alone, both, named = (
        optimal_format(fit, **at, **more)
        for more in ({}, {"grad_bits": 4}, {"backward": "G4 SR-absmax"})
    )
    eff_d = fit.posterior["eff_D"].item()
    values = {**fit.constants.values, "N": 1e9, "D": 1e10, "eff_N": 0.645}
    for found, share in ((alone, 1.0), (both, eff_d), (named, eff_d)):
        wanted = fit.law.evaluate("loss", values | {"eff_D": share})
        assert found.draws["loss"].item() == pytest.approx(wanted, rel=1e-12)
    assert "backward full precision" in alone.answer
    assert "backward G4 SR-absmax" in both.answer


def test_a_side_on_which_the_loss_never_rises_is_near_without_end() -> None:
    # Beyond the optimum the loss rises by less than the tolerance before the search ends.
    fit = bayesq.published("chen2025", gamma_D=0.02)
    found = critical_tokens(fit, N="1B", group=128, tolerance=0.5)
    assert found.near_optimal is not None
    assert found.near_optimal.loc["D", "upper"] == np.inf
    assert found.near_optimal.loc["D", "lower"] < found.draws.item()


def test_another_width_than_the_papers_is_noted() -> None:
    at = {"N": "595M", "D": "100B", "w_group": 128, "a_group": 128}
    paper = bayesq.published("chen2025")
    for found in (
        bayesq.predict(paper, at | {"w_bits": 8, "a_bits": 8}),
        largest_group(paper, level=0.05, N="595M", D="100B", w_bits=8, a_bits=8),
        weight_activation_crossover(bayesq.published("chen2025-schemes"), N="595M", bits=2),
    ):
        assert "other-format" in [n.code for n in found.notes]
    same = bayesq.predict(paper, at | {"w_bits": 4, "a_bits": 4})
    assert "other-format" not in [n.code for n in same.notes]
