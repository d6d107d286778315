"""Processes of this machine that do units of work."""

from __future__ import annotations

import os
from concurrent.futures import Executor
from typing import Any

from bayesq.errors import BayesqError
from bayesq.jobs.worker import ONE_THREAD, begin

JOBS = "BAYESQ_JOBS"
# Seconds until a new process has done what this one has behind it: Python, JAX and bayesq loaded,
# and a program read from the cache. On two threads of one core: 4 to 6.
_START = 6.0
# By how much units slow each other down where the cores are two threads of one.
_SIDE_BY_SIDE = 1.5
# The first unit may have compiled, so a second one is timed; what takes this long has not waited
# for a compiler alone.
_TIMED = 2
_LONG = 60.0  # seconds


def asked(executor: int | None) -> int | None:
    """Read how many processes are asked for, here or by ``BAYESQ_JOBS``; None for no word on it.

    Raises
    ------
    BayesqError
        If that is no number of processes.
    """
    if executor is not None:
        if executor < 1:
            raise BayesqError(
                f"executor is {executor}; a number of processes is 1 (this one) or more, on the "
                "command line --jobs."
            )
        return executor
    named = os.environ.get(JOBS, "").strip()
    if not named:
        return None
    if not named.isdecimal() or int(named) < 1:
        raise BayesqError(
            f"{JOBS} is {named!r}; let it be a number of processes from 1 on, or unset it."
        )
    return int(named)


def cores() -> int:
    """Count the cores that this process may use: by affinity and by its container."""
    from loky import cpu_count

    return int(cpu_count())


def worth(took: list[float], left: int, processes: int) -> bool:
    """Tell whether what is left is done sooner in other processes, their start included.

    Parameters
    ----------
    took : list of float
        Seconds that units took in this process.
    left : int
        Units left.
    processes : int
        How many processes there would be.
    """
    if min(left, processes) < 2 or (len(took) < _TIMED and took[-1] < _LONG):
        return False
    each = min(took)
    rounds = -(-left // processes)
    return left * each > _START + _SIDE_BY_SIDE * rounds * each


def start(number: int) -> Executor:
    """Make processes that are spawned, never forked, and that end with this one."""
    from loky import ProcessPoolExecutor

    pool: Executor = ProcessPoolExecutor(
        number, env=dict(ONE_THREAD), initializer=begin, initargs=(os.getpid(),)
    )
    return pool


def stop(pool: Any) -> None:
    """End processes at once, whatever they do."""
    pool.shutdown(wait=True, kill_workers=True)
