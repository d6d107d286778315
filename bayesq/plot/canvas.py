"""Where figures are drawn: new figures, panels in place of axes, and legends that fit.

A figure is to be read in a column of a paper (3.25 in) and on a phone, so what stands beside the
axes of a wide figure stands below those of a narrow one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpecBase

COLUMN, PAGE = 3.25, 6.8  # inches
_NARROW = 4.5
_SMALL, _USUAL = 7.0, 9.0  # points


def new_axes(ax: Axes | None, figsize: tuple[float, float] | None = None) -> Axes:
    """Return the axes given, or those of a new figure of pyplot's."""
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    found: Axes = plt.figure(figsize=figsize or (PAGE, 4.2), layout="constrained").add_subplot()
    return found


def panels(
    ax: Axes | None,
    rows: int,
    columns: int,
    *,
    figsize: tuple[float, float] | None = None,
    sharex: bool = True,
    sharey: bool = True,
) -> np.ndarray:
    """Return panels of a new figure, or in the place of the axes given, which they take.

    Returns
    -------
    ndarray of Axes, shape (rows, columns)
    """
    if ax is None:
        from matplotlib import pyplot as plt

        figure = plt.figure(figsize=figsize or (PAGE, 2.6 * rows), layout="constrained")
        place: GridSpecBase = figure.add_gridspec(rows, columns)
    else:
        found = ax.get_subplotspec()
        figure = figure_of(ax)
        place = (
            found.subgridspec(rows, columns)
            if found is not None
            else figure.add_gridspec(rows, columns)
        )
        ax.remove()
    made: np.ndarray = place.subplots(sharex=sharex, sharey=sharey, squeeze=False)
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


def legend(ax: Axes, handles: Sequence[Any], title: str | None = None) -> None:
    """Put a legend beside the axes of a wide figure, below those of a narrow one."""
    size = font_size(ax)
    look: dict[str, Any] = {"fontsize": size, "title_fontsize": size, "frameon": False}
    if is_narrow(ax):
        look |= {"loc": "upper center", "bbox_to_anchor": (0.5, -0.22), "ncols": 2}
    else:
        look |= {"loc": "upper left", "bbox_to_anchor": (1.02, 1.0)}
    ax.legend(handles=list(handles), title=title, alignment="left", handlelength=2.4, **look)
