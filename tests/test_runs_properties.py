"""Malformed tables, thrown at the reader: it reads them or says in one sentence what is wrong."""

from __future__ import annotations

import csv
import io
import json
import math
import string
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

import bayesq
from bayesq.errors import BayesqError
from bayesq.runs.counts import format_count, parse_count
from bayesq.runs.records import is_missing
from bayesq.runs.runs import Runs
from bayesq.runs.schema import BITS, NUMERIC, TEXT, Row

pytestmark = pytest.mark.filterwarnings("error")


def tries(number: int) -> settings:
    """Try so many examples, the same ones each time and however slow."""
    slow = [HealthCheck.too_slow]
    return settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=slow,
    )


SUFFIXES = ("csv", "jsonl", "ndjson", "parquet")
COLUMNS = [*Row.model_fields, "perplexity", "params", "note", "", " N", "w-bits", "Unnamed: 0"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


def attempt(source: Path | pd.DataFrame, columns: dict[str, str] | None = None) -> Runs | None:
    """Read a table, or see it refused in one line; anything else is a failure."""
    try:
        runs = bayesq.read_runs(source, columns)
    except BayesqError as error:
        message = str(error)
        assert message.isprintable()
        assert message.endswith(".")
        return None
    assert_sound(runs)
    return runs


def assert_sound(runs: Runs) -> None:
    """Check what every table that was let in must be."""
    columns = runs.columns
    assert all(len(values) == len(runs) > 0 for values in columns.values())
    for name in ("N", "loss"):
        assert np.isfinite(columns[name]).all()
        assert (columns[name] > 0).all()
    assert not (columns["D"] <= 0).any()
    for name in BITS:
        assert ((columns[name] >= 1) & (columns[name] <= 32)).all()
    for name in NUMERIC:
        assert columns[name].dtype == float
        assert not np.isinf(columns[name]).any()
    for name in TEXT:
        assert all(isinstance(cell, str) and cell == cell.strip() for cell in columns[name])
    assert len(runs.fingerprint) == 64
    assert len(runs.frame) == len(runs.partner) == len(runs.cluster) == len(runs)
    assert " row" in repr(runs)


# --- tables that are good ----------------------------------------------------------------------

positive = st.floats(1e-3, 1e15, allow_subnormal=False)
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)


def kept(text: str) -> bool:
    return not is_missing(text) and text == text.strip()


