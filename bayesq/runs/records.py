"""Files and frames as lists of records, before anyone has looked at the values."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
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
    """

    source: str
    header: tuple[str, ...]
    rows: list[Record]
    places: list[str]


def read_records(path: str | Path) -> Records:
    """Read a CSV, Parquet or JSON Lines file.

    Raises
    ------
    BayesqError
        If the file is missing, a directory, empty, of another kind, or not readable as its kind.
    """
    path = Path(path)
    source = one_line(path)
    reader = _READERS.get(path.suffix.lower())
    try:
        if path.is_dir():
            raise BayesqError(
                f"{source} is a directory; name one file in it, such as "
                f"{one_line(path / 'runs.csv')}."
            )
        if not path.exists():
            raise BayesqError(f"{source} does not exist; check the path, or list the pools' names.")
        if reader is None:
            raise BayesqError(
                f"{source} ends in {path.suffix or 'no suffix'!r}; save the table as one of "
                f"{', '.join(_READERS)} and name that file."
            )
        data = path.read_bytes()
    except OSError as error:
        raise BayesqError(
            f"{source} cannot be read ({error.strerror}); mend its access."
        ) from error
    if not data:
        raise BayesqError(f"{source} is empty; write a header with N, D, loss and a row a loss.")
    records = reader(data, source)
    if not records.rows:
        raise BayesqError(f"{source} has no rows; write one row for each measured loss.")
    return records


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
    return _records(
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


def _records(
    source: str, names: Iterable[object], rows: Sequence[Sequence[Any]], places: list[str]
) -> Records:
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
    if twice := _repeated(header):
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


def _repeated(names: Iterable[str]) -> str | None:
    return next((name for name, times in Counter(names).items() if times > 1), None)


def _are_labels(cells: list[Any]) -> bool:
    """Tell whether a column is blank or numbers its rows, as a saved index does."""
    labels = [cell for cell in cells if not is_missing(cell)]
    whole = all(
        _WHOLE.fullmatch(label) if isinstance(label, str) else type(label) is int
        for label in labels
    )
    return whole and len(set(labels)) == len(labels)


def _text(data: bytes, source: str) -> str:
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise BayesqError(
            f"{source}, line {line}: holds binary data, not text; save the table as UTF-8 text."
        )
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BayesqError(
            f"{source}, line {line}: not UTF-8 text (byte {error.start + 1} of the file); save the "
            "table with encoding UTF-8."
        ) from error


def _read_csv(data: bytes, source: str) -> Records:
    text = _text(data, source)
    first = text.lstrip().partition("\n")[0]
    if "," not in first and (mark := next((m for m in ";\t|" if m in first), None)):
        raise BayesqError(f"{source}, header: separated by {mark!r}; save it with commas.")
    lines = _csv_lines(text, source)
    _, header = next(lines, ("", []))
    rows, places = [], []
    for place, cells in lines:
        if len(cells) != len(header):
            raise BayesqError(
                f"{source}, {place}: {len(cells)} cells where the header has {len(header)}; "
                "the row is cut short or has a comma too many, so write it again."
            )
        rows.append(cells)
        places.append(place)
    return _records(source, header, rows, places)


def _csv_lines(text: str, source: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the place and the cells of the header and of each row, without blank lines."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    row, line = 0, 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _place(row, line), cells
                row += 1
            line = reader.line_num + 1
    except csv.Error as error:
        raise BayesqError(
            f"{source}, {_place(row, line)}: {error}; the file is cut short or a quote is not "
            "closed, so write that line again."
        ) from error


def _place(row: int, line: int) -> str:
    return f"row {row} (line {line})" if row else "header"


def _object(pairs: list[tuple[str, Any]]) -> Record:
    # Of two equal keys, json would keep the last without a word.
    named = [(one_line(key), value) for key, value in pairs]
    if twice := _repeated(key for key, _ in named):
        raise KeyError(twice)
    return dict(named)


def _read_json_lines(data: bytes, source: str) -> Records:
    rows: list[Record] = []
    places = []
    for number, line in enumerate(io.StringIO(_text(data, source), newline=""), start=1):
        if not line.strip():
            continue
        place = _place(len(rows) + 1, number)
        try:
            row = json.loads(line, object_pairs_hook=_object)
        except KeyError as error:
            raise BayesqError(
                f"{source}, {place}, column {error.args[0]}: stands there twice; drop one of them."
            ) from error
        except (ValueError, RecursionError) as error:
            raise BayesqError(
                f"{source}, {place}: not JSON; write one object a line, and check "
                "whether the file was cut short."
            ) from error
        if not isinstance(row, dict):
            raise BayesqError(f"{source}, {place}: not an object; write one JSON object a line.")
        rows.append(row)
        places.append(place)
    header = list(dict.fromkeys(name for row in rows for name in row))
    return _records(source, header, [[row.get(name) for name in header] for row in rows], places)


def _read_parquet(data: bytes, source: str) -> Records:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(pa.BufferReader(data)).read()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BayesqError(
            f"{source} is not a whole Parquet file; write it again, it may be cut short."
        ) from error
    columns = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            columns.append(column.to_pylist())
        except (pa.ArrowException, ValueError, OverflowError) as error:
            raise BayesqError(
                f"{source}, column {one_line(name)}: cells of type {column.type} cannot be read; "
                "write them as numbers or text, or drop the column."
            ) from error
    rows = list(zip(*columns, strict=True))
    return _records(source, table.column_names, rows, [f"row {i + 1}" for i in range(len(rows))])


_READERS = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
}
