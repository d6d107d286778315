"""Markdown tables, written between the marks of a README: for all scripts of the case studies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path


def write_between(path: Path, parts: Iterable[str], what: str = "results") -> None:
    """Put paragraphs between the marks of `what` in a text file, in place of what stands there."""
    begin, end = (f"<!-- {where} of the {what} -->" for where in ("begin", "end"))
    head, found, rest = path.read_text(encoding="utf-8").partition(begin)
    _, closed, tail = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{path} lacks {begin} or {end}")
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
