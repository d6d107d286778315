"""On real pools: leaving rows out by importance sampling and its cures, and by exact refits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from leaving import leave_out

import bayesq
from bayesq.comparison.refits import Refits


@pytest.mark.slow
@pytest.mark.parametrize(("discrepancy", "cure"), [(False, "moments"), (True, "refit")])
@pytest.mark.parametrize(
    ("pool", "where"),
    [("grid", "stage == 'none'"), ("gadre", "study == 'gadre-c4'"), ("olmo_ladder", "")],
)
def test_cures_agree_with_exact_refits(
    public: Path, pool: str, where: str, discrepancy: bool, cure: str
) -> None:
    runs = bayesq.load_pool(pool)
    if where:
        runs = runs.select(where)
    fit = bayesq.fit(runs, "chinchilla", discrepancy=discrepancy, seed=1, progress=False)
    cured, raw = (leave_out(fit, fit.specification, cure=c) for c in (cure, "none"))
    refits = Refits(fit, fit.specification)
    rows = np.arange(len(fit.specification.design.index))
    exact = np.array([refits.elpd(rows == row) for row in rows])
    print(
        f"\n{pool}, discrepancy={discrepancy}: PSIS {raw.elpd.sum():.2f} ({raw.bad.size} bad), "
        f"cured {cured.elpd.sum():.2f} ({len(cured.matched)} matched, {len(cured.refitted)} "
        f"refitted, {cured.bad.size} bad), exact {exact.sum():.2f} over {len(rows)} rows"
    )
    assert abs(cured.elpd.sum() - exact.sum()) < 0.5
