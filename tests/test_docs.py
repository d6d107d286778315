"""The documentation as it is built: no warning, no dead end, and what it is in a browser."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# The build takes some 20 seconds; `make docs` looks for warnings and dead links in less.
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PHONE, SCREEN = {"width": 390, "height": 800}, {"width": 1280, "height": 900}
# A page of each kind.
PAGES = (
    "index.html",
    "start.html",
    "gallery.html",
    "belief/decisions.html",
    "laws/index.html",
    "laws/made/chen2025-schemes.html",
    "case_studies/index.html",
    "case_studies/made/backtests.html",
    "reference/made/fits.html",
    "reference/made/command_line.html",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("a path with a space") / "site"
    asked = ["--fail-on-warning", "--keep-going", "--quiet", "--builder", "html"]
    command = [sys.executable, "-m", "sphinx", *asked, "-d", str(out.parent / "trees")]
    done = subprocess.run(
        [*command, str(ROOT / "docs"), str(out)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(params=[(SCREEN, "light"), (PHONE, "dark")], ids=["screen", "phone"])
def window(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    size, scheme = request.param
    context = browser.new_context(viewport=size, color_scheme=scheme)
    yield context
    context.close()


def opened(window: Any, path: Path) -> Any:
    page = window.new_page()
    page.said, page.asked = [], []
    page.on("console", lambda m: page.said.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("request", lambda one: page.asked.append(one.url))
    page.goto(path.as_uri())
    # The theme has chosen light or dark: its script has run.
    page.wait_for_function("['light', 'dark'].includes(document.documentElement.dataset.theme)")
    return page


def typeset(page: Any) -> int:
    """Wait until all formulas of a page are typeset, without an error; count them."""
    page.wait_for_function(
        """() => document.querySelectorAll('mjx-container').length > 0 &&
            document.querySelectorAll('mjx-container').length ===
            document.querySelectorAll('article .math').length""",
        timeout=30_000,
    )
    assert page.locator("mjx-merror, [data-mjx-error]").count() == 0
    return int(page.locator("mjx-container").count())


def test_it_is_built_without_a_warning(site: Path) -> None:
    assert (site / "index.html").exists()
    assert (site / "searchindex.js").exists()


def test_what_is_written_out_is_no_markup(site: Path) -> None:
    """Markdown that was not understood would stand in the text."""
    for path in site.glob("laws/made/*.html"):
        text = re.sub(r"<(pre|script).*?</\1>", "", path.read_text(), flags=re.DOTALL)
        assert "```" not in text
        text = re.sub(r"\\[\[(].*?\\[\])]", "", text, flags=re.DOTALL)
        assert "\\_" not in text
        assert "$" not in text


@pytest.mark.parametrize("name", PAGES)
def test_a_page_in_a_browser(site: Path, window: Any, name: str) -> None:
    page = opened(window, site / name)
    page.mouse.wheel(0, 100_000)
    page.wait_for_timeout(300)
    assert page.said == []
    elsewhere = [u for u in page.asked if not u.startswith((site.as_uri(), "data:", "blob:"))]
    assert elsewhere == []
    wide, seen = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert wide <= seen
    cut = page.evaluate(
        """() => [...document.querySelectorAll('article *')].filter(e => {
            const box = e.getBoundingClientRect();
            if (box.width === 0 || box.right <= innerWidth + 1) return false;
            for (let up = e; up; up = up.parentElement)
                if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(up).overflowX))
                    return false;
            return true;
        }).map(e => e.tagName + ' ' + e.className).slice(0, 5)"""
    )
    assert cut == []
    # What stands in a sentence has nothing to scroll.
    behind = page.evaluate(
        """() => [...document.querySelectorAll('article :is(p, li) code')].filter(e =>
            !e.closest('table, pre') && e.getBoundingClientRect().right > innerWidth + 1
        ).map(e => e.textContent)"""
    )
    assert behind == []


def test_formulas_are_typeset(site: Path, window: Any) -> None:
    page = opened(window, site / "laws/made/kumar2024-ptq.html")
    assert typeset(page) > 10


def test_every_formula_of_every_law_is_typeset(site: Path, browser: Any) -> None:
    for path in sorted(site.glob("laws/made/*.html")):
        page = opened(browser, path)
        assert typeset(page) > 5, path.name
        page.close()


def test_the_dark_is_dark(site: Path, browser: Any) -> None:
    shades = {}
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        page = opened(context, site / "index.html")
        style = page.evaluate("getComputedStyle(document.body).backgroundColor")
        shades[scheme] = sum(map(int, re.findall(r"\d+", style)[:3]))
        context.close()
    assert shades["dark"] < 150 < 700 < shades["light"]


def test_the_search_finds_without_a_network(site: Path, browser: Any) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{(site / 'search.html').as_uri()}?q=fewest_bits")
    page.wait_for_selector("#search-results li a", timeout=20_000)
    found = page.eval_on_selector_all("#search-results li a", "all => all.map(a => a.href)")
    assert any("decisions.html" in link for link in found)
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_rules_of_accessibility_hold(site: Path, window: Any, name: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = opened(window, site / name)
    found = Axe().run(page, context="article").response
    told = [
        (rule["id"], node["target"], node.get("failureSummary"))
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
    assert told == []
