"""Work in small units, each by itself: in this process, in others, or on other machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from bayesq.progress import Progress


@dataclass(frozen=True, eq=False)
class Unit:
    """One piece of work: the same arguments give the same result, wherever it runs.

    Parameters
    ----------
    key : str
        What its result is called.
    function : callable
        What is to be done.
    arguments : tuple
        What it is done with.
    """

    key: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


def spread(
    units: Sequence[Unit],
    executor: Executor | int | None,
    told: Progress,
    what: str,
    *,
    already: int = 0,
) -> Iterator[tuple[str, Any]]:
    """Do work wherever there is room for it, and yield what is finished as it comes.

    Parameters
    ----------
    units : sequence of Unit
        What is to be done.
    executor : concurrent.futures.Executor, int or None
        Where: an executor, so many processes of this machine (1 for this process), or by default
        as many as it has cores, where the work is worth it.
    told : Progress
        Is told how far all of it is.
    what : str
        What one unit is called: ``"fold"``.
    already : int
        How many were finished before.

    Yields
    ------
    key : str
        Key of a finished unit.
    result
        What it gave.
    """
    for unit in told.each(list(units), what, lambda u: u.key, already=already):
        yield unit.key, unit.function(*unit.arguments)
