"""The cells of a table under common names, each as the value that it spells."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bayesq.notes import Note
from bayesq.runs.aliases import ERRORS, HELPERS, MEASURES, Naming
from bayesq.runs.column import Column, NumberColumn, stripped
from bayesq.runs.counts import as_number
from bayesq.runs.faults import STAND_IN, Fault, show
from bayesq.runs.raw import RawColumn
from bayesq.runs.records import Records, is_missing
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
    columns : dict of str to Column
        The values of the cells that hold one, by common name.
    faults : list of Fault
        Cells that are not understood.
    read_as : dict of str to dict
        Of each column the cells that are more than plain numbers, and what they became.
    """

    columns: dict[str, Column]
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
    taken = Taken({})
    for row, what in records.broken.items():
        mend = "the row is cut short or has a comma too many, so write it again"
        taken.faults.append(Fault(row, "", what, mend, "not as many cells as the header"))
    commas = records.separator != "," and _decimal_comma(records, naming)
    kinds: list[tuple[str, Column, Column]] = []
    wrong = np.zeros(records.rows, dtype=bool)
    for theirs, name in naming.names.items():
        cells = records.columns[theirs]
        plain = None if commas or name in TEXT or naming.powers.get(name) else cells.numbers
        if plain is not None:
            taken.columns[name] = NumberColumn(plain, cells)
            continue
        doubt = commas and name in _NUMBERS and _has_points(records, theirs, name, naming)
        read = _reader(name, naming, commas, doubt)
        wrong |= _take_column(cells, theirs, name, read, taken, kinds)
    if wrong.any():
        # What was measured is named already.
        named = Column([STAND_IN], np.where(wrong, 0, -1))
        taken.columns["loss"] = taken.columns.get("loss", named).or_else(named)
    _keep_kinds(kinds, taken)
    _shares(taken.columns)
    for name, found in read_widths(taken.columns, naming.names.values()).items():
        for cell, given in found.items():
            became = " and ".join(f"{column} {_short(value)}" for column, value in given.items())
            taken.read_as.setdefault(name, {}).setdefault(cell, became or "full precision")
    return taken


def _decimal_comma(records: Records, naming: Naming) -> bool:
    return any(
        "," in cell and has_decimal_comma(name, cell.strip())
        for theirs, name in naming.names.items()
        if name in _NUMBERS and records.columns[theirs].numbers is None
        for cell in records.columns[theirs].distinct[0]
    )


def _has_points(records: Records, theirs: str, name: str, naming: Naming) -> bool:
    """Tell whether a column has decimal points, so that a comma in it can separate thousands.

    No loss and no width comes in thousands, so that points elsewhere speak of perplexities alone.
    """
    columns = [theirs]
    if name.startswith("perplexity"):
        columns += [their for their, ours in naming.names.items() if ours in _NUMBERS]
    return any(
        isinstance(cell, str) and has_point(cell.strip())
        for column in columns
        for cell in records.columns[column].distinct[0]
    )


def _reader(name: str, naming: Naming, commas: bool, doubt: bool) -> Callable[[Any], Spelt]:
    """Return what reads a cell of a column that holds a value.

    `doubt` says that a comma before three digits can separate thousands.
    """
    power = naming.powers.get(name, "")
    spell = None if name in TEXT else speller(name, power, commas)

    def read(cell: Any) -> Spelt:
        if not isinstance(cell, str):
            return Spelt(scaled(cell, power) if power else cell)
        if not cell.isascii() and _SURROGATE.search(cell):
            return Spelt(ascii(cell)[:40], fault="holds half a character")
        if doubt and can_be_thousands(cell):
            return Spelt(cell, fault="can be thousands or a decimal number")
        return spell(cell) if spell is not None else Spelt(cell)

    return read


