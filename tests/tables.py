"""Made-up tables in every kind that the reader takes, and the form of its refusals."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import bayesq
from bayesq.errors import BayesqError

GRID = Path(__file__).parents[1] / "bayesq" / "data" / "grid.csv"
KINDS = ("csv", "jsonl", "parquet", "frame")
MEND = r"\b(write|rename|drop|save|name|mend|pass|check|widen|map|did you mean|valid names)\b"

Source = Path | pd.DataFrame
Rows = list[dict[str, Any]]


def rows_of(count: int = 3) -> Rows:
    """Make up plain rows, all of them good."""
    return [{"N": 7e9 + i, "D": 1e12, "loss": 2.5 + i / 10} for i in range(count)]


def make(kind: str, rows: Rows, folder: Path) -> Source:
    """Write rows as a file of some kind, or put them into a data frame."""
    path = folder / f"runs.{kind}"
    header = list(dict.fromkeys(name for row in rows for name in row))
    match kind:
        case "csv":
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, header)
                writer.writeheader()
                writer.writerows(rows)
        case "jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        case "parquet":
            cells = {name: [row.get(name) for row in rows] for name in header}
            # A Parquet column has one type.
            for name, column in cells.items():
                if any(isinstance(cell, str | bool) for cell in column):
                    cells[name] = [None if cell is None else str(cell) for cell in column]
            pq.write_table(pa.table(cells), path)
        case _:
            return pd.DataFrame(rows, columns=header, dtype=object)
    return path


def text_file(folder: Path, text: str, name: str = "runs.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def refusal(source: object, columns: Mapping[str, str] | None = None) -> str:
    """Return the words with which a table is refused, after checking their form."""
    with pytest.raises(BayesqError) as caught:
        bayesq.read_runs(source, columns)  # type: ignore[arg-type]
    return sentence(caught.value)


def sentence(error: BayesqError) -> str:
    said = str(error)
    assert said.isprintable(), "one line"
    assert said.endswith("."), "one sentence"
    assert not re.search(r"(?<!^)(?<!\.)\. ", said), "one sentence"
    assert re.search(MEND, said), "says how to mend it"
    return said


def place(source: Source, row: int) -> str:
    """Word the place of a row, counted from 1, as messages do."""
    if isinstance(source, pd.DataFrame):
        return f"the data frame, row {row} (index {row - 1})"
    match source.suffix:
        case ".csv":
            return f"{source}, row {row} (line {row + 1})"
        case ".jsonl":
            return f"{source}, row {row} (line {row})"
    return f"{source}, row {row}"


def plain_frame() -> pd.DataFrame:
    return pd.DataFrame(
        {"N": [7e9, 8e9], "D": [10**12, 10**12], "loss": [2.5, 2.4], "run": ["a", None]}
    )
