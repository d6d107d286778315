"""A column of values that cells spell, under its common name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from bayesq.runs.raw import RawColumn


class Column:
    """Values of one column, each distinct one kept once, and none where a cell holds none.

    Parameters
    ----------
    values : sequence
        The distinct values.
    codes : ndarray of int, shape (rows,)
        Index of each row's value, -1 where there is none.
    """

    numbers: np.ndarray | None = None
    """The values as numbers, NaN where there is none, where all are known to be plain ones."""

    def __init__(self, values: Sequence[Any], codes: np.ndarray) -> None:
        self._values, self._codes = values, codes

    @classmethod
    def by_row(cls, rows: int, values: dict[int, Any]) -> Column:
        """Make a column of the values of some rows."""
        codes = np.full(rows, -1)
        codes[list(values)] = np.arange(len(values))
        return cls(list(values.values()), codes)

    @cached_property
    def coded(self) -> tuple[Sequence[Any], np.ndarray]:
        """The distinct values, and the index of each row's, -1 where there is none."""
        return self._values, self._codes

    @cached_property
    def present(self) -> np.ndarray:
        """Which rows have a value, shape ``(rows,)``."""
        return np.asarray(self.coded[1] >= 0)

    def get(self, row: int, default: Any = None) -> Any:
        """Return the value of a row."""
        values, codes = self.coded
        return values[codes[row]] if codes[row] >= 0 else default

    def part(self, rows: slice) -> list[Any]:
        """List the values of some rows, None where there is none."""
        values, codes = self.coded
        return [values[code] if code >= 0 else None for code in codes[rows].tolist()]

    def having(self, test: Callable[[Any], bool]) -> np.ndarray:
        """Tell the rows whose value passes a test, which is asked once of each distinct one."""
        values, codes = self.coded
        return np.asarray(np.array([*map(test, values), False], dtype=bool)[codes])

    def equals(self, other: Column) -> np.ndarray:
        """Tell the rows in which two columns have equal values."""
        (values, codes), (more, others) = self.coded, other.coded
        both = (codes >= 0) & (others >= 0)
        pairs, which = np.unique(codes * len(more) + others, return_inverse=True)
        found = [values[pair // len(more)] == more[pair % len(more)] for pair in pairs.tolist()]
        return np.asarray(both & np.array(found, dtype=bool)[which])

    def map(self, function: Callable[[Any], Any]) -> Column:
        """Work out each distinct value's, and keep no value of None."""
        values, codes = self.coded
        new = [function(value) for value in values]
        kept = np.array([*(value is not None for value in new), False], dtype=bool)
        return Column(new, np.where(kept[codes], codes, -1))

    def or_else(self, other: Column | None) -> Column:
        """Fill rows that have no value with another column's."""
        if other is None or not (other.present & ~self.present).any():
            return self
        if not self.present.any():
            return other
        (values, codes), (more, filling) = self.coded, other.coded
        moved = np.where(filling >= 0, filling + len(values), -1)
        return Column([*values, *more], np.where(codes >= 0, codes, moved))


class NumberColumn(Column):
    """Plain numbers, of which each row has its own.

    Parameters
    ----------
    numbers : ndarray of float, shape (rows,)
        The numbers, NaN where there is none.
    raw : RawColumn, optional
        The cells that they were read from, which are the values as they stand.
    """

    numbers: np.ndarray

    def __init__(self, numbers: np.ndarray, raw: RawColumn | None = None) -> None:
        self.numbers, self._raw = numbers, raw

    @cached_property
    def coded(self) -> tuple[Sequence[Any], np.ndarray]:
        """The distinct values as they stand, and which of them each row has, -1 for none."""
        if self._raw is None:
            values, codes = np.unique(self.numbers, return_inverse=True)
            return values.tolist(), np.where(self.present, codes, -1)
        cells, codes = self._raw.distinct
        return [stripped(cell) for cell in cells], np.where(self.present, codes, -1)

    @cached_property
    def present(self) -> np.ndarray:
        """Which rows have a number, shape ``(rows,)``."""
        return np.asarray(~np.isnan(self.numbers))

    def get(self, row: int, default: Any = None) -> Any:
        """Return the value of a row as it stands."""
        if not self.present[row]:
            return default
        return float(self.numbers[row]) if self._raw is None else stripped(self._raw[row])

    def part(self, rows: slice) -> list[Any]:
        """List the values of some rows as they stand, None where there is none."""
        cells = self.numbers[rows].tolist() if self._raw is None else self._raw[rows]
        there = self.present[rows].tolist()
        return [stripped(cell) if held else None for cell, held in zip(cells, there, strict=True)]


def stripped(cell: Any) -> Any:
    """Leave out the blanks around a text."""
    return cell.strip() if type(cell) is str else cell
