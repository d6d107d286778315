"""Files and frames as lists of records, before anyone has looked at the values."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesq.errors import BayesqError
from bayesq.runs.schema import MISSING

if TYPE_CHECKING:
    import pandas as pd

Record = dict[str, Any]

# What pandas calls a column without a name, and the column in which it stores row labels.
_NAMELESS = re.compile(r"|Unnamed: \d+|__index_level_\d+__")
_WHOLE = re.compile(r"\s*\d+\s*")
# Zero-width blanks and joiners and byte order marks, which pasting leaves in headers.
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff]")


@dataclass(frozen=True)
class Records:
    """Rows as they stand in their source.

    Parameters
    ----------
    source : str
        Name of the file, or ``"the data frame"``, for messages.
    header : tuple of str
        Column names, in order.
    rows : list of dict
        One mapping of column to cell a row.
    places : list of str
        Where each row stands, in the words of a message.
    separator : str
        What stands between two cells; where it is no comma, a comma can be a decimal point.
    broken : mapping of int to str
        Rows, from 0 on, whose cells could not be told apart, and why.
    """

    source: str
    header: tuple[str, ...]
    rows: list[Record]
    places: list[str]
    separator: str = ","
    broken: Mapping[int, str] = field(default_factory=dict)


def frame_records(frame: pd.DataFrame) -> Records:
    """Take a pandas data frame apart into records; named levels of its index are columns too."""
    if frame.empty:
        raise BayesqError("The data frame is empty; pass one row for each measured loss.")
    index = frame.index
    names: list[object] = list(frame.columns)
    parts = [frame]
    for i, level in enumerate(index.names):
        if level is not None and level not in frame.columns:
            parts.insert(0, index.get_level_values(i).to_frame())
            names.insert(0, level)
    # Numbered columns, for to_dict wants each name once.
    parts = [part.set_axis(range(part.shape[1]), axis="columns") for part in parts]
    cells = [part.to_dict("split")["data"] for part in parts]
    return as_records(
        "the data frame",
        names,
        [[cell for part in row for cell in part] for row in zip(*cells, strict=True)],
        [f"row {i} (index {one_line(label)})" for i, label in enumerate(index, start=1)],
    )


def is_missing(cell: Any) -> bool:
    """Tell whether a cell holds no value, in the words of a spreadsheet, pandas or Python."""
    if isinstance(cell, str):
        return cell.strip().lower() in MISSING
    if isinstance(cell, float | np.floating):
        return math.isnan(cell)
    if isinstance(cell, Decimal):
        return cell.is_nan()
    # pandas.NA and NaT, told by name so that a file is read without importing pandas.
    return cell is None or type(cell).__name__ in ("NAType", "NaTType")


def one_line(text: object) -> str:
    """Write a name on one line: line breaks and runs of blanks become one space."""
    plain = " ".join(_INVISIBLE.sub("", str(text)).split())
    return plain if plain.isprintable() else ascii(plain)


def as_records(
    source: str, names: Iterable[object], rows: Sequence[Sequence[Any]], places: list[str]
) -> Records:
    """Put cells under the names of their columns, and leave out columns that number the rows.

    Raises
    ------
    BayesqError
        If a column that holds something has no name, or two have one name.
    """
    header = [one_line(name) for name in names]
    kept = []
    for i, name in enumerate(header):
        if not _NAMELESS.fullmatch(name):
            kept.append(i)
        elif not _are_labels([cells[i] for cells in rows]):
            raise BayesqError(
                f"{source}, header: column {i + 1} has cells but no name; name it, or drop it."
            )
    header = [header[i] for i in kept]
    if twice := repeated(header):
        raise BayesqError(
            f"{source}, header: column {twice} stands there {header.count(twice)} times; rename or "
            "drop all but one."
        )
    return Records(
        source,
        tuple(header),
        [dict(zip(header, (cells[i] for i in kept), strict=True)) for cells in rows],
        places,
    )


def repeated(names: Iterable[str]) -> str | None:
    """Return the first name that stands there twice."""
    return next((name for name, times in Counter(names).items() if times > 1), None)


def _are_labels(cells: list[Any]) -> bool:
    """Tell whether a column is blank or numbers its rows, as a saved index does."""
    labels = [cell for cell in cells if not is_missing(cell)]
    whole = all(
        _WHOLE.fullmatch(label) if isinstance(label, str) else type(label) is int
        for label in labels
    )
    return whole and len(set(labels)) == len(labels)
