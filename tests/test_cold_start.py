"""What reads a file and evaluates NumPy loads none of the libraries that sample or draw."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

import bayesq
from bayesq import Fit
from bayesq.posterior.netcdf import write_tree

HEAVY = (
    "pymc",
    "pytensor",
    "nutpie",
    "numba",
    "llvmlite",
    "jax",
    "arviz",
    "arviz_base",
    "arviz_plots",
    "arviz_stats",
    "matplotlib",
    "scipy.stats",
)
SCRIPT = """
import sys
from bayesq.cli.app import main
try:
    main(sys.argv[1:])
finally:
    print(*sorted(sys.modules), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def fit() -> Fit:
    few = {"draws": 60, "tune": 150, "chains": 2, "seed": 3, "progress": False}
    return bayesq.fit(bayesq.load_pool("grid"), "chinchilla", **few)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def path(fit: Fit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fit.save(tmp_path_factory.mktemp("fits") / "fit.nc")


def loaded(*arguments: str) -> tuple[str, set[str]]:
    """Run a command in a fresh process; return what it prints and the modules that it loads."""
    command = [sys.executable, "-c", SCRIPT, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout, set(done.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--help"], "backtest"),
        (["--version"], f"bayesq {version('bayesq')}\n"),
        (["laws"], "kumar2024-ptq"),
        (["pools"], "quest"),
        (["check", "grid"], "chinchilla (28 rows) for rows in full precision"),
        (["predict", "chinchilla", "--at", "N=1B,D=100B"], "distance"),
        (["decide", "compute_optimal", "chinchilla", "compute=1e21"], "median"),
    ],
    ids=lambda v: " ".join(v[:2]) if isinstance(v, list) else "",
)
def test_a_quick_command_loads_nothing_heavy(arguments: list[str], words: str) -> None:
    out, modules = loaded(*arguments)
    assert words in out
    # A check fits each law in a moment, from where its priors are.
    heavy = set(HEAVY) - ({"scipy.stats"} if arguments[0] == "check" else set())
    assert not modules.intersection(heavy)


@pytest.mark.parametrize(
    "arguments",
    [
        ["show"],
        ["show", "--json"],
        ["predict", "--at", "N=1B,D=100B"],
        ["predict", "--at", "N=1B,D=100B", "--kind", "run"],
    ],
    ids=" ".join,
)
def test_a_saved_fit_is_read_without_what_made_it(arguments: list[str], path: Path) -> None:
    out, modules = loaded(arguments[0], str(path), *arguments[1:])
    assert "median" in out
    assert not modules.intersection(HEAVY)


def test_python_reads_a_saved_fit_without_what_made_it(path: Path) -> None:
    code = (
        "import sys, bayesq; fit = bayesq.load_fit(sys.argv[1]); print(fit);"
        "bayesq.predict(fit, {'N': '1B', 'D': '100B'}); print(*sys.modules, file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not set(done.stderr.split()).intersection(HEAVY)


def test_a_saved_fit_tells_what_it_told_when_it_was_made(
    fit: Fit, path: Path, tmp_path: Path
) -> None:
    before = dict(fit.data.attrs)
    back = bayesq.load_fit(path)
    for prob in (0.9, 0.5):
        pd.testing.assert_frame_equal(back.summary(prob), fit.summary(prob), check_exact=True)
    assert dict(fit.data.attrs) == before == dict(back.data.attrs)

    # Files of older versions, and what a damaged one says, are worked out anew.
    with xr.open_datatree(path, engine="h5netcdf") as file:
        tree = file.load()
    held = tree.attrs.pop("convergence")
    assert '"r_hat"' in held
    for words in (None, "{", '{"rows": []}', held.replace('"alpha"', '"other"')):
        tree.attrs |= {} if words is None else {"convergence": words}
        older = write_tree(tree, tmp_path / "older.nc")
        found = bayesq.load_fit(older).summary()
        pd.testing.assert_frame_equal(found, fit.summary(), check_exact=True)


def test_a_fit_of_a_compiled_law_begins_without_what_compiles_it() -> None:
    script = "import sys, bayesq; bayesq.fit, bayesq.sweep; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert not {"pymc", "pytensor", "numpyro", "distributed"} & set(done.stdout.split())
