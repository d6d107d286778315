"""Sentences that an example prints, in lines that a page has room for; tables stay as they are."""

from __future__ import annotations

import textwrap
from typing import Any

from docutils import nodes

_LONG, _ROOM = 100, 92  # letters
_TABLE = "   "  # what parts the columns of a printed table


def wrap_outputs(app: Any, doctree: nodes.document) -> None:
    """Wrap the long lines of a page's blocks of printed text."""
    for block in doctree.findall(nodes.literal_block):
        if block.get("language") == "text":
            text = wrapped(block.astext())
            block.rawsource = text
            block.children = [nodes.Text(text)]


def wrapped(text: str) -> str:
    """Wrap lines that are longer than a page is wide and no rows of a table."""
    lines: list[str] = []
    for line in text.splitlines():
        if len(line) <= _LONG or _TABLE in line.strip():
            lines.append(line)
        else:
            lines += textwrap.wrap(line, _ROOM, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines)
