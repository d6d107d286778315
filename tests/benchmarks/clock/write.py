"""The tables in Markdown and CSV: ratios first, seconds beside them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from clock.measured import KINDS, PLAIN, Measured, ratio

NOTES = f"""\
Ratios are to the {PLAIN} script's time of the same kind on the same rows; seconds in brackets.
First ever: one process with an empty home and empty compile folders, packages installed. New
process: the median of later ones with the same folders. Other rows: the second fit of one process,
after other rows of equal count. Memory: the largest process, in MB. ESS: the least bulk ESS of the
parameters of law and noise; a second of sampling with tuning, without compiling. A gradient: wall
seconds of sampling over gradient evaluations of all chains, in units of one NumPy pass of the log
density of law and noise; bayesq counts tuning, PyMC and NumPyro count only the draws that are
kept, so that theirs are too high. bayesq also samples the law's misfit; the others take the law to
be true. The bootstraps have no noise model."""


def markdown(measured: Sequence[Measured]) -> str:
    """Write one table for each number of rows."""
    parts = []
    for rows in dict.fromkeys(m.rows for m in measured):
        lines = [
            f"| {rows:,} rows | first ever | new process | other rows | memory | ESS | ESS/s "
            "| gradient |",
            "|---|--:|--:|--:|--:|--:|--:|--:|",
        ]
        for one in (m for m in measured if m.rows == rows):
            times = [_time(ratio(measured, one, kind), one.seconds.get(kind)) for kind in KINDS]
            known = (max(one.peak.values(), default=None), one.least_ess, one.ess_a_second)
            cells = [*times, *map(number, known), number(one.gradient_in_passes)]
            name = f"{one.contender} ({one.why})" if one.why else one.contender
            lines.append(f"| {' | '.join([name.replace('|', '/'), *cells])} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def markdown_quick(commands: Mapping[str, float | str], bare: float) -> str:
    """Write the table of quick commands: seconds, or why there are none, and the interpreter's."""
    lines = ["| command | times the bare interpreter | seconds |", "|---|--:|--:|"]
    for name, took in commands.items():
        cells = ["-", took] if isinstance(took, str) else [f"{took / bare:.1f}", f"{took:.2f}"]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    lines.append(f"| the bare interpreter | 1 | {bare:.3f} |")
    return "\n".join(lines)


def write_csv(measured: Sequence[Measured], path: Path) -> None:
    """Write one line a contender and table."""
    records = []
    for one in measured:
        record: dict[str, object] = {"rows": one.rows, "contender": one.contender}
        for kind in KINDS:
            name = kind.replace(", ", "_").replace(" ", "_")
            record[f"ratio_{name}"] = ratio(measured, one, kind)
            record[f"seconds_{name}"] = one.seconds.get(kind)
            record[f"cpu_seconds_{name}"] = one.cpu.get(kind)
            record[f"peak_mb_{name}"] = one.peak.get(kind)
        record |= {
            "least_ess": one.least_ess,
            "ess_a_second": one.ess_a_second,
            "gradient_in_numpy_passes": one.gradient_in_passes,
            "why": one.why,
        }
        records.append(record)
    write_records(records, path)


def write_records(records: Sequence[Mapping[str, object]], path: Path) -> None:
    """Write records of the same names as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(records[0]))
        writer.writeheader()
        writer.writerows(records)


def _time(times_plain: float | None, seconds: float | None) -> str:
    if seconds is None:
        return "-"
    beside = f"{seconds:.1f} s" if seconds < 100 else f"{seconds:.0f} s"
    return beside if times_plain is None else f"{number(times_plain)} ({beside})"


def number(value: float | None) -> str:
    """Write a number with two digits or more, and a dash for none."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
