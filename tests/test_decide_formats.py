"""The best format of those at hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import bayesq
from bayesq.decide import optimal_format, optimal_precision
from bayesq.errors import BayesqError
from bayesq.law import Kind
from published_fits import BASE, QUEST, SUN, codes, spread


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


def test_formats_that_are_given_choose_the_kinds() -> None:
    both, e2m1 = {"w_bits": 4, "a_bits": 4}, {"w_exponent": 2, "w_mantissa": 1, "w_group": 32}
    fit = bayesq.published(
        "frantar2025",
        eff={
            Kind(**both, w_kind="int", w_group=32): 0.60,
            Kind(**both, w_kind="int", w_group=128): 0.50,
            Kind(**both, w_kind="fp", **e2m1): 0.65,
            Kind(**both, w_kind="mxfp", **e2m1): 0.62,
            Kind(w_bits=4, w_kind="int", w_group=32): 0.80,
            Kind(w_bits=8, w_kind="int", w_group=-1): 0.99,
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
