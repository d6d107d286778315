"""What the README promises: its commands, its picture, and where it sends people."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")


def test_the_two_commands_are_in_the_makefile() -> None:
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"^    make ([\w-]+)", TEXT, re.MULTILINE)
    assert named == ["demo", "test"]
    assert all(f"\n{name}:" in makefile for name in named)


def test_every_link_leads_to_a_file() -> None:
    linked = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert len(linked) > 10
    assert [link for link in linked if not (README.parent / link).exists()] == []


def test_the_first_screen_has_what_a_newcomer_needs() -> None:
    titles = re.findall(r"^## (.*)", TEXT, re.MULTILINE)
    assert titles == [
        "Install",
        "Your CSV in three commands",
        "Ten lines of Python",
        "Where to go",
        "Licence",
    ]
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert len(code.strip().splitlines()) <= 11
    assert len(re.findall(r"^\$ bayesq ", TEXT, re.MULTILINE)) == 3
