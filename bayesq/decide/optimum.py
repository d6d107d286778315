"""What a budget of compute pays for, and which inputs a number of bits stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from bayesq.decide.question import Question
from bayesq.decide.solve import minimise
from bayesq.runs.schema import FULL_PRECISION_BITS

# Bits that are searched, and decades of N in which a formula is searched.
FEWEST, MOST = 1.0, float(FULL_PRECISION_BITS)
DECADES = (3.0, 18.0)
_SHARES = np.linspace(0.0, 1.0, 41)
FLOPS = 6.0  # a parameter and a token, at 16 bits


def cost_per_pair(bits: Any = FULL_PRECISION_BITS) -> Any:
    """Compute for one parameter and one token: 6 at 16 bits, and in proportion to them."""
    return FLOPS * bits / FULL_PRECISION_BITS


def formats_of_bits(
    question: Question, symbols: list[str]
) -> Callable[[xr.DataArray], dict[str, xr.DataArray]]:
    """Make the function that turns a number of bits into the inputs of the law that count bits.

    A law of exponent and mantissa bits gets the best split of the total, whole or not.
    """
    if symbols != ["E", "M"]:
        return lambda bits: dict.fromkeys(symbols, bits)

    def split(bits: xr.DataArray) -> dict[str, xr.DataArray]:
        found = question.by_formula("optimal_format", bits=bits)
        if found is None:
            share, _ = minimise(lambda m: _error(question, bits, m), _SHARES)
            share = share.where(np.isfinite(share))
            found = {"M": share * (bits - 1), "E": (1 - share) * (bits - 1)}
        return {s: found[s] for s in symbols}

    return split


def _error(question: Question, bits: xr.DataArray, share: xr.DataArray) -> xr.DataArray:
    """Degradation of a split, at the middle of where the law was observed."""
    ranges = question.fit.observed_range
    middle = {s: float(np.sqrt(low * high)) for s, (low, high) in ranges.items() if s in ("N", "D")}
    at = {**middle, **question.inputs, "M": share * (bits - 1), "E": (1 - share) * (bits - 1)}
    return question.fit.evaluate("degradation", at)
