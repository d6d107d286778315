"""Compare the job lists with the rows that were measured. Needs no torch."""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from jobs import Job
from phases import phase_one, phase_two
from tidy import COLUMNS, tidy

LOSS_COLUMNS = ("loss", "loss_se", "loss_full")
SETTING_COLUMNS = tuple(column for column in COLUMNS if column not in LOSS_COLUMNS)

Setting = tuple[str, ...]


@dataclass(frozen=True)
class Coverage:
    """How far the measured rows and the job lists agree.

    Parameters
    ----------
    complete
        Ids of runs with every row that their jobs ask for.
    partial
        Ids of runs with some of the rows, each with the token counts that are missing.
    absent
        Ids of runs without any row.
    unexplained
        Settings of measured rows that no job asks for.
    repeated
        Settings measured more than once.
    """

    complete: tuple[str, ...]
    partial: dict[str, tuple[int, ...]]
    absent: tuple[str, ...]
    unexplained: tuple[Setting, ...]
    repeated: tuple[Setting, ...]


def main() -> None:
    """Read the command line and print what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path, help="runs.csv")
    with parser.parse_args().table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = compare([*phase_one(), *phase_two()], rows)
    print(f"{len(rows)} rows; {len(found.complete)} runs complete")
    print(f"{len(found.partial)} runs in part, without these D:")
    for run, tokens in found.partial.items():
        print(f"    {run}: {', '.join(f'{count:,}' for count in tokens)}")
    print(f"{len(found.absent)} runs without a row: {', '.join(found.absent)}")
    print(f"{len(found.unexplained)} rows that no job asks for")
    for setting in found.repeated:
        named = dict(zip(SETTING_COLUMNS, setting, strict=True))
        print(f"measured more than once: {named['run']} at D {int(named['D']):,}")


def compare(jobs: Iterable[Job], rows: Iterable[dict]) -> Coverage:
    """Compare job lists with measured rows, losses aside.

    Parameters
    ----------
    jobs
        Of all phases; jobs with one id count as one run that asks for the rows of each.
    rows
        Of runs.csv, all values as text.

    Returns
    -------
    Coverage
        Ids in the order of the jobs.
    """
    wanted: dict[str, set[Setting]] = {}
    for job in jobs:
        wanted.setdefault(job.id, set()).update(settings(job))
    measured = Counter(_setting(row) for row in rows)

    run_at, tokens_at = SETTING_COLUMNS.index("run"), SETTING_COLUMNS.index("D")
    measured_runs = {setting[run_at] for setting in measured}
    missing = {run: asked - measured.keys() for run, asked in wanted.items()}
    return Coverage(
        complete=tuple(run for run in wanted if not missing[run]),
        partial={
            run: tuple(sorted({int(setting[tokens_at]) for setting in missing[run]}))
            for run in wanted
            if missing[run] and run in measured_runs
        },
        absent=tuple(run for run in wanted if run not in measured_runs),
        unexplained=tuple(measured.keys() - set().union(*wanted.values())),
        repeated=tuple(setting for setting, count in measured.items() if count > 1),
    )


def settings(job: Job) -> set[Setting]:
    """Return the settings of every row that a job measures.

    Parameters
    ----------
    job
        Any job.

    Returns
    -------
    set of tuple
        Values of `SETTING_COLUMNS`, as text.
    """
    rows = []
    for tokens in job.measured_tokens():
        rows.append(job.row(tokens))
        rows += [job.row_after_rounding(tokens, number) for number in job.post_training]
    no_losses = {"loss": 0.0, "loss_before": 0.0}
    return {_setting(row) for row in tidy([row | no_losses for row in rows], "kernel-source")}


def _setting(row: dict) -> Setting:
    return tuple(str(row[column]) for column in SETTING_COLUMNS)


if __name__ == "__main__":
    main()
