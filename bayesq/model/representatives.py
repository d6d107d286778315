"""A few points that stand for very many: one of each cell of a grid, and how many it stands for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Up to so many points each stands for itself.
MOST_POINTS = 20_000
_MOST_CELLS = 4_000
# Cells to a side of the finest grid tried; a coordinate of few values is told apart exactly.
_FINEST, _FEW_VALUES = 512, 64


@dataclass(frozen=True, eq=False)
class Representatives:
    """Points that stand for those of a table.

    Parameters
    ----------
    rows : ndarray of int, shape (representatives,)
        Which rows they are, ordered by their coordinates.
    counts : ndarray of float, shape (representatives,)
        How many rows each stands for.
    """

    rows: np.ndarray
    counts: np.ndarray


def represent(points: np.ndarray) -> Representatives:
    """Choose the first row of each cell of the finest grid that has few of them.

    Rows that are equal are of one cell. The same points give the same choice.

    Parameters
    ----------
    points : ndarray of float, shape (rows, coordinates)
        Coordinates, on scales on which near ones are alike.
    """
    sides = _FINEST
    while True:
        _, rows, counts = np.unique(_cells(points, sides), return_index=True, return_counts=True)
        if len(rows) <= _MOST_CELLS or sides == 1:
            return Representatives(rows, counts.astype(float))
        # From one grid to the next by the root of a half in the plane: half the cells.
        sides = max(1, int(sides / np.sqrt(2.0)))


def _cells(points: np.ndarray, sides: int) -> np.ndarray:
    """Give each point the number of its cell, shape (rows,)."""
    cell = np.zeros(len(points), dtype=np.int64)
    for values in points.T:
        known = _few(values)
        if known is None:
            low, wide = values.min(), np.ptp(values) or 1.0
            codes = np.minimum(((values - low) / wide * sides).astype(np.int64), sides - 1)
            count = sides
        else:
            codes, count = np.searchsorted(known, values), len(known)
        cell = cell * count + codes
        if len(points.T) > 2:
            # Numbers of cells anew, so that many coordinates do not run over.
            cell = np.unique(cell, return_inverse=True)[1]
    return cell


def _few(values: np.ndarray) -> np.ndarray | None:
    """Distinct values in order, where they are few."""
    # Most columns of many values show it in their first rows.
    if len(np.unique(values[: 4 * _FEW_VALUES])) > _FEW_VALUES:
        return None
    known = np.unique(values)
    return known if len(known) <= _FEW_VALUES else None
