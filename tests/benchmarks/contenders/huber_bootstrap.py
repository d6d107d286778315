"""Today's practice: Huber's loss of the log loss by L-BFGS, and a bootstrap of pairs.

The form of Hoffmann et al. 2022: delta 1e-3, and the log of the law as a log-sum-exp of
a - alpha log N, b - beta log D and e. The best of a small grid of starts is the estimate; every
resample starts from it.
"""

from __future__ import annotations

import csv
import os
from itertools import product
from typing import Any

# Arrays this small gain nothing from threads, and lose much where the machine is busy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from contender import contend
from scipy.optimize import minimize

DELTA = 1e-3
RESAMPLES = 4000
# Starts of e, a, b, alpha, beta.
STARTS = list(product((-0.5, 0.5), (2.0, 7.0), (2.0, 7.0), (0.2, 0.5), (0.2, 0.5)))
NAMES = ("E", "A", "B", "alpha", "beta")


def objective(at: np.ndarray, rows: np.ndarray) -> tuple[float, np.ndarray]:
    """Sum Huber's losses, with the gradient. Columns of `rows`: log N, log D, log loss."""
    e, a, b, alpha, beta = at
    log_N, log_D, log_loss = rows
    terms = np.empty((3, len(log_N)))
    terms[0] = e
    terms[1] = a - alpha * log_N
    terms[2] = b - beta * log_D
    top = terms.max(axis=0)
    shares = np.exp(terms - top)
    total = shares.sum(axis=0)
    residual = top + np.log(total) - log_loss
    size = np.abs(residual)
    value = np.where(size <= DELTA, 0.5 * residual**2, DELTA * (size - 0.5 * DELTA)).sum()
    pull = np.clip(residual, -DELTA, DELTA) / total * shares
    return value, np.array(
        [pull[0].sum(), pull[1].sum(), pull[2].sum(), -pull[1] @ log_N, -pull[2] @ log_D]
    )


def solve(start: np.ndarray, rows: np.ndarray) -> Any:
    """Minimize from one start."""

    # Divided by delta, so that the usual tolerances do not stop far from the minimum.
    def scaled(at: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = objective(at, rows)
        return value / DELTA, gradient / DELTA

    return minimize(scaled, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000})


def fit(table: str) -> tuple[dict[str, Any], dict[str, float]]:
    """Fit the law and print the intervals."""
    with open(table, encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))
    rows = np.log([[float(r[name]) for r in records] for name in ("N", "D", "loss")])
    # Around the middle of the rows a and alpha hardly correlate: up to 3 times fewer steps.
    middle = rows[:2].mean(axis=1)
    rows[:2] -= middle[:, None]
    starts = np.array(STARTS)
    starts[:, 1:3] -= starts[:, 3:] * middle
    best = min((solve(start, rows) for start in starts), key=lambda found: found.fun).x
    rng = np.random.default_rng(1)
    count = rows.shape[1]
    draws = np.array(
        [solve(best, rows[:, rng.integers(count, size=count)]).x for _ in range(RESAMPLES)]
    )
    for found in (draws, best[None]):
        found[:, 1:3] += found[:, 3:] * middle
        found[:, :3] = np.exp(found[:, :3])
    for name, value, own in zip(NAMES, best, draws.T, strict=True):
        low, high = np.quantile(own, (0.05, 0.95))
        print(f"{name:6s} {value:12.5g} {low:12.5g} {high:12.5g}")
    return {}, {}  # resamples are not draws of a chain


contend(fit)
