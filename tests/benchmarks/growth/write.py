"""The tables in Markdown and CSV, made of the same numbers as the figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from clock.write import number, write_records
from growth.measured import PARTS, Measured, line_of, slope, speed_up

NOTES = """\
Seconds are those of the step, by the clock of its process; core seconds count all cores, and in
sweeps over fits and processes the whole process with all that it started. Memory is the most that
the process held until the step was done, with all that it started; memory that processes share
counts for each. First ever: with an empty home, so that the law is compiled; else compiled before.
ESS: the least bulk ESS of a parameter of law and noise, in all fits; a second of the step. Slope:
the power of the size that seconds, and core seconds, grow with over the largest two decades; 1 is
linear. Speed-up is over one process on one core, where so many processes may use so many cores;
efficiency is speed-up a process. A step that was stopped at its limit takes longer than that."""


def markdown(measured: Sequence[Measured]) -> str:
    """Write one table for each machine, part and step."""
    parts = []
    for machine in dict.fromkeys(m.machine for m in measured):
        for part in PARTS:
            mine = [m for m in measured if (m.machine, m.part) == (machine, part)]
            if mine:
                parts.append("\n".join(_table(mine, part, machine)))
            parts += [f"{m.step}, {m.size:,} {part}: {m.how}" for m in mine if m.how]
    return "\n\n".join(parts)


def write_csv(measured: Sequence[Measured], path: Path) -> None:
    """Write one line a step and size."""
    records = []
    for one in measured:
        line = line_of(measured, one.part, one.step, one.machine)
        up = speed_up(line, one) if one.part == "processes" else None
        worked_out = {
            "ess_a_second": _rate(one),
            "slope": slope(line) if one.part != "processes" else None,
            "slope_cpu": slope(line, "cpu") if one.part != "processes" else None,
            "speed_up": up,
            "efficiency": up / one.size if up else None,
        }
        records.append(asdict(one) | worked_out)
    write_records(records, path)


def _table(mine: Sequence[Measured], part: str, machine: str) -> list[str]:
    grows = part != "processes"
    last = ["ESS/s", "file MB", "slope", "of core seconds"] if grows else ["speed-up", "efficiency"]
    names = [machine, part, "seconds", "core seconds", "memory MB", "ESS", *last]
    lines = [f"| {' | '.join(names)} |", "|---" + "|--:" * (len(names) - 1) + "|"]
    for step in dict.fromkeys(m.step for m in mine):
        line = line_of(mine, part, step, machine)
        for one in line:
            seconds = one.why.replace("|", "/") if one.seconds is None else number(one.seconds)
            cells = [step, f"{one.size:,}", seconds, *map(number, (one.cpu, one.peak))]
            cells.append(number(one.least_ess))
            if grows:
                cells += [number(_rate(one)), number(one.file)]
                slopes = (slope(line), slope(line, "cpu")) if one is line[-1] else ()
                cells += [number(s) for s in slopes] or ["", ""]
            else:
                up = speed_up(line, one)
                cells += [number(up), number(up / one.size if up else None)]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def _rate(one: Measured) -> float | None:
    return one.least_ess / one.seconds if one.least_ess and one.seconds else None
