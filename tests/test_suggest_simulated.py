"""Runs that were suggested narrow an answer more than as many FLOP of runs chosen at random."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

import bayesq

TIMES = 20
BUDGET = 6e18
FAR = {"N": 1e10, "D": 2e11}
DONE = list(product([1e7, 2e7, 4e7], [2e8, 4e8, 8e8]))
CANDIDATES = list(product([1e7, 3e7, 1e8, 3e8, 1e9], [2e8, 6e8, 2e9, 6e9, 2e10]))
COSTS = np.array([6 * n * d for n, d in CANDIDATES])


def table(settings: list[tuple[float, float]], rng: np.random.Generator) -> pd.DataFrame:
    """Simulate losses by Chinchilla's law, with noise of half a per cent."""
    n, d = np.array(settings).T
    mean = 1.8 + 480 * n**-0.35 + 2100 * d**-0.37
    return pd.DataFrame(
        {"N": n, "D": d, "loss": mean * np.exp(0.005 * rng.standard_normal(len(n)))}
    )


def at_random(rng: np.random.Generator) -> list[int]:
    """Take candidates in any order, each that the budget still has room for."""
    chosen: list[int] = []
    for i in rng.permutation(len(CANDIDATES)):
        if COSTS[[*chosen, i]].sum() <= BUDGET:
            chosen.append(int(i))
    return chosen


def fitted(rows: pd.DataFrame) -> bayesq.Fit:
    runs = bayesq.read_runs(rows.assign(run=[f"r{i}" for i in range(len(rows))]))
    few = {"draws": 500, "tune": 500, "chains": 2}
    return bayesq.fit(runs, "chinchilla", discrepancy=False, **few, seed=1, progress=False)


def width(fit: bayesq.Fit) -> float:
    """Return the standard deviation of the logarithm of what is asked."""
    return float(np.log(bayesq.predict(fit, FAR).draws).std())


@pytest.mark.slow
def test_suggested_runs_beat_random_ones() -> None:
    frame = pd.DataFrame(CANDIDATES, columns=["N", "D"])
    lines = []
    for i in range(TIMES):
        rng = np.random.default_rng(i)
        done, could = table(DONE, rng), table(CANDIDATES, rng)
        fit = fitted(done)
        plan = bayesq.suggest_runs(fit, frame, BUDGET, lambda f: bayesq.predict(f, FAR))
        keys = plan.chosen[["N", "D"]].itertuples(index=False, name=None)
        picked = [CANDIDATES.index(key) for key in keys]
        assert COSTS[picked].sum() <= BUDGET
        suggested, random = (
            width(fitted(pd.concat([done, could.iloc[rows]], ignore_index=True)))
            for rows in (picked, at_random(rng))
        )
        lines.append((width(fit), float(plan.chosen["sd_left"].iloc[-1]), suggested, random))
        print(f"\n{i}: before, expected share, suggested, random: {np.round(lines[-1], 4)}")
    suggested, random = np.array(lines).T[2:]
    print(f"\nmeans: {np.mean(lines, axis=0)}; narrower in {(suggested < random).sum()} of {TIMES}")
    # By chance alone, 15 of 20 would come in 2 of 100.
    assert (suggested < random).sum() >= 15
    assert np.exp(np.log(suggested / random).mean()) < 0.9
