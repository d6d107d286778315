"""Where the data end along an axis: shaded beyond, with a line at each end and its value above."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from bayesq.plot.canvas import font_size

_SHADE, _LINE = "0.93", "0.45"
_ROOM = 0.02  # of the axis, beyond what is drawn
# What a legend shows of it.
SHADED: dict[str, Any] = {
    "facecolor": _SHADE,
    "edgecolor": "0.7",
    "linewidth": 0.4,
    "label": "outside the data",
}


def mark_edges(
    ax: Axes,
    data: tuple[float, float] | None,
    drawn: tuple[float, float],
    write: Callable[[float], str],
    *,
    named: bool = True,
    called: str = "data",
) -> list[Patch]:
    """Shade what lies outside the data along x, and draw and name the ends of the data.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes, whose scale is set.
    data : (float, float) or None
        The smallest and the largest value in the data; None where all lies outside.
    drawn : (float, float)
        From where to where is drawn.
    write : callable
        From a value to its label.
    called : str
        What the ends are those of.
    named : bool
        Whether the ends are named above the axes; they are drawn in any case.

    Returns
    -------
    list of Patch
        What a legend shows of it; empty where nothing drawn lies outside.
    """
    start, stop = drawn
    if data is None:
        ax.set_xlim(start, stop)
        ax.axvspan(start, stop, color=_SHADE, zorder=0, linewidth=0)
        if named:
            _above(ax, "all outside the data", [], 0.5, "center")
        return [Patch(**SHADED)]
    low, high = data
    outside = [(end, span) for end, span in ((low, (start, low)), (high, (high, stop)))]
    outside = [(end, span) for end, span in outside if span[0] < span[1]]
    if outside:
        left, right = _with_room(ax, drawn)
        ax.set_xlim(left, right)
        room = {start: left, stop: right}
    for end, (a, b) in outside:
        ax.axvspan(room.get(a, a), room.get(b, b), color=_SHADE, zorder=0, linewidth=0)
        ax.axvline(end, color=_LINE, linewidth=0.8, linestyle=(0, (1, 1.5)), zorder=1)
    if named:
        _name(ax, data, drawn, write, called)
    return [Patch(**SHADED)] if outside else []


def _with_room(ax: Axes, drawn: tuple[float, float]) -> list[float]:
    """Widen limits so that a mark at an end is not cut in half."""
    scale = ax.xaxis.get_transform()
    start, stop = scale.transform(drawn)
    more = _ROOM * (stop - start)
    return [float(v) for v in scale.inverted().transform([start - more, stop + more])]


def _name(
    ax: Axes,
    data: tuple[float, float],
    drawn: tuple[float, float],
    write: Callable[[float], str],
    called: str,
) -> None:
    """Write the ends above the axes, as the labels of an axis there: a title then stands higher."""
    ends = [min(max(end, drawn[0]), drawn[1]) for end in data]
    both = ax.transData.transform([(end, 1.0) for end in ends])
    frame = ax.transAxes.inverted()
    places = [float(frame.transform(place)[0]) for place in both]
    middle = sum(places) / 2
    low, high = write(data[0]), write(data[1])
    words = f"{called}: {low}" if low == high else f"{called}: {low} to {high}"
    side = "left" if middle < 0.3 else "right" if middle > 0.7 else "center"
    where = {"left": max(0.0, places[0]), "right": min(1.0, places[1]), "center": middle}[side]
    _above(ax, words, sorted(set(ends)), where, side)


def _above(ax: Axes, words: str, ends: list[float], where: float, side: str) -> None:
    above = ax.secondary_xaxis("top", functions=(_same, _same))  # type: ignore[arg-type]
    size = font_size(ax)
    above.tick_params(length=2.5, pad=1.5, labelsize=size, color=_LINE)
    above.xaxis.set_minor_locator(NullLocator())
    above.set_xticks(ends, [""] * len(ends))
    above.set_xlabel(words, fontsize=size, color="0.35", labelpad=1.0, x=where, ha=side)


def _same(values: object) -> object:
    return values
