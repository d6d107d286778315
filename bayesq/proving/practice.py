"""Today's practice: the Huber loss on the log response, and a bootstrap of pairs.

Hoffmann et al. 2022 (arXiv:2203.15556) fit so, and most after them; Besiroglu et al. 2024
(arXiv:2404.10102) added the bootstrap. There are no priors: E may vanish and exponents may run away
where the rows allow it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesq.errors import BayesqError
from bayesq.model.design import Design
from bayesq.model.huber import huber, minimise
from bayesq.model.least_squares import Curve

RESAMPLES = 400
STARTS = 64


@dataclass(frozen=True, eq=False)
class Resamples:
    """Fits by today's practice. Made by :func:`resample`.

    Parameters
    ----------
    curve : Curve
        The law, and how its parameters stand as numbers.
    best : ndarray of float, shape (numbers,)
        Fit to all rows.
    each : ndarray of float, shape (resamples, numbers)
        Fit to each resample.
    count : ndarray of float, shape (resamples, rows fitted)
        How often each resample has each row.
    errors : ndarray of float, shape (resamples, rows fitted)
        What each resample's fit leaves of the log response.
    usable : ndarray of bool, shape (rows,)
        The rows fitted: those to fit whose response is positive, and so has a logarithm.
    """

    curve: Curve
    best: np.ndarray
    each: np.ndarray
    count: np.ndarray
    errors: np.ndarray
    usable: np.ndarray


def resample(
    design: Design, kept: np.ndarray, *, resamples: int = RESAMPLES, rng: np.random.Generator
) -> Resamples:
    """Fit rows by least Huber loss, and resamples of them with replacement.

    Parameters
    ----------
    design : Design
        A law, and the rows that it takes.
    kept : ndarray of bool, shape (rows,)
        Which of them to fit.
    resamples : int
        Resamples of the bootstrap.
    rng : numpy.random.Generator
        Where starts and resamples come from.

    Raises
    ------
    BayesqError
        If no row to fit has a positive response.
    """
    usable = kept & (design.observed > 0)
    if not usable.any():
        raise BayesqError(
            f"No {design.response} to fit is positive, so none has a logarithm; fit other rows, or "
            "leave today's practice out with practice=False."
        )
    curve = Curve(design)
    log_observed = np.log(design.observed[usable])

    def residuals(theta: np.ndarray) -> np.ndarray:
        return np.asarray(log_observed - curve.log(theta, usable))

    once = np.ones((1, int(usable.sum())))
    starts = minimise(residuals, curve.starts(STARTS, rng), once)
    lost = np.nan_to_num(huber(residuals(starts)).sum(axis=1), nan=np.inf)
    best = minimise(residuals, starts[[lost.argmin()]], once)
    count = rng.multinomial(len(log_observed), once[0] / once.size, size=resamples).astype(float)
    each = minimise(residuals, np.repeat(best, resamples, axis=0), count)
    return Resamples(curve, best[0], each, count, residuals(each), usable)
