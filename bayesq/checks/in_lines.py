"""A check of a table as lines of text, on a terminal and in Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import shorten
from typing import Any

from bayesq.checks.law_check import LawCheck
from bayesq.laid_out import table_lines, wrapped
from bayesq.notes import Note
from bayesq.terminal import printable

# Columns of the table of laws.
HEADER = ("law", "rows", "worst", "why")
_HASH = 16  # digits of a fingerprint that are shown
_WHY = 24  # cells that the reason has at the least


def fact_cells(facts: Mapping[str, Any], width: int | None) -> list[list[str]]:
    """List facts as cells, one row a fact; where lines have an edge, hashes by their beginning."""
    told = {name: str(value) for name, value in facts.items()}
    if width is not None:  # its beginning tells tables apart, and is not to be broken
        told |= {name: f"{told[name][:_HASH]}…" for name in told if name == "fingerprint"}
    return [list(pair) for pair in told.items()]


def law_cells(laws: Sequence[LawCheck], source: str, width: int | None) -> list[list[str]]:
    """Give each law one row; where lines have an edge, what does not fit is left out.

    Parameters
    ----------
    laws : sequence of LawCheck
        What each law can do with the table.
    source : str
        Name of the table, which need not be said again.
    width : int or None
        Cells of a line; None for as many as it takes.
    """
    rows = [[str(law.to_dict()[name]) for name in HEADER] for law in laws]
    if width is not None:
        used = sum(2 + max(len(row[i]) for row in [HEADER, *rows]) for i in range(3))
        for row in rows:
            # What stands at the left, or above, need not be said again.
            for known in (f"{source} has ", f" that law {row[0]} can use", f" of law {row[0]}"):
                row[3] = row[3].replace(known, "")
            row[3] = shorten(row[3], max(width - used, _WHY), placeholder=" …")
    return rows


def check_text(
    facts: Mapping[str, Any],
    notes: Iterable[Note],
    laws: Sequence[LawCheck],
    advice: str,
    width: int,
) -> str:
    """Write a check as a terminal of some width shows it."""
    # Of one law that was asked for all that there is to say is said.
    of_law = [note for law in laws for note in law.notes if len(laws) == 1]
    above = _table(("", ""), fact_cells(facts, width), width)
    said = [*map(str, notes), "", *map(str, of_law)]
    below = _table(HEADER, law_cells(laws, str(facts["source"]), width), width)
    lines = [line for text in said for line in wrapped(printable(text), width)]
    return "\n".join([*above, *lines, *below, *wrapped(printable(advice), width)])


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    cells = [[printable(cell) for cell in row] for row in rows]
    return [line for line, _ in table_lines(header, cells, width)]
