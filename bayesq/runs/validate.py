"""From records to checked columns: every refusal names the place and the way to mend it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from bayesq.errors import BayesqError, nearest
from bayesq.runs.records import Record, Records, is_missing, one_line
from bayesq.runs.schema import BITS, NUMERIC, REQUIRED, Row

Columns = dict[str, np.ndarray]
_ROWS = TypeAdapter(list[Row])
# Half of a character: JSON can spell it, no file of text can hold it.
_SURROGATE = re.compile("[\ud800-\udfff]")
_SEPARATORS = re.compile(r"[\W_]+")


def validate(records: Records, columns: Mapping[str, str] | None = None) -> Columns:
    """Check records and turn them into columns.

    Parameters
    ----------
    records : Records
        The rows as read.
    columns : mapping of str to str, optional
        The table's own column names mapped to the common ones, ``{"params": "N"}``.

    Returns
    -------
    dict of str to ndarray
        One array a column, shape ``(rows,)``: float (NaN where unknown) or text (empty where
        unknown). Columns that are not common ones are kept, as numbers where all of them are.

    Raises
    ------
    BayesqError
        At the first thing that is wrong.
    """
    names = _names(records, columns or {})
    rows = [_known(records, names, i) for i in range(len(records.rows))]
    if "perplexity" in names.values():
        _perplexity_to_loss(rows, records, names)
    try:
        checked = _ROWS.validate_python(rows)
    except ValidationError as error:
        raise BayesqError(_sentence(error, records, names)) from error
    _read_widths(rows, checked, records, names)
    table: Columns = {}
    for name in Row.model_fields:
        values = [getattr(row, name) for row in checked]
        if name in NUMERIC:
            table[name] = np.array([math.nan if v is None else v for v in values], dtype=float)
        else:
            table[name] = np.array(["" if v is None else v for v in values], dtype=object)
    # The column is for widths that differ.
    same = table["fc2_a_bits"] == table["a_bits"]
    table["fc2_a_bits"] = np.where(same, np.nan, table["fc2_a_bits"])
    for name in names.values():
        if name not in table and name != "perplexity":
            table[name] = _extra([row.get(name) for row in rows])
    _refuse_duplicates(table, records)
    return table


def _names(records: Records, columns: Mapping[str, str]) -> dict[str, str]:
    """Map each column of the source to the name that it has from here on."""
    columns = {one_line(theirs): one_line(ours) for theirs, ours in columns.items()}
    for theirs in columns:
        if theirs not in records.header:
            raise BayesqError(
                f"{records.source}, header: no column {theirs!r} to rename; "
                f"{nearest(theirs, records.header)}."
            )
    names = {name: columns.get(name, name) for name in records.header}
    taken = list(names.values())
    for name in columns.values():
        if taken.count(name) > 1:
            raise BayesqError(
                f"{records.source}, header: column {name} would stand there "
                f"{taken.count(name)} times after renaming; rename or drop the others."
            )
    if {"loss", "perplexity"} <= set(taken):
        raise BayesqError(
            f"{records.source}, header: both loss and perplexity are given; drop one of them."
        )
    _refuse_misspelt(records, taken)
    for name in REQUIRED:
        if name not in taken and not (name == "loss" and "perplexity" in taken):
            raise BayesqError(
                f"{records.source}, header: no column {name} ({Row.model_fields[name].description})"
                f"; rename one of {', '.join(records.header)} to it, or map it with "
                f'columns={{"theirs": "{name}"}} (on the command line --column theirs={name}).'
            )
    return names


def _refuse_misspelt(records: Records, taken: list[str]) -> None:
    # Kept as a column of the user's own, "W-bits" would leave every row at 16 bits without a word.
    common = {_SEPARATORS.sub("", name).lower(): name for name in (*Row.model_fields, "perplexity")}
    for name in taken:
        meant = common.get(_SEPARATORS.sub("", name).lower(), name)
        if meant not in taken and not (meant == "perplexity" and "loss" in taken):
            raise BayesqError(
                f"{records.source}, header: column {name} is not read as {meant}; rename it to "
                f"{meant}, or to a name of its own if it means something else."
            )


def _known(records: Records, names: dict[str, str], index: int) -> Record:
    """Take a row's cells that hold a value, under common names and without outer blanks."""
    known = {}
    for theirs, value in records.rows[index].items():
        name = names[theirs]
        if isinstance(value, str):
            value = value.strip()
            if not value.isascii() and _SURROGATE.search(value):
                raise BayesqError(
                    f"{_at(records, names, index, name)}: {ascii(value)[:40]} holds half a "
                    "character; write it as plain text."
                )
        else:
            try:
                str(value)
            except (ValueError, RecursionError) as error:
                raise BayesqError(
                    f"{_at(records, names, index, name)}: a {type(value).__name__} too long or too "
                    "deeply nested to write out; write a number or a short text."
                ) from error
        # A stage "none" is a value: the row is not quantized.
        if not is_missing(value) or (name == "stage" and str(value).lower() == "none"):
            known[name] = value
    return known


