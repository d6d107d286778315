"""The reader of runs tables: what it takes, what it refuses, and in which words."""

from __future__ import annotations

import csv
import gzip
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import bayesq
from bayesq.errors import BayesqError
from bayesq.runs.counts import format_count, parse_count
from bayesq.runs.runs import Runs
from bayesq.runs.schema import BITS, NUMERIC, TEXT, Row

pytestmark = pytest.mark.filterwarnings("error")

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


# --- good tables -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_reads_every_kind(kind: str, tmp_path: Path) -> None:
    rows = [
        {"N": "7B", "D": "15T", "loss": 2.5, "run": "a", "stage": "none", "w_bits": 16, "lr": 1e-3},
        {"N": "7B", "D": "15T", "loss": 2.7, "run": "a", "stage": "post", "w_bits": 4, "lr": None},
    ]
    runs = bayesq.read_runs(make(kind, rows, tmp_path))
    assert len(runs) == 2
    np.testing.assert_array_equal(runs.columns["N"], [7e9, 7e9])
    np.testing.assert_array_equal(runs.columns["D"], [15e12, 15e12])
    np.testing.assert_array_equal(runs.columns["loss"], [2.5, 2.7])
    np.testing.assert_array_equal(runs.columns["w_bits"], [16, 4])
    np.testing.assert_array_equal(runs.columns["lr"], [1e-3, math.nan])
    assert runs.columns["stage"].tolist() == ["none", "post"]
    assert runs.partner.tolist() == [-1, 0]
    assert runs.cluster.tolist() == [0, 0]


def test_needs_only_three_columns_and_fills_the_rest(tmp_path: Path) -> None:
    runs = bayesq.read_runs(text_file(tmp_path, "N,D,loss\n7B,1e12,2.5\n"))
    assert list(runs.columns) == list(Row.model_fields)
    assert list(runs.frame.columns) == list(Row.model_fields)
    for name in Row.model_fields:
        (value,) = runs.columns[name].tolist()
        if name in BITS:
            assert value == 16
        elif name in TEXT:
            assert value == ""
        elif name == "sparsity":
            assert value == 0
        elif name not in ("N", "D", "loss"):
            assert math.isnan(value)
    assert not runs.quantized.any()


def test_types_of_the_columns(tmp_path: Path) -> None:
    runs = bayesq.read_runs(text_file(tmp_path, "N,D,loss,run,note\n7B,1e12,2.5,3,ok\n"))
    for name in NUMERIC:
        assert runs.columns[name].dtype == float
    for name in TEXT:
        assert runs.columns[name].dtype == object
    assert runs.columns["run"].tolist() == ["3"]
    assert runs.columns["note"].tolist() == ["ok"]


def test_packaged_grid_is_whole_and_paired() -> None:
    runs = bayesq.read_runs(GRID)
    assert len(runs) == len(GRID.read_text().splitlines()) - 1
    assert (runs.partner[runs.quantized] >= 0).all()
    assert (runs.partner[~runs.quantized] == -1).all()
    paired = np.flatnonzero(runs.quantized)
    # The file says its partners' losses; pairing must find the same ones.
    np.testing.assert_array_equal(
        runs.columns["loss_full"][paired], runs.columns["loss"][runs.partner[paired]]
    )


def test_reading_a_csv_leaves_pandas_alone(tmp_path: Path) -> None:
    path = text_file(tmp_path, "N,D,loss,seed\n7B,1e12,2.5,\n")
    code = (
        "import sys, bayesq; bayesq.read_runs(sys.argv[1]).fingerprint; "
        "sys.exit('pandas' in sys.modules)"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code, path], cwd=root, check=False, timeout=60)
    assert done.returncode == 0


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffN,D,loss,run\n7B,1e12,2.5,a\n",
        '\ufeff"N",D,loss,run\n7B,1e12,2.5,a\n',
        "N,D,loss,run\r\n7B,1e12,2.5,a\r\n",
        "N,D,loss,run\r7B,1e12,2.5,a\r",
        "N,D,loss,run\n7B,1e12,2.5,a",
        "\n\n N , D,\tloss ,run\n\n  7B , 1e12 ,2.5\t, a \n , ,,\n\n",
        '"N","D","loss","run"\n"7B","1e12","2.5","a"\n',
        "N\u200b,D,\u00a0loss\u00a0,run\n7B,1e12,2.5\u00a0,a\n",
        "N,D,loss,run,,\n7B,1e12,2.5,a,,\n",
        ",N,D,loss,run\n0,7B,1e12,2.5,a\n",
        ",Unnamed: 0,N,D,loss,run\n5,0,7B,1e12,2.5,a\n",
    ],
    ids=[
        "bom",
        "bom-quote",
        "crlf",
        "cr",
        "no-newline",
        "blanks",
        "quotes",
        "invisible",
        "commas",
        "index",
        "2",
    ],
)
def test_spellings_of_one_csv(text: str, tmp_path: Path) -> None:
    plain = bayesq.read_runs(text_file(tmp_path, "N,D,loss,run\n7e9,1e12,2.5,a\n"))
    runs = bayesq.read_runs(text_file(tmp_path, text))
    assert list(runs.columns) == list(plain.columns)
    assert runs.fingerprint == plain.fingerprint


def test_quoted_newlines_keep_the_line_numbers_right(tmp_path: Path) -> None:
    text = 'N,D,loss,"my\nnote"\n7B,1e12,2.5,"two\nlines"\n\n7B,1e12,-1,x\n'
    path = text_file(tmp_path, text)
    assert refusal(path).startswith(f"{path}, row 2 (line 6), column loss: '-1' is not above 0; ")
    runs = bayesq.read_runs(text_file(tmp_path, text.replace("-1", "2.6")))
    assert runs.columns["my note"].tolist() == ["two\nlines", "x"]


def test_long_cells_are_kept(tmp_path: Path) -> None:
    note = "x" * 100_000
    runs = bayesq.read_runs(text_file(tmp_path, f"N,D,loss,note\n7B,1e12,2.5,{note}\n"))
    assert runs.columns["note"].tolist() == [note]


@pytest.mark.parametrize("suffix", [".CSV", ".ndjson", ".JSONL", ".Parquet"])
def test_suffixes_in_any_case(suffix: str, tmp_path: Path) -> None:
    kind = {".CSV": "csv", ".Parquet": "parquet"}.get(suffix, "jsonl")
    source = make(kind, rows_of(), tmp_path)
    assert isinstance(source, Path)
    assert len(bayesq.read_runs(str(source.rename(tmp_path / f"other{suffix}")))) == 3


