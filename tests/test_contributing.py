"""What CONTRIBUTING.md says is so: its files, commands, names and hooks are there."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
# What fits a law, or reads a fit that is not there: the examples of it in docstrings are skipped.
FITS = re.compile(
    r"\bbayesq\.(fit|fit_laws|(load_)?(backtest|decision_backtest)|load_fit|backtest_decision|compare|"
    r"suggest_runs|sweep|calibration_check)\("
)


def code(text: str) -> list[str]:
    """List what a text has in backticks."""
    return re.findall(r"`([^`\n]+)`", text)


def test_every_file_that_is_named_is_there() -> None:
    linked = re.findall(r"\]\(([^)]+)\)", TEXT)
    paths = {word for word in [*code(TEXT), *linked] if re.fullmatch(r"[\w./-]+(/|\.\w+)", word)}
    paths = {p for p in paths if "/" in p or p.endswith((".md", ".txt", ".toml"))} - {
        "NAME/runs.csv",
        "index.md",
    }
    assert len(paths) > 25
    assert sorted(p for p in paths if not (ROOT / p).exists()) == []


def test_every_command_is_in_the_makefile() -> None:
    named = set(re.findall(r"\bmake ([a-z-]+)\b", TEXT.partition("## Set up")[2].split("\n## ")[0]))
    named |= {
        target
        for word in code(TEXT)
        if word.startswith("make ")
        for target in word.split()[1:]
        if re.fullmatch(r"[a-z][a-z-]*", target)
    }
    assert named >= {"venv", "hooks", "lint", "test", "test-all", "lock", "laws-table"}
    assert all(re.search(rf"^{name}:", MAKEFILE, re.MULTILINE) for name in named)


@pytest.mark.parametrize(
    ("home", "name"),
    [
        ("bayesq.model.noises", "_NAMED"),
        ("test_noise", "SCATTERS"),
        ("test_noise", "by_hand"),
        ("bayesq.decide", "__all__"),
        ("bayesq.decide.over_laws", "_OPTIONS"),
        ("bayesq.pool.pools", "_POOLS"),
        ("bayesq.cli.app", "COMMANDS"),
    ],
)
def test_every_name_to_edit_is_where_it_is_said_to_be(home: str, name: str) -> None:
    assert name in code(TEXT)
    assert hasattr(importlib.import_module(home), name)


def test_the_hook_runs_what_lint_runs() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert re.findall(r"repo: (.+)", hooks) == ["local"]
    assert re.findall(r"entry: (.+)", hooks) == ["make lint"]
    lint = re.search(r"^lint: venv\n((?:\t.+\n)+)", MAKEFILE, re.MULTILINE)
    assert lint
    assert [line.split("/")[-1] for line in lint[1].splitlines()] == [
        "ruff check .",
        "ruff format --check .",
        "mypy",
        "codespell *.md docs case_studies bayesq models",
    ]


def test_examples_in_docstrings_are_run_with_the_tests() -> None:
    assert re.search(
        r"^examples: venv\n\t.+ --doctest-modules bayesq models$", MAKEFILE, re.MULTILINE
    )
    assert re.findall(r"^(test|test-all): lint examples$", MAKEFILE, re.MULTILINE) == [
        "test",
        "test-all",
    ]


def test_only_examples_of_fits_are_skipped() -> None:
    skipped = 0
    for path in sorted([*(ROOT / "bayesq").rglob("*.py"), *(ROOT / "models").glob("*.py")]):
        made: set[str] = set()  # by an example that was skipped before
        for example in doctest.DocTestParser().get_examples(path.read_text(encoding="utf-8")):
            if example.options.get(doctest.SKIP):
                skipped += 1
                words = set(re.findall(r"\w+", example.source))
                assert FITS.search(example.source) or made & words, f"{path}: {example.source}"
                made |= set(re.findall(r"^(\w+) = ", example.source))
    assert skipped
