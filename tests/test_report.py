"""The report: its numbers are those of the fit and its decisions, and no name in it is obeyed."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_fits import around
from saved_fits import unpacked

import bayesq
from bayesq import BayesqError, Fit, Note
from bayesq.decide.in_words import ask
from bayesq.reporting.report import Report
from command import Run
from reported import ADDED, NOISE, QUESTIONS, Page, made_up

HOSTILE = "<script>alert(1)</script>\"'&\x1b[31m\u202e"
SHOWN = "&lt;script&gt;alert(1)&lt;/script&gt;"


@pytest.fixture(scope="module")
def fits(ptq_runs: bayesq.Runs, grid: bayesq.Runs) -> tuple[Fit, Fit]:
    return made_up(ptq_runs, grid)


@pytest.fixture(scope="module")
def made(fits: tuple[Fit, Fit]) -> Report:
    return bayesq.report(fits, decide=QUESTIONS, figures=False, progress=False)


@pytest.fixture(scope="module")
def drawn(fits: tuple[Fit, Fit]) -> Page:
    """Report one fit with its figures, which take most of the time."""
    asks = "compute_optimal compute=1e17"
    return Page(bayesq.report(fits[1], decide=asks, progress=False).html)


@pytest.fixture(scope="module")
def page(made: Report) -> Page:
    return Page(made.html)


def flat(text: str) -> str:
    return " ".join(text.split())


def numbers(line: dict[str, str], *names: str) -> list[float]:
    return [float(line[name].replace(",", "")) for name in names]


# --- what it says --------------------------------------------------------------------------------


def test_the_answer_comes_first_with_what_warns_of_it(
    made: Report, page: Page, fits: tuple[Fit, Fit]
) -> None:
    added, base = fits
    wanted = [ask(added, QUESTIONS[0]), ask(added, QUESTIONS[1], base=base)]
    assert [d.answer for d in made.decisions] == [d.answer for d in wanted]
    assert made.text.splitlines() == [d.text for d in wanted]
    first = next(page.all("section"))
    assert first.attrs["id"] == "answer"
    said = list(page.all("p", within="answer"))
    kinds = [p.attrs.get("class", "") for p in said]
    assert kinds[:3] == ["question", "answer", "caveat severe"]
    assert QUESTIONS[0] in said[0].text
    assert said[1].text == wanted[0].answer
    assert "interval" in said[1].text
    severe = next(n for n in wanted[0].notes if n.severity == "severe")
    assert severe.message in said[2].text


def test_every_note_is_there_the_severe_first(made: Report, page: Page) -> None:
    told = [flat(li.text) for li in page.all("li", within="doubts")]
    for decision in made.decisions:
        for note in decision.notes:
            assert any(note.message in text and note.remedy in text for text in told)
    words = [
        text.split(":")[0] for text in told if text.split(":")[0] in ("Severe", "Warning", "Info")
    ]
    order = ["Severe", "Warning", "Info"]
    assert words == sorted(words, key=order.index)
    assert words[0] == "Severe"


def test_the_parameters_are_those_of_the_summary(page: Page, fits: tuple[Fit, Fit]) -> None:
    for fit in fits:
        lines = page.table(f"Parameters of {fit.law.name}")
        summary = fit.summary()
        assert [line["parameter"] for line in lines] == list(summary.index)
        for line, (_, row) in zip(lines, summary.iterrows(), strict=True):
            found = numbers(line, "median", "lower", "upper")
            assert found == pytest.approx(row[["median", "lower", "upper"]].to_list(), rel=1e-3)
            assert line["unit"] == row["unit"]
        for paper in fit.law.published:
            for line in lines:
                wanted = paper.values.get(line["parameter"])
                said = line.get(f"published: {paper.label}", "")
                assert said == ("" if wanted is None else f"{wanted:.4g}")


def test_priors_stand_beside_their_parameters(page: Page) -> None:
    by_name = {line["parameter"]: line for line in page.table("Parameters of chinchilla")}
    assert by_name["alpha"]["prior"] == "LogNormal(mu -1.05, sigma 0.5)"
    assert by_name["A"]["prior"].endswith("of its term in the middle of the data")
    assert by_name["E"]["prior"].endswith("of its ratio to the typical loss")


def test_facts_are_those_of_the_check(page: Page, fits: tuple[Fit, Fit]) -> None:
    text = flat(next(s for s in page.all("section") if s.attrs["id"] == "data").text)
    for fit in fits:
        facts = bayesq.check(fit.design.runs, fit.law).facts
        for name, value in facts.items():
            assert f"{name}{value}" in text.replace(f"{name} ", name), name


def test_the_first_sentence_without_a_question_is_of_the_fit(fits: tuple[Fit, Fit]) -> None:
    added, _ = fits
    said = bayesq.report(added, prob=0.8, figures=False, progress=False).text
    row = added.summary(0.8).loc["gamma_post"]
    assert f"gamma_post {row['median']:.4g} ({row['lower']:.4g} to {row['upper']:.4g})" in said
    assert "80 % interval" in said
    inputs = added.design.inputs
    largest = int(np.argmax(inputs["N"] * inputs["D"]))
    at = {symbol: float(inputs[symbol][largest]) for symbol in ("N", "D", "P")}
    told = bayesq.predict(added, at).to_frame(prob=0.8).iloc[0]
    assert f"{told['median']:.4g} nats per token" in said
    assert f"80 % interval {told['lower']:.4g} to {told['upper']:.4g})" in said


def test_what_was_measured_near_the_question_is_said(made: Report, page: Page) -> None:
    for decision in made.decisions:
        assert decision.evidence is not None
        row = decision.evidence.iloc[0]
        said = f"{row['measured']:.4g} was measured and the curve says {row['median']:.4g}"
        assert any(said in flat(li.text) for li in page.all("li", within="doubts"))


def test_the_decision_has_its_tables(made: Report, page: Page) -> None:
    (line,) = page.table("Answers. 90 % intervals")
    wanted = made.decisions[0].to_frame().iloc[0]
    assert numbers(line, "median", "lower", "upper") == pytest.approx(
        wanted[["median", "lower", "upper"]].to_list(), rel=1e-3
    )
    assert made.decisions[0].choices is not None
    shares = [float(line["probability_keeps"]) for line in page.table("Choices")]
    assert shares == pytest.approx(made.decisions[0].choices["probability_keeps"], rel=1e-3)


@pytest.mark.slow
def test_two_fits_of_the_same_rows_are_compared(two_fits: dict[str, Fit]) -> None:
    made = bayesq.report(two_fits, figures=False, progress=False)
    wanted = bayesq.compare(two_fits, outside=None, cure="none", progress=False)
    assert made.comparison is not None
    pd.testing.assert_frame_equal(made.comparison.to_frame(), wanted.to_frame())
    page = Page(made.html)
    assert any(flat(p.text) == flat(wanted.text) for p in page.all("p", within="comparison"))


def test_what_a_base_law_knows_goes_to_its_fit(fits: tuple[Fit, Fit]) -> None:
    made = bayesq.report(fits, decide="compute_optimal compute=1e17", figures=False, progress=False)
    assert made.text == ask(fits[1], "compute_optimal compute=1e17").text


# --- the page ------------------------------------------------------------------------------------


def test_nothing_is_asked_of_the_network(page: Page, drawn: Page) -> None:
    for element in (*page.elements, *drawn.elements):
        for name in ("src", "href", "srcset", "data", "action", "poster"):
            assert re.match(r"(#|data:|$)", element.attrs.get(name, "")), element
        for value in element.attrs.values():
            assert not re.search(r"url\((?!#)", value), element
    style = next(page.all("style")).text
    assert "url(" not in style
    assert "@import" not in style
    assert not list(page.all("script", "iframe", "object"))


def test_names_of_parts_stand_once_and_lead_somewhere(drawn: Page) -> None:
    page = drawn
    ids = [e.attrs["id"] for e in page.elements if "id" in e.attrs]
    assert len(ids) == len(set(ids))
    for element in page.elements:
        for value in element.attrs.values():
            for name in re.findall(r"url\(#([^)]+)\)", value):
                assert name in ids
        if element.attrs.get("href", "").startswith("#"):
            assert element.attrs["href"][1:] in ids
        for name in ("aria-labelledby", "aria-describedby"):
            assert set(element.attrs.get(name, "").split()) <= set(ids)


def test_headings_go_down_one_step_at_a_time(page: Page) -> None:
    levels = [int(e.tag[1]) for e in page.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_figures_say_what_they_show(drawn: Page) -> None:
    figures = [e for e in drawn.all("svg") if e.attrs.get("role") == "img"]
    assert len(figures) == 6
    texts = {e.attrs.get("id"): e.text for e in drawn.all("title", "desc")}
    # The words below a figure are those that a screen reader is told of it: they are read once.
    captions = list(drawn.all("figcaption"))
    assert all(caption.attrs["aria-hidden"] == "true" for caption in captions)
    for svg in figures:
        title, told = (texts[name] for name in svg.attrs["aria-labelledby"].split())
        assert title
        assert re.search(r"\d", told), f"no number in what is said of {title}: {told!r}"


def test_the_formula_is_mathml_with_words(page: Page) -> None:
    formulas = list(page.all("math", within="law"))
    assert len(formulas) == 2
    assert all("gamma" in f.attrs["alttext"] or "alpha" in f.attrs["alttext"] for f in formulas)


def test_the_same_fits_give_the_same_bytes(fits: tuple[Fit, Fit]) -> None:
    asked = {"decide": QUESTIONS, "figures": False, "progress": False}
    one, other = (bayesq.report(fits, **asked) for _ in range(2))  # type: ignore[arg-type]
    assert one.html == other.html
    assert "--no-figures" in one.html


@pytest.mark.slow
def test_the_same_fits_with_figures_give_the_same_bytes(fits: tuple[Fit, Fit]) -> None:
    one, other = (bayesq.report(fits, decide=QUESTIONS, progress=False) for _ in range(2))
    assert one.html == other.html
    figures = re.findall(r"<figure.*?</figure>", one.html, re.DOTALL)
    assert len(figures) == 13
    assert max(map(len, figures)) < 130_000
    assert len(one.html) < 1_000_000


def test_a_notebook_shows_the_page_within_its_own(made: Report) -> None:
    shown = made._repr_html_()
    assert shown.startswith("<iframe srcdoc=")
    (frame,) = Page(shown).all("iframe")
    assert frame.attrs["srcdoc"] == made.html


def test_names_from_outside_are_shown_and_not_obeyed(ptq_runs: bayesq.Runs) -> None:
    frame = ptq_runs.frame.assign(study=HOSTILE, method=HOSTILE)
    runs = replace(bayesq.read_runs(frame), source=f"{HOSTILE}.csv")
    fit = around(runs, "kumar2024-ptq", "degradation", ADDED | NOISE)
    note = Note("planted", "severe", f"{HOSTILE} was seen.", "Mend it.")
    fit = replace(fit, notes=(note,))
    made = bayesq.report({HOSTILE: fit}, title=HOSTILE, figures=False, progress=False)
    assert "<script" not in made.html
    assert not set(made.html) & {"\x1b", "\u202e"}
    assert made.html.count(SHOWN) >= 5
    page = Page(made.html)
    assert any("alert(1)" in li.text for li in page.all("li", within="doubts"))
    assert r"\x1b[31m\u202e" in next(page.all("h1")).text


# --- whom to cite -------------------------------------------------------------------------------


def test_whom_to_cite(page: Page) -> None:
    cited = [flat(li.text) for li in page.all("li", within="cite")]
    assert cited[0].startswith(f"bayesq, version {bayesq.__version__}")
    assert any("Kumar et al. 2024" in text for text in cited)
    assert any("Hoffmann et al. 2022" in text for text in cited)


# --- other things than fits ----------------------------------------------------------------------


def test_constants_of_papers() -> None:
    question = "critical_tokens N=1B exponent=4 mantissa=3 group=128"
    made = bayesq.report("sun2025", decide=question, figures=False, progress=False)
    assert made.text == ask(bayesq.published("sun2025"), question).text
    page = Page(made.html)
    lines = {line["parameter"]: line for line in page.table("Constants of sun2025")}
    for name, value in bayesq.published("sun2025").constants.values.items():
        assert float(lines[name]["value"]) == pytest.approx(value, rel=1e-3)


def test_an_average(fits: tuple[Fit, Fit], ptq_runs: bayesq.Runs) -> None:
    other = around(ptq_runs, "kumar2024-ptq", "degradation", ADDED | NOISE | {"C_T": 80.0})
    mixed = bayesq.average({"one": fits[0], "other": other}, "equal", progress=False)
    made = bayesq.report(mixed, decide=QUESTIONS[0], figures=False, progress=False)
    assert made.text == ask(mixed, QUESTIONS[0]).text
    page = Page(made.html)
    assert page.table("Parameters of one")
    assert page.table("Parameters of other")


def test_a_law_that_is_not_at_hand(fits: tuple[Fit, Fit], tmp_path: Path) -> None:
    path = fits[0].save(tmp_path / "fit.nc")
    law = fits[0].law.with_prior("gamma_D", bayesq.Prior("Normal", mu=0, sigma=0.1))
    changed = bayesq.load_fit(path, law=replace(law, name=fits[0].law.name, remember=False))
    page = Page(bayesq.report(changed, figures=False, progress=False).html)
    assert any("law-changed" in li.text for li in page.all("li", within="doubts"))
    assert page.table("Parameters of kumar2024-ptq")
    with pytest.raises(BayesqError, match="has changed since"):
        bayesq.report(changed, decide=QUESTIONS[0], figures=False, progress=False)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        *(("ptq", "4"), ("kinds", "6")),
        pytest.param("studies", "6", marks=pytest.mark.slow),
    ],
)
def test_files_of_all_kinds(name: str, number: str, tmp_path: Path) -> None:
    path = unpacked(name, number, tmp_path)
    made = bayesq.report(path, figures=False, progress=False)
    Page(made.html)
    asks = "fewest_bits level=0.01 N=1M D=100M w_group=128"
    if name == "studies":
        with pytest.raises(BayesqError, match="pooled by study"):
            bayesq.report(path, decide=asks, figures=False, progress=False)
        one = bayesq.report(path, decide=asks, study="a", figures=False, progress=False)
        assert one.text == ask(bayesq.load_fit(path).of_study("a"), asks).text


# --- mistakes ------------------------------------------------------------------------------------


def test_the_command_line_writes_it(
    run: Run, fits: tuple[Fit, Fit], tmp_path: Path, made: Report
) -> None:
    added, base = (fit.save(tmp_path / f"{fit.law.name}.nc") for fit in fits)
    out = tmp_path / "report.html"
    asked = [word for question in QUESTIONS for word in ("--decide", question)]
    said = run("report", added, base, *asked, "--no-figures", "-o", out, "--json").json()
    assert said["text"] == made.text
    assert said["saved"] == str(out)
    names = {p.name for p in tmp_path.iterdir()}
    assert names == {"kumar2024-ptq.nc", "chinchilla.nc", "report.html"}
    answers = [
        flat(p.text) for p in Page(out.read_text()).all("p") if p.attrs.get("class") == "answer"
    ]
    assert answers == [flat(d.answer) for d in made.decisions]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"decide": "fewst_bits level=1"}, "decide 'fewst_bits level=1': No decision is called"),
        ({"decide": "fewest_bits N=1B"}, "decide 'fewest_bits N=1B': fewest_bits needs level"),
        ({"decide": [3]}, "decide has a int; give a question"),
        ({"prob": 2.0}, "prob is 2.0; it must lie between 0 and 1"),
        ({"path": "nowhere/report.html"}, "Folder nowhere does not exist"),
        ({"base": "nowhere.nc"}, "nowhere.nc does not exist"),
        ({"study": "a"}, "not pooled over studies"),
    ],
)
def test_a_mistake_is_one_sentence(
    fits: tuple[Fit, Fit], options: dict[str, object], told: str
) -> None:
    with pytest.raises(BayesqError) as refused:
        bayesq.report(fits[0], progress=False, **options)  # type: ignore[arg-type]
    assert told in str(refused.value)


def test_nothing_to_report() -> None:
    with pytest.raises(BayesqError, match="There is no fit to report"):
        bayesq.report([])
    with pytest.raises(BayesqError, match="A int is not a fit"):
        bayesq.report(3)  # type: ignore[arg-type]