def test_json_lines_may_differ_in_their_keys(tmp_path: Path) -> None:
    text = '\ufeff{"N":"7B","D":1e12,"loss":2.5}\r\n\n'
    text += '{"loss":2.6,"D":1e12,"N":7e9,"seed":1,"x":null}\n'
    runs = bayesq.read_runs(text_file(tmp_path, text, "runs.jsonl"))
    np.testing.assert_array_equal(runs.columns["seed"], [math.nan, 1])
    np.testing.assert_array_equal(runs.columns["x"], [math.nan, math.nan])


@pytest.mark.parametrize(
    "word", ["", " ", "NA", "n/a", "NaN", "nan", "null", "NULL", "None", "<NA>"]
)
def test_spellings_of_missing(word: str, tmp_path: Path) -> None:
    rows = [{**row, "seed": word, "run": word, "lr": word, "w_bits": word} for row in rows_of()]
    runs = bayesq.read_runs(make("csv", rows, tmp_path))
    assert np.isnan(runs.columns["seed"]).all()
    assert np.isnan(runs.columns["lr"]).all()
    assert set(runs.columns["run"]) == {""}
    assert set(runs.columns["w_bits"]) == {16.0}


def test_stage_none_is_a_value_and_an_empty_stage_is_not_known(tmp_path: Path) -> None:
    rows = rows_of(4)
    for row, stage in zip(rows, ("none", "", "post", " train "), strict=True):
        row["stage"] = stage
    runs = bayesq.read_runs(make("csv", rows, tmp_path))
    assert runs.columns["stage"].tolist() == ["none", "", "post", "train"]
    assert runs.quantized.tolist() == [False, False, True, True]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "frame"])
def test_perplexity_becomes_loss(kind: str, tmp_path: Path) -> None:
    rows: Rows = [{"N": "7B", "D": "1T", "ppl": math.exp(2.5)}, {"N": "8B", "D": "1T", "ppl": "10"}]
    runs = bayesq.read_runs(make(kind, rows, tmp_path), columns={"ppl": "perplexity"})
    np.testing.assert_allclose(runs.columns["loss"], [2.5, math.log(10)], rtol=1e-15)
    assert "perplexity" not in runs.columns
    assert "ppl" not in runs.columns


# --- counts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("7B", 7e9),
        ("7b", 7e9),
        ("7 B", 7e9),
        (" 7B ", 7e9),
        ("+7B", 7e9),
        ("4.1B", 4.1e9),
        (".3B", 3e8),
        ("7.B", 7e9),
        ("1.1T", 1.1e12),
        ("300M", 3e8),
        ("64k", 64e3),
        ("64K", 64e3),
        ("7G", 7e9),
        ("1.5e9", 1.5e9),
        ("1.50E+09", 1.5e9),
        ("7000000000", 7e9),
        ("7000000000.0", 7e9),
        ("7_000_000_000", 7e9),
        (7, 7.0),
        (7_000_000_000, 7e9),
        (1.5e9, 1.5e9),
    ],
)
def test_counts(text: object, count: float) -> None:
    frame = pd.DataFrame({"N": [text], "D": [text], "loss": [2.5]})
    runs = bayesq.read_runs(frame)
    assert runs.columns["N"].tolist() == [count], "exactly, for rows are paired by equal counts"
    assert runs.columns["D"].tolist() == [count]


@pytest.mark.parametrize(
    "text",
    ["7BB", "B", "7 billion", "1,000,000", "1 000", "1'000", "50%", "7e9B", "7Q", "0x10", "1/2"]
    + ["7-8B", "~7B", "\u22127B", "7B params", "2024-01-01", "7;0", "--7", "1e", "1.2.3"],
)
@pytest.mark.parametrize("column", ["N", "D"])
def test_texts_that_are_no_counts(text: str, column: str, tmp_path: Path) -> None:
    rows = rows_of()
    rows[1][column] = text
    source = make("csv", rows, tmp_path)
    expected = f"{place(source, 2)}, column {column}: {text!r} is not a number; write a count "
    assert refusal(source).startswith(expected)


def test_suffixes_are_for_counts_only() -> None:
    assert parse_count("7B") == 7e9
    assert parse_count("seven") == "seven"
    assert parse_count(None) is None
    said = refusal(pd.DataFrame({"N": ["7B"], "D": ["1T"], "loss": ["7B"]}))
    assert "column loss: '7B' is not a number" in said


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7e9, "7B"),
        (6.74e9, "6.74B"),
        (999.4e6, "999M"),
        (999.6e6, "1B"),
        (999.6e3, "1M"),
        (15e12, "15T"),
        (999.6e12, "1e+15"),
        (2048, "2.05k"),
        (999, "999"),
        (1.5, "1.5"),
    ],
)
def test_format_count(value: float, text: str) -> None:
    assert format_count(value) == text


# --- bad cells -------------------------------------------------------------------------------

