"""List every law, fit it to the pools that it speaks of, and write both into models/README.md.

    make laws-table

The public pools are read from the folder that BAYESQ_DATA names; a pool that is not at hand is left
out of the table, with a line that says so. With --list nothing is fitted, and the list of laws
alone is written.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import arviz_stats as azs

import bayesq
import bayesq.models

sys.path.append(str(Path(__file__).parent))
from finished import Making
from working import add_jobs, run
from writing import markdown, write_between

_HERE = Path(__file__).parent
_TARGET = _HERE.parent / "models" / "README.md"
_LISTED = ("law", "what it says", "inputs", "source")
_HEADER = ("law", "pool and rows", "response", "rows", "s", "R-hat", "ESS", "notes", "elpd")

PTQ = "stage == 'post' and w_kind == 'int' and w_group == 128 and 3 <= w_bits <= 6"
QAT = "(stage == 'train' and w_kind != 'fp' and a_kind != 'fp' and fc2_a_bits != 8)"
OLMO = "study == 'olmo_ptq-c4' and method == 'RTN' and w_bits > 2"


@dataclass(frozen=True)
class Row:
    """One fit of the table: a law, a pool, and which rows of it."""

    law: str
    pool: str
    where: str = ""


# Which rows a law is fitted to, where these are not all of the shipped ones that it can use.
ROWS = (
    Row("chinchilla", "epoch_chinchilla", "loss < 3.44"),
    Row("chinchilla", "gadre", "study == 'gadre-c4'"),
    Row("chinchilla", "gadre", "study == 'gadre-rpj'"),
    Row("chinchilla", "gadre", "study == 'gadre-rw'"),
    Row("chinchilla", "olmo_ladder"),
    Row("chinchilla", "grid"),
    Row(
        "muennighoff2023",
        "datablations",
        "study == 'datablations-repeat' and D <= 64 * U and U >= 1e9",
    ),
    Row("kumar2024-ptq", "grid", PTQ),
    Row("kumar2024-ptq", "olmo_ptq", OLMO),
    Row("ouyang2024", "grid", PTQ),
    Row("ouyang2024", "olmo_ptq", OLMO),
    Row("ptq-without-d", "grid", PTQ),
    Row("ptq-without-d", "olmo_ptq", OLMO),
    Row("ptq-without-n", "grid", PTQ),
    Row("ptq-without-n", "olmo_ptq", OLMO),
    Row(
        "ptq-bits-by-group",
        "grid",
        "stage == 'post' and w_kind == 'int' and w_group > 0 and 3 <= w_bits <= 6",
    ),
    Row(
        "kumar2024-qat",
        "grid",
        f"stage == 'none' or {QAT} and (w_group == 128 or a_group == 128 or kv_bits == 4)",
    ),
    Row(
        "kumar2024-qat",
        "quest",
        "stage == 'none' or method.str.startswith('HalfHadamardTrust') and w_kind == 'int'",
    ),
    Row(
        "kumar2024-unified",
        "grid",
        f"stage == 'none' or {PTQ} or {QAT} and (w_group == 128 or a_group == 128 or kv_bits == 4)",
    ),
    Row(
        "chen2025",
        "grid",
        "stage == 'train' and w_kind == 'int' and w_bits == 4 and a_bits == 4 and fc2_a_bits != 8",
    ),
    Row(
        "chen2025", "grid", "stage == 'train' and w_kind == 'int' and w_bits == 4 and a_bits == 16"
    ),
    Row("chen2025", "grid", "stage == 'train' and w_bits == 16 and a_bits == 4"),
    Row(
        "chen2025-schemes",
        "grid",
        "stage == 'train' and w_kind != 'fp' and a_kind != 'fp' and (w_bits == 4 or a_bits == 4)",
    ),
    Row(
        "qat-without-d",
        "grid",
        "stage == 'train' and w_kind == 'int' and w_bits == 4 and a_bits == 4 and fc2_a_bits != 8",
    ),
    Row("sun2025", "grid", "stage == 'none' or stage == 'train' and w_kind == 'fp'"),
    Row("frantar2025", "grid", "stage != 'post'"),
    Row("frantar2025", "quest", "method != 'STE'"),
    Row("quartet2025", "quartet", "w_bits == 16 or w_group == 32"),
)


def rows() -> list[Row]:
    """List the fits of the table: each law has one, with no line for it here."""
    chosen = {row.law for row in ROWS}
    return [*ROWS, *(Row(name, "grid") for name in bayesq.laws() if name not in chosen)]


def listed() -> list[tuple[str, ...]]:
    """List the laws: a link to the file of each, what it says, its inputs, and its source."""
    files = {}
    for found in pkgutil.iter_modules(bayesq.models.__path__):
        law = getattr(importlib.import_module(f"bayesq.models.{found.name}"), "law", None)
        if law is not None:
            files[law.name] = f"{found.name}.py"
    table = bayesq.laws().to_frame()
    return [
        (f"[`{name}`]({files[name]})", line["title"], line["inputs"], line["source"])
        for name, line in table.to_dict("index").items()
    ]


def main() -> None:
    """Fit, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="the laws to fit, with commas; the table is printed only")
    parser.add_argument("--draws", type=int, default=2000, help="draws a chain")
    parser.add_argument("--list", action="store_true", help="write the list of laws, fit nothing")
    add_jobs(parser)
    arguments = parser.parse_args()
    making = Making(arguments.jobs)
    if not arguments.only:
        write_between(_TARGET, [markdown(_LISTED, listed())], "laws")
    if arguments.list:
        return
    only = arguments.only.split(",") if arguments.only else None
    jobs = [(row, arguments.draws) for row in rows() if only is None or row.law in only]
    lines = []
    for line in run(_cells, jobs, making.processes, cost):
        print(" | ".join(line), flush=True)
        lines.append(line)
    if only is None:
        write(lines, making.line())


