"""A fitted law drawn over the rows that it was fitted to."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cbook import normalize_kwargs
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.patches import Patch
from matplotlib.ticker import NullFormatter

from bayesq.errors import BayesqError, nearest
from bayesq.intervals import interval
from bayesq.law.inputs import Input
from bayesq.plot.axes import Kinds, dress, is_logarithmic, name, shown
from bayesq.plot.colours import Colours, levels_of
from bayesq.posterior.fit import Fit
from bayesq.prediction.outcome import outcome
from bayesq.runs.counts import parse_count

_STYLES = (("-", "o"), ("--", "s"), (":", "^"), ("-.", "D"))
_POINTS = 80
_MOST_KINDS = 9  # eight colours, and full precision


def plot_law(
    fit: Fit,
    *,
    x: str = "D",
    by: str | None = None,
    at: Mapping[str, float | str] | None = None,
    kind: str = "mean",
    prob: float = 0.9,
    limits: tuple[float, float] | None = None,
    legend: bool = True,
    ax: Axes | None = None,
    line_kwargs: Mapping[str, Any] | None = None,
    band_kwargs: Mapping[str, Any] | None = None,
    point_kwargs: Mapping[str, Any] | None = None,
) -> Axes:
    """Draw a law with credible bands over the measured values that it was fitted to.

    Each line is the posterior mean of runs at one level of its other inputs.

    Parameters
    ----------
    fit : Fit
        The fit; its response is drawn, loss or degradation.
    x : str
        Input of the law along the axis, by symbol.
    by : str, optional
        Input that has a colour for each of its levels; by default the last input of the law that
        varies. With more than eight levels five curves are drawn, and a colour bar. A further
        input that varies has a line style and a marker for each level, of which there may be four.
    at : mapping of str to float or str, optional
        Inputs held at one value, ``{"N": "7.1M"}``: only measured values there (within 1 %) are
        drawn.
    kind : {"mean", "run"}
        Whether the band is for the mean of runs, the law with its misfit, or for the measured
        value of a new run.
    prob : float
        Probability of the band, which has equal tails.
    limits : (float, float), optional
        Where the lines begin and end; those of the data by default. What lies outside the data is
        shaded.
    legend : bool
        Whether to draw a legend, on the right of the axes, or a colour bar where there are many
        levels.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    line_kwargs, band_kwargs, point_kwargs : mapping, optional
        Passed on to `Axes.plot`, `Axes.fill_between` and `Axes.scatter`.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on.

    Raises
    ------
    BayesqError
        If the law has no such input, nothing was measured at `at`, or more inputs vary than
        colours and line styles can show.

    Examples
    --------
    >>> import bayesq
    >>> fit = bayesq.load_fit("fit.nc")  # doctest: +SKIP
    >>> ax = bayesq.plot.plot_law(fit, at={"N": "7.1M"})  # doctest: +SKIP
    >>> ax.figure.savefig("law.png")  # doctest: +SKIP
    """
    if kind not in ("mean", "run"):
        raise BayesqError(f"kind is {kind!r}; it must be 'mean' or 'run'.")
    tail = (1 - interval(prob).prob) / 2
    inputs = _inputs(fit)
    held = {symbol: _held(fit, symbol, value) for symbol, value in (at or {}).items()}
    for symbol in (x, *held, *([by] if by else [])):
        if symbol not in inputs:
            raise BayesqError(
                f"Law {fit.law.name} has no input {symbol!r}; {nearest(symbol, inputs)}."
            )
    for chosen in (x, by):
        if chosen in held:
            raise BayesqError(f"{chosen} cannot both vary and be held at {held[chosen]:g}.")
    if x == by:
        raise BayesqError(f"{x} cannot be both the axis and the colour; choose another one.")
    rows = _measured(fit, inputs, x, held)
    by, styled = _roles(rows, inputs, x, by, held)
    colours = Colours(inputs[by], rows[by].to_numpy()) if by else None
    curves = _curves(rows, held, by, styled, colours)
    low, high = float(rows[x].min()), float(rows[x].max())
    start, stop = (low, high) if limits is None else limits
    if not 0 < start <= stop:
        raise BayesqError(
            f"limits are {start:g} and {stop:g}; write two positive numbers, lower first."
        )
    along = np.linspace if inputs[x].scale == "linear" else np.geomspace
    grid = xr.DataArray(along(start, stop, _POINTS), dims="x")

    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.figure(figsize=(6.8, 4.2), layout="constrained").add_subplot()
    logarithmic = is_logarithmic(fit.response, rows["measured"])
    for held_at, look in curves:
        middle, lower, upper = _band(fit, {**held_at, x: grid}, kind, tail)
        if logarithmic:
            # A new run may be measured below 0, where a logarithmic axis has no place.
            lower = np.maximum(lower, 0.3 * min(middle.min(), rows["measured"].min()))
        ax.plot(grid, middle, **_over({**look, "linewidth": 1.5}, line_kwargs, Line2D))
        drawn = {"color": look["color"], "alpha": 0.25, "linewidth": 0}
        ax.fill_between(grid, lower, upper, **_over(drawn, band_kwargs, PolyCollection))
    for style, group in _by_style(rows, styled):
        colour = colours.of(group[by].to_numpy()) if colours else "C0"
        marker = (point_kwargs or {}).get("marker", _STYLES[style][1])
        drawn = {"color": colour, "marker": marker, "s": 24, "zorder": 3}
        if MarkerStyle(marker).is_filled():
            drawn |= {"edgecolor": "white", "linewidth": 0.5}
        ax.scatter(group[x], group["measured"], **_over(drawn, point_kwargs, PathCollection))
    outside = [span for span in ((start, low), (high, stop)) if span[0] < span[1]]
    for span in outside:
        ax.axvspan(*span, color="0.93", zorder=0, linewidth=0)
    dress(ax, inputs[x], rows[x], fit.response, rows["measured"])
    if legend:
        what = "mean of runs" if kind == "mean" else "new run"
        patches = [Patch(color="0.5", alpha=0.35, linewidth=0, label=f"{prob:.0%} band, {what}")]
        patches += [Patch(color="0.93", label="outside the data")] * bool(outside)
        _legend(ax, colours, _style_handles(rows, styled, inputs), patches)
    return ax


def _inputs(fit: Fit) -> dict[str, Input]:
    """List the inputs of the law, and kinds of rows as if they were inputs."""
    inputs = {i.symbol: i for i in fit.law.inputs_of(fit.response)}
    for symbol, found in fit.law.levels_of(fit.response).items():
        labels = tuple(fit.levels[symbol])
        inputs[symbol] = Kinds(symbol, found.columns, scale="flag", format=True, labels=labels)
    return inputs


def _held(fit: Fit, symbol: str, value: float | str) -> float:
    kinds = fit.law.levels_of(fit.response)
    if symbol in kinds:
        known = fit.kinds[symbol]
        return float(known.index(kinds[symbol].find(str(value), known)))
    try:
        return float(parse_count(value))  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise BayesqError(f"{symbol} is held at {value!r}; write a number such as 7.1M.") from error


def _measured(
    fit: Fit, inputs: Mapping[str, Input], x: str, held: Mapping[str, float]
) -> pd.DataFrame:
    """Take inputs and measured values; inputs that a full-precision row has not are NaN."""
    design = fit.specification.design
    rows = pd.DataFrame({symbol: design.inputs[symbol] for symbol in inputs})
    rows["measured"] = design.observed
    if "quantized" in design.inputs:
        full = design.inputs["quantized"] == 0
        formats = [s for s, i in inputs.items() if i.format]
        rows.loc[full, formats] = np.nan
        # A law without bits among its inputs has no curve for the rows in full precision.
        rows = rows if formats else rows[~full]
    for symbol, value in held.items():
        near = np.isclose(rows[symbol], value, rtol=0.01, atol=0)
        if not near.any():
            levels = ", ".join(shown(inputs[symbol], v) for v in levels_of(rows[symbol])[:8])
            raise BayesqError(
                f"No row was measured at {symbol} {shown(inputs[symbol], value)}; "
                f"the data have {levels}."
            )
        rows = rows[near]
    return rows[rows[x].notna()]


def _roles(
    rows: pd.DataFrame, inputs: Mapping[str, Input], x: str, by: str | None, held: Mapping[str, Any]
) -> tuple[str | None, list[str]]:
    """Tell which input is shown in colour and which ones by line style."""
    varying = [s for s in inputs if s not in (x, *held) and len(levels_of(rows[s])) > 1]
    if by is None:
        by = varying[-1] if varying else None
    styled = [s for s in varying if s != by]
    kinds = inputs[by] if by else None
    if isinstance(kinds, Kinds) and len(levels_of(rows[kinds.symbol])) > _MOST_KINDS:
        raise BayesqError(
            f"There are {len(kinds.labels)} kinds of {by}, more than colours can show; hold one, "
            f"such as at={{{by!r}: {kinds.labels[0]!r}}}."
        )
    combinations = len(rows[styled].drop_duplicates()) if styled else 1
    if combinations > len(_STYLES):
        raise BayesqError(
            f"The rows differ in {' and '.join(styled)} ({combinations} settings) besides {x} and "
            f"{by}, more than line styles can show; hold {styled[0]} at one value, such as "
            f"at={{{styled[0]!r}: {rows[styled[0]].median():g}}}."
        )
    return by, styled


def _curves(
    rows: pd.DataFrame,
    held: Mapping[str, float],
    by: str | None,
    styled: list[str],
    colours: Colours | None,
) -> list[tuple[dict[str, float], dict[str, str]]]:
    """List the curves: the inputs that stay as they are along each, and how its line looks."""
    symbols = [s for s in rows.columns if s != "measured"]
    curves = []
    levels = colours.drawn if colours else [np.nan]
    for (style, group), level in product(_by_style(rows, styled), levels):
        # A level that these rows do not have is no curve of theirs.
        if by and not (colours and colours.continuous) and not _same(group[by], level).any():
            continue
        at = {s: float(group[s].iloc[0]) for s in symbols} | dict(held)
        if by:
            at[by] = level
        colour = to_hex(colours.of(level)[0]) if colours else "C0"
        # Named once, so that a legend of the user's own has each level once.
        label = shown(colours.source, level) if colours and not style else "_"
        look = {"color": colour, "linestyle": _STYLES[style][0], "label": label}
        curves.append((at, look))
    return curves


def _by_style(rows: pd.DataFrame, styled: list[str]) -> list[tuple[int, pd.DataFrame]]:
    if not styled:
        return [(0, rows)]
    return list(enumerate(g for _, g in rows.groupby(styled, dropna=False)))


def _band(fit: Fit, at: Mapping[str, Any], kind: str, tail: float) -> list[np.ndarray]:
    """Posterior mean of runs along a curve, and the ends of its band."""
    inputs = _inputs(fit)
    # Without bits a row is in full precision: its degradation is switched off.
    full = any(i.format and np.isnan(np.min(at[s])) for s, i in inputs.items())
    values: dict[str, Any] = {s: 1.0 if np.isnan(np.min(v)) else v for s, v in at.items()}
    values["quantized"] = 0.0 if full else 1.0
    found = outcome(fit, values, "x", np.random.default_rng(0))
    mean = found.mean.transpose("x", "chain", "draw")
    spread = mean
    if kind == "run":
        # The same random numbers at every point keep the edges of the band smooth.
        points = (_at_point(found.values, i) for i in range(mean.sizes["x"]))
        drawn = [
            fit.noise.draw(at_point, values, np.random.default_rng(0))
            for at_point, values in zip(mean, points, strict=True)
        ]
        spread = xr.concat(drawn, "x")
    over = ("chain", "draw")
    ends = spread.quantile([tail, 1 - tail], over)
    return [mean.mean(over).values, *ends.values]


def _at_point(values: Mapping[str, Any], i: int) -> dict[str, Any]:
    """Take what a noise needs at one point of a curve."""
    return {s: v.isel(x=i) if "x" in getattr(v, "dims", ()) else v for s, v in values.items()}


def _style_handles(
    rows: pd.DataFrame, styled: list[str], inputs: Mapping[str, Input]
) -> list[Line2D]:
    handles = []
    for style, group in _by_style(rows, styled) if styled else []:
        line, marker = _STYLES[style]
        label = ", ".join(f"{s} {shown(inputs[s], float(group[s].iloc[0]))}" for s in styled)
        look: dict[str, Any] = {"color": "0.3", "linestyle": line, "marker": marker}
        handles.append(Line2D([], [], label=label, **look))
    return handles


def _legend(ax: Axes, colours: Colours | None, styles: list[Line2D], patches: list[Patch]) -> None:
    handles: list[Any] = [*styles, *patches]
    title = None
    if colours and colours.continuous:
        figure = ax.get_figure()
        assert figure is not None  # axes that are drawn on belong to one
        bar = figure.colorbar(colours.scale, ax=ax, label=name(colours.source))
        if colours.source.scale == "log":
            bar.ax.yaxis.set_major_formatter(lambda value, _: shown(colours.source, value))
            bar.ax.yaxis.set_minor_formatter(NullFormatter())
    elif colours:
        title = name(colours.source)
        levels = zip(colours.levels, colours.of(colours.levels), strict=True)
        labels = [(shown(colours.source, level), colour) for level, colour in levels]
        handles = [Line2D([], [], color=c, marker="o", label=text) for text, c in labels] + handles
    bar_beside = colours is not None and colours.continuous
    ax.legend(
        handles=handles,
        title=title,
        loc="upper left",
        # Outside: the curves fan out over the whole of the axes.
        bbox_to_anchor=(0.0, 1.0) if bar_beside else (1.02, 1.0),
        fontsize="small",
        title_fontsize="small",
        alignment="left",
        handlelength=2.6,
        frameon=bar_beside,
    )


def _over(
    drawn: dict[str, Any], wanted: Mapping[str, Any] | None, artist: type[Artist]
) -> dict[str, Any]:
    """Put the user's keywords, in any of Matplotlib's spellings, over ours."""
    return {**drawn, **normalize_kwargs(dict(wanted or {}), artist)}


def _same(values: pd.Series, level: float) -> np.ndarray:
    return values.isna().to_numpy() if np.isnan(level) else (values == level).to_numpy()
