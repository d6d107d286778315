"""From records to checked columns: every refusal names the place and the way to mend it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

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
from bayesq.runs.column import Column
from bayesq.runs.counts import as_number
from bayesq.runs.faults import Fault, refuse
from bayesq.runs.judging import as_floats, judge
from bayesq.runs.loss_units import to_nats
from bayesq.runs.records import Records
from bayesq.runs.schema import BITS, NUMERIC, Row, blank
from bayesq.runs.taking import take
from bayesq.runs.telling import bits_missing, errors_read, not_chosen, skipped, unused

Columns = dict[str, np.ndarray]
# More than any tokenizer's.
_MOST_BYTES = 20
# From here on a float rounds whole numbers.
_WHOLE = 2**53
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
    checked, wrong = judge(records, naming, values)
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
    kept = rows_of(table, chosen[index])
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
            numbers = as_floats(column)[index]
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


def rows_of(table: Columns, kept: np.ndarray) -> Columns:
    """Keep some rows of a table, without a copy where all are kept."""
    return table if kept.all() else {name: values[kept] for name, values in table.items()}


def _refuse_duplicates(
    table: Columns, records: Records, index: np.ndarray, chosen: np.ndarray
) -> None:
    rows = index[chosen]
    kept = list(rows_of(table, chosen).values())
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
