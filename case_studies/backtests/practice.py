"""What today's practice foretells of rows that were left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesq.model.design import Design
from bayesq.proving.practice import RESAMPLES, resample


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
