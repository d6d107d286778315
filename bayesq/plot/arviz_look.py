"""How figures that arviz-plots draws look: size, text and colours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes

from bayesq.plot.canvas import PAGE

Size = tuple[float, float]
# Okabe and Ito's, which differ in grey too where lines do.
BLUE, VERMILION, ORANGE, GREY = "#0072B2", "#D55E00", "#E69F00", "#7A7A7A"
_NARROW, _SMALL, _USUAL = 4.5, 7.0, 9.0


@contextmanager
def drawn_at(figsize: Size) -> Iterator[dict[str, Any]]:
    """Draw with text of the size that a figure of this width takes, and give what makes it.

    Yields
    ------
    dict
        ``backend`` and ``figure_kwargs`` for a function of arviz-plots.
    """
    import arviz_base as azb

    size = text_size(figsize)
    sizes = ("font", "axes.title", "axes.label", "xtick.label", "ytick.label", "legend")
    look: Any = {f"{n}.size" if n == "font" else f"{n}size": size for n in sizes}
    look["legend.fontsize"] = look.pop("legendsize")
    look |= {"legend.title_fontsize": size, "axes.linewidth": 0.6, "lines.linewidth": 1.2}
    look |= {"axes.spines.top": False, "axes.spines.right": False, "axes.titlepad": 3.0}
    # Panels are as many as parameters were asked for.
    with mpl.rc_context(look), azb.rc_context({"plot.max_subplots": None}):
        kwargs = {"figsize": figsize, "figsize_units": "inches", "layout": "constrained"}
        yield {"backend": "matplotlib", "figure_kwargs": kwargs}


def text_size(figsize: Size) -> float:
    """Size of text in points: that of a column of a paper, or of a page."""
    return _SMALL if is_column(figsize) else _USUAL


def is_column(figsize: Size) -> bool:
    """Whether a figure is as wide as a column of a paper."""
    return figsize[0] < _NARROW


def axes_of(collection: Any) -> list[Axes]:
    """List the axes that arviz-plots has drawn on and that are seen, row by row."""
    figure = collection.viz["figure"].item()
    return [ax for ax in figure.axes if ax.get_visible() and ax.axison]


def over(ours: Mapping[str, Any], theirs: Mapping[str, Any] | None) -> Any:
    """Put what a user wants of the visuals of arviz-plots over what they are here."""
    return {**ours, **(theirs or {})}


def default_size(figsize: Size | None, height: float, width: float = PAGE) -> Size:
    """Return the size asked for, in inches, or that of a page with this height."""
    return figsize or (width, height)
