"""What an example prints, in lines that a page has room for; tables stay as they are."""

from __future__ import annotations

import textwrap
from typing import Any

from docutils import nodes

from outputs import COLUMNS

_LONG, _ROOM = 100, 92  # letters
_TABLE = "   "  # what parts the columns of a printed table


def wrap_outputs(app: Any, doctree: nodes.document) -> None:
    """Wrap the long lines of a page's blocks of printed text, and end no block with empty lines."""
    for block in doctree.findall(nodes.literal_block):
        text = block.astext().rstrip()
        if block.get("language") == "console":
            text = joined(text)
        if block.get("language") in ("console", "text"):
            text = wrapped(text)
        if text != block.astext():
            block.rawsource = text
            block.children = [nodes.Text(text)]


def joined(text: str) -> str:
    """Join the lines of a sentence that a command broke where its terminal ended."""
    lines: list[str] = []
    end = ""  # the line before, as it was printed
    for line in text.splitlines():
        full = len(f"{end} {line.partition(' ')[0]}") > COLUMNS
        if full and line.strip() and not any(map(_stands, (end, line))):
            lines[-1] += f" {line}"
        else:
            lines.append(line)
        end = line
    return "\n".join(lines)


def _stands(line: str) -> bool:
    """Tell a command and the row of a table."""
    return line.startswith(("$ ", " ")) or _TABLE in line.strip()


def wrapped(text: str) -> str:
    """Wrap lines that are longer than a page is wide, but for commands and rows of a table."""
    lines: list[str] = []
    for line in text.splitlines():
        if len(line) <= _LONG or line.startswith("$ ") or _TABLE in line.strip():
            lines.append(line)
        else:
            lines += textwrap.wrap(line, _ROOM, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines)
