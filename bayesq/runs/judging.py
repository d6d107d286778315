"""Values of cells held against what the common columns may hold."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from bayesq.runs.aliases import Naming
from bayesq.runs.column import Column, NumberColumn
from bayesq.runs.faults import STAND_IN, Fault, show
from bayesq.runs.records import Records
from bayesq.runs.schema import BITS, NUMERIC, REQUIRED, Row

_ROWS = TypeAdapter(list[Row])
# Columns of which not all numbers between two that they may hold are such.
_BY_CELL = ("w_group", "a_group")


def judge(
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
            exponent, mantissa = (as_floats(d) for d in digits if d is not None)
            bits = NumberColumn(np.where(told, 1 + exponent + mantissa, np.nan))
            values[width] = values.get(width, bits).or_else(bits)
            checked[width] = checked.get(width, bits).or_else(bits)
    return faults


def as_floats(column: Column) -> np.ndarray:
    """Return checked values as numbers, NaN where there is none; shape ``(rows,)``."""
    if column.numbers is not None:
        return column.numbers
    values, codes = column.coded
    known = [math.nan if value is None else value for value in values]
    return np.asarray(np.array([*known, math.nan], dtype=float)[codes])
