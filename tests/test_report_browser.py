"""The report in a real browser: what it asks for, how it fits, and who can read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bayesq
from reported import QUESTIONS, made_up

PHONE, SCREEN = {"width": 360, "height": 740}, {"width": 1200, "height": 900}


@pytest.fixture(scope="module", params=["one", pytest.param("both", marks=pytest.mark.slow)])
def path(
    ptq_runs: bayesq.Runs,
    grid: bayesq.Runs,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Path:
    out = tmp_path_factory.mktemp("report") / "report.html"
    added, base = made_up(ptq_runs, grid)
    fits = [base] if request.param == "one" else [added, base]
    asks = "compute_optimal compute=1e17" if request.param == "one" else QUESTIONS
    bayesq.report(fits, out, decide=asks, progress=False)
    return out


@pytest.fixture
def opened(browser: Any, path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Open the page as a test asks for it: by default on a screen, in the light."""
    asked = {"viewport": SCREEN, "color_scheme": "light", **getattr(request, "param", {})}
    context = browser.new_context(**asked)
    page = context.new_page()
    page.said, page.asked = [], []
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("request", lambda one: page.asked.append(one.url))
    page.goto(path.as_uri())
    yield page
    context.close()


def test_nothing_is_asked_for_and_nothing_goes_wrong(opened: Any, path: Path) -> None:
    opened.mouse.wheel(0, 100_000)
    opened.wait_for_timeout(200)
    assert opened.said == []
    assert [url for url in opened.asked if not url.startswith("data:")] == [path.as_uri()]


@pytest.mark.parametrize(
    "opened", [{"viewport": PHONE}, {"viewport": {"width": 1200, "height": 900}}], indirect=True
)
def test_the_page_does_not_move_sideways(opened: Any) -> None:
    wide, seen = opened.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert wide <= seen
    # What is wider than the page moves in a box of its own, by keyboard too.
    for box in opened.query_selector_all(".scroll"):
        assert box.get_attribute("tabindex") == "0"
        assert box.get_attribute("aria-label")
    cut = opened.evaluate(
        """() => [...document.querySelectorAll('main *')].filter(e => {
            const box = e.getBoundingClientRect();
            return box.right > innerWidth + 1 && !e.closest('.scroll') && !e.closest('svg');
        }).map(e => e.tagName + ' ' + e.className)"""
    )
    assert cut == []


@pytest.mark.parametrize("opened", [{"viewport": PHONE}], indirect=True)
def test_text_of_figures_is_legible_on_a_phone(opened: Any) -> None:
    """A figure is shown at no less than nine tenths of the size that it was drawn for."""
    scales = opened.evaluate(
        """() => [...document.querySelectorAll('svg[role=img]')].map(e =>
            e.getBoundingClientRect().width / (e.viewBox.baseVal.width * 96 / 72))"""
    )
    assert scales
    assert min(scales) > 0.9


@pytest.mark.parametrize(
    "opened",
    [
        {"color_scheme": "light"},
        pytest.param({"color_scheme": "dark"}, marks=pytest.mark.slow),
        pytest.param({"color_scheme": "dark", "viewport": PHONE}, marks=pytest.mark.slow),
    ],
    indirect=True,
)
def test_rules_of_accessibility_hold(opened: Any) -> None:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(opened).response
    told = [
        (rule["id"], node["target"], node.get("failureSummary"))
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
    assert told == []
    passed = {rule["id"] for rule in found["passes"]}
    assert {"color-contrast", "svg-img-alt", "heading-order", "landmark-one-main"} <= passed


def test_the_dark_is_dark(browser: Any, path: Path) -> None:
    shades = {}
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        page = context.new_page()
        page.goto(path.as_uri())
        style = page.evaluate("getComputedStyle(document.body).backgroundColor")
        shades[scheme] = sum(map(int, re.findall(r"\d+", style)[:3]))
        context.close()
    assert shades["dark"] < 150 < 700 < shades["light"]


def test_the_keyboard_goes_to_the_answer_first(opened: Any) -> None:
    opened.keyboard.press("Tab")
    assert opened.evaluate("document.activeElement.className") == "skip"
    box = opened.evaluate("document.activeElement.getBoundingClientRect().top")
    assert box >= 0, "seen when it has the focus"
    outline = opened.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    opened.keyboard.press("Enter")
    assert opened.evaluate("document.activeElement.id") == "main"
    opened.keyboard.press("Tab")
    assert opened.evaluate("document.activeElement.closest('main') !== null")


def test_a_screen_reader_is_told_what_figures_show(opened: Any) -> None:
    told = opened.evaluate(
        """() => [...document.querySelectorAll('svg[role=img]')].map(e =>
            e.getAttribute('aria-labelledby').split(' ').map(
                id => document.getElementById(id).textContent).join(' '))"""
    )
    assert told
    assert all(re.search(r"\d", text) for text in told)


def test_it_prints(opened: Any) -> None:
    opened.emulate_media(media="print", color_scheme="dark")
    assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)"
    )
    assert opened.pdf(format="A4").startswith(b"%PDF")
    # On the paper of a page nothing is cut off.
    opened.set_viewport_size({"width": 672, "height": 950})
    cut = opened.evaluate(
        """() => [...document.querySelectorAll('main table')].filter(e =>
            e.getBoundingClientRect().right > innerWidth + 1).map(e => e.innerText.slice(0, 60))"""
    )
    assert cut == []
