"""The cheapest sizes that reach a loss: a walk along its contour over N and D.

Sizes are told by two numbers that are searched more easily than N and D: the decimal logarithm of
their product, which is what training costs, and that of tokens a parameter. At a fixed ratio more
compute lowers the loss, so each ratio has one point of the contour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from bayesq.decide.solve import down_at, log10, minimise
from bayesq.prediction.curve import Curve

Loss = Callable[..., xr.DataArray]
# Of a formula: decades of N * D and of D / N that are searched.
_PAIRS, _RATIOS = np.linspace(6.0, 46.0, 41), np.linspace(-3.0, 9.0, 37)
_APART = 0.3  # decades between knots of a bent curve
_MOST_KNOTS = 14  # in each direction: further ranges have wider steps
_TOGETHER, _FEWEST = 300, 8  # knots that are drawn jointly, and in each direction at least
_ZOOMS = 2  # of a formula; a bent curve is straight between its knots, and has no finer truth
_FEW_DRAWS = 200


@dataclass(frozen=True, eq=False)
class Plane:
    """What is searched.

    Parameters
    ----------
    log_pairs : ndarray
        Decimal logarithms of N * D, rising.
    log_ratio : ndarray
        Decimal logarithms of D / N, rising; one alone where the law knows no more than compute.
    zooms : int
        Finer grids of ratios.
    """

    log_pairs: np.ndarray
    log_ratio: np.ndarray
    zooms: int = _ZOOMS

    @property
    def knots(self) -> dict[str, np.ndarray]:
        """Both by name."""
        return {"log_pairs": self.log_pairs, "log_ratio": self.log_ratio}

    @staticmethod
    def of_formula(one_input: bool = False) -> Plane:
        """Take all that could be meant."""
        return Plane(_PAIRS, np.zeros(1) if one_input else _RATIOS)

    def around(
        self,
        log_pairs: Any,
        log_ratio: Any,
        reach: tuple[float, float],
        *with_pairs: float,
        options: int = 1,
    ) -> Plane:
        """Take the part of it around answers of the formula, with a knot where one is needed.

        Parameters
        ----------
        log_pairs, log_ratio : xarray.DataArray
            Answers; those that are not finite count for nothing.
        reach : (float, float)
            Decades beyond them of each.
        *with_pairs : float
            Decimal logarithms of N * D that must be knots.
        options : int
            Settings of which each has this plane.
        """
        most = max(_FEWEST, min(_MOST_KNOTS, int(np.sqrt(_TOGETHER / options))))
        pairs = np.append(np.ravel(log_pairs), with_pairs)
        grid = around(pairs, reach[0], self.log_pairs, _APART, most)
        ratio = self.log_ratio
        if ratio.size > 1:
            ratio = around(np.ravel(log_ratio), reach[1], ratio, _APART, most)
        return Plane(np.unique(np.append(grid, with_pairs)), ratio, zooms=0)


def sizes_at(log_pairs: Any, log_ratio: Any) -> tuple[Any, Any]:
    """Work out N and D."""
    return 10.0 ** ((log_pairs - log_ratio) / 2), 10.0 ** ((log_pairs + log_ratio) / 2)


def thinned(curve: Curve) -> Curve:
    """Take some of the draws of a formula's curve, enough to see where answers lie."""
    step = max(
        1, curve.draws.sizes.get("chain", 1) * curve.draws.sizes.get("draw", 1) // _FEW_DRAWS
    )
    return replace(curve, draws=curve.draws.isel(draw=slice(None, None, step)))


def reach(loss: Loss, target: Any, log_ratio: Any, log_pairs: np.ndarray) -> xr.DataArray:
    """Find the least N * D whose loss is down at a target, at given ratios, for each draw.

    Returns
    -------
    xarray.DataArray
        Decimal logarithms; infinite where none of those searched is enough, and minus infinity
        where the least is.
    """
    return down_at(lambda at: loss(log_pairs=at, log_ratio=log_ratio) - target, log_pairs)


