"""Numbers of answers as figures write them, and axes for answers of any unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, MaxNLocator, NullFormatter, NullLocator

from bayesq.plot.canvas import figure_of, font_size, width_of
from bayesq.plot.symbols import mathtext
from bayesq.plot.ticks import ticks_of_counts
from bayesq.runs.counts import format_count

# Units of answers that span decades: their axis is logarithmic.
_COUNTED = ("parameters", "tokens", "elements", "tokens per parameter")
_LARGE = ("FLOP", "GB")
# Sizes of the type that the ticks and the name of an axis take beside axes.
_BESIDE = 5.0
# Width of a letter and height of a line in sizes of the type; of a place, what the axes have of it.
_LETTER, _LINE, _FRAME = 0.62, 1.5, 0.8


def write(value: float, unit: str) -> str:
    """Write one number of a unit, without it: 7B, 4.61, 1e+16."""
    if not np.isfinite(value):
        return "beyond" if value > 0 else "none"
    if unit in _COUNTED:
        return format_count(value)
    return f"{value:.2f}" if unit == "bits" else f"{value:.3g}"


# What answers are that their names do not say.
_MEANT = {
    "a": "exponent $a$ of $N$",
    "b": "exponent $b$ of $D$",
    "eff": "share of $N$ that counts",
    "multiplier": "factor of $N$",
    "w_bits": "bits",
    "speedup": "speedup (times)",
}


def name_unit(name: str, unit: str) -> str:
    """Name an axis: N (parameters)."""
    name = _MEANT.get(name, mathtext(name) if len(name) == 1 else name)
    return name if unit in ("", "1") or unit in name else f"{name} ({unit})"


def percent(share: float) -> str:
    """Write a share as per cent; what is not quite nothing, or all, does not read so."""
    if 0 < share < 0.01:
        return "<1 %"
    if 0.99 < share < 1:
        return ">99 %"
    return f"{share:.0%}".replace("%", " %")


def is_wide(values: np.ndarray, unit: str) -> bool:
    """Tell whether values are better seen on a logarithmic axis."""
    found = values[np.isfinite(values)]
    if not found.size or (found <= 0).any():
        return False
    low, high = np.quantile(found, [0.01, 0.99])
    return unit in (*_COUNTED, *_LARGE) or (unit not in ("bits", "nats/token") and high > 10 * low)


def mark(axis: Axis, low: float, high: float, unit: str, *, log: bool, most: int = 5) -> None:
    """Put few enough ticks between two ends that they never overlap, written as the unit is.

    Parameters
    ----------
    axis : matplotlib.axis.Axis
        The axis.
    low, high : float
        Its ends.
    unit : str
        Unit of what is along it.
    log : bool
        Whether it is logarithmic: its ticks are then as many as have room.
    most : int
        Ticks of a linear axis at most.
    """

    def label(value: float) -> str:
        return format_count(value) if unit in _COUNTED else f"{value:g}".replace("e+", "e")

    if log:
        ticks_of_counts(axis, label)
        return
    found = np.asarray(MaxNLocator(most - 1, steps=[1, 2, 5, 10]).tick_values(low, high))
    axis.set_major_locator(FixedLocator(list(found[(found >= low) & (found <= high)])))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(lambda value, _: label(value))


def with_room(ax: Axes, places: Sequence[tuple[float, float]], letters: int) -> list[int]:
    """Choose which of some points can be named without a name over another's, the first first.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes whose ends are set.
    places : sequence of (float, float)
        The points, in the units of the axes.
    letters : int
        Of the longest name.
    """
    size = font_size(ax)
    wide, high = _LETTER * size * letters / width_of(ax), _LINE * size / _height(ax)
    to_axes = ax.transScale + ax.transLimits
    taken: list[np.ndarray] = []
    found = []
    for number, place in enumerate(places):
        at = to_axes.transform(place)
        if not any((np.abs(at - other) < (wide, high)).all() for other in taken):
            taken.append(at)
            found.append(number)
    return found


def _height(ax: Axes) -> float:
    """Height of axes in points, about, before a layout has set it."""
    place = ax.get_subplotspec()
    share = 1.0 if place is None else place.get_position(figure_of(ax)).height
    return float(72 * figure_of(ax).get_figheight() * share * _FRAME)


def tidy(ax: Axes) -> None:
    """Give all text of axes the size that a figure of this width has, and quiet lines."""
    size = font_size(ax)
    ax.tick_params(labelsize=size, length=2.5)
    for text in (ax.xaxis.label, ax.yaxis.label):
        text.set_fontsize(size)
    ax.xaxis.get_offset_text().set_fontsize(size)
    ax.yaxis.get_offset_text().set_fontsize(size)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_axisbelow(True)


def ticks_at_most(ax: Axes, share: float = 1.0) -> int:
    """Tell how many ticks there is place for along axes that take a share of a figure's width."""
    return int(np.clip(round(figure_of(ax).get_figwidth() * share * 1.6), 3, 6))


def legend_above(ax: Axes, handles: Sequence[Artist], columns: int = 2, side: str = "left") -> None:
    """Put a legend over the axes, where no data are, and flush with one side of them.

    It has no more columns than fit over the axes.
    """
    where: Any = f"lower {side}"
    for fewer in range(columns, 0, -1):
        made = ax.legend(
            handles=list(handles),
            loc=where,
            bbox_to_anchor=(-0.02 if side == "left" else 1.02, 1.0),
            ncols=fewer,
            fontsize=max(6.5, font_size(ax) - 0.5),
            frameon=False,
            handlelength=1.6,
            columnspacing=0.8,
            handletextpad=0.4,
            borderaxespad=0.1,
            labelspacing=0.25,
        )
        if 72 / figure_of(ax).dpi * made.get_window_extent().width <= _room(ax):
            return


def _room(ax: Axes) -> float:
    """Tell how wide axes will be, in points: a layout gives them all but their ticks and name."""
    figure = figure_of(ax)
    place = ax.get_subplotspec()
    if place is None or figure.get_layout_engine() is None:
        return float(72 / figure.dpi * ax.bbox.width)
    margins = figure.subplotpars
    share = place.get_position(figure).width / (margins.right - margins.left)
    return float(72 * figure.get_figwidth() * share - _BESIDE * font_size(ax))
