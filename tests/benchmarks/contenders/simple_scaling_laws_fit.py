"""The package simple-scaling-laws: its separable power law with 1,000 bootstrap draws."""

from __future__ import annotations

from typing import Any

import polars as pl
from contender import contend
from simple_scaling_laws import fit as fit_table


def fit(table: str) -> tuple[dict[str, Any], dict[str, float]]:
    """Fit the law and print the estimate with its intervals."""
    runs = pl.read_csv(table)
    # The package reads the columns' meaning from their names, and wants an id a run.
    runs = pl.DataFrame(
        {
            "training_run_id": [f"run-{i}" for i in range(len(runs))],
            "model_size__N": runs["N"],
            "dataset_size__D": runs["D"],
            "test_loss__nats": runs["loss"],
        }
    )
    model = fit_table(runs, law="separable-power", n_draws=1000, seed=1)
    print(model.params("test_loss__nats"), model.conf_int("test_loss__nats"))
    return {}, {}


contend(fit)
