"""The cells of a table under common names, each as the value that it spells."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from bayesq.notes import Note
from bayesq.runs.aliases import ERRORS, HELPERS, MEASURES, Naming
from bayesq.runs.counts import as_number
from bayesq.runs.faults import STAND_IN, Fault, show
from bayesq.runs.records import Record, Records, is_missing
from bayesq.runs.schema import NUMERIC, TEXT
from bayesq.runs.spellings import (
    SEVERAL_WIDTHS,
    Spelt,
    can_be_thousands,
    has_decimal_comma,
    has_point,
    scaled,
    speller,
)
from bayesq.runs.written_widths import read_widths

# Half of a character: JSON can spell it, no file of text can hold it.
_SURROGATE = re.compile("[\ud800-\udfff]")
_SHOWN = 3
_KIND = {"w_bits": "w_kind", "a_bits": "a_kind"}
_NUMBERS = {*NUMERIC, *MEASURES, *ERRORS, *HELPERS}


@dataclass
class Taken:
    """Cells of a table as they were understood.

    Parameters
    ----------
    rows : list of dict
        Of each row the cells that hold a value, by common name.
    faults : list of Fault
        Cells that are not understood.
    read_as : dict of str to dict
        Of each column the cells that are more than plain numbers, and what they became.
    """

    rows: list[Record]
    faults: list[Fault] = field(default_factory=list)
    read_as: dict[str, dict[str, str]] = field(default_factory=dict)

    def notes(self, naming: Naming) -> list[Note]:
        """Tell what was understood, one note for all columns."""
        if not self.read_as:
            return []
        parts = [
            f"{_listed(cells)} of column {naming.theirs(column)}"
            for column, cells in self.read_as.items()
        ]
        return [
            Note(
                "cells-read-as",
                "info",
                f"Cells are read as the numbers that they spell: {'; '.join(parts)}.",
                "Write plain numbers where that is not what they mean.",
            )
        ]


def take(records: Records, naming: Naming) -> Taken:
    """Take all cells that hold a value, under common names and as the values that they spell."""
    taken = Taken([{} for _ in records.rows])
    for row, what in records.broken.items():
        mend = "the row is cut short or has a comma too many, so write it again"
        taken.faults.append(Fault(row, "", what, mend, "not as many cells as the header"))
    commas = records.separator != "," and _decimal_comma(records, naming)
    kinds: list[tuple[int, str, str, str]] = []
    for theirs, name in naming.names.items():
        doubt = commas and name in _NUMBERS and _has_points(records, theirs, name, naming)
        read = _reader(name, naming, commas, doubt)
        kinds += _take_column(records, theirs, name, read, taken)
    _keep_kinds(kinds, taken)
    _shares(taken.rows)
    for name, found in read_widths(taken.rows, naming.names.values()).items():
        for cell, cells in found.items():
            became = " and ".join(f"{column} {_short(value)}" for column, value in cells.items())
            taken.read_as.setdefault(name, {}).setdefault(cell, became or "full precision")
    return taken


def _decimal_comma(records: Records, naming: Naming) -> bool:
    columns = [pair for pair in naming.names.items() if pair[1] in _NUMBERS]
    return any(
        "," in row[theirs] and has_decimal_comma(name, row[theirs].strip())
        for row in records.rows
        for theirs, name in columns
    )


def _has_points(records: Records, theirs: str, name: str, naming: Naming) -> bool:
    """Tell whether a column has decimal points, so that a comma in it can separate thousands.

    No loss and no width comes in thousands, so that points elsewhere speak of perplexities alone.
    """
    columns = [theirs]
    if name.startswith("perplexity"):
        columns += [their for their, ours in naming.names.items() if ours in _NUMBERS]
    return any(
        isinstance(cell := row[column], str) and has_point(cell.strip())
        for row in records.rows
        for column in columns
    )


def _reader(name: str, naming: Naming, commas: bool, doubt: bool) -> Callable[[Any], Spelt]:
    """Return what reads a cell of a column that holds a value; it remembers texts.

    `doubt` says that a comma before three digits can separate thousands.
    """
    power = naming.powers.get(name, "")
    spell = None if name in TEXT else speller(name, power, commas)
    known: dict[str, Spelt] = {}

    def read(cell: Any) -> Spelt:
        if not isinstance(cell, str):
            return Spelt(scaled(cell, power) if power else cell)
        found = known.get(cell)
        if found is None:
            if not cell.isascii() and _SURROGATE.search(cell):
                found = Spelt(ascii(cell)[:40], fault="holds half a character")
            elif doubt and can_be_thousands(cell):
                found = Spelt(cell, fault="can be thousands or a decimal number")
            else:
                found = spell(cell) if spell is not None else Spelt(cell)
            known[cell] = found
        return found

    return read


def _take_column(
    records: Records, theirs: str, name: str, read: Callable[[Any], Spelt], taken: Taken
) -> list[tuple[int, str, str, str]]:
    """Take one column, and return where its cells name a number format: row, column, cell, kind."""
    named = []
    for i, (record, row) in enumerate(zip(records.rows, taken.rows, strict=True)):
        cell: Any = record.get(theirs)
        if type(cell) is str:
            cell = cell.strip()
        elif type(cell) is not float and (fault := _unwritable(i, name, cell)):
            taken.faults.append(fault)
            if name in NUMERIC:
                row[name] = STAND_IN
            continue
        # A stage "none" is a value: the row is not quantized.
        if is_missing(cell) and not (name == "stage" and str(cell).lower() == "none"):
            continue
        spelt = read(cell)
        if spelt.fault:
            taken.faults.append(_fault(i, name, theirs, cell, spelt))
            if name in NUMERIC or name in MEASURES:
                row.setdefault(name if name in NUMERIC else "loss", STAND_IN)
            continue
        row[name] = spelt.value
        if spelt.said:
            shown = _short(spelt.value)
            became = f"{shown} ({spelt.kind})" if spelt.kind else shown
            taken.read_as.setdefault(name, {}).setdefault(cell, became)
        if spelt.kind and name in _KIND:
            named.append((i, name, cell, spelt.kind))
    return named


def _keep_kinds(named: Iterable[tuple[int, str, str, str]], taken: Taken) -> None:
    """Keep the number formats that cells of bits name, where the table does not."""
    for i, bits, cell, kind in named:
        given = taken.rows[i].setdefault(_KIND[bits], kind)
        if given != kind:
            what = f"{show(cell)} is another kind than {_KIND[bits]}, which is {show(given)}"
            mend = f"write the bits alone, or {_KIND[bits]} as it was"
            taken.faults.append(Fault(i, bits, what, mend, "is of another kind"))


def _unwritable(row: int, name: str, cell: Any) -> Fault | None:
    try:
        str(cell)
    except (ValueError, RecursionError):
        kind = f"a {type(cell).__name__} too long or too deeply nested to write out"
        return Fault(row, name, kind, "write a number or a short text", kind)
    return None


def _fault(row: int, name: str, theirs: str, cell: str, spelt: Spelt) -> Fault:
    mend = "write a plain number"
    if isinstance(spelt.value, str) and spelt.value != cell:
        return Fault(
            row, name, f"{spelt.value} {spelt.fault}", "write it as plain text", spelt.fault
        )
    if spelt.fault == SEVERAL_WIDTHS:
        mend = f"map the column to the method with -c {shlex.quote(f'{theirs}=method')}"
    return Fault(row, name, f"{show(cell)} {spelt.fault}", mend, spelt.fault)


def _shares(rows: list[Record]) -> None:
    """Turn per cents of zero weights into shares."""
    for row in rows:
        if "sparsity_percent" in row:
            value = row["sparsity_percent"]
            number = as_number(value)
            row.setdefault("sparsity", value if math.isnan(number) else number / 100)


def _short(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _listed(cells: dict[str, str]) -> str:
    shown = [f"{show(cell)} as {value}" for cell, value in cells.items()][:_SHOWN]
    return ", ".join(shown) + (f" and {len(cells) - _SHOWN} more" if len(cells) > _SHOWN else "")
