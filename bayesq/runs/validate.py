"""From records to checked columns: every refusal names the place and the way to mend it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from bayesq.errors import BayesqError
from bayesq.notes import Note
from bayesq.runs.aliases import (
    ERRORS,
    MEASURES,
    Naming,
    exact_names,
    in_bits_per_byte,
    recognise,
    unused_errors,
)
from bayesq.runs.choice import Choice
from bayesq.runs.counts import as_number
from bayesq.runs.faults import Fault, refuse, show
from bayesq.runs.loss_units import to_nats
from bayesq.runs.records import Record, Records
from bayesq.runs.schema import BITS, NUMERIC, Row, blank
from bayesq.runs.taking import take
from bayesq.runs.telling import bits_missing, errors_read, not_chosen, skipped, unused

Columns = dict[str, np.ndarray]
_ROWS = TypeAdapter(list[Row])
# More than any tokenizer's.
_MOST_BYTES = 20
# Columns that are read into others.
_READ = (*MEASURES, "sparsity_percent")
_READ_INTO = {"loss": MEASURES, "loss_se": ERRORS, "sparsity": ("sparsity_percent",)}


@dataclass(frozen=True)
class Checked:
    """Rows of a table that can be read.

    Parameters
    ----------
    columns : dict of str to ndarray
        One array a column, shape ``(rows,)``: float (NaN where unknown) or text (empty where
        unknown). Columns that are not common ones are kept, as numbers where all of them are.
    numbers : ndarray of int, shape (rows,)
        Number of each row in its source, from 1 on.
    chosen : ndarray of bool, shape (rows,)
        Which rows were asked for; the others may still be partners of these.
    notes : tuple of Note
        What was read otherwise than it stands there, and what was left out.
    """

    columns: Columns
    numbers: np.ndarray
    chosen: np.ndarray
    notes: tuple[Note, ...]


def validate(records: Records) -> Columns:
    """Check records that are in the common columns, such as scenarios, to the last cell.

    Raises
    ------
    BayesqError
        If anything is wrong.
    """
    return _checked(records, exact_names(records), None, None, None).columns


def check_records(
    records: Records,
    columns: Mapping[str, str] | None = None,
    *,
    where: str | None = None,
    skip_bad: bool = False,
    bytes_per_token: float | None = None,
) -> Checked:
    """Check the records of a table and turn them into columns.

    Parameters
    ----------
    records : Records
        The rows as read.
    columns : mapping of str to str, optional
        The table's own column names mapped to the common ones, ``{"params": "N"}``.
    where : str, optional
        A choice of rows in common names or the table's own. Cells of other rows may be wrong.
    skip_bad : bool
        Whether to leave out rows with cells that cannot be read.
    bytes_per_token : float, optional
        Of the text that bits per byte were measured on, where no column says.

    Raises
    ------
    BayesqError
        If anything is wrong in the header or in the rows that were chosen.
    """
    choice = None if where is None else Choice.parse(where)
    naming = recognise(records, columns or {})
    if bytes_per_token is not None and not (
        isinstance(bytes_per_token, Real) and 1 <= bytes_per_token <= _MOST_BYTES
    ):
        raise BayesqError(
            f"bytes_per_token is {bytes_per_token!r}; pass a number of 1 to {_MOST_BYTES}, such as "
            "4.2."
        )
    names = set(naming.names.values())
    unknown = bytes_per_token is None and "bytes_per_token" not in names
    if bytes_per_token is not None and not in_bits_per_byte(records, names):
        raise BayesqError(
            f"{records.source}, header: no column is in bits per byte, so that bytes_per_token "
            f"({bytes_per_token:g}) would be used for nothing; leave it out, or name the column "
            'with columns={"theirs": "bits_per_byte"} (on the command line '
            "--column theirs=bits_per_byte)."
        )
    if unknown and names & set(MEASURES) == {"bits_per_byte"}:
        raise BayesqError(
            f"{records.source}, column {naming.theirs('bits_per_byte')}: bits per byte become a "
            "loss per token only with the bytes per token of the text that they were measured on; "
            "pass them as bytes_per_token=... (--bytes-per-token), or in a column bytes_per_token."
        )
    return _checked(records, naming, choice, skip_bad, bytes_per_token)


def _checked(
    records: Records,
    naming: Naming,
    choice: Choice | None,
    skip_bad: bool | None,  # None where nothing can be skipped, as of scenarios
    bytes_per_token: float | None,
) -> Checked:
    taken = take(records, naming)
    rows = taken.rows
    faults, used = to_nats(rows, set(naming.names.values()), bytes_per_token)
    checked, wrong = _judge(records, naming, rows)
    # A row that was cut short is one fault, whatever its cells would be.
    faults = [*taken.faults, *faults, *wrong]
    faults = [fault for fault in faults if not fault.column or fault.row not in records.broken]
    faulty = {fault.row for fault in faults}
    index = np.array([i for i in range(len(rows)) if i not in faulty], dtype=int)
    table = _columns([checked[i] for i in index], [rows[i] for i in index], naming.names.values())
    chosen, unread = np.full(len(rows), True), list[Fault]()
    if choice is not None:
        columns = _to_choose_from(choice, records, rows, naming, table, index, faults)
        chosen = choice.mask(columns)
        unread = [f for f in faults if not chosen[f.row] and _matters(f, choice, naming)]
        if not chosen.any():
            raise choice.keeps_none(len(rows), records.source)
    asked = [fault for fault in faults if chosen[fault.row]]
    bad = {fault.row for fault in asked}
    if asked and (not skip_bad or bad >= set(np.flatnonzero(chosen).tolist())):
        raise refuse(records, naming, asked, skippable=skip_bad is False)
    _refuse_duplicates(table, records, index, chosen[index])
    notes = [*naming.notes, *taken.notes(naming)]
    if used:
        notes.append(errors_read(naming, used))
    if skip_bad and asked:
        notes.append(skipped(records, naming, asked))
    if unread:
        notes.append(not_chosen(records, naming, unread))
    bare = np.array([not set(BITS) & rows[i].keys() for i in index[chosen[index]]], dtype=bool)
    kept = {name: values[chosen[index]] for name, values in table.items()}
    notes += bits_missing(kept, bare, index[chosen[index]] + 1)
    notes += unused(naming, unused_errors(naming.names.values(), used))
    return Checked(table, index + 1, chosen[index], tuple(notes))


def _to_choose_from(
    choice: Choice,
    records: Records,
    rows: list[Record],
    naming: Naming,
    table: Columns,
    index: np.ndarray,
    faults: list[Fault],
) -> Columns:
    """Give the columns that a choice names, of all rows: the checked cells, and others as text.

    `table` holds the rows `index`, which are good; so a choice keeps the rows here that it would
    keep of the table read without it.
    """
    known = _known(naming)
    columns: Columns = {name: np.full(len(rows), np.nan) for name in known} | blank(len(rows))
    bad = sorted({fault.row for fault in faults})
    unread = {(fault.row, fault.column) for fault in faults}
    for name in choice.names:
        ours = known.get(name, name)
        if ours not in table:
            if ours in known:  # what was measured, which is read into the loss
                columns[name] = _raw([row.get(ours) for row in rows])
            continue
        default = blank(1)[ours][0] if ours in Row.model_fields else None
        others: list[Any] = []
        for i in bad:
            cell = rows[i].get(ours, default)
            if any((i, column) in unread for column in (ours, *_READ_INTO.get(ours, ()))):
                others.append(str(records.rows[i].get(naming.theirs(ours))))
            elif table[ours].dtype == object:
                others.append("" if cell is None else str(cell))
            else:
                others += _raw([cell]).tolist()
        if not others:
            columns[name] = table[ours]
            continue
        cells = np.empty(len(rows), dtype=object)
        cells[index], cells[bad] = table[ours], others
        columns[name] = cells
    return columns


def _known(naming: Naming) -> dict[str, str]:
    """Map what a choice can call a column to its common name: that name, and its own beside it."""
    return {**naming.names, **{name: name for name in naming.names.values()}}


def _matters(fault: Fault, choice: Choice, naming: Naming) -> bool:
    """Tell whether a choice looks at a faulty cell, or at a row that cannot be taken apart."""
    known = _known(naming)
    looked = {known.get(name, name) for name in choice.names}
    looked |= {column for name in looked for column in _READ_INTO.get(name, ())}
    return not fault.column or fault.column in looked


def _raw(cells: list[Any]) -> np.ndarray:
    """Take cells as they are: numbers and counts as floats, others as text."""
    found = [math.nan if cell is None else as_number(cell) for cell in cells]
    texts = [
        str(cell) if cell is not None and math.isnan(number) else number
        for cell, number in zip(cells, found, strict=True)
    ]
    return np.array(texts, dtype=object if any(isinstance(t, str) for t in texts) else float)


def _judge(
    records: Records, naming: Naming, rows: list[Record]
) -> tuple[dict[int, Row], list[Fault]]:
    """Check all cells of all rows; return the good rows by number, and what is wrong."""
    faults: list[Fault] = []
    index = list(range(len(rows)))
    try:
        checked = _ROWS.validate_python(rows)
    except ValidationError as error:
        seen = set()
        for problem in error.errors(include_url=False):
            row, column = int(problem["loc"][0]), str(problem["loc"][1])
            if (row, column) not in seen:
                seen.add((row, column))
                faults.append(_fault(problem, row, column, records, naming))
        wrong = {row for row, _ in seen}
        index = [i for i in index if i not in wrong]
        checked = _ROWS.validate_python([rows[i] for i in index])
    good = dict(zip(index, checked, strict=True))
    return good, faults + _read_widths(rows, good)


_MEND = {
    "N": "write a count above 0 such as 7e9, 7B or 300M",
    "D": "write a count above 0 such as 1.5e12, 15T or 300B",
    "loss": "write nats per token, above 0, or leave the row out",
    "sparsity": "write a number ({meaning}) such as 0.5 or 50%, or leave the cell empty",
    **dict.fromkeys(BITS, "write 1 to 32 bits, 16 where it is not quantized"),
}


# By pydantic's names of them, with what it tells of each.
_FAULTS = {
    "float_parsing": "is not a number",
    "float_type": "is not a number",
    "finite_number": "is not finite",
    "greater_than": "is not above {gt:g}",
    "greater_than_equal": "is below {ge:g}",
    "less_than_equal": "is above {le:g}",
    "less_than": "is not below {lt:g}",
    "literal_error": "is not one of {expected}",
    "value_error": "{error}",
}


def _fault(problem: ErrorDetails, row: int, column: str, records: Records, naming: Naming) -> Fault:
    value = records.rows[row].get(naming.theirs(column))
    meaning = Row.model_fields[column].description
    form = "one of them" if problem["type"] == "literal_error" else "text"
    form = "a number" if column in NUMERIC else form
    mend = _MEND.get(column, f"write {form} ({meaning}), or leave the cell empty")
    if problem["type"] == "missing":
        empty = value is None or value == ""
        what = "no value" if empty else f"{show(value)} is no value"
        return Fault(row, column, what, mend, "no value")
    words = _FAULTS.get(problem["type"], "cannot be used ({msg})")
    kind = words.format(msg=problem["msg"], **problem.get("ctx", {}))
    return Fault(row, column, f"{show(value)} {kind}", mend.format(meaning=meaning), kind)


def _read_widths(rows: list[Record], checked: Mapping[int, Row]) -> list[Fault]:
    """Work out the width of a minifloat from its digits; a format without a width is a fault."""
    faults = []
    present = set().union(*rows)
    for side in "wa":
        width = f"{side}_bits"
        formats = [f"{side}_{part}" for part in ("kind", "exponent", "mantissa", "group")]
        if not present & set(formats):
            continue
        for i, values in checked.items():
            row = rows[i]
            given = next((name for name in formats if name in row), None)
            if given is None or width in row:
                continue
            digits = (getattr(values, f"{side}_exponent"), getattr(values, f"{side}_mantissa"))
            if None in digits:
                # It would be read as full precision.
                what = f"no value, though {given} is {show(row[given])}"
                faults.append(Fault(i, width, what, _MEND[width], "no value beside a format"))
                continue
            # Sign, exponent and mantissa.
            row[width] = 1 + sum(digits)
            setattr(values, width, float(1 + sum(digits)))
    return faults


def _columns(checked: list[Row], rows: list[Record], names: Iterable[str]) -> Columns:
    table: Columns = blank(len(rows))
    for name in set(table) & set().union(*rows):
        values = [getattr(row, name) for row in checked]
        if name in NUMERIC:
            table[name] = np.array([math.nan if v is None else v for v in values], dtype=float)
        else:
            table[name] = np.array(["" if v is None else v for v in values], dtype=object)
    # The column is for widths that differ.
    same = table["fc2_a_bits"] == table["a_bits"]
    table["fc2_a_bits"] = np.where(same, np.nan, table["fc2_a_bits"])
    own = [name for name in names if name not in table and name not in _READ]
    found = {name: _extra([row.get(name) for row in rows]) for name in own}
    if "partner" in found:
        # It names runs, whose names may be numbers.
        names = [str(row.get("partner", "")) for row in rows]
        found["partner"] = np.array(names, dtype=object)
    return table | found


def _refuse_duplicates(
    table: Columns, records: Records, index: np.ndarray, chosen: np.ndarray
) -> None:
    seen: dict[tuple[str, ...], int] = {}
    rows = zip(*(map(repr, values[chosen].tolist()) for values in table.values()), strict=True)
    for i, row in zip(index[chosen].tolist(), rows, strict=True):
        first = seen.setdefault(row, i)
        if first != i:
            raise BayesqError(
                f"{records.source}, {records.places[i]}: every column equals "
                f"{records.places[first]}; drop one of them, or tell repeated runs apart in "
                "column seed or run."
            )


def _extra(values: list[Any]) -> np.ndarray:
    try:
        return np.array([_number(value) for value in values], dtype=float)
    except (TypeError, ValueError, OverflowError):
        return np.array(["" if v is None else str(v) for v in values], dtype=object)


def _number(value: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating | Decimal | str):
        raise TypeError(value)
    number, text = float(value), str(value)
    # Labels that only look like numbers: 2024_01, and whole numbers that a float would round.
    if "_" in text or (abs(number) >= 2**53 and text.lstrip("+-").isdigit()):
        raise ValueError(value)
    return number
