"""What the tests share: where the public pools are, and fits that several tests look at."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bayesq
import bayesq.models
import two_runs
from bayesq.cli.app import main
from bayesq.comparison.refits import Refits
from bayesq.law import registry
from command import Answer, Run
from compiling import forget

# Fits of tests are made here, but for those of tests that say where.
os.environ["BAYESQ_JOBS"] = "1"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PUBLIC = Path(__file__).parents[2] / "shared" / "data" / "public"


@pytest.fixture(autouse=True, scope="session")
def no_edge() -> None:
    """Leave out the width of the terminal that the tests were started from; tables keep to it."""
    os.environ.pop("COLUMNS", None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser is here: none of {', '.join(BROWSERS)} is on the path")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        # The sandbox of a browser needs rights that a container has not.
        opened = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the public pools; the test is skipped where it is absent."""
    folder = Path(os.environ.get("BAYESQ_DATA", PUBLIC))
    if not folder.is_dir():
        pytest.skip(f"the public pools are not here: no folder {folder}; set BAYESQ_DATA to one")
    monkeypatch.setenv("BAYESQ_DATA", str(folder))
    return folder


@pytest.fixture(scope="session")
def grid() -> bayesq.Runs:
    """Load the shipped pool."""
    return bayesq.load_pool("grid")


@pytest.fixture(scope="session")
def ptq_runs(grid: bayesq.Runs) -> bayesq.Runs:
    """Choose the grid's INT3 to INT6 post-training rows of group 128."""
    return grid.select(
        "stage == 'post' and w_kind == 'int' and 3 <= w_bits <= 6 and w_group == 128"
    )


@pytest.fixture(scope="session")
def ptq_fit(ptq_runs: bayesq.Runs) -> bayesq.Fit:
    """Fit Kumar's post-training law to them."""
    return bayesq.fit(ptq_runs, "kumar2024-ptq", seed=1, progress=False)


@pytest.fixture(scope="session")
def ptq_law_fit(ptq_runs: bayesq.Runs) -> bayesq.Fit:
    """Fit the same law to the same rows and take it to be true."""
    return bayesq.fit(ptq_runs, "kumar2024-ptq", discrepancy=False, seed=1, progress=False)


@pytest.fixture(scope="session")
def base_fit(grid: bayesq.Runs) -> bayesq.Fit:
    """Fit the base law to the grid's full-precision rows."""
    return bayesq.fit(grid, "chinchilla", seed=1, progress=False)


@pytest.fixture(scope="session")
def small_fit(ptq_runs: bayesq.Runs) -> bayesq.Fit:
    """Fit Kumar's post-training law with few draws, for what looks at every one of them."""
    return bayesq.fit(
        ptq_runs, "kumar2024-ptq", draws=60, tune=300, chains=2, seed=1, progress=False
    )


@pytest.fixture(scope="session")
def small_base(grid: bayesq.Runs) -> bayesq.Fit:
    """Fit the base law with as few."""
    return bayesq.fit(grid, "chinchilla", draws=60, tune=300, chains=2, seed=1, progress=False)


@pytest.fixture(scope="session")
def two_fits() -> dict[str, bayesq.Fit]:
    """Fit one law with noise on the logarithm and, the same rows, with other tails."""
    runs = bayesq.read_runs(two_runs.rows())
    return {
        "heavy": bayesq.fit(runs, "chinchilla", **two_runs.TRUE),
        "normal": bayesq.fit(runs, "chinchilla", noise="normal", **two_runs.TRUE),
    }


@pytest.fixture(scope="session")
def two_compared(two_fits: dict[str, bayesq.Fit]) -> bayesq.Comparison:
    """Compare them as they are."""
    return bayesq.compare(two_fits, outside=None, cure="none", progress=False)


@pytest.fixture(scope="session")
def wild_fit() -> bayesq.Fit:
    """Fit a table with one row that lies far off, by a noise that cannot pass over it."""
    table = bayesq.read_runs(two_runs.rows(wild=0.05))
    return bayesq.fit(table, "chinchilla", noise="normal", **two_runs.TRUE)


@pytest.fixture(scope="session")
def wild_refits(wild_fit: bayesq.Fit) -> Refits:
    """Make ready to fit that table without some of its rows."""
    return Refits(wild_fit, wild_fit.specification)


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make this process one that has compiled nothing, and give the folder for what it compiles."""
    return forget(monkeypatch, tmp_path / "compiled")


@pytest.fixture
def folder_of_laws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make a second folder in which the list of laws looks."""
    monkeypatch.setattr(bayesq.models, "__path__", [*bayesq.models.__path__, str(tmp_path)])
    registry._shipped.cache_clear()
    yield tmp_path
    registry._shipped.cache_clear()
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(f"bayesq.models.{path.stem}", None)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Give a function that runs the command line in this process."""

    def run(*arguments: object) -> Answer:
        with pytest.raises(SystemExit) as left:
            main([str(a) for a in arguments])
        return Answer(int(left.value.code or 0), *capsys.readouterr())

    return run
