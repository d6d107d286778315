"""A process and all that it starts, watched from outside and stopped at a limit."""

from __future__ import annotations

import os
import resource
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
    tells the exact peak, where it is above that of this process.
    """
    start = time.perf_counter()
    try:
        process = begin(command, environment)
    except FailedError as error:
        return Watched(0, 0, 0, "", why=f"failed: {error}")
    # What the system tells of a new process begins with the peak of the one that started it.
    inherited = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    family = _Family(psutil.Process(process.pid))
    peak, pause, why = 0.0, SHORTEST, ""
    try:
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            took = time.perf_counter() - start
            if pid:
                break
            now = family.look() / 1e6
            peak = max(peak, now)
            if took > seconds:
                why = f"over {seconds:,.0f} s"
            elif now > gib * 1024**3 / 1e6:
                why = f"over {gib:.3g} GiB"
            if why:
                _, status, usage = family.end()
                break
            time.sleep(pause)
            pause = min(1.1 * pause, LONGEST)
    except BaseException:
        _, status, _ = family.end()
        process.returncode = os.waitstatus_to_exitcode(status)
        raise
    process.returncode = os.waitstatus_to_exitcode(status)
    # The system counts a descendant's seconds when it has ended and its parent has seen to it.
    cpu = max(usage.ru_utime + usage.ru_stime, sum(family.cpu.values()))
    if usage.ru_maxrss > inherited:
        peak = max(peak, megabytes(usage.ru_maxrss))
    over = took if why else None
    if process.returncode and not why:
        words = last_words(environment) or f"it ended with {process.returncode}"
        why = f"failed: {words}"
    return Watched(took, cpu, peak, output_of(environment), over, why)


class _Family:
    """A process and its descendants, as they were when they were last looked at."""

    def __init__(self, root: psutil.Process) -> None:
        self._root = root
        self._known: dict[int, psutil.Process] = {}
        self.cpu: dict[int, float] = {}  # seconds of each

    def look(self) -> int:
        """Note who there is and what each has used, and add up the bytes that they hold."""
        total = 0
        try:
            members = [self._root, *self._root.children(recursive=True)]
        except psutil.Error:  # it has just ended
            return 0
        for one in members:
            self._known[one.pid] = one
            try:
                times = one.cpu_times()
                total += one.memory_info().rss
            except psutil.Error:
                continue
            self.cpu[one.pid] = times.user + times.system
        return total

    def end(self) -> tuple[int, int, resource.struct_rusage]:
        """End all of them, the first one last, and give what the system says of that one."""
        self.look()
        for one in [*(p for p in self._known.values() if p != self._root), self._root]:
            try:
                one.kill()  # of psutil: never another process that has taken the number since
            except psutil.Error:
                continue
        return os.wait4(self._root.pid, 0)
