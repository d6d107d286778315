"""Where a curve is looked at: close together in the data, wider apart beyond, and no end too far.

A law's formula is searched over all that could be meant. A curve with a misfit is not: the further
it leaves the data, the more it is the misfit alone, which may turn anywhere. What lies beyond the
last knot is told as a bound.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from bayesq.decide.question import Question

# Decades of tokens in which a formula is searched: any run, and far beyond.
TOKENS = (3.0, 30.0)
_FORMULA = np.linspace(*TOKENS, 161)
_BEFORE, _AFTER = 1.5, 4.0  # decades of tokens searched before the data and after
_FINE, _COARSE = 0.04, 0.1  # decades between knots in the data and a decade around, and beyond
_BITS = np.linspace(1.0, 16.0, 121)
_LARGEST_GROUP = 2.0**20
_GROUPS = np.linspace(1.0, np.log2(_LARGEST_GROUP), 77)


def tokens(question: Question) -> np.ndarray:
    """Decimal logarithms of the tokens to search."""
    if not question.bent or "D" not in question.fit.observed_range:
        return _FORMULA
    low, high = (float(np.log10(end)) for end in question.fit.observed_range["D"])
    return _rising(
        np.arange(low - _BEFORE, low - 1, _COARSE),
        np.linspace(low - 1, high + 1, int((high - low + 2) / _FINE) + 2),
        np.linspace(high + 1, high + _AFTER, int((_AFTER - 1) / _COARSE) + 1),
    )


def bits(question: Question, symbols: list[str]) -> np.ndarray:
    """Bits to search, among them whole numbers and what was measured."""
    return _rising(_BITS, *(v[(v >= 1) & (v <= 16)] for v in _measured(question, symbols)))


def groups(question: Question, symbol: str) -> np.ndarray:
    """Binary logarithms of the group sizes to search, among them those that were measured."""
    measured = (np.log2(v[v > 0]) for v in _measured(question, [symbol]))
    return _rising(_GROUPS, *(v[(v >= 1) & (v <= _GROUPS[-1])] for v in measured))


def sizes(question: Question, best: xr.DataArray, reach: float, apart: float) -> np.ndarray:
    """Decimal logarithms of sizes to search, around where the law's formula has its best.

    Parameters
    ----------
    question : Question
        The setting.
    best : xarray.DataArray
        Decimal logarithm of the best size by the formula, infinite where it has none.
    reach : float
        Decades to either side.
    apart : float
        Decades between knots.
    """
    found = best.values[np.isfinite(best.values)]
    low, high = np.quantile(found, [0.25, 0.75]) if found.size else (np.nan, np.nan)
    if not found.size:
        low, high = (np.log10(end) for end in question.fit.observed_range.get("N", (1e6, 1e12)))
    count = int((high - low + 2 * reach) / apart) + 2
    return np.linspace(low - reach, high + reach, count)


def _measured(question: Question, symbols: list[str]) -> list[np.ndarray]:
    measured = question.measured_inputs
    return [np.unique(measured[s]) for s in symbols if s in measured]


def _rising(*parts: np.ndarray) -> np.ndarray:
    """Put knots in order, those that are the same but for round-off once."""
    found = np.unique(np.concatenate(parts))
    return found[np.r_[True, np.diff(found) > 1e-9]]
