"""Scores of predictions against measured values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from bayesq.backtesting.scores import crps, interval_score


def test_crps_is_that_of_a_normal() -> None:
    m = 20_000
    draws = norm.ppf((np.arange(m) + 0.5) / m)
    observed = np.array([-2.0, 0.0, 0.3, 4.0])
    scale, middle = np.array([1.0, 0.2, 3.0, 0.01]), np.array([0.0, 1.0, -1.0, 4.0])
    z = (observed - middle) / scale
    exact = scale * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))
    shuffled = np.random.default_rng(0).permutation(draws)[:, None] * scale + middle
    np.testing.assert_allclose(crps(shuffled, observed), exact, rtol=2e-3)


def test_crps_is_the_fair_mean_over_pairs() -> None:
    draws = np.random.default_rng(1).standard_t(3, (7, 2))
    observed = np.array([0.5, -4.0])
    pairs = np.abs(draws[:, None] - draws[None]).sum((0, 1)) / (7 * 6)
    by_hand = np.abs(draws - observed).mean(0) - pairs / 2
    np.testing.assert_allclose(crps(draws, observed), by_hand)
    # Without bias: the mean over many small samples is the score of the distribution.
    small = np.random.default_rng(2).normal(size=(5, 40_000))
    exact = 2 * norm.pdf(0) - 1 / np.sqrt(np.pi)
    assert crps(small, np.zeros(40_000)).mean() == pytest.approx(exact, abs=0.006)


def test_interval_score_by_hand() -> None:
    lower, upper = np.full(4, 1.0), np.full(4, 3.0)
    observed = np.array([2.0, 0.9, 3.5, 3.0])
    scores = interval_score(lower, upper, observed, 0.1)
    np.testing.assert_allclose(scores, [2, 2 + 20 * 0.1, 2 + 20 * 0.5, 2])
