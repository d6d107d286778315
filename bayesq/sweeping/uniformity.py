"""Whether ranks are uniform: by the simultaneous envelope of their distribution function.

Säilynoja, Bürkner & Vehtari 2022, arXiv:2103.10522; its probability is worked out exactly.
"""

from __future__ import annotations

import numpy as np


def pit(truth: float, draws: np.ndarray, rng: np.random.Generator) -> float:
    """Rank a true value among draws, from 0 to 1; within its rank at random.

    Parameters
    ----------
    truth : float
        The true value.
    draws : ndarray of float, shape (draws,)
        Draws of it.
    rng : numpy.random.Generator
        Of the place within the rank.
    """
    low, high = (draws < truth).sum(), (draws <= truth).sum()
    return float(rng.uniform(low, high + 1) / (len(draws) + 1))


def p_value(ranks: np.ndarray) -> float:
    """Probability that uniform ranks leave an envelope that these touch; shape ``(ranks,)``."""
    from scipy.stats import binom

    count = len(ranks)
    grid = np.arange(1, count) / count
    below = np.searchsorted(np.sort(ranks), grid, side="right")
    tails = np.minimum(binom.cdf(below, count, grid), binom.sf(below - 1, count, grid))
    return 1.0 - _stays_inside(count, float(tails.min()) * (1 + 1e-9))


def envelope(count: int, prob: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find where the distribution function of uniform ranks stays with a probability.

    Returns
    -------
    tuple of ndarray
        Points between 0 and 1, and the least and the largest share of ranks below each.
    """
    low, high = 0.0, 0.5
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if _stays_inside(count, middle) > prob else (low, middle)
    grid = np.arange(1, count) / count
    inside = _inside(count, low)
    return (
        grid,
        inside.argmax(axis=1) / count,
        (count - inside[:, ::-1].argmax(axis=1)) / count,
    )


def _inside(count: int, tail: float) -> np.ndarray:
    """Tell which numbers of ranks below each point have a larger tail on both sides."""
    from scipy.stats import binom

    grid = np.arange(1, count)[:, None] / count
    number = np.arange(count + 1)
    found = (binom.cdf(number, count, grid) > tail) & (binom.sf(number - 1, count, grid) > tail)
    return np.asarray(found)


def _stays_inside(count: int, tail: float) -> float:
    """Probability that uniform ranks lie inside at every point.

    Exactly: as a Poisson process, whose steps are independent, given the number at its end.
    """
    from scipy.stats import poisson

    step = poisson(1.0).pmf(np.arange(count + 1))
    state = np.eye(1, count + 1)[0]
    for allowed in _inside(count, tail):
        state = np.convolve(state, step)[: count + 1] * allowed
    return float(np.convolve(state, step)[count] / poisson(count).pmf(count))
