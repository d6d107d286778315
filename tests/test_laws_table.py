"""The table of fits in the laws' documentation, and the program that makes it."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import bayesq

ROOT = Path(__file__).parents[1]
README = ROOT / "models" / "README.md"
# What the laws are promised to fit.
PROMISED = {
    "grid": {
        "kumar2024-ptq",
        "kumar2024-qat",
        "kumar2024-unified",
        "chen2025",
        "chen2025-schemes",
        "sun2025",
        "ouyang2024",
        "frantar2025",
    },
    "quest": {"frantar2025", "kumar2024-qat"},
    "quartet": {"quartet2025"},
    "datablations": {"muennighoff2023"},
    "olmo_ptq": {"kumar2024-ptq", "ouyang2024"},
    "epoch_chinchilla": {"chinchilla"},
    "gadre": {"chinchilla"},
    "olmo_ladder": {"chinchilla"},
}


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


def written() -> list[list[str]]:
    text = README.read_text(encoding="utf-8")
    _, _, rest = text.partition("<!-- begin of the table -->")
    lines = [line for line in rest.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def test_every_law_is_fitted_to_what_was_promised(program: ModuleType) -> None:
    fitted: dict[str, set[str]] = {}
    for row in program.ROWS:
        fitted.setdefault(row.pool, set()).add(row.law)
    assert set().union(*fitted.values()) == set(bayesq.laws())
    for pool, laws in PROMISED.items():
        assert laws <= fitted[pool]


def test_the_written_table_is_that_of_the_program(program: ModuleType) -> None:
    shown = [(law, where) for law, where, *_ in written()]
    wanted = [
        (row.law, f"{row.pool}: `{row.where}`" if row.where else row.pool) for row in program.ROWS
    ]
    assert shown == wanted


def test_severe_notes_stand_only_where_the_text_says_why() -> None:
    severe = {where.split(":")[0] for _, where, *cells in written() if "**" in cells[5]}
    assert severe == {"olmo_ptq"}
    assert "OLMo-1B is one size" in README.read_text(encoding="utf-8")


def test_every_law_is_described() -> None:
    text = README.read_text(encoding="utf-8").partition("## How columns")[0]
    assert all(f"`{law}`" in text for law in bayesq.laws())


def test_a_row_is_worded_and_a_missing_pool_is_said(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = program.cells(program.Row("chinchilla", "grid", "D > 3e7"), draws=200)
    cells = [cell.strip() for cell in line.split("|")[1:-1]]
    assert cells[:4] == ["chinchilla", "grid: `D > 3e7`", "loss", "24"]
    assert "few-runs" in cells[7]
    assert re.fullmatch(r"-?[\d.]+ ± [\d.]+( \(\d+ k\))?", cells[8])
    monkeypatch.delenv("BAYESQ_DATA", raising=False)
    missing = program.cells(program.Row("chinchilla", "gadre"))
    assert missing.startswith("| chinchilla | gadre |")
    assert "BAYESQ_DATA is not set" in missing
    assert missing.count("|") == line.count("|")


def test_only_the_table_is_written_anew(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    target = tmp_path / "README.md"
    target.write_text(README.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(program, "_TARGET", target)
    program.write(["| a | b |"])
    program.write(["| c | d |"])
    before, after = (p.read_text(encoding="utf-8") for p in (README, target))
    assert "| c | d |" in after
    assert "| a | b |" not in after
    for mark in (lambda t: t.partition("<!-- begin")[0], lambda t: t.partition("end of the")[2]):
        assert mark(after) == mark(before)
    assert [p.name for p in tmp_path.iterdir()] == ["README.md"]
