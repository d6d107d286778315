"""Settings of one loss: contours over size and tokens, or over bits and size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.interpolate import RectBivariateSpline

from bayesq.decide.question import Setting, number
from bayesq.errors import BayesqError, nearest
from bayesq.intervals import Interval, interval
from bayesq.law.inputs import Input, of_role
from bayesq.law.law import Response
from bayesq.plot.alternative import tell
from bayesq.plot.axes import name, shown
from bayesq.plot.canvas import font_size, is_narrow, new_axes
from bayesq.plot.written import legend_above, mark, tidy
from bayesq.posterior.joined import joined
from bayesq.posterior.posterior import Posterior

_KNOTS, _POINTS = 14, 36  # in each direction: where a misfit is drawn, and where lines are
_BAND_POINTS = 400
_LEVELS, _MOST = 5, 9
_REACH, _EDGE = 0.15, 0.04  # of the width of the data, beyond it: of counts, and of bits
_COLOUR, _BAND = "#D55E00", "#E69F00"
_DIMS = ("x", "y")


def plot_iso_loss(
    fit: Posterior,
    *,
    base: Posterior | None = None,
    x: str | None = None,
    y: str | None = None,
    at: Mapping[str, Any] | None = None,
    levels: Sequence[float] | None = None,
    level: float | None = None,
    limits: Mapping[str, tuple[float | str, float | str] | str] | None = None,
    discrepancy: bool = True,
    prob: float | None = None,
    figsize: tuple[float, float] | None = None,
    ax: Axes | None = None,
    line_kwargs: Mapping[str, Any] | None = None,
    band_kwargs: Mapping[str, Any] | None = None,
    point_kwargs: Mapping[str, Any] | None = None,
) -> Axes:
    """Draw contours of the loss over two inputs, one of them with its uncertainty.

    A contour is where the median of the mean of runs has a level; where the loss falls along an
    axis, it is the median of what :func:`bayesq.decide.iso_loss` answers there, and the band
    of one level is its interval. Of a fit to the degradation alone, contours are of that.

    Parameters
    ----------
    fit : Posterior
        A fit, or a paper's constants.
    base : Posterior, optional
        A fit of the base law, where `fit` is of a degradation and the loss is asked.
    x, y : str, optional
        Inputs along the axes, by symbol: by default bits and N of a law that knows bits, else N
        and D.
    at : mapping, optional
        What else is held, as a decision takes it: ``{"D": "100B"}``. An input left open is held in
        the middle of the data, and the text below the axes says so.
    levels : sequence of float, optional
        Nats per token of the contours, at most nine.
    level : float, optional
        The one whose uncertainty is drawn, by default that in the middle.
    limits : mapping of str to (float, float), optional
        Where an axis begins and ends, by symbol: ``{"N": ("1M", "1B")}``.
    discrepancy : bool
        False for the law's own formula.
    prob : float, optional
        Probability of the interval.
    figsize : (float, float), optional
        Size of a new figure in inches.
    ax : matplotlib.axes.Axes, optional
        Where to draw.
    line_kwargs, band_kwargs, point_kwargs : mapping, optional
        Passed on to `Axes.contour`, `Axes.contourf` and `Axes.scatter`.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on.

    Raises
    ------
    BayesqError
        If the law has no such input, or the median has no such level between the limits.
    """
    held = interval(prob)
    fit = joined(fit, base)
    response: Response = "loss" if base is not None else fit.response
    inputs = {i.symbol: i for i in fit.law.inputs_of(response)}
    first, second = _axes(fit, inputs, x, y, response)
    setting, middles = _setting(fit, inputs, {first, second}, at or {}, response)
    question = Setting(fit, setting, "plot_iso_loss", discrepancy).ask(response, (first, second))
    spans = [_span(fit, inputs[s], s, (limits or {}).get(s)) for s in (first, second)]
    for symbol in limits or {}:
        if symbol not in (first, second):
            raise BayesqError(f"limits are of {symbol}; {nearest(symbol, [first, second])}.")
    knots = {d: _along(inputs[s], span, _KNOTS) for d, s, span in _zipped(first, second, spans)}
    fine = {d: _along(inputs[s], span, _POINTS) for d, s, span in _zipped(first, second, spans)}
    symbols = dict(zip(_DIMS, (first, second), strict=True))

    def where(**numbers: Any) -> dict[str, Any]:
        return {
            symbols[d]: 10.0**v if inputs[symbols[d]].scale == "log" else v
            for d, v in numbers.items()
        }

    curve = question.curve(response, knots, where)
    draws = curve(**{d: xr.DataArray(v, dims=d) for d, v in fine.items()})
    flat = np.asarray(draws.stack(all=("chain", "draw")).transpose("y", "x", "all").values)
    middle = np.median(flat, axis=-1)
    lower, upper = held.ends(flat)
    chosen = _levels(middle, levels, level, response)
    one = level if level is not None else chosen[len(chosen) // 2]
    grid = where(**fine)
    across, up = np.asarray(grid[first]), np.asarray(grid[second])

    ax = new_axes(ax, figsize)
    for set_scale, symbol in ((ax.set_xscale, first), (ax.set_yscale, second)):
        set_scale("log" if inputs[symbol].scale == "log" else "linear")
    norm = (LogNorm if response == "degradation" and chosen[0] > 0 else Normalize)(
        chosen[0], max(chosen[-1], chosen[0] * (1 + 1e-6))
    )
    # Without its yellow, which cannot be seen on white.
    colours = ListedColormap(colormaps["viridis_r"](np.linspace(0.25, 1.0, 256)))
    # Where the interval of the loss holds the level: inside, the least of the two is above 0.
    whole, (low, high) = _finer(fine, lower, upper)
    inside = np.minimum(one - low, high - one)
    spots = where(**whole)
    band: dict[str, Any] = {"colors": [_BAND], "alpha": 0.35}
    if inside.max() > 0:
        ax.contourf(
            spots[first],
            spots[second],
            inside,
            levels=[0, np.inf],
            **(band | dict(band_kwargs or {})),
        )
    look: dict[str, Any] = {"linewidths": [1.8 if v == one else 0.9 for v in chosen]}
    look["colors"] = [_COLOUR if v == one else colours(norm(v)) for v in chosen]
    look["linestyles"] = ["solid" if v == one else "dashed" for v in chosen]
    lines = ax.contour(across, up, middle, levels=chosen, **(look | dict(line_kwargs or {})))
    small: dict[str, Any] = {"fontsize": max(6.5, font_size(ax) - 0.5), "colors": "black"}
    ax.clabel(lines, fmt=lambda v: f"{v:.3g}", inline_spacing=2, **small)
    rows, count = _rows(fit, question.inputs, first, second, response)
    dots: dict[str, Any] = {"c": rows["measured"], "cmap": colours, "norm": norm, "s": 18}
    dots |= {"edgecolors": "0.25", "linewidths": 0.5, "zorder": 3, "clip_on": True}
    if "color" in (point_kwargs or {}):
        dots = {k: v for k, v in dots.items() if k not in ("c", "cmap", "norm")}
    ax.scatter(rows["x"], rows["y"], **(dots | dict(point_kwargs or {})))
    ax.set_xlim(across[0], across[-1])
    ax.set_ylim(up[0], up[-1])
    for axis, ends, source in ((ax.xaxis, across, inputs[first]), (ax.yaxis, up, inputs[second])):
        mark(axis, ends[0], ends[-1], source.unit or "", log=source.scale == "log")
    ax.set_xlabel(name(inputs[first]))
    ax.set_ylabel(name(inputs[second]))
    said = [f"{s} {shown(inputs[s], float(f'{v:.3g}'))}" for s, v in middles.items()]
    handles: list[Any] = [
        Line2D([], [], color=_COLOUR, lw=1.8, label=f"{response} {one:.3g} nats/token"),
        Patch(color=_BAND, alpha=0.35, lw=0, label=held.name),
        Line2D([], [], color=colours(0.6), ls="--", lw=0.9, label="other levels"),
    ]
    if len(rows["x"]):
        mark_: dict[str, Any] = {
            "marker": "o",
            "ls": "",
            "ms": 4,
            "mfc": colours(0.6),
            "mec": "0.25",
        }
        handles.append(Line2D([], [], label="measured", **mark_))
    legend_above(ax, handles, 2 if is_narrow(ax) else 4)
    if said:
        ax.annotate(
            f"at {', '.join(said)}",
            (0.98, 0.02),
            xycoords="axes fraction",
            ha="right",
            fontsize=font_size(ax) - 0.5,
            bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1.0},
        )
    tidy(ax)
    words = _in_words(response, one, held, (first, second), inputs, (across, up), middle)
    outside = f" {count} measured rows are marked."
    tell(ax, words + (f" Held at {', '.join(said)}." if said else "") + outside)
    return ax


def _finer(
    fine: Mapping[str, np.ndarray], *fields: np.ndarray
) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
    """Take fields straight between their points, so that a narrow band is no row of beads."""
    whole = {d: np.linspace(v[0], v[-1], _BAND_POINTS) for d, v in fine.items()}
    of = [RectBivariateSpline(fine["y"], fine["x"], field, kx=1, ky=1) for field in fields]
    return whole, [spline(whole["y"], whole["x"]) for spline in of]


def _zipped(
    first: str, second: str, spans: list[tuple[float, float]]
) -> list[tuple[str, str, tuple[float, float]]]:
    return list(zip(_DIMS, (first, second), spans, strict=True))


def _axes(
    fit: Posterior, inputs: Mapping[str, Input], x: str | None, y: str | None, response: str
) -> tuple[str, str]:
    """Choose the inputs along the axes."""
    for symbol in (x, y):
        if symbol is not None and symbol not in inputs:
            raise BayesqError(
                f"The {response} of law {fit.law.name} has no input {symbol!r}; "
                f"{nearest(symbol, inputs)}."
            )
    bits = [i.symbol for i in of_role(list(inputs.values()), "bits", "post_bits")]
    usual = [*bits[:1], "N", "D"] if len(bits) == 1 else ["N", "D"]
    found = [s for s in dict.fromkeys([*usual, *inputs]) if s in inputs and s not in (x, y)]
    first = x if x is not None else (found.pop(0) if found else None)
    second = y if y is not None else (found.pop(0) if found else None)
    if first is None or second is None or first == second:
        raise BayesqError(
            f"Contours need two inputs, and the {response} of law {fit.law.name} depends on "
            f"{', '.join(inputs)}; choose x and y among these."
        )
    return first, second


def _setting(
    fit: Posterior,
    inputs: Mapping[str, Input],
    free: set[str],
    at: Mapping[str, Any],
    response: Response,
) -> tuple[dict[str, Any], dict[str, float]]:
    """Add the middle of the data for inputs that are left open; tell all that is held of these."""
    given = dict(at)
    middles = {}
    for symbol, source in inputs.items():
        names = {symbol, source.alias, *source.columns, *(source.accounts_for or ())}
        if symbol in free or names & set(given):
            continue
        low, high = fit.observed_range.get(symbol, (np.nan, np.nan))
        if np.isnan(low):
            raise BayesqError(
                f"The setting lacks {symbol}, and no rows tell its middle; give it, "
                f"at={{{symbol!r}: ...}}."
            )
        rows = fit.rows
        middle = float(np.sqrt(low * high)) if source.scale == "log" else (low + high) / 2
        if rows is not None and symbol in rows:  # a level that was measured, not one between
            values = rows[symbol].values.astype(float)
            middle = float(values[np.argsort(np.abs(values - np.median(values)))[0]])
        given[symbol] = middles[symbol] = middle
    for symbol, kinds in fit.levels.items():
        if symbol in fit.law.levels_of(response) and symbol not in given:
            columns = set(fit.law.levels_of(response)[symbol].columns)
            if not columns & set(given):
                raise BayesqError(
                    f"Say which {symbol} is meant, at={{{symbol!r}: {next(iter(kinds))!r}}}."
                )
    return given, middles


def _span(
    fit: Posterior, source: Input, symbol: str, wanted: tuple[Any, Any] | str | None
) -> tuple[float, float]:
    """Find where an axis begins and ends."""
    if wanted is not None:
        ends: Any = wanted.split(",") if isinstance(wanted, str) else wanted  # of a command line
        if np.ndim(ends) != 1 or len(ends) != 2:
            raise BayesqError(f"limits of {symbol} are {wanted!r}; write two numbers.")
        low, high = (number(f"limits of {symbol}", end) for end in ends)
        if low >= high:
            raise BayesqError(
                f"limits of {symbol} are {low:g} and {high:g}; write the lower one first."
            )
        return low, high
    low, high = fit.observed_range.get(symbol, (np.nan, np.nan))
    if not low < high:
        raise BayesqError(
            f"The rows do not tell a range of {symbol}; give one, "
            f"limits={{{symbol!r}: (lower, upper)}}."
        )
    if source.scale != "log":
        pad = _EDGE * (high - low)
        return low - pad, high + pad
    pad = _REACH * np.log10(high / low)
    return float(low / 10**pad), float(high * 10**pad)


def _along(source: Input, span: tuple[float, float], count: int) -> np.ndarray:
    low, high = (float(np.log10(end) if source.scale == "log" else end) for end in span)
    return np.linspace(low, high, count)


def _levels(
    middle: np.ndarray, levels: Sequence[float] | None, level: float | None, response: str
) -> list[float]:
    """Read the levels, or choose round ones between the ends of what is drawn."""
    low, high = float(np.nanmin(middle)), float(np.nanmax(middle))
    if levels is not None:
        found = {number("levels", v) for v in np.ravel(np.asarray(levels, dtype=object))}
        if len(found) > _MOST:
            raise BayesqError(f"levels has {len(found)} levels; give at most {_MOST}.")
    else:
        share = np.linspace(0, 1, _LEVELS + 2)[1:-1]
        logs = response == "degradation" and low > 0
        at = np.geomspace(low, high, _LEVELS + 2)[1:-1] if logs else np.quantile(middle, share)
        digits = -int(np.floor(np.log10(max(high - low, 1e-12)))) + 1
        found = {float(f"{v:.1g}") if logs else round(float(v), digits) for v in at}
    if level is not None:
        found |= {number("level", level)}
    inside = sorted(v for v in found if low < v < high)
    if level is not None and level not in inside:
        raise BayesqError(
            f"level is {level:g}, and the median {response} lies between {low:.3g} and {high:.3g} "
            "between these limits; choose one of those, or wider limits."
        )
    if not inside:
        raise BayesqError(
            f"No level lies between {low:.3g} and {high:.3g}, the median {response} between these "
            "limits; choose others, or wider limits."
        )
    return inside


def _rows(
    fit: Posterior, held: Mapping[str, float], first: str, second: str, response: str
) -> tuple[dict[str, np.ndarray], int]:
    """Take the measured rows at what is held."""
    rows = fit.rows
    if rows is None or not {first, second, response} <= set(rows):
        return dict.fromkeys(("x", "y", "measured"), np.empty(0)), 0
    same = np.ones(rows.sizes["row"], dtype=bool)
    for symbol, value in held.items():
        if symbol in rows:
            same &= np.isclose(rows[symbol].values.astype(float), value, rtol=0.02)
    named = {"x": first, "y": second, "measured": response}
    return {k: rows[s].values[same].astype(float) for k, s in named.items()}, int(same.sum())


def _in_words(
    response: str,
    level: float,
    held: Interval,
    symbols: tuple[str, str],
    inputs: Mapping[str, Input],
    ends: tuple[np.ndarray, np.ndarray],
    middle: np.ndarray,
) -> str:
    """Say where the contour of one level runs, at both ends and in the middle of the axis."""
    x, y = (inputs[s] for s in symbols)
    # Along the axis that the contour crosses more often it is told in more places.
    over_x = _crossings(middle, level, x, y, *ends)
    over_y = _crossings(middle.T, level, y, x, ends[1], ends[0])
    said = max(over_x, over_y, key=len)
    through = f" runs through {', '.join(said)}" if said else " lies at the edge of the axes"
    of = f"{response} {level:.3g} nats per token"
    return f"The contour of {of}{through}; its {held.name} is shaded."


def _crossings(
    middle: np.ndarray,
    level: float,
    along: Input,
    other: Input,
    at: np.ndarray,
    values: np.ndarray,
) -> list[str]:
    """Say where a contour crosses some of the columns."""
    log = other.scale == "log"
    places = np.log10(values) if log else values
    said = []
    for i in np.unique(np.linspace(0, len(at) - 1, 5).astype(int)):
        column = middle[:, i] - level
        cross = np.flatnonzero(np.diff(np.sign(column)) != 0)
        if not cross.size:
            continue
        j = int(cross[0])
        share = column[j] / (column[j] - column[j + 1])
        found = float(places[j] + share * (places[j + 1] - places[j]))
        found = float(f"{10.0**found if log else found:.3g}")
        there = shown(along, float(f"{at[i]:.3g}"))
        said.append(f"{along.symbol} {there} with {other.symbol} {shown(other, found)}")
    return said