BAD = [
    ("N", "seven", "is not a number; write a count above 0 such as 7e9, 7B or 300M"),
    ("N", "", "no value; write a count above 0"),
    ("N", None, "no value; write a count above 0"),
    ("N", "NaN", "no value; write a count above 0"),
    ("N", math.nan, "no value; write a count above 0"),
    ("N", math.inf, "is not finite; write a count above 0"),
    ("N", -math.inf, "is not finite; write a count above 0"),
    ("N", 0, "is not above 0; write a count above 0"),
    ("N", -7e9, "is not above 0; write a count above 0"),
    ("N", "-7B", "is not above 0; write a count above 0"),
    ("N", True, "is not a number; write a count above 0"),
    ("N", "9" * 400, "is not finite; write a count above 0"),
    ("D", "1,5", "is not a number; write a count above 0 such as 1.5e12, 15T or 300B"),
    ("D", math.nan, "no value; write a count above 0"),
    ("D", math.inf, "is not finite; write a count above 0"),
    ("D", 0.0, "is not above 0; write a count above 0"),
    ("D", -1, "is not above 0; write a count above 0"),
    ("D", False, "is not a number; write a count above 0"),
    ("loss", "3,1", "is not a number; write nats per token"),
    ("loss", "#DIV/0!", "is not a number; write nats per token"),
    ("loss", "nan", "no value; write nats per token"),
    ("loss", math.nan, "no value; write nats per token"),
    ("loss", math.inf, "is not finite; write nats per token"),
    ("loss", "Infinity", "is not finite; write nats per token"),
    ("loss", "1e400", "is not finite; write nats per token"),
    ("loss", 0, "is not above 0; write nats per token"),
    ("loss", "1e-400", "is not above 0; write nats per token"),
    ("loss", -2.5, "is not above 0; write nats per token"),
    *((bits, 0, "is below 1; write 1 to 32 bits, 16 where it is not quantized") for bits in BITS),
    *((bits, 33, "is above 32; write 1 to 32 bits") for bits in BITS),
    *((bits, "int4", "is not a number; write 1 to 32 bits") for bits in BITS),
    ("w_bits", 0.99, "is below 1; write 1 to 32 bits"),
    ("w_bits", -4, "is below 1; write 1 to 32 bits"),
    ("w_bits", 32.01, "is above 32; write 1 to 32 bits"),
    ("w_bits", math.inf, "is not finite; write 1 to 32 bits"),
    ("w_bits", True, "is not a number; write 1 to 32 bits"),
    ("fc2_a_bits", 64, "is above 32; write a number (bits of the FC2 input"),
    ("sparsity", 1, "is not below 1; write a number (share of zero weights)"),
    ("sparsity", 50, "is not below 1; write a number (share of zero weights)"),
    ("sparsity", "50%", "is not a number; write a number (share of zero weights)"),
    ("sparsity", -0.1, "is below 0; write a number (share of zero weights)"),
    ("stage", "Post", "is not one of 'none', 'train' or 'post'; write one of them"),
    ("stage", "None", "is not one of 'none', 'train' or 'post'; write one of them"),
    ("stage", "ptq", "is not one of 'none', 'train' or 'post'; write one of them"),
    ("w_kind", "INT", "is not one of 'int', 'fp', 'mxfp' or 'nvfp'; write one of them"),
    ("a_kind", "int8", "is not one of 'int', 'fp', 'mxfp' or 'nvfp'; write one of them"),
    ("w_group", 2.5, "must be a whole number of elements, or -1"),
    ("w_group", 0, "must be a whole number of elements, or -1"),
    ("a_group", -2, "must be a whole number of elements, or -1"),
    ("a_group", math.inf, "is not finite; write a number"),
    ("w_exponent", -1, "is below 0; write a number (exponent bits"),
    ("a_mantissa", 40, "is above 32; write a number (mantissa bits"),
    ("seed", "first", "is not a number; write a number (random seed)"),
    ("seed", 2**53, "is not below 9.0072e+15; write a number (random seed)"),
    ("loss_se", 0, "is not above 0; write a number (standard error of the loss)"),
    ("loss_full", -1, "is not above 0; write a number (loss of the full-precision partner)"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("column", "value", "said"), BAD)
def test_bad_cells(kind: str, column: str, value: object, said: str, tmp_path: Path) -> None:
    good = {"N": 7e9, "D": 1e12, "loss": 2.5}
    rows = [{**row, column: good.get(column)} for row in rows_of()]
    rows[1][column] = value
    source = make(kind, rows, tmp_path)
    message = refusal(source)
    assert message.startswith(f"{place(source, 2)}, column {column}: ")
    assert said in message
    assert message.count("more cell") == 0
    assert [p.name for p in tmp_path.iterdir()] == ([] if kind == "frame" else [f"runs.{kind}"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "value", ["x", "", None, math.nan, math.inf, 0, 1, "0.5", -3, True, "1e400"]
)
def test_bad_perplexity(kind: str, value: object, tmp_path: Path) -> None:
    rows: Rows = [{"N": 7e9, "D": 1e12, "perplexity": 10.5 + i} for i in range(3)]
    rows[2]["perplexity"] = value
    source = make(kind, rows, tmp_path)
    message = refusal(source)
    assert message.startswith(f"{place(source, 3)}, column perplexity: ")
    assert message.endswith("write exp(loss in nats per token), or leave the row out.")


def test_a_perplexity_too_large_for_a_float() -> None:
    frame = pd.DataFrame({"N": [1], "D": [1], "perplexity": pd.Series([10**400], dtype=object)})
    assert "column perplexity: 1000000000000000000000000000000000000... is not a" in refusal(frame)


def test_all_bad_cells_are_counted() -> None:
    frame = pd.DataFrame({"N": [-1, 1e9, 0], "D": 1e12, "loss": [2.5, math.inf, 2.4]})
    message = refusal(frame)
    assert message.startswith("the data frame, row 1 (index 0), column N: -1.0 is not above 0; ")
    assert message.endswith("(2 more cells need mending too).")
    assert refusal(frame[:2]).endswith("(1 more cell needs mending too).")


def test_long_values_are_cut_short(tmp_path: Path) -> None:
    message = refusal(text_file(tmp_path, f"N,D,loss\n7B,1T,{'x' * 100_000}\n"))
    assert f"column loss: '{'x' * 37}...' is not a number" in message


@pytest.mark.parametrize("kind", KINDS)
def test_messages_use_the_tables_own_names(kind: str, tmp_path: Path) -> None:
    rows: Rows = [{"params": "-1", "D": 1e12, "loss": 2.5}]
    source = make(kind, rows, tmp_path)
    message = refusal(source, columns={"params": "N"})
    assert f"{place(source, 1)}, column params (read as N): '-1' is not above 0" in message
    rows = [{"N": "1", "D": 1e12, "ppl": 0.5}]
    message = refusal(make(kind, rows, tmp_path), columns={"ppl": "perplexity"})
    assert "column ppl (read as perplexity): " in message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("given", ["w_kind", "a_kind", "w_exponent", "a_mantissa", "w_group"])
def test_a_format_without_its_width(kind: str, given: str, tmp_path: Path) -> None:
    value = {"w_kind": "int", "a_kind": "fp"}.get(given, 4)
    width = f"{given[0]}_bits"
    rows: Rows = [{**row, given: value} for row in rows_of()]
    source = make(kind, rows, tmp_path)
    message = refusal(source)
    assert message.startswith(f"{place(source, 1)}, column {width}: no value, though {given} is ")
    for row in rows[:2]:
        row[width] = 4
    rows[2][width] = None
    source = make(kind, rows, tmp_path)
    assert refusal(source).startswith(f"{place(source, 3)}, column {width}: no value")
    rows[2][width] = 16
    assert len(bayesq.read_runs(make(kind, rows, tmp_path))) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_duplicate_rows(kind: str, tmp_path: Path) -> None:
    rows = [{**row, "run": "a", "lr": 1e-3} for row in rows_of()]
    rows.append(dict(rows[0]))
    source = make(kind, rows, tmp_path)
    first = place(source, 1).split(", ")[-1]
    assert refusal(source) == (
        f"{place(source, 4)}: every column equals {first}; drop one of them, or tell repeated runs "
        "apart in column seed or run."
    )
    for name, value in (("seed", 1), ("run", "b"), ("lr", 2e-3), ("loss", 2.51)):
        told_apart = [*rows[:3], {**rows[3], name: value}]
        assert len(bayesq.read_runs(make(kind, told_apart, tmp_path))) == 4


@pytest.mark.parametrize(
    "text",
    [
        "N,D,loss\n7B,1T,2.5\n7e9,1e12,2.50\n",
        "N,D,loss,w_bits\n7B,1T,2.5,\n7B,1T,2.5,16\n",
        "N,D,loss,run\n7B,1T,2.5,a\n7B,1T,2.5, a\n",
        ",N,D,loss\n0,7B,1T,2.5\n1,7B,1T,2.5\n",
        "N,D,perplexity\n7B,1T,10\n7B,1T,1e1\n",
    ],
    ids=["counts", "default", "blanks", "index", "perplexity"],
)
def test_duplicates_in_other_words(text: str, tmp_path: Path) -> None:
    assert "row 2 (line 3): every column equals row 1 (line 2)" in refusal(
        text_file(tmp_path, text)
    )


# --- headers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["N", "D", "loss"])
def test_missing_column(kind: str, name: str, tmp_path: Path) -> None:
    rows: Rows = [{k: v for k, v in row.items() if k != name} | {"x": 1} for row in rows_of()]
    source = make(kind, rows, tmp_path)
    shown = source if isinstance(source, Path) else "the data frame"
    message = refusal(source)
    assert message.startswith(f"{shown}, header: no column {name} (")
    assert f'columns={{"theirs": "{name}"}}' in message
    assert ", x to it" in message


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("W_bits", "w_bits"),
        ("w-bits", "w_bits"),
        ("w bits", "w_bits"),
        ("wBits", "w_bits"),
        ("Stage", "stage"),
        ("Run", "run"),
        ("SEED", "seed"),
        ("loss.full", "loss_full"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_almost_common_names_are_refused(kind: str, name: str, meant: str, tmp_path: Path) -> None:
    rows: Rows = [{**row, name: 4} for row in rows_of()]
    message = refusal(make(kind, rows, tmp_path))
    assert f"header: column {name} is not read as {meant}; rename it to {meant}" in message
    assert meant in bayesq.read_runs(make(kind, rows_of(), tmp_path)).columns


@pytest.mark.parametrize("name", ["n", "Loss", "d", "Perplexity"])
def test_almost_common_names_beside_the_common_ones_are_the_users_own(name: str) -> None:
    runs = bayesq.read_runs(pd.DataFrame([{**row, name: i} for i, row in enumerate(rows_of())]))
    assert runs.columns[name].tolist() == [0, 1, 2]


def test_almost_common_names_of_needed_columns(tmp_path: Path) -> None:
    message = refusal(text_file(tmp_path, "n,D,loss\n1,2,3\n"))
    assert "header: column n is not read as N; rename it to N" in message
    message = refusal(text_file(tmp_path, "N,D,Perplexity\n1,2,3\n"))
    assert "header: column Perplexity is not read as perplexity" in message


@pytest.mark.parametrize(
    ("header", "name"), [("N,D,loss,N", "N"), ("N,D,loss, D ", "D"), ("N,D,loss,x,x", "x")]
)
def test_duplicate_names(header: str, name: str, tmp_path: Path) -> None:
    cells = ",".join("1" for _ in header.split(","))
    path = text_file(tmp_path, f"{header}\n{cells}\n")
    assert refusal(path) == (
        f"{path}, header: column {name} stands there 2 times; rename or drop all but one."
    )


def test_duplicate_names_in_other_kinds(tmp_path: Path) -> None:
    said = "header: column N stands there 2 times; rename or drop all but one."
    assert refusal(pd.DataFrame([[1, 2, 3, 4]], columns=["N", "D", "loss", "N"])).endswith(said)
    path = tmp_path / "runs.parquet"
    pq.write_table(pa.table([[1], [2], [3], [4]], names=["N", "D", "loss", "N"]), path)
    assert refusal(path) == f"{path}, {said}"
    for twice in ('"N":2', '"N ":2', '"N":1'):
        path = text_file(tmp_path, f'{{"N":1,{twice},"D":1,"loss":3}}\n', "runs.jsonl")
        assert refusal(path) == (
            f"{path}, row 1 (line 1), column N: stands there twice; drop one of them."
        )


@pytest.mark.parametrize(
    "text",
    ["N,D,loss,\n1,2,3,x\n", ",N,D,loss\n4,1,2,3\n4,1,2,4\n", ",N,D,loss\nrun-a,1,2,3\n"],
    ids=["text", "repeated", "labels"],
)
def test_nameless_columns_that_hold_something(text: str, tmp_path: Path) -> None:
    path = text_file(tmp_path, text)
    number = text.split("\n")[0].split(",").index("") + 1
    assert refusal(path) == (
        f"{path}, header: column {number} has cells but no name; name it, or drop it."
    )


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "__index_level_0__"])
def test_nameless_columns_of_a_frame(name: str) -> None:
    frame = pd.DataFrame(rows_of())
    expected = bayesq.read_runs(frame).fingerprint
    for labels in ([0, 1, 2], [5, 3, 9], ["0", " 1 ", "2"], [None, math.nan, ""], [10**5000, 1, 2]):
        numbered = frame.assign(**{name: pd.Series(labels, dtype=object)})
        assert bayesq.read_runs(numbered).fingerprint == expected
    for values in ([4, 4, 8], ["a", "b", "c"], [0.5, 1, 2], [True, False, None], [[1], [2], [3]]):
        meant = frame.assign(**{name: pd.Series(values, dtype=object)})
        assert refusal(meant).endswith("column 4 has cells but no name; name it, or drop it.")


def test_renaming(tmp_path: Path) -> None:
    path = text_file(tmp_path, "params,tokens (B),val\n7B,1T,2.5\n")
    runs = bayesq.read_runs(path, {"params": "N", "tokens (B)": "D", "val": "loss"})
    plain = bayesq.read_runs(text_file(tmp_path, "N,D,loss\n7B,1T,2.5\n", "plain.csv"))
    assert runs.fingerprint == plain.fingerprint
    path = text_file(tmp_path, "D,N,loss\n7B,1T,2.5\n")
    assert bayesq.read_runs(path, {"D": "N", "N": "D"}).fingerprint == plain.fingerprint
    path = text_file(tmp_path, 'N,D,"val\n loss"\n7B,1T,2.5\n')
    for theirs in ("val loss", "val\nloss", " val  loss "):
        assert bayesq.read_runs(path, {theirs: " loss"}).fingerprint == plain.fingerprint
    runs = bayesq.read_runs(text_file(tmp_path, "N,D,loss,x\n7B,1T,2.5,1\n"), {"x": "my_own"})
    assert runs.columns["my_own"].tolist() == [1]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"param": "N"}, "header: no column 'param' to rename; did you mean params?"),
        ({"N": "params"}, "header: no column 'N' to rename; valid names: params, D, loss."),
        ({"params": "D"}, "header: column D would stand there 2 times after renaming; rename or"),
        ({"params": "N", "D": "N"}, "header: column N would stand there 2 times after renaming"),
        (
            {"params": "N", "D": "perplexity"},
            "header: both loss and perplexity are given; drop one",
        ),
        ({"params": "N", "D": "Tokens"}, "header: no column D (training tokens seen); rename one"),
        ({"params": "n"}, "header: column n is not read as N; rename it to N"),
    ],
)
def test_bad_renaming(columns: dict[str, str], said: str, tmp_path: Path) -> None:
    path = text_file(tmp_path, "params,D,loss\n7B,1T,2.5\n")
    assert refusal(path, columns).startswith(f"{path}, {said}")


