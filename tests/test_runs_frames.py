"""Data frames and Parquet of every dtype and shape."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import bayesq
from tables import (
    make,
    plain_frame,
    refusal,
    rows_of,
)

pytestmark = pytest.mark.filterwarnings("error")

# --- frames and Parquet ----------------------------------------------------------------------


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
    mine = runs.frame
    mine.loc[0, "loss"] = 9.0
    assert len(runs.select("loss < 3")) == 2
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
