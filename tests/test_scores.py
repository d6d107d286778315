"""Scores of predictions against measured values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import bayesq
from bayesq import BayesqError
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


def test_draws_of_any_method_are_scored_by_the_same_measures_as_a_prediction(
    base_fit: bayesq.Fit,
) -> None:
    at, measured = {"N": ["7M", "1B"], "D": ["200M", "100B"]}, [3.4, 2.0]
    prediction = bayesq.predict(base_fit, at, kind="run", seed=3)
    told = bayesq.score(prediction, measured)
    draws = prediction.draws.transpose("chain", "draw", "scenario").values.reshape(-1, 2)
    of_draws = bayesq.score(draws, measured)
    # The density and the distance are known of a prediction only.
    own = ["log_score", "distance"]
    assert list(told.columns.difference(of_draws.columns)) == sorted(own)
    pd.testing.assert_frame_equal(told.drop(columns=own), of_draws)
    np.testing.assert_array_equal(told["log_score"], prediction.log_density(np.array(measured)))
    np.testing.assert_array_equal(told["distance"], prediction.largest_factor)
    # Of single inputs, which the bands of a backtest go by.
    assert (told["distance"] <= prediction.distance.max(axis=1)).all()
    low, lower, middle, upper, high = np.quantile(draws, [0.05, 0.25, 0.5, 0.75, 0.95], axis=0)
    np.testing.assert_array_equal(told["bias"], middle - measured)
    np.testing.assert_array_equal(told["width_90"], high - low)
    for name, (first, last) in {"in_50": (lower, upper), "in_90": (low, high)}.items():
        assert told[name].tolist() == ((first <= measured) & (measured <= last)).tolist()
    np.testing.assert_array_equal(told["crps"], crps(draws, np.array(measured)))


def test_a_backtest_is_rows_held_out_predicted_and_scored(grid: bayesq.Runs) -> None:
    few = {"draws": 60, "tune": 200, "chains": 2, "seed": 5, "progress": False}
    split = {"split": "largest-D", "quantile": 0.6}
    whole = bayesq.backtest(grid, "chinchilla", **split, **few).rows
    (part,), notes = bayesq.hold_out(grid, "chinchilla", **split)
    assert notes == []
    fit = bayesq.fit(part.kept, "chinchilla", **few)
    prediction = bayesq.predict(fit, part.scenarios, kind="run", seed=5)
    scores = pd.DataFrame(part.places).join(bayesq.score(prediction, part.observed))
    pd.testing.assert_frame_equal(scores, whole)


WRONG: dict[str, tuple[Any, Any, str]] = {
    "too few values": (np.ones((9, 3)), [1.0, 2.0], r"\(9, 3\) do not go with .* \(2,\); pass"),
    "one draw": (np.ones((1, 2)), [1.0, 2.0], r"\(1, 2\) do not go with .* pass two draws or more"),
    "no draws": ([1.0, 2.0], [1.0, 2.0], r"\(2,\) do not go with"),
    "text": ("x", [1.0], "^Draws are not all finite numbers; pass an array of such"),
    "draws of two lengths": ([[1.0], [1.0, 2.0]], [1.0], "^Draws are not all finite numbers"),
    "no number": ([[1.0], [np.nan]], [1.0], "^Draws are not all finite numbers"),
    "nothing measured": ([[1.0], [2.0]], [np.nan], "^Measured values are not all finite numbers"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_scored_is_refused(what: str) -> None:
    draws, measured, words = WRONG[what]
    with pytest.raises(BayesqError, match=words):
        bayesq.score(draws, measured)


def test_a_mean_is_not_scored(base_fit: bayesq.Fit) -> None:
    prediction = bayesq.predict(base_fit, {"N": "7M", "D": "200M"})
    with pytest.raises(BayesqError, match="pass kind='run'"):
        bayesq.score(prediction, [3.0])
