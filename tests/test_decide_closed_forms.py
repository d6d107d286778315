"""Closed forms of decisions are what a search finds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr

import bayesq
from bayesq import Law, decide
from bayesq.decide import Decision
from bayesq.decide.solve import minimise
from bayesq.posterior.constants import PublishedFit
from published_fits import BASE, CHINCHILLA, E2M1, OUYANG, QUEST, SCHEMES, SUN, spread
from simulated import inputs_at

LAWS = bayesq.laws()


def without_closed_forms(fit: PublishedFit) -> PublishedFit:
    return replace(fit, law=replace(fit.law, closed={}, remember=False))


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


# What the decisions that take any setting look for, and what else they are asked with.
PLAIN: dict[str, tuple[set[str], dict[str, float]]] = {
    "critical_tokens": ({"D"}, {}),
    "compute_optimal": ({"N", "D"}, {"compute": 1e21}),
    "effective_parameters": (set(), {}),
    "tokens_to_degradation": ({"D"}, {"level": 0.1}),
}


def plain(law: Law, decision: str) -> tuple[PublishedFit, dict[str, Any]]:
    """Ask a law in the row in which all of it is on, so that a new one needs no settings here."""
    constants: dict[str, Any] = {p.symbol: p.prior.median for p in law.parameters if p.by is None}
    for paper in (*(law.base.published[:1] if law.base else ()), *law.published[:1]):
        constants |= paper.values
    fit = bayesq.published(law, **constants)
    sought, budget = PLAIN[decision]
    at = {s: v for s, v in inputs_at(law).items() if s not in {*sought, "quantized"}}
    kinds = {symbol: labels[-1] for symbol, labels in fit.levels.items()}
    return fit, {**at, **kinds, **budget}


@pytest.mark.parametrize(
    "pair", [(law.name, d) for law in LAWS.values() for d in law.closed], ids=" of ".join
)
def test_closed_forms_are_what_a_search_finds(pair: tuple[str, str]) -> None:
    name, decision = pair
    assert decision in decide.__all__
    asked = [*CLOSED.get(pair, ()), *([plain(LAWS[name], decision)] if decision in PLAIN else ())]
    assert asked, f"add settings that test the closed form of {decision} of {name}"
    for paper, question in asked:
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
