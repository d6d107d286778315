"""The tables that are fitted: rows of the shipped grid, of a public pool, or simulated.

The standard library only: a parent with NumPy in it would lend its size to the peak memory that
the system reports for its children.
"""

from __future__ import annotations

import csv
import math
import os
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[3]
GRID = ROOT / "bayesq" / "data" / "grid.csv"
SHARED = ROOT.parent / "shared" / "data" / "public"
SIZES = (28, 240, 1000)
COLUMNS = ("run", "N", "D", "loss")

Rows = list[dict[str, object]]


def simulated(count: int, seed: int) -> Rows:
    """Make up runs, as :func:`each_simulated` does, all at once."""
    return list(each_simulated(count, seed))


def each_simulated(count: int, seed: int) -> Iterator[dict[str, object]]:
    """Make up runs of Hoffmann et al. 2022 as Besiroglu et al. 2024 refitted them.

    The law is wrong by up to 0.3 % and smoothly so; losses scatter by 0.5 % with heavy tails.
    """
    rng = random.Random(seed)
    for i in range(count):
        N, D = 10 ** rng.uniform(7, 10), 10 ** rng.uniform(8, 11)
        law = 1.8172 + 482.01 * N**-0.3478 + 2085.43 * D**-0.3658
        misfit = 0.003 * math.sin(1.5 * math.log10(N) + seed) * math.cos(1.2 * math.log10(D))
        # Student's t with 6 degrees of freedom.
        noise = 0.005 * rng.gauss(0, 1) / math.sqrt(rng.gammavariate(3, 1 / 3))
        loss = law * math.exp(misfit + noise)
        yield {"run": f"run-{i}", "N": round(N), "D": round(D), "loss": round(loss, 6)}


def full_precision_grid() -> Rows:
    """Take the shipped pool's rows that are not quantized."""
    with GRID.open(encoding="utf-8", newline="") as file:
        return [_chosen(row) for row in csv.DictReader(file) if row["stage"] == "none"]


def epoch() -> Rows | None:
    """Take the digitized Chinchilla runs without the five outliers, where the pool is at hand."""
    for folder in filter(None, (os.environ.get("BAYESQ_DATA"), SHARED)):
        path = Path(folder) / "epoch_chinchilla" / "runs.csv"
        if path.is_file():
            with path.open(encoding="utf-8", newline="") as file:
                return [_chosen(row) for row in csv.DictReader(file) if float(row["loss"]) < 3.44]
    return None


def table(size: int) -> tuple[Rows, str]:
    """Give the rows of a table, and words for where they come from."""
    if size == 28:
        return full_precision_grid(), "the shipped grid's full-precision rows"
    pool = epoch() if size == 240 else None
    if pool is not None:
        return pool, "the public pool epoch_chinchilla without its outliers"
    return simulated(size, seed=1), "simulated from the published Chinchilla constants"


def others(size: int) -> Rows:
    """Give other rows of the same law and equal count: other sizes, other tokens, other losses."""
    return simulated(size, seed=2)


def write(rows: Iterable[dict[str, object]], path: Path, columns: Sequence[str] = COLUMNS) -> None:
    """Write columns of rows as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def _chosen(row: dict[str, str]) -> dict[str, object]:
    return {name: row[name] for name in COLUMNS}
