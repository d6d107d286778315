"""Tables that the reader refuses, and in which words."""

from __future__ import annotations

import gzip
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import bayesq
from bayesq.runs.schema import BITS
from tables import (
    KINDS,
    Rows,
    make,
    place,
    refusal,
    rows_of,
    text_file,
)

pytestmark = pytest.mark.filterwarnings("error")


def packed(data: bytes) -> bytes:
    """Pack without the time, which would name the tests otherwise in each worker."""
    return gzip.compress(data, mtime=0)


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
    *((bits, "nf4", "is not a number; write 1 to 32 bits") for bits in BITS),
    *((bits, "int0", "is below 1; write 1 to 32 bits") for bits in BITS),
    ("w_bits", "A8", "names another operand than w_bits; write a plain number"),
    ("a_bits", "W8", "names another operand than a_bits; write a plain number"),
    ("w_bits", "Q4_K_M", "is not a number; write 1 to 32 bits"),
    ("N", "1,500", "can be thousands or a decimal number; write a plain number"),
    ("w_bits", 0.99, "is below 1; write 1 to 32 bits"),
    ("w_bits", -4, "is below 1; write 1 to 32 bits"),
    ("w_bits", 32.01, "is above 32; write 1 to 32 bits"),
    ("w_bits", math.inf, "is not finite; write 1 to 32 bits"),
    ("w_bits", True, "is not a number; write 1 to 32 bits"),
    ("fc2_a_bits", 64, "is above 32; write a number (bits of the FC2 input"),
    ("sparsity", 1, "is not below 1; write a number (share of zero weights) such as 0.5 or 50%"),
    ("sparsity", 50, "is not below 1; write a number (share of zero weights) such as 0.5"),
    ("sparsity", "100%", "is not below 1; write a number (share of zero weights)"),
    ("sparsity", "32:16", "is not a number; write a number (share of zero weights)"),
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
    assert message.endswith(
        "write exp(loss in nats per token), or leave the row out with skip_bad=True (--skip-bad)."
    )


def test_a_perplexity_too_large_for_a_float() -> None:
    frame = pd.DataFrame({"N": [1], "D": [1], "perplexity": pd.Series([10**400], dtype=object)})
    assert "column perplexity: 1000000000000000000000000000000000000... is not a" in refusal(frame)


def test_all_bad_cells_are_counted() -> None:
    frame = pd.DataFrame({"N": [-1, 1e9, 0], "D": 1e12, "loss": [2.5, math.inf, 2.4]})
    assert refusal(frame) == (
        "the data frame, row 1 (index 0), column N: -1.0 is not above 0; row 2 (index 1), column "
        "loss: inf is not finite; row 3 (index 2), column N: 0.0 is not above 0; in all 3 cells of "
        "3 rows cannot be read (N is not above 0: 2, loss is not finite: 1); mend them, or leave "
        "their rows out with skip_bad=True (--skip-bad)."
    )
    long = pd.DataFrame({"N": ["x"] * 30, "D": 1e12, "loss": range(1, 31)})
    message = refusal(long)
    assert message.count("is not a number") == 21
    assert "; and 10 more; in all 30 cells of 30 rows cannot be read (N is not a n" in message


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
@pytest.mark.parametrize("name", ["N", "loss"])
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
def test_almost_common_names_are_read_and_told(name: str, meant: str) -> None:
    rows: Rows = [{**row, name: cell} for row, cell in zip(rows_of(2), ("4", ""), strict=True)]
    if meant == "stage":
        rows[0][name] = "post"
    runs = bayesq.read_runs(pd.DataFrame(rows))
    told = [note for note in runs.notes if note.code == "columns-read-as"]
    assert [f"{name} as {meant}" in note.message for note in told] == [True]
    assert str(runs.columns[meant][0]) in ("4", "4.0", "post")
    assert name not in runs.columns


@pytest.mark.parametrize("name", ["n", "Loss", "d", "Perplexity"])
def test_almost_common_names_beside_the_common_ones_are_the_users_own(name: str) -> None:
    runs = bayesq.read_runs(pd.DataFrame([{**row, name: i} for i, row in enumerate(rows_of())]))
    assert runs.columns[name].tolist() == [0, 1, 2]


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
            "row 1 (line 2), column D (read as perplexity): '1T' is not a number above 1",
        ),
        ({"params": "size"}, "header: no column N (parameters); rename one"),
    ],
)
def test_bad_renaming(columns: dict[str, str], said: str, tmp_path: Path) -> None:
    path = text_file(tmp_path, "params,D,loss\n7B,1T,2.5\n")
    assert refusal(path, columns).startswith(f"{path}, {said}")


def test_a_header_is_one_line_in_messages(tmp_path: Path) -> None:
    path = text_file(tmp_path, 'N,D,"loss\n(bans)"\n1,2,3\n')
    assert "rename loss (bans) to it" in refusal(path)
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
        ("runs.csv", "N,D,loss\n".encode("utf-16")[:-1], ", line 1: begins like UTF-16 text and"),
        (
            "runs.csv",
            packed(b"N,D,loss\n7B,1T,2.5\n")[:20],
            " is not a whole gzip file",
        ),
        ("runs.csv.gz", packed(b""), " is empty; write a header"),
        (
            "runs.csv.gz",
            packed(b"\0" * 202_000_000),
            " holds more than 192 MB, more than a",
        ),
        ("runs.csv", b"N D loss\n1 2 3\n", ", header: no column N (parameters); rename N D"),
        ("runs.csv", b"7B,1T,2.5\n7B,1T,2.6\n", ", header: no column N (parameters); rename one"),
        ("runs.csv", b"N,D,loss\n1,2,3\n4,5\n", ", row 2 (line 3): 2 cells where the header has 3"),
        (
            "runs.csv",
            b"N;D;loss\n1;2;3\n1,2,3\n",
            ", row 2 (line 3): 1 cell where the header has 3, since it is separated by ',' and not "
            "';'; ",
        ),
        (
            "runs.csv",
            b"N;D;loss\n1;2;3\n1,2\n",
            ", row 2 (line 3): 1 cell where the header has 3; ",
        ),
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
        ("runs.xlsx", b"PK", " ends in '.xlsx'; save the table as one of .csv, .tsv, .parquet"),
        ("runs.csv.gz", b"\x1f\x8b", " is not a whole gzip file; write it again"),
        ("runs.xlsx.gz", b"\x1f", " ends in '.gz'; save the table as one of .csv"),
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

    def refuse(self: Path, mode: str) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
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
