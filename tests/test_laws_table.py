"""The table of fits in the laws' documentation, and the program that makes it."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import bayesq
from bayesq.model.design import design

ROOT = Path(__file__).parents[1]
README = ROOT / "models" / "README.md"


@pytest.fixture(scope="module")
def program() -> ModuleType:
    path = ROOT / "case_studies" / "laws_table.py"
    spec = importlib.util.spec_from_file_location("laws_table", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    # Its data class looks its own module up.
    sys.modules["laws_table"] = module
    spec.loader.exec_module(module)
    return module


def written(what: str) -> list[tuple[str, ...]]:
    text = README.read_text(encoding="utf-8").partition(f"<!-- begin of the {what} -->")[2]
    lines = text.partition("<!-- end of")[0].splitlines()
    table = [line for line in lines if line.startswith("| ")][1:]
    cells = [tuple(cell.strip() for cell in line.split("|")[1:-1]) for line in table]
    return [line for line in cells if set(line[0]) != {"-"}]


def test_every_law_is_fitted(program: ModuleType) -> None:
    assert {row.law for row in program.rows()} == set(bayesq.laws())
    assert set(program.rows()) >= set(program.ROWS)


@pytest.mark.parametrize("law", bayesq.laws())
def test_the_rows_of_a_law_are_rows_that_it_can_use(
    law: str, program: ModuleType, public: Path
) -> None:
    for row in program.rows():
        if row.law == law:
            runs = bayesq.load_pool(row.pool)
            runs = runs.select(row.where) if row.where else runs
            assert len(design(runs, bayesq.laws()[law]).index) > 4


def test_the_written_table_is_that_of_the_program(program: ModuleType) -> None:
    """A law that was added has no line until the table is made again; those there are right."""
    shown = [(law, where) for law, where, *_ in written("table")]
    wanted = [
        (row.law, f"{row.pool}: `{row.where}`" if row.where else row.pool) for row in program.rows()
    ]
    assert shown == [line for line in wanted if line in shown]
    assert {law for law, _ in shown} >= {row.law for row in program.ROWS}


def test_every_law_is_described(program: ModuleType) -> None:
    named = written("laws")
    assert named == [line for line in program.listed() if line in named]
    assert len(program.listed()) == len(bayesq.laws())


def test_severe_notes_stand_only_where_the_text_says_why() -> None:
    severe = {where.split(":")[0] for _, where, *cells in written("table") if "**" in cells[5]}
    assert severe == {"olmo_ptq"}
    assert "OLMo-1B is one size" in README.read_text(encoding="utf-8")


def hold_to_the_table(cells: tuple[str, ...]) -> None:
    """Compare a line that was made again with the written one."""
    (line,) = (line for line in written("table") if line[:2] == cells[:2])
    assert cells[2:4] == line[2:4]
    (elpd, se), (then, se_then) = (re.findall(r"-?[\d.]+", c[8])[:2] for c in (cells, line))
    # Of 1,200 draws and of 8,000: a sum over rows varies by some tenths of a nat, and more where
    # rows with a high Pareto k are in it.
    assert float(elpd) == pytest.approx(float(then), abs=0.5 + 0.05 * float(se_then))
    assert float(se) == pytest.approx(float(se_then), rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("law", [law for law in bayesq.laws() if law != "quartet2025"])
def test_lines_made_again_are_those_that_are_written(
    law: str, program: ModuleType, public: Path
) -> None:
    for row in program.rows():
        if row.law == law:
            hold_to_the_table(program.cells(row, draws=1000))


def test_a_row_is_worded_and_a_missing_pool_is_said(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = program.cells(program.Row("chinchilla", "grid"), draws=300)
    assert cells[:4] == ("chinchilla", "grid", "loss", "28")
    assert "few-runs" in cells[7]
    hold_to_the_table(cells)
    assert re.fullmatch(r"-?[\d.]+ ± [\d.]+( \(\d+ k\))?", cells[8])
    monkeypatch.delenv("BAYESQ_DATA", raising=False)
    missing = program.cells(program.Row("chinchilla", "gadre"))
    assert missing[:2] == ("chinchilla", "gadre")
    assert "BAYESQ_DATA is not set" in missing[7]
    assert len(missing) == len(cells)


def test_only_the_table_is_written_anew(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    target = tmp_path / "README.md"
    target.write_text(README.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(program, "_TARGET", target)
    program.write([("a", "b")], "Made by x.")
    program.write([("c", "d")], "Made by hand.")
    before, after = (p.read_text(encoding="utf-8") for p in (README, target))
    assert "| c | d |" in after
    assert "| a | b |" not in after
    for mark in (
        lambda t: t.partition("<!-- begin of the table")[0],
        lambda t: t.partition("end of the table")[2],
    ):
        assert mark(after) == mark(before)
    assert [p.name for p in tmp_path.iterdir()] == ["README.md"]
