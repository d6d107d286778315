"""What a user is told of a table, in Python and on the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import bayesq
from bayesq import BayesqError, Note
from command import Answer, Run

CASES = Path(__file__).parent / "cases"


def case(name: str) -> Path:
    return CASES / name


def words(answer: Answer) -> str:
    """All that a command said, on one line."""
    return " ".join(f"{answer.out} {answer.err}".split())


def loud(notes: tuple[Note, ...]) -> list[Note]:
    return [note for note in notes if note.severity != "info"]


def about(notes: tuple[Note, ...] | list[Note], pattern: str) -> list[Note]:
    """Keep the notes that name something."""
    return [n for n in notes if re.search(pattern, f"{n.code}: {n.message} {n.remedy}", re.I)]


def refusal(path: object, **how: Any) -> str:
    with pytest.raises(BayesqError) as caught:
        bayesq.read_runs(path, **how)
    said = str(caught.value)
    assert said.endswith(".")
    assert said.isprintable()
    return said


def checked(run: Run, *arguments: object) -> dict[str, Any]:
    """Return what ``bayesq check --json`` says."""
    answer = run("check", *arguments, "--json")
    assert not answer.err, answer.err
    said: dict[str, Any] = json.loads(answer.out)
    return said


def named_loudly(run: Run, source: object, pattern: str, *options: object) -> None:
    """Find one loud note on the data, in JSON and in the words of the table."""
    notes = checked(run, source, *options)["notes"]
    found = [n for n in notes if re.search(pattern, f"{n['code']}: {n['message']}", re.I)]
    assert [n for n in found if n["severity"] != "info"], notes
    assert found[0]["code"] in words(run("check", source, *options))