def test_a_header_is_one_line_in_messages(tmp_path: Path) -> None:
    path = text_file(tmp_path, 'N,D,"loss\n(nats)"\n1,2,3\n')
    assert "rename one of N, D, loss (nats) to it" in refusal(path)
    path = text_file(tmp_path, "N,D,lo\x1bss\n1,2,3\n")
    assert r"rename one of N, D, 'lo\x1bss' to it" in refusal(path)


# --- bad files -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("runs.csv", b"", " is empty; write a header with N, D, loss"),
        ("runs.jsonl", b"", " is empty; write a header"),
        ("runs.parquet", b"", " is empty; write a header"),
        ("runs.csv", b"\xef\xbb\xbf", " has no rows; write one row"),
        ("runs.csv", b"\n \n\t\n", " has no rows; write one row"),
        ("runs.jsonl", b"\n\n", " has no rows; write one row"),
        ("runs.csv", b"N,D,loss\n", " has no rows; write one row"),
        ("runs.csv", b"N,D,loss", " has no rows; write one row"),
        ("runs.csv", b"N,D,loss\n,,\n", " has no rows; write one row"),
        ("runs.csv", b"\x89PNG\r\n\x1a\n\0\0", ", line 3: holds binary data, not text; save"),
        ("runs.jsonl", b'{"N":1}\n\0', ", line 2: holds binary data, not text; save"),
        ("runs.csv", b"N,D,loss\n7B,1T,2.5\n\xff,1,2\n", ", line 3: not UTF-8 text (byte 20 "),
        ("runs.csv", "N,D,loss,run\n7B,1T,2.5,\xe9\n".encode("latin-1"), ", line 2: not UTF-8"),
        ("runs.csv", "N,D,loss\n7B,1T,2.5\n".encode("utf-16"), ", line 1: holds binary data"),
        ("runs.csv", gzip.compress(b"N,D,loss\n7B,1T,2.5\n", mtime=0), ", line 1: holds binary"),
        ("runs.csv", b"N;D;loss\n7B;1T;2,5\n", ", header: separated by ';'; save it with commas"),
        ("runs.csv", b'"N";"D";"loss"\n1;2;3\n', ", header: separated by ';'; save it with commas"),
        ("runs.csv", b"\nN\tD\tloss\n1\t2\t3\n", r", header: separated by '\t'; save it with comm"),
        ("runs.csv", b"N|D|loss\n1|2|3\n", ", header: separated by '|'; save it with commas"),
        ("runs.csv", b"N D loss\n1 2 3\n", ", header: no column N (parameters); rename one of"),
        ("runs.csv", b"7B,1T,2.5\n7B,1T,2.6\n", ", header: no column N (parameters); rename one"),
        ("runs.csv", b"N,D,loss\n1,2,3\n4,5\n", ", row 2 (line 3): 2 cells where the header has 3"),
        ("runs.csv", b"N,D,loss\n1,000,2,3\n", ", row 1 (line 2): 4 cells where the header has 3"),
        ("runs.csv", b'N,D,loss\n1,2,3\n1,2,"3\n4,5,6\n', ", row 2 (line 3): unexpected end of"),
        ("runs.csv", b'N,D,loss\n1,2,"3"4\n', ", row 1 (line 2): ',' expected after '\"'; the"),
        ("runs.csv", b'N,D,"loss\n1,2,3\n', ", header: unexpected end of data; the file is cut"),
        ("runs.csv", b"N,D,loss\n1,2," + b"x" * 140_000, ", row 1 (line 2): field larger than"),
        ("runs.parquet", b"PAR1", " is not a whole Parquet file; write it again"),
        ("runs.parquet", b"N,D,loss\n7B,1T,2.5\n", " is not a whole Parquet file; write it again"),
        ("runs.jsonl", b"N,D,loss\n7B,1T,2.5\n", ", row 1 (line 1): not JSON; write one object"),
        ("runs.jsonl", b'[\n{"N":1,"D":1,"loss":2}\n]\n', ", row 1 (line 1): not JSON; write one"),
        ("runs.jsonl", b'[{"N":1,"D":1,"loss":2}]\n', ", row 1 (line 1): not an object; write"),
        ("runs.jsonl", b"3\n", ", row 1 (line 1): not an object; write one JSON object"),
        ("runs.jsonl", b'{"N":1,"D":1,"loss":2}\n\n{"N":1,', ", row 2 (line 3): not JSON; write"),
        ("runs.jsonl", b'{"N":1,"D":1,"loss":2} {"N":2}\n', ", row 1 (line 1): not JSON; write"),
        ("runs.jsonl", b'{"x":' * 50_000 + b"1" + b"}" * 50_000, ", row 1 (line 1): not JSON"),
        ("runs.jsonl", b'{"N":1' + b"0" * 5000 + b"}", ", row 1 (line 1): not JSON; write one"),
        ("runs.jsonl", b"{}\n", ", header: no column N (parameters); rename one of"),
        ("runs.xlsx", b"PK", " ends in '.xlsx'; save the table as one of .csv, .parquet, .jsonl"),
        ("runs.csv.gz", b"\x1f", " ends in '.gz'; save the table as one of .csv"),
        ("runs.json", b"[]", " ends in '.json'; save the table as one of .csv"),
        ("runs", b"N,D,loss\n", " ends in 'no suffix'; save the table as one of .csv"),
    ],
)
def test_bad_files(name: str, data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    assert refusal(path).startswith(f"{path}{said}")
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert path.read_bytes() == data


def test_no_file_at_all(tmp_path: Path) -> None:
    assert refusal(tmp_path) == (
        f"{tmp_path} is a directory; name one file in it, such as {tmp_path / 'runs.csv'}."
    )
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    assert refusal(folder).startswith(f"{folder} is a directory; name one file in it")
    assert refusal(tmp_path / "none.csv").startswith(f"{tmp_path / 'none.csv'} does not exist; ")
    assert refusal(tmp_path / "none.xlsx").startswith(f"{tmp_path / 'none.xlsx'} does not exist; ")
    assert refusal("") == ". is a directory; name one file in it, such as runs.csv."


@pytest.mark.parametrize(
    "path", ["N,D,loss\n1,2,3\n", "a\0.csv", "\ud800.csv", "x" * 5000 + ".csv"]
)
def test_texts_that_are_no_paths(path: str) -> None:
    assert re.search(r" (does not exist; check the path|cannot be read \()", refusal(path))


def test_paths_in_messages_are_one_line(tmp_path: Path) -> None:
    path = text_file(tmp_path, "N,D\n1,2\n", "my\nruns\x07.csv")
    assert "my runs\\x07.csv', header: no column loss" in refusal(path)


def test_an_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = text_file(tmp_path, "N,D,loss\n1,2,3\n")

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert refusal(path) == f"{path} cannot be read (Permission denied); mend its access."


@pytest.mark.parametrize("kept", [4, 40, 0.3, 0.6, 0.9, -1])
def test_truncated_parquet(kept: float, tmp_path: Path) -> None:
    source = make("parquet", rows_of(), tmp_path)
    assert isinstance(source, Path)
    data = source.read_bytes()
    source.write_bytes(data[: int(kept * len(data)) if 0 < kept < 1 else int(kept)])
    assert refusal(source) == (
        f"{source} is not a whole Parquet file; write it again, it may be cut short."
    )


@pytest.mark.parametrize("table", [None, 3, b"runs.csv", [{"N": 1}], {"N": [1]}, np.ones((2, 3))])
def test_what_is_no_table(table: object) -> None:
    assert refusal(table).startswith(
        f"A {type(table).__name__} is not a table of runs; pass a path"
    )


# --- frames and Parquet ----------------------------------------------------------------------


def plain_frame() -> pd.DataFrame:
    return pd.DataFrame(
        {"N": [7e9, 8e9], "D": [10**12, 10**12], "loss": [2.5, 2.4], "run": ["a", None]}
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.convert_dtypes(),
        lambda f: f.convert_dtypes(dtype_backend="pyarrow"),
        lambda f: f.astype({"run": "category"}),
        lambda f: f.astype(object),
        lambda f: f.astype({"N": str, "loss": str}),
        lambda f: f.assign(seed=pd.array([None, None], dtype="Int64")),
        lambda f: f.assign(x=pd.Series([pd.NA, None], dtype=object)),
        lambda f: f.assign(x=pd.NaT),
        lambda f: f.assign(seed=[Decimal("NaN"), Decimal("sNaN")]),
        lambda f: f.set_index("run"),
        lambda f: f.set_index(["run", "N"]),
        lambda f: f.set_index("run", drop=False),
        lambda f: f.set_axis(["x", "y"], axis="index"),
        lambda f: f.set_axis([0, 0], axis="index"),
        lambda f: f[["loss", "run", "D", "N"]],
        lambda f: f.rename(columns={"N": " N\n"}),
        lambda f: f.reset_index(names="Unnamed: 0"),
    ],
)
def test_frames_of_every_make(change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    frame = plain_frame()
    before = frame.copy()
    assert bayesq.read_runs(change(frame)).fingerprint == bayesq.read_runs(frame).fingerprint
    pd.testing.assert_frame_equal(frame, before)


def test_frames_are_not_shared() -> None:
    frame = plain_frame()
    runs = bayesq.read_runs(frame)
    frame.loc[0, "loss"] = 9.0
    runs.frame.loc[0, "loss"] = 9.0
    assert runs.columns["loss"].tolist() == [2.5, 2.4]


def test_frames_name_the_index_label() -> None:
    frame = plain_frame().set_axis(["first\nrow", "b"], axis="index")
    frame.loc["b", "loss"] = 0
    assert refusal(frame).startswith("the data frame, row 2 (index b), column loss: 0.0 is not ")
    frame.loc["first\nrow", "loss"] = 0
    assert refusal(frame).startswith("the data frame, row 1 (index first row), column loss: ")


def test_empty_frames() -> None:
    for frame in (plain_frame()[:0], pd.DataFrame(), pd.DataFrame(index=[1, 2])):
        assert refusal(frame).startswith("The data frame is empty; pass one row")


def test_column_labels_of_several_levels() -> None:
    labels = pd.MultiIndex.from_tuples([("N", "a"), ("D", "a"), ("loss", "a")])
    frame = pd.DataFrame([[1, 2, 3]], columns=labels)
    assert "header: no column N (parameters); rename one of ('N', 'a'), " in refusal(frame)
    columns = {"('N', 'a')": "N", "('D', 'a')": "D", "('loss', 'a')": "loss"}
    assert bayesq.read_runs(frame, columns).columns["loss"].tolist() == [3]


def test_column_labels_that_are_numbers() -> None:
    frame = pd.DataFrame([[1, 2, 3]])
    assert bayesq.read_runs(frame, {"0": "N", "1": "D", "2": "loss"}).columns["D"].tolist() == [2]


@pytest.mark.parametrize("column", ["N", "study", "stage", "seed", "perplexity"])
@pytest.mark.parametrize(
    "value",
    [[1], {"a": 1}, np.ones((2, 2)), np.ones(1), True, np.True_, 1 + 2j, pd.Timestamp("2024-01-01")]
    + [pd.Timedelta("1s"), range(3), object, pd.Series([1, 2]), b"\xff", 10**5000],
    ids=lambda value: type(value).__name__,
)
def test_objects_that_are_no_values(column: str, value: object) -> None:
    cells: dict[str, list[object]] = {"N": [1], "D": [2], "loss": [3.0]}
    if column == "perplexity":
        del cells["loss"]
    cells[column] = [value]
    frame = pd.DataFrame({k: pd.Series(v, dtype=object) for k, v in cells.items()})
    assert refusal(frame).startswith(f"the data frame, row 1 (index 0), column {column}: ")


def test_parquet_written_by_pandas(tmp_path: Path) -> None:
    path = tmp_path / "runs.parquet"
    fingerprint = bayesq.read_runs(plain_frame()).fingerprint
    for frame in (
        plain_frame(),
        plain_frame().set_axis([3, 5], axis="index"),
        plain_frame().astype({"run": "category"}),
        plain_frame().set_index("run"),
        plain_frame().convert_dtypes(),
    ):
        frame.to_parquet(path)
        assert bayesq.read_runs(path).fingerprint == fingerprint
    plain_frame().set_axis(["x", "y"], axis="index").to_parquet(path)
    assert refusal(path) == f"{path}, header: column 5 has cells but no name; name it, or drop it."


def test_parquet_names_are_not_taken_from_folders(tmp_path: Path) -> None:
    folder = tmp_path / "seed=7"
    folder.mkdir()
    source = make("parquet", rows_of(), folder)
    assert np.isnan(bayesq.read_runs(source).columns["seed"]).all()


def test_parquet_with_nested_and_unreadable_columns(tmp_path: Path) -> None:
    path = tmp_path / "runs.parquet"
    cells: dict[str, Any] = {"N": [7e9], "D": [1e12], "loss": [2.5]}
    pq.write_table(pa.table(cells | {"x": [{"a": [1, 2]}]}), path)
    assert bayesq.read_runs(path).columns["x"].tolist() == ["{'a': [1, 2]}"]
    pq.write_table(pa.table(cells | {"N": [{"a": 1}]}), path)
    assert refusal(path).startswith(f"{path}, row 1, column N: {{'a': 1}} is not a number")
    pq.write_table(pa.table(cells | {"x": pa.array([10**9], pa.date32())}), path)
    assert refusal(path).startswith(f"{path}, column x: cells of type date32[day] cannot be read; ")
    pq.write_table(pa.table(cells)[:0], path)
    assert refusal(path).startswith(f"{path} has no rows; ")


# --- columns of the user's own -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "2.5"], [1.0, 2.5]),
        (["1e3", " 7 "], [1000.0, 7.0]),
        (["1", "x"], ["1", "x"]),
        (["7B", "8B"], ["7B", "8B"]),
        (["True", "False"], ["True", "False"]),
        (["2024_01", "2024_02"], ["2024_01", "2024_02"]),
        (["12345678901234567891", "1"], ["12345678901234567891", "1"]),
        (["9007199254740993", "9007199254740992"], ["9007199254740993", "9007199254740992"]),
        (["2024-01-01", "x y"], ["2024-01-01", "x y"]),
        (["inf", "1"], [math.inf, 1.0]),
        (["😀", ""], ["😀", ""]),
    ],
)
def test_own_columns_are_kept(cells: list[str], values: list[object], tmp_path: Path) -> None:
    rows = [{**row, "own": cell} for row, cell in zip(rows_of(2), cells, strict=True)]
    assert bayesq.read_runs(make("csv", rows, tmp_path)).columns["own"].tolist() == values


