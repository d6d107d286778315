"""How well a prediction foretold what was measured, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bayesq.errors import BayesqError
from bayesq.prediction.prediction import Prediction

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_ALPHA = 0.1  # of the 90 % interval


def score(prediction: Prediction | ArrayLike, observed: ArrayLike) -> pd.DataFrame:
    """Score the prediction of new runs against their measured values.

    Parameters
    ----------
    prediction : Prediction or array_like of float
        From :func:`bayesq.predict` with ``kind="run"``, one scenario a measured value; or draws of
        any method's predictive distribution, of shape ``(draws, scenarios)``, at least two.
    observed : array_like of float, shape (scenarios,)
        Measured values, nats per token.

    Returns
    -------
    DataFrame
        One row a scenario, in nats per token: observed, median, lower_50, upper_50, lower_90,
        upper_90, ``width_90``, ``crps`` and ``interval_score`` (less is better), and ``bias``
        (median less observed); ``in_50`` and ``in_90``, whether the interval holds the measured
        value; ``pit``, the probability below the measured value, which is uniform over values that
        are foretold rightly. Of a prediction also ``log_score`` (the logarithm of the predictive
        density in nats; more is better), and ``distance``, the largest factor outside the range of
        a single input, 1 inside.

    Raises
    ------
    BayesqError
        If there is not one measured value a scenario, if a number is none or not finite, or if
        the prediction is not of new runs.

    Examples
    --------
    >>> import bayesq
    >>> bayesq.score([[2.9, 3.4], [3.1, 3.6]], [3.0, 4.0])[["median", "bias", "in_90"]]
       median  bias  in_90
    0     3.0   0.0   True
    1     3.5  -0.5  False
    """
    measured = _finite(observed, "Measured values")
    if isinstance(prediction, Prediction):
        values = prediction.draws.transpose("chain", "draw", "scenario").values
        draws = values.reshape(-1, values.shape[-1])
    else:
        draws = _finite(prediction, "Draws")
    if draws.ndim != 2 or len(draws) < 2 or draws.shape[1:] != measured.shape:
        raise BayesqError(
            f"Draws of shape {draws.shape} do not go with measured values of shape "
            f"{measured.shape}; pass two draws or more of one value a measured value."
        )
    low, lower, median, upper, high = np.quantile(draws, [0.05, 0.25, 0.5, 0.75, 0.95], axis=0)
    table = pd.DataFrame(
        {
            "observed": measured,
            "median": median,
            "lower_50": lower,
            "upper_50": upper,
            "lower_90": low,
            "upper_90": high,
            "width_90": high - low,
            "in_50": (lower <= measured) & (measured <= upper),
            "in_90": (low <= measured) & (measured <= high),
            "crps": crps(draws, measured),
            "interval_score": interval_score(low, high, measured, _ALPHA),
            "bias": median - measured,
            "pit": pit(draws, measured),
        }
    )
    if isinstance(prediction, Prediction):
        table.insert(10, "log_score", prediction.log_density(measured))
        table["distance"] = prediction.largest_factor
    return table


def _finite(values: ArrayLike, what: str) -> np.ndarray:
    try:
        found = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        found = np.array(np.nan)
    if not np.isfinite(found).all():
        raise BayesqError(f"{what} are not all finite numbers; pass an array of such.")
    return found


def pit(draws: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Work out the probability integral transform: the share of the draws below a value.

    Draws that equal it count half.

    Parameters
    ----------
    draws : ndarray of float, shape (draws, scenarios)
        Draws of the predictive distribution.
    observed : ndarray of float, shape (scenarios,)
        Measured values.

    Returns
    -------
    ndarray of float, shape (scenarios,)
        Between 0 and 1.
    """
    below, equal = (draws < observed).mean(axis=0), (draws == observed).mean(axis=0)
    return np.asarray(below + equal / 2)


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
