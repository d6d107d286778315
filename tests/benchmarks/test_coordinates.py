"""What the sampler's coordinates gain: effective draws a second, and divergences, on real tables.

Run with ``make bench``.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import arviz_stats as azs
import nutpie
import pytest
import xarray as xr

import bayesq
from bayesq.law.registry import find_law
from bayesq.model.compose import compose
from bayesq.model.design import design
from bayesq.model.specification import specify_rows
from bayesq.sampling.compiled import Compiled

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
    described = specify_rows(chosen, discrepancy=False)
    print(f"\n{pool}, {law}, {len(chosen.runs)} rows:")
    settings: dict[str, Any] = {"draws": 1000, "tune": 1000, "chains": 4}
    model = Compiled(described)
    # The model as it is stated, as nutpie itself samples a PyMC model.
    stated = nutpie.compile_pymc_model(
        compose(described, to_sample=False), backend="jax", gradient_backend="jax"
    )

    def as_parameters(seed: int) -> tuple[xr.Dataset, xr.Dataset]:
        tree = nutpie.sample(stated, **settings, seed=seed, progress_bar=False, save_warmup=False)
        return tree["posterior"].to_dataset(), tree["sample_stats"].to_dataset()

    def in_coordinates(seed: int) -> tuple[xr.Dataset, xr.Dataset]:
        drawn = model.sample(**settings, seed=seed)
        return model.groups(drawn.points)["posterior"], drawn.stats

    for way in (as_parameters, in_coordinates):
        start = time.perf_counter()
        found = [way(seed) for seed in SEEDS]
        spent = time.perf_counter() - start
        least = [float(azs.ess(posterior).to_array().min()) for posterior, _ in found]
        divergent = sum(int(stats["diverging"].sum()) for _, stats in found)
        print(
            f"  {way.__name__.replace('_', ' '):15s} least effective draws {min(least):.0f} to "
            f"{max(least):.0f}, {sum(least) / spent:.0f} a second; "
            f"{divergent} of {4000 * len(SEEDS)} diverged"
        )