@pytest.mark.parametrize("name", ["model_config", "__class__", "self", "copy", "perplexity_x", "é"])
def test_own_columns_of_any_name(name: str, tmp_path: Path) -> None:
    rows = [{**row, name: i} for i, row in enumerate(rows_of())]
    for kind in KINDS:
        assert bayesq.read_runs(make(kind, rows, tmp_path)).columns[name].tolist() == [0, 1, 2]


@pytest.mark.parametrize("value", [[1, [2]], {"a": None}, 10**400, True, np.ones((2, 2))])
def test_own_columns_of_any_type(value: object) -> None:
    frame = pd.DataFrame(rows_of(1)).assign(own=pd.Series([value], dtype=object))
    runs = bayesq.read_runs(frame)
    assert runs.columns["own"].tolist() == [str(value)]
    assert len(runs.fingerprint) == 64
    said = refusal(frame.assign(own=pd.Series([10**5000], dtype=object)))
    assert "row 1 (index 0), column own: a int too long or too deeply nested" in said


def test_half_a_character_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_text('{"N": 1e9, "D": 1e11, "loss": 2.5, "method": "\\ud800"}\n')
    assert "row 1 (line 1), column method: '\\ud800' holds half a character" in refusal(path)


# --- pairing, clusters, fingerprint ------------------------------------------------------------


