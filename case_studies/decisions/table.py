"""Hold decisions by bayesq and by today's practice against the pools, and write README.md's tables.

    make decisions

The public pools are read from the folder that BAYESQ_DATA names; where a pool is not at hand a line
says so, and the tables of the other entries are printed only. Finished fits are kept in
out/decisions, so that a run that was stopped goes on where it was; other code begins anew.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
from decisions import Entry, Split, entries

import bayesq

sys.path += [str(Path(__file__).parents[1] / "backtests"), str(Path(__file__).parents[1])]
from learn import prior, teachers
from words import sections
from working import read_arguments, run
from writing import replace_text, write_between

_HERE = Path(__file__).parent
_BACKTESTS = _HERE.parent / "backtests"
README, _RESULTS = _HERE / "README.md", _HERE / "results.csv"
_KEPT = Path("out") / "decisions"

SEED = 1

Result = dict[str, Any]
Job = tuple[Entry, Split, int, Path]


def main() -> None:
    """Run what is not finished, and write the tables."""
    chosen, arguments, making = read_arguments(__doc__, entries(), _KEPT, [_HERE, _BACKTESTS])
    jobs = [
        (entry, split, arguments.draws, making.out)
        for entry in chosen
        for split in entry.splits
        if not arguments.splits or split.name in arguments.splits
    ]
    results = []
    for result in run(cell, jobs, arguments.jobs, cost):
        where = f"{result['entry']}, {result['split']}"
        if "why" in result:
            print(f"{where}: left out. {result['why']}", flush=True)
        else:
            print(f"{where} ({result['seconds']:.0f} s): {result['text']}", flush=True)
            results.append(result["rows"])
    whole = not (arguments.only or arguments.splits) and len(results) == len(jobs)
    if whole:
        write(pd.concat(results, ignore_index=True), making.line())
    elif results:
        print("\n" + "\n\n".join(sections(pd.concat(results, ignore_index=True))))


def cost(job: Job) -> float:
    """Say which fits take long: those of a share for each kind, and of a base law beside."""
    entry = job[0]
    return 2 * (entry.law in ("quartet2025", "frantar2025")) + (entry.base is not None)


def cell(job: Job) -> Result:
    """Hold the decisions of one entry on one split against its rows; say why where that fails."""
    entry, split, draws, out = job
    where = {"entry": entry.name, "split": split.name}
    # How wrong laws are is learned from the other sources only.
    options, base_options = (
        {"discrepancy": prior(teachers(response, without=entry.pool))}
        for response in (entry.response, "loss")
    )
    began = time.perf_counter()
    try:
        runs = entry.runs()
        result = bayesq.backtest_decision(
            runs,
            entry.law,
            entry.decision,
            base=entry.base,
            split=split.split,
            quantile=split.quantile,
            about=entry.about,
            draws=draws,
            seed=SEED,
            save=out / _folder(runs, entry, split, draws, {**options, "base": base_options}),
            progress=False,
            fit_options=options,
            base_options=base_options,
            **entry.asked,
        )
    except bayesq.BayesqError as error:
        return where | {"why": str(error)}
    rows = result.rows
    for column, value in reversed((where | {"family": entry.family}).items()):
        rows.insert(0, column, value)
    return where | {
        "text": result.text,
        "rows": rows,
        "seconds": time.perf_counter() - began,
    }


def _folder(
    runs: bayesq.Runs, entry: Entry, split: Split, draws: int, options: Mapping[str, Any]
) -> str:
    """Name the folder of an entry so that whatever else is asked, or of other rows, has another."""
    digest = bayesq.laws()[entry.law].digest
    asked = f"{digest} {runs.fingerprint} {entry} {split} {options}"
    return f"{entry.name}-{split.name}-{draws}-{sha256(asked.encode()).hexdigest()[:8]}"


def write(rows: pd.DataFrame, made: str) -> None:
    """Write the decisions to results.csv, and the tables between the marks in README.md."""
    replace_text(_RESULTS, rows.to_csv(index=False, float_format="%.6g"))
    # Of the numbers as they are written, so that whoever reads them gets the same words.
    write_between(README, [made, *sections(pd.read_csv(_RESULTS))])


if __name__ == "__main__":
    main()
