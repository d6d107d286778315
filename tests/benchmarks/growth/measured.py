"""What was measured of one step at one size, and how it grows."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

# What grows.
PARTS = ("rows", "fits", "processes")
# Ends the name of a step that was done in an empty home.
FIRST = ", first ever"


@dataclass
class Measured:
    """One line of the table; what is not known is not there."""

    part: str  # one of PARTS
    size: int  # so many rows, fits or processes
    step: str
    machine: str = ""  # a short name for it
    seconds: float | None = None
    cpu: float | None = None  # seconds of all cores
    peak: float | None = None  # MB, the most that the processes held until the step was done
    least_ess: float | None = None
    gradients: float | None = None
    file: float | None = None  # MB of the saved fit
    fits: int | None = None  # how many were made in the step
    over: float | None = None  # seconds after which it was stopped
    why: str = ""  # why there is no time
    how: str = ""  # what the library says of how it came to the result: an approximation


@dataclass
class Machine:
    """What one machine measured."""

    about: str  # cores, memory, versions, commit
    measured: list[Measured]

    def save(self, path: Path) -> None:
        """Keep it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Machine:
        """Read what was kept."""
        kept = json.loads(path.read_text(encoding="utf-8"))
        return cls(kept["about"], [Measured(**record) for record in kept["measured"]])


def line_of(measured: Sequence[Measured], part: str, step: str, machine: str) -> list[Measured]:
    """Choose the sizes of one step on one machine, from small to large."""
    found = [m for m in measured if (m.part, m.step, m.machine) == (part, step, machine)]
    return sorted(found, key=lambda m: m.size)


def slope(line: Sequence[Measured], what: str = "seconds") -> float | None:
    """Fit the power of the size that seconds grow with, over the largest two decades measured.

    1 is linear growth; at small sizes what every process begins with is most of the time. Where
    others use the machine, seconds of the cores (``cpu``) are the steadier ones.
    """
    known = [m for m in line if m.seconds is not None and getattr(m, what)]
    points = [(math.log(m.size), math.log(getattr(m, what))) for m in known]
    points = [p for p in points if p[0] > max(x for x, _ in points) - math.log(100.5)]
    if len(points) < 2:
        return None
    x0, y0 = (sum(values) / len(points) for values in zip(*points, strict=True))
    return sum((x - x0) * (y - y0) for x, y in points) / sum((x - x0) ** 2 for x, _ in points)


def speed_up(line: Sequence[Measured], one: Measured) -> float | None:
    """Divide the time of one process by that of several for the same fits."""
    alone = [m for m in line if m.size == 1 and m.seconds and m.fits == one.fits]
    return alone[0].seconds / one.seconds if alone and alone[0].seconds and one.seconds else None