def paired(*rows: dict[str, Any]) -> Runs:
    base = {"study": "s", "corpus": "c", "N": 1e9, "D": 1e11, "stage": "none"}
    return bayesq.read_runs(
        pd.DataFrame([{**base, "loss": 2 + i / 10, **row} for i, row in enumerate(rows)])
    )


QUANTIZED = {"stage": "post", "w_bits": 4}


@pytest.mark.parametrize(
    "change", [{"study": "t"}, {"corpus": "d"}, {"N": 2e9}, {"D": 2e11}, {"study": None}]
)
def test_partners_share_study_corpus_and_counts(change: dict[str, Any]) -> None:
    assert paired({}, QUANTIZED).partner.tolist() == [-1, 0]
    runs = paired({}, QUANTIZED | change)
    assert runs.partner.tolist() == [-1, -1]
    assert np.isnan(runs.columns["loss_full"]).all()


def test_partner_of_the_same_run_then_seed_then_the_first() -> None:
    full: list[dict[str, Any]] = [
        {"run": "a", "seed": 0},
        {"run": "b", "seed": 1},
        {"run": "c", "seed": 1},
    ]
    for given, partner in (
        ({"run": "c", "seed": 0}, 2),
        ({"run": "c"}, 2),
        ({"run": "x", "seed": 1}, 1),
        ({"seed": 1}, 1),
        ({"run": "x", "seed": 9}, 0),
        ({}, 0),
    ):
        assert paired(*full, QUANTIZED | given).partner.tolist() == [-1, -1, -1, partner]
        assert paired(QUANTIZED | given, *full).partner.tolist() == [partner + 1, -1, -1, -1]


