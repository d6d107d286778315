"""The decisions' case study: its fixed list, and the writer of its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesq
from studies import SHARED, Load, made_and_shown, modules_of

ROOT = Path(__file__).parents[1] / "case_studies"
FOLDER = ROOT / "decisions"
NAMES = ["decisions", "learn", "pools", "table", "words", *SHARED]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Import modules of the case study by name, as its programs do."""
    for folder in (ROOT, ROOT / "backtests"):
        monkeypatch.syspath_prepend(str(folder))
    yield from modules_of(FOLDER, NAMES, monkeypatch)


def made_up(entry: str, split: str, family: str, **columns: Any) -> dict[str, Any]:
    told = {"measured": 4.0, "bound": "", "pinned": True, "in_90": True, "ratio": 2.0}
    theirs = {"practice_in_90": False, "practice_ratio": 1.5, "practice_regret": 0.02}
    where = {"entry": entry, "split": split, "family": family}
    return where | told | {"regret": 0.01} | theirs | columns


def test_nothing_is_dropped_from_the_list(load: Load) -> None:
    entries = load("decisions").entries()
    assert len({e.name for e in entries}) == len(entries)
    assert Counter(e.family for e in entries) == {
        "tokens": 8,
        "bits": 12,
        "memory": 4,
        "format": 5,
        "size": 8,
    }
    assert sum(len(e.splits) for e in entries) == 110
    assert all(e.splits[0].name == "inside" for e in entries)
    assert all(len({s.name for s in e.splits}) == len(e.splits) for e in entries)
    words = load("words")
    assert {e.family for e in entries} == set(words.FAMILIES)


@pytest.mark.slow
def test_the_rows_of_every_entry_tell_decisions(load: Load, public: Path) -> None:
    decisions = load("decisions")
    for entry in decisions.entries():
        for split in entry.splits:
            assert decisions.read(entry, split), (entry.name, split.name)


def test_the_tables_are_written_between_the_marks(
    load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    table, readme = load("table"), (FOLDER / "README.md").read_text(encoding="utf-8")
    (tmp_path / "README.md").write_text(readme, encoding="utf-8")
    monkeypatch.setattr(table, "README", tmp_path / "README.md")
    monkeypatch.setattr(table, "_RESULTS", tmp_path / "results.csv")
    rows = [
        made_up("a", "inside", "tokens"),
        made_up("a", "N-50", "tokens", in_90=False, ratio=float("inf")),
        made_up("a", "N-50", "tokens", bound="more", pinned=False),
        made_up("b", "N-70", "format", pinned=False, regret=float("nan")),
    ]
    table.write(pd.DataFrame(rows), "Made by x.")
    table.write(pd.DataFrame(rows), "Made by hand.")
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert text.partition("<!-- begin")[0] == readme.partition("<!-- begin")[0]
    assert text.partition("end of the")[2] == readme.partition("end of the")[2]
    assert "`make decisions` writes them here" not in text.partition("<!-- begin")[2]
    assert (
        "| a | inside | 1 | 1.00 / 0.00 | 1 | 1.00 / 0.00 | 2 / 1.5 | 0.01 / 0.02 | 0 |  |" in text
    )
    assert "| a | N-50 | 1 | 0.00 / 0.00 | 1 | 0.00 / 0.00 | inf / 1.5 |" in text
    assert "| b | N-70 | 1 | 1.00 / 0.00 | 0 |  | 2 / 1.5 | nan / 0.02 | 0 |  |" in text
    assert "Of 1 answer of critical tokens, 90 % intervals hold 1 with bayesq" in text
    assert "With 1 bound of critical tokens, 1 with bayesq and 0 with practice are" in text
    assert text.index("**Inside**") < text.index("**Outside**") < text.index("### Kinds")
    csv = pd.read_csv(tmp_path / "results.csv")
    assert len(csv) == 4
    # Whoever reads the numbers again gets the same words.
    assert load("words").sections(csv) == load("words").sections(pd.DataFrame(rows))


def test_an_entry_that_cannot_be_had_says_why(
    load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("BAYESQ_DATA", raising=False)
    table, decisions = load("table"), load("decisions")
    entry = next(e for e in decisions.entries() if e.name == "opt-bits")
    assert "BAYESQ_DATA is not set" in table.cell((entry, entry.splits[0], 200, tmp_path))["why"]


def test_the_readme_has_what_the_results_give(load: Load) -> None:
    load("table")
    wanted = "\n\n".join(load("words").sections(pd.read_csv(FOLDER / "results.csv")))
    assert made_and_shown(FOLDER / "README.md")[1] == wanted


def hold_to_the_table(rows: pd.DataFrame) -> None:
    """Compare the decisions of an entry that was made again with the committed ones."""
    table = pd.read_csv(FOLDER / "results.csv")
    (where,) = rows[["entry", "split"]].drop_duplicates().to_numpy().tolist()
    written = table[(table["entry"] == where[0]) & (table["split"] == where[1])]
    same = ("measured", "practice_median", "practice_lower", "practice_upper")
    now, then = (
        {c: of[c].to_numpy(float) for c in (*same, "median", "lower", "upper")}
        for of in (rows, written)
    )
    for column in same:
        assert now[column] == pytest.approx(then[column], rel=1e-3, nan_ok=True), column
    # 320 draws where the table has 2,000: a median varies by some hundredths of the interval.
    wide, apart = then["upper"] - then["lower"], abs(now["median"] - then["median"])
    told = np.isfinite(apart) & np.isfinite(wide)
    assert told.sum() >= 0.8 * len(rows)
    assert (apart[told] <= 0.15 * wide[told] + 1e-9).all()


@pytest.mark.slow
@pytest.mark.parametrize("family", ["bits", "size"])
def test_decisions_made_again_are_those_that_are_written(
    load: Load, family: str, public: Path, tmp_path: Path
) -> None:
    table, decisions = load("table"), load("decisions")
    for entry in (e for e in decisions.entries() if e.family == family):
        result = table.cell((entry, entry.splits[-1], 500, tmp_path))
        hold_to_the_table(result["rows"])


def test_an_entry_gives_its_decisions_and_is_kept(
    load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    table, decisions = load("table"), load("decisions")
    entry = next(e for e in decisions.entries() if e.name == "grid-bits-g128")
    split = next(s for s in entry.splits if s.name == "N-70")
    result = table.cell((entry, split, 80, tmp_path))
    rows = result["rows"]
    assert len(rows) == 16
    assert rows[["entry", "split", "family"]].drop_duplicates().values.tolist() == [
        ["grid-bits-g128", "N-70", "bits"]
    ]
    hold_to_the_table(rows)
    (folder,) = tmp_path.iterdir()
    assert folder.name.startswith("grid-bits-g128-N-70-80-")
    monkeypatch.setattr("bayesq.proving.prove.fit_specification", None)
    again = table.cell((entry, split, 80, tmp_path))["rows"]
    pd.testing.assert_frame_equal(again, rows)
    assert bayesq.DecisionBacktest("x", rows, ()).text == result["text"]
