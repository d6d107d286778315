"""Where a command does work that comes in many parts: ``--jobs`` and ``--scheduler``."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Annotated

import typer

from bayesq.errors import BayesqError

Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        metavar="N",
        help="Processes of this machine; by default one for each core, where that is worth while.",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS", help="A Dask cluster, by its scheduler: tcp://host:8786 or a file."
    ),
]


@contextmanager
def place(jobs: int | None, scheduler: str | None) -> Iterator[Executor | int | None]:
    """Give the executor that was asked for.

    Raises
    ------
    BayesqError
        If two were asked for, or the scheduler is not there.
    """
    from bayesq.jobs.spread import check_executor

    if scheduler is None:
        yield check_executor(jobs)
        return
    if jobs is not None:
        raise BayesqError("--jobs and --scheduler name two places for one work; leave one out.")
    from bayesq.jobs.cluster import connected

    with connected(scheduler) as executor:
        yield executor
