"""What a report says of several fits, of studies, of laws and of intervals as probable as asked."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from made_up_fits import around
from saved_fits import unpacked

import bayesq
from bayesq import BayesqError, Fit, html
from bayesq.decide.decision import Decision
from bayesq.decide.in_words import ask
from bayesq.intervals import asked_for, interval
from bayesq.reporting.decision_sections import nearest
from command import Run
from reported import ADDED, NOISE, QUESTIONS, Page, made_up


@pytest.fixture(scope="module")
def fits(ptq_runs: bayesq.Runs, grid: bayesq.Runs) -> tuple[Fit, Fit]:
    return made_up(ptq_runs, grid)


@pytest.fixture(scope="module")
def other(ptq_runs: bayesq.Runs) -> Fit:
    return around(ptq_runs, "kumar2024-ptq", "degradation", ADDED | NOISE | {"C_T": 80.0})


@pytest.fixture(scope="module")
def pooled(tmp_path_factory: pytest.TempPathFactory) -> Fit:
    found = bayesq.load_fit(unpacked("studies", "6", tmp_path_factory.mktemp("pooled")))
    assert isinstance(found, Fit)
    return found


def said(page: Page, within: str = "") -> str:
    return " ".join(" ".join(e.text.split()) for e in page.all("p", "li", "h3", within=within))


# --- intervals -----------------------------------------------------------------------------------


def test_sentence_and_table_have_the_interval_that_was_asked_for(fits: tuple[Fit, Fit]) -> None:
    made = bayesq.report(fits[0], decide=QUESTIONS[0], prob=0.5, figures=False, progress=False)
    assert interval().prob == 0.9
    (decision,) = made.decisions
    low, high = decision.to_frame(0.5).loc["w_bits", ["lower", "upper"]]
    assert f"(50 % interval {low:.2f} to {high:.2f})" in decision.answer
    page = Page(made.html)
    (line,) = page.table("Answers. 50 % intervals")
    assert [float(line["lower"]), float(line["upper"])] == pytest.approx([low, high], rel=1e-3)
    assert "50 % interval" in said(page, "doubts")
    assert "90 % interval" not in said(page)
    assert "--prob 0.5" in next(page.all("pre", within="reproduce")).text


@pytest.mark.slow
def test_figures_have_the_interval_that_was_asked_for(fits: tuple[Fit, Fit]) -> None:
    made = bayesq.report(fits[0], decide=QUESTIONS[0], prob=0.5, progress=False)
    low, high = made.decisions[0].to_frame(0.5).loc["w_bits", ["lower", "upper"]]
    figures = [e.text for e in Page(made.html).all("desc")]
    assert any(f"50 % interval {low:.3g} to {high:.3g}" in text for text in figures)
    assert sum("50 % interval" in text for text in figures) >= 4
    assert not any("90 % interval" in text for text in figures)


def test_a_command_s_sentence_has_the_interval_that_was_asked_for(
    run: Run, fits: tuple[Fit, Fit], tmp_path: Path
) -> None:
    saved = fits[0].save(tmp_path / "fit.nc")
    words = QUESTIONS[0].split()
    told = run("decide", words[0], saved, *words[1:], "--prob", "0.5", "--json").json()
    assert "50 % interval" in told["text"]


def test_what_is_asked_for_ends_with_the_block() -> None:
    with asked_for(0.5):
        assert interval().prob == 0.5
        assert interval(0.7).prob == 0.7
        with asked_for(None):
            assert interval().prob == 0.5
    assert interval().prob == 0.9
    with pytest.raises(BayesqError, match="prob is 2"), asked_for(2):
        pass


# --- laws, studies, fits -------------------------------------------------------------------------


def test_rows_beside_an_average_are_counted_once(fits: tuple[Fit, Fit], other: Fit) -> None:
    mixed = bayesq.average({"one": fits[0], "other": other}, "equal", progress=False)
    at = "fewest_bits level=0.01 N=7.08M D=400M"
    alone, both = ask(fits[0], at), ask(mixed, at)
    rows = int((alone.evidence["distance"] <= 0.01).sum())  # type: ignore[index]
    assert nearest(both).startswith(f"{rows} rows were measured at this very setting")
    assert nearest(alone).startswith(f"{rows} rows were measured at this very setting")
    found = re.search(
        r"one says ([\d.]+) \(90 % interval .*other says ([\d.]+) \(90", nearest(both)
    )
    assert found
    middles = both.evidence["median"]  # type: ignore[index]
    first = alone.evidence.index[0]  # type: ignore[union-attr]
    wanted = [f"{middles[law].loc[first]:.4g}" for law in ("one", "other")]
    assert list(found.groups()) == wanted
    assert len(set(wanted)) == 2


def test_two_fits_of_one_law_are_told_apart(fits: tuple[Fit, Fit], other: Fit) -> None:
    asked = {"figures": False, "progress": False}
    made = bayesq.report([fits[0], other], decide=QUESTIONS[0], **asked)  # type: ignore[arg-type]
    lines = made.text.splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        "fit 1 of kumar2024-ptq",
        "fit 2 of kumar2024-ptq",
    ]
    assert [line.split(": ", 1)[1] for line in lines] == [
        ask(fit, QUESTIONS[0]).text for fit in (fits[0], other)
    ]


def test_a_study_stands_in_title_question_and_answer(pooled: Fit) -> None:
    asks = "fewest_bits level=0.01 N=1M D=100M w_group=128"
    made = bayesq.report(pooled, decide=asks, study="a", figures=False, progress=False)
    page = Page(made.html)
    assert "kumar2024-ptq, study a" in next(page.all("h1")).text
    assert f"{asks}, by kumar2024-ptq, study a" in said(page, "answer")


@pytest.mark.slow
def test_parameters_without_a_study_are_of_the_middle(pooled: Fit) -> None:
    made = bayesq.report(pooled, progress=False)
    assert "medians with the 90 % interval, of the middle of its 2 studies" in made.text
    text = said(Page(made.html))
    assert text.count("figures of one are drawn where it is named") == 1
    assert "fit.of_study" not in text


# --- a comparison, constants, what was not found -------------------------------------------------


def test_a_comparison_s_failures_stand_with_it_alone(fits: tuple[Fit, Fit], other: Fit) -> None:
    made = bayesq.report([fits[0], other], figures=False, progress=False)
    assert made.comparison is not None
    assert "pareto-k" in {note.code for note in made.comparison.notes}
    page = Page(made.html)
    assert "pareto-k" not in said(page, "doubts")
    told = said(page, "comparison")
    assert "Severe: pareto-k" in told
    assert "Run bayesq compare fit-1-of-kumar2024-ptq.nc fit-2-of-kumar2024-ptq.nc, which" in told


def test_constants_have_neither_interval_nor_prior() -> None:
    made = bayesq.report(
        "sun2025", decide="critical_tokens N=1B exponent=4 mantissa=3 group=128", progress=False
    )
    page = Page(made.html)
    assert "prior" not in page.table("Constants of sun2025")[0]
    (told,) = [e.text for e in page.all("desc")]
    assert "D is 27.3T tokens" in told
    assert "interval" not in told
    assert page.table("Answers. The same in all draws")


def test_what_lies_beyond_is_worded_by_what_was_searched() -> None:
    values = np.array([[1e9, 2e9, np.inf, np.inf, np.inf]])
    draws = xr.DataArray(values, dims=("chain", "draw"), name="D")
    draws = draws.assign_attrs(units="tokens", searched=(1e9, 4e12)).to_dataset()
    shown = Decision(draws, "So it is.", ())._repr_html_()
    assert shown.count(">more than 4T</td>") == 2
    assert "inf<" not in shown
    frame = Decision(draws.map(lambda v: -v, keep_attrs=True), "So.", ()).to_frame()
    told = html.table(frame, row_units={"D": "tokens"}, searched={"D": (1e9, 4e12)})
    assert ">less than 1B</td>" in told


# --- mistakes ------------------------------------------------------------------------------------


def test_a_fit_that_stands_twice_or_a_base_that_is_none(
    fits: tuple[Fit, Fit], other: Fit, tmp_path: Path
) -> None:
    path = fits[1].save(tmp_path / "fit.nc")
    (tmp_path / "sub").mkdir()
    with pytest.raises(BayesqError, match=r"fit\.nc is given twice; give each fit once"):
        bayesq.report([path, tmp_path / "sub" / ".." / "fit.nc"])
    with pytest.raises(BayesqError, match="kumar2024-ptq is given twice"):
        bayesq.report([other, other])
    with pytest.raises(BayesqError, match=r"a fit of the degradation; give a fit of the loss of"):
        bayesq.report(fits[0], base=other)
    made = bayesq.report(fits[0], base=fits[1], figures=False, progress=False)
    assert "Law chinchilla" in made.text
