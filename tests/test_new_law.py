"""Adding a law takes one file and no other edit: it is listed, fitted, asked and saved."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bayesq
from bayesq.cli.app import main

LAW = """
'''Share of the size kept by the weights, falling with the tokens per parameter.'''

import numpy as np

from bayesq.law import WEIGHT_BITS, Law, Parameter, Prior, Published
from bayesq.models import chinchilla


def kept(P, rate):
    return 1 - np.exp(-P / rate)


def effective_size(N, P, rate):
    return N * kept(P, rate)


law = Law(
    name="one-file",
    title="a law in one file",
    source="its own file",
    base=chinchilla.law,
    effective={"N": effective_size},
    inputs=(WEIGHT_BITS,),
    stages=("train",),
    parameters=(
        Parameter("rate", Prior("LogNormal", mu=0.5, sigma=0.5), "bits", "sensitivity"),
    ),
    published=(
        Published(
            "rough",
            {"E": 1.8, "A": 480.0, "B": 2000.0, "alpha": 0.35, "beta": 0.37, "rate": 2.0},
            "nobody",
        ),
    ),
    observed={"N": (1e6, 1e9), "D": (1e8, 1e11), "P": (2, 8)},
    closed={"effective_parameters": kept},
)
"""


@pytest.fixture
def added(folder_of_laws: Path) -> None:
    (folder_of_laws / "one_file.py").write_text(LAW)


@pytest.mark.usefixtures("added")
def test_a_law_in_one_file_is_at_home(
    grid: bayesq.Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "one-file" in bayesq.laws()
    rows = grid.select("stage == 'none' or stage == 'train' and w_group == 32 and a_bits == 16")
    few = {"draws": 200, "tune": 300, "chains": 2, "progress": False}
    fit = bayesq.fit(rows, "one-file", discrepancy=False, seed=1, **few)
    rate = fit.posterior["rate"]
    assert 1 < float(rate.median()) < 6

    at = {"N": "7.1M", "D": "200M", "w_bits": [3, 16]}
    losses = bayesq.predict(fit, at).draws
    assert (losses.isel(scenario=0) > losses.isel(scenario=1)).all()

    kept = bayesq.decide.effective_parameters(fit, N="7.1M", D="200M", w_bits=3)
    np.testing.assert_allclose(kept.draws["eff"], 1 - np.exp(-3 / rate), rtol=1e-12)
    # N P fixed, N (1 - exp(-P / rate)) is larger the fewer the bits: no number of them is best.
    best = bayesq.decide.optimal_precision(fit, compute=1e16, D="200M")
    assert best.without_answer == 1
    assert "there is no optimum" in best.text
    assert bayesq.load_fit(fit.save(tmp_path / "fit.nc")).law is fit.law

    for command in (["laws", "--json"], ["decide", "effective_parameters", "one-file", "P=4"]):
        with pytest.raises(SystemExit) as ended:
            main([*command, "--json"] if "--json" not in command else command)
        assert ended.value.code in (0, None)
        said = json.loads(capsys.readouterr().out)
        assert said
    assert said["answers"][0]["median"] == pytest.approx(1 - np.exp(-2))


ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the house, and drop one file into it: the law that the documentation shows."""
    copy = tmp_path_factory.mktemp("checkout")
    for folder in ("bayesq", "models", "tests", "case_studies"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignored)
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, copy / name)
    text = (ROOT / "docs" / "how_to" / "add_law.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r":caption: my_law.py\n\n(.*?)```", text, re.DOTALL)
    (copy / "models" / "a_stranger.py").write_text(shown)
    return copy


def within(checkout: Path, *command: str) -> str:
    """Run Python in the copy and return what it printed."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


STRANGER = "tokens-per-parameter"
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", STRANGER)
# Tests that go through the laws one by one, quick and slow, and need no pool.
QUICK = (
    "test_law.py::test_every_kind_of_value_gives_the_same_numbers",
    "test_law.py::test_a_coefficient_is_told_by_its_term_at_the_pivot",
    "test_folds.py::test_a_scenario_gives_the_law_what_its_row_does",
    "test_published.py::test_every_law_has_constants_or_says_that_it_has_none",
    "test_coverage.py::test_every_law_has_a_table_with_rows_that_it_can_use",
)
SLOW = (
    "test_coverage.py::test_intervals_cover_what_was_simulated",
    "test_programs.py::test_a_program_of_another_table_tells_what_one_made_for_this_table_tells",
    "test_sbc.py::test_ranks_are_uniform",
)


def test_a_second_checkout_has_laws_of_its_own(checkout: Path) -> None:
    said = within(checkout, "-c", "import bayesq; print(*bayesq.laws())")
    assert set(said.split()) == {*bayesq.laws(), STRANGER}
    assert STRANGER not in bayesq.laws()


def test_the_slow_tests_of_laws_take_a_stranger_up(checkout: Path) -> None:
    files = sorted({f"tests/{test.partition('::')[0]}" for test in SLOW})
    said = within(checkout, *PYTEST, "--collect-only", "-m", "slow", *files)
    assert [line for line in said.splitlines() if "::" in line] == [
        f"tests/{test}[{STRANGER}]" for test in SLOW
    ]


def test_a_stranger_passes_the_tests_of_laws(checkout: Path) -> None:
    files = sorted({f"tests/{test.partition('::')[0]}" for test in QUICK})
    said = within(checkout, *PYTEST, "-m", "not slow", *files)
    assert re.search(rf"^{len(QUICK) + 1} passed", said, re.MULTILINE), said
    # What is about all laws at once: their list, their table, their identities.
    about_all = (
        "tests/test_law.py::test_the_laws_are_listed_with_what_they_need",
        "tests/test_law.py::test_a_law_is_described_in_json",
        "tests/test_laws_table.py",
        "tests/test_identity.py::test_an_identity_is_the_same_in_another_process",
    )
    within(checkout, "-m", "pytest", "-q", "-p", "no:cacheprovider", *about_all)


@pytest.mark.slow
def test_a_stranger_is_covered_and_calibrated_from_its_priors(checkout: Path) -> None:
    files = sorted({f"tests/{test.partition('::')[0]}" for test in SLOW})
    said = within(checkout, *PYTEST, "-m", "slow", *files)
    assert re.search(rf"^{len(SLOW)} passed", said, re.MULTILINE), said


def test_a_stranger_is_in_the_table_of_laws(checkout: Path) -> None:
    within(checkout, "case_studies/laws_table.py", "--list")
    text = (checkout / "models" / "README.md").read_text(encoding="utf-8")
    line = (
        "| [`tokens-per-parameter`](a_stranger.py) | degradation in tokens per parameter | N, D, P"
    )
    assert line in text
    fits = "import sys; sys.path.append('case_studies'); import laws_table as t; print(t.rows())"
    assert f"Row(law='{STRANGER}', pool='grid', where='')" in within(checkout, "-c", fits)
