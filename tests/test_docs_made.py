"""Pages that are made of code and results, one by one; test_docs.py builds the whole site."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import bayesq
from bayesq import plot

ROOT = Path(__file__).parents[1]
MAKING = ROOT / "docs" / "making"


@pytest.fixture(scope="module", autouse=True)
def making() -> Iterator[None]:
    sys.path.insert(0, str(MAKING))
    yield
    sys.path.remove(str(MAKING))


def made(name: str) -> Any:
    return import_module(name)


@pytest.mark.parametrize("name", [*bayesq.laws()])
def test_the_page_of_a_law_has_all_that_its_file_has(name: str) -> None:
    pages = made("law_pages")
    law, path = dict(pages.law_files())[name]
    text = pages.page(law, path)
    assert text.startswith(f"# {name}\n")
    for one in law.parameters_of("loss"):
        assert f"| `{one.symbol}` |" in text
        assert one.by is None or f"And `{one.by.symbol}`, a kind of rows" in text
    for one in law.inputs_of("loss"):
        assert f"| `{one.symbol}` |" in text
    for fit in law.published:
        for value in fit.values.values():
            numbers = value.values() if isinstance(value, dict) else [value]
            assert all(f"| {number:g}" in text for number in numbers)
    assert text.count("Not checked") == sum(not fit.checked for fit in law.published)
    assert "\\texttt" not in text, "a formula that could not be typeset"
    assert (ROOT / "models" / path.name).exists()


def test_a_new_law_gets_its_page(tmp_path: Path) -> None:
    pages = made("law_pages")
    source = ROOT / "models" / "ouyang2024.py"
    law = bayesq.laws()["ouyang2024"].with_formula(
        "of-my-own",
        degradation=lambda N, D, P, k, beta, alpha, gamma: k * D**beta / (N**alpha * P**gamma),
        title="a law <of> my_own",
    )
    text = pages.page(law, source)
    assert text.startswith("# of-my-own\n\nA law \\<of\\> my\\_own.")
    assert "None are in its file." in text
    assert "The table of fits has none of it." in text


def test_what_the_file_says_beside_a_prior_is_found(tmp_path: Path) -> None:
    path = tmp_path / "law.py"
    path.write_text(
        "law = Law(\n"
        "    parameters=(\n"
        "        # Wide enough\n"
        "        # for none at all.\n"
        '        Parameter("k", 1),\n'
        '        Parameter("beta", 2),\n'
        "    ),\n"
        "    published=(\n"
        "        # Left out.\n"
        '        Published("one", {\n'
        "            # By hand.\n"
        '            "k": 1}),\n'
        "    ),\n"
        ")\n"
    )
    found = made("law_remarks").remarks(path)
    assert found.parameters == {"k": "Wide enough for none at all."}
    assert found.published == ["Left out.", "By hand."]


def test_a_prior_that_has_changed_is_drawn_anew(tmp_path: Path) -> None:
    priors = made("drawn_priors")
    law = bayesq.laws()["chinchilla"]
    path = tmp_path / "chinchilla-priors.png"
    priors.draw_priors(law, tmp_path)
    first = path.stat().st_mtime_ns
    priors.draw_priors(law, tmp_path)
    assert path.stat().st_mtime_ns == first
    other = law.with_prior("alpha", bayesq.Prior("Normal", mu=0.3, sigma=0.1))
    path.rename(tmp_path / f"{other.name}-priors.png")
    priors.draw_priors(other, tmp_path)
    assert (tmp_path / f"{other.name}-priors.png").stat().st_mtime_ns != first


def test_every_public_name_is_in_the_reference_once() -> None:
    groups = made("reference_groups")
    listed = [name for group in groups.GROUPS for name in group.names]
    assert len(listed) == len(set(listed))
    assert groups.public() <= set(listed)
    for name in listed:
        module, _, last = name.rpartition(".")
        assert getattr(import_module(module), last).__doc__


def test_the_command_line_s_page_has_each_command_and_decision(tmp_path: Path) -> None:
    from bayesq import decide
    from bayesq.cli.app import COMMANDS

    made("command_pages").write_commands(tmp_path)
    text = (tmp_path / "reference" / "made" / "command_line.md").read_text()
    for command in COMMANDS:
        assert f"\n## bayesq {command.__name__}\n" in text
    for decision in decide.__all__:
        assert decision == "Decision" or f"\n### bayesq decide {decision}\n" in text
    for figure in plot.__all__:
        if figure.startswith("plot_"):
            name = figure.removeprefix("plot_")
            assert f"\n### bayesq plot {name}\n" in text or name in UNASKED
    assert max(map(len, text.splitlines())) < 110


# Figures of results that have no file.
UNASKED: set[str] = set()


def test_the_gallery_s_figures_are_kept_with_words_and_calls() -> None:
    kept = ROOT / "docs" / "gallery_figures"
    figures = json.loads((kept / "figures.json").read_text(encoding="utf-8"))
    sys.path.insert(0, str(ROOT / "case_studies" / "gallery"))
    try:
        shown = {one.name: one for one in import_module("gallery").shown()}
    finally:
        sys.path.pop(0)
    assert [one["name"] for one in figures] == [*shown]
    assert {path.stem for path in kept.glob("*.webp")} == {*shown}
    for one in figures:
        assert one["code"] == shown[one["name"]].code, "draw it again: make gallery"
        assert one["title"] == shown[one["name"]].title
        assert any(letter.isdigit() for letter in one["text"])
        assert "commit" in one["made"]
        assert "not committed" not in one["made"]
        assert (kept / f"{one['name']}.webp").stat().st_size < 120_000


def test_long_calls_get_a_line_an_argument() -> None:
    page = made("gallery_page")
    long = "plot.plot_law(made.base, limits=('10M', '1T'), kind='both', misfit='both', at={'N': 1})"
    assert page._in_lines("plot.plot_pairs(made.base)") == "plot.plot_pairs(made.base)"
    lines = page._in_lines(f"x = 1; {long}").splitlines()
    assert lines[:3] == ["x = 1", "plot.plot_law(", "    made.base,"]
    assert lines[-1] == ")"


def test_links_of_a_study_lead_to_pages_or_files(tmp_path: Path) -> None:
    brought = made("brought")
    folder = brought.STUDIES / "decisions"
    found = {one.name: one for one in brought.studies()}
    docs = ROOT / "docs"
    mend = brought._mender(found["decisions"], found, docs / "case_studies" / "made")
    backtests = found["backtests"].path.suffix
    assert mend("../backtests/README.md") == f"backtests{backtests}"
    assert mend("../../models/ouyang2024.py") == "../../laws/made/ouyang2024.md"
    assert mend("../../models/README.md") == "../../laws/index.md"
    assert mend("table.py") == "../../../case_studies/decisions/table.py"
    assert mend("https://arxiv.org/abs/2203.15556") == "https://arxiv.org/abs/2203.15556"
    assert mend("../../docs/belief/noise.md") == "../../belief/noise.md"
    assert (folder / "table.py").exists()
    # A notebook that was not made yet is the page that its README is.
    overtraining = mend("../ptq_overtraining/ptq_overtraining.ipynb")
    assert overtraining == f"ptq_overtraining{found['ptq_overtraining'].path.suffix}"


def test_a_dead_link_of_a_study_is_told(caplog: pytest.LogCaptureFixture) -> None:
    brought = made("brought")
    found = {one.name: one for one in brought.studies()}
    mend = brought._mender(found["decisions"], found, ROOT / "docs" / "case_studies" / "made")
    assert mend("nothing.md") == "nothing.md"
    assert "links to nothing.md, which is not there" in caplog.text


def test_code_s_brackets_are_no_links() -> None:
    brought = made("brought")
    text = (
        "See [it](a.md), [`it`](a.md) and ![it](a.md).\n\n```python\nx = f[0](b)\n```\n\n`y[0](c)`"
    )
    assert brought._mended(text, str.upper) == text.replace("(a.md)", "(A.MD)")


def test_every_study_is_brought_in_the_order_to_read_them() -> None:
    brought = made("brought")
    names = [one.name for one in brought.studies()]
    assert names == sorted(names, key=lambda n: [*brought.ORDER, n].index(n))
    for folder in brought.STUDIES.iterdir():
        if (folder / "README.md").exists() or (folder / f"{folder.name}.ipynb").exists():
            assert folder.name in names
    for one in brought.studies():
        assert one.title
        assert 20 < len(one.answers) < 500


def test_text_is_shown_as_it_stands() -> None:
    plain = made("as_markdown").plain
    assert plain("P_w < 4 [bits] | `a_b` *") == r"P\_w \< 4 \[bits\] \| `a_b` \*"
    assert plain("half a ` tick_") == r"half a \` tick\_"


def test_a_faulty_page_is_found(tmp_path: Path) -> None:
    (tmp_path / "b.html").write_text('<p id="here">x</p>')
    (tmp_path / "a.html").write_text(
        '<a href="b.html#here">1</a><a href="b.html#gone">2</a><a href="c.html">3</a>'
        '<a href="https://arxiv.org">4</a><a href="#">5</a>'
        '<img src="https://x.org/y.png" alt="A line."><img src="data:," alt="">'
        '<script src="https://x.org/y.js"></script>'
    )
    assert [*made("checked").faults(tmp_path)] == [
        "a.html shows data:, without words; give it an alternative text.",
        "a.html asks the network for https://x.org/y.js; take it from the site itself.",
        "a.html asks the network for https://x.org/y.png; take it from the site itself.",
        "a.html links to b.html#gone, which is not there; mend the link.",
        "a.html links to c.html, which is not there; mend the link.",
    ]


def test_sentences_are_wrapped_and_tables_are_not() -> None:
    wrapped = made("wrapped").wrapped
    sentence, table = "At N 7M 4 bits are enough. " * 8, f"name{' ' * 60}0.1{' ' * 60}0.2"
    lines = wrapped(f"short\n{sentence.strip()}\n{table}").splitlines()
    assert lines[0] == "short"
    assert lines[-1] == table
    assert " ".join(lines[1:-1]) == sentence.strip()
    assert max(map(len, lines[:-1])) <= 92


def test_sentences_that_a_terminal_broke_are_joined() -> None:
    wrapped = made("wrapped")
    full = "a " * 54 + "b"  # 109 letters, after which no other word had room
    table = f"x{' ' * 100}yyyyyyyyy"
    printed = ["$ command", table, full, "c d.", "saved to fit.nc"]
    assert wrapped.joined("\n".join(printed)).splitlines() == [
        *printed[:2],
        f"{full} c d.",
        "saved to fit.nc",
    ]
    lines = wrapped.wrapped(wrapped.joined("\n".join(printed))).splitlines()
    assert lines[:2] == printed[:2]
    assert lines[-1] == "saved to fit.nc"


def test_the_limits_name_the_pythons_of_the_package() -> None:
    said = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    package = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    known = set(re.findall(r'"Programming Language :: Python :: (3\.\d+)"', package))
    assert set(re.findall(r"\b3\.\d\d\b", said)) == known


def test_the_reference_says_what_each_of_its_pages_is_for(tmp_path: Path) -> None:
    made("reference_pages").write_reference(tmp_path)
    text = (tmp_path / "reference" / "made" / "tree.inc").read_text(encoding="utf-8")
    for group in made("reference_groups").GROUPS:
        assert f"[{group.title}](made/{group.page}.rst)\n: " in text
        assert f"\nmade/{group.page}\n" in text
    assert ":doc:" not in text
    assert "pictures are in the gallery." in text


def test_the_head_of_a_program_is_not_shown() -> None:
    head = made("brought")._is_head
    assert head({"cell_type": "code", "source": ["# ---\n", "# jupyter:\n", "\n"]})
    assert not head({"cell_type": "code", "source": ["# Why.\n", "x = 1\n"]})
    assert not head({"cell_type": "markdown", "source": ["# Title\n"]})
