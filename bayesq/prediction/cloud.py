"""How far scenarios lie from the rows of a fit as points, not only from the range of each input.

A table of compute budgets has empty corners: N up to its largest and D up to its largest, and no
row with both. So rows and scenarios are points in the logarithms of the inputs, and the distance
is that from the convex hull of the rows, in factors: the least by which inputs must be changed,
their factors multiplied, to come in between rows. It is worked out as the farthest that a scenario
lies beyond all rows in any of a set of directions, among them each input by itself, compute
(6 N D) and tokens per parameter: never more than the distance, and in two or three inputs hardly
less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

Cloud = Mapping[str, np.ndarray]
# With more inputs directions are coarser, and beyond the last number only pairs of inputs count.
_FINE, _COARSE = 4, 6
_PLACES = 8


@dataclass(frozen=True, eq=False)
class Apart:
    """How far scenarios lie from a cloud.

    Parameters
    ----------
    factor : ndarray of float, shape (scenarios,)
        1 inside.
    corner : list of str
        In words, which way each lies out.
    compute : ndarray of float, shape (scenarios,), or None
        The factor outside the range of 6 N D, where the rows have both.
    spent : (float, float), optional
        That range, in floating-point operations.
    """

    factor: np.ndarray
    corner: list[str]
    compute: np.ndarray | None = None
    spent: tuple[float, float] | None = None


def apart(points: Cloud, cloud: Cloud) -> Apart:
    """Work out how far scenarios lie from the rows of a fit.

    Parameters
    ----------
    points : mapping of str to ndarray, each of shape (scenarios,)
        Inputs by symbol; NaN where an input does nothing.
    cloud : mapping of str to ndarray, each of shape (rows,)
        The same of the rows; NaN where a row does not tell the input.
    """
    count = max((len(values) for values in points.values()), default=1)
    symbols = [s for s in cloud if s in points and _has_factors(cloud[s])]
    if not symbols:
        return Apart(np.ones(count), [""] * count)
    with np.errstate(invalid="ignore", divide="ignore"):
        at = np.column_stack([np.log(points[s]) for s in symbols])
        rows = np.column_stack([np.log(cloud[s]) for s in symbols])
    _, first = np.unique(rows.round(_PLACES), axis=0, return_index=True)
    rows = rows[first]
    ways = _directions(len(symbols))
    found = np.full((count, len(ways)), -np.inf)
    for j, way in enumerate(ways):
        used = way != 0
        along = rows[:, used] @ way[used]
        along = along[np.isfinite(along)]
        if along.size:
            # Where an input does nothing, a direction with it tells nothing.
            beyond = at[:, used] @ way[used] - along.max()
            found[:, j] = np.where(np.isfinite(beyond), beyond, -np.inf)
    most = found.argmax(axis=1)
    factor = _factor(found.max(axis=1))
    corner = [_in_words(symbols, ways[j]) for j in most]
    if not {"N", "D"} <= set(symbols):
        return Apart(factor, corner)
    n, d = symbols.index("N"), symbols.index("D")
    both, asked = rows[:, n] + rows[:, d], at[:, n] + at[:, d]
    low, high = both.min(), both.max()
    spent = (6 * float(np.exp(low)), 6 * float(np.exp(high)))
    return Apart(factor, corner, _factor(np.maximum(asked - high, low - asked)), spent)


def _factor(beyond: np.ndarray) -> np.ndarray:
    """Turn how far beyond the rows a scenario lies, on the logarithm, into a factor from 1 on."""
    return np.exp(np.where(beyond > 10.0**-_PLACES, beyond, 0.0))


def _has_factors(values: np.ndarray) -> bool:
    known = values[np.isfinite(values)]
    return bool(known.size) and bool((known > 0).all())


@lru_cache(maxsize=8)
def _directions(inputs: int) -> np.ndarray:
    """List directions by their weights of the inputs, the largest 1, shape (directions, inputs)."""
    steps = (-1.0, -0.5, 0.0, 0.5, 1.0) if inputs <= _FINE else (-1.0, 0.0, 1.0)
    if inputs <= _COARSE:
        all_ = np.array(list(product(steps, repeat=inputs)))
        return np.asarray(all_[np.abs(all_).max(axis=1) == 1.0])
    single = np.eye(inputs)
    pairs = [
        a * single[i] + b * single[j]
        for i in range(inputs)
        for j in range(i)
        for a, b in product((-1.0, 1.0), repeat=2)
    ]
    return np.vstack([single, -single, *pairs])


def _in_words(symbols: list[str], way: np.ndarray) -> str:
    """Word a direction: "N this large with D this small"."""
    return " with ".join(
        f"{symbol} this {'large' if weight > 0 else 'small'}"
        for symbol, weight in zip(symbols, way, strict=True)
        if weight
    )