def cheapest(
    loss: Loss,
    target: Any,
    plane: Plane,
    cost: Callable[[Any, Any], Any],
) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Find the sizes of least cost that reach a loss, for each draw.

    Parameters
    ----------
    loss : callable
        Nats per token by ``log_pairs`` and ``log_ratio``.
    target : float or xarray.DataArray
        Nats per token.
    plane : Plane
        What is searched.
    cost : callable
        Positive, from N and D.

    Returns
    -------
    log_pairs, log_ratio, cost : xarray.DataArray
        `log_pairs` and cost are infinite where nothing searched reaches the loss. Where the least
        that was searched is more than enough, `log_pairs` is minus infinity and cost that of the
        least; where the cheapest lies at an end of the ratios, or they make no difference, cost is
        that of the best ratio searched, `log_ratio` infinite and `log_pairs` NaN: at most so much.
    """
    first = float(plane.log_pairs[0])

    def priced(log_pairs: xr.DataArray, log_ratio: Any) -> xr.DataArray:
        reached = log_pairs.clip(min=first)
        return log10(cost(*sizes_at(reached, log_ratio))).where(log_pairs < np.inf, np.inf)

    def spent(log_ratio: Any) -> xr.DataArray:
        return priced(reach(loss, target, log_ratio, plane.log_pairs), log_ratio)

    if plane.log_ratio.size == 1:
        only = float(plane.log_ratio[0])
        log_pairs = reach(loss, target, only, plane.log_pairs)
        paid = cost(*sizes_at(log_pairs.clip(min=first), only))
        return log_pairs, xr.full_like(log_pairs, only), paid
    grid = xr.DataArray(plane.log_ratio, dims="ratio_searched")
    at_grid = reach(loss, target, grid, plane.log_pairs)
    costs = priced(at_grid, grid)
    unreached = costs.min("ratio_searched") == np.inf
    # Where the least that was searched is more than enough, how much less is cannot be told.
    below = at_grid.isel(ratio_searched=costs.argmin("ratio_searched")) == -np.inf
    ratio, least = minimise(spent, plane.log_ratio, zooms=plane.zooms)
    ratio = ratio.where(~unreached & ~below)
    log_pairs = reach(loss, target, ratio.where(np.isfinite(ratio), 0.0), plane.log_pairs)
    log_pairs = log_pairs.where(np.isfinite(ratio)).where(~unreached, np.inf)
    paid = 10.0 ** least.fillna(costs.min("ratio_searched"))
    return log_pairs.where(~below, -np.inf), ratio, paid


def least_loss(loss: Loss, log_pairs: float, plane: Plane) -> xr.DataArray:
    """Find the least loss that an amount of training reaches, whatever the ratio."""
    if plane.log_ratio.size == 1:
        return loss(log_pairs=log_pairs, log_ratio=float(plane.log_ratio[0]))
    _, least = minimise(lambda r: loss(log_pairs=log_pairs, log_ratio=r), plane.log_ratio)
    grid = xr.DataArray(plane.log_ratio, dims="ratio_searched")
    return least.fillna(loss(log_pairs=log_pairs, log_ratio=grid).min("ratio_searched"))


def around(
    answers: np.ndarray, reach: float, searched: np.ndarray, apart: float, most: int
) -> np.ndarray:
    """Lay knots around answers, no further out than what was searched for them.

    Parameters
    ----------
    answers : ndarray
        What the formula finds; what is not finite counts for nothing.
    reach : float
        How far beyond the middle four fifths of them.
    searched : ndarray
        Where they were looked for, rising.
    apart, most : float, int
        Between knots, which are further apart where they would be too many.
    """
    found = answers[np.isfinite(answers)]
    if not found.size:
        found = np.median(searched, keepdims=True)
    low, high = np.quantile(found, [0.1, 0.9])
    low, high = max(low - reach, searched[0]), min(high + reach, searched[-1])
    return np.linspace(low, high, min(int((high - low) / apart) + 2, most))
