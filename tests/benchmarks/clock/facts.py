"""What is worked out of the draws when all clocks have stopped."""

from __future__ import annotations

import csv
import math
import timeit
from pathlib import Path

import arviz_stats as azs
import numpy as np

# Any values do: a pass takes as long at others.
AT = {"E": 1.8, "A": 480.0, "B": 2100.0, "alpha": 0.35, "beta": 0.37, "sigma": 0.005, "nu": 6.0}


def least_ess(draws: Path) -> float:
    """Tell the least bulk ESS of the parameters, whose draws have shape (chain, draw)."""
    with np.load(draws) as kept:
        return min(float(azs.ess(kept[name], chain_axis=0, draw_axis=1)) for name in kept)


def one_pass(table: Path) -> float:
    """Tell the seconds in which NumPy works out the log density of law and noise once."""
    with table.open(encoding="utf-8", newline="") as file:
        rows = [[float(r[name]) for name in ("N", "D", "loss")] for r in csv.DictReader(file)]
    N, D, loss = np.array(rows).T
    log_loss = np.log(loss)
    E, A, B, alpha, beta, sigma, nu = AT.values()

    def density() -> float:
        mu = np.log(E + A * N**-alpha + B * D**-beta)
        z = (log_loss - mu) / sigma
        constant = math.lgamma((nu + 1) / 2) - math.lgamma(nu / 2)
        constant -= 0.5 * math.log(nu * math.pi) + math.log(sigma)
        return float(np.sum(constant - (nu + 1) / 2 * np.log1p(z**2 / nu)))

    # The least of many: whatever disturbs a pass makes it longer.
    return min(timeit.repeat(density, number=100, repeat=20)) / 100