def maybe(cells: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | cells


@st.composite
def tables(draw: st.DrawFn, max_rows: int = 5) -> list[dict[str, Any]]:
    """Draw rows that hold nothing wrong."""
    text = words.filter(kept)
    count = draw(st.integers(1, max_rows))
    cells: dict[str, st.SearchStrategy[Any]] = {
        "N": st.sampled_from([1e6, 7e9, 8.03e9]) | positive,
        "D": st.sampled_from([1e9, 15e12]) | positive,
        "loss": st.floats(0.1, 20),
        "study": maybe(text),
        "run": maybe(text),
        "stage": maybe(st.sampled_from(["none", "train", "post"])),
        "w_kind": maybe(st.sampled_from(["int", "fp", "mxfp", "nvfp"])),
        "w_bits": st.sampled_from([1.58, 2.0, 4.0, 8.0, 16.0]),
        "w_group": maybe(st.sampled_from([-1.0, 32.0, 128.0])),
        "sparsity": maybe(st.sampled_from([0.0, 0.5])),
        "seed": maybe(st.integers(0, 2**53 - 1).map(float)),
        "loss_se": maybe(st.floats(1e-6, 1)),
        "loss_full": maybe(st.floats(0.1, 20)),
        "corpus": maybe(text),
        "note": text.map(lambda word: f"x{word}"),
        "lr": maybe(st.floats(allow_nan=False, allow_infinity=False)),
    }
    wanted = draw(st.lists(st.sampled_from(sorted(cells)), unique=True))
    header = draw(st.permutations(sorted({"N", "D", "loss", *wanted})))
    rows = [{name: draw(cells[name]) for name in header} for _ in range(count)]
    assume(attempt(pd.DataFrame(rows, columns=header, dtype=object)) is not None)
    return rows


def to_csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def to_json_lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def to_parquet(rows: list[dict[str, Any]]) -> bytes:
    # A Parquet column has one type.
    mixed = {
        name
        for name in rows[0]
        if any(isinstance(row[name], str) for row in rows)
        or len({type(row[name]) for row in rows} - {type(None)}) > 1
    }
    table = pa.table(
        {
            name: [
                str(row[name]) if name in mixed and row[name] is not None else row[name]
                for row in rows
            ]
            for name in rows[0]
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


WRITERS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    "csv": to_csv,
    "jsonl": to_json_lines,
    "parquet": to_parquet,
}


def write(kind: str, rows: list[dict[str, Any]], folder: Path) -> Path:
    path = folder / f"runs.{kind}"
    path.write_bytes(WRITERS[kind](rows))
    return path


@tries(50)
@given(rows=tables())
def test_every_kind_has_one_fingerprint(rows: list[dict[str, Any]], folder: Path) -> None:
    frame = pd.DataFrame(rows, columns=list(rows[0]), dtype=object)
    expected = bayesq.read_runs(frame)
    assert_sound(expected)
    for kind in WRITERS:
        runs = bayesq.read_runs(write(kind, rows, folder))
        assert runs.fingerprint == expected.fingerprint, kind
        np.testing.assert_array_equal(runs.partner, expected.partner)
        np.testing.assert_array_equal(runs.cluster, expected.cluster)
    typed = frame.infer_objects()
    assert bayesq.read_runs(typed).fingerprint == expected.fingerprint
    assert bayesq.read_runs(typed[sorted(rows[0])]).fingerprint == expected.fingerprint
    for index in (True, False):
        typed.to_csv(folder / "pandas.csv", index=index)
        assert bayesq.read_runs(folder / "pandas.csv").fingerprint == expected.fingerprint
    typed.to_parquet(folder / "pandas.parquet")
    assert bayesq.read_runs(folder / "pandas.parquet").fingerprint == expected.fingerprint


@tries(50)
@given(rows=tables())
def test_what_was_read_can_be_read_again(rows: list[dict[str, Any]], folder: Path) -> None:
    runs = bayesq.read_runs(write("jsonl", rows, folder))
    assert bayesq.read_runs(runs.frame).fingerprint == runs.fingerprint
    runs.frame.to_csv(folder / "again.csv", index=False)
    assert bayesq.read_runs(folder / "again.csv").fingerprint == runs.fingerprint
    runs.frame.to_parquet(folder / "again.parquet")
    assert bayesq.read_runs(folder / "again.parquet").fingerprint == runs.fingerprint


@tries(50)
@given(rows=tables(), data=st.data())
def test_a_changed_number_changes_the_fingerprint(
    rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    frame = pd.DataFrame(rows, columns=list(rows[0]), dtype=object)
    runs = bayesq.read_runs(frame)
    row = data.draw(st.sampled_from(rows))
    name = data.draw(st.sampled_from(["N", "D", "loss"]))
    row[name] = math.nextafter(row[name], math.inf)
    changed = attempt(pd.DataFrame(rows, dtype=object))
    assert changed is None or changed.fingerprint != runs.fingerprint


@tries(50)
@given(rows=tables(max_rows=8))
def test_partners(rows: list[dict[str, Any]]) -> None:
    runs = bayesq.read_runs(pd.DataFrame(rows, columns=list(rows[0]), dtype=object))
    cells = [runs.columns[name] for name in ("study", "corpus", "N", "D")]
    rate, run = runs.columns.get("lr", np.full(len(runs), np.nan)), runs.columns["run"]
    for i, partner in enumerate(runs.partner):
        alike = np.all([values == values[i] for values in cells], axis=0) & ~runs.quantized
        own = alike & (run == run[i]) & (run != "")
        recipe = (rate == rate[i]) | np.isnan(rate) | np.isnan(rate[i])
        if not runs.quantized[i]:
            assert partner == -1
        elif partner == -1:
            assert not (own | (alike & recipe)).any()
        else:
            assert (own if own.any() else alike & recipe)[partner]


@tries(50)
@given(rows=tables(), data=st.data())
def test_any_mask_of_rows(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    runs = bayesq.read_runs(pd.DataFrame(rows, columns=list(rows[0]), dtype=object))
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(runs), max_size=len(runs))))
    assume(mask.any())
    selected = runs.select(mask)
    assert_sound(selected)
    for name, values in runs.columns.items():
        np.testing.assert_array_equal(selected.columns[name], values[mask])


# --- one thing wrong ---------------------------------------------------------------------------

NO_NUMBER = ["x", "1,5", "7-8", "5%%", "inf", "-Infinity", "1e999", "\u22121", "0x1", "1 2", "[1]"]
NOT_ABOVE_0 = [0, -1, -0.5, "0", "-7", math.inf]
WRONG: dict[str, list[Any]] = {
    "N": [*NO_NUMBER, *NOT_ABOVE_0, "-7B", "0M", "7BB", "1,500", "", "nan", "\u2014", None],
    "D": [*NO_NUMBER, *NOT_ABOVE_0, "-7B", "0M", "7BB", "1,500"],
    "loss": [*NO_NUMBER, *NOT_ABOVE_0, "2B", "", "NaN", None],
    **dict.fromkeys(("loss_se", "loss_full"), [*NO_NUMBER, *NOT_ABOVE_0]),
    **dict.fromkeys(BITS, [*NO_NUMBER, *NOT_ABOVE_0, 0.9, 32.1, "33", "40bit", 1e300]),
    "sparsity": [*NO_NUMBER, 1, -0.1, "1.5", math.inf],
    "seed": [*NO_NUMBER, 2.0**53, -(2**60), "1e16"],
    **dict.fromkeys(("w_group", "a_group"), [*NO_NUMBER, 0, -2, 1.5, "0.1"]),
    **dict.fromkeys(("w_kind", "a_kind"), ["INT", "int4", "0", "fp8"]),
    "stage": ["Post", "None", "NONE", "ptq", "0"],
}


@tries(80)
@given(rows=tables(), data=st.data())
def test_one_wrong_cell_is_named(
    rows: list[dict[str, Any]], data: st.DataObject, folder: Path
) -> None:
    column = data.draw(st.sampled_from(sorted(WRONG)))
    row = data.draw(st.integers(0, len(rows) - 1))
    for cells in rows:
        cells.setdefault(column, None)
    rows[row][column] = data.draw(st.sampled_from(WRONG[column]))
    if column in ("w_kind", "a_kind", "w_group", "a_group"):
        for cells in rows:
            cells.setdefault(f"{column[0]}_bits", 4.0)
    lines = 1 + to_csv(rows[:row] or [dict.fromkeys(rows[0])]).decode().count("\n")
    assume("\r" not in "".join(str(cell) for cells in rows for cell in cells.values()))
    places = {
        "csv": f"row {row + 1} (line {lines if row else 2})",
        "jsonl": f"row {row + 1} (line {row + 1})",
        "parquet": f"row {row + 1}",
    }
    for kind, place in places.items():
        path = write(kind, rows, folder)
        with pytest.raises(BayesqError) as caught:
            bayesq.read_runs(path)
        assert str(caught.value).startswith(f"{path}, {place}, column {column}: ")
    with pytest.raises(BayesqError) as caught:
        bayesq.read_runs(pd.DataFrame(rows, columns=list(rows[0]), dtype=object))
    expected = f"the data frame, row {row + 1} (index {row}), column {column}: "
    assert str(caught.value).startswith(expected)


@tries(50)
@given(rows=tables(), data=st.data())
def test_a_repeated_row_is_named(
    rows: list[dict[str, Any]], data: st.DataObject, folder: Path
) -> None:
    row = data.draw(st.integers(0, len(rows) - 1))
    for kind in WRITERS:
        path = write(kind, [*rows, rows[row]], folder)
        with pytest.raises(BayesqError) as caught:
            bayesq.read_runs(path)
        message = str(caught.value)
        assert message.startswith(f"{path}, row {len(rows) + 1}")
        assert f"every column equals row {row + 1}" in message


@tries(80)
@given(rows=tables(), data=st.data())
def test_a_truncated_file_is_refused_or_whole_up_to_its_last_cell(
    rows: list[dict[str, Any]], data: st.DataObject, folder: Path
) -> None:
    for kind, writer in WRITERS.items():
        whole = writer(rows)
        path = folder / f"cut.{kind}"
        path.write_bytes(whole)
        runs = bayesq.read_runs(path)
        end = data.draw(st.integers(0, len(whole) - 1), label=f"end of {kind}")
        path.write_bytes(whole[:end])
        cut = attempt(path)
        assert kind != "parquet" or cut is None
        if cut is None:
            continue
        # Pairing fills loss_full from rows that may be gone.
        for name in rows[0].keys() - {"loss_full"}:
            sure = len(cut) - (name == list(rows[0])[-1] and kind == "csv")
            np.testing.assert_array_equal(cut.columns[name][:sure], runs.columns[name][:sure])


# --- anything at all ---------------------------------------------------------------------------


@tries(200)
@given(data=st.binary(max_size=200), suffix=st.sampled_from(SUFFIXES))
@example(data=b"\xff\xfeN\0", suffix="csv")
@example(data=b"PAR1\0\0\0\0PAR1", suffix="parquet")
@example(data=b'"', suffix="csv")
def test_any_bytes(data: bytes, suffix: str, folder: Path) -> None:
    path = folder / f"any.{suffix}"
    path.write_bytes(data)
    attempt(path)


@tries(80)
@given(rows=tables(), data=st.data(), kind=st.sampled_from(sorted(WRITERS)))
def test_a_file_with_some_bytes_changed(
    rows: list[dict[str, Any]], data: st.DataObject, kind: str, folder: Path
) -> None:
    whole = bytearray(WRITERS[kind](rows))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    path = folder / f"changed.{kind}"
    path.write_bytes(whole)
    attempt(path)


cells_of_a_spreadsheet = st.one_of(
    words,
    st.sampled_from(
        ["", "7B", "1.5e9", "2.5", "4", "16", "int", "post", "nan", "-1", "1e400", "0"]
    ),
    st.integers().map(str),
    st.floats().map(str),
)


@tries(80)
@given(
    header=st.permutations(["N", "D", "loss"]).flatmap(
        lambda needed: st.lists(st.sampled_from(COLUMNS) | words, max_size=4).map(
            lambda more: [*needed, *more]
        )
    ),
    data=st.data(),
    mark=st.sampled_from([",", ",", ",", ";", "\t"]),
)
def test_any_cells(header: list[str], data: st.DataObject, mark: str, folder: Path) -> None:
    width = st.integers(len(header) - 1, len(header) + 1) | st.just(len(header))
    rows = data.draw(
        st.lists(
            width.flatmap(lambda n: st.lists(cells_of_a_spreadsheet, min_size=n, max_size=n)),
            max_size=4,
        )
    )
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=mark).writerows([header, *rows])
    path = folder / "cells.csv"
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    attempt(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
json_rows = st.dictionaries(st.sampled_from(COLUMNS) | st.text(max_size=3), json_values, max_size=5)


@tries(80)
@given(
    rows=st.lists(
        st.builds(
            lambda row, needed: row | needed,
            json_rows,
            st.fixed_dictionaries({}, optional=dict.fromkeys(("N", "D", "loss"), positive)),
        )
        | json_values,
        max_size=4,
    ),
    plain=st.booleans(),
)
def test_any_json(rows: list[Any], plain: bool, folder: Path) -> None:
    path = folder / "json.jsonl"
    text = "\n".join(json.dumps(row, ensure_ascii=plain) for row in rows)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    attempt(path)


objects = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -(10**5000), 2**53, 2**63, "9" * 400]),
    st.floats(),
    st.complex_numbers(),
    st.decimals(),
    st.fractions(),
    st.text(st.characters(), max_size=4),
    st.binary(max_size=4),
    st.dates(),
    st.datetimes(),
    st.timedeltas(),
    st.uuids(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
    st.sets(st.integers(), max_size=2),
    st.sampled_from([pd.NA, pd.NaT, np.float32(2), np.int64(3), np.bool_(True), np.str_("7B")]),
    st.sampled_from([np.ones((2, 2)), pd.Series([1, 2]), object, len, range(3), Decimal("sNaN")]),
    st.sampled_from([Fraction(7, 2), date(2024, 1, 1), datetime(2024, 1, 1), ..., NotImplemented]),
)


