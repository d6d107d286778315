"""Ticks that have room: the finest whose labels do not touch, at whatever size they are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import matplotlib as mpl
import numpy as np
from matplotlib.axis import Axis, XAxis
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import Locator, MaxNLocator, NullFormatter, NullLocator

from bayesq.plot.canvas import figure_of
from bayesq.runs.counts import format_count

# Width of a letter and height of a line, in sizes of the type; and the space between two labels.
_LETTER, _LINE, _BETWEEN = 0.62, 1.2, 0.9
_ENOUGH, _MOST = 3, 8
_DECADE = ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,), (2.0,), (4.0,), (5.0,))


def ticks_of_counts(
    axis: Axis, write: Callable[[float], str] = format_count, *, base: int = 10
) -> None:
    """Put ticks such as 7B and 15T on an axis, which becomes logarithmic.

    Parameters
    ----------
    axis : matplotlib.axis.Axis
        ``ax.xaxis``, ``ax.yaxis`` or that of a colour bar.
    write : callable
        From a value to its label.
    base : {10, 2}
        Whether it counts in decades or in doublings.
    """
    set_scale = axis.axes.set_xscale if isinstance(axis, XAxis) else axis.axes.set_yscale
    set_scale("log")
    axis.set_major_locator(RoomyLocator(write, base))
    axis.set_major_formatter(lambda value, _: write(value))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


class RoomyLocator(Locator):
    """Ticks of a logarithmic axis, as fine as their labels have room.

    Parameters
    ----------
    write : callable
        From a value to its label.
    base : {10, 2}
        Whether it counts in decades or in doublings.
    """

    def __init__(self, write: Callable[[float], str], base: int = 10) -> None:
        self.write = write
        self.base = base

    def __call__(self) -> list[float]:
        """Ticks of what is in view."""
        return self.tick_values(*self.axis.get_view_interval())  # type: ignore[union-attr]

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        """Ticks from one value to another."""
        low, high = sorted((vmin, vmax))
        if not 0 < low < high:
            return []
        best = np.array([])
        for ticks in (*self._from_fine_to_coarse(low, high), *_round_numbers(low, high)):
            inside = ticks[(ticks >= low * (1 - 1e-9)) & (ticks <= high * (1 + 1e-9))]
            if len(inside) > len(best) and self._has_room(inside, low, high):
                best = inside
                if len(best) >= _ENOUGH:
                    break
        return [float(v) for v in best]

    def _from_fine_to_coarse(self, low: float, high: float) -> Iterator[np.ndarray]:
        log = np.log2 if self.base == 2 else np.log10
        whole = np.arange(np.floor(log(low)), np.ceil(log(high)) + 1)
        steps = [np.outer(float(self.base) ** whole, parts).ravel() for parts in _DECADE]
        yield from steps if self.base == 10 else steps[2:3]
        for every in range(2, 1 + len(whole)):
            for first in range(every):
                yield float(self.base) ** whole[whole % every == first]

    def _has_room(self, ticks: np.ndarray, low: float, high: float) -> bool:
        axis = self.axis
        assert isinstance(axis, Axis)  # ticks that are drawn stand on one
        shown = [self.write(t) for t in ticks]
        if len(set(shown)) < len(shown) or len(shown) > _MOST:
            return False
        if len(ticks) < 2:
            return True
        ends = axis.axes.bbox
        across = isinstance(axis, XAxis)
        length = (ends.width if across else ends.height) * 72 / figure_of(axis.axes).dpi
        size = _size_of_labels(axis)
        needed = np.array([_LETTER * size * len(t) if across else _LINE * size for t in shown])
        places = np.log(ticks / low) / np.log(high / low) * length
        apart = (needed[1:] + needed[:-1]) / 2 + _BETWEEN * size * (1 if across else 0.5)
        return bool((np.diff(places) >= apart).all())


def _size_of_labels(axis: Axis) -> float:
    usual = mpl.rcParams["xtick.labelsize" if isinstance(axis, XAxis) else "ytick.labelsize"]
    asked = axis.get_tick_params().get("labelsize", usual)
    return float(FontProperties(size=asked).get_size_in_points())


def _round_numbers(low: float, high: float) -> Iterator[np.ndarray]:
    """Ticks where two ends are less than a step apart."""
    for count in (4, 3, 2):
        yield np.asarray(MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
