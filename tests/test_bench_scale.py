"""The benchmark of growth: what it stops, what it makes of what it measured, and one small run."""

from __future__ import annotations

import csv
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from studies import Load, modules_of

FOLDER = Path(__file__).parent / "benchmarks"
NAMES = ["clock", "growth", "scale"]
NAMES += [f"clock.{n}" for n in ("machine", "rows", "stranger", "style", "write")]
NAMES += [f"growth.{n}" for n in ("figure", "measured", "sweeps", "telling", "watch", "write")]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Import modules of the benchmark by name, as its program does."""
    yield from modules_of(FOLDER, NAMES, monkeypatch)


@pytest.fixture
def home(load: Load, tmp_path: Path) -> dict[str, str]:
    """Make an empty home."""
    return dict(load("clock.stranger").moved_in(tmp_path / "home"))


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def test_a_process_is_stopped_with_all_that_it_started(load: Load, home: dict[str, str]) -> None:
    watch = load("growth.watch").watch
    program = "import subprocess, sys, time\n"
    program += "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    program += "print(child.pid, flush=True)\ntime.sleep(60)"
    began = time.monotonic()
    took = watch(python(program), home, 1.5, 4)
    assert took.why == "over 2 s"
    assert 1.5 < took.over == took.seconds
    assert time.monotonic() - began < 30
    child = int(took.output)
    for _ in range(100):
        if not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie":
            break
        time.sleep(0.05)
    else:
        pytest.fail("the child of the stopped process lives on")


def test_memory_counts_the_whole_family_and_has_a_limit(load: Load, home: dict[str, str]) -> None:
    watch = load("growth.watch").watch
    hold = "import time\nheld = bytearray(150_000_000)\ntime.sleep({})"
    both = f"import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', {hold!r}])\n"
    both = both.format(1) + hold.format(1)
    took = watch(python(both), home, 60, 4)
    assert not took.why
    assert 300 < took.peak < 500
    stopped = watch(python(hold.format(60)), home, 60, 0.1)
    assert stopped.why == "over 0.1 GiB"


def test_failures_are_told_and_finished_steps_kept(load: Load, home: dict[str, str]) -> None:
    watch, telling = load("growth.watch").watch, load("growth.telling")
    program = "from growth.telling import step, tell\n"
    program += (
        "with step('one'):\n    print('{not ours}')\ntell(file=3.5)\nraise SystemExit('no luck')"
    )
    took = watch(python(program), home | {"PYTHONPATH": str(FOLDER)}, 60, 4)
    assert took.why == "failed: no luck"
    (told,) = telling.read(took.output)
    assert told["step"] == "one"
    assert told["file"] == 3.5
    assert 0 <= told["seconds"] < 5
    assert watch(["/nowhere/python"], home, 60, 4).why.startswith("failed: ")


def measured(load: Load) -> list[Any]:
    """Make up what two machines measured: linear reading, fits that were stopped, a speed-up."""
    one = load("growth.measured").Measured
    small, large = "2 cores", "16 cores"
    found = [
        one("rows", n, "read", small, 1e-5 * n, 2e-5 * n, 50 + n / 1e3)
        for n in (100, 10_000, 1_000_000)
    ]
    found += [one("rows", 10_000, "fit, with misfit", small, 20.0, 22.0, 400.0, 800.0, file=9.0)]
    found[-1].how = "10,000 rows were fitted as 300."
    found += [
        one("rows", 1_000_000, "fit, with misfit", small, over=900.4, why="over 900 s", peak=3000.0)
    ]
    found += [one("rows", 10_000_000, "fit, with misfit, first ever", small, over=900.5)]
    found += [one("fits", n, "one by one", small, 2.0 * n, fits=n) for n in (1, 10, 100)]
    found += [one("fits", 1000, "one by one", small, fits=1000, why="not tried: a | b")]
    for cores, seconds in ((1, 48.0), (4, 16.0), (16, 6.0)):
        found.append(one("processes", cores, "48 fits", large, seconds, 50.0, fits=48))
    return found


def test_slopes_and_speed_ups_by_hand(load: Load) -> None:
    growth, found = load("growth.measured"), measured(load)
    read = growth.line_of(found, "rows", "read", "2 cores")
    assert growth.slope(read) == pytest.approx(1)
    read[0].seconds = 100.0  # outside the largest two decades
    assert growth.slope(read) == pytest.approx(1)
    assert growth.slope(read[2:]) is None
    square = [growth.Measured("rows", n, "x", seconds=3.0 * n**2) for n in (10, 100, 1000)]
    assert growth.slope(square) == pytest.approx(2)
    line = growth.line_of(found, "processes", "48 fits", "16 cores")
    assert [growth.speed_up(line, m) for m in line] == [1, 3, 8]


def test_table_and_figure_show_the_same_numbers(load: Load, tmp_path: Path) -> None:
    found = measured(load)
    growth, write = load("growth.measured"), load("growth.write")
    text = write.markdown(found)
    assert "| read | 1,000,000 | 10 | 20 | 1,050 | - | - | - | 1 | 1 |" in text
    assert "| fit, with misfit | 10,000 | 20 | 22 | 400 | 800 | 40 | 9 |  |  |" in text
    assert "| fit, with misfit | 1,000,000 | over 900 s | - | 3,000 | - | - | - | - | - |" in text
    assert "not tried: a / b" in text
    for table in text.split("\n\n"):
        lines = [line for line in table.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in lines}) <= 1, "a cell under each name"
    assert "\n\nfit, with misfit, 10,000 rows: 10,000 rows were fitted as 300.\n\n" in text
    assert "| 48 fits | 16 | 6 | 50 | - | - | 8 | 0.5 |" in text
    write.write_csv(found, tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(encoding="utf-8") as file:
        records = list(csv.DictReader(file))
    assert len(records) == len(found)

    seconds, memory, fits, speed = load("growth.figure").figure_of(found).axes

    def lines(axis: Any) -> dict[str, list[tuple[float, float]]]:
        return {
            line.get_label().split(":")[0]: [
                (float(x), float(y)) for x, y in zip(*line.get_data(), strict=True)
            ]
            for line in axis.get_lines()
            if not line.get_label().startswith("_")
        }

    def of(part: str, step: str, column: str) -> list[tuple[float, float]]:
        chosen = [r for r in records if (r["part"], r["step"]) == (part, step) and r["seconds"]]
        return [(float(r["size"]), float(r[column])) for r in chosen]

    assert lines(seconds) == {s: of("rows", s, "seconds") for s in ("read", "fit, with misfit")}
    assert lines(memory) == {s: of("rows", s, "peak") for s in ("read", "fit, with misfit")}
    assert lines(fits) == {"one by one": of("fits", "one by one", "seconds")}
    assert lines(speed)["48 fits, 16 cores"] == of("processes", "48 fits", "speed_up")
    # What was stopped stands where it was stopped, a first fit too.
    assert [line.get_data() for line in seconds.get_lines() if line.get_marker() == "^"] == [
        ([1_000_000], [900.4]),
        ([10_000_000], [900.5]),
    ]
    labels = [line.get_label() for line in seconds.get_lines()]
    assert "read: slope 1.00" in labels
    assert growth.slope(growth.line_of(found, "rows", "fit, with misfit", "2 cores")) is None


def test_several_machines_are_drawn_together(load: Load, tmp_path: Path) -> None:
    found, machine = measured(load), load("growth.measured").Machine
    for name in ("2 cores", "16 cores"):
        (tmp_path / name).mkdir()
        mine = machine(f"{name}: a processor.", [m for m in found if m.machine == name])
        mine.save(tmp_path / name / "measured.json")
    folders = [str(tmp_path / name) for name in ("2 cores", "16 cores")]
    load("scale").main(["--from", *folders, "--out", str(tmp_path / "all")])
    text = (tmp_path / "all" / "table.md").read_text(encoding="utf-8")
    assert load("growth.write").markdown(found) in text
    assert "2 cores: a processor." in text
    assert "16 cores: a processor." in text
    assert {p.name for p in (tmp_path / "all").iterdir()} == {
        "table.md", "table.csv", "figure.png", "figure.svg",
    }  # fmt: skip


def test_a_table_is_read_in_a_process_of_this_checkout(load: Load, tmp_path: Path) -> None:
    sweeps = load("growth.sweeps").Sweeps(tmp_path, "here", 120, 4)
    table = tmp_path / "30.csv"
    rows = load("clock.rows")
    rows.write(rows.each_simulated(30, seed=1), table, ("N", "D", "loss"))
    home = sweeps._home()
    paths = home["PYTHONPATH"].split(os.pathsep)
    assert paths[:2] == [str(FOLDER), str(FOLDER.parents[1])]
    read, check = sweeps._table(30, {}, "", ("read", "check"), ["read", table], home)
    assert (read.step, check.step) == ("read", "check")
    for one in (read, check):
        assert not one.why
        assert 0 < one.seconds < 120
        assert 10 < one.peak < 4000
    stopped: dict[str, str] = {}
    hasty = load("growth.sweeps").Sweeps(tmp_path, "here", 0.01, 4)
    read, check = hasty._table(30, stopped, "", ("read", "check"), ["read", table], home)
    assert (read.why, check.why) == ("over 0 s", "-")
    later, _ = hasty._table(300, stopped, "", ("read", "check"), ["read", table], home)
    assert later.why == "not tried: 30 rows took over 0 s"


@pytest.mark.slow
def test_a_small_run_measures_everything(load: Load, tmp_path: Path) -> None:
    scale = load("scale")
    sizes = ["--rows", "40", "--fits", "1", "2", "--processes", "1", "2"]
    scale.main([*sizes, "--fits-of-a-process", "3", "--out", str(tmp_path), "--commit", "made-up"])
    kept = json.loads((tmp_path / "measured.json").read_text(encoding="utf-8"))
    assert "commit made-up" in kept["about"]
    failed = {(m["step"], m["size"]): m["why"] for m in kept["measured"] if m["seconds"] is None}
    assert not failed
    fits = [m for m in kept["measured"] if m["step"].startswith("fit, ")]
    assert len(fits) == 4
    assert all(m["least_ess"] > 100 and m["peak"] > 100 for m in fits)
    assert {p.name for p in tmp_path.iterdir()} >= {"table.md", "table.csv", "figure.png"}
