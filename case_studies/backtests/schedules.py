"""Choose the misfit of checkpoints of one schedule: leave the later ones out, foretell them.

    python case_studies/backtests/schedules.py

fits the earlier checkpoints of OLMo-1B, the one pool whose column annealed says "no", under several
discrepancies, and counts how many of the later rows lie in their 90 % intervals. It writes the
counts to schedules.csv and a table of them to README.md.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pools import Entry, entries

import bayesq
from bayesq.model.discrepancy import LEARNED, LEARNED_ALONG_A_SCHEDULE

sys.path.append(str(Path(__file__).parents[1]))
from finished import Making
from working import add_jobs, run
from writing import markdown, replace_text, write_between

_HERE = Path(__file__).parent
README, RESULT = _HERE / "README.md", _HERE / "schedules.csv"
QUANTILES = (0.5, 0.7, 0.85)
# Kept where nearly all is foretold, by the default and by what was chosen.
FURTHER, FURTHER_BY = 0.3, ("default, H = 0.95", "for checkpoints")
_TABLES = ("olmo-c4-rtn", "olmo-c4-awq", "olmo-wt2-rtn", "olmo-wt2-awq")
_LOSSES = tuple(
    Entry(
        f"olmo-{text}-full",
        "olmo_ptq",
        "chinchilla",
        "loss",
        "base",
        f"study == 'olmo_ptq-{text}' and stage == 'none'",
    )
    for text in ("c4", "wt2")
)
# Which rows, which discrepancy, which table, what is kept of it, and options of the fit.
Job = tuple[str, str, str, float, dict[str, Any]]
_MEANS = {"in_90": "cover 90", "relative": "width / value", "interval_score": "interval score"}


def variants() -> dict[str, bayesq.Discrepancy]:
    """Name the discrepancies of a degradation that are compared."""

    def rough(hurst: float, median: float, sigma: float) -> bayesq.Discrepancy:
        drift = bayesq.Prior("LogNormal", mu=float(np.log(median)), sigma=sigma)
        return bayesq.Discrepancy(drift, LEARNED["degradation"].format, hurst)

    return {
        "default, H = 0.95": LEARNED["degradation"],
        "H = 0.7, tau 1.2, sigma 0.25": rough(0.7, 1.2, 0.25),
        "H = 0.5, tau 0.7, sigma 0.25": rough(0.5, 0.7, 0.25),
        "H = 0.5, tau 1.1, sigma 0.25": rough(0.5, 1.1, 0.25),
        "H = 0.3, tau 0.7, sigma 0.25": rough(0.3, 0.7, 0.25),
        "for checkpoints": LEARNED_ALONG_A_SCHEDULE["degradation"],
    }


def main() -> None:
    """Score every discrepancy on every table, and write the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=200, help="draws a chain")
    parser.add_argument("--tune", type=int, default=400, help="tuning draws a chain")
    parser.add_argument("--chains", type=int, default=2, help="chains")
    add_jobs(parser)
    options = vars(parser.parse_args())
    making = Making(options.pop("jobs"))
    jobs = planned(options)
    found = []
    for job, rows in zip(jobs, run(scores, jobs, making.processes), strict=True):
        print(*job[:4], rows["in_90"].mean(), flush=True)
        found.append(rows)
    write(pd.concat(found), making.line())


def planned(options: dict[str, Any]) -> list[Job]:
    """List what there is to fit."""
    jobs: list[Job] = []
    for name in variants():
        at = (*QUANTILES, FURTHER) if name in FURTHER_BY else QUANTILES
        jobs += [("checkpoints", name, table, q, options) for table in _TABLES for q in at]
    return jobs + [
        ("losses", "default, H = 0.95", entry.name, q, options)
        for entry in _LOSSES
        for q in QUANTILES
    ]


def scores(job: Job) -> pd.DataFrame:
    """Leave the later checkpoints of a table out, and score their rows."""
    group, name, table, quantile, options = job
    entry = next(e for e in (*_LOSSES, *entries()) if e.name == table)
    rows = bayesq.backtest(
        entry.runs(),
        entry.law,
        entry.response,
        split="largest-D",
        quantile=quantile,
        # Losses asked for no misfit of their own.
        discrepancy=variants()[name] if group == "checkpoints" else True,
        seed=1,
        progress=False,
        **options,
    ).rows
    relative = rows["width_90"] / rows["observed"]
    where = {"group": group, "discrepancy": name, "entry": table, "kept": quantile}
    return rows[["in_90", "interval_score"]].assign(relative=relative, **where)


def write(rows: pd.DataFrame, made: str) -> None:
    """Write the scores to schedules.csv, and what they come to between the marks in README.md."""
    replace_text(RESULT, rows.to_csv(index=False, float_format="%.6g"))
    write_between(README, [made, table(rows), further(rows)], "schedules")


def further(rows: pd.DataFrame) -> str:
    """Say what intervals hold, and how wide they are, where few checkpoints are kept."""
    some = rows[rows["kept"] == FURTHER]
    told = [
        f'"{name}" hold {int(of["in_90"].sum())} of {len(of)} later rows at a median width of '
        f"{of['relative'].median():.2g} times the value"
        for name, of in some.groupby("discrepancy", sort=False)
    ]
    return (
        f"Further out intervals are wide: with only the first {FURTHER:.0%} of the checkpoints "
        f"kept, those of {' and those of '.join(told)}."
    )


def table(rows: pd.DataFrame) -> str:
    """Word the means over tables in Markdown, each cell at the three quantiles."""
    lines = []
    rows = rows[rows["kept"].isin(QUANTILES)]
    for (group, name), some in rows.groupby(["group", "discrepancy"], sort=False):
        by = some.groupby("kept")
        counts = " / ".join(str(n) for n in by.size())
        cells = (" / ".join(f"{v:.2g}" for v in by[m].mean()) for m in _MEANS)
        lines.append((group, name, counts, *cells))
    return markdown(("rows", "discrepancy", "left out", *_MEANS.values()), lines)


if __name__ == "__main__":
    main()
