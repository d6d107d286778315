"""Where smooth functions pass zero, for all draws at once and with few calls."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bayesq.decide.solve import Function

_SECANTS, _CLOSE = 30, 1e-8  # steps at most; where no draw moves further it is done


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
