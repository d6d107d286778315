"""Files of every kind as records: CSV with any separator, Parquet, JSON Lines."""

from __future__ import annotations

import csv
import json
import re
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesq.errors import BayesqError
from bayesq.runs.opening import STANDARD_INPUT, as_lines, read_bytes
from bayesq.runs.raw import MANY, RawColumn
from bayesq.runs.records import Record, Records, as_records, one_line, repeated

if TYPE_CHECKING:
    import pyarrow as pa

_RULED = re.compile(r"\s*(:?-+:?)?\s*")
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
    first = next((line for line in as_lines(data, source) if line.strip()), "").rstrip("\r\n")
    # So a spreadsheet is told how to split the lines.
    told = first.startswith("sep=") and len(first) > 4
    separator = first[4] if told else _separator(first)
    text = as_lines(data, source)
    lines = _csv_lines(_without(first, text) if told else text, source, separator)
    _, header = next(lines, (0, []))
    width, columns = len(header), [_Texts() for _ in header]
    chunk, begins, broken = list[list[str]](), array("q"), dict[int, str]()
    for line, cells in lines:
        if separator == "|" and not begins and all(_RULED.fullmatch(cell) for cell in cells):
            continue  # between header and rows, in Markdown
        if len(cells) != width:
            broken[len(begins)] = _miscounted(cells, header, separator)
            cells = [*cells, *([""] * width)][:width]
        chunk.append(cells)
        begins.append(line)
        if len(chunk) == MANY:
            _move(chunk, columns)
        if len(begins) * width > _MOST_CELLS:
            _refuse_large(source, len(begins) * width)
    _move(chunk, columns)
    records = as_records(
        source,
        header,
        [RawColumn(column.cells()) for column in columns],
        len(begins),
        lambda row: _place(row + 1, begins[row]),
    )
    return replace(records, separator=separator, broken=broken)


def _miscounted(cells: list[str], header: list[str], separator: str) -> str:
    """Say how many cells a row has, and what it seems to be separated by where that is another."""
    what = f"{len(cells)} {'cell' if len(cells) == 1 else 'cells'} where the header has"
    if len(cells) == 1:
        other = _separator(cells[0])
        if cells[0].count(other) == len(header) - 1:
            return f"{what} {len(header)}, since it is separated by {other!r} and not {separator!r}"
    return f"{what} {len(header)}"


class _Texts:
    """A column of texts that grows; many are packed, which takes a fraction of the memory."""

    def __init__(self) -> None:
        self._packed: list[pa.Array] = []
        self._last: list[str] = []

    def add(self, texts: Iterable[str]) -> None:
        self._last.extend(texts)
        if len(self._last) >= MANY:
            self._pack()

    def _pack(self) -> None:
        import pyarrow as pa

        self._packed.append(pa.array(self._last, pa.large_string()))
        self._last.clear()

    def cells(self) -> pa.Array | list[str]:
        if not self._packed:
            return self._last
        import pyarrow as pa

        self._pack()
        return pa.concat_arrays(self._packed)


def _move(rows: list[list[str]], columns: list[_Texts]) -> None:
    """Move rows of cells to the end of columns."""
    for column, cells in zip(columns, zip(*rows, strict=True), strict=bool(rows)):
        column.add(cells)
    rows.clear()


def _without(first: str, lines: Iterable[str]) -> Iterator[str]:
    """Leave the first line that is not blank empty."""
    for line in lines:
        yield line.removeprefix(first) if first else line
        if line.startswith(first):
            first = ""


def _separator(header: str) -> str:
    """Tell what separates the names of a header: what splits it into the most of them."""
    if not header.strip():
        return ","
    try:
        parts = [len(next(csv.reader([header], delimiter=mark))) for mark in _SEPARATORS]
    except (csv.Error, StopIteration):
        return ","
    return _SEPARATORS[parts.index(max(parts))]


def _csv_lines(text: Iterable[str], source: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line and the cells of the header and of each row, without blank lines."""
    reader = csv.reader(text, strict=True, delimiter=separator)
    row, line = 0, 1
    try:
        for cells in reader:
            if cells and (cells[0].strip() or any(cell.strip() for cell in cells)):
                yield line, cells
                row += 1
            line = reader.line_num + 1
    except csv.Error as error:
        raise BayesqError(
            f"{source}, {_place(row, line)}: {error}; the file is cut short or a quote is not "
            "closed, so write that line again."
        ) from error


def _place(row: int, line: int) -> str:
    return f"row {row} (line {line})" if row else "header"


def _read_json_lines(data: bytes, source: str) -> Records:
    names: dict[str, str] = {}
    texts: dict[str, str] = {}

    def named(pairs: list[tuple[str, Any]]) -> Record:
        for key, _ in pairs:
            if key not in names:
                names[key] = one_line(key)
        row = {names[key]: value for key, value in pairs}
        if len(row) < len(pairs):
            # Of two equal keys, json would keep the last without a word.
            raise KeyError(repeated(names[key] for key, _ in pairs))
        return row

    columns: dict[str, list[Any]] = {}
    begins = array("q")
    for number, line in enumerate(as_lines(data, source), start=1):
        if not line.strip():
            continue
        place = len(begins) + 1, number
        try:
            row = json.loads(line, object_pairs_hook=named)
        except KeyError as error:
            raise BayesqError(
                f"{source}, {_place(*place)}, column {error.args[0]}: stands there twice; drop "
                "one of them."
            ) from error
        except (ValueError, RecursionError) as error:
            raise BayesqError(
                f"{source}, {_place(*place)}: not JSON; write one object a line, and check "
                "whether the file was cut short."
            ) from error
        if not isinstance(row, dict):
            raise BayesqError(
                f"{source}, {_place(*place)}: not an object; write one JSON object a line."
            )
        for name in row:
            if name not in columns:
                columns[name] = [None] * len(begins)
        for name, cells in columns.items():
            cell = row.get(name)
            cells.append(texts.setdefault(cell, cell) if type(cell) is str else cell)
        begins.append(number)
    _refuse_large(source, len(begins) * len(columns))
    return as_records(
        source,
        list(columns),
        [RawColumn(cells) for cells in columns.values()],
        len(begins),
        lambda row: _place(row + 1, begins[row]),
    )


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
            columns.append(RawColumn(_parquet_cells(column)))
        except (pa.ArrowException, ValueError, OverflowError) as error:
            raise BayesqError(
                f"{source}, column {one_line(name)}: cells of type {column.type} cannot be read; "
                "write them as numbers or text, or drop the column."
            ) from error
    return as_records(
        source, table.column_names, columns, table.num_rows, lambda row: f"row {row + 1}"
    )


def _parquet_cells(column: pa.ChunkedArray) -> pa.Array | list[Any]:
    """Take cells as they are packed where they are numbers or texts, else as Python's own."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kept = (pa.types.is_floating, pa.types.is_integer, pa.types.is_string, pa.types.is_large_string)
    if not any(is_kind(column.type) for is_kind in kept):
        return column.to_pylist()
    column.validate(full=True)  # a text may be none
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


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
