"""Markdown tables, written between the marks of a README."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

BEGIN, END = "<!-- begin of the results -->", "<!-- end of the results -->"


def write_between(path: Path, parts: Iterable[str], begin: str = BEGIN, end: str = END) -> None:
    """Put paragraphs between two marks of a text file, in place of what stands there."""
    text = path.read_text(encoding="utf-8")
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(end)
    replace_text(path, head + "\n\n".join([begin, *parts, end]) + tail)


def replace_text(path: Path, text: str) -> None:
    """Write a text beside a file, then rename it."""
    beside = path.with_suffix(".tmp")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def markdown(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Word a table in Markdown."""
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
