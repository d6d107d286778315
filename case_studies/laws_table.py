"""Fit every law to the pools that it speaks of, and write the table into models/README.md.

    make laws-table

The public pools are read from the folder that BAYESQ_DATA names; a pool that is not at hand is left
out of the table, with a line that says so. About ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import arviz_stats as azs

import bayesq

_HERE = Path(__file__).parent
_TARGET = _HERE.parent / "models" / "README.md"
_BEGIN, _END = "<!-- begin of the table -->", "<!-- end of the table -->"

PTQ = "stage == 'post' and w_kind == 'int' and w_group == 128 and 3 <= w_bits <= 6"
QAT = "(stage == 'train' and w_kind != 'fp' and a_kind != 'fp' and fc2_a_bits != 8)"
OLMO = "study == 'olmo_ptq-c4' and method == 'RTN' and w_bits > 2"


@dataclass(frozen=True)
class Row:
    """One fit of the table: a law, a pool, and which rows of it."""

    law: str
    pool: str
    where: str = ""


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


def main() -> None:
    """Fit, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="the laws to fit, with commas; the table is printed only")
    parser.add_argument("--draws", type=int, default=2000, help="draws a chain")
    arguments = parser.parse_args()
    only = arguments.only.split(",") if arguments.only else None
    lines = []
    for row in ROWS:
        if only is None or row.law in only:
            line = cells(row, arguments.draws)
            print(line, flush=True)
            lines.append(line)
    if only is None:
        write(lines)


def cells(row: Row, draws: int = 2000) -> str:
    """Fit one row and word it as a line of a Markdown table."""
    start = f"| {row.law} | {row.pool}{f': `{row.where}`' if row.where else ''} |"
    try:
        runs = bayesq.load_pool(row.pool)
        runs = runs.select(row.where) if row.where else runs
        began = time.perf_counter()
        # Laws are compared as they are: what a misfit explains, the law does not.
        fit = bayesq.fit(runs, row.law, discrepancy=False, seed=1, draws=draws, progress=False)
    except bayesq.BayesqError as error:
        return f"{start} | | | | | {error} | |"
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
    rows, response = fit.data.attrs["rows"], fit.response
    return (
        f"{start} {response} | {rows} | {seconds:.0f} | {table.r_hat.max():.3f} | {ess:.0f} | "
        f"{notes} | {elpd} |"
    )


def write(lines: list[str]) -> None:
    """Put the table between the marks in the laws' documentation."""
    text = _TARGET.read_text(encoding="utf-8")
    head, _, rest = text.partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    header = (
        "| law | pool and rows | response | rows | s | R-hat | ESS | notes | elpd |\n"
        "|---|---|---|---|---|---|---|---|---|"
    )
    table = "\n".join([_BEGIN, "", header, *lines, "", _END])
    beside = _TARGET.with_suffix(".tmp")
    beside.write_text(head + table + tail, encoding="utf-8")
    beside.replace(_TARGET)


if __name__ == "__main__":
    main()
