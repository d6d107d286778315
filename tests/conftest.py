"""What the tests share: where the public pools are, and fits that several tests look at."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import bayesq
import bayesq.models
from bayesq.cli.app import main
from bayesq.law import registry
from command import Answer, Run

PUBLIC = Path(__file__).parents[2] / "shared" / "data" / "public"


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
