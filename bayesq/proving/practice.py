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
from bayesq.proving.huber import huber, minimise
from bayesq.proving.least_squares import Curve

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


@dataclass(frozen=True)
class Practice:
    """What today's practice says of the rows that were left out. Made by :func:`practise`.

    Parameters
    ----------
    draws : ndarray of float, shape (resamples, rows)
        Predictions of a new measurement, in nats per token.
    observed : ndarray of float, shape (rows,)
        What was measured.
    row : ndarray of int, shape (rows,)
        Where these rows stood in the table. Of the rows left out, those of a kind that no kept row
        has are not among them.
    unusable : int
        Kept rows whose response is not positive, which have no logarithm.
    parameters : dict of str to ndarray
        Fit to all kept rows, in the paper's units.
    """

    draws: np.ndarray
    observed: np.ndarray
    row: np.ndarray
    unusable: int
    parameters: dict[str, np.ndarray]


def practise(
    design: Design, kept: np.ndarray, *, resamples: int = RESAMPLES, seed: int = 1
) -> Practice:
    """Fit the kept rows and predict the others.

    A row is predicted by each resample's fit, times the exponential of one of that resample's
    residuals, so that the interval is one for a new run as bayesq's is.

    Parameters
    ----------
    design : Design
        A law, and the rows that it takes.
    kept : ndarray of bool, shape (rows,)
        Which of them to fit.
    resamples : int
        Resamples of the bootstrap.
    seed : int
        The same seed gives the same draws.
    """
    rng = np.random.default_rng(seed)
    fits = resample(design, kept, resamples=resamples, rng=rng)
    scored = ~kept & fits.curve.known(kept)
    wanted = np.exp(fits.curve.log(fits.each, scored))
    picks = np.array([rng.choice(len(c), wanted.shape[1], p=c / c.sum()) for c in fits.count])
    draws = wanted * np.exp(np.take_along_axis(fits.errors, picks, axis=1))
    return Practice(
        draws,
        design.observed[scored],
        design.index[scored],
        int((kept & ~fits.usable).sum()),
        fits.curve.parameters(fits.best),
    )
