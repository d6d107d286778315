"""A law fitted in a moment, robustly and without priors: to look at rows before sampling."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from bayesq.model.design import Design
from bayesq.model.huber import huber, minimise
from bayesq.model.least_squares import Curve

_STARTS, _ITERATIONS = 3, 60
_MOST_ROWS = 200  # of which the fit is made; all are looked at
# Nats per token below which a degradation is counted as it stands, above by its logarithm.
_BEND = 0.01
# More than this share of the rows are no strangers but another law.
_MOST = 0.05
_WILD_TIMES, _WILD = 20.0, {"loss": 0.5, "degradation": 4.0}


@dataclass(frozen=True, eq=False)
class QuickFit:
    """Residuals of the fit.

    Parameters
    ----------
    left : ndarray of float, shape (rows,)
        What the fit leaves on its scale: the logarithm of a loss, and of a degradation but where
        that is near 0.
    fitted : ndarray of float, shape (rows,)
        Its mean in nats per token.
    numbers : int
        How many were fitted.
    """

    left: np.ndarray
    fitted: np.ndarray
    numbers: int

    @property
    def usual(self) -> float:
        """Robust standard deviation of what is left: the fit goes through a row for each number."""
        return 1.4826 * float(np.median(np.sort(np.abs(self.left))[self.numbers :]))

    def far(self, times: float, least: float) -> np.ndarray:
        """Rows so many usual distances away, and so far; none if that were more than a few.

        Returns
        -------
        ndarray of bool, shape (rows,)
        """
        size = np.abs(self.left)
        found = size > max(times * self.usual, least)
        return found & (found.sum() <= max(1, _MOST * len(size)))


def on_scale(design: Design, values: np.ndarray) -> np.ndarray:
    """Put a response in nats per token on the scale of the fit."""
    if design.response == "loss":
        return np.asarray(np.log(np.maximum(values, 1e-300)))
    return np.asarray(np.arcsinh(values / _BEND))


# The sampler's coordinates and what is said of the rows ask for the same.
_MADE: WeakKeyDictionary[Design, QuickFit | None] = WeakKeyDictionary()


def quick_fit(design: Design) -> QuickFit | None:
    """Fit a law by least absolute distance; None where the rows have no room for it."""
    if design not in _MADE:
        _MADE[design] = _quick_fit(design)
    return _MADE[design]


def _quick_fit(design: Design) -> QuickFit | None:
    curve = Curve(design)
    rng = np.random.default_rng(0)
    starts = curve.starts(_STARTS, rng)
    count, numbers = len(design.observed), starts.shape[1]
    if count < numbers + 3 or design.pooling is not None:
        return None
    chosen = np.zeros(count, dtype=bool)
    most = max(_MOST_ROWS, 5 * numbers)
    chosen[rng.choice(count, min(count, most), replace=False)] = True
    observed = on_scale(design, design.observed)

    def residuals(theta: np.ndarray, rows: np.ndarray = chosen) -> np.ndarray:
        return np.asarray(observed[rows] - on_scale(design, np.exp(curve.log(theta, rows))))

    once = np.ones((1, int(chosen.sum())))
    ends = minimise(residuals, starts, once, iterations=_ITERATIONS)
    lost = np.nan_to_num(huber(residuals(ends)).sum(axis=1), nan=np.inf)
    best = minimise(residuals, ends[[lost.argmin()]], once, iterations=_ITERATIONS)[0]
    every = np.ones(count, dtype=bool)
    fitted = np.exp(curve.log(best, every))
    left = observed - on_scale(design, fitted)
    return QuickFit(left, fitted, numbers) if np.isfinite(left).all() else None


def strangers(design: Design) -> np.ndarray:
    """Rows that scatter of heavy tails explains and no misfit of a law does, bool ``(rows,)``.

    Degradations 50 times as large or small as the law's, and losses 1.6 times.
    """
    found = quick_fit(design)
    if found is None:
        return np.zeros(len(design.observed), dtype=bool)
    return found.far(_WILD_TIMES, _WILD[design.response])
