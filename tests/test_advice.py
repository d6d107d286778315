"""Which law to try: the advice that ends a check of a table."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq.checks.advice import advise
from bayesq.checks.law_check import LawCheck
from bayesq.notes import Note, Severity


def told(law: str, rows: int, *severities: Severity) -> LawCheck:
    notes = tuple(Note(s, s, "Something was seen.", "Mend it.") for s in severities)
    return LawCheck(law, "loss", rows, "" if rows else "It lacks rows.", notes)


def test_of_each_kind_of_rows_the_laws_with_the_fewest_doubts_are_named() -> None:
    laws = [
        told("chinchilla", 20, "info"),
        told("kumar2024-ptq", 50, "severe"),
        told("ouyang2024", 30, "warning"),
        told("ptq-without-d", 50),  # which is there to be compared with
        told("frantar2025", 0),
    ]
    assert advise(laws).startswith(
        "Laws to try: chinchilla (20 rows) for rows in full precision; ouyang2024 (30 rows) for "
        "quantization after training. Fit one with "
    )
    assert "severe" not in advise(laws)


def test_of_equal_doubts_more_rows_count_and_equal_ones_are_both_named() -> None:
    laws = [told("kumar2024-ptq", 50), told("ouyang2024", 50), told("ptq-bits-by-group", 90)]
    assert "kumar2024-ptq (50 rows) or ouyang2024 (50 rows) for quantization after" in advise(laws)
    laws = [told("kumar2024-ptq", 40), told("ouyang2024", 50)]
    assert "ouyang2024 (50 rows) or kumar2024-ptq (40 rows) for quantization after" in advise(laws)


def test_what_is_severe_is_to_be_mended_first() -> None:
    laws = [told("chinchilla", 20, "severe"), told("muennighoff2023", 20, "warning", "severe")]
    assert advise(laws).endswith("Mend first what their lines call severe.")
    rows = Note("losses-rise", "severe", "Losses rise.", "Look.")
    assert advise([told("chinchilla", 20)], [rows]).endswith("the severe notes say.")


def test_where_none_can_be_fitted_that_is_said() -> None:
    assert advise([told("chinchilla", 0)]).startswith("Law chinchilla cannot be fitted")
    assert advise([told("chinchilla", 0), told("sun2025", 0)]).startswith("No law can be fitted")


@pytest.mark.parametrize("name", ["grid", "gadre", "quest", "ptq_perplexity", "olmo_ptq"])
def test_a_check_is_its_table_and_its_advice(name: str, public: object) -> None:
    found = bayesq.check(bayesq.load_pool(name))
    frame = found.to_frame()
    assert list(frame.index) == [law.law for law in found.laws]
    assert list(frame.columns) == ["response", "rows", "worst", "why"]
    fitted = (frame["worst"] != "cannot be fitted").to_numpy()
    assert found.usable == fitted.any()
    assert (frame["rows"].to_numpy()[fitted] > 0).all()
    assert not frame["rows"].to_numpy()[~fitted].any()
    # Those that can be fitted come first.
    assert (fitted[:-1] >= fitted[1:]).all()
    named = [law for law in frame.index[fitted] if f"{law} (" in found.advice]
    assert named


TABLE = Path(__file__).parents[1] / "docs" / "tables" / "runs.csv"
AFTER, IN = "for quantization after training", "for training in low precision"


def said_of(table: pd.DataFrame, law: str | None = None) -> str:
    return bayesq.check(bayesq.read_runs(table), law).advice


def test_rows_of_the_network_that_was_trained_in_full_were_rounded_after() -> None:
    said = said_of(pd.read_csv(TABLE))
    first, _, rest = said.partition(". ")
    assert first.startswith("Write post into a column stage of the quantized rows, since each has ")
    assert rest.startswith("Laws to try: kumar2024-ptq (76 rows) or ouyang2024 (76 rows) for quan")
    assert "chinchilla (28 rows)" in rest
    assert IN not in rest


@pytest.mark.parametrize("hidden", ["no run is named", "runs of their own", "one row of its own"])
def test_where_nothing_tells_the_stage_that_is_asked_for_first(hidden: str) -> None:
    table = pd.read_csv(TABLE)
    low = table["bits"] < 16
    count = "the quantized rows"
    if hidden == "no run is named":
        table = table.drop(columns="run")
    elif hidden == "runs of their own":
        table["run"] = table["run"].where(~low, table["run"] + "-" + table["bits"].astype(str))
    else:
        table.loc[1, "run"] = "another"
        count = "1 of 76 quantized rows"
    first, _, rest = said_of(table).partition(". ")
    assert first == (
        "Write a column stage, post for rows that were quantized after training and train for rows "
        f"that were trained in low precision, since nothing in this table tells it of {count}"
    )
    # As stage-assumed has it, those of post first; all are offered, and how many rows each takes.
    assert rest.startswith("Laws to try: ")
    assert 0 < rest.index(AFTER) < rest.index(IN) < rest.index("chinchilla (28 rows)")
    assert re.search(r"\w+ \(76 rows\)[^;]* for quantization after training", rest)
    assert re.search(r"\w+ \(104 rows\)[^;]* for training in low precision", rest)


@pytest.mark.parametrize(
    ("method", "stage", "other"), [("GPTQ", "post", IN), ("qat", "train", AFTER)]
)
def test_a_method_tells_the_stage(method: str, stage: str, other: str) -> None:
    table = pd.read_csv(TABLE).assign(method=method)
    said = said_of(table)
    verb = {"post": "quantizes after training", "train": "trains in low precision"}[stage]
    assert said.startswith(
        f"Write {stage} into a column stage of the quantized rows, since method {method} {verb}. "
    )
    assert other not in said
    both = table.assign(method=np.where(table.index % 2, "GPTQ", "QAT"))
    assert said_of(both).startswith("Write a column stage, ")


def test_a_stage_that_is_given_needs_no_words() -> None:
    table = pd.read_csv(TABLE)
    stage = np.where(table["bits"] < 16, "post", "none")
    assert said_of(table.assign(stage=stage)).startswith("Laws to try: ")
    assert said_of(table[table["bits"] == 16]).startswith("Laws to try: ")
    table.loc[1, "run"] = "another"
    some = np.where(np.arange(len(table)) == 1, "", stage)
    assert "nothing in this table tells it of 1 of 76 quantized rows." in said_of(
        table.assign(stage=some)
    )


def test_a_law_that_was_asked_for_is_named_though_the_rows_are_of_another_stage() -> None:
    said = said_of(pd.read_csv(TABLE), "frantar2025")
    assert said.startswith("Write post into a column stage")
    assert "Laws to try: frantar2025 (104 rows)" in said