def test_partners_of_rows_without_run_or_seed() -> None:
    assert paired({"seed": 3}, {}, QUANTIZED).partner.tolist() == [-1, -1, 0]
    assert paired({"run": "a"}, {"seed": 3}, QUANTIZED).partner.tolist() == [-1, -1, 0]


@pytest.mark.parametrize(
    ("cells", "quantized"),
    [
        ({}, False),
        ({"stage": None}, False),
        ({"stage": "post"}, True),
        ({"stage": "train"}, True),
        ({"w_bits": 15.99}, True),
        ({"a_bits": 8}, True),
        ({"kv_bits": 4}, True),
        ({"grad_bits": 8}, True),
        ({"fc2_a_bits": 8}, True),
        ({"sparsity": 0.5}, True),
        ({"w_bits": 16, "a_bits": 32, "sparsity": 0, "fc2_a_bits": 16}, False),
    ],
)
def test_what_counts_as_quantized(cells: dict[str, Any], quantized: bool) -> None:
    runs = paired({}, cells)
    assert runs.quantized.tolist() == [False, quantized]
    assert runs.partner.tolist() == [-1, 0 if quantized else -1]


def test_loss_full_is_filled_and_what_the_table_says_stands() -> None:
    runs = paired({}, QUANTIZED, QUANTIZED | {"loss_full": 1.5}, {"N": 5, "w_bits": 4})
    np.testing.assert_array_equal(runs.columns["loss_full"], [math.nan, 2.0, 1.5, math.nan])
    np.testing.assert_array_equal(runs.frame["loss_full"], runs.columns["loss_full"])


