"""Where figures are drawn: new figures, panels in place of axes, titles and legends that fit.

A figure is to be read in a column of a paper (3.25 in) and on a phone, so what stands beside the
axes of a wide figure stands below those of a narrow one.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cbook import normalize_kwargs
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpecBase
from matplotlib.lines import Line2D
from matplotlib.transforms import offset_copy

from bayesq.plot.symbols import plain, short

COLUMN, PAGE = 3.25, 6.8  # inches
_NARROW = 4.5
_SMALL, _USUAL = 7.0, 9.0  # points
# Share of its place that a panel's own frame is wide, and of its size a letter.
_FRAME, _LETTER = 0.8, 0.55
# What stands below axes before there is room for a legend, in sizes of the type.
_BELOW = 4.2
_LINES = 3  # of a title
# Width of what stands before a label and after it, in sizes of the type; and most columns.
_HANDLE, _MOST_ASIDE = 5.0, 5
# Height of a line in sizes of the type, and what stands around one panel, in points.
_LINE, _AROUND, _TALLEST = 1.25, 105.0, 72 * 9.0


def new_axes(ax: Axes | None, figsize: tuple[float, float] | None = None) -> Axes:
    """Return the axes given, or those of a new figure of pyplot's."""
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    found: Axes = plt.figure(figsize=figsize or (PAGE, 4.2), layout="constrained").add_subplot()
    found.tick_params(labelsize=font_size(found))
    return found


def panels(
    ax: Axes | None,
    rows: int,
    columns: int,
    *,
    figsize: tuple[float, float] | None = None,
    sharex: bool = True,
    sharey: bool = True,
    heights: Sequence[float] | None = None,
) -> np.ndarray:
    """Return panels of a new figure, or in the place of the axes given, which they take.

    `heights` are those of the rows, in any unit.

    Returns
    -------
    ndarray of Axes, shape (rows, columns)
    """
    if ax is None:
        from matplotlib import pyplot as plt

        figure = plt.figure(figsize=figsize or (PAGE, 2.6 * rows), layout="constrained")
        place: GridSpecBase = figure.add_gridspec(rows, columns, height_ratios=heights)
    else:
        found = ax.get_subplotspec()
        figure = figure_of(ax)
        place = (
            found.subgridspec(rows, columns, height_ratios=heights)
            if found is not None
            else figure.add_gridspec(rows, columns, height_ratios=heights)
        )
        ax.remove()
    made: np.ndarray = place.subplots(sharex=sharex, sharey=sharey, squeeze=False)
    for panel in made.flat:
        panel.tick_params(labelsize=font_size(panel))
    return made


def figure_of(ax: Axes) -> Figure:
    """Return the figure that axes are in."""
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)  # axes that are drawn on belong to one
    return figure


def is_narrow(ax: Axes) -> bool:
    """Whether axes are in a figure as wide as a column of a paper."""
    return bool(figure_of(ax).get_figwidth() < _NARROW)


def font_size(ax: Axes) -> float:
    """Size of text in points: that of a column, or of a page."""
    return _SMALL if is_narrow(ax) else _USUAL


def width_of(ax: Axes) -> float:
    """Width of axes in points, about: a layout may still change it."""
    place = ax.get_subplotspec()
    inches = figure_of(ax).get_figwidth()
    if place is None:
        return float(72 * inches * ax.get_position().width)
    # Down to the figure: panels may lie in the place of a panel.
    found = place.get_position(figure_of(ax)).width
    return float(72 * inches * min(found, _FRAME * found * 1.1))


def title(ax: Axes, text: str) -> None:
    """Put a title above axes, in lines that are no wider than they are; long names are cut."""
    size = font_size(ax)
    letters = max(12, int(width_of(ax) / (_LETTER * size)))
    words = " ".join(short(word, letters) for word in text.split())
    lines = textwrap.wrap(
        words,
        letters,
        break_on_hyphens=False,
        break_long_words=False,
        max_lines=_LINES,
        placeholder=" …",
    )
    ax.set_title(plain("\n".join(lines)), fontsize=size)


