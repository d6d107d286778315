"""What size is worth or best, where weights overtake activations, the largest group."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import xarray as xr

import bayesq
from bayesq.decide import (
    compute_optimal,
    effective_parameters,
    largest_group,
    optimal_precision,
    weight_activation_crossover,
)
from bayesq.posterior.constants import PublishedFit
from published_fits import (
    BASE,
    CHEN,
    CHINCHILLA,
    QAT,
    QUARTET,
    QUEST,
    SCHEMES,
    SUN,
    UNIFIED,
    spread,
)


def full_precision(fit: PublishedFit, **at: Any) -> xr.DataArray:
    """Work out the loss before any quantization."""
    law = fit.law
    while law.base is not None:
        law = law.base
    return law.evaluate("loss", fit.values_at(at))


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
