"""What a user should know about a table, a fit or a prediction, as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Severity = Literal["info", "warning", "severe"]
_ORDER: dict[Severity, int] = {"severe": 0, "warning": 1, "info": 2}


@dataclass(frozen=True)
class Note:
    """One remark about a table, a fit or a prediction.

    Parameters
    ----------
    code : str
        Stable name of the kind of remark, such as ``"few-levels"``.
    severity : {"info", "warning", "severe"}
        ``severe`` means that a number must not be used as it stands.
    message : str
        What was seen, in one sentence.
    remedy : str
        What to do about it, in one sentence.
    rows : tuple of int
        Numbers of the rows that it is about, as they stand in the table, from 1 on; empty where it
        is about all or none.
    """

    code: str
    severity: Severity
    message: str
    remedy: str
    rows: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        # Notes are kept as JSON, which gives back a list of what numpy counted.
        object.__setattr__(self, "rows", tuple(int(row) for row in self.rows))

    def __str__(self) -> str:
        return f"[{self.severity}] {self.code}: {self.message} {self.remedy}"

    def to_dict(self) -> dict[str, Any]:
        """Return the note as a dictionary, ready for JSON."""
        return asdict(self) | {"rows": list(self.rows)}


def series(words: Iterable[str]) -> str:
    """Write words as a list inside a sentence: "a, b and c"."""
    given = list(words)
    return " and ".join(filter(None, [", ".join(given[:-1]), *given[-1:]]))


def by_severity(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Order notes with the severe ones first, keeping the order within a severity."""
    return tuple(sorted(notes, key=lambda note: _ORDER[note.severity]))


def worst_of_each(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Keep of the notes about several settings one of each code, the most severe, in that order."""
    found: dict[str, Note] = {}
    for note in by_severity(notes):
        found.setdefault(note.code, note)
    return tuple(found.values())


def once_each(told: Mapping[str, Iterable[Note]], words: str) -> list[Note]:
    """Give each kind of note of several results once, and say in how many of them it was seen.

    Parameters
    ----------
    told : mapping of str to iterable of Note
        Notes by the name of the result. Those of a single one stay as they are.
    words : str
        How to say it, with places for ``count``, ``total`` and the name of the ``first``:
        ``"In {count} of {total} folds, first with {first} left out"``.
    """
    if len(told) == 1:
        return [note for notes in told.values() for note in notes]
    seen: dict[str, dict[str, Note]] = {}
    for name, notes in told.items():
        for note in notes:
            seen.setdefault(note.code, {}).setdefault(name, note)
    once = []
    for found in seen.values():
        first, note = next(iter(found.items()))
        where = words.format(count=len(found), total=len(told), first=first)
        once.append(replace(note, message=f"{where}: {note.message}"))
    return once