@tries(200)
@given(
    names=st.lists(st.sampled_from(COLUMNS) | words, max_size=4, unique=True),
    data=st.data(),
    needed=st.booleans(),
)
def test_any_objects_in_a_frame(names: list[str], data: st.DataObject, needed: bool) -> None:
    count = data.draw(st.integers(1, 3))
    cells: dict[Any, Any] = {}
    if needed:
        cells = {"N": [1e9] * count, "D": [1e12] * count, "loss": [2.0 + i for i in range(count)]}
    for name in names:
        column = data.draw(st.lists(objects, min_size=count, max_size=count))
        cells[name] = pd.Series(column, dtype=object)
    attempt(pd.DataFrame(cells))


@tries(50)
@given(
    labels=st.lists(st.text(st.characters(), max_size=3) | st.integers() | st.none(), max_size=3),
    names=st.lists(st.sampled_from(COLUMNS) | words | st.integers(), min_size=3, max_size=6),
    columns=st.dictionaries(words, st.sampled_from(COLUMNS) | words, max_size=2),
)
def test_any_labels_of_a_frame(
    labels: list[Any], names: list[Any], columns: dict[str, str]
) -> None:
    cells = np.arange(1.0, 1 + len(labels) * len(names)).reshape(len(labels), len(names))
    frame = pd.DataFrame(
        cells, index=pd.Index(labels, dtype=object), columns=pd.Index(names, dtype=object)
    )
    attempt(frame)
    attempt(frame, columns)


