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
from bayesq.runs.column import Column, NumberColumn
from bayesq.runs.counts import as_number
from bayesq.runs.faults import STAND_IN, Fault, refuse, show
from bayesq.runs.loss_units import to_nats
from bayesq.runs.records import Records
from bayesq.runs.schema import BITS, NUMERIC, REQUIRED, Row, blank
from bayesq.runs.taking import take
from bayesq.runs.telling import bits_missing, errors_read, not_chosen, skipped, unused

Columns = dict[str, np.ndarray]
_ROWS = TypeAdapter(list[Row])
# More than any tokenizer's.
_MOST_BYTES = 20
# From here on a float rounds whole numbers.
_WHOLE = 2**53
# Columns of which not all numbers between two that they may hold are such.
_BY_CELL = ("w_group", "a_group")
# An odd number without a pattern in its bits, to mix hashes with.
_MIX = np.uint64(0x9E3779B97F4A7C15)
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
    values, count = taken.columns, records.rows
    faults, used = to_nats(values, count, set(naming.names.values()), bytes_per_token)
    checked, wrong = _judge(records, naming, values)
    # A row that was cut short is one fault, whatever its cells would be.
    faults = [*taken.faults, *faults, *wrong]
    faults = [fault for fault in faults if not fault.column or fault.row not in records.broken]
    good = np.full(count, True)
    good[[fault.row for fault in faults]] = False
    index = np.flatnonzero(good)
    table = _columns(checked, values, index, naming.names.values())
    chosen, unread = np.full(count, True), list[Fault]()
    if choice is not None:
        columns = _to_choose_from(choice, records, values, naming, table, index, faults)
        chosen = choice.mask(columns)
        unread = [f for f in faults if not chosen[f.row] and _matters(f, choice, naming)]
        if not chosen.any():
            raise choice.keeps_none(count, records.source)
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
    bare = np.full(count, True)
    for name in set(BITS) & values.keys():
        bare &= ~values[name].present
    rows = index[chosen[index]]
    kept = {name: cells[chosen[index]] for name, cells in table.items()}
    notes += bits_missing(kept, bare[rows], rows + 1)
    notes += unused(naming, unused_errors(naming.names.values(), used))
    return Checked(table, index + 1, chosen[index], tuple(notes))


def _to_choose_from(
    choice: Choice,
    records: Records,
    values: Mapping[str, Column],
    naming: Naming,
    table: Columns,
    index: np.ndarray,
    faults: list[Fault],
) -> Columns:
    """Give the columns that a choice names, of all rows: the checked cells, and others as text.

    `table` holds the rows `index`, which are good; so a choice keeps the rows here that it would
    keep of the table read without it.
    """
    known, count = _known(naming), records.rows
    columns: Columns = {name: np.full(count, np.nan) for name in known} | blank(count)
    bad = sorted({fault.row for fault in faults})
    unread = {(fault.row, fault.column) for fault in faults}
    for name in choice.names:
        ours = known.get(name, name)
        if ours not in table:
            if ours in known:  # what was measured, which is read into the loss
                columns[name] = _raw(values[ours].part(slice(None)))
            continue
        default = blank(1)[ours][0] if ours in Row.model_fields else None
        others: list[Any] = []
        for i in bad:
            cell = values[ours].get(i, default) if ours in values else default
            if any((i, column) in unread for column in (ours, *_READ_INTO.get(ours, ()))):
                others.append(str(records.cell(i, naming.theirs(ours))))
            elif table[ours].dtype == object:
                others.append("" if cell is None else str(cell))
            else:
                others += _raw([cell]).tolist()
        if not others:
            columns[name] = table[ours]
            continue
        cells = np.empty(count, dtype=object)
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
    records: Records, naming: Naming, values: dict[str, Column]
) -> tuple[dict[str, Column], list[Fault]]:
    """Check all cells of all rows; return the values of good ones, and what is wrong."""
    checked = {}
    doubted = np.full(records.rows, False)
    for name in Row.model_fields:
        if name in values:
            checked[name], wrong = _judge_column(name, values[name])
            doubted |= wrong
        if name in REQUIRED:
            doubted |= ~values[name].present if name in values else True
    faults: list[Fault] = []
    if doubted.any():
        rows = np.flatnonzero(doubted).tolist()
        cells = [{n: c.get(row) for n, c in values.items() if c.present[row]} for row in rows]
        try:
            _ROWS.validate_python(cells)
        except ValidationError as error:
            seen = set()
            for problem in error.errors(include_url=False):
                row, column = rows[int(problem["loc"][0])], str(problem["loc"][1])
                if (row, column) not in seen:
                    seen.add((row, column))
                    faults.append(_fault(problem, row, column, records, naming))
    return checked, faults + _read_widths(values, checked, ~doubted)


def _judge_column(name: str, column: Column) -> tuple[Column, np.ndarray]:
    """Check the values of a column; return them as they are kept, and which rows are wrong."""
    numbers = column.numbers
    if numbers is not None and name not in _BY_CELL:
        known = numbers[column.present]
        # What a number may be is an interval.
        if not len(known) or all(_kept(name, end) is not None for end in _ends(known)):
            return column, np.full(len(numbers), False)
    kept = column.map(lambda value: _kept(name, value))
    return kept, column.present & ~kept.present


def _ends(numbers: np.ndarray) -> tuple[float, float]:
    return float(numbers.min()), float(numbers.max())


