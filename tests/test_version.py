"""The version stands in pyproject.toml, and whatever else says it says the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import bayesq
from bayesq.cli.app import main

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
VERSION = PROJECT["version"]


def cited() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml", reason="PyYAML comes with the packages of make venv")
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    return yaml.load(text, Loader=yaml.BaseLoader)  # type: ignore[no-any-return]


def test_what_is_installed_is_of_this_version() -> None:
    """An older editable install says an older one: make venv."""
    assert bayesq.__version__ == VERSION


def test_the_command_says_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert not ended.value.code
    assert capsys.readouterr().out.strip() == f"bayesq {VERSION}"


def test_the_citation_says_it_and_when() -> None:
    found = cited()
    assert found["version"] == VERSION
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", found["date-released"])
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    if released := re.search(rf"^## \[{re.escape(VERSION)}\] - (\S+)$", text, re.M):
        assert found["date-released"] == released[1]
    else:
        # Until then it is what the next release is to be.
        assert "## [Unreleased]" in text


def test_no_other_file_of_the_package_has_a_version() -> None:
    for path in (ROOT / "bayesq").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^__version__ *=", text, re.M), path
        assert f'"{VERSION}"' not in text, path


def test_every_paper_of_a_law_is_cited() -> None:
    found = cited()
    listed = {one["value"] for paper in found["references"] for one in paper["identifiers"]}
    sources = " ".join(bayesq.laws().to_frame()["source"])
    named = set(re.findall(r"arXiv:\d+\.\d+", sources))
    assert named <= listed
    # The refit of the base law's constants, and Quartet, whose law names a notebook.
    assert listed - named == {"arXiv:2404.10102", "arXiv:2505.14669"}
    for paper in found["references"]:
        assert paper["authors"]
        assert paper["url"].endswith(paper["identifiers"][0]["value"].partition(":")[2])
        law = re.split(r"[ ,]", paper["notes"])[0]
        if law in bayesq.laws():
            first = paper["authors"][0]["family-names"]
            assert first in bayesq.laws()[law].source or law == "quartet2025"


def test_the_pythons_that_are_named_are_those_that_are_wanted() -> None:
    named = {c.rpartition(" ")[2] for c in PROJECT["classifiers"] if "Python :: 3." in c}
    lowest = min(int(v.partition(".")[2]) for v in named)
    assert PROJECT["requires-python"] == f">=3.{lowest}"
    assert {"3.12", "3.13"} <= named
