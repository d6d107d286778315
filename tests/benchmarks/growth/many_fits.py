"""The measured process of many fits of small tables: ``WHAT`` with its options as JSON."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from clock import rows
from growth.telling import step, tell

LAW = "chinchilla"
# Rows of each table, more than most researchers have of one law.
ROWS = 60
FOLDS = 10


def sweep(step_name: str, fits: int, **options: Any) -> None:
    """Fit one law to many tables."""
    import bayesq

    tables = {f"table-{i}": _table(i) for i in range(fits)}
    with step(step_name):
        # Draws are let go: the tables of what was found are what most sweeps are for.
        found = bayesq.sweep(tables, LAW, seed=1, keep_fits=False, progress=False, **options)
    tell(least_ess=float(found.to_frame()["ess"].min()))


def backtest(step_name: str, **options: Any) -> None:
    """Backtest one law on one table, in ten folds."""
    import bayesq

    table = _table(0)
    with step(step_name):
        bayesq.backtest(table, LAW, split="run", progress=False, **options)


def _table(seed: int) -> Any:
    import pandas as pd

    import bayesq

    return bayesq.read_runs(pd.DataFrame(rows.simulated(ROWS, seed)))


def keep_to(cores: int) -> None:
    """Let this process and those that it starts use so many cores, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


if __name__ == "__main__":
    what, given = sys.argv[1], json.loads(sys.argv[2])
    if "cores" in given:
        keep_to(given.pop("cores"))
    {"sweep": sweep, "backtest": backtest}[what](**given)
