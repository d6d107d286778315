"""Files of every kind as records: CSV with any separator, Parquet, JSON Lines."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bayesq.errors import BayesqError
from bayesq.runs.opening import STANDARD_INPUT, as_text, read_bytes
from bayesq.runs.records import Record, Records, as_records, one_line, repeated

_RULED = re.compile(r"\s*(:?-+:?)?\s*")
_LINE_END = re.compile(r"\r\n|\r|\n")
_SEPARATORS = ",;\t|"
# Beyond it a small packed file would fill the memory.
_MOST_CELLS = 20_000_000


def read_records(path: str | Path) -> Records:
    """Read a CSV, Parquet or JSON Lines file, packed by gzip or not, or standard input (``-``).

    Raises
    ------
    BayesqError
        If the file is missing, a directory, empty, of another kind, or not readable as its kind.
    """
    path = Path(path)
    piped = str(path) == STANDARD_INPUT
    source = "standard input" if piped else one_line(path)
    reader = _read_any if piped else _READERS.get(_kind(path))
    try:
        if not piped and path.is_dir():
            raise BayesqError(
                f"{source} is a directory; name one file in it, such as "
                f"{one_line(path / 'runs.csv')}."
            )
        if not piped and not path.exists():
            raise BayesqError(
                f"{source} does not exist; check the path, or name a pool: bayesq pools lists them."
            )
    except OSError as error:
        raise BayesqError(
            f"{source} cannot be read ({error.strerror}); mend its access."
        ) from error
    if reader is None:
        raise BayesqError(
            f"{source} ends in {path.suffix or 'no suffix'!r}; save the table as one of "
            f"{', '.join(_READERS)}, packed as .gz or not, and name that file."
        )
    records = reader(read_bytes(path, source), source)
    if not records.rows:
        raise BayesqError(f"{source} has no rows; write one row for each measured loss.")
    return records


def _kind(path: Path) -> str:
    """Return the suffix that says what a file holds: ``.csv`` of ``runs.csv.gz``."""
    return Path(path.stem if path.suffix.lower() == ".gz" else path.name).suffix.lower()


def _read_any(data: bytes, source: str) -> Records:
    """Read what has no suffix by how it begins."""
    if data.startswith(b"PAR1"):
        return _read_parquet(data, source)
    if data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return _read_json_lines(data, source)
    return _read_csv(data, source)


def _read_csv(data: bytes, source: str) -> Records:
    text = as_text(data, source)
    first = next((line for line in _LINE_END.split(text) if line.strip()), "")
    if first.startswith("sep=") and len(first) > 4:
        # So a spreadsheet is told how to split the lines.
        separator, text = first[4], text.replace(first, "", 1)
    else:
        separator = _separator(first)
    lines = _csv_lines(text, source, separator)
    _, header = next(lines, ("", []))
    rows: list[list[str]] = []
    places, broken = [], {}
    for place, cells in lines:
        if separator == "|" and not rows and all(_RULED.fullmatch(cell) for cell in cells):
            continue  # between header and rows, in Markdown
        if len(cells) != len(header):
            broken[len(rows)] = f"{len(cells)} cells where the header has {len(header)}"
            cells = [*cells, *([""] * len(header))][: len(header)]
        rows.append(cells)
        places.append(place)
        _refuse_large(source, len(rows) * len(header))
    return replace(as_records(source, header, rows, places), separator=separator, broken=broken)


def _separator(header: str) -> str:
    """Tell what separates the names of a header: what splits it into the most of them."""
    if not header.strip():
        return ","
    try:
        parts = [len(next(csv.reader([header], delimiter=mark))) for mark in _SEPARATORS]
    except (csv.Error, StopIteration):
        return ","
    return _SEPARATORS[parts.index(max(parts))]


def _csv_lines(text: str, source: str, separator: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the place and the cells of the header and of each row, without blank lines."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
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
    if twice := repeated(key for key, _ in named):
        raise KeyError(twice)
    return dict(named)


def _read_json_lines(data: bytes, source: str) -> Records:
    rows: list[Record] = []
    places = []
    for number, line in enumerate(io.StringIO(as_text(data, source), newline=""), start=1):
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
    _refuse_large(source, len(rows) * len(header))
    return as_records(source, header, [[row.get(name) for name in header] for row in rows], places)


def _read_parquet(data: bytes, source: str) -> Records:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        _refuse_large(source, file.metadata.num_rows * file.metadata.num_columns)
        table = file.read()
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, BayesqError):
            raise
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
    return as_records(source, table.column_names, rows, [f"row {i + 1}" for i in range(len(rows))])


def _refuse_large(source: str, cells: int) -> None:
    if cells > _MOST_CELLS:
        raise BayesqError(
            f"{source} holds {cells} cells or more, more than a table of runs; save the rows and "
            "columns that matter as a smaller file."
        )


_READERS: dict[str, Callable[[bytes, str], Records]] = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".parquet": _read_parquet,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
}
