"""Files and frames as columns of cells, before anyone has looked at the values."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from bayesq.errors import BayesqError
from bayesq.runs.raw import NONE_OF_PANDAS, RawColumn
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
    rows : int
        How many rows there are.
    columns : mapping of str to RawColumn
        The cells, by column.
    place : callable
        Where a row, counted from 0, stands, in the words of a message.
    separator : str
        What stands between two cells; where it is no comma, a comma can be a decimal point.
    broken : mapping of int to str
        Rows, from 0 on, whose cells could not be told apart, and why.
    """

    source: str
    header: tuple[str, ...]
    rows: int
    columns: Mapping[str, RawColumn]
    place: Callable[[int], str]
    separator: str = ","
    broken: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def of_rows(
        cls, source: str, header: Sequence[str], rows: Sequence[Record], places: Sequence[str]
    ) -> Self:
        """Take rows as mappings of column to cell; a column that one lacks is empty there."""
        columns = {name: RawColumn([row.get(name) for row in rows]) for name in header}
        return cls(source, tuple(header), len(rows), columns, places.__getitem__)

    def cell(self, row: int, column: str) -> Any:
        """Return a cell as it stands, None where there is no such column."""
        return self.columns[column][row] if column in self.columns else None


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
    cells = [RawColumn(_cells(part.iloc[:, [i]])) for part in parts for i in range(part.shape[1])]
    return as_records(
        "the data frame",
        names,
        cells,
        len(frame),
        lambda row: f"row {row + 1} (index {one_line(next(iter(index[row : row + 1])))})",
    )


def _cells(column: pd.DataFrame) -> np.ndarray | list[Any]:
    """Take the cells of a frame of one column: numbers as they are, others as Python's own."""
    dtype = column.dtypes.iloc[0]
    if isinstance(dtype, np.dtype) and dtype.kind in "fiu" and dtype.itemsize <= 8:
        return np.asarray(column.iloc[:, 0])
    # A number for a name, for to_dict wants a name once and warns of others.
    cells = column.set_axis([0], axis="columns").to_dict("split")["data"]
    return [cell for (cell,) in cells]


def is_missing(cell: Any) -> bool:
    """Tell whether a cell holds no value, in the words of a spreadsheet, pandas or Python."""
    if isinstance(cell, str):
        return cell.strip().lower() in MISSING
    if isinstance(cell, float | np.floating):
        return math.isnan(cell)
    if isinstance(cell, Decimal):
        return cell.is_nan()
    return cell is None or type(cell).__name__ in NONE_OF_PANDAS


def one_line(text: object) -> str:
    """Write a name on one line: line breaks and runs of blanks become one space."""
    plain = " ".join(_INVISIBLE.sub("", str(text)).split())
    return plain if plain.isprintable() else ascii(plain)


def as_records(
    source: str,
    names: Iterable[object],
    cells: Sequence[RawColumn],
    rows: int,
    place: Callable[[int], str],
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
        elif not _are_labels(cells[i]):
            raise BayesqError(
                f"{source}, header: column {i + 1} has cells but no name; name it, or drop it."
            )
    header = [header[i] for i in kept]
    if twice := repeated(header):
        raise BayesqError(
            f"{source}, header: column {twice} stands there {header.count(twice)} times; rename or "
            "drop all but one."
        )
    columns = dict(zip(header, (cells[i] for i in kept), strict=True))
    return Records(source, tuple(header), rows, columns, place)


def repeated(names: Iterable[str]) -> str | None:
    """Return the first name that stands there twice."""
    return next((name for name, times in Counter(names).items() if times > 1), None)


def _are_labels(cells: Sequence[Any]) -> bool:
    """Tell whether a column is blank or numbers its rows, as a saved index does."""
    labels = [cell for cell in cells if not is_missing(cell)]
    whole = all(
        _WHOLE.fullmatch(label) if isinstance(label, str) else type(label) is int
        for label in labels
    )
    return whole and len(set(labels)) == len(labels)
