"""A backtest drawn: what was foretold of rows left out against what was measured of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from bayesq.backtesting.scored import Backtest, by_distance
from bayesq.counted import how_many
from bayesq.errors import BayesqError
from bayesq.notes import series
from bayesq.plot.alternative import tell
from bayesq.plot.arviz_look import GREY, VERMILION, Size
from bayesq.plot.canvas import font_size, is_narrow, legend, new_axes

_MOST = 60  # rows whose intervals are drawn one by one without hiding each other
_NAMED = 5
_ROOM = (0.35, 0.08)  # of the axes, that a name takes
_MARKERS = "osD^v"
# Viridis, from what is near the data to what is far.
_COLOURS = ("#440154", "#3b528b", "#21918c", "#5ec962", "#c9b51c")
_KEPT = (0.5, 0.9)


def plot_backtest(
    backtest: Backtest,
    *,
    prob: float | None = None,
    figsize: Size | None = None,
    legend: bool = True,
    ax: Axes | None = None,
    point_kwargs: Mapping[str, Any] | None = None,
    interval_kwargs: Mapping[str, Any] | None = None,
) -> Axes:
    """Draw what a law foretold of rows left out against what was measured.

    Colour and marker tell how far outside the data a row lies; those outside their interval are
    ringed, and the farthest off named.

    Parameters
    ----------
    backtest : Backtest
        From :func:`bayesq.backtest` or :func:`bayesq.load_backtest`.
    prob : float, optional
        Probability of the intervals, 0.5 or 0.9, which are those that a backtest keeps; 0.9 by
        default.
    figsize : (float, float), optional
        Width and height of a new figure in inches.
    legend : bool
        Whether to draw a legend.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    point_kwargs, interval_kwargs : mapping, optional
        Passed on to `Axes.scatter` and `Axes.vlines`.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on.

    Raises
    ------
    BayesqError
        If it is no backtest, or has no such intervals.

    Examples
    --------
    >>> import bayesq
    >>> found = bayesq.load_backtest("rows.csv")  # doctest: +SKIP
    >>> bayesq.plot.plot_backtest(found)  # doctest: +SKIP
    """
    if not isinstance(backtest, Backtest):
        raise BayesqError(
            f"A {type(backtest).__name__} is no backtest; pass what bayesq.backtest or "
            "bayesq.load_backtest returned."
        )
    kept = _kept(prob)
    rows = backtest.rows
    ax = new_axes(ax, figsize)
    size = font_size(ax)
    lower, upper, held = rows[f"lower_{kept}"], rows[f"upper_{kept}"], rows[f"in_{kept}"]
    values = pd.concat([rows["observed"], lower, upper])
    handles = []
    thin = 1.1 if len(rows) <= _MOST else 0.5
    for number, (band, group) in enumerate(by_distance(rows).items()):
        colour, marker = _COLOURS[number], _MARKERS[number]
        look = {"color": colour, "linewidth": thin, "alpha": 0.8, "zorder": 2}
        at = group.index
        ax.vlines(group["observed"], lower[at], upper[at], **{**look, **(interval_kwargs or {})})
        points = {"color": colour, "marker": marker, "s": 16, "zorder": 3, "linewidth": 0}
        ax.scatter(group["observed"], group["median"], **{**points, **(point_kwargs or {})})
        told = f"{band} ({len(group)})"
        handles.append(Line2D([], [], color=colour, marker=marker, markersize=4, label=told))
    missed = _missed(rows[~held])
    if len(missed):
        ring: Any = {"s": 60, "facecolor": "none", "edgecolor": VERMILION, "zorder": 4}
        ax.scatter(missed["observed"], missed["median"], **ring)
        shown = ", ".join(str(row) for row in missed["row"].head(3))
        label = f"rows outside ({len(missed)})"
        if is_narrow(ax):
            label += f": {shown}{' …' * (len(missed) > 3)}"
        handles.append(
            Line2D(
                [],
                [],
                color=VERMILION,
                marker="o",
                markerfacecolor="none",
                linestyle="none",
                label=label,
            )
        )
    ends = _scale(ax, values)
    ax.plot(ends, ends, color=GREY, linewidth=1.0, linestyle="--", zorder=1)
    if not is_narrow(ax):  # where the legend's names have to do
        _name(ax, missed.head(_NAMED), lower, upper, size)
    join = "\n" if is_narrow(ax) else ", "
    ax.set_xlabel("measured (nats/token)", fontsize=size)
    ax.set_ylabel(f"foretold (nats/token){join}median and {kept} % interval", fontsize=size)
    ax.tick_params(labelsize=size)
    if legend:
        _legend(ax, handles)
    tell(ax, _words(rows, missed, kept))
    return ax


def _kept(prob: float | None) -> int:
    """Return the probability, in per cent, of intervals that a backtest has."""
    wanted = _KEPT[-1] if prob is None else prob
    for known in _KEPT:
        if np.isclose(wanted, known):
            return round(100 * known)
    raise BayesqError(
        f"prob is {prob}, and a backtest keeps the intervals of {series(map(str, _KEPT))} only; "
        "take one of them."
    )


def _missed(rows: pd.DataFrame) -> pd.DataFrame:
    """Order rows outside their interval, the farthest off first, in widths of the interval."""
    off = (rows["bias"].abs() / rows["width_90"]).sort_values(ascending=False, kind="stable")
    return rows.loc[off.index]


def _name(ax: Axes, missed: pd.DataFrame, lower: pd.Series, upper: pd.Series, size: float) -> None:
    """Name rows beyond the end of their interval, away from the diagonal, none over another."""
    to_axes = ax.transScale + ax.transLimits
    named: list[np.ndarray] = []
    for at in missed.index:
        row = missed.loc[at]
        below = row["bias"] < 0
        end = float((lower if below else upper).loc[at])
        place = to_axes.transform((row["observed"], end))
        if any((np.abs(place - other) < _ROOM).all() for other in named):
            continue
        named.append(place)
        left = place[0] < 0.2 or (below and place[0] < 0.8)
        ax.annotate(
            f"row {row['row']}",
            (row["observed"], end),
            xytext=(0, -2 if below else 2),
            textcoords="offset points",
            ha="left" if left else "right",
            va="top" if below else "bottom",
            fontsize=size,
        )


def _scale(ax: Axes, values: pd.Series) -> tuple[float, float]:
    """Give both axes one range, logarithmic where values span a decade and none is below 0."""
    low, high = float(values.min()), float(values.max())
    if low > 0 and high > 10 * low:
        ax.set(xscale="log", yscale="log")
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        factor = (high / low) ** 0.05
        ends = (low / factor, high * factor)
    else:
        room = 0.05 * (high - low)
        ends = (low - room, high + room)
        ax.locator_params(nbins=5)
    ax.set(xlim=ends, ylim=ends)
    ax.set_box_aspect(1)
    ax.grid(color="0.9", linewidth=0.6)
    ax.set_axisbelow(True)
    return ends


def _legend(ax: Axes, handles: list[Line2D]) -> None:
    legend(ax, handles, title="distance from the data")


def _words(rows: pd.DataFrame, missed: pd.DataFrame, kept: int) -> str:
    """Say how many rows the intervals hold, by how much medians are off, and name the others."""
    held = len(rows) - len(missed)
    bias = float(rows["bias"].mean())
    side = "above" if bias > 0 else "below"
    said = (
        f"{kept} % intervals hold {held} of {how_many(len(rows), 'row')} left out; medians lie "
        f"{abs(bias):.2g} nats/token {side} what was measured on average."
    )
    if len(missed):
        named = [str(row) for row in missed["row"].head(_NAMED)]
        more = len(missed) - len(named)
        listed = f"{', '.join(named)} and {more} more" if more else series(named)
        said += f" Outside are row{'s' * (len(missed) > 1)} {listed}."
    return said
