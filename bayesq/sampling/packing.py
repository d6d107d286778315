"""What a model takes from its rows as few arrays: each costs time at every call."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesq.model.given import Given

# Numbers from which on an array is passed by itself.
_LARGE = 2048
# What a model takes from its rows, as :func:`pack` packs it.
Packed = tuple[np.ndarray, ...]
Shapes = Mapping[str, tuple[int, ...]]


def pack(rows: Given) -> Packed:
    """Put what a model takes from its rows into few arrays: those are passed faster.

    Parameters
    ----------
    rows : dict of str to ndarray
        Arrays of any shape.

    Returns
    -------
    tuple of ndarray
        All that is small, one behind the other, shape ``(small numbers,)``, and each large array by
        itself in its own shape: cut out of another one it would be copied at each call.
    """
    small = [values.ravel() for values in rows.values() if values.size < _LARGE]
    large = [values for values in rows.values() if values.size >= _LARGE]
    return (np.concatenate(small), *large)


def packed_shapes(shapes: Shapes) -> list[tuple[int, ...]]:
    """Shapes of what :func:`pack` makes of arrays of these shapes."""
    small = sum(math.prod(shape) for shape in shapes.values() if math.prod(shape) < _LARGE)
    return [(small,), *(shape for shape in shapes.values() if math.prod(shape) >= _LARGE)]


def unpack(shapes: Shapes, small: Any, *large: Any) -> list[Any]:
    """Undo :func:`pack`, for arrays of NumPy or JAX.

    Parameters
    ----------
    shapes : mapping of str to tuple of int
        Shapes of the arrays that were packed, in their order.
    small : array, shape (small numbers,)
        The first that :func:`pack` returned.
    *large : array
        The others.

    Returns
    -------
    list of array
        In the order of `shapes`, and of these shapes.
    """
    found, end, left = [], 0, iter(large)
    for shape in shapes.values():
        if math.prod(shape) >= _LARGE:
            found.append(next(left))
        else:
            start, end = end, end + math.prod(shape)
            found.append(small[start:end].reshape(shape))
    return found
