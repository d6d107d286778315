"""A stranger: an empty home, a process of his own, and a clock on the outside.

The standard library only: what the parent holds in memory counts as its children's peak.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


class FailedError(Exception):
    """A process that did not end well; the text is the last line that it wrote."""


@dataclass(frozen=True)
class Took:
    """What one process took: seconds, those of the cores, the peak memory in MB, and its output."""

    seconds: float
    cpu: float
    peak: float
    output: str


def moved_in(home: Path, outer: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Make an empty home, and the environment of a process that knows no other.

    Only names that no cache depends on are taken over. PyTensor and Matplotlib keep theirs below
    HOME, as for everyone; Numba keeps its own beside the packages, where others have filled them.
    """
    outside = outer.get("HOME", "/nowhere")
    taken = {n: outer[n] for n in ("LANG", "LC_ALL", "SYSTEMROOT") if n in outer}
    path = outer.get("PATH", os.defpath).split(os.pathsep)
    inside = [p for p in path if not Path(p).is_relative_to(outside)]
    folders = {"HOME": "", "XDG_CACHE_HOME": ".cache", "NUMBA_CACHE_DIR": "numba", "TMPDIR": "tmp"}
    for folder in folders.values():
        (home / folder).mkdir(parents=True, exist_ok=True)
    own = {name: str(home / folder) for name, folder in folders.items()}
    return taken | {"PATH": os.pathsep.join(inside)} | own


def clock(command: Sequence[str | Path], environment: Mapping[str, str]) -> Took:
    """Run a command in its home, wait for its end, and say what it took.

    Raises
    ------
    FailedError
        If it cannot be started or ends with an error.
    """
    start = time.perf_counter()
    process = begin(command, environment)
    # Popen's own wait does not tell the memory.
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise FailedError(last_words(environment) or f"it ended with {process.returncode}")
    cpu = usage.ru_utime + usage.ru_stime
    return Took(seconds, cpu, megabytes(usage.ru_maxrss), output_of(environment))


def begin(command: Sequence[str | Path], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a command in its home, where it writes what it says.

    Raises
    ------
    FailedError
        If it cannot be started.
    """
    home = Path(environment["HOME"])
    with (home / "out.txt").open("w") as output, (home / "err.txt").open("w") as errors:
        try:
            return subprocess.Popen(
                [str(c) for c in command],
                stdout=output,
                stderr=errors,
                stdin=subprocess.DEVNULL,
                env=dict(environment),
                cwd=home,
            )
        except OSError as error:
            raise FailedError(str(error)) from error


def output_of(environment: Mapping[str, str]) -> str:
    """Read what the last command of a home has written so far."""
    return (Path(environment["HOME"]) / "out.txt").read_text(errors="replace")


def last_words(environment: Mapping[str, str]) -> str:
    """Read the last line with words in it of a home's errors, which may stand in a box."""
    text = (Path(environment["HOME"]) / "err.txt").read_text(errors="replace")
    lines = [line.strip("│ ") for line in text.splitlines()]
    said = [line for line in lines if any(c.isalpha() for c in line) and "─" not in line]
    return said[-1] if said else ""


def megabytes(ru_maxrss: int) -> float:
    """Read the system's unit of peak memory as MB."""
    return ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