def _at(records: Records, names: dict[str, str], index: int, column: str) -> str:
    """Say where a cell stands, with the table's own name of its column."""
    theirs = _theirs(names, column)
    shown = column if theirs == column else f"{theirs} (read as {column})"
    return f"{records.source}, {records.places[index]}, column {shown}"


def _theirs(names: dict[str, str], column: str) -> str:
    """Return the table's own name of a column."""
    return next((theirs for theirs, name in names.items() if name == column), column)


def _show(value: object) -> str:
    text = value if isinstance(value, str) else one_line(repr(value))
    shown = text if len(text) <= 40 else text[:37] + "..."
    return repr(shown) if isinstance(value, str) else shown


def _perplexity_to_loss(rows: list[Record], records: Records, names: dict[str, str]) -> None:
    for i, row in enumerate(rows):
        value = row.pop("perplexity", None)
        try:
            perplexity = math.nan if value is None or isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            perplexity = math.nan
        if not 1 < perplexity < math.inf:
            what = "no value" if value is None else f"{_show(value)} is not a number above 1"
            raise BayesqError(
                f"{_at(records, names, i, 'perplexity')}: {what}; write exp(loss in nats per "
                "token), or leave the row out."
            )
        row["loss"] = math.log(perplexity)


_MEND = {
    "N": "write a count above 0 such as 7e9, 7B or 300M",
    "D": "write a count above 0 such as 1.5e12, 15T or 300B",
    "loss": "write nats per token, above 0, or leave the row out",
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


def _sentence(error: ValidationError, records: Records, names: dict[str, str]) -> str:
    problems = error.errors(include_url=False)
    first = problems[0]
    index, column = int(first["loc"][0]), str(first["loc"][1])
    what = _what(first, records.rows[index].get(_theirs(names, column)))
    kind = "one of them" if first["type"] == "literal_error" else "text"
    kind = "a number" if column in NUMERIC else kind
    meaning = Row.model_fields[column].description
    mend = _MEND.get(column, f"write {kind} ({meaning}), or leave the cell empty")
    more = len({p["loc"][:2] for p in problems}) - 1
    rest = f" ({more} more {'cell needs' if more == 1 else 'cells need'} mending too)"
    return f"{_at(records, names, index, column)}: {what}; {mend}{rest if more else ''}."


def _what(problem: ErrorDetails, value: object) -> str:
    if problem["type"] == "missing":
        return "no value" if value is None or value == "" else f"{_show(value)} is no value"
    fault = _FAULTS.get(problem["type"], "cannot be used ({msg})")
    return f"{_show(value)} {fault.format(msg=problem['msg'], **problem.get('ctx', {}))}"


def _read_widths(
    rows: list[Record], checked: list[Row], records: Records, names: dict[str, str]
) -> None:
    """Work out the width of a minifloat from its digits, and refuse a format without a width."""
    for i, (row, values) in enumerate(zip(rows, checked, strict=True)):
        for side in "wa":
            width = f"{side}_bits"
            formats = (f"{side}_{part}" for part in ("kind", "exponent", "mantissa", "group"))
            given = next((name for name in formats if name in row), None)
            if given is None or width in row:
                continue
            digits = (getattr(values, f"{side}_exponent"), getattr(values, f"{side}_mantissa"))
            if None in digits:
                # It would be read as full precision.
                raise BayesqError(
                    f"{_at(records, names, i, width)}: no value, though {given} is "
                    f"{_show(row[given])}; {_MEND[width]}."
                )
            # Sign, exponent and mantissa.
            row[width] = 1 + sum(digits)
            setattr(values, width, float(1 + sum(digits)))


def _refuse_duplicates(table: Columns, records: Records) -> None:
    seen: dict[tuple[str, ...], int] = {}
    rows = zip(*(map(repr, values.tolist()) for values in table.values()), strict=True)
    for i, row in enumerate(rows):
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
