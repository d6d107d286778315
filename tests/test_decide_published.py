"""Decisions give the papers' own numbers."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

import bayesq
from bayesq.decide import (
    compute_optimal,
    critical_tokens,
    effective_parameters,
    optimal_format,
    optimal_precision,
    tokens_to_degradation,
)
from published_fits import CHINCHILLA, E2M1, OUYANG, QAT, SCHEMES, SUN, T


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