def _kept(name: str, value: Any) -> Any:
    """Return the value that a column keeps of one, None where it may not hold it."""
    try:
        row = Row.model_validate({**dict.fromkeys(REQUIRED, STAND_IN), name: value})
    except ValidationError:
        return None
    return getattr(row, name)


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
    value = records.cell(row, naming.theirs(column))
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


def _read_widths(
    values: dict[str, Column], checked: dict[str, Column], good: np.ndarray
) -> list[Fault]:
    """Work out the width of a minifloat from its digits; a format without a width is a fault."""
    faults = []
    for side in "wa":
        width = f"{side}_bits"
        formats = [f"{side}_{part}" for part in ("kind", "exponent", "mantissa", "group")]
        given = [name for name in formats if name in values]
        if not given:
            continue
        lacking = good & np.any([values[name].present for name in given], axis=0)
        if width in values:
            lacking &= ~values[width].present
        digits = [checked.get(f"{side}_{part}") for part in ("exponent", "mantissa")]
        told = lacking.copy()
        for column in digits:
            told &= column.present if column is not None else False
        for row in np.flatnonzero(lacking & ~told).tolist():
            # It would be read as full precision.
            first = next(name for name in given if values[name].present[row])
            what = f"no value, though {first} is {show(values[first].get(row))}"
            faults.append(Fault(row, width, what, _MEND[width], "no value beside a format"))
        if told.any():
            # Sign, exponent and mantissa.
            exponent, mantissa = (_numbers(d) for d in digits if d is not None)
            bits = NumberColumn(np.where(told, 1 + exponent + mantissa, np.nan))
            values[width] = values.get(width, bits).or_else(bits)
            checked[width] = checked.get(width, bits).or_else(bits)
    return faults


def _numbers(column: Column) -> np.ndarray:
    """Return checked values as numbers, NaN where there is none; shape ``(rows,)``."""
    if column.numbers is not None:
        return column.numbers
    values, codes = column.coded
    known = [math.nan if value is None else value for value in values]
    return np.asarray(np.array([*known, math.nan], dtype=float)[codes])


def _columns(
    checked: Mapping[str, Column],
    values: Mapping[str, Column],
    index: np.ndarray,
    names: Iterable[str],
) -> Columns:
    """Put together the columns of the rows `index`."""
    table: Columns = blank(len(index))
    for name, column in checked.items():
        if name in NUMERIC:
            numbers = _numbers(column)[index]
            table[name] = np.where(np.isnan(numbers), table[name], numbers)
        else:
            table[name] = _texts(column, index)
    # The column is for widths that differ.
    same = table["fc2_a_bits"] == table["a_bits"]
    table["fc2_a_bits"] = np.where(same, np.nan, table["fc2_a_bits"])
    own = [name for name in names if name not in table and name not in _READ]
    found = {name: _extra(values[name], index) for name in own}
    if "partner" in found:
        # It names runs, whose names may be numbers.
        found["partner"] = _texts(values["partner"], index)
    return table | found


def _texts(column: Column, index: np.ndarray) -> np.ndarray:
    """Return values of some rows as texts, empty where there is none."""
    values, codes = column.coded
    known = np.empty(len(values) + 1, dtype=object)
    known[:] = [*("" if value is None else str(value) for value in values), ""]
    return np.asarray(known[codes[index]])


def _refuse_duplicates(
    table: Columns, records: Records, index: np.ndarray, chosen: np.ndarray
) -> None:
    rows = index[chosen]
    kept = [values[chosen] for values in table.values()]
    # Only rows whose sums of hashes are those of others are looked at by themselves.
    sums = np.zeros(len(rows), dtype=np.uint64)
    for values in kept:
        if values.dtype == object:
            hashes = np.fromiter(map(hash, values.tolist()), dtype=np.int64, count=len(rows))
        else:
            # NaN has many bit patterns, and zeros two.
            hashes = np.where(np.isnan(values), np.nan, values).view(np.int64)
        sums = (sums ^ hashes.view(np.uint64)) * _MIX
        sums ^= sums >> np.uint64(29)
    _, which, times = np.unique(sums, return_inverse=True, return_counts=True)
    alike = np.flatnonzero(times[which] > 1)
    seen: dict[tuple[str, ...], int] = {}
    cells = zip(*(map(repr, values[alike].tolist()) for values in kept), strict=True)
    for i, row in zip(rows[alike].tolist(), cells, strict=True):
        first = seen.setdefault(row, i)
        if first != i:
            raise BayesqError(
                f"{records.source}, {records.place(i)}: every column equals "
                f"{records.place(first)}; drop one of them, or tell repeated runs apart in "
                "column seed or run."
            )


def _extra(column: Column, index: np.ndarray) -> np.ndarray:
    """Return a column of the table's own: as numbers where all values of the rows `index` are."""
    numbers = column.numbers
    if numbers is not None and not (np.abs(numbers[index]) >= _WHOLE).any():
        return np.asarray(numbers[index])
    values, codes = column.coded
    known = np.full(len(values) + 1, np.nan)
    try:
        for code in np.unique(codes[index]).tolist():
            if code >= 0:
                known[code] = _number(values[code])
    except (TypeError, ValueError, OverflowError):
        return _texts(column, index)
    return np.asarray(known[codes[index]])


def _number(value: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating | Decimal | str):
        raise TypeError(value)
    number, text = float(value), str(value)
    # Labels that only look like numbers: 2024_01, and whole numbers that a float would round.
    if "_" in text or (abs(number) >= _WHOLE and text.lstrip("+-").isdigit()):
        raise ValueError(value)
    return number
