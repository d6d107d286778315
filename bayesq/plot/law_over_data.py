"""A fitted law drawn over the rows that it was fitted to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bayesq.errors import BayesqError
from bayesq.intervals import interval
from bayesq.law.inputs import Input
from bayesq.notes import series
from bayesq.plot.alternative import tell
from bayesq.plot.axes import is_listed, name, shown
from bayesq.plot.canvas import PAGE, font_size, new_axes, panels, title, width_of
from bayesq.plot.colours import Colours
from bayesq.plot.law_in_words import law_in_words
from bayesq.plot.law_legend import show_legend
from bayesq.plot.law_panel import Curve, Look, curves, draw_panel, outside, show_all
from bayesq.plot.roles import choose_axis, in_words, roles, settings
from bayesq.plot.shown_rows import (
    check_fitted,
    check_input,
    held_at,
    inputs_of,
    joined,
    measured_rows,
    rows_at,
    some_in_words,
    some_of,
)
from bayesq.plot.symbols import plain
from bayesq.posterior.fitted import Fitted
from bayesq.runs.counts import as_number

_KINDS = {"mean": ("mean",), "run": ("run",), "both": ("mean", "run")}
_MISFITS = (True, False, "both")
# A panel no narrower and no lower than this, in points, and no more panels a side.
_NARROWEST, _LOWEST, _MOST_ASIDE = 105.0, 150.0, 3
_LETTERS = 18  # of a name in the title of a panel


def plot_law(
    fit: Fitted,
    *,
    x: str | None = None,
    by: str | None = None,
    at: Mapping[str, float | str] | None = None,
    kind: str = "mean",
    misfit: bool | str = True,
    prob: float | None = None,
    limits: tuple[float | str, float | str] | None = None,
    legend: bool = True,
    figsize: tuple[float, float] | None = None,
    ax: Axes | None = None,
    line_kwargs: Mapping[str, Any] | None = None,
    band_kwargs: Mapping[str, Any] | None = None,
    point_kwargs: Mapping[str, Any] | None = None,
) -> Axes | np.ndarray:
    """Draw a law with credible bands over the measured values that it was fitted to.

    Each line is the posterior median of the mean of runs at one level of the other inputs, as
    :func:`bayesq.predict` has it. Beyond the rows of its panel, whose ends are marked, and where a
    prediction has a note that it lies outside the data, it is dashed or pale: a projection.

    Parameters
    ----------
    fit : Fit or StudyFit
        The fit; its response is drawn, loss or degradation. A pooled fit is drawn study by study.
    x : str, optional
        Input of the law along the axis, by symbol; by default D, or the first that varies. Along
        bits and group sizes the mean of runs is drawn where runs can be, at whole bits and
        doublings and what was measured, joined by straight lines.
    by : str, optional
        Input that has a colour for each of its levels; by default the last input of the law that
        varies. With more than eight levels five curves are drawn, and a colour bar.
    at : mapping of str to float or str, optional
        Inputs held at one value, ``{"N": "7.1M"}``: only measured values there (within 1 %) are
        drawn. Inputs that are left open have line styles and markers where they have up to four
        settings, and else a panel each. Of more settings than there is room for, some are shown,
        spread over all; the title says of how many.
    kind : {"mean", "run", "both"}
        Whether the band is for the mean of runs, the law with its misfit, or for the measured
        value of a new run, or both are drawn, that of a new run paler.
    misfit : bool or "both"
        False for the law by itself, without what it was found wrong by; ``"both"`` draws it as a
        dotted line beside.
    prob : float, optional
        Probability of the band, by default 0.9 with equal tails or what ArviZ is set to.
    limits : (float or str, float or str), optional
        Where the lines begin and end, ``("10M", "100B")``; by default those of the data. What lies
        outside the data is shaded.
    legend : bool
        Whether to draw a legend, beside the axes of a wide figure and below those of a narrow one,
        or a colour bar where there are many levels.
    figsize : (float, float), optional
        Size of a new figure in inches.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default. Panels take its place.
    line_kwargs, band_kwargs, point_kwargs : mapping, optional
        Passed on to `Axes.plot`, `Axes.fill_between` and `Axes.scatter`.

    Returns
    -------
    matplotlib.axes.Axes, or ndarray of Axes of shape (panels,)
        The axes drawn on; an array where there are panels.

    Raises
    ------
    BayesqError
        If the law has no such input, nothing was measured at `at`, or an option is none.

    Examples
    --------
    >>> import bayesq
    >>> fit = bayesq.load_fit("fit.nc")  # doctest: +SKIP
    >>> ax = bayesq.plot.plot_law(fit, at={"N": "7.1M"})  # doctest: +SKIP
    >>> ax.figure.savefig("law.png")  # doctest: +SKIP
    """
    check_fitted(fit, "plot_law")
    if kind not in _KINDS:
        raise BayesqError(f"kind is {kind!r}; it must be 'mean', 'run' or 'both'.")
    if misfit not in _MISFITS:
        raise BayesqError(f"misfit is {misfit!r}; it must be True, False or 'both'.")
    band = interval(prob)
    inputs = inputs_of(fit)
    held = held_at(fit, inputs, at)
    for symbol in (x, by):
        if symbol is not None:
            check_input(fit, inputs, symbol)
        if symbol in held:
            raise BayesqError(f"{symbol} cannot both vary and be held at {held[symbol]:g}.")
    if fit.pooling is not None and x == fit.pooling.by:
        raise BayesqError(f"Each {x} has curves of its own; tell them by colour, by={x!r}.")
    rows = rows_at(measured_rows(fit, inputs), inputs, held)
    x = x or choose_axis(fit, rows, inputs)
    if x == by:
        raise BayesqError(f"{x} cannot be both the axis and the colour; choose another one.")
    rows = rows[rows[x].notna()]
    every, low, high = len(rows), float(rows[x].min()), float(rows[x].max())
    rows = joined(rows.iloc[some_of(every)], [inputs[s] for s in inputs if s != x])
    if rows.empty:
        raise BayesqError(f"No row that is to be drawn has a value of {x}; choose another axis.")
    ends = _ends(inputs[x], limits, (low, high))
    part = roles(fit, rows, inputs, (x, *held), by)
    look = Look(
        fit=fit,
        inputs=inputs,
        x=x,
        ends=ends,
        band=band,
        kinds=_KINDS[kind],
        misfit=misfit,
        colours=Colours(inputs[part.by], rows[part.by].to_numpy()) if part.by else None,
        roles=part,
        kwargs={
            "line": line_kwargs or {},
            "band": band_kwargs or {},
            "point": point_kwargs or {},
        },
    )
    if not part.panelled:
        alone = new_axes(ax, figsize)
        drawn = curves(look, rows, held)
        below = draw_panel(alone, look, rows, drawn, named=True)
        show_all([alone], look, [(held, rows, drawn)])
        if legend:
            show_legend(np.array([[alone]]), look, rows, drawn, below, outside(look, rows))
        tell(alone, law_in_words(look, [(held, rows, drawn)], 1) + some_in_words(every))
        return alone
    return _panelled(look, rows, held, legend, figsize, ax, some_in_words(every))


def _panelled(
    look: Look,
    rows: pd.DataFrame,
    held: Mapping[str, float],
    legend: bool,
    figsize: tuple[float, float] | None,
    ax: Axes | None,
    more: str,
) -> np.ndarray:
    part = look.roles
    count = len(settings(rows, part.panelled))
    high, wide = _shape(count, figsize, ax)
    chosen = settings(rows, part.panelled, most=high * wide)
    grid = panels(ax, high, wide, figsize=figsize)
    for spare in grid.flat[len(chosen) :]:
        spare.remove()
    left_out = f"{len(chosen)} of {count} settings" if len(chosen) < count else ""
    if left_out and ax is None:
        words = f"{left_out} of {series(part.panelled)}; hold some to see others"
        grid.flat[0].figure.suptitle(plain(words), fontsize=font_size(grid.flat[0]))
    drawn, below = [], 0
    for number, (panel, (setting, group)) in enumerate(zip(grid.flat, chosen, strict=False)):
        at = {**held, **setting}
        found = curves(look, group, at)
        below += draw_panel(panel, look, group, found, named=True)
        panel.label_outer()
        if number + wide >= len(chosen):
            panel.xaxis.set_tick_params(labelbottom=True)
            panel.set_xlabel(name(look.source))
        panel.set_ylabel(panel.get_ylabel().replace(" (", "\n("))
        words = in_words(look.inputs, setting, most=_LETTERS)
        title(panel, f"{words} ({left_out})" if left_out and ax and not number else words)
        drawn.append((at, group, found))
    show_all(list(grid.flat[: len(chosen)]), look, drawn)
    if legend:
        everything: list[Curve] = [curve for _, _, found in drawn for curve in found]
        groups = [group for _, group, _ in drawn]
        beyond = any(outside(look, group) for group in groups)
        show_legend(grid, look, pd.concat(groups), everything, below, beyond)
    tell(grid.flat[0], law_in_words(look, drawn, count) + more)
    return np.array(list(grid.flat[: len(chosen)]), dtype=object)


def _shape(count: int, figsize: tuple[float, float] | None, ax: Axes | None) -> tuple[int, int]:
    """Rows and columns of panels that have room."""
    width, height = 72 * PAGE, 72 * PAGE
    if figsize is not None:
        width, height = (72 * side for side in figsize)
    elif ax is not None:
        width, height = width_of(ax), 0.75 * width_of(ax)
    wide = int(np.clip(width // _NARROWEST, 1, min(_MOST_ASIDE, count)))
    most = int(np.clip(height // _LOWEST, 1, _MOST_ASIDE))
    return min(most, -(-count // wide)), wide


def _ends(
    source: Input,
    limits: tuple[float | str, float | str] | None,
    data: tuple[float, float],
) -> tuple[float, float]:
    if limits is None or is_listed(source):
        return data
    start, stop = (as_number(end) for end in limits)
    least = 0.0 if source.scale == "log" else -np.inf
    if not (least < start <= stop < np.inf):
        raise BayesqError(
            f"limits are {limits[0]} and {limits[1]}; write two "
            f"{'positive ' * (source.scale == 'log')}numbers, lower first, such as "
            f"{shown(source, data[0])} and {shown(source, data[1])}."
        )
    return start, stop
