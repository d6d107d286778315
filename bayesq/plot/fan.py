"""The fan outside the data: how a prediction widens beyond its rows, and what widens it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bayesq.errors import BayesqError, nearest
from bayesq.intervals import Interval, interval
from bayesq.law.inputs import Input
from bayesq.plot.along import flat, inputs_at
from bayesq.plot.alternative import tell
from bayesq.plot.axes import dress, shown
from bayesq.plot.canvas import (
    font_size,
    is_narrow,
    legend_of_panels,
    new_axes,
    over,
    panels,
    title,
    two_columns,
)
from bayesq.plot.edges import mark_edges
from bayesq.plot.heights import above_zero, set_heights
from bayesq.plot.inside import inside, stretch
from bayesq.plot.roles import in_words, settings
from bayesq.plot.shown_rows import MEASURED, check_fitted, held_at, inputs_of, measured_rows
from bayesq.posterior.fitted import Fitted
from bayesq.prediction.predict import predict
from bayesq.prediction.prediction import Prediction
from bayesq.runs.counts import as_number

COMPUTE, RATIO = "compute", "D/N"
_INNER = 0.5
_POINTS, _FINE = 33, 400  # at which it is predicted, and tells what lies inside
_BEYOND = 100.0  # times the largest value in the data
_NEAR = 0.25  # how far from the ratio rows may lie that are shown along compute
_COLOUR = "#0072B2"
_SHARES = {"parameters": "#0072B2", "misfit": "#E69F00", "noise": "#999999"}
_HATCHES = {"parameters": "", "misfit": "///", "noise": "..."}


def plot_fan(
    fit: Fitted,
    *,
    x: str | None = None,
    at: Mapping[str, float | str] | None = None,
    limits: tuple[float | str, float | str] | None = None,
    kind: str = "both",
    shares: bool = True,
    prob: float | None = None,
    legend: bool = True,
    figsize: tuple[float, float] | None = None,
    ax: Axes | None = None,
    line_kwargs: Mapping[str, Any] | None = None,
    band_kwargs: Mapping[str, Any] | None = None,
    point_kwargs: Mapping[str, Any] | None = None,
) -> Axes | np.ndarray:
    """Draw how a prediction widens outside the data, whose edge is drawn and named.

    All that is drawn is what :func:`bayesq.predict` says at these points; what is shaded is where
    it has a note that they lie outside the data, at what is held.

    Parameters
    ----------
    fit : Fit or StudyFit
        A fit that is not pooled, or one study of it.
    x : {"D", "N", "compute"}, optional
        What grows: tokens, parameters, or 6 N D at a fixed ratio of both; by default D, or N of a
        law without D.
    at : mapping of str to float or str, optional
        The other inputs, by symbol; along compute ``"D/N"`` too. By default the format
        with most rows, the largest N or D that it was measured at, and the ratio of the middle row.
    limits : (float or str, float or str), optional
        From where to where; by default from the smallest value in the data to a hundred times the
        largest.
    kind : {"mean", "run", "both"}
        Whether the interval of the mean of runs is drawn, that of a new run, or both.
    shares : bool
        Whether a panel below shows how much of the variance comes from the law's parameters, its
        misfit and the noise, as the table of a prediction has it.
    prob : float, optional
        Probability of the interval, by default 0.9 or what ArviZ is set to. Inside that of the
        mean is one of 50 %.
    legend : bool
        Whether to draw a legend.
    figsize : (float, float), optional
        Size of a new figure in inches.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default. With shares two panels take its place.
    line_kwargs, band_kwargs, point_kwargs : mapping, optional
        Passed on to `Axes.plot`, `Axes.fill_between` and `Axes.scatter`.

    Returns
    -------
    matplotlib.axes.Axes, or ndarray of Axes of shape (2,)
        The axes drawn on; with shares the fan and the shares.

    Raises
    ------
    BayesqError
        If the law has no such input, or something else is held at no value.
    """
    check_fitted(fit, "plot_fan")
    fit.check_one_study()
    if kind not in ("mean", "run", "both"):
        raise BayesqError(f"kind is {kind!r}; it must be 'mean', 'run' or 'both'.")
    band = interval(prob)
    inputs = inputs_of(fit)
    x = x or ("D" if "D" in inputs else "N")
    source = _source(fit, inputs, x)
    rows = measured_rows(fit, inputs)
    setting = _setting(fit, inputs, rows, x, at)
    values = _values(rows, x)
    data = float(values.min()), float(values.max())
    start, stop = (as_number(end) for end in limits) if limits else (data[0], _BEYOND * data[1])
    if not 0 < start < stop < np.inf:
        raise BayesqError(
            f"limits are {start:g} and {stop:g}; write two positive numbers, lower first, such as "
            f"{shown(source, data[0])} and {shown(source, _BEYOND * data[1])}."
        )
    known = _inside(fit, x, values, (start, stop), setting)
    edges = np.clip(data if known is None else known, start, stop)
    where = np.unique(np.append(np.geomspace(start, stop, _POINTS), edges))
    said = predict(fit, _scenarios(fit, inputs, x, where, setting), _kind(fit, kind))

    if shares:
        both = panels(ax, 2, 1, figsize=figsize or (6.8, 4.8), sharey=False, heights=(3, 1))
        axes: list[Axes] = list(both.flat)
    else:
        axes = [new_axes(ax, figsize)]
    top = axes[0]
    dress(top, source, fit.response)
    near = _near(rows, inputs, x, setting)
    above = near[near[MEASURED] > (0 if fit.response == "degradation" else -np.inf)]
    drawn = _draw(top, where, said, band, kind, fit.response, line_kwargs, band_kwargs)
    if fit.response == "degradation":
        drawn_ends = [end for draws in _asked(said, kind) for end in band.ends(draws)]
        medians = [np.median(draws, axis=1) for draws in _asked(said, kind)]
        set_heights([top], np.concatenate([*medians, above[MEASURED]]), np.concatenate(drawn_ends))
    plain = {
        "color": "black",
        "s": 16,
        "zorder": 4,
        "clip_on": False,
        "edgecolor": "white",
        "linewidth": 0.5,
    }
    heights = above[MEASURED].to_numpy()
    top.scatter(_values(above, x), heights, **over(plain, point_kwargs, PathCollection))
    mark_edges(top, known, (start, stop), lambda v: shown(source, v), called="inside the data")
    title(top, f"at {in_words_of(inputs, setting)}")
    marks = _marks(bool(len(above)))
    if shares:
        top.label_outer()
        top.set_ylabel(top.get_ylabel().replace(" (", "\n("))
        _draw_shares(axes[1], where, said, source)
        mark_edges(axes[1], known, (start, stop), lambda v: shown(source, v), named=False)
        marks += [
            Patch(facecolor=_SHARES[part], hatch=_HATCHES[part], alpha=0.75, label=f"from {part}")
            for part in map(str, said.shares)
        ]
    if legend:
        handles = two_columns(marks, drawn) if is_narrow(top) else drawn + marks
        legend_of_panels(np.array([[a] for a in axes]), handles)
    tell(top, _in_words(fit, x, source, inputs, setting, where, known, said, band))
    return np.array(axes, dtype=object) if shares else top


def flat_of(draws: Any) -> np.ndarray:
    """Put all draws of each scenario in one dimension, shape ``(scenarios, draws)``."""
    return flat(draws.rename(scenario="x"))


def in_words_of(inputs: Mapping[str, Input], setting: Mapping[str, float]) -> str:
    """Write a setting, a ratio of tokens to parameters too."""
    ratio = [f"D/N {setting[RATIO]:.3g}"] if RATIO in setting else []
    rest = {s: v for s, v in setting.items() if s != RATIO}
    return ", ".join([*ratio, *([in_words(inputs, rest)] if rest else [])])


def _source(fit: Fitted, inputs: Mapping[str, Input], x: str) -> Input:
    known = [s for s in ("D", "N") if s in inputs]
    if x == COMPUTE and len(known) == 2:
        return Input("compute 6ND", ("N", "D"), unit="FLOP")
    if x not in known:
        choices = [*known, *([COMPUTE] if len(known) == 2 else [])]
        raise BayesqError(f"Law {fit.law.name} has no fan along {x!r}; {nearest(x, choices)}.")
    return inputs[x]


def _values(rows: pd.DataFrame, x: str) -> np.ndarray:
    found = 6 * rows["N"] * rows["D"] if x == COMPUTE else rows[x]
    return found.to_numpy(float)


def _setting(
    fit: Fitted,
    inputs: Mapping[str, Input],
    rows: pd.DataFrame,
    x: str,
    at: Mapping[str, float | str] | None,
) -> dict[str, float]:
    """Read what is held, and choose the rest: what is largest, and the format of most rows."""
    wanted = dict(at or {})
    ratio = wanted.pop(RATIO, None) if x == COMPUTE else None
    held = held_at(fit, inputs, wanted)
    taken = {"N", "D"} if x == COMPUTE else {x}
    if both := sorted(taken & set(held)):
        raise BayesqError(
            f"{both[0]} grows along the axis and cannot be held; leave it out of at=."
        )
    formats = [s for s, i in inputs.items() if s not in {"N", "D"} and s not in held]
    parts = settings(rows.dropna(subset=formats), formats)
    usual, of_usual = max(parts, key=lambda part: len(part[1]))
    setting: dict[str, float] = {}
    if x == COMPUTE:
        number = as_number(ratio) if ratio is not None else float((rows["D"] / rows["N"]).median())
        if not number > 0:
            raise BayesqError(f"D/N is held at {ratio!r}; write a positive number such as 20.")
        setting[RATIO] = number
    for s in inputs:
        if s in {"N", "D"} - taken:
            setting[s] = held.get(s, float(of_usual[s].max()))
        elif s not in taken:
            setting[s] = held.get(s, usual.get(s, np.nan))
    return setting


def _scenarios(
    fit: Fitted,
    inputs: Mapping[str, Input],
    x: str,
    where: np.ndarray,
    setting: Mapping[str, float],
) -> pd.DataFrame:
    rest = {s: v for s, v in setting.items() if s != RATIO and not np.isnan(v)}
    named = {s: fit.levels[s][int(v)] if s in fit.levels else v for s, v in rest.items()}
    if x == COMPUTE:
        n = np.sqrt(where / (6 * setting[RATIO]))
        return pd.DataFrame({"N": n, "D": setting[RATIO] * n, **named})
    return pd.DataFrame({x: where, **named})


def _inside(
    fit: Fitted,
    x: str,
    values: np.ndarray,
    ends: tuple[float, float],
    setting: Mapping[str, float],
) -> tuple[float, float] | None:
    """Tell from where to where a prediction at the setting has no note that it lies outside."""
    there = values[(values >= ends[0]) & (values <= ends[1])]
    where = np.unique([*np.geomspace(*ends, _FINE), *there])
    along: dict[str, Any] = {x: where}
    if x == COMPUTE:
        n = np.sqrt(where / (6 * setting[RATIO]))
        along = {"N": n, "D": setting[RATIO] * n}
    rest = {s: v for s, v in setting.items() if s != RATIO}
    return stretch(where, inside(fit, inputs_at(fit, {**rest, **along}), len(where)))


def _asked(said: Prediction, kind: str) -> list[np.ndarray]:
    """Take the draws whose intervals are drawn."""
    found = [flat_of(said.mean)] if kind != "run" else []
    return [*found, *([flat_of(said.draws)] if said.kind == "run" else [])]


def _kind(fit: Fitted, kind: str) -> str:
    if kind == "run":
        return kind
    return "run" if kind == "both" and fit.noise is not None else "mean"


def _near(
    rows: pd.DataFrame, inputs: Mapping[str, Input], x: str, setting: Mapping[str, float]
) -> pd.DataFrame:
    """Take the rows that were measured at the setting."""
    for s, value in setting.items():
        if s == RATIO:
            apart = np.abs(np.log(rows["D"] / rows["N"] / value))
            rows = rows[apart < np.log1p(_NEAR)]
        else:
            rows = rows[np.isclose(rows[s], value, rtol=0.01, atol=0, equal_nan=True)]
    return rows


def _draw(
    ax: Axes,
    where: np.ndarray,
    said: Prediction,
    band: Interval,
    kind: str,
    response: str,
    line_kwargs: Mapping[str, Any] | None,
    band_kwargs: Mapping[str, Any] | None,
) -> list[Any]:
    inner = Interval(_INNER, band.kind)
    mean, run = flat_of(said.mean), flat_of(said.draws)
    layers = []
    if said.kind == "run":
        layers.append((run, band, 0.14, "new run"))
    if kind != "run":
        layers.append((mean, band, 0.25, "mean of runs"))
        layers += [(mean, inner, 0.3, "mean of runs")] * (band.prob > _INNER)
    handles: list[Any] = []
    shade = 0.0
    for draws, one, opaque, what in layers:
        low, high = one.ends(draws)
        if response == "degradation":
            low, high = (above_zero(end, np.median(mean, axis=1).max()) for end in (low, high))
        plain = {"color": _COLOUR, "alpha": opaque, "linewidth": 0}
        ax.fill_between(where, low, high, **over(plain, band_kwargs, PolyCollection))
        # What lies over each other adds up.
        shade = 1 - (1 - shade) * (1 - opaque)
        label = f"{one.name}, {what}"
        handles.append(Patch(facecolor=_COLOUR, alpha=shade, linewidth=0, label=label))
    line = {"color": _COLOUR, "linewidth": 1.5}
    middle = np.median(mean if kind != "run" else run, axis=1)
    if response == "degradation":
        middle = np.where(middle > 0, middle, np.nan)
    ax.plot(where, middle, **over(line, line_kwargs, Line2D))
    return [Line2D([], [], color=_COLOUR, label="median"), *reversed(handles)]


def _draw_shares(ax: Axes, where: np.ndarray, said: Prediction, source: Input) -> None:
    size = font_size(ax)
    dress(ax, source, "loss")
    names = [str(part) for part in said.shares]
    stacked = [100 * said.shares[part].to_numpy() for part in names]
    colours = [_SHARES[part] for part in names]
    areas = ax.stackplot(where, stacked, colors=colours, alpha=0.75)
    for area, part in zip(areas, names, strict=True):
        area.set_hatch(_HATCHES[part])
        area.set_edgecolor("white")
        area.set_linewidth(0.0)
    ax.set_ylim(0, 100)
    ax.set_yticks([0, 50, 100])
    ax.set_ylabel("variance\n(%)", fontsize=size)
    ax.grid(visible=False)


def _marks(measured: bool) -> list[Any]:
    look: dict[str, Any] = {"linestyle": "none", "markersize": 4}
    return [Line2D([], [], marker="o", color="black", label="measured", **look)] * measured


def _in_words(
    fit: Fitted,
    x: str,
    source: Input,
    inputs: Mapping[str, Input],
    setting: Mapping[str, float],
    where: np.ndarray,
    known: tuple[float, float] | None,
    said: Prediction,
    band: Interval,
) -> str:
    table = said.to_frame(band.prob)

    def at(value: float) -> str:
        row = table.iloc[int(np.abs(np.log(where / value)).argmin())]
        return f"{row['median']:.3g} ({row['lower']:.3g} to {row['upper']:.3g})"

    end = float(where[-1])
    what = "A new run" if said.kind == "run" else "The mean of runs"
    last = said.shares.iloc[-1]
    parts = ", ".join(f"{100 * share:.0f} % from {part}" for part, share in last.items())
    head = f"{what} by {fit.law.name} at {in_words_of(inputs, setting)}: {fit.response}"
    tail = f"with {band.name}s. There the variance comes {parts}."
    if known is None:
        return (
            f"{head} {at(float(where[0]))} nats per token at {x} {shown(source, float(where[0]))} "
            f"and {at(end)} at {shown(source, end)}, all outside the data, {tail}"
        )
    edge = min(max(known[1], float(where[0])), end)
    return (
        f"{head} {at(edge)} nats per token at {x} {shown(source, edge)}, up to where predictions "
        f"lie inside the data, and {at(end)} at {shown(source, end)}, {end / known[1]:.3g} times "
        f"as far, {tail}"
    )
