"""Loss over size at budgets of compute, and the sizes and tokens that are best at each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bayesq.decide.compute_optimal import at_budget
from bayesq.decide.decision import Decision
from bayesq.decide.optimum import cost_per_pair
from bayesq.decide.question import Question, Setting, needs, number
from bayesq.errors import BayesqError
from bayesq.intervals import Interval, interval
from bayesq.law.inputs import Input
from bayesq.notes import series
from bayesq.plot.alternative import tell
from bayesq.plot.canvas import PAGE, is_narrow, panels
from bayesq.plot.written import legend_above, mark, tidy, write
from bayesq.posterior.joined import joined
from bayesq.posterior.posterior import Posterior

_OVER = ("chain", "draw")
_BUDGETS, _MOST = 4, 6
_NEAR = 0.08  # decades of compute within which a row is shown with a budget
_KNOTS, _POINTS = 40, 80  # along N: where a misfit is drawn, and where a line is
_REACH = 0.5  # decades of N beyond the rows and the best sizes
_BEYOND = 0.5  # decades of compute beyond the data and the budgets, to which the path goes
_OVER_CURVES = 1.0  # heights of the curves that a band may reach above them
_MARKERS = "os^Dv<"
_LINES = ("-", "--", "-.", ":", (0, (7, 2)), (0, (3, 1, 1, 1)))
_N, _D = "#0072B2", "#D55E00"


def plot_isoflop(
    fit: Posterior,
    *,
    base: Posterior | None = None,
    compute: Sequence[float | str] | None = None,
    at: Mapping[str, Any] | None = None,
    discrepancy: bool = True,
    prob: float | None = None,
    figsize: tuple[float, float] | None = None,
    ax: Axes | None = None,
    line_kwargs: Mapping[str, Any] | None = None,
    band_kwargs: Mapping[str, Any] | None = None,
    point_kwargs: Mapping[str, Any] | None = None,
) -> np.ndarray:
    """Draw loss over size at budgets of compute, and the compute-optimal path.

    On the left the median of the mean of runs at each budget 6 N D, with its interval, rows that
    were measured within 20 % of it, and a cross with the interval of the best size. On the right
    the best size and the best tokens over compute, with their intervals, and where the data end.
    Both are as :func:`bayesq.decide.compute_optimal` has them.

    Parameters
    ----------
    fit : Posterior
        A fit of a base law, or of a quantization law at one format; or a paper's constants.
    base : Posterior, optional
        A fit of the base law, where `fit` is of a degradation alone.
    compute : sequence of float or str, optional
        Budgets in floating-point operations, at most six; by default four of those measured.
    at : mapping, optional
        The format, for a quantization law: ``{"w_bits": 4}``.
    discrepancy : bool
        False for the law's own formula.
    prob : float, optional
        Probability of the intervals.
    figsize : (float, float), optional
        Size of a new figure in inches.
    ax : matplotlib.axes.Axes, optional
        Axes whose place the two panels take.
    line_kwargs, band_kwargs, point_kwargs : mapping, optional
        Passed on to `Axes.plot`, `Axes.fill_between` and `Axes.scatter`.

    Returns
    -------
    ndarray of Axes, shape (2,)
        Loss over size, and the path.

    Raises
    ------
    BayesqError
        As :func:`bayesq.decide.compute_optimal`; or if there are more budgets than can be told
        apart.

    Examples
    --------
    >>> import bayesq
    >>> fit = bayesq.load_fit("fit.nc")  # doctest: +SKIP
    >>> axes = bayesq.plot.plot_isoflop(fit, compute=[1e15, 1e16])  # doctest: +SKIP
    """
    held = interval(prob)
    fit = joined(fit, base)
    needs(fit, "loss", "N", "D")
    given = dict(at or {})
    _check_format(fit, given)
    question = Setting(fit, given, "plot_isoflop", discrepancy).ask("loss", ("N", "D"))
    rows = _rows(fit, question)
    budgets = _budgets(rows, compute)
    ends = (min(budgets), max(budgets))
    if len(rows):
        ends = (min(ends[0], rows["compute"].min()), max(ends[1], rows["compute"].max()))
    path = sorted({*budgets, *ends, ends[1] * 10.0**_BEYOND})
    # How the best size grows is told of one budget, for it takes the longest.
    told = {c: _best(question, c, held, growth=c == budgets[-1]) for c in path}
    looks = {"line": line_kwargs or {}, "band": band_kwargs or {}, "point": point_kwargs or {}}
    left, right = panels(ax, 1, 2, figsize=figsize or (PAGE, 3.2), sharex=False, sharey=False)[0]
    _curves(left, question, rows, {c: told[c] for c in budgets}, held, looks)
    _path(right, {c: told[c] for c in path}, rows, looks)
    tell(left, _budgets_in_words({c: told[c] for c in budgets}, held))
    tell(right, _path_in_words({c: told[c] for c in path}, told[budgets[-1]]))
    return np.array([left, right], dtype=object)


def _check_format(fit: Posterior, given: Mapping[str, Any]) -> None:
    """Refuse a setting that leaves the format open, with one that was measured as an example."""
    fit.require("loss")
    lacking: dict[str, Any] = {}
    for source in fit.law.inputs_of("loss"):
        names = {source.symbol, source.alias, *source.columns, *(source.accounts_for or ())}
        if source.symbol not in ("N", "D", "quantized") and not names & set(given):
            lacking[source.symbol] = _measured(fit, source)
    for symbol, level in fit.law.levels_of("loss").items():
        if not {symbol, *level.columns} & set(given):
            lacking[symbol] = next(iter(fit.levels.get(symbol, ["..."])))
    if lacking:
        python = ", ".join(
            f"{s!r}: {v!r}" if isinstance(v, str) else f"{s!r}: {v:g}" for s, v in lacking.items()
        )
        words = ",".join(
            f"{s}={v}" if isinstance(v, str) else f"{s}={v:g}" for s, v in lacking.items()
        )
        raise BayesqError(
            f"The loss of law {fit.law.name} depends on {series(lacking)}; say at which to draw "
            f"it, at={{{python}}} (--at '{words}')."
        )


def _measured(fit: Posterior, source: Input) -> float:
    """Take a value of an input that was measured, in the middle."""
    rows = fit.rows
    found = np.empty(0) if rows is None or source.symbol not in rows else rows[source.symbol].values
    found = np.sort(found[np.isfinite(found)].astype(float))
    if found.size:
        return float(found[(found.size - 1) // 2])
    return float(1.0 if source.neutral is None else source.neutral)


def _best(question: Question, budget: float, held: Interval, *, growth: bool) -> pd.DataFrame:
    """Tabulate what compute_optimal answers at a budget, of which no more is drawn."""
    draws = at_budget(question, budget).answers(growth=growth)
    return Decision(draws, "The best.", ()).to_frame(held.prob)


def _rows(fit: Posterior, question: Question) -> pd.DataFrame:
    """List measured sizes, losses and compute of the format that is asked about."""
    rows = fit.rows
    if rows is None or not {"N", "D", "loss"} <= set(rows):
        return pd.DataFrame({"N": [], "D": [], "loss": [], "compute": []})
    same = np.ones(rows.sizes["row"], dtype=bool)
    for symbol, value in question.inputs.items():
        if symbol in rows:
            same &= np.isclose(rows[symbol].values.astype(float), value, rtol=0.01)
    found = pd.DataFrame({s: rows[s].values[same] for s in ("N", "D", "loss")})
    return found.assign(compute=cost_per_pair() * found["N"] * found["D"])


def _budgets(rows: pd.DataFrame, wanted: Sequence[float | str] | None) -> list[float]:
    """Read the budgets, or take those at which most was measured, evenly apart."""
    if wanted is not None:
        if isinstance(wanted, str) or not np.ndim(wanted) or not 0 < len(wanted) <= _MOST:
            raise BayesqError(
                f"compute is {wanted!r}; give a list of one to {_MOST} budgets in floating-point "
                'operations, such as ["1e20", "1e21"].'
            )
        return sorted(number("compute", c) for c in wanted)
    if not len(rows):
        raise BayesqError(
            "No measured rows tell which budgets are meant; give them, compute=[1e20, 1e21]."
        )
    spent = np.log10(rows["compute"].to_numpy())
    edges = np.linspace(spent.min(), spent.max() + 1e-9, _BUDGETS + 1)
    found = []
    for low, high in pairwise(edges):
        inside = spent[(spent >= low) & (spent <= high)]
        if inside.size:
            near = (np.abs(spent - inside[:, None]) <= _NEAR).sum(axis=1)
            found.append(float(10.0 ** inside[near.argmax()]))
    apart = [c for i, c in enumerate(found) if not i or c > found[i - 1] * 10 ** (2 * _NEAR)]
    return apart or found[:1]


def _curves(
    ax: Axes,
    question: Question,
    rows: pd.DataFrame,
    told: Mapping[float, pd.DataFrame],
    held: Interval,
    looks: Mapping[str, Mapping[str, Any]],
) -> None:
    """Draw loss over size at each budget."""
    best = np.array([t.loc["N", ["lower", "upper"]] for t in told.values()], dtype=float)
    near = {c: rows[np.abs(np.log10(rows["compute"] / c)) <= _NEAR] for c in told}
    known = np.concatenate([best[np.isfinite(best) & (best > 0)], *(r["N"] for r in near.values())])
    if not known.size:
        raise BayesqError("No budget has a best size, and no row was measured near one.")
    low, high = np.log10(known.min()) - _REACH, np.log10(known.max()) + _REACH
    log_n, log_c = np.linspace(low, high, _KNOTS), np.log10(list(told))

    def inputs(log_n: Any, log_c: Any) -> dict[str, Any]:
        return {"N": 10.0**log_n, "D": 10.0 ** (log_c - log_n) / cost_per_pair()}

    curve = question.curve("loss", {"log_n": log_n, "log_c": log_c}, inputs)
    colours = colormaps["viridis"](np.linspace(0, 0.8, len(told)))
    handles: list[Any] = []
    tops: list[float] = []
    ends: list[float] = []
    lows: list[float] = []
    for i, (budget, table) in enumerate(told.items()):
        # Each line from half a decade before its own rows and best size to half one after.
        own = [*near[budget]["N"], *table.loc["N", ["lower", "upper"]]]
        own = [v for v in own if np.isfinite(v) and v > 0]
        span = (min(own), max(own)) if own else (10**low, 10**high)
        start, stop = (float(np.log10(end)) for end in span)
        at = np.clip(np.linspace(start - _REACH, stop + _REACH, _POINTS), low, high)
        draws = _flat(curve(log_n=xr.DataArray(at, dims="at"), log_c=float(np.log10(budget))))
        middle = np.median(draws, axis=-1)
        lower, upper = held.ends(draws)
        look: dict[str, Any] = {"color": colours[i], "linestyle": _LINES[i], "linewidth": 1.3}
        ax.plot(10.0**at, middle, **(look | dict(looks["line"])))
        band: dict[str, Any] = {"color": colours[i], "alpha": 0.2, "linewidth": 0}
        ax.fill_between(10.0**at, lower, upper, **(band | dict(looks["band"])))
        dots: dict[str, Any] = {"color": colours[i], "marker": _MARKERS[i], "s": 16}
        dots |= {"edgecolor": "white", "linewidth": 0.4, "zorder": 3}
        ax.scatter(near[budget]["N"], near[budget]["loss"], **(dots | dict(looks["point"])))
        size, first, last = _numbers(table, "N")
        if np.isfinite(size) and size > 0:
            loss = float(np.interp(np.log10(size), at, middle))
            ax.plot([max(first, 10**low), min(last, 10**high)], [loss, loss], color="k", lw=1.0)
            ax.plot([size], [loss], "x", color="k", markersize=5, zorder=4)
        tops.append(float(np.max(middle)))
        ends.append(float(np.max(upper)))
        lows.append(float(min([lower.min(), *near[budget]["loss"]])))
        tops.append(max([0.0, *near[budget]["loss"]]))
        label = f"{budget:.2g} FLOP".replace("e+", "e")
        handles.append(Line2D([], [], marker=_MARKERS[i], ms=3.5, label=label, **look))
    ax.set_xscale("log")
    ax.set_xlim(10**low, 10**high)
    # The bands whole, but for one that would press the curves flat.
    height = max(tops) - min(lows)
    top = min(max(*tops, *ends), max(tops) + _OVER_CURVES * height)
    pad = 0.06 * (top - min(lows))
    ax.set_ylim(min(lows) - pad, top + pad)
    mark(ax.xaxis, *ax.get_xlim(), "parameters", log=True)
    mark(ax.yaxis, *ax.get_ylim(), "", log=False)
    ax.set_xlabel("$N$ (parameters)")
    ax.set_ylabel("loss (nats/token)")
    ax.grid(color="0.92", linewidth=0.5)
    legend_above(ax, handles, 1 if is_narrow(ax) else 2)
    tidy(ax)


def _path(
    ax: Axes,
    told: Mapping[float, pd.DataFrame],
    rows: pd.DataFrame,
    looks: Mapping[str, Mapping[str, Any]],
) -> None:
    """Draw the best size and the best tokens over compute."""
    spent = np.array(list(told))
    handles: list[Any] = []
    seen: list[float] = []
    for symbol, colour, style in (("N", _N, "-"), ("D", _D, "--")):
        lines = pd.DataFrame([t.loc[symbol] for t in told.values()])
        middle, lower, upper = (lines[c].to_numpy(float) for c in ("median", "lower", "upper"))
        look: dict[str, Any] = {"color": colour, "linestyle": style, "linewidth": 1.3}
        ax.plot(spent, middle, **(look | dict(looks["line"])))
        band: dict[str, Any] = {"color": colour, "alpha": 0.2, "linewidth": 0}
        ax.fill_between(spent, lower, upper, **(band | dict(looks["band"])))
        unit = "parameters" if symbol == "N" else "tokens"
        handles.append(Line2D([], [], label=f"best ${symbol}$ ({unit})", **look))
        both = np.concatenate([lower, upper])
        seen += [*both[np.isfinite(both) & (both > 0)]]
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(spent[0], spent[-1])
    if len(rows) and rows["compute"].max() < spent[-1]:
        edge = float(rows["compute"].max())
        ax.axvspan(edge, spent[-1], color="0.93", zorder=0, linewidth=0)
        handles.append(Patch(color="0.93", label="beyond the data"))
    if seen:
        ax.set_ylim(min(seen) / 1.3, max(seen) * 1.3)
        mark(ax.yaxis, *ax.get_ylim(), "tokens", log=True)
    mark(ax.xaxis, *ax.get_xlim(), "FLOP", log=True)
    ax.set_xlabel("compute (FLOP)")
    ax.set_ylabel("parameters, tokens")
    ax.grid(color="0.92", linewidth=0.5)
    legend_above(ax, handles, 1 if is_narrow(ax) else 2)
    tidy(ax)


def _flat(draws: xr.DataArray) -> np.ndarray:
    """Put all draws along the last axis."""
    return np.asarray(draws.stack(all=_OVER).transpose("at", "all").values)


def _numbers(table: pd.DataFrame, symbol: str) -> list[float]:
    """Take median and both ends of one answer."""
    line: Any = table.loc[symbol]
    return [float(line[c]) for c in ("median", "lower", "upper")]


def _ends(table: pd.DataFrame, symbol: str, unit: str) -> str:
    found = _numbers(table, symbol)
    if np.isnan(found[0]):
        return "none"
    middle, low, high = (write(value, unit) for value in found)
    return f"{middle} ({low} to {high})"


def _budgets_in_words(told: Mapping[float, pd.DataFrame], held: Interval) -> str:
    each = ", ".join(f"{_ends(t, 'N', 'parameters')} at {c:.2g} FLOP" for c, t in told.items())
    return f"Loss over size is least, by the median and {held.name}, at {each}."


def _path_in_words(told: Mapping[float, pd.DataFrame], last: pd.DataFrame) -> str:
    first, *_, end = told
    middle, low, high = _numbers(last, "a")
    grows = f"{middle:.2f} ({low:.2f} to {high:.2f})"
    return (
        f"From {first:.2g} to {end:.2g} FLOP the best size goes from "
        f"{_ends(told[first], 'N', 'parameters')} to {_ends(told[end], 'N', 'parameters')} "
        f"parameters and the best tokens from {_ends(told[first], 'D', 'tokens')} to "
        f"{_ends(told[end], 'D', 'tokens')}; at the largest budget of the curves the size grows "
        f"with compute to the power {grows}."
    )
