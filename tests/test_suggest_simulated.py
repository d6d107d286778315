"""Runs that were suggested narrow an answer more than as many FLOP of runs chosen at random."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

import bayesq

TIMES = 20
BUDGET = 3e18
FAR = {"N": 1e9, "D": 1e11, "w_bits": 4, "w_kind": "int"}
# Kumar's law after training, at sizes like those of the grid.
DONE = list(product([1e6, 3e6], [1e8, 3e8], [3.0, 5.0]))
CANDIDATES = list(product([1e6, 1e7, 1e8], [1e8, 1e9, 1e10], [3.0, 4.0, 6.0]))


def degradation(
    n: np.ndarray, d: np.ndarray, p: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    mean = 0.02 * (d / 1e9) ** 0.4 / (n / 1e7) ** 0.5 * np.exp(-(p - 4) / 0.6)
    return np.asarray(mean + (2e-4 + 0.04 * mean) * rng.standard_normal(len(mean)))


def table(settings: list[tuple[float, float, float]], rng: np.random.Generator) -> pd.DataFrame:
    n, d, p = np.array(settings).T
    rows = pd.DataFrame({"N": n, "D": d, "w_bits": p, "w_kind": "int", "stage": "post"})
    return rows.assign(loss_full=3.0, loss=3.0 + degradation(n, d, p, rng))


def at_random(rng: np.random.Generator) -> list[int]:
    """Take candidates in any order, as long as the budget has room; a network is trained once."""
    chosen: list[int] = []
    paid: set[tuple[float, float]] = set()
    used = 0.0
    for i in rng.permutation(len(CANDIDATES)):
        n, d, _ = CANDIDATES[i]
        due = 0.0 if (n, d) in paid else 6 * n * d
        if used + due <= BUDGET:
            chosen.append(int(i))
            paid.add((n, d))
            used += due
    return chosen


def width(rows: pd.DataFrame) -> float:
    """Fit, and return the standard deviation of the logarithm of what is asked."""
    fit = fitted(rows)
    return float(np.log(bayesq.predict(fit, FAR).draws.clip(1e-12)).std())


def fitted(rows: pd.DataFrame) -> bayesq.Fit:
    runs = bayesq.read_runs(rows.assign(run=[f"r{i}" for i in range(len(rows))]))
    return bayesq.fit(
        runs,
        "kumar2024-ptq",
        discrepancy=False,
        draws=500,
        tune=500,
        chains=2,
        seed=1,
        progress=False,
    )


@pytest.mark.slow
def test_suggested_runs_beat_random_ones() -> None:
    frame = pd.DataFrame(CANDIDATES, columns=["N", "D", "w_bits"]).assign(w_kind="int")
    lines = []
    for i in range(TIMES):
        rng = np.random.default_rng(i)
        done = table(DONE, rng)
        could = table(CANDIDATES, rng)
        fit = fitted(done)
        plan = bayesq.suggest_runs(fit, frame, BUDGET, lambda f: bayesq.predict(f, FAR))
        keys = plan.chosen[["N", "D", "w_bits"]].itertuples(index=False, name=None)
        picked = [CANDIDATES.index(tuple(key)) for key in keys]
        widths = [
            width(pd.concat([done, could.iloc[rows]], ignore_index=True))
            for rows in (picked, at_random(rng))
        ]
        before = float(np.log(bayesq.predict(fit, FAR).draws.clip(1e-12)).std())
        expected = before * float(plan.chosen["sd_left"].iloc[-1])
        lines.append((before, expected, *widths))
        print(f"\n{i}: before {before:.3f}, expected {expected:.3f}, suggested and random {widths}")
    before, expected, suggested, random = np.array(lines).T
    print(f"\nmeans: {np.mean(lines, axis=0)}")
    # By chance alone, 15 of 20 would come in 2 of 100.
    assert (suggested < random).sum() >= 15
    assert suggested.mean() < 0.9 * random.mean()
    assert 0.5 < np.mean(suggested / expected) < 2
