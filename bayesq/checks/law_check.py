"""What one law can do with a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bayesq.notes import Note, by_severity


@dataclass(frozen=True)
class LawCheck:
    """What one law can do with a table: how many rows it uses, or why none."""

    law: str
    response: str
    rows: int
    refused: str
    notes: tuple[Note, ...]

    @property
    def worst(self) -> Note | None:
        """The most severe note, if there is any."""
        return by_severity(self.notes)[0] if self.notes else None

    def to_dict(self) -> dict[str, Any]:
        """Return it in a line: response, usable rows, the worst note, and why."""
        return {
            "law": self.law,
            "response": self.response,
            "rows": self.rows,
            "worst": "cannot be fitted" if self.refused else self.worst.code if self.worst else "",
            "why": self.refused or (self.worst.message if self.worst else ""),
        }
