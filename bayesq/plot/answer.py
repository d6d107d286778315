"""The answer of a decision as densities, with choices and what was measured below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from textwrap import fill
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from bayesq.decide.decision import Decision
from bayesq.errors import BayesqError, nearest
from bayesq.intervals import Interval
from bayesq.plot.alternative import tell
from bayesq.plot.beside import draw_choices, draw_evidence, has_choices, has_evidence
from bayesq.plot.canvas import PAGE, figure_of, font_size, is_narrow, panels
from bayesq.plot.density import COLOUR, Drawn, draw, draw_edges, outline
from bayesq.plot.symbols import plain
from bayesq.plot.written import (
    is_wide,
    legend_above,
    mark,
    name_unit,
    percent,
    ticks_at_most,
    tidy,
    write,
)

_OVER = ("chain", "draw")
_SIDES = ("choices", "evidence")
# Okabe and Ito's, of single laws, each with a line of its own.
_LAWS = (
    ("#D55E00", "--"),
    ("#009E73", ":"),
    ("#CC79A7", "-."),
    ("#56B4E9", (0, (5, 1, 1, 1, 1, 1))),
)
_HIGH, _LOW = 2.2, 1.6  # heights of a row of panels in inches
_LEAST = 1.2  # below which it is no panel


def plot_decision(
    decision: Decision,
    *,
    answers: str | Sequence[str] | None = None,
    beside: Sequence[str] | None = None,
    prob: float | None = None,
    figsize: tuple[float, float] | None = None,
    ax: Axes | None = None,
    line_kwargs: Mapping[str, Any] | None = None,
    fill_kwargs: Mapping[str, Any] | None = None,
    point_kwargs: Mapping[str, Any] | None = None,
    bar_kwargs: Mapping[str, Any] | None = None,
) -> np.ndarray:
    """Draw the distribution of an answer, the choices beside it, and what was measured nearby.

    Each answer has a panel: the density over the draws, filled within the interval, and a line at
    the median. Draws that lie beyond what was searched, or have no answer, are told at the edge:
    the interval and the median count the former. Of several options each has a density of its own.
    Of several laws the mixture is filled, and each law's own density is a line, by its weight.

    Parameters
    ----------
    decision : Decision
        What any decision returned.
    answers : str or sequence of str, optional
        Which of several answers to draw, ``"N"``; all by default, but for those that are the same
        in all draws.
    beside : sequence of {"choices", "evidence"}, optional
        What to draw below: what stated choices bring, and measured rows with what the curve says
        there. By default both, where the decision has them and `figsize` has the height.
    prob : float, optional
        Probability of the interval, by default that of the decision's sentence.
    figsize : (float, float), optional
        Size of a new figure in inches.
    ax : matplotlib.axes.Axes, optional
        Axes whose place the panels take.
    line_kwargs, fill_kwargs, point_kwargs, bar_kwargs : mapping, optional
        Passed on to `Axes.plot` and `Axes.fill_between` of densities, `Axes.scatter` of measured
        rows, and `Axes.barh` of choices.

    Returns
    -------
    ndarray of Axes, shape (panels,)
        The answers, then choices and evidence.

    Raises
    ------
    BayesqError
        If there is no such answer, or nothing of that name is drawn beside one.

    Examples
    --------
    >>> import bayesq
    >>> fit = bayesq.load_fit("fit.nc")  # doctest: +SKIP
    >>> answer = bayesq.decide.fewest_bits(fit, level=0.01, N="7B", D="1T")  # doctest: +SKIP
    >>> axes = bayesq.plot.plot_decision(answer)  # doctest: +SKIP
    """
    if not isinstance(decision, Decision):
        raise BayesqError(
            f"plot_decision draws a Decision, not a {type(decision).__name__}; ask one of "
            "bayesq.decide first."
        )
    for name in beside or ():
        if name not in _SIDES:
            raise BayesqError(f"Nothing called {name!r} is drawn beside; {nearest(name, _SIDES)}.")
    held = decision.interval if prob is None else replace(decision.interval, prob=prob)
    found = _answers(decision, answers, held)
    sides = [name for name in (_SIDES if beside is None else beside) if _has(decision, name)]
    across = 1 if len(found) == 1 else 2
    rows = -(-len(found) // across)
    if beside is None and figsize and figsize[1] < _LEAST * (rows + 1):
        sides = []
    rows += bool(sides)
    size = figsize or (PAGE, _HIGH * rows)
    lines = panels(ax, rows, 1, figsize=size, sharex=False, sharey=False)[:, 0]
    if sides:
        place = lines[0].get_subplotspec().get_gridspec()
        place.set_height_ratios([_HIGH if len(found) > 1 else _LOW] * (rows - 1) + [_HIGH])
    axes: list[Axes] = []
    for i in range(0, len(found), across):
        of_row = panels(lines[i // across], 1, across, sharex=False, sharey=False)[0]
        axes += [*of_row[: len(found) - i]]
        for spare in of_row[len(found) - i :]:
            spare.set_visible(False)
    looks = {"line_kwargs": line_kwargs, "fill_kwargs": fill_kwargs}
    for panel, (name, cells) in zip(axes, found.items(), strict=True):
        laws = {law: _answers(d, [name], held)[name] for law, (_, d) in decision.laws.items()}
        weights = {law: weight for law, (weight, _) in decision.laws.items()}
        if len(cells) == 1:
            _one(panel, name, next(iter(cells.values())), laws, weights, looks)
        else:
            _several(panel, name, cells, looks)
            panel.set_ylabel(" and ".join(str(d) for d in decision.draws.dims if d not in _OVER))
            tidy(panel)
        tell(panel, _in_words(name, cells, held))
    if sides:
        below = panels(lines[-1], 1, len(sides), sharex=False, sharey=False)[0]
        for panel, side in zip(below, sides, strict=True):
            if side == "choices":
                tell(panel, draw_choices(panel, decision, bar_kwargs))
            else:
                tell(panel, draw_evidence(panel, decision, held, point_kwargs))
        axes += [*below]
    return np.array(axes, dtype=object)


def _has(decision: Decision, side: str) -> bool:
    return has_choices(decision) if side == "choices" else has_evidence(decision)


def _answers(
    decision: Decision, wanted: str | Sequence[str] | None, held: Interval
) -> dict[str, dict[str, Drawn]]:
    """Take the draws of each answer and option, with their line of the decision's table."""
    told = decision.draws
    told = told.to_dataset() if isinstance(told, xr.DataArray) else told
    table = replace(decision, laws={}).to_frame(held.prob)
    found: dict[str, dict[str, Drawn]] = {}
    place = 0
    for name, draws in told.data_vars.items():
        options = [d for d in draws.dims if d not in _OVER]
        cells = draws.stack(option=options) if options else draws.expand_dims("option")
        unit = str(draws.attrs.get("units", ""))
        log = is_wide(np.asarray(draws.values, dtype=float).ravel(), unit) or (
            unit in ("tokens", "parameters")
        )
        searched = draws.attrs.get("searched")
        found[str(name)] = {}
        for cell in cells.transpose("option", ...):
            line = {str(k): float(v) for k, v in table.iloc[place].items()}
            label = str(table.index[place]).removeprefix(f"{name}").strip()
            values = np.asarray(cell.values, dtype=float).ravel()
            ends = None if searched is None else (float(searched[0]), float(searched[1]))
            found[str(name)][label] = Drawn(values, unit, log, line, ends)
            place += 1
    if wanted is None:
        moving = {n: c for n, c in found.items() if any(_moves(d) for d in c.values())}
        return moving or found
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    for name in names:
        if name not in found:
            raise BayesqError(f"The decision has no answer {name!r}; {nearest(name, found)}.")
    return {name: found[name] for name in names}


