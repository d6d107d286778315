"""Rows that lie alike put together: cells of a table, split where they are widest."""

from __future__ import annotations

import heapq

import numpy as np

# Coordinates are as large as they come here; what is smaller than this of them is rounding.
_SAME = 1e-12


def cells(where: np.ndarray, strata: np.ndarray, most: int) -> tuple[np.ndarray, int]:
    """Divide rows into cells that are small in all coordinates, none across two strata.

    The cell with the largest sum of squares in one coordinate is split at its mean there, again
    and again.

    Parameters
    ----------
    where : ndarray of float, shape (rows, coordinates)
        Where the rows lie, in units in which they count alike.
    strata : ndarray of int, shape (rows,)
        Numbers of groups that are never put together.
    most : int
        How many cells to make; more where there are more strata.

    Returns
    -------
    ndarray of int, shape (rows,)
        The cell of each row, numbered from 0.
    int
        How many there are.
    """
    order = np.argsort(strata, kind="stable")
    ends = np.flatnonzero(np.diff(strata[order])) + 1
    heap: list[tuple[float, int, np.ndarray, int]] = []
    done: list[np.ndarray] = []
    count = 0

    def add(rows: np.ndarray) -> None:
        nonlocal count
        count += 1
        inside = where[rows]
        spread = inside.var(axis=0)
        axis = int(spread.argmax())
        if spread[axis] > _SAME:
            heapq.heappush(heap, (-len(rows) * float(spread[axis]), count, rows, axis))
        else:
            done.append(rows)

    for rows in np.split(order, ends):
        add(rows)
    while heap and len(heap) + len(done) < most:
        _, _, rows, axis = heapq.heappop(heap)
        values = where[rows, axis]
        low = values <= values.mean()
        add(rows[low])
        add(rows[~low])
    found = np.empty(len(strata), dtype=int)
    every = [*done, *(rows for _, _, rows, _ in heap)]
    for number, rows in enumerate(every):
        found[rows] = number
    return found, len(every)


def nodes(cell: np.ndarray, count: int, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Stand in for the values of each cell by two, with weights that keep three of their moments.

    Gauss's quadrature with two nodes: the sum over a cell of any cubic is that over its rows.

    Parameters
    ----------
    cell : ndarray of int, shape (rows,)
        The cell of each row.
    count : int
        How many cells there are.
    values : ndarray of float, shape (rows,)
        The values.

    Returns
    -------
    ndarray of float, shape (cells, 2)
        The nodes.
    ndarray of float, shape (cells, 2)
        Their weights, which add up to the number of rows; 0 for a node that is not needed.
    """
    size = np.bincount(cell, minlength=count).astype(float)
    mean = np.bincount(cell, values, count) / size
    off = values - mean[cell]
    spread = np.sqrt(np.bincount(cell, off**2, count) / size)
    wide = spread > _SAME * np.maximum(np.abs(mean), 1.0)
    unit = np.where(wide, spread, 1.0)
    skew = np.where(wide, np.bincount(cell, (off / unit[cell]) ** 3, count) / size, 0.0)
    root = np.sqrt(skew**2 + 4.0)
    found = mean[:, None] + np.where(wide, spread, 0.0)[:, None] * np.column_stack(
        [(skew - root) / 2, (skew + root) / 2]
    )
    share = np.where(wide, (root + skew) / (2 * root), 1.0)
    return found, size[:, None] * np.column_stack([share, 1.0 - share])
