"""A few sizes that tables are filled up to, so that one compiled model serves many of them."""

from __future__ import annotations

import numpy as np

_SMALLEST = 8


def filled(count: int) -> int:
    """Return the least of 8, 12, 16, 24, 32, 48, ... that holds `count` things.

    Each is a third or a half above the one before: what is filled up costs a sixth of the time on
    average, and the tables of a backtest, 0.5 to 1 times the whole, have three sizes at most.
    """
    size = _SMALLEST
    while size < count:
        size = size * 3 // 2 if size & (size - 1) == 0 else size * 4 // 3
    return size


def eights(count: int) -> int:
    """Return the least multiple of 8 that holds `count` things: where each one costs time."""
    return -(-count // _SMALLEST) * _SMALLEST


def fill(values: np.ndarray, size: int) -> np.ndarray:
    """Fill rows up to `size` by the first one, which is as good as any: they do not count."""
    more = size - len(values)
    return np.concatenate([values, np.repeat(values[:1], more, axis=0)]) if more else values
