"""The command line and the processes of the tables that are made of many entries and splits."""

from __future__ import annotations

import argparse
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Protocol

from finished import Making, start

from bayesq.jobs.processes import JOBS
from bayesq.jobs.worker import ONE_THREAD


class Named(Protocol):
    """What has a name, by which it is asked for."""

    @property
    def name(self) -> str:
        """What the tables call it."""
        ...


def read_arguments[Entry: Named](
    description: str, entries: Sequence[Entry], out: Path, programs: Sequence[Path]
) -> tuple[list[Entry], argparse.Namespace, Making]:
    """Read the command line, and make the folder of finished fits.

    Parameters
    ----------
    description : str
        What the program does.
    entries : list of Entry
        What it can be asked for.
    out : Path
        Folder of finished fits, unless another is named.
    programs : sequence of Path
        The programs that make the table, and folders of such.

    Returns
    -------
    list of Entry, Namespace, Making
        Those asked for; ``only`` and ``splits`` (sets of names, empty for all), ``jobs`` and
        ``draws``; and the making, whose ``out`` is the folder of finished fits.
    """
    parser = argparse.ArgumentParser(description=description)
    add_names(parser, "--only", "entries")
    add_names(parser, "--splits", "splits")
    add_jobs(parser)
    parser.add_argument("--draws", type=int, default=500, help="bayesq's draws a chain")
    parser.add_argument("--out", type=Path, default=out, help="folder of finished fits")
    arguments = parser.parse_args()
    chosen = choose(entries, arguments.only, parser, "entry")
    return chosen, arguments, start(arguments.out, programs, arguments.jobs)


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """Add the option that says how many processes work."""
    parser.add_argument("--jobs", type=int, default=2, help="processes, each of one thread")


def add_names(parser: argparse.ArgumentParser, option: str, what: str) -> None:
    """Add an option that takes names with commas between them, and gives a set."""
    parser.add_argument(
        option,
        type=lambda text: {name for name in text.split(",") if name},
        default=set(),
        help=f"{what}, with commas; their tables are printed only",
    )


def choose[Entry: Named](
    entries: Sequence[Entry], only: set[str], parser: argparse.ArgumentParser, what: str
) -> list[Entry]:
    """Choose entries by name, all where none is named; one that is unknown ends the program."""
    if unknown := only - {e.name for e in entries}:
        parser.error(f"no {what} {', '.join(sorted(unknown))}")
    return [e for e in entries if not only or e.name in only]


def run[Job, Result](
    cell: Callable[[Job], Result],
    jobs: Sequence[Job],
    processes: int,
    cost: Callable[[Job], float] | None = None,
) -> Iterator[Result]:
    """Run the jobs, in other processes where there are to be several; results are in their order.

    Those of most `cost` begin first, so that none is left to the end.
    """
    if processes < 2:
        yield from map(cell, jobs)
        return
    order = sorted(range(len(jobs)), key=lambda i: -cost(jobs[i]) if cost else i)
    spawn = multiprocessing.get_context("spawn")
    before = dict(os.environ)
    # Read when a process starts. Each works alone: none spreads its fits any further.
    os.environ.update(ONE_THREAD, **{JOBS: "1"})
    try:
        with ProcessPoolExecutor(min(processes, len(jobs)) or 1, mp_context=spawn) as pool:
            begun = {i: pool.submit(cell, jobs[i]) for i in order}
            yield from (begun[i].result() for i in range(len(jobs)))
    finally:
        os.environ.clear()
        os.environ.update(before)
