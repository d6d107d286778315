"""How well a prediction foretold what was measured, row by row."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayesq.prediction.prediction import Prediction

_ALPHA = 0.1  # of the 90 % interval


def score(prediction: Prediction, observed: np.ndarray) -> pd.DataFrame:
    """Score the prediction of new runs against their measured values.

    Parameters
    ----------
    prediction : Prediction
        Of kind ``"run"``, one scenario a measured value.
    observed : ndarray of float, shape (scenarios,)
        Measured values, nats per token.

    Returns
    -------
    DataFrame
        One row a scenario, in nats per token: observed, median, lower_50, upper_50, lower_90,
        upper_90, ``width_90``, ``crps`` and ``interval_score`` (less is better), ``log_score`` (the
        logarithm of the predictive density in nats; more is better) and ``bias`` (median less
        observed); ``in_50`` and ``in_90``, whether the interval holds the measured value; and
        ``distance``, the largest factor outside the data over the inputs, 1 inside.
    """
    draws = prediction.draws.transpose("chain", "draw", "scenario").values
    draws = draws.reshape(-1, draws.shape[-1])
    low, lower, median, upper, high = np.quantile(draws, [0.05, 0.25, 0.5, 0.75, 0.95], axis=0)
    return pd.DataFrame(
        {
            "observed": observed,
            "median": median,
            "lower_50": lower,
            "upper_50": upper,
            "lower_90": low,
            "upper_90": high,
            "width_90": high - low,
            "in_50": (lower <= observed) & (observed <= upper),
            "in_90": (low <= observed) & (observed <= high),
            "crps": crps(draws, observed),
            "log_score": prediction.log_density(observed),
            "interval_score": interval_score(low, high, observed, _ALPHA),
            "bias": median - observed,
            "distance": prediction.distance.max(axis=1).to_numpy(),
        }
    )


def crps(draws: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Estimate the continuous ranked probability score from draws.

    E|X - y| - E|X - X'| / 2 (Gneiting & Raftery 2007, eq. 21), the second term over pairs of
    different draws: the fair estimate, without bias for the score of the distribution that the
    draws come from. A loss with Student-t noise on its logarithm has no finite mean and so no
    finite score; the estimate is of the draws at hand, and steady unless the tails are very heavy.

    Parameters
    ----------
    draws : ndarray of float, shape (draws, scenarios)
        Draws of the predictive distribution; at least two.
    observed : ndarray of float, shape (scenarios,)
        Measured values.

    Returns
    -------
    ndarray of float, shape (scenarios,)
        In the unit of the values; less is better.
    """
    error = np.sort(draws - observed, axis=0)
    m = len(error)
    # Of sorted values the mean over pairs is a weighted sum: m log m steps in place of m^2.
    weights = (2 * np.arange(1, m + 1) - m - 1) / (m * (m - 1))
    return np.asarray(np.abs(error).mean(axis=0) - weights @ error)


def interval_score(
    lower: np.ndarray, upper: np.ndarray, observed: np.ndarray, alpha: float
) -> np.ndarray:
    """Score a central interval of probability 1 - `alpha`: its width, and a fine for each miss.

    Gneiting & Raftery 2007, "Strictly Proper Scoring Rules, Prediction, and Estimation", eq. 43.

    Parameters
    ----------
    lower, upper : ndarray of float, shape (scenarios,)
        Ends of the intervals.
    observed : ndarray of float, shape (scenarios,)
        Measured values.
    alpha : float
        Probability outside the interval.

    Returns
    -------
    ndarray of float, shape (scenarios,)
        In the unit of the values; less is better.
    """
    below, above = np.maximum(0.0, lower - observed), np.maximum(0.0, observed - upper)
    return np.asarray(upper - lower + 2 / alpha * (below + above))
