"""Losses in nats per token, from perplexities and bits, and the errors that are given with them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesq.runs.aliases import ERRORS, MEASURES
from bayesq.runs.column import Column, NumberColumn
from bayesq.runs.counts import as_number
from bayesq.runs.faults import STAND_IN, Fault, show
from bayesq.runs.records import Record

# Perplexities and losses are printed with two digits.
_SAME = 0.01
# Rows that are looked at as rows at a time.
_CHUNK = 2**15
_MEND = {
    "perplexity": "write exp(loss in nats per token), or leave the row out",
    "bits_per_byte": "write bits per byte, above 0, or leave the row out",
    "bits_per_token": "write bits per token, above 0, or leave the row out",
}


def to_nats(
    columns: dict[str, Column], rows: int, present: set[str], bytes_per_token: float | None
) -> tuple[list[Fault], list[str]]:
    """Turn what was measured of each row into its loss, and its errors into ``loss_se``.

    Parameters
    ----------
    columns : dict of str to Column
        Values by common name; ``loss`` and ``loss_se`` are put in.
    rows : int
        How many rows there are.
    present : set of str
        Common names of the columns that the table has.
    bytes_per_token : float, optional
        Of the text that bits per byte were measured on, where no column says.

    Returns
    -------
    faults : list of Fault
        What cannot be turned into a loss.
    used : list of str
        The columns that ``loss_se`` was worked out from.
    """
    measures = [name for name in MEASURES[1:] if name in present]
    if bytes_per_token is None and "bytes_per_token" not in present:
        # Beside a loss, bits per byte of a text of unknown tokens need not be read.
        measures = [name for name in measures if name != "bits_per_byte"]
    errors = [name for name in ERRORS if name in present]
    faults: list[Fault] = []
    if not measures and not errors:
        return faults, []
    used: set[str] = set()
    wanted = ("loss", "loss_se", "bytes_per_token", "n_seeds", *measures, *errors)
    asked = [name for name in wanted if name in columns]
    new = {name: np.full(rows, np.nan) for name in ("loss", "loss_se")}
    for begin in range(0, rows, _CHUNK):
        parts = [columns[name].part(slice(begin, begin + _CHUNK)) for name in asked]
        for i, cells in enumerate(zip(*parts, strict=True), start=begin):
            row = {n: c for n, c in zip(asked, cells, strict=True) if c is not None}
            lacking = [name for name in new if name not in row]
            faults += _row_to_nats(i, row, measures, errors, present, bytes_per_token, used)
            for name in lacking:
                new[name][i] = row.get(name, np.nan)
    for name, numbers in new.items():
        column = NumberColumn(numbers)
        columns[name] = columns.get(name, column).or_else(column)
    return faults, sorted(used)


def _row_to_nats(
    i: int,
    row: Record,
    measures: list[str],
    errors: list[str],
    present: set[str],
    bytes_per_token: float | None,
    used: set[str],
) -> list[Fault]:
    """Put ``loss`` and ``loss_se`` into the cells of one row; return what is wrong with them."""
    faults: list[Fault] = []
    own_bytes = row.get("bytes_per_token", bytes_per_token)
    factors = {"bits_per_token": math.log(2), "bits_per_byte": math.log(2) * _count(own_bytes)}
    given = {name: row[name] for name in measures if name in row}
    if not given and measures and "loss" not in row and "loss" not in present:
        faults.append(Fault(i, measures[0], "no value", _MEND[measures[0]], "no value"))
        row["loss"] = STAND_IN
    for name, value in given.items():
        nats, fault = _nats(i, name, value, factors)
        if fault is not None:
            faults.append(fault)
        elif "loss" not in row:
            row["loss"] = nats
        elif abs(as_number(row["loss"]) - nats) > _SAME:
            faults.append(
                Fault(
                    i,
                    name,
                    f"{show(value)} is a loss of {nats:.4g} nats per token, where loss is "
                    f"{as_number(row['loss']):.4g}",
                    "keep the one that is meant, or rename the other's column to a name of its own",
                    "disagrees with loss",
                )
            )
    if "loss" in row:
        faults += _errors(i, row, errors, factors, used)
    elif given:
        # Its fault is named already.
        row["loss"] = STAND_IN
    return faults


def _nats(
    row: int, name: str, value: Any, factors: Mapping[str, float]
) -> tuple[float, Fault | None]:
    number = math.nan if isinstance(value, bool) else _float(value)
    least = 1 if name == "perplexity" else 0
    if not least < number < math.inf:
        kind = f"is not a number above {least}"
        return math.nan, Fault(row, name, f"{show(value)} {kind}", _MEND[name], kind)
    if name == "perplexity":
        return math.log(number), None
    if math.isnan(factors[name]):
        return math.nan, Fault(
            row,
            name,
            f"{show(value)} bits per byte are a loss per token only where the bytes per token of "
            "that text are known",
            "give them as bytes_per_token=... (--bytes-per-token) or in a column bytes_per_token",
            "has no bytes per token",
        )
    return number * factors[name], None


def _errors(
    row: int, cells: Record, names: list[str], factors: Mapping[str, float], used: set[str]
) -> list[Fault]:
    """Turn the errors of a row into ``loss_se``, where it is not given."""
    faults: list[Fault] = []
    loss = as_number(cells["loss"])
    per_unit = {"loss": 1.0, "perplexity": math.exp(-loss) if loss > 0 else math.nan, **factors}
    for name in names:
        measure, _, what = name.rpartition("_")
        per, seeds = per_unit[measure], _count(cells.get("n_seeds")) if what == "std" else 1.0
        # A spread of one run is none, and of an unknown number of runs no error.
        if "loss_se" in cells or name not in cells or math.isnan(per) or math.isnan(seeds):
            continue
        if what == "std" and seeds < 2:
            continue
        value = cells[name]
        error = math.nan if isinstance(value, bool) else _float(value)
        if not 0 < error < math.inf:
            kind = "is not a number above 0"
            mend = "write an error above 0, or leave the cell empty"
            faults.append(Fault(row, name, f"{show(value)} {kind}", mend, kind))
            continue
        used.add(name)
        cells["loss_se"] = error * per / math.sqrt(seeds)
    return faults


def _count(value: Any) -> float:
    number = math.nan if isinstance(value, bool) or value is None else as_number(value)
    return number if 0 < number < math.inf else math.nan


def _float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
