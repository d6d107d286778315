"""The legend of a law over its data: levels, settings, bands, and what is not the plain case."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bayesq.plot.axes import is_listed, labels_of, name, shown
from bayesq.plot.canvas import (
    figure_of,
    font_size,
    is_narrow,
    legend,
    legend_of_panels,
    two_columns,
)
from bayesq.plot.edges import SHADED
from bayesq.plot.law_panel import MEAN, PALE, PLAIN, PROJECTED, RUN, STYLES, Curve, Look
from bayesq.plot.roles import in_words, settings
from bayesq.plot.symbols import plain
from bayesq.plot.ticks import ticks_of_counts

_LETTERS = 14  # of a name of kinds


def show_legend(
    axes: np.ndarray,
    look: Look,
    rows: pd.DataFrame,
    drawn: list[Curve],
    below: int,
    outside: bool,
) -> None:
    """Put a legend beside or below one panel or several, and a colour bar for many levels.

    Parameters
    ----------
    axes : ndarray of Axes, shape (rows, columns)
        The panels.
    look, rows, drawn
        What is drawn in them.
    below : int
        How many rows lie at or below 0, off a logarithmic axis.
    outside : bool
        Whether anything is drawn outside the data.
    """
    handles, title = _handles(look, rows, drawn, below, outside), None
    colours = look.colours
    if colours and colours.continuous:
        _colour_bar(axes, look)
    elif colours:
        title = name(colours.source)
        held = set(rows[colours.source.symbol].dropna())
        levels = [v for v in colours.levels if np.isnan(v) or v in held]
        if not rows[colours.source.symbol].isna().any():
            levels = [v for v in levels if not np.isnan(v)]
        labels = labels_of(colours.source, levels)
        marks = zip(labels, colours.of(levels), strict=True)
        of_levels: list[Any] = [
            Line2D([], [], color=c, marker="o", label=label) for label, c in marks
        ]
        handles = two_columns(of_levels, handles) if is_narrow(axes[0, 0]) else of_levels + handles
    if axes.size > 1:
        legend_of_panels(axes, handles, title)
    else:
        legend(axes[0, 0], handles, title, below=bool(colours and colours.continuous) or None)


def _handles(
    look: Look, rows: pd.DataFrame, drawn: list[Curve], below: int, outside: bool
) -> list[Any]:
    found: list[Any] = []
    for style, (setting, _) in enumerate(settings(rows, look.roles.styled)):
        if setting:
            line, marker = STYLES[style]
            of_style: dict[str, Any] = {"linestyle": line, "marker": marker}
            words = plain(in_words(look.inputs, setting, most=_LETTERS))
            found.append(Line2D([], [], color="0.3", label=words, **of_style))
    alone = len(look.kinds) == 1
    bands = {
        "mean": ("law" if look.misfit is False else "mean of runs", MEAN),
        "run": ("new run", 1.6 * RUN if alone else RUN),
    }
    for what, opaque in (bands[kind] for kind in look.kinds):
        label = f"{look.band.name}, {what}"
        found.append(Patch(facecolor="0.2", alpha=opaque, linewidth=0, label=label))
    if look.both:
        mark: dict[str, Any] = {"linestyle": PLAIN}
        if is_listed(look.source):
            mark = {"linestyle": "none", "marker": "x"}
        found.append(Line2D([], [], color="0.3", label="law alone", **mark))
    if not all(curve.inside.all() for curve in drawn):
        beyond: dict[str, Any] = {"alpha": PALE} if look.roles.styled else {"linestyle": PROJECTED}
        found.append(Line2D([], [], color="0.3", label="projection", **beyond))
    if outside:
        found.append(Patch(**SHADED))
    if below:
        label = f"measured at 0 or below ({below})"
        look_of: dict[str, Any] = {
            "markerfacecolor": "none",
            "markeredgecolor": "black",
            "linestyle": "none",
        }
        found.append(Line2D([], [], marker="v", label=label, **look_of))
    return found


def _colour_bar(axes: np.ndarray, look: Look) -> None:
    assert look.colours is not None
    source = look.colours.source
    known: list[Axes] = [ax for ax in axes.flat if ax.get_figure() is not None]
    first = known[0]
    size = font_size(first)
    bar = figure_of(first).colorbar(
        look.colours.scale,
        ax=known if len(known) > 1 else first,
        location="top" if is_narrow(first) else "right",
    )
    bar.set_label(name(source), fontsize=size)
    bar.ax.tick_params(labelsize=size)
    if source.scale == "log":
        axis = bar.ax.xaxis if is_narrow(first) else bar.ax.yaxis
        ticks_of_counts(axis, lambda value: shown(source, value))
