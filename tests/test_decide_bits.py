"""The best bits, and the fewest."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import minimize_scalar

import bayesq
from bayesq.decide import fewest_bits, optimal_precision
from bayesq.errors import BayesqError
from bayesq.posterior.constants import PublishedFit
from published_fits import BASE, OUYANG, QAT, QUEST, spread


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
