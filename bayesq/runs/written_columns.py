"""Columns of a checked table, written out cell by cell."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

# Cells that are written out at a time.
_PIECE = 2**16


def is_filled(values: np.ndarray) -> bool:
    """Tell whether any cell of a column holds a value."""
    if values.dtype.kind == "f":
        return not np.isnan(values).all()
    return any(cell == cell for cell in set(values.tolist()) - {""})


def varies(values: np.ndarray) -> bool:
    """Tell whether the cells of a column differ."""
    if values.dtype.kind == "f":
        return not (np.isnan(values).all() or (values == values[0]).all())
    return len(set(values.tolist())) > 1


def written(values: np.ndarray) -> Iterator[str]:
    """Write the cells of a column as Python does, exact and NaN alike, in pieces."""
    for begin in range(0, len(values), _PIECE):
        cells = values[begin : begin + _PIECE].tolist()
        if values.dtype.kind in "fiu":
            yield repr(cells)[1:-1].replace(", ", "\x1f")
        else:
            yield "\x1f".join(map(repr, cells))