@tries(50)
@given(table=st.data())
def test_any_expression(table: st.DataObject) -> None:
    runs = bayesq.read_runs(pd.DataFrame({"N": [1e9, 2e9], "D": [1e12] * 2, "loss": [2.0, 2.1]}))
    parts = st.sampled_from(
        ["N", "loss", "x", "==", "<", ">", "and", "not", "in", "(", ")", "[", "]"]
    )
    more = st.sampled_from(
        ["1", "2e9", "'a'", ".", "@", "`", "+", "~", "index", "lambda", ":", "="]
    )
    expression = table.draw(
        st.lists(parts | more, max_size=6).map(" ".join) | st.text(string.printable, max_size=6)
    )
    try:
        selected = runs.select(expression)
    except BayesqError as error:
        assert str(error).isprintable()
    else:
        assert 0 < len(selected) <= 2


# --- counts ------------------------------------------------------------------------------------


@tries(50)
@given(st.text(max_size=8) | st.from_regex(r"\A[+-]?[0-9_.,]{0,5}e?[0-9]{0,3} ?[kKmMbBgGtT]?\Z"))
def test_any_text_as_a_count(text: str) -> None:
    count = parse_count(text)
    assert count is text or isinstance(count, float)


@tries(50)
@given(
    number=st.decimals(0, 10**6, allow_nan=False, places=3),
    unit=st.sampled_from(["k3", "M6", "B9", "T12", "m6", "b9", "t12", "K3", "g9", "G9"]),
)
def test_a_suffix_is_a_power_of_ten_exactly(number: Decimal, unit: str) -> None:
    suffix, power = unit[0], int(unit[1:])
    assert parse_count(f"{number}{suffix}") == float(number * 10**power)


@tries(50)
@given(st.floats(1e-3, 9e14))
def test_a_count_is_shown_to_three_digits(value: float) -> None:
    shown = format_count(value)
    count = parse_count(shown)
    assert float(count if isinstance(count, float) else shown) == pytest.approx(value, rel=0.0051)
    assert "e" not in shown or value < 1e-4
