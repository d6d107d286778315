"""The roads that ARCHITECTURE.md tells of are those that a debugger sees."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bayesq

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
STEP = re.compile(r"^\d+\. `(bayesq\.[\w.]+)`", re.MULTILINE)
ROADS = {
    title: STEP.findall(body)
    for title, body in re.findall(r"^## (The road [^\n]+)\n(.*?)(?=^## )", TEXT, re.S | re.M)
}
# In a process of its own, so that nothing is imported, listed or compiled already.
WALK = """
import json, sys

seen = []

def see(frame, event, argument):
    if event == "call":
        name = frame.f_globals.get("__name__", "")
        if name.startswith("bayesq"):
            seen.append(f"{name}.{frame.f_code.co_qualname}")

import bayesq

sys.setprofile(see)
runs = bayesq.read_runs("runs.csv")
fit = bayesq.fit(runs, "kumar2024-ptq", draws=40, tune=100, chains=1, seed=1, progress=False)
bayesq.decide.fewest_bits(fit, level=0.05, N=1e6, D=1e8)
sys.setprofile(None)
print(json.dumps(list(dict.fromkeys(seen))))
"""


@pytest.fixture(scope="module")
def walked(grid: bayesq.Runs, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Functions in the order in which they were first called."""
    folder = tmp_path_factory.mktemp("walk")
    grid.select("stage == 'post' and w_group == 128").frame.to_csv(folder / "runs.csv", index=False)
    done = subprocess.run(
        [sys.executable, "-c", WALK],
        cwd=folder,
        env={"PATH": "", "HOME": str(folder), "BAYESQ_COMPILED": str(folder / "compiled")},
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(done.stdout)
    return found


def test_three_roads_are_told() -> None:
    assert [len(steps) for steps in ROADS.values()] == [31, 10, 9]


@pytest.mark.parametrize("road", ROADS)
def test_a_road_is_walked_as_it_is_told(road: str, walked: list[str]) -> None:
    steps = ROADS[road]
    assert not [step for step in steps if step not in walked]
    assert steps == sorted(steps, key=walked.index)


def test_every_room_is_told() -> None:
    told = set(re.findall(r"`(\w+)/?`", TEXT.partition("## The road")[0]))
    rooms = {p.stem for p in (ROOT / "bayesq").iterdir() if p.suffix in ("", ".py")}
    small = {"catalogue", "files"}  # a mapping that prints, and writing beside
    assert rooms - {"__init__", "__main__", "__pycache__", "data", *small} <= told


def test_paths_that_are_named_exist() -> None:
    for path in re.findall(r"`([\w/]+(?:/|\.py))`", TEXT):
        places = (ROOT / path, ROOT / "bayesq" / path)
        assert any(place.exists() for place in places), path
