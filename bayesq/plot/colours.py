"""The colours of one input's levels, told apart with any kind of colour vision."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, LogNorm, Normalize

from bayesq.law.inputs import Input

_MOST_COLOURS = 8
_SOME_CURVES = 5
# Levels have an order, and so have the colours. Yellow, their upper end, is hard to see on white.
_MAP, _BRIGHTEST = "viridis", 0.82
_FULL_PRECISION = (0.45, 0.45, 0.45, 1.0)


class Colours:
    """One colour a level, or a continuous scale where the levels are many.

    Parameters
    ----------
    source : Input
        The input.
    values : ndarray of float
        Its values in the data; NaN is full precision.
    """

    def __init__(self, source: Input, values: np.ndarray) -> None:
        self.source = source
        self.levels = levels_of(values)
        self.continuous = len(self.levels) > _MOST_COLOURS
        self._finite = [level for level in self.levels if np.isfinite(level)]
        self._map = mpl.colormaps[_MAP]
        norm = LogNorm if source.scale == "log" else Normalize
        self._norm = norm(self._finite[0], self._finite[-1])

    @property
    def drawn(self) -> list[float]:
        """Levels that have a curve: all of them, or a few that share the rows evenly."""
        if not self.continuous:
            return self.levels
        return [float(v) for v in np.quantile(self._finite, np.linspace(0, 1, _SOME_CURVES))]

    @property
    def scale(self) -> ScalarMappable:
        """What a colour bar shows."""
        return ScalarMappable(
            self._norm, ListedColormap(self._map(np.linspace(0, _BRIGHTEST, 256)))
        )

    def of(self, values: Any) -> np.ndarray:
        """Return the colour of each value, grey in full precision."""
        values = np.atleast_1d(np.asarray(values, dtype=float))
        if self.continuous:
            share = np.asarray(self._norm(values), dtype=float)
        else:
            share = np.searchsorted(self._finite, values) / max(1, len(self._finite) - 1)
        colours = self._map(_BRIGHTEST * np.nan_to_num(share))
        colours[np.isnan(values)] = _FULL_PRECISION
        return colours


def levels_of(values: Any) -> list[float]:
    """Return the levels in order; NaN, which is full precision, once and last."""
    return [float(v) for v in np.unique(np.asarray(values, dtype=float))]
