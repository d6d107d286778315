"""What print shows of results: what a reader wants of them, and not how they are built."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import bayesq
from command import Run

TABLE = str(Path(__file__).parents[1] / "docs" / "tables" / "runs.csv")


@pytest.mark.parametrize("law", [None, "ouyang2024"])
@pytest.mark.parametrize("columns", ["70", "110"])
def test_a_check_prints_as_the_command_line_prints_it(
    law: str | None, columns: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    found = bayesq.check(bayesq.read_runs(TABLE), law)
    asked = [] if law is None else ["--law", law]
    assert run("check", TABLE, *asked).out == f"{found}\n"
    assert repr(found) == str(found)


def test_a_check_prints_names_and_does_not_obey_them(tmp_path: Path) -> None:
    table = tmp_path / "runs.csv"
    text = Path(TABLE).read_text(encoding="utf-8").replace("base-s1", "base\x1b[31m")
    table.write_text(text.replace("run,", "study,", 1), encoding="utf-8")
    assert "\x1b" not in str(bayesq.check(bayesq.read_runs(table)))


def test_a_pool_and_rows_left_out_are_printed_in_words() -> None:
    pool = bayesq.pools()["grid"]
    assert str(pool).startswith(f"Pool grid: {pool.description}\n")
    assert "\nrows     1068\n" in str(pool)
    assert "Pool(" not in str(pool)
    (left,), _ = bayesq.hold_out(bayesq.read_runs(TABLE), "kumar2024-ptq")
    assert str(left).endswith("20 rows to foretell from 56, law kumar2024-ptq>")
    assert os.linesep not in str(left)
