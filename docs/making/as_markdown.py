"""Text from code and tables as Markdown, in which nothing is markup by accident."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

_MARKUP = re.compile(r"([\\*_<>\[\]$#|{}~^])")


def plain(text: str) -> str:
    """Write text so that it is shown as it stands; what is between backticks is code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return _MARKUP.sub(r"\\\1", text).replace("`", r"\`")
    # Every second part stood between two backticks.
    return "`".join(p if i % 2 else _MARKUP.sub(r"\\\1", p) for i, p in enumerate(parts))


def code(text: str) -> str:
    """Write a name as code."""
    return f"`{text}`"


def table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Write a table; cells are Markdown."""
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def write(path: Path, text: str) -> None:
    """Write a page if it is another one, so that an unchanged page is not built again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
