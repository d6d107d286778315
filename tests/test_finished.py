"""Tables say what made them, and have no fit of another state of the code."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bayesq
from studies import ROOT, SHARED, Load, made_and_shown, modules_of

STUDIES = ROOT / "case_studies"
TABLES = [
    (STUDIES / "backtests", "results"),
    (STUDIES / "backtests", "learned"),
    (STUDIES / "backtests", "choices"),
    (STUDIES / "backtests", "reaches"),
    (STUDIES / "backtests", "schedules"),
    (STUDIES / "backtests", "new studies"),
    (STUDIES / "comparisons", "results"),
    (STUDIES / "decisions", "results"),
    (STUDIES / "calibration", "table"),
    (STUDIES / "pooled_w4a4", "results"),
    (ROOT / "models", "table"),
]
# Until a table is made again, or for the first time.
OLDER = "Made before version 0.2.0, when the commit was not written down."
NOT_YET = "Not made yet."
MADE = re.compile(
    r"Made( in \d+ s)? at commit [0-9a-f]{10} with bayesq ([\d.]+), Python 3\.\d+\.\d+"
    r"(, [\w-]+ [\w.]+)+\. In (1 process|\d+ processes of one thread)\."
)


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Import modules by name, as programs of the case studies do."""
    yield from modules_of(STUDIES, SHARED, monkeypatch)


@pytest.mark.parametrize(("folder", "what"), TABLES, ids=lambda v: getattr(v, "name", v))
def test_a_table_says_the_clean_commit_and_the_versions_that_made_it(
    folder: Path, what: str
) -> None:
    made, shown = made_and_shown(folder / "README.md", what)
    assert made == NOT_YET or "|" in shown or "```" in shown
    if made not in (OLDER, NOT_YET):
        found = MADE.fullmatch(made)
        assert found, made
        assert found[2] == bayesq.__version__


def test_no_mark_is_forgotten() -> None:
    marks = re.compile(r"<!-- begin of the ([\w ]+) -->")
    folders = {folder for folder, _ in TABLES}
    # The list of laws is not fitted.
    known = {*TABLES, (ROOT / "models", "laws")}
    for folder in folders:
        text = (folder / "README.md").read_text(encoding="utf-8")
        assert {(folder, mark) for mark in marks.findall(text)} <= known


def test_a_line_says_what_made_a_table(load: Load) -> None:
    finished = load("finished")
    for processes in (1, 16):
        line = finished.Making(processes).line()
        clean = line.replace(" with changes that are not committed", "")
        if "an unknown commit" not in clean:
            assert MADE.fullmatch(clean), line
        assert "Made in 0 s at" in line
    assert "Made at" in finished.Making(1, resumed=True).line()


def test_other_code_has_another_folder(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = load("finished")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "table.py").write_text("SEED = 1\n")
    (programs / "README.md").write_text("one\n")
    out = tmp_path / "out"
    first = finished.start(out, [programs])
    assert not first.resumed
    (first.out / "fit").write_text("finished")
    # What is written about a program is none of it.
    (programs / "README.md").write_text("two\n")
    again = finished.start(out, [programs], 4)
    assert again.out == first.out
    assert again.resumed
    (programs / "table.py").write_text("SEED = 2\n")
    other = finished.start(out, [programs])
    assert other.out != first.out
    assert not other.resumed
    # Nor is anything taken that another bayesq, or another sampler, has finished.
    states = {finished.state([programs])}
    for name, value in (("version", lambda name: "9"), ("_files", lambda place: [])):
        with monkeypatch.context() as patch:
            patch.setattr(finished, name, value)
            states.add(finished.state([programs]))
    assert len(states) == 3


def test_the_state_is_of_bayesq_its_laws_and_its_runs(load: Load) -> None:
    files = load("finished")._files
    package = Path(bayesq.__file__).parent
    names = {p.relative_to(package).as_posix() for p in files(package)}
    assert {"fitting.py", "model/compose.py", "data/grid.csv"} <= names
    laws = {p.name for place in bayesq.models.__path__ for p in files(Path(place))}
    assert "chinchilla.py" in laws


def told(job: int) -> dict[str, Any]:
    """Say in which process this is, and with how many threads."""
    names = ("OMP_NUM_THREADS", "BAYESQ_JOBS")
    return {"job": job, "process": os.getpid()} | {name: os.environ.get(name) for name in names}


def test_work_of_one_process_is_done_here(load: Load) -> None:
    done = list(load("working").run(told, [3, 1, 2], 1))
    assert [d["job"] for d in done] == [3, 1, 2]
    assert {d["process"] for d in done} == {os.getpid()}


@pytest.mark.slow
def test_work_is_spread_longest_first_and_told_in_its_order(load: Load) -> None:
    before = dict(os.environ)
    done = list(load("working").run(told, [3, 1, 2], 2, float))
    assert [d["job"] for d in done] == [3, 1, 2]
    assert os.getpid() not in {d["process"] for d in done}
    assert {(d["OMP_NUM_THREADS"], d["BAYESQ_JOBS"]) for d in done} == {("1", "1")}
    assert dict(os.environ) == before
