"""Mistakes planted on realistic tables are named, and clean tables are left in peace."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd
import pytest

import bayesq
from bayesq import BayesqError
from clean_tables import DESIGNS, clean
from mistakes import KINDS, Planted, planted

LOUD = ("warning", "severe")


@dataclass(frozen=True)
class Remark:
    """What a user is told of a table: a loud note, or why it or a law refuses it."""

    code: str
    text: str
    rows: frozenset[int] = frozenset()

    def names(self, mistake: Planted) -> bool:
        if mistake.rows:
            told = {
                int(n)
                for words in re.findall(r"rows? ([\d, and]+)", self.text)
                for n in re.findall(r"\d+", words)
            }
            told |= self.rows
            # To point at everything is to name nothing.
            return bool(mistake.rows & told) and len(told) <= 2 * len(mistake.rows) + 10
        return bool(re.search(mistake.words, f"{self.code}: {self.text}", re.IGNORECASE))


def of_notes(notes: Iterable[bayesq.Note]) -> list[Remark]:
    return [
        Remark(n.code, f"{n.message} {n.remedy}", frozenset(n.rows))
        for n in notes
        if n.severity in LOUD
    ]


def usual_law(frame: pd.DataFrame) -> str:
    """Name a law that its owner would fit."""
    stages = set(frame["stage"]) if "stage" in frame else set()
    return {"post": "kumar2024-ptq", "train": "kumar2024-qat"}.get(
        next(iter(stages - {"none"}), ""), "chinchilla"
    )


def remarks(frame: pd.DataFrame, every_law: bool) -> list[Remark]:
    """All that a table is met with: its refusal, or loud notes on it and on its laws."""
    try:
        found = bayesq.check(bayesq.read_runs(frame), None if every_law else usual_law(frame))
    except BayesqError as error:
        return [Remark("error", str(error))]
    said = of_notes(found.notes)
    for law in found.laws:
        said += of_notes(law.notes)
        if law.refused:
            said.append(Remark(f"{law.law} refused", str(law.refused)))
    return said


def is_named(mistake: Planted, every_law: bool) -> bool:
    """Tell whether a mistake is named by something that its clean twin is not met with."""
    there, without = (remarks(table, every_law) for table in (mistake.frame, mistake.twin))
    anyway = {remark.code for remark in without if remark.names(mistake)}
    return any(remark.names(mistake) for remark in there if remark.code not in anyway)


def complaints(seed: int) -> list[str]:
    """Loud notes on the data of a clean table; its refusal is one."""
    name, frame = clean(seed)
    try:
        notes = bayesq.check(bayesq.read_runs(frame), usual_law(frame)).notes
    except BayesqError as error:
        return [f"{seed} {name}: {error}"]
    return [f"{seed} {name}: {note}" for note in notes if note.severity in LOUD]


def missed(seeds: Iterable[int], every_law: bool = False) -> list[str]:
    mistakes = ((seed, planted(seed)) for seed in seeds)
    return [f"{seed} {m.kind}" for seed, m in mistakes if not is_named(m, every_law)]


def test_tables_are_as_long_as_peoples() -> None:
    frames = [clean(seed)[1] for seed in range(2 * len(DESIGNS))]
    frames += [planted(seed).frame for seed in range(2 * len(KINDS))]
    assert all(20 <= len(frame) <= 300 for frame in frames)


def test_a_seed_gives_one_table() -> None:
    pd.testing.assert_frame_equal(clean(5)[1], clean(5)[1])
    pd.testing.assert_frame_equal(planted(5).frame, planted(5).frame)


@pytest.mark.parametrize("kind", KINDS)
def test_a_planted_table_differs_from_its_twin_in_its_mistake(kind: str) -> None:
    mistake = planted(list(KINDS).index(kind))
    assert mistake.kind == kind
    assert not mistake.frame.equals(mistake.twin)


def test_a_mistake_of_each_kind_is_named() -> None:
    """The same standard as for 200: one in twenty may pass."""
    assert len(lost := missed(range(20))) <= 1, lost


def test_few_clean_tables_are_warned_of() -> None:
    loud = [told for seed in range(20) if (told := complaints(seed))]
    assert len(loud) <= 1, loud


@pytest.mark.slow
def test_95_of_100_mistakes_are_named() -> None:
    assert len(lost := missed(range(200), every_law=True)) <= 10, lost


@pytest.mark.slow
def test_5_of_100_clean_tables_are_warned_of_at_most() -> None:
    loud = [told for seed in range(200) if (told := complaints(seed))]
    assert len(loud) <= 10, loud
