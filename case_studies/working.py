"""The command line and the processes of the tables that are made of many entries and splits."""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Protocol


class Named(Protocol):
    """What has a name, by which it is asked for."""

    @property
    def name(self) -> str:
        """What the tables call it."""
        ...


def read_arguments[Entry: Named](
    description: str, entries: Sequence[Entry], out: Path
) -> tuple[list[Entry], argparse.Namespace]:
    """Read the command line, and make the folder of finished fits.

    Parameters
    ----------
    description : str
        What the program does.
    entries : list of Entry
        What it can be asked for.
    out : Path
        Folder of finished fits, unless another is named.

    Returns
    -------
    list of Entry, Namespace
        Those asked for; and ``only`` and ``splits`` (sets of names, empty for all), ``jobs``,
        ``draws`` and ``out``.
    """
    parser = argparse.ArgumentParser(description=description)
    add_names(parser, "--only", "entries")
    add_names(parser, "--splits", "splits")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--draws", type=int, default=500, help="bayesq's draws a chain")
    parser.add_argument("--out", type=Path, default=out, help="folder of finished fits")
    arguments = parser.parse_args()
    chosen = choose(entries, arguments.only, parser, "entry")
    arguments.out.mkdir(parents=True, exist_ok=True)
    return chosen, arguments


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


def run[Job](
    cell: Callable[[Job], dict[str, Any]], jobs: Sequence[Job], processes: int
) -> Iterator[dict[str, Any]]:
    """Run the jobs in their order, in other processes where there are to be several."""
    if processes < 2:
        yield from map(cell, jobs)
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn) as pool:
        yield from pool.map(cell, jobs)