def test_counts_in_other_words_are_paired(tmp_path: Path) -> None:
    text = "N,D,loss,w_bits\n4.1B,1T,2.5,16\n4100M,1000B,2.7,4\n4.1e9,1e12,2.8,3\n"
    assert bayesq.read_runs(text_file(tmp_path, text)).partner.tolist() == [-1, 0, 0]


def test_clusters() -> None:
    runs = paired(
        {"run": "b"}, {"run": "a"}, {"run": "b"}, {"run": "b", "study": "t"}, {}, {}, {"run": "a"}
    )
    assert runs.cluster.tolist() == [0, 1, 0, 2, 3, 4, 1]


def test_fingerprint_is_of_the_cells() -> None:
    frame = plain_frame()
    fingerprint = bayesq.read_runs(frame).fingerprint
    assert re.fullmatch("[0-9a-f]{64}", fingerprint)
    same = (
        frame.copy(),
        frame[["run", "loss", "D", "N"]],
        frame.assign(x=math.nan, y=None, z=""),
        frame.assign(w_bits=16, sparsity=0.0, seed=None),
    )
    for other in same:
        assert bayesq.read_runs(other).fingerprint == fingerprint
    changed = (
        frame[:1],
        frame[::-1],
        frame.assign(loss=[2.5, np.nextafter(2.4, 3)]),
        frame.assign(N=[8e9, 7e9]),
        frame.assign(N=frame["D"], D=frame["N"]),
        frame.assign(run=["a", "b"]),
        frame.assign(run=["", "a"]),
        frame.assign(seed=[0, math.nan]),
        frame.assign(x=1),
        frame.assign(x=[math.nan, 1]),
        frame.assign(y=1),
        frame.assign(x="1 "),
        frame.rename(columns={"run": "study"}),
    )
    prints = [bayesq.read_runs(other).fingerprint for other in changed]
    assert fingerprint not in prints
    # x = 1 and x = "1 " are one table to a CSV file, which cannot tell numbers from text.
    assert len(set(prints)) == len(prints) - 1


def test_fingerprint_is_the_same_in_every_kind(tmp_path: Path) -> None:
    frame = pd.read_csv(GRID)[:200]
    frame = frame.assign(flag=frame["w_bits"] > 4, lr=1 / frame["loss"], count=2**60, note="ü, \n")
    expected = bayesq.read_runs(frame).fingerprint
    frame.to_csv(tmp_path / "a.csv")
    frame.to_csv(tmp_path / "b.csv", index=False)
    frame.to_parquet(tmp_path / "c.parquet")
    rows = [{k: v for k, v in row.items() if v == v} for row in frame.to_dict("records")]
    (tmp_path / "d.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    for path in sorted(tmp_path.iterdir()):
        assert bayesq.read_runs(path).fingerprint == expected, path.name


def test_fingerprint_does_not_change_from_one_version_to_the_next(tmp_path: Path) -> None:
    path = text_file(tmp_path, "N,D,loss,run\n7B,1T,2.5,a\n")
    assert (
        bayesq.read_runs(path).fingerprint
        == "768ccc2a532cda51b4c78d4068ad6c051a67d4d2d7a64a8ed7f440c4eaaa5659"
    )


# --- select and repr ---------------------------------------------------------------------------


def test_select_by_expression_and_by_mask() -> None:
    runs = paired({}, QUANTIZED, {"w_bits": 8}, QUANTIZED | {"run": "a b"})
    for choice in (
        "w_bits == 4",
        "w_bits <= 4 and stage == 'post'",
        "not (w_bits > 4)",
        "w_bits in [2, 4]",
        np.array([False, True, False, True]),
        [False, True, False, True],
        pd.Series([False, True, False, True]),
    ):
        kept = runs.select(choice)  # type: ignore[arg-type]
        assert kept.columns["loss"].tolist() == [2.1, 2.3]
        assert kept.columns["loss_full"].tolist() == [2.0, 2.0], "even without the partner's row"
        assert kept.partner.tolist() == [-1, -1]
        assert kept.cluster.tolist() == [0, 1]
        assert len(kept.frame) == len(kept) == 2
    assert len(runs) == 4
    assert runs.select("w_bits == 4").source == "the data frame where w_bits == 4"
    assert runs.select(np.array([True] * 4)).source == "the data frame"
    assert runs.select("loss > 0").fingerprint == runs.fingerprint
    assert runs.select("w_bits == 4").fingerprint != runs.fingerprint


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("w_bit == 4", "names an unknown column w_bit; did you mean w_bits"),
        ("@w_bits == 4", "names an unknown column w_bits; did you mean w_bits"),
        ("loss", "is not a comparison; write it like 'w_bits <= 4'"),
        ("1 < 2", "is not a comparison; write it like"),
        ("True", "is not a comparison; write it like"),
        ("x = loss", "is not a comparison; write it like"),
        ("loss >", "cannot be read as a choice of rows; write it like"),
        ("", "cannot be read as a choice of rows; write it like"),
        ("\0", "cannot be read as a choice of rows; write it like"),
        ("loss > 'a'", "cannot be read as a choice of rows; write it like"),
        ("loss > [1, 2, 3]", "cannot be read as a choice of rows; write it like"),
        ("loss[99] > 1", "cannot be read as a choice of rows; write it like"),
        ("loss.nothing", "cannot be read as a choice of rows; write it like"),
        ("1 / 0 > loss", "cannot be read as a choice of rows; write it like"),
        ("lambda x: 3", "cannot be read as a choice of rows; write it like"),
        ("f'{loss}'", "cannot be read as a choice of rows; write it like"),
        ("__import__('os')", "cannot be read as a choice of rows; write it like"),
        ("loss > 100", "keeps none of the 2 rows of the data frame; widen the choice"),
        (np.array([False, False]), "The mask keeps none of the 2 rows of the data frame; widen"),
        (np.array([True]), "The mask has shape (1,) and type bool; pass one truth value for each"),
        (np.array([0, 1]), "The mask has shape (2,) and type int64; pass one truth value for each"),
        ([True, None], "The mask has shape (2,) and type object; pass one truth value for each"),
    ],
)
def test_bad_choices(choice: str, said: str) -> None:
    runs = paired({}, QUANTIZED)
    with pytest.raises(BayesqError) as caught:
        runs.select(choice)
    message = str(caught.value)
    assert message.isprintable()
    assert said in message
    assert message.endswith(".")
    if isinstance(choice, str):
        assert message.startswith(repr(choice))


def test_repr() -> None:
    runs = paired({"run": "a"}, QUANTIZED | {"run": "a"}, {"N": 7e9, "D": 15e12})
    assert repr(runs) == (
        "<Runs: 3 rows (1 quantized) of 2 runs, N 1B to 7B, D 100B to 15T, from the data frame>"
    )
