"""Which law to try: the advice that ends a check of a table."""

from __future__ import annotations

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
