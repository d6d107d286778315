"""What was measured of one contender on one table, and its ratios to the plain PyMC script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

PLAIN = "plain PyMC"
# The kinds of time, from the longest wait to the shortest.
KINDS = ("first ever", "new process", "same process, other rows")


@dataclass
class Measured:
    """One row of the table; what is not known is not there."""

    rows: int
    contender: str
    seconds: dict[str, float] = field(default_factory=dict)  # by kind
    # Of the whole process, by kind: where others use the machine, the steadier clock.
    cpu: dict[str, float] = field(default_factory=dict)
    peak: dict[str, float] = field(default_factory=dict)  # MB, by kind
    least_ess: float | None = None
    ess_a_second: float | None = None
    gradient_in_passes: float | None = None
    why: str = ""  # it failed


def ratio(measured: Sequence[Measured], one: Measured, kind: str) -> float | None:
    """Divide a contender's time by the plain script's of the same kind on the same rows."""
    plain = [m for m in measured if m.contender == PLAIN and m.rows == one.rows]
    if not plain or kind not in plain[0].seconds or kind not in one.seconds:
        return None
    return one.seconds[kind] / plain[0].seconds[kind]
