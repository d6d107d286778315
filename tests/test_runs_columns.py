"""A table read by columns is what its cells, read one by one, say."""

from __future__ import annotations

import hashlib
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bayesq
from bayesq.errors import BayesqError
from bayesq.runs import pairing, raw, table_files
from bayesq.runs.raw import RawColumn
from bayesq.runs.records import is_missing
from bayesq.runs.runs import UNHASHED, Runs
from malformed import CELLS, broken, mutated

HERE = Path(__file__).parent


def tries(number: int) -> settings:
    slow = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    return settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=slow,
    )


def outcome(source: Path | pd.DataFrame, **options: Any) -> tuple[Any, ...]:
    """Tell all that a table is read as, or how it is refused."""
    try:
        runs = bayesq.read_runs(source, **options)
    except BayesqError as error:
        return (str(error),)
    cells = {name: list(map(repr, v.tolist())) for name, v in runs.columns.items()}
    kinds = {name: values.dtype for name, values in runs.columns.items()}
    return (
        *(list(cells), cells, kinds, runs.numbers.tolist(), runs.notes, runs.fingerprint),
        *(runs.partner.tolist(), runs.cluster.tolist(), repr(runs)),
    )


def packed(source: Path | pd.DataFrame, **options: Any) -> tuple[Any, ...]:
    """Tell the same, where even two cells are many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(raw, "MANY", 2)
        patch.setattr(table_files, "MANY", 2)
        return outcome(source, **options)


@given(table=broken() | mutated(), skip_bad=st.booleans())
@tries(150)
def test_texts_that_are_packed_are_read_as_others(
    table: tuple[str, bytes], skip_bad: bool, tmp_path: Path
) -> None:
    name, data = table
    path = tmp_path / name
    path.write_bytes(data)
    assert packed(path, skip_bad=skip_bad) == outcome(path, skip_bad=skip_bad)


@pytest.mark.parametrize("path", sorted((HERE / "cases").glob("*.csv")), ids=lambda p: p.stem)
def test_cases_that_are_packed_are_read_as_others(path: Path) -> None:
    assert packed(path) == outcome(path)
    assert packed(path, where="loss < 3", skip_bad=True) == outcome(
        path, where="loss < 3", skip_bad=True
    )


@given(st.lists(st.sampled_from(CELLS) | st.floats().map(repr) | st.none(), min_size=1))
@tries(400)
def test_texts_are_numbers_only_where_python_reads_each_so(cells: list[str | None]) -> None:
    held = [cell for cell in cells if not is_missing(cell)]
    try:
        finite = all(math.isfinite(float(cell)) for cell in held if cell is not None)
    except ValueError:
        finite = False
    found = RawColumn(pa.array(cells, pa.large_string())).numbers
    if not finite:
        assert found is None
    elif found is not None:
        expected = [math.nan if is_missing(c) or c is None else float(c) for c in cells]
        assert list(map(repr, found.tolist())) == list(map(repr, expected))


def test_plain_numbers_are_read_at_once() -> None:
    cells = ["7e9", " 1.5 ", "", "NaN", "-0.0", "-", "1e-320", "0.1"]
    found = RawColumn(pa.array(cells, pa.large_string())).numbers
    assert found is not None
    expected = [7e9, 1.5, math.nan, math.nan, -0.0, math.nan, 1e-320, 0.1]
    assert list(map(repr, found.tolist())) == list(map(repr, expected))


@pytest.mark.parametrize("cell", ["-nan", "inf", "1e400", "7B", "1,5", "0x10", "1_0", "true"])
def test_a_cell_that_is_more_than_a_number_is_looked_at_by_itself(cell: str) -> None:
    assert RawColumn(pa.array(["1", cell], pa.large_string())).numbers is None


@given(
    st.lists(
        st.sampled_from(["a", "1", 1, 1.0, True, 0.0, -0.0, math.nan, None, "", pd.NA, pd.NaT, [1]])
    )
)
@tries(150)
def test_distinct_cells_are_all_cells(cells: list[Any]) -> None:
    column = RawColumn(cells)
    distinct, codes = column.distinct
    again = [distinct[code] for code in codes.tolist()]
    assert [(type(c), repr(c)) for c in again] == [(type(c), repr(c)) for c in cells]
    first = [codes.tolist().index(code) for code in range(len(distinct))]
    assert first == sorted(first)


def test_numbers_of_every_type_are_read_alike() -> None:
    frame = pd.DataFrame({"N": [10**9, 2 * 10**9], "D": [2e10, 4e10], "loss": [2.5, 2.4]})
    frame["w_group"] = [128, -1]
    frame["w_bits"] = 4
    frame["lr"] = [2**53, 1]
    kinds = [frame, frame.astype(object), frame.convert_dtypes(), frame.astype({"w_bits": "int8"})]
    told = [outcome(kind) for kind in kinds]
    assert all(one == told[0] for one in told)
    # A float would round it.
    assert bayesq.read_runs(frame).columns["lr"].tolist() == [str(2**53), "1"]


quantized_rows = st.fixed_dictionaries(
    {
        "N": st.just(1e9),
        "D": st.sampled_from([1e10, None]),
        "w_bits": st.sampled_from([4, 16]),
        "run": st.sampled_from(["a-1", "a-2", ""]),
        "study": st.sampled_from(["s", "s", "t"]),
        "seed": st.sampled_from([1, 2, None]),
        "stage": st.sampled_from(["", "", "train"]),
        "step": st.sampled_from([None, 100, 200]),
        "lr": st.sampled_from([0.1, 0.2]),
    }
)


@given(
    rows=st.lists(quantized_rows, min_size=8, max_size=20),
    dropped=st.sets(st.sampled_from(["study", "seed", "stage", "step", "lr"])),
)
@tries(60)
def test_partners_of_own_runs_are_those_of_the_whole_search(
    rows: list[dict[str, Any]], dropped: set[str]
) -> None:
    frame = pd.DataFrame(rows).drop(columns=list(dropped))
    frame["loss"] = 2 + 0.01 * np.arange(len(frame))
    quick = outcome(frame)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairing, "_only_of_run", lambda run, *_: np.full(len(run), -1))
        assert outcome(frame) == quick


def in_one_piece(runs: Runs) -> str:
    """Hash rows as every release did since the first."""
    digest = hashlib.sha256()
    for name in sorted(set(runs.columns) - UNHASHED):
        cells = [repr(value) for value in runs.columns[name].tolist()]
        if set(cells) - {"nan", "''"}:
            digest.update(("\x1f".join([ascii(name), *cells]) + "\n").encode())
    return digest.hexdigest()


def test_fingerprints_are_what_they_were() -> None:
    runs = bayesq.load_pool("grid")
    assert runs.fingerprint == in_one_piece(runs)
    rows = 2**16 + 3  # more than are written at a time
    note = ["a, b", "c"] * (rows // 2) + [""]
    frame = pd.DataFrame({"N": np.arange(rows) + 1e9, "loss": 2.5, "D": 1e10, "note": note})
    runs = bayesq.read_runs(frame)
    assert runs.fingerprint == in_one_piece(runs)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for the peak")
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_million_rows_take_less_than_a_gibibyte(suffix: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = 1_000_000
    frame = pd.DataFrame(
        {
            "N": np.exp(random.uniform(16, 23, rows)),
            "D": np.exp(random.uniform(20, 27, rows)),
            "loss": random.uniform(2, 3, rows),
            "run": np.repeat([f"run {i}" for i in range(100)], rows // 100),
        }
    )
    path = tmp_path / f"runs.{suffix}"
    if suffix == "csv":
        frame.to_csv(path, index=False)
    elif suffix == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    # What getrusage tells of a new process begins with the peak of the one that started it.
    code = (
        "import re, sys, bayesq\n"
        "runs = bayesq.read_runs(sys.argv[1])\n"
        "runs.fingerprint, repr(runs)\n"
        "told = open('/proc/self/status').read()\n"
        "print(len(runs), re.search(r'VmHWM:\\s*(\\d+) kB', told)[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], check=True, timeout=300, capture_output=True, text=True
    )
    read, kib = map(int, done.stdout.split())
    assert read == rows
    assert 2**16 < kib < 2**20
