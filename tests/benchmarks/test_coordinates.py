"""What the sampler's coordinates gain: effective draws a second, and divergences, on real tables.

Run with ``make bench``.
"""

from __future__ import annotations

import time
from pathlib import Path

import arviz_stats as azs
import pytest

import bayesq
from bayesq.fitting.sample import compile_model, sample
from bayesq.law.registry import find_law
from bayesq.model.compose import compose
from bayesq.model.design import design
from bayesq.model.noises import find_noise

TABLES = {
    "epoch_chinchilla": ("chinchilla", "loss < 3.44"),
    "gadre": ("chinchilla", "study == 'gadre-c4'"),
    "datablations": ("chinchilla", "study == 'datablations-1ep'"),
    "olmo_ladder": ("chinchilla", "N > 0"),
    "misfitting": ("chinchilla", "N > 0"),
    "open_athena_isoflops": ("chinchilla", "study == 'open_athena_isoflops-comma'"),
    "quartet": ("chinchilla", "stage == 'none'"),
    "grid": ("chen2025", "stage == 'train' and w_kind == 'int' and w_bits == 4 and a_bits == 16"),
}
SEEDS = range(4)


@pytest.mark.slow
@pytest.mark.parametrize("pool", TABLES)
def test_coordinates(pool: str, public: Path) -> None:
    law, where = TABLES[pool]
    chosen = design(bayesq.load_pool(pool).select(where), find_law(law))
    noise = find_noise(None, chosen.response)
    print(f"\n{pool}, {law}, {len(chosen.runs)} rows:")
    for name, to_sample in (("as parameters", False), ("in coordinates", True)):
        compiled = compile_model(compose(chosen, noise, to_sample=to_sample))
        start = time.perf_counter()
        trees = [
            sample(compiled, draws=1000, tune=1000, chains=4, seed=s, low_rank=False) for s in SEEDS
        ]
        spent = time.perf_counter() - start
        least = [float(azs.ess(t["posterior"].to_dataset()).to_array().min()) for t in trees]
        divergent = sum(int(t["sample_stats"]["diverging"].sum()) for t in trees)
        print(
            f"  {name:15s} least effective draws {min(least):.0f} to {max(least):.0f}, "
            f"{sum(least) / spent:.0f} a second; {divergent} of {4000 * len(SEEDS)} diverged"
        )
