"""Simulation-based calibration: the test finds what is wrong, and the models are right."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bayesq.progress import Progress
from bayesq.sweeping.calibration_check import FALSE_ALARMS, CalibrationCheck, simulate
from bayesq.sweeping.uniformity import envelope, p_value, pit
from sbc import CASES

SIMULATIONS = 200


def ranks_of_a_mean(
    width: float = 1.0, shift: float = 0.0, tables: int = SIMULATIONS
) -> np.ndarray:
    """Rank the mean of a normal in its posterior, which is known, or in one that is wrong."""
    rng = np.random.default_rng(7)
    found = []
    for truth in rng.normal(size=tables):
        data = rng.normal(truth, 1.0, size=5)
        centre, sd = data.sum() / 6, 1 / np.sqrt(6)
        found.append(pit(truth, rng.normal(centre + shift * sd, width * sd, size=100), rng))
    return np.array(found)


def test_an_exact_posterior_has_uniform_ranks() -> None:
    assert p_value(ranks_of_a_mean()) > 0.05


@pytest.mark.parametrize(
    "wrong", [{"width": 0.6}, {"width": 1.7}, {"shift": 0.6}], ids=["narrow", "wide", "shifted"]
)
def test_a_wrong_posterior_is_caught(wrong: dict[str, float]) -> None:
    assert p_value(ranks_of_a_mean(**wrong)) < FALSE_ALARMS


@pytest.mark.parametrize("count", [20, 100])
def test_the_p_value_is_exact(count: int) -> None:
    rng = np.random.default_rng(1)
    found = np.array([p_value(rng.uniform(size=count)) for _ in range(500)])
    for level in (0.05, 0.3, 0.7):
        assert abs((found <= level).mean() - level) < 4 * np.sqrt(level * (1 - level) / 500) + 0.02


def test_the_envelope_is_where_the_p_value_says() -> None:
    grid, low, high = envelope(50, 0.9)
    rng = np.random.default_rng(2)
    for _ in range(200):
        ranks = rng.uniform(size=50)
        share = (ranks[:, None] <= grid).mean(axis=0)
        inside = bool(((low - 1e-9 <= share) & (share <= high + 1e-9)).all())
        assert inside == (p_value(ranks) > 0.1)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_ranks_are_uniform(name: str) -> None:
    lines = simulate(CASES[name].simulation, range(SIMULATIONS), 1, Progress())
    found = CalibrationCheck(name, pd.DataFrame(lines)).to_frame()["p_value"]
    print(f"\n{name}: {found.round(4).to_dict()}")
    assert (found > FALSE_ALARMS / len(found)).all(), found.sort_values().to_dict()
