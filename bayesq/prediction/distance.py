"""How far outside the data a scenario lies, as numbers and in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bayesq.law.law import Law
from bayesq.notes import Note
from bayesq.runs.counts import format_count

# Beyond this factor an interval from inside the data is a guess about the law, not about numbers.
_FAR = 10.0
# Ranges are shown with three digits, and an end typed from there is inside.
_ROUNDING = 1.005


def distances(
    inputs: Mapping[str, np.ndarray], ranges: Mapping[str, tuple[float, float]]
) -> pd.DataFrame:
    """Work out the factor by which each input lies outside its range in the data, 1 inside.

    Where an input is not positive there is no factor; then it is 1 and the overshoot in units of
    the range.

    Parameters
    ----------
    inputs : mapping of str to ndarray
        By symbol, each of shape ``(scenarios,)`` or a number.
    ranges : mapping of str to (float, float)
        The smallest and the largest in the data.

    Returns
    -------
    DataFrame
        One row a scenario, one column an input.
    """
    table = {}
    for symbol, (low, high) in ranges.items():
        if symbol not in inputs:
            continue
        values = np.asarray(inputs[symbol], dtype=float)
        over = np.maximum(0.0, np.maximum(values - high, low - values))
        table[symbol] = 1 + over / ((high - low) or abs(high) or 1.0)
        factor = (values > 0) & (low > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.maximum(1.0, np.maximum(values / high, low / values))
        table[symbol] = np.where(factor, ratio, table[symbol])
    return pd.DataFrame(table, index=range(max(map(np.size, inputs.values()), default=1)))


def inside(
    inputs: Mapping[str, np.ndarray], law: Law, ranges: Mapping[str, tuple[float, float]]
) -> dict[str, np.ndarray]:
    """Put what has no range to be outside of inside it.

    These are the formats of a scenario in full precision, formats that change nothing, and inputs
    that were only ever seen where they change nothing, of which another note speaks.

    Parameters
    ----------
    inputs : mapping of str to ndarray
        By symbol, each of shape ``(scenarios,)`` or a number.

    Returns
    -------
    dict of str to ndarray
        The same, of the same shapes.
    """
    asked = dict(inputs)
    quantized = inputs.get("quantized", np.array(1.0))
    for i in law.inputs_of("loss"):
        if i.format and i.symbol in inputs and i.symbol in ranges:
            low, high = ranges[i.symbol]
            idle = (quantized != 1) | (inputs[i.symbol] == i.neutral) | (low == high == i.neutral)
            asked[i.symbol] = np.where(idle, low, inputs[i.symbol])
    return asked


def distance_note(
    distance: pd.Series,
    ranges: Mapping[str, tuple[float, float]],
    what: str,
    covered: bool = False,
) -> Note | None:
    """Say in words how far outside the data one scenario lies; None if it lies inside.

    `covered` tells whether the interval includes the law being wrong out there.
    """
    outside = distance[distance > _ROUNDING]
    if outside.empty:
        return None
    shown = " and ".join(
        f"{in_words(factor)} in {symbol} (the data have {_range(ranges[str(symbol)])})"
        for symbol, factor in outside.items()
    )
    return Note(
        "extrapolation",
        "severe" if outside.max() > _FAR else "warning",
        f"{what} lies outside the data: {shown}.",
        "The interval includes the law being wrong out there, as wrong as laws were on other "
        "pools; add runs nearer to it to narrow it."
        if covered
        else "The interval does not include the law being wrong out there; add runs nearer to it, "
        "or treat the number as a guess.",
    )


def in_words(factor: float) -> str:
    """Write a factor with no more digits than a reader needs: ``53`` as "about 50 times"."""
    if factor >= 1e4:
        return f"about {format_count(factor)} times"
    if factor >= 10:
        return f"about {round(factor / 10) * 10:,} times"
    return f"{factor:.2g} times" if factor >= 1.05 else f"{factor:.3g} times"


def _range(limits: tuple[float, float]) -> str:
    low, high = limits
    return format_count(low) if low == high else f"{format_count(low)} to {format_count(high)}"
