"""A process and all that it starts, watched from outside and stopped at a limit."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from clock.stranger import FailedError, begin, last_words, megabytes, output_of

# Seconds between looks: often at first, when short processes are at their largest.
SHORTEST, LONGEST = 0.02, 0.2


@dataclass(frozen=True)
class Watched:
    """What a process and its descendants took."""

    seconds: float
    cpu: float
    peak: float  # MB of all at one time; memory that they share counts for each
    output: str  # what it wrote, also where it was stopped
    over: float | None = None  # seconds after which it was stopped
    why: str = ""  # why it was stopped or how it failed


def watch(
    command: Sequence[str | Path], environment: Mapping[str, str], seconds: float, gib: float
) -> Watched:
    """Run a command in its home until it ends, or takes more time or memory than it may.

    The memory of all processes is looked at a few times a second; of the first one the system
    tells the exact peak.
    """
    start = time.perf_counter()
    try:
        process = begin(command, environment)
    except FailedError as error:
        return Watched(0, 0, 0, "", why=f"failed: {error}")
    root, known = psutil.Process(process.pid), {}
    peak, pause, why = 0.0, SHORTEST, ""
    try:
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            took = time.perf_counter() - start
            if pid:
                break
            now = _memory(root, known) / 1e6
            peak = max(peak, now)
            if took > seconds:
                why = f"over {seconds:,.0f} s"
            elif now > gib * 1024**3 / 1e6:
                why = f"over {gib:.3g} GiB"
            if why:
                _, status, usage = _end(root, known)
                break
            time.sleep(pause)
            pause = min(1.1 * pause, LONGEST)
    except BaseException:
        _end(root, known)
        raise
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu = usage.ru_utime + usage.ru_stime
    peak = max(peak, megabytes(usage.ru_maxrss))
    over = took if why else None
    if process.returncode and not why:
        words = last_words(environment) or f"it ended with {process.returncode}"
        why = f"failed: {words}"
    return Watched(took, cpu, peak, output_of(environment), over, why)


def _memory(root: psutil.Process, known: dict[int, psutil.Process]) -> int:
    """Add up the bytes that a process and its descendants hold, and note who they are."""
    try:
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    known |= {one.pid: one for one in family}
    total = 0
    for one in family:
        try:
            total += one.memory_info().rss
        except psutil.Error:  # it has just ended
            continue
    return total


def _end(root: psutil.Process, known: dict[int, psutil.Process]) -> tuple[int, int, object]:
    """End a process and its descendants, the first one last."""
    _memory(root, known)
    for one in [*(p for pid, p in known.items() if pid != root.pid), root]:
        try:
            one.kill()  # of psutil: never another process that has taken the number since
        except psutil.Error:
            continue
    return os.wait4(root.pid, 0)
