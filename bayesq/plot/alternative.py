"""What a figure shows, in words for those who do not see it, written from its numbers."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayesq.terminal import printable

# Axes that are removed, as when panels take their place, are told of no more.
_TOLD: WeakKeyDictionary[Axes, str] = WeakKeyDictionary()


def tell(ax: Axes, text: str) -> None:
    """Keep with axes what is drawn on them; a figure may hold several that are told of.

    Of panels, the first one is told of all.
    """
    _TOLD[ax] = text


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
    return " ".join(dict.fromkeys(_TOLD[ax] for ax in _axes_of(drawn) if ax in _TOLD))


def _axes_of(drawn: Any) -> Iterable[Axes]:
    if isinstance(drawn, Axes):
        # Of some panels the first one tells for all of its figure.
        return [drawn] if drawn in _TOLD else _axes_of(drawn.get_figure(root=True))
    if isinstance(drawn, np.ndarray):
        own = [ax for ax in drawn.flat if isinstance(ax, Axes)]
        return own if any(ax in _TOLD for ax in own) else _axes_of(own[0].get_figure(root=True))
    if isinstance(drawn, Figure):
        return drawn.axes
    found: list[Axes] = drawn.viz["figure"].item().axes  # a collection of arviz-plots
    return found


def with_words(svg: str, title: str, told: str) -> str:
    """Give an SVG a title and a description, which a screen reader says in its place."""
    # What Matplotlib writes begins with a declaration, then its own svg element.
    start = svg.index("<svg") + len("<svg")
    end = svg.index(">", start) + 1
    look = ' role="img" aria-labelledby="title told"'
    words = f'<title id="title">{escape(printable(title))}</title>'
    words += f'<desc id="told">{escape(printable(told))}</desc>'
    return f"{svg[:start]}{look}{svg[start:end]}{words}{svg[end:]}"


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
