"""Compare what the defaults of bayesq could have been, on the base laws' entries.

    python case_studies/backtests/choices.py

backtests each entry with each variant of the noise and of the discrepancy, writes the scores to
choices.csv and prints their means over entries by split: which the defaults follow. Finished fits
are kept with those of the table of backtests.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from learn import prior, teachers
from pools import SPLITS, Entry, Split, entries
from table import KEPT, METRICS, README, cell

sys.path.append(str(Path(__file__).parents[1]))
from finished import start
from working import add_jobs, run
from writing import markdown, replace_text, write_between

_HERE = Path(__file__).parent
RESULT = _HERE / "choices.csv"
# Entry, split, name of a variant, draws, and the folder of finished fits.
Job = tuple[Entry, Split, str, int, Path]


def variants(entry: Entry) -> dict[str, dict[str, Any]]:
    """Name the options of a fit that are compared; the first is the default."""
    learned = prior(teachers(entry.response, without=entry.pool))
    return {
        "default": {"discrepancy": learned},
        "no discrepancy": {"discrepancy": False},
        "rougher, H = 0.5": {"discrepancy": replace(learned, hurst=0.5)},
        "rougher, H = 0.75": {"discrepancy": replace(learned, hurst=0.75)},
        "normal noise": {"discrepancy": learned, "noise": "normal"},
        "effects of runs": {"discrepancy": learned, "noise": "student-t + run"},
        "effects of budgets": {"discrepancy": learned, "noise": "student-t + budget"},
        "noise falls with D": {"discrepancy": learned, "noise": "falls-with-D"},
    }


def main() -> None:
    """Backtest the variants, and print their means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="entries, with commas; all base laws by default")
    parser.add_argument("--draws", type=int, default=500, help="draws a chain")
    parser.add_argument("--out", type=Path, default=KEPT, help="folder of finished fits")
    parser.add_argument("--splits", default="compute-70", help="splits, with commas")
    add_jobs(parser)
    arguments = parser.parse_args()
    making = start(arguments.out, [_HERE], arguments.jobs)
    only = set(filter(None, arguments.only.split(",")))
    jobs = [
        (entry, split, name, arguments.draws, making.out)
        for entry in entries()
        if entry.family == "base" and (not only or entry.name in only)
        for split in SPLITS
        if split.name in arguments.splits.split(",")
        for name in variants(entry)
    ]
    lines = []
    for line in run(score, jobs, arguments.jobs):
        if line:
            lines.append(line)
            print(line, flush=True)
    table = pd.DataFrame(lines)
    if not only:
        write(table, making.line())
    print(means(table).to_string(float_format="{:.4f}".format))


def score(job: Job) -> dict[str, Any]:
    """Backtest one variant on one entry; nothing where it cannot be fitted."""
    entry, split, name, draws, out = job
    result = cell((entry, split, draws, out), **variants(entry)[name])
    if "why" in result:
        return {}
    where = {"split": split.name, "variant": name, "entry": entry.name}
    return where | {m: result[f"bayesq_{m}"] for m in METRICS}


def write(table: pd.DataFrame, made: str) -> None:
    """Write the scores to choices.csv, and their means between the marks in README.md."""
    replace_text(RESULT, table.to_csv(index=False, float_format="%.6g"))
    found = means(table).reset_index()
    count = table.groupby("split")["entry"].nunique().to_dict()
    lines = [
        [str(v) if isinstance(v, str) else f"{v:.3g}" for v in row]
        for row in found.itertuples(index=False, name=None)
    ]
    said = ", ".join(f"{split}: {number} entries" for split, number in count.items())
    header = [str(name).replace("_", " ") for name in found.columns]
    write_between(README, [made, f"Means ({said}).", markdown(header, lines)], "choices")


def means(table: pd.DataFrame) -> pd.DataFrame:
    """Average the scores of each variant over entries, on the entries that all variants have."""
    count = table.groupby(["split", "entry"])["variant"].transform("nunique")
    common = table[count == table["variant"].nunique()]
    return common.drop(columns="entry").groupby(["split", "variant"], sort=False).mean()


if __name__ == "__main__":
    main()