def _moves(drawn: Drawn) -> bool:
    told = drawn.told
    return bool(told.size and np.ptp(told) > 1e-9 * np.abs(told).max())


def _one(
    ax: Axes,
    name: str,
    drawn: Drawn,
    laws: Mapping[str, Mapping[str, Drawn]],
    weights: Mapping[str, float],
    looks: Mapping[str, Any],
) -> None:
    """Draw one density, and those of single laws."""
    draw(ax, drawn, colour="0.25" if laws else COLOUR, **looks)
    curve = drawn.curve()
    peak = 1.0 if curve is None else 1.0 / float(curve[1].max())
    said = _said(drawn)
    handles = [Line2D([], [], color="0.25", label=f"all laws: {said}")] if laws else []
    heights = [1.0]
    for (law, cells), (colour, style) in zip(laws.items(), _LAWS * len(laws), strict=False):
        (own,) = cells.values()
        look: dict[str, Any] = {"color": colour, "linestyle": style, "linewidth": 1.3}
        outline(ax, own, peak * weights[law], **look)
        handles.append(Line2D([], [], label=f"{law} ({percent(weights[law])})", **look))
        found = own.curve()
        heights.append(0.0 if found is None else float(found[1].max()) * peak * weights[law])
    _limit(ax, drawn)
    # Room above the curves for what is written there.
    ax.set_ylim(0, max(heights) / (0.95 - 0.13 * min(len(drawn.edges), 3)))
    ax.set_yticks([])
    ax.set_ylabel("density")
    _along(ax, name, drawn)
    if handles:
        legend_above(ax, handles, 2 if is_narrow(ax) else 3)
    else:
        ax.set_title(said, loc="left", fontsize=font_size(ax))
    tidy(ax)
    ax.spines["left"].set_visible(False)
    draw_edges(ax, drawn)


