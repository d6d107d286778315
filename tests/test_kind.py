"""Kinds of compression as data: from the columns of a table, to a label, to JSON and back."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq.errors import BayesqError
from bayesq.law.kind import Kind
from bayesq.law.levels import COMPRESSION
from bayesq.law.old_labels import kind_of
from bayesq.posterior.migration import BEFORE

# What a table says of a row, and what its compression is called.
NAMES: list[tuple[dict[str, Any], str]] = [
    ({}, ""),
    ({"stage": "train"}, ""),
    ({"w_bits": 4}, "W4"),
    ({"a_bits": 8}, "A8"),
    ({"kv_bits": 3}, "KV3"),
    ({"grad_bits": 4}, "G4"),
    ({"sparsity": 0.5}, "S0.5"),
    ({"w_bits": 4, "sparsity": 0.5}, "W4 S0.5"),
    ({"w_bits": 1.58, "w_kind": "int"}, "W1.58 int"),
    ({"w_bits": 4, "a_bits": 8, "w_group": 32, "a_group": 128}, "W4A8 g32/g128"),
    ({"w_bits": 4, "w_group": -1, "method": "my method"}, "W4 channel my_method"),
    ({"w_bits": 4, "a_bits": 4, "fc2_a_bits": 8}, "W4A4FC2-8"),
    (
        {"w_bits": 4, "w_kind": "mxfp", "w_exponent": 2, "w_mantissa": 1, "w_group": 32},
        "W4 E2M1-mxfp g32",
    ),
    (
        {"w_bits": 4, "w_kind": "int", "a_bits": 8, "a_kind": "fp"},
        "W4A8 int/fp",
    ),
]

SIDES: list[dict[str, Any]] = [
    {},
    {"kind": "int"},
    {"kind": "int", "group": 32},
    {"kind": "mxfp", "exponent": 2, "mantissa": 1, "group": 32},
    {"exponent": 4, "mantissa": 3, "group": -1},
    {"group": 128},
]


METHODS = ("", "int", "by-int", "by-hand", "my one")


def both_sides() -> list[Kind]:
    """Cross widths, formats, groups, sparsity and methods."""
    found = []
    for w, a, sparsity, method in product((4, 1.58, 16), (4, 16), (0, 0.5), METHODS):
        for of_w, of_a in product(SIDES, SIDES):
            told = {f"w_{k}": v for k, v in of_w.items()} | {f"a_{k}": v for k, v in of_a.items()}
            found.append(Kind(w, a, sparsity=sparsity, method=method, **told))
    more = ({"kv_bits": 3}, {"grad_bits": 4, "method": "luq"}, {"a_bits": 4, "fc2_a_bits": 8})
    return [*found, *(Kind(**each) for each in more)]


EVERY = both_sides()


@pytest.mark.parametrize(("columns", "name"), NAMES)
def test_a_compression_is_named_by_its_columns(columns: dict[str, Any], name: str) -> None:
    row = {"N": 1e8, "D": 1e10, "loss": 3.0} | columns
    read = bayesq.read_runs(pd.DataFrame([row])).columns
    assert COMPRESSION.label(read).tolist() == [name]
    (kind,) = COMPRESSION.kinds(read)
    assert kind == Kind(**{k: v for k, v in columns.items() if k != "stage"})
    assert (kind == Kind()) is (name == "")


def test_kinds_are_equal_where_their_labels_are() -> None:
    by_label: dict[str, set[Kind]] = {}
    for kind in EVERY:
        by_label.setdefault(kind.label, set()).add(kind)
    assert {len(kinds) for kinds in by_label.values()} == {1}
    assert len(by_label) > 300


def test_a_kind_goes_to_json_and_back() -> None:
    for kind in (*EVERY, Kind(name="my own")):
        assert Kind.from_dict(json.loads(json.dumps(kind.to_dict()))) == kind
        assert eval(repr(kind)) == kind


def test_a_label_of_a_fit_saved_long_ago_is_read_as_its_kind() -> None:
    for kind in EVERY:
        assert kind_of(kind.label) == kind, kind.label
    for name in ("up", "to nearest", "W4 int up E2M1", "KV3 int", "W4x"):
        assert kind_of(name) == Kind(name=name)


def test_a_fit_saved_with_labels_alone_has_its_kinds(ptq_runs: Any, tmp_path: Path) -> None:
    rows = ptq_runs.frame.assign(stage="train", method="rot")
    options: dict[str, Any] = {"draws": 20, "tune": 30, "chains": 1, "seed": 1, "progress": False}
    fit = bayesq.fit(bayesq.read_runs(rows), "frantar2025", discrepancy=False, **options)
    assert all(kind.method == "rot" for kind in fit.kinds["compression"])
    del fit.data.attrs["kinds"]
    fit.data.attrs["format"] = BEFORE[-1]
    back = bayesq.load_fit(fit.save(tmp_path / "fit.nc"))
    assert back.kinds == fit.kinds
    assert back.posterior["compression"].values.tolist() == back.levels["compression"]


def test_what_has_no_say_is_left_out() -> None:
    weights = Kind(w_bits=4, a_bits=16, a_kind="int", a_group=32, w_exponent=2)
    assert weights == Kind(w_bits=4)
    assert Kind(w_bits=32, method="rtn", a_kind="fp") == Kind()
    assert Kind(w_bits=4, fc2_a_bits=np.nan, w_group=None) == Kind(w_bits=4)
    # What a table says of one of two operands holds for both.
    one = Kind(w_bits=4, a_bits=4, a_kind="mxfp", a_exponent=2, a_mantissa=1, a_group=32)
    assert (one.w_exponent, one.w_group, one.scale_bits) == (2, 32, 8)


def test_an_empty_cell_of_text_says_nothing() -> None:
    assert Kind(w_bits=4, w_kind=np.nan, method=np.nan) == Kind(w_bits=4)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"w_bits": "four"}, "w_bits of a kind is 'four'; write a number"),
        ({"w_bits": -3}, "w_bits of a kind is -3; write bits above 0"),
        ({"sparsity": -1}, "sparsity of a kind is -1; write a share from 0 to below 1"),
        ({"sparsity": np.inf}, "sparsity of a kind is inf; write a share from 0 to below 1"),
        ({"name": "mine", "w_bits": 4}, "Kind 'mine' has a name and w_bits; give one"),
    ],
)
def test_a_kind_that_is_none_is_refused(told: dict[str, Any], words: str) -> None:
    with pytest.raises(BayesqError, match=words):
        Kind(**told)


def test_a_kind_of_which_no_more_than_the_name_is_known_has_no_bits() -> None:
    values = dict(bayesq.published("frantar2025", "quest").constants.values)
    fit = bayesq.published("frantar2025", **values | {"eff": {"mine": 0.7, "W2A2": 0.2}})
    assert fit.kinds == {"compression": [Kind(name="mine"), Kind(w_bits=2, a_bits=2)]}
    at = {"N": "1B", "D": "10B", "formats": ["mine", "W2A2"]}
    assert bayesq.decide.optimal_format(fit, **at).near_optimal.index.tolist() == ["mine"]
    for ask in (
        lambda: bayesq.decide.optimal_format(fit, **at, memory="1GB"),
        lambda: bayesq.decide.optimal_precision(fit, memory="1GB", D="10B"),
        lambda: bayesq.decide.iso_loss(fit, loss=2.6, D="10B"),
    ):
        with pytest.raises(BayesqError, match="No more than the name is known of kind 'mine'"):
            ask()


@pytest.mark.parametrize("label", ["W4", "W4 int RTN", "W4A4 int g128 my_method"])
def test_labels_of_published_constants_are_read_for_bits(label: str) -> None:
    values = dict(bayesq.published("frantar2025", "quest").constants.values)
    fit = bayesq.published("frantar2025", **values | {"eff": {label: 0.9, "W3 int": 0.8}})
    found = bayesq.decide.optimal_format(fit, bits=4, N="1B", D="10B")
    assert found.near_optimal.index.tolist() == [label]
    by_kind = {kind_of(label): 0.9, Kind(w_bits=3, w_kind="int"): 0.8}
    assert fit.kinds == bayesq.published("frantar2025", **values | {"eff": by_kind}).kinds


BOTH = {"w_bits": 4, "a_bits": 4}
INT_FP = Kind(**BOTH, w_kind="int", a_kind="fp", w_group=128, a_group=32)
DIGITS = Kind(**BOTH, w_exponent=2, w_mantissa=1, a_exponent=4, a_mantissa=3)


@pytest.mark.parametrize(
    ("kind", "column", "value", "wanted"),
    [
        (INT_FP, "w_kind", "int", True),
        (INT_FP, "w_kind", "fp", False),
        (INT_FP, "a_kind", "fp", True),
        (INT_FP, "w_group", 32, False),
        (INT_FP, "a_group", 32, True),
        (INT_FP, "group", 32, True),
        (INT_FP, "kv_bits", 16, True),
        (Kind(**BOTH, w_group=128), "a_group", 128, True),
        (Kind(w_bits=4, w_group=128), "a_group", 128, False),
        (DIGITS, "w_mantissa", 3, False),
        (DIGITS, "w_kind", "fp", True),
        (Kind(w_bits=4, method="int"), "w_kind", "int", False),
        (Kind(w_bits=4, method="int"), "method", "int", True),
        (Kind(w_bits=4, w_kind="int", method="my one"), "method", "my one", True),
        (Kind(w_bits=4, sparsity=0.5), "sparsity", 0.5, True),
        (Kind(w_bits=4, sparsity=0.5), "train_w_bits", 4, False),
        (Kind(w_bits=4, method="up"), "rounding", "up", True),
    ],
)
def test_what_a_kind_says_of_one_side_is_not_said_of_the_other(
    kind: Kind, column: str, value: float | str, wanted: bool
) -> None:
    assert kind.matches(column, value) is wanted


def test_a_method_called_like_a_format_is_told_apart() -> None:
    frame = pd.DataFrame({"N": [1e8] * 2, "D": [1e9] * 2, "loss": [3.0, 2.9], "w_bits": 4})
    frame = frame.assign(stage="post", method=["int", ""], w_kind=["", "int"])
    labels = COMPRESSION.label(bayesq.read_runs(frame).columns)
    assert labels.tolist() == ["W4 by-int", "W4 int"]
