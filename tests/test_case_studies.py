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

from notebooks import Number, numbers, settled, shown, skeleton

sys.path.append(str(Path(__file__).parents[1] / "case_studies"))

from render import execute, programs

PROGRAMS = programs()
DRAWS = 100  # of 1,000 that the pages are made with

# Between two seeds of 100 draws, in chinchilla_replicated, ptq_overtraining, float_formats, gguf
# and grid (200 to 540 numbers each), up to 5 % of the numbers lay more than FAR apart, as
# Number.off has it, and the farthest by 0.65: an end of an interval over decades. A run is held to
# less than twice that share, and no number may be MOST apart, a factor of 4, but a difference,
# which may lie near 0.
MOST, FAR, SHARE = 0.75, 0.2, 0.08


def committed(name: str) -> nbformat.NotebookNode:
    page = PROGRAMS[name].with_suffix(".ipynb")
    assert page.is_file(), f"{name} has no page yet: make case-studies CASE_STUDIES='--only {name}'"
    return nbformat.read(page, 4)


def pairs(
    page: nbformat.NotebookNode, fresh: nbformat.NotebookNode
) -> Iterator[tuple[str, Number, Number]]:
    """Pair the numbers of two runs, each with the words before it; their words must be equal."""
    for there, here in zip(page.cells, fresh.cells, strict=False):
        first, second = (
            [said for text in shown(cell) if (said := settled(text))] for cell in (there, here)
        )
        assert [skeleton(text) for text in first] == [skeleton(text) for text in second]
        for one, other in zip(first, second, strict=True):
            for a, b in zip(numbers(one), numbers(other), strict=True):
                yield one, a, b


def disagreement(pairs: list[tuple[str, Number, Number]]) -> str:
    """Say where two runs are farther apart than draws make them; empty where they are not."""
    far, most = [], []
    for text, a, b in pairs:
        off = a.off(b)
        said = f"{a.written} and {b.written}, {off:.2f} off, in: {' '.join(text.split())}"
        if off > FAR:
            far.append(said)
        if off > MOST and not (a.signed or b.signed):
            most.append(said)
    return "\n".join(most or (far if len(far) > SHARE * len(pairs) else []))


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
            assert not any("\x1b" in str(text) for text in output.data.values())
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
    told = ("degradation 0.050", Number("0.050"), Number("0.300"))
    assert "0.050 and 0.300" in disagreement([told])
    near = ("degradation 0.100", Number("0.100"), Number("0.115"))
    assert not disagreement([near] * 20)
    far = ("degradation 0.100", Number("0.100"), Number("0.150"))
    assert not disagreement([near] * 19 + [far])
    assert "0.100 and 0.150" in disagreement([near] * 18 + [far] * 2)


def test_what_few_draws_alone_say_is_not_compared() -> None:
    few = (
        "- [warning] r-hat: R-hat of E is 1.02: the chains do not agree.\n"
        "At N 1B, more than 3 bits are enough. In 2% of the draws there is no optimum from 1 to 16 "
        "bits. The fit that this comes from has severe notes (r-hat)."
    )
    assert settled(few) == settled("At N 1B, 3 bits are enough.")
    kept = "- [warning] few-runs: 76 rows come from 4 training runs."
    assert settled(kept) == kept
