"""What a budget of compute pays for, and which inputs a number of bits stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayesq.decide.question import Question, bits_inputs
from bayesq.decide.solve import minimise
from bayesq.law.inputs import of_role
from bayesq.law.law import Law
from bayesq.posterior.posterior import Posterior
from bayesq.runs.schema import FULL_PRECISION_BITS

# Bits that are searched, and decades of N in which a formula is searched.
FEWEST, MOST = 1.0, float(FULL_PRECISION_BITS)
DECADES = (3.0, 18.0)
_SHARES = np.linspace(0.0, 1.0, 41)
FLOPS = 6.0  # a parameter and a token, at 16 bits


def cost_per_pair(bits: Any = FULL_PRECISION_BITS) -> Any:
    """Compute for one parameter and one token: 6 at 16 bits, and in proportion to them."""
    return FLOPS * bits / FULL_PRECISION_BITS


def digits_of(law: Law) -> tuple[str, ...]:
    """Symbols of a law's exponent and mantissa bits; none where it does not know both."""
    pair = [of_role(law.own_inputs, role)[:1] for role in ("exponent", "mantissa")]
    return tuple(i.symbol for found in pair for i in found) if all(pair) else ()


def open_bits(fit: Posterior, scenario: Mapping[str, Any]) -> list[str]:
    """List the inputs of a law, by symbol, that a number of bits that is looked for decides."""
    return [*digits_of(fit.law)] or [i.symbol for i in bits_inputs(fit, scenario)]


def measured_bits(question: Question, symbols: list[str]) -> np.ndarray:
    """List the widths that were measured, where all of these inputs were that wide at once."""
    rows = question.measured_inputs
    if not all(s in rows for s in symbols):
        return np.empty(0)
    first = rows[symbols[0]]
    widths = np.unique(first[np.all([rows[s] == first for s in symbols], axis=0)])
    return widths[widths < FULL_PRECISION_BITS]


def formats_of_bits(
    question: Question, symbols: list[str]
) -> Callable[[xr.DataArray], dict[str, xr.DataArray]]:
    """Make the function that turns a number of bits into the inputs of the law that count bits.

    A law of exponent and mantissa bits gets the best split of the total, whole or not.
    """
    if not digits_of(question.fit.law):
        return lambda bits: dict.fromkeys(symbols, bits)

    def digits(bits: xr.DataArray, share: xr.DataArray) -> dict[str, xr.DataArray]:
        """Split what the sign leaves, a share of it for the mantissa."""
        return dict(zip(symbols, ((1 - share) * (bits - 1), share * (bits - 1)), strict=True))

    def split(bits: xr.DataArray) -> dict[str, xr.DataArray]:
        found = question.by_formula("optimal_format", bits=bits)
        if found is None:
            share, _ = minimise(lambda m: _error(question, digits(bits, m)), _SHARES)
            found = digits(bits, share.where(np.isfinite(share)))
        return {s: found[s] for s in symbols}

    return split


def _error(question: Question, split: Mapping[str, xr.DataArray]) -> xr.DataArray:
    """Degradation of a split, at the middle of where the law was observed."""
    ranges = question.fit.observed_range
    middle = {s: float(np.sqrt(low * high)) for s, (low, high) in ranges.items() if s in ("N", "D")}
    return question.fit.evaluate("degradation", {**middle, **question.inputs, **split})
