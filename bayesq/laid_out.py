"""Tables as lines of text that fit a width: words go on in the next line, numbers stay whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

_GAP = "  "
_LONGEST = 24  # a word that is longer, and no number, may be broken
_NUMBER = re.compile(r"[-+]?[\d.,]+(e[+-]?\d+)?[kKMBT%]?[.,;:)]?")
_MOST_KEYS = 4
_ENDLESS = 10**6
_CONSOLE = Console()  # what Rich breaks lines for; it prints nothing

# A line, and whether it is a header.
type Line = tuple[str, bool]


def table_lines(
    header: Sequence[str], rows: Sequence[Sequence[str]], width: int | None
) -> Iterator[Line]:
    """Lay a table out, without blanks at the ends of its lines.

    Parameters
    ----------
    header : sequence of str
        Names of the columns; nothing but empty ones for a table without a header.
    rows : sequence of sequence of str
        The cells.
    width : int or None
        Cells of a line; None for as many as it takes. Where not even the longest words fit beside
        each other, the columns that are left follow below, behind those that tell rows apart.

    Yields
    ------
    tuple of str and bool
        A line, and whether it is a header.
    """
    columns = [[name, *(row[i] for row in rows)] for i, name in enumerate(header)]
    if not columns:
        return
    room = _ENDLESS if width is None else width
    keys = _keys(columns)
    for block in _blocks(columns, keys, room):
        widths = _widths([columns[i] for i in block], room)
        for number, cells in enumerate(zip(*(columns[i] for i in block), strict=True)):
            if number or any(header):
                lines = _beside(cells, widths)
                yield from ((line, number == 0) for line in lines)


def wrapped(text: str, width: int | None) -> list[str]:
    """Break a text between words, without blanks at the ends of its lines."""
    if width is None:
        return text.split("\n")
    lines = Text(text).wrap(_CONSOLE, max(width, 1), overflow="fold")
    return [line.plain.rstrip() for line in lines]


def _keys(columns: list[list[str]]) -> int:
    """Count the columns at the left that it takes to tell the rows apart."""
    for count in range(1, min(_MOST_KEYS, len(columns) - 1) + 1):
        told = list(zip(*(column[1:] for column in columns[:count]), strict=True))
        if len(set(told)) == len(told):
            return count
    return 1


def _blocks(columns: list[list[str]], keys: int, room: int) -> Iterator[list[int]]:
    """Say which columns stand beside each other."""
    least = [_least(column) for column in columns]
    block: list[int] = []
    for i in range(len(columns)):
        if len(block) > keys and sum(least[j] + len(_GAP) for j in block) + least[i] > room:
            yield block
            block = list(range(keys))
        block.append(i)
    yield block


def _least(column: list[str]) -> int:
    """Find the width below which a number would be broken, or a word that is not very long."""
    words = [word for cell in column for word in cell.split()]
    return max((_least_of(word) for word in words), default=0)


def _least_of(word: str) -> int:
    return cell_len(word) if _NUMBER.fullmatch(word) else min(cell_len(word), _LONGEST)


def _widths(columns: list[list[str]], room: int) -> list[int]:
    """Let the widest columns give way until all fit."""
    least = [_least(column) for column in columns]
    whole = [max(max(map(cell_len, cell.split("\n"))) for cell in column) for column in columns]
    room -= len(_GAP) * (len(columns) - 1)
    low, high = 0, max(whole)
    if sum(whole) <= room:
        return whole
    while low < high:  # the widest that a column may be
        middle = (low + high + 1) // 2
        fits = sum(max(a, min(b, middle)) for a, b in zip(least, whole, strict=True)) <= room
        low, high = (middle, high) if fits else (low, middle - 1)
    return [max(a, min(b, low)) for a, b in zip(least, whole, strict=True)]


def _beside(cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """Write the cells of a row beside each other."""
    parts = [wrapped(cell, max(width, 1)) for cell, width in zip(cells, widths, strict=True)]
    for number in range(max(map(len, parts))):
        line = [part[number] if number < len(part) else "" for part in parts]
        padded = (c + " " * (w - cell_len(c)) for c, w in zip(line, widths, strict=True))
        yield _GAP.join(padded).rstrip()
