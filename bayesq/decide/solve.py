"""Optima and crossings for all draws at once, without derivatives."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

Function = Callable[[xr.DataArray], xr.DataArray]

_FINER, _ZOOMS = 5, 5  # each grid is finer by 5: after five the step is 3000 times as small
_ROUND_OFF = 1e-10
_PARTS, _CUTS = 16, 11  # each cut keeps one part of 16: thirteen digits
_NAMES = (f"grid_{i}" for i in count())  # a search inside a search needs a dimension of its own


# Decades of tokens that are searched: any run, and far beyond.
TOKENS = (3.0, 30.0)


def minimise(
    function: Function, low: float, high: float, points: int = 161
) -> tuple[xr.DataArray, xr.DataArray]:
    """Find the least value of a function of one number, for each draw.

    A grid brackets the least value, ever finer grids close in on it, and a parabola through the
    last three points ends the search. All points of a grid are one call of the function.

    Parameters
    ----------
    function : callable
        Takes an array of numbers that broadcasts with the draws.
    low, high : float
        Ends of the range.
    points : int
        Points of the first grid.

    Returns
    -------
    where, least : xarray.DataArray
        NaN where the function is least at an end of the range or not finite.
    """
    name = next(_NAMES)
    grid = xr.DataArray(np.linspace(low, high, points), dims=name)
    values = _usable(function(grid))
    finite = np.isfinite(values.min(name))
    step = (high - low) / (points - 1)
    middle = grid.isel({name: values.argmin(name)})
    around = xr.DataArray(np.linspace(-1.0, 1.0, 2 * _FINER + 1), dims=name)
    for _ in range(_ZOOMS):
        finer = (middle + step * around).clip(low, high)
        values = _usable(function(finer))
        middle = finer.isel({name: values.argmin(name)})
        step /= _FINER
    left, least, right = (
        _usable(function((middle + shift).clip(low, high))) for shift in (-step, 0.0, step)
    )
    curvature = left - 2 * least + right
    shift = step * (left - right) / (2 * curvature.where(curvature > 0))
    where = middle + shift.where(abs(shift) <= step).fillna(0.0)
    found = function(where)
    # Where the function only falls towards an end, the least of its values is one of round-off.
    rise = found + _ROUND_OFF * abs(found)
    ends = [_usable(function(xr.zeros_like(found) + end)) > rise for end in (low, high)]
    # At an end the function falls on beyond it.
    inside = finite & (middle - step > low) & (middle + step < high) & ends[0] & ends[1]
    return where.where(inside), found.where(inside)


def _usable(values: xr.DataArray) -> xr.DataArray:
    return values.where(np.isfinite(values), np.inf)


def crossing(
    function: Function, low: xr.DataArray | float, high: xr.DataArray | float
) -> xr.DataArray:
    """Find where an increasing function passes zero, for each draw.

    Returns
    -------
    xarray.DataArray
        NaN where it is not below zero at `low` and above it at `high`.
    """
    below = function(xr.DataArray(low))
    first = xr.zeros_like(below) + low
    above = function(xr.zeros_like(below) + high)
    left, right = xr.broadcast(first, xr.zeros_like(above) + high)
    found = (below < 0) & (above > 0)
    name = next(_NAMES)
    parts = xr.DataArray(np.linspace(0.0, 1.0, _PARTS + 1), dims=name)
    for _ in range(_CUTS):
        points = left + (right - left) * parts
        # The right end is above zero, so some point is.
        passed = (function(points) > 0).argmax(name).clip(min=1)
        left, right = points.isel({name: passed - 1}), points.isel({name: passed})
    return ((left + right) / 2).where(found)


def near(
    loss: Function,
    best: xr.DataArray,
    low: xr.DataArray | float,
    high: xr.DataArray | float,
    tolerance: float,
    name: str,
) -> pd.DataFrame:
    """Tabulate the range around an optimum in which the loss is within a tolerance of its least.

    Parameters
    ----------
    loss : callable
        Nats per token as a function of the decimal logarithm of what is chosen.
    best, low, high : xarray.DataArray or float
        Logarithm of the optimum, NaN in draws without one, and ends of the range searched.
    tolerance : float
        Nats per token.
    name : str
        What is chosen.

    Returns
    -------
    DataFrame
        One row; the medians of the lower and the upper ends over the draws with an optimum. Where
        the loss does not rise so far, everything on that side is near.
    """
    least = loss(best) + tolerance
    below = crossing(lambda back: loss(best - back) - least, 0.0, best - low)
    above = crossing(lambda on: loss(best + on) - least, 0.0, high - best)
    found = best.notnull()
    lower = (best - below).fillna(low).where(found)
    upper = (best + above).fillna(np.inf).where(found)
    ends = (10.0 ** float(end.quantile(0.5, method="nearest")) for end in (lower, upper))
    table = dict(zip(("tolerance", "lower", "upper"), (tolerance, *ends), strict=True))
    return pd.DataFrame(table, index=pd.Index([name], name="answer"))


def log10(values: xr.DataArray) -> xr.DataArray:
    """Take the decimal logarithm; NumPy's own types forget that it gives an xarray object back."""
    result: Any = np.log10(values)
    return result  # type: ignore[no-any-return]
