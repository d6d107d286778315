"""Where finished fits are kept, by the code that made them: a table has none of an older state."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import bayesq
import bayesq.models
from made_by import STACK, commit, made_by


@dataclass(frozen=True)
class Making:
    """One making of a table; of one that keeps what is finished, made by :func:`start`.

    Parameters
    ----------
    processes : int
        How many work side by side.
    out : Path
        Folder of what is finished, of this state of the code.
    resumed : bool
        Whether something had been finished before.
    began : float
        When it began, of a clock of its own.
    at : str
        The commit at which it began.
    """

    processes: int
    out: Path = Path()
    resumed: bool = False
    began: float = field(default_factory=time.perf_counter)
    at: str = field(default_factory=commit)

    def line(self) -> str:
        """Say what made the table: commit, versions, processes, and seconds if all was made now."""
        seconds = None if self.resumed else time.perf_counter() - self.began
        many = "1 process" if self.processes < 2 else f"{self.processes} processes of one thread"
        return f"{made_by(seconds, self.at)} In {many}."


def start(out: Path, programs: Sequence[Path], processes: int = 1) -> Making:
    """Begin to make a table, or go on with it.

    Parameters
    ----------
    out : Path
        Folder of what is finished, of any state of the code.
    programs : sequence of Path
        The programs that make it, and folders of such.
    processes : int
        How many are to work side by side.
    """
    folder = out / state(programs)
    resumed = folder.is_dir() and any(folder.iterdir())
    folder.mkdir(parents=True, exist_ok=True)
    return Making(processes, folder, resumed)


def state(programs: Sequence[Path]) -> str:
    """Name a state of the code: bayesq, its laws and data, these programs, and what draws."""
    told = sha256(" ".join(f"{name} {version(name)}" for name in STACK).encode())
    package = Path(bayesq.__file__).parent
    for place in (package, *map(Path, bayesq.models.__path__), *programs):
        for path in _files(place):
            told.update(path.name.encode() + path.read_bytes())
    return told.hexdigest()[:10]


def _files(place: Path) -> list[Path]:
    """List the code below a folder, and the shipped runs; a file is itself."""
    if place.is_file():
        return [place]
    return sorted(p for p in place.rglob("*") if p.suffix == ".py" or p.name == "grid.csv")
