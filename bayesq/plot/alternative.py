"""What a figure shows, in words for those who do not see it, written from its numbers."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_TOLD: WeakKeyDictionary[Figure, dict[int, str]] = WeakKeyDictionary()


def tell(ax: Axes, text: str) -> None:
    """Keep with axes what is drawn on them; a figure may hold several that are told of."""
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    _TOLD.setdefault(figure, {})[id(ax)] = text


def alt_text(drawn: Any) -> str:
    """Say in words what a figure shows.

    Parameters
    ----------
    drawn : Axes, array of Axes, Figure or arviz_plots.PlotCollection
        What a function of :mod:`bayesq.plot` returned, or the figure that it drew on.

    Returns
    -------
    str
        One or two sentences with the numbers that a reader of the figure would take from it; empty
        where nothing is known of it.
    """
    told = _TOLD.get(drawn_figure(drawn), {})
    if isinstance(drawn, Axes) and id(drawn) in told:
        return told[id(drawn)]
    return " ".join(told.values())


def drawn_figure(drawn: Any) -> Figure:
    """Find the figure of what a function of :mod:`bayesq.plot` returned."""
    if isinstance(drawn, Figure):
        return drawn
    if isinstance(drawn, np.ndarray):
        return drawn_figure(drawn.flat[0])
    if isinstance(drawn, Axes):
        figure = drawn.get_figure(root=True)
        assert isinstance(figure, Figure)
        return figure
    found: Figure = drawn.viz["figure"].item()  # a collection of arviz-plots
    return found
