"""Optima and crossings for all draws at once, without derivatives."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import xarray as xr

Function = Callable[[xr.DataArray], xr.DataArray]

_FINER, _ZOOMS = 5, 5  # each grid is finer by 5: after five the step is 3000 times as small
_ROUND_OFF = 1e-10
BENT_ZOOMS = 2  # finer grids between two knots of a curve that is straight there but for its law
_PARTS, _CUTS = np.linspace(0.0, 1.0, 17), 10  # each cut keeps one part of 16
_SECANTS, _CLOSE = 30, 1e-8  # steps at most; where no draw moves further it is done
_NAMES = (f"grid_{i}" for i in count())  # a search inside a search needs a dimension of its own


def minimise(
    function: Function,
    grid: np.ndarray,
    *,
    zooms: int = _ZOOMS,
    rise: float = np.inf,
    after: float = -np.inf,
) -> tuple[xr.DataArray, xr.DataArray]:
    """Find the least value of a function of one number, for each draw.

    A grid brackets the least value, ever finer grids close in on it, and a parabola through the
    last three points ends the search. All points of a grid are one call of the function.

    Parameters
    ----------
    function : callable
        Takes an array of numbers that broadcasts with the draws.
    grid : ndarray
        Numbers of the first grid, rising; its ends are those of the range.
    zooms : int
        Finer grids.
    rise : float
        Where the function has risen by more than this above its least so far, the search ends: what
        comes after is another valley.
    after : float
        Number from which on that counts.

    Returns
    -------
    where, least : xarray.DataArray
        Minus or plus infinity where the function is least at the low or the high end of the range,
        NaN where it is not finite; `least` is NaN in both.

    Notes
    -----
    ``scipy.optimize.elementwise.find_minimum`` was tried behind the first grid: of 4,000 draws it
    takes half the time, and its answers are right to 1e-7 where these are to 1e-10. It wants three
    points that enclose the least one, all finite, which the grid has for no draw whose least value
    lies in the first or the last gap or beside an infinite one: there it answers NaN.
    """
    name = next(_NAMES)
    low, high = grid[0], grid[-1]
    first = xr.DataArray(grid, dims=name)
    values = _usable(function(first))
    finite = np.isfinite(values.min(name))
    past = _past(values, name, rise, grid >= after)
    values = values.where(~past, np.inf)
    chosen = values.argmin(name)
    middle = first.isel({name: chosen})
    gaps = np.diff(grid)
    around_each = np.maximum(np.r_[gaps, gaps[-1]], np.r_[gaps[0], gaps])
    step: Any = xr.DataArray(around_each, dims=name).isel({name: chosen})
    around = xr.DataArray(np.linspace(-1.0, 1.0, 2 * _FINER + 1), dims=name)
    for _ in range(zooms):
        finer = (middle + step * around).clip(low, high)
        values = _usable(function(finer))
        middle = finer.isel({name: values.argmin(name)})
        step = step / _FINER
    left, least, right = (
        _usable(function((middle + shift).clip(low, high))) for shift in (-step, 0.0, step)
    )
    curvature = left - 2 * least + right
    shift = step * (left - right) / (2 * curvature.where(curvature > 0))
    where = middle + shift.where(abs(shift) <= step).fillna(0.0)
    found = function(where)
    # Where the function only falls towards an end, the least of its values is one of round-off.
    as_low = found + _ROUND_OFF * abs(found)
    first_end, last_end = (_usable(function(xr.zeros_like(found) + end)) for end in (low, high))
    # What lies behind a rise is not searched, nor is the high end.
    last_end = last_end.where(~past.any(name), np.inf)
    at_low = finite & ((middle - step <= low) | (first_end <= as_low))
    # Of a function that is as low at both ends, the lower end counts: the search began there.
    at_high = (
        finite
        & ~(at_low & (first_end <= last_end))
        & ((middle + step >= high) | (last_end <= as_low))
    )
    inside = finite & ~at_low & ~at_high
    ends = xr.where(at_high, np.inf, xr.where(at_low, -np.inf, np.nan))
    return where.where(inside, ends), found.where(inside)


def _past(values: xr.DataArray, name: str, rise: float, counts: np.ndarray) -> xr.DataArray:
    """Tell which points of a grid lie behind a rise of the function above its least so far."""
    axis = values.get_axis_num(name)
    least = np.minimum.accumulate(values.values, axis=axis)
    # Before the first number there is nothing to rise above.
    risen = np.isfinite(least) & (values.values > least + rise)
    risen &= counts.reshape([-1 if i == axis else 1 for i in range(values.ndim)])
    return values.copy(data=np.logical_or.accumulate(risen, axis=axis))


def _usable(values: xr.DataArray) -> xr.DataArray:
    return values.where(np.isfinite(values), np.inf)


def crossing(
    function: Function,
    low: xr.DataArray | float,
    high: xr.DataArray | float,
    grid: np.ndarray | None = None,
) -> xr.DataArray:
    """Find where an increasing function first passes zero, for each draw.

    A grid brackets the first zero, and each cut keeps the first sixteenth that ends above zero: to
    1e-12 of the range.

    Parameters
    ----------
    function : callable
        Takes an array of numbers that broadcasts with the draws.
    low, high : xarray.DataArray or float
        Ends of the range.
    grid : ndarray, optional
        Numbers from `low` to `high` of which the first above zero is looked for; by default the
        range is cut into sixteen, of a function that rises all the way.

    Returns
    -------
    xarray.DataArray
        NaN where it is not below zero at `low` and above it at `high`.
    """
    name = next(_NAMES)
    points = xr.DataArray(_PARTS if grid is None else grid, dims=name)
    if grid is None:
        points = low + (high - low) * points
    values = function(points)
    passed = values > 0
    # One that wavers may be above zero before the end of a grid, and below it there.
    ever = passed.isel({name: -1}) if grid is None else passed.any(name)
    first = passed.argmax(name).clip(min=1)
    found = (values.isel({name: 0}) < 0) & ever
    left, right = (points.isel({name: first + by}) for by in (-1, 0))
    # SciPy's find_root takes a seventh of the points on smooth curves (28 a draw, not 187), but any
    # root of a bracket in which a bent curve wavers, and NaN where a value in between is none.
    for _ in range(_CUTS):
        points = left + (right - left) * xr.DataArray(_PARTS, dims=name)
        first = (function(points) > 0).argmax(name).clip(min=1)
        left, right = (points.isel({name: first + by}) for by in (-1, 0))
    return ((left + right) / 2).where(found)


def passing(function: Function, grid: np.ndarray, bent: bool) -> xr.DataArray:
    """Find where a function grows through zero, for each draw.

    Parameters
    ----------
    function : callable
        Takes an array of numbers that broadcasts with the draws.
    grid : ndarray
        Numbers that are searched, rising.
    bent : bool
        Whether it may waver between the ends of the grid.

    Returns
    -------
    xarray.DataArray
        Infinite where it stays below zero, minus infinity where it is not below from the first.
    """
    found = crossing(function, grid[0], grid[-1], grid if bent else None)
    begins = function(xr.DataArray(grid[0]))
    return found.fillna(xr.where(begins < 0, np.inf, xr.where(begins >= 0, -np.inf, np.nan)))


def root(
    function: Function, left: xr.DataArray, right: xr.DataArray, steps: int = _SECANTS
) -> xr.DataArray:
    """Close in on a zero between two points at which a smooth function has two signs, by draw.

    By the secant, where the end that stays counts half (Illinois). Where the signs are alike, what
    comes back means nothing. SciPy's ``find_root`` takes as many calls. Answers of a formula place
    the knots of a misfit, of which another field is drawn where they differ in the ninth digit, so
    the way to them stays as it is.
    """
    stays, new = xr.broadcast(left, right)
    at_stays, at_new = function(stays), function(new)
    between = at_stays * at_new < 0
    for _ in range(steps):
        slope = at_new - at_stays
        move = (at_new * (new - stays) / slope).where(between & (slope != 0), 0.0)
        if float(abs(move).max()) < _CLOSE:
            break
        point = new - move
        value = function(point)
        turned = value * at_new < 0
        stays, at_stays = xr.where(turned, new, stays), xr.where(turned, at_new, at_stays / 2)
        new, at_new = point, value
    return new


def down_at(function: Function, grid: np.ndarray) -> xr.DataArray:
    """Find where a function is first down at zero, for each draw.

    Parameters
    ----------
    function : callable
        Takes an array of numbers that broadcasts with the draws; smooth between two of the grid.
    grid : ndarray
        Numbers that are looked at, rising.

    Returns
    -------
    xarray.DataArray
        Infinite where it is down at none of them, and minus infinity where it is at the first.
    """
    name = "looked_at"
    points = xr.DataArray(grid, dims=name)
    down = function(points) <= 0
    first = down.argmax(name)
    left, right = (points.isel({name: (first + by).clip(min=0)}) for by in (-1, 0))
    return root(function, left, right).where(first > 0, -np.inf).where(down.any(name), np.inf)


def log10(values: xr.DataArray) -> xr.DataArray:
    """Take the decimal logarithm; NumPy's own types forget that it gives an xarray object back."""
    result: Any = np.log10(values)
    return result  # type: ignore[no-any-return]
