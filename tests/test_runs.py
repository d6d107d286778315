"""Tables that the reader takes, and what it makes of them."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq.runs.counts import format_count, parse_count
from bayesq.runs.schema import BITS, NUMERIC, TEXT, Row
from tables import (
    GRID,
    KINDS,
    Rows,
    make,
    place,
    refusal,
    rows_of,
    text_file,
)

pytestmark = pytest.mark.filterwarnings("error")

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


def test_needs_only_few_columns_and_fills_the_rest(tmp_path: Path) -> None:
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
    "word",
    ["", " ", "NA", "n/a", "NaN", "nan", "null", "NULL", "None", "<NA>", "-", "\u2014", "\u2013"],
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
        ("125,000,000", 125e6),
        ("1,000,000.5", 1000000.5),
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
    [
        "7BB",
        "B",
        "7 billion",
        "1,000",
        "1,00,000",
        "1 000",
        "1'000",
        "50%",
        "7e9B",
        "7Q",
        "0x10",
        "1/2",
    ]
    + ["7-8B", "~7B", "\u22127B", "7B params", "2024-01-01", "7;0", "--7", "1e", "1.2.3"],
)
@pytest.mark.parametrize("column", ["N", "D"])
def test_texts_that_are_no_counts(text: str, column: str, tmp_path: Path) -> None:
    rows = rows_of()
    rows[1][column] = text
    source = make("csv", rows, tmp_path)
    expected = f"{place(source, 2)}, column {column}: {text!r} "
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
        (999.6e12, "1000T"),
        (1.5e15, "1500T"),
        (1e18, "1e+18"),
        (2048, "2.05k"),
        (999, "999"),
        (1.5, "1.5"),
    ],
)
def test_format_count(value: float, text: str) -> None:
    assert format_count(value) == text


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
