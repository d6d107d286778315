"""The stranger's clock: what it makes of what it measured, and whose home its processes see."""

from __future__ import annotations

import csv
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from studies import Load, modules_of

FOLDER = Path(__file__).parent / "benchmarks"
NAMES = ["clock"] + [
    f"clock.{n}" for n in ("environments", "measured", "rows", "stranger", "write")
]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Import modules of the benchmark by name, as its program does."""
    yield from modules_of(FOLDER, NAMES, monkeypatch)


def test_a_strangers_home_is_empty_and_the_only_one(load: Load, tmp_path: Path) -> None:
    outer = {
        "HOME": "/home/somebody",
        "PATH": "/home/somebody/.local/bin:/usr/bin:/bin",
        "XDG_CACHE_HOME": "/home/somebody/.cache",
        "NUMBA_CACHE_DIR": "/var/numba",
        "PYTENSOR_FLAGS": "base_compiledir=/home/somebody/compiled",
        "JAX_COMPILATION_CACHE_DIR": "/home/somebody/jax",
        "LANG": "C.UTF-8",
    }
    own = load("clock.stranger").moved_in(tmp_path / "home", outer)
    assert not any("somebody" in value or "/var" in value.split(":") for value in own.values())
    assert not {"PYTENSOR_FLAGS", "JAX_COMPILATION_CACHE_DIR"} & set(own)
    assert own["PATH"] == "/usr/bin:/bin"
    for name in ("HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR", "TMPDIR"):
        assert Path(own[name]).is_relative_to(tmp_path)
    assert not [p for p in (tmp_path / "home").rglob("*") if p.is_file()]


def test_the_clock_is_outside_and_failures_are_told(load: Load, tmp_path: Path) -> None:
    stranger = load("clock.stranger")
    home = stranger.moved_in(tmp_path)
    took = stranger.clock([sys.executable, "-c", "import os; print(os.environ['HOME'])"], home)
    assert took.output.strip() == str(tmp_path)
    assert 0 < took.seconds < 60
    # A process begins as large as the one that starts it.
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    assert 1 < took.peak < max(1000, 1.1 * own)
    with pytest.raises(stranger.FailedError, match="no such luck"):
        stranger.clock([sys.executable, "-c", "raise SystemExit('no such luck')"], home)
    with pytest.raises(stranger.FailedError, match="nowhere"):
        stranger.clock(["/nowhere/python"], home)


def test_tables_have_their_rows_and_the_others_differ(load: Load, tmp_path: Path) -> None:
    rows = load("clock.rows")
    for size in rows.SIZES:
        found, _ = rows.table(size)
        others = rows.others(size)
        assert len(found) == len(others) == size
        assert all(float(row["loss"]) > 0 for row in [*found, *others])
        assert {row["loss"] for row in found} != {row["loss"] for row in others}
    assert rows.simulated(5, 1) == rows.simulated(5, 1)
    rows.write(rows.simulated(5, 1), tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(encoding="utf-8") as file:
        assert [float(r["loss"]) for r in csv.DictReader(file)] == [
            r["loss"] for r in rows.simulated(5, 1)
        ]


def test_ratios_are_to_the_plain_script_on_the_same_rows(load: Load, tmp_path: Path) -> None:
    measured, write = load("clock.measured"), load("clock.write")
    first, new, same = measured.KINDS
    found = [
        measured.Measured(28, "bayesq", {first: 4.0, new: 3.0}, least_ess=812.0),
        measured.Measured(28, measured.PLAIN, {first: 10.0, new: 6.0, same: 2.0}, peak={new: 444}),
        measured.Measured(28, "other", why="failed: a | b"),
        measured.Measured(1000, "bayesq", {new: 120.0}),
    ]
    assert measured.ratio(found, found[0], new) == 0.5
    assert measured.ratio(found, found[0], same) is None
    assert measured.ratio(found, found[3], new) is None, "no plain script on those rows"
    text = write.markdown(found)
    assert "| bayesq | 0.4 (4.0 s) | 0.5 (3.0 s) | - | - | 812 | - | - |" in text
    assert "| other (failed: a / b) | - | - | - | - | - | - | - |" in text
    assert "| bayesq | - | 120 s | - | - | - | - | - |" in text
    assert "| 1,000 rows |" in text
    write.write_csv(found, tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [line["ratio_new_process"] for line in lines] == ["0.5", "1.0", "", ""]
    quick = write.markdown_quick({"bayesq --help": 0.2, "bayesq x": "failed: no x"}, 0.05)
    assert "| `bayesq x` | - | failed: no x |" in quick
    assert "| `bayesq --help` | 4.0 | 0.20 |" in quick


def test_an_environment_that_cannot_be_made_says_so(load: Load, tmp_path: Path) -> None:
    environments, stranger = load("clock.environments"), load("clock.stranger")
    pinned = tmp_path / "pinned.txt"
    pinned.write_text("a==1\n")
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "made-from.txt").write_text("a==1\n")
    assert environments.python_with(pinned, folder) == folder / "bin" / "python"
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(stranger.FailedError, match="no environment"):
        environments.python_with(pinned, tmp_path / "file" / "made")
