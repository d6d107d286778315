"""A law fitted in a moment, robustly and without priors: to look at rows before sampling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesq.checks.huber import huber, minimise
from bayesq.checks.least_squares import Curve
from bayesq.model.design import Design

_STARTS, _ITERATIONS = 3, 60
_MOST_ROWS = 200  # of which the fit is made; all are looked at
# Nats per token below which a degradation is counted as it stands, above by its logarithm.
_BEND = 0.01


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


def on_scale(design: Design, values: np.ndarray) -> np.ndarray:
    """Put a response in nats per token on the scale of the fit."""
    if design.response == "loss":
        return np.asarray(np.log(np.maximum(values, 1e-300)))
    return np.asarray(np.arcsinh(values / _BEND))


def quick_fit(design: Design) -> QuickFit | None:
    """Fit a law by least absolute distance; None where the rows have no room for it."""
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
