"""Case studies that are programs: a run of fewer draws says what the committed page says."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import jupytext
import nbformat
import pytest

from notebooks import Number, numbers, shown, skeleton

sys.path.append(str(Path(__file__).parents[1] / "case_studies"))

from render import execute, programs

PROGRAMS = programs()
DRAWS = 100  # of 1,000 that the pages are made with

# PLACEHOLDER
MOST, FAR, SHARE = 0.6, 0.2, 0.05


def committed(name: str) -> nbformat.NotebookNode:
    page = PROGRAMS[name].with_suffix(".ipynb")
    assert page.is_file(), f"{name} has no page yet: make case-studies CASE_STUDIES='--only {name}'"
    return nbformat.read(page, 4)


def pairs(
    page: nbformat.NotebookNode, fresh: nbformat.NotebookNode
) -> Iterator[tuple[str, Number, Number]]:
    """Pair the numbers of two runs, each with the words before it; their words must be equal."""
    for there, here in zip(page.cells, fresh.cells, strict=False):
        first, second = shown(there), shown(here)
        assert [skeleton(text) for text in first] == [skeleton(text) for text in second]
        for one, other in zip(first, second, strict=True):
            for a, b in zip(numbers(one), numbers(other), strict=True):
                yield one, a, b


def disagreement(pairs: list[tuple[str, Number, Number]]) -> str:
    """Say where two runs are farther apart than draws make them; empty where they are not."""
    off = [(a.off(b), f"{a.written} and {b.written} in: {text}") for text, a, b in pairs]
    worst = max(off, default=(0.0, ""))
    if worst[0] > MOST:
        return f"{worst[0]:.2f} off: {worst[1]}"
    far = [said for share, said in off if share > FAR]
    if len(far) > SHARE * len(off):
        return f"{len(far)} of {len(off)} numbers are more than {FAR} off:\n" + "\n".join(far)
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_fresh_run_says_what_the_page_says(
    name: str, public: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAYESQ_DRAWS", str(DRAWS))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    page, fresh = committed(name), execute(PROGRAMS[name])
    assert len(page.cells) == len(fresh.cells) + 1  # what made it stands below
    found = list(pairs(page, fresh))
    assert found
    assert not disagreement(found)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_page_is_of_its_program_as_it_stands_and_says_what_made_it(name: str) -> None:
    page, program = committed(name), jupytext.read(PROGRAMS[name])
    told = [(cell.cell_type, cell.source) for cell in page.cells]
    assert told[:-1] == [(cell.cell_type, cell.source) for cell in program.cells]
    assert re.match(r"\*Made in \d+ s at commit [0-9a-f]{10}\b", page.cells[-1].source)
    for package in ("bayesq", "Python", "numpy", "pymc", "nutpie"):
        assert re.search(rf"\b{package} \d+\.\d+", page.cells[-1].source), package


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_page_shows_no_warning_and_no_path_of_a_machine(name: str) -> None:
    for cell in committed(name).cells:
        for output in cell.get("outputs", []):
            assert output.output_type == "display_data", output
            png = output.data.get("image/png")
            assert png is None or output.metadata["image/png"]["alt"]
        assert not re.search(r"/(home|work|tmp|root)/", cell.source)
        assert not any(re.search(r"/(home|work|tmp|root)/", text) for text in shown(cell))


@pytest.mark.parametrize(
    ("one", "other", "off"),
    [
        ("0.328 (0.294 to 0.359)", "0.335 (0.294 to 0.359)", (0.007 - 0.001) / 0.065),
        ("0.02 (-0.03 to 0.06)", "0.03 (-0.03 to 0.06)", 0.0),
        ("some 950M tokens", "some 1.02B tokens", (0.07 - 0.01) / 1.02),
        ("10 of 12 rows", "9 of 12 rows", 0.0),
        ("10 of 12 rows", "6 of 12 rows", 0.3),
        ("1.8e-03 nats", "2.7e-03 nats", 0.8 / 2.7),
    ],
)
def test_numbers_are_held_against_their_intervals(one: str, other: str, off: float) -> None:
    assert skeleton(one) == skeleton(other)
    apart = max(a.off(b) for a, b in zip(numbers(one), numbers(other), strict=True))
    assert apart == pytest.approx(off, abs=2e-3)


def test_a_number_that_no_draws_explain_is_told() -> None:
    told = [("degradation 0.10", Number("0.10"), Number("0.30"))]
    assert "0.10 and 0.30" in disagreement(told)
    near = [("degradation 0.10", Number("0.10"), Number("0.11"))]
    assert not disagreement(near)