def _said(drawn: Drawn) -> str:
    """Write median and interval: 4.61 (4.56 to 4.66)."""
    parts = (write(drawn.summary[end], drawn.unit) for end in ("median", "lower", "upper"))
    return "{} ({} to {})".format(*parts)


def _several(ax: Axes, name: str, cells: Mapping[str, Drawn], looks: Mapping[str, Any]) -> None:
    """Draw a density for each option, one above the other."""
    every = [d.values for d in cells.values()]
    first = next(iter(cells.values()))
    for i, drawn in enumerate(cells.values()):
        draw(ax, drawn, base=-float(i), height=0.82, **looks)
    whole = Drawn(np.concatenate(every), first.unit, first.log, first.summary, first.searched)
    _limit(ax, whole)
    told = [f"{label}: {', '.join(drawn.edges)}" for label, drawn in cells.items() if drawn.edges]
    if told:
        width = int(figure_of(ax).get_figwidth() * _share(ax) * 19)
        ax.set_title(plain(fill("; ".join(told), width)), loc="left", fontsize=font_size(ax))
    ax.set_yticks([-float(i) for i in range(len(cells))], [plain(str(cell)) for cell in cells])
    ax.set_ylim(-len(cells) + 0.9, 1.0)
    for i in range(len(cells)):
        ax.axhline(-i, color="0.85", linewidth=0.6, zorder=0)
    _along(ax, name, first)
    tidy(ax)


def _limit(ax: Axes, drawn: Drawn) -> None:
    told = drawn.told
    if not told.size:
        ax.set_xlim(0, 1)
        ax.set_xticks([])
        return
    low, high = np.quantile(told, [0.002, 0.998])
    if drawn.log:
        ax.set_xscale("log")
        low, high = np.log10([low, high])
    pad = 0.06 * (high - low) or 0.02 * max(abs(high), 1.0)
    ends = np.array([low - pad, high + pad])
    ax.set_xlim(*(10.0**ends if drawn.log else ends))


def _along(ax: Axes, name: str, drawn: Drawn) -> None:
    ax.set_xlabel(name_unit(name, drawn.unit))
    if drawn.told.size:
        most = ticks_at_most(ax, _share(ax))
        mark(ax.xaxis, *ax.get_xlim(), drawn.unit, log=drawn.log, most=most)


def _in_words(name: str, cells: Mapping[str, Drawn], held: Interval) -> str:
    """Say what a panel of densities shows."""
    said = []
    for label, drawn in cells.items():
        at = f"{name} at {label}" if label else name
        if np.isnan(drawn.summary["median"]):
            said.append(f"{at} has no answer in any draw")
            continue
        middle, low, high = (
            write(drawn.summary[k], drawn.unit) for k in ("median", "lower", "upper")
        )
        unit = "" if drawn.unit in ("", "1") else f" {drawn.unit}"
        text = f"{at} has its median at {middle}{unit}, {held.name} {low} to {high}"
        said.append(", ".join([text, *drawn.edges]))
    return f"Density of the answer: {'; '.join(said)}."


def _share(ax: Axes) -> float:
    """Tell what share of a row a panel takes."""
    place = ax.get_subplotspec()
    return 1.0 if place is None else 1 / place.get_gridspec().ncols
