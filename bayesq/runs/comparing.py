"""Columns of a table beside each other and beside constants, cell by cell.

A cell is a number, a text or empty. Numbers are compared with numbers and texts with texts; an
empty cell compares as a missing one does in pandas: false, and true for ``!=``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class UnlikeError(ValueError):
    """Numbers where texts are needed, or the other way about; its text says which."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Values of each row: a column, or what was worked out from columns.

    Parameters
    ----------
    name : str
        What to call them in messages.
    numbers : ndarray of float
        The numbers among them, NaN elsewhere; shape ``(rows,)``.
    texts : ndarray of object, optional
        The texts among them, ``""`` elsewhere; none where all are numbers or empty.
    """

    name: str
    numbers: np.ndarray
    texts: np.ndarray | None = None

    @property
    def empty(self) -> np.ndarray:
        """Which cells are empty."""
        missing = np.isnan(self.numbers)
        return np.asarray(missing if self.texts is None else missing & (self.texts == ""))

    @property
    def words(self) -> np.ndarray:
        """The texts, as an array that can be compared with text."""
        if self.texts is None:
            return np.full(len(self.numbers), "", dtype=object)
        return self.texts

    def refuse_texts(self, instead: str) -> None:
        """Refuse a column that holds texts and no number.

        Raises
        ------
        UnlikeError
            If it does; the text ends with `instead`.
        """
        if self.texts is not None and np.isnan(self.numbers).all() and (self.texts != "").any():
            raise UnlikeError(f"{self.name} holds text, {instead}")

    def refuse_numbers(self, instead: str) -> None:
        """Refuse a column that holds numbers and no text.

        Raises
        ------
        UnlikeError
            If it does; the text ends with `instead`.
        """
        if not np.isnan(self.numbers).all() and (self.words == "").all():
            raise UnlikeError(f"{self.name} holds numbers, {instead}")


def cells_of(name: str, values: np.ndarray) -> Cells:
    """Tell numbers, texts and empty cells of a column apart."""
    if values.dtype.kind in "fiub":
        return Cells(name, values.astype(float))
    numbers = np.full(len(values), np.nan)
    texts = np.full(len(values), "", dtype=object)
    for i, value in enumerate(values):
        if isinstance(value, str):
            texts[i] = str(value)
        elif isinstance(value, int | float | np.number | np.bool_):
            numbers[i] = float(value)
        elif value is not None:
            texts[i] = str(value)
    return Cells(name, numbers, texts)


def compare(left: Cells | float | str, sign: str, right: Cells | float | str) -> np.ndarray:
    """Hold the cells of a column against a constant or another column's, row by row.

    Parameters
    ----------
    left, right : Cells, float or str
        At least one of them a column. The text ``""`` stands for an empty cell.
    sign : str
        One of ``== != < <= > >=``.

    Raises
    ------
    UnlikeError
        If one has numbers alone and the other texts alone.
    """
    if sign == "!=":
        return ~compare(left, "==", right)
    if not isinstance(left, Cells):
        turned = sign.translate(str.maketrans("<>", "><"))
        assert isinstance(right, Cells)
        return compare(right, turned, left)
    does = COMPARE[sign]
    if isinstance(right, str):
        if not right and sign == "==":
            return left.empty
        left.refuse_numbers(f"{right!r} is text")
        return _where(left.words != "", does, left.words, right)
    if not isinstance(right, Cells):
        left.refuse_texts(f"{right:g} is a number: write text in quotes, as '{right:g}'")
        return np.asarray(does(left.numbers, right))
    if right.texts is None:
        left.refuse_texts(f"{right.name} numbers")
    elif (right.texts != "").any() and np.isnan(right.numbers).all():
        left.refuse_numbers(f"{right.name} text")
    found = np.asarray(does(left.numbers, right.numbers))
    if left.texts is None or right.texts is None:
        return found
    texts = np.isnan(left.numbers) & np.isnan(right.numbers)
    if sign != "==":
        texts &= ~(left.empty | right.empty)
    return np.asarray(found | _where(texts, does, left.words, right.words))


def _where(
    rows: np.ndarray,
    does: Callable[[Any, Any], Any],
    left: np.ndarray,
    right: np.ndarray | str,
) -> np.ndarray:
    """Compare texts where both sides have one; false elsewhere."""
    found = np.zeros(len(left), dtype=bool)
    found[rows] = does(left[rows], right if isinstance(right, str) else right[rows])
    return found