def lines_of_room(ax: Axes | None, figsize: tuple[float, float] | None) -> int:
    """Tell how many lines have room beside one panel with a legend below."""
    height, size = _TALLEST, _USUAL
    if ax is not None:
        size = font_size(ax)
        height = 72 * ax.get_window_extent().height / figure_of(ax).dpi + _AROUND
    elif figsize is not None:
        height, size = 72 * figsize[1], _SMALL if figsize[0] < _NARROW else _USUAL
    return max(2, int((height - _AROUND) // (_LINE * size)))


def height_for(lines: int) -> float:
    """Height in inches of a figure whose panel has room for so many lines beside it."""
    return (_LINE * _USUAL * lines + _AROUND) / 72


def legend(
    ax: Axes, handles: Sequence[Any], title: str | None = None, *, below: bool | None = None
) -> None:
    """Put a legend beside the axes of a wide figure, below those of a narrow one.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes.
    handles : sequence of artists
        With labels.
    title : str, optional
        Above them.
    below : bool, optional
        Whether it stands below, as where a colour bar is beside; by default in narrow figures.
    """
    size = font_size(ax)
    look: dict[str, Any] = {"fontsize": size, "title_fontsize": size, "frameon": False}
    if is_narrow(ax) if below is None else below:
        # By points, for of low axes a share of the height is no room for their labels.
        under = offset_copy(ax.transAxes, figure_of(ax), y=-_BELOW * size, units="points")
        look |= {"loc": "upper center", "bbox_to_anchor": (0.5, 0.0), "bbox_transform": under}
        look |= {"ncols": 2 if is_narrow(ax) else 3, "columnspacing": 1.0, "borderaxespad": 0.0}
    else:
        look |= {"loc": "upper left", "bbox_to_anchor": (1.02, 1.0), "borderaxespad": 0.0}
    ax.legend(handles=list(handles), title=title, alignment="left", handlelength=2.4, **look)


def legend_of_panels(axes: np.ndarray, handles: Sequence[Any], title: str | None = None) -> None:
    """Put one legend below panels, which keep the width that their titles are cut to.

    Parameters
    ----------
    axes : ndarray of Axes, shape (rows, columns)
        The panels.
    handles, title
        As those of :func:`legend`.
    """
    first = axes[0, 0]
    figure, size = figure_of(first), font_size(first)
    look: dict[str, Any] = {"fontsize": size, "title_fontsize": size, "frameon": False}
    figure.legend(
        handles=list(handles),
        title=title,
        alignment="left",
        handlelength=2.4,
        loc="outside lower center",
        ncols=_aside(figure, size, handles),
        columnspacing=1.0,
        **look,
    )


def _aside(figure: Figure, size: float, handles: Sequence[Any]) -> int:
    """Tell how many entries of a legend have room side by side: two in a narrow figure."""
    if figure.get_figwidth() < _NARROW:
        return 2
    room = 72 * figure.get_figwidth() / size
    for count in range(_MOST_ASIDE, 1, -1):
        columns = np.array_split([len(str(handle.get_label())) for handle in handles], count)
        # Each column is as wide as its longest entry.
        if sum(_LETTER * max(column, default=0) + _HANDLE for column in columns) <= room:
            return count
    return 1


def two_columns(first: list[Any], second: list[Any]) -> list[Any]:
    """Put handles of a narrow legend so that each list has a column, filled up with nothing."""
    longest = max(len(first), len(second))
    blank = [Line2D([], [], linestyle="none", label="") for _ in range(longest)]
    return [*first, *blank[len(first) :], *second, *blank[len(second) :]]


def over(
    drawn: Mapping[str, Any], wanted: Mapping[str, Any] | None, artist: type[Artist]
) -> dict[str, Any]:
    """Put the user's keywords, in any of Matplotlib's spellings, over ours."""
    return {**drawn, **normalize_kwargs(dict(wanted or {}), artist)}