def _take_column(
    raw: RawColumn,
    theirs: str,
    name: str,
    read: Callable[[Any], Spelt],
    taken: Taken,
    kinds: list[tuple[str, Column, Column]],
) -> np.ndarray:
    """Take one column, each distinct cell once; add to `kinds` where cells name a number format.

    Returns
    -------
    ndarray of bool, shape (rows,)
        Rows in which something else than the loss was measured, and cannot be read.
    """
    cells, codes = raw.distinct
    values: list[Any] = [None] * len(cells)
    formats: list[str | None] = [None] * len(cells)
    faults: dict[int, Fault] = {}
    unread: set[int] = set()
    for code, raw_cell in enumerate(cells):
        cell = stripped(raw_cell)
        if fault := _unwritable(name, cell):
            faults[code] = fault
            values[code] = STAND_IN if name in NUMERIC else None
            continue
        # A stage "none" is a value: the row is not quantized.
        if is_missing(cell) and not (name == "stage" and str(cell).lower() == "none"):
            continue
        spelt = read(cell)
        if spelt.fault:
            faults[code] = _fault(name, theirs, cell, spelt)
            values[code] = STAND_IN if name in NUMERIC else None
            unread.add(code)
            continue
        values[code] = spelt.value
        if spelt.said:
            shown = _short(spelt.value)
            became = f"{shown} ({spelt.kind})" if spelt.kind else shown
            taken.read_as.setdefault(name, {}).setdefault(cell, became)
        if spelt.kind and name in _KIND:
            formats[code] = spelt.kind
    column = Column(list(range(len(cells))), codes)
    taken.columns[name] = column.map(values.__getitem__)
    if any(formats):
        shown_cells = column.map(lambda code: stripped(cells[code]))
        kinds.append((name, shown_cells, column.map(formats.__getitem__)))
    for row in np.flatnonzero(column.having(faults.__contains__)).tolist():
        taken.faults.append(replace(faults[codes[row]], row=row))
    return column.having((unread if name in MEASURES[1:] else set()).__contains__)


def _keep_kinds(named: Iterable[tuple[str, Column, Column]], taken: Taken) -> None:
    """Keep the number formats that cells of bits name, where the table does not."""
    for bits, cells, kinds in named:
        name = _KIND[bits]
        column = taken.columns[name] = taken.columns.get(name, kinds).or_else(kinds)
        for row in np.flatnonzero(kinds.present & ~column.equals(kinds)).tolist():
            what = (
                f"{show(cells.get(row))} is another kind than {name}, which is "
                f"{show(column.get(row))}"
            )
            mend = f"write the bits alone, or {name} as it was"
            taken.faults.append(Fault(row, bits, what, mend, "is of another kind"))


def _unwritable(name: str, cell: Any) -> Fault | None:
    try:
        str(cell)
    except (ValueError, RecursionError):
        kind = f"a {type(cell).__name__} too long or too deeply nested to write out"
        return Fault(0, name, kind, "write a number or a short text", kind)
    return None


def _fault(name: str, theirs: str, cell: str, spelt: Spelt) -> Fault:
    mend = "write a plain number"
    if isinstance(spelt.value, str) and spelt.value != cell:
        return Fault(0, name, f"{spelt.value} {spelt.fault}", "write it as plain text", spelt.fault)
    if spelt.fault == SEVERAL_WIDTHS:
        mend = f"map the column to the method with -c {shlex.quote(f'{theirs}=method')}"
    return Fault(0, name, f"{show(cell)} {spelt.fault}", mend, spelt.fault)


def _shares(columns: dict[str, Column]) -> None:
    """Turn per cents of zero weights into shares."""
    if "sparsity_percent" in columns:
        shares = columns["sparsity_percent"].map(_share)
        columns["sparsity"] = columns.get("sparsity", shares).or_else(shares)


def _share(value: Any) -> Any:
    number = as_number(value)
    return value if math.isnan(number) else number / 100


def _short(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _listed(cells: dict[str, str]) -> str:
    shown = [f"{show(cell)} as {value}" for cell, value in cells.items()][:_SHOWN]
    return ", ".join(shown) + (f" and {len(cells) - _SHOWN} more" if len(cells) > _SHOWN else "")