def cost(job: tuple[Row, int]) -> float:
    """Say which fits take long: those of a share for each kind."""
    return {"quartet2025": 2.0, "muennighoff2023": 1.0}.get(job[0].law, 0.0)


def _cells(job: tuple[Row, int]) -> tuple[str, ...]:
    return cells(*job)


def cells(row: Row, draws: int = 2000) -> tuple[str, ...]:
    """Fit one row and word it as the cells of a line."""
    start = row.law, f"{row.pool}: `{row.where}`" if row.where else row.pool
    try:
        runs = bayesq.load_pool(row.pool)
        runs = runs.select(row.where) if row.where else runs
        began = time.perf_counter()
        # Laws are compared as they are: what a misfit explains, the law does not.
        fit = bayesq.fit(runs, row.law, discrepancy=False, seed=1, draws=draws, progress=False)
    except bayesq.BayesqError as error:
        return *start, "", "", "", "", "", str(error), ""
    seconds = time.perf_counter() - began
    table = fit.summary()
    with warnings.catch_warnings():
        # Its warning of high Pareto k is a column of the table.
        warnings.filterwarnings("ignore", "Estimated shape parameter of Pareto")
        loo = azs.loo(fit.data)
    bad = int((loo.pareto_k > loo.good_k).sum())
    elpd = f"{loo.elpd:.1f} ± {loo.se:.1f}{f' ({bad} k)' if bad else ''}"
    ess = table[["ess_bulk", "ess_tail"]].min().min()
    codes = [
        f"**{n.code}**" if n.severity == "severe" else n.code
        for n in fit.notes
        if n.severity != "info"
    ]
    notes = ", ".join(dict.fromkeys(codes)) or "none"
    counts = str(fit.data.attrs["rows"]), f"{seconds:.0f}", f"{table.r_hat.max():.3f}", f"{ess:.0f}"
    return *start, fit.response, *counts, notes, elpd


def write(lines: list[tuple[str, ...]], made: str) -> None:
    """Put the table of fits between its marks in the laws' documentation."""
    write_between(_TARGET, [made, markdown(_HEADER, lines)], "table")


if __name__ == "__main__":
    main()
