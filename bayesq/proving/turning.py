"""Where a measured curve turns: a parabola through its least point and those beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

_ENOUGH = 5  # points that tell how far they scatter around a parabola

Bound = Literal["", "more", "less"]


@dataclass(frozen=True)
class Turn:
    """What a curve says of where it is least.

    Parameters
    ----------
    where : float
        Where it is least, on the logarithmic axis that was given; with a bound, the end of the
        curve.
    bound : {"", "more", "less"}
        Whether it is least at its end, so that it may turn beyond.
    edge : float
        With a bound, halfway to the point next to the end: a parabola whose end is its least point
        turns beyond that. NaN without one.
    rise : float
        How far the nearer end of the parabola, or the point next to the end of the curve, lies
        above the least value; 0 where noise leaves no parabola that turns between its ends.
    noise : float
        Standard deviation of the points around the parabola; NaN where it has fewer than five.
    """

    where: float
    bound: Bound
    edge: float
    rise: float
    noise: float = np.nan


def turn(at: np.ndarray, value: np.ndarray, reach: float = 0.0) -> Turn:
    """Read off where a curve is least.

    Parameters
    ----------
    at : ndarray of float, shape (points,)
        Logarithms of what varies, increasing; at least two points.
    value : ndarray of float, shape (points,)
        The curve.
    reach : float
        The parabola is that of least squares through the points within this distance of the least
        one, and goes through that one and its two neighbours where there are no others. Many points
        that lie close need a reach, or the parabola follows their noise.
    """
    least, last = int(value.argmin()), len(at) - 1
    if least in (0, last):
        beside = 1 if least == 0 else last - 1
        edge, rise = (at[least] + at[beside]) / 2, value[beside] - value[least]
        return Turn(float(at[least]), "less" if least == 0 else "more", float(edge), float(rise))
    near = np.abs(at - at[least]) <= reach
    near[least - 1 : least + 2] = True
    x, y = at[near] - at[least], value[near]
    parabola = np.polyfit(x, y, 2)
    square, slope, _ = parabola
    noise = np.nan
    if len(x) >= _ENOUGH:
        noise = float(np.sqrt(((y - np.polyval(parabola, x)) ** 2).sum() / (len(x) - 3)))
    found = -slope / (2 * square) if square > 0 else np.inf
    if not x[0] < found < x[-1]:
        # The least point is then all that the curve says.
        return Turn(float(at[least]), "", np.nan, 0.0, noise)
    rise = min(y[0], y[-1]) - value[least]
    return Turn(float(at[least] + found), "", np.nan, float(rise), noise)


def chains(values: np.ndarray, factor: float) -> np.ndarray:
    """Give numbers to groups of positive values, each within a factor of the next.

    Returns
    -------
    ndarray of int, shape (values,)
        Groups from 0, the smallest values first.
    """
    order = np.argsort(values)
    steps = np.diff(np.log(values[order]), prepend=np.log(values[order[0]])) > np.log(factor)
    found = np.empty(len(values), dtype=int)
    found[order] = np.cumsum(steps)
    return found
