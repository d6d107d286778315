"""Decisions of a backtest: what was advised beside what was measured, and how often it held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bayesq.errors import BayesqError
from bayesq.intervals import Interval
from bayesq.plot.alternative import tell
from bayesq.plot.canvas import PAGE, is_narrow, panels
from bayesq.plot.written import legend_above, mark, percent, tidy
from bayesq.proving.decision_backtest import WHO, DecisionBacktest

_LOOKS = {"bayesq": ("#0072B2", "o", "bayesq"), "practice": ("#E69F00", "s", "today's practice")}
_STATED = 0.9  # what a backtest of decisions asks of every interval
_LARGE = 1000.0  # what is counted in parameters or tokens is larger, and bits are less
_APART = 0.01  # decades or shares by which the two stand beside each other
_TOLD = {"measured": "measured", "pinned": "clearly measured", "bound": "told as a bound"}
_SHORT = {"measured": "all", "pinned": "clear", "bound": "bound"}
_AGREES = "0.88"


def plot_reliability(
    backtest: DecisionBacktest,
    *,
    figsize: tuple[float, float] | None = None,
    ax: Axes | None = None,
    point_kwargs: Mapping[str, Any] | None = None,
    bar_kwargs: Mapping[str, Any] | None = None,
) -> np.ndarray:
    """Draw what was advised over what was measured, and how often stated intervals held.

    On the left each decision with a number as its answer: the median and its 90 % interval over
    the measured answer; an answer that is known as a bound only stands at its edge, with an arrow
    to where it lies. Advised bits are not rounded: what comes to the measured ones is shaded. On
    the right the share of intervals that hold the measured answer, or are
    consistent with the bound, with what so few decisions leave open about it (the 90 % interval of
    a share with a uniform prior), beside the 90 % that were stated.

    Parameters
    ----------
    backtest : DecisionBacktest
        Of decisions about one thing: tokens, sizes, bits or formats. Of formats the left panel is
        left out.
    figsize : (float, float), optional
        Size of a new figure in inches.
    ax : matplotlib.axes.Axes, optional
        Axes whose place the panels take.
    point_kwargs, bar_kwargs : mapping, optional
        Passed on to `Axes.errorbar` on the left, and `Axes.errorbar` on the right.

    Returns
    -------
    ndarray of Axes, shape (2,) or (1,)
        Advised over measured, and shares that held.

    Raises
    ------
    BayesqError
        If it is no backtest of decisions, or its decisions are about several things.
    """
    if not isinstance(backtest, DecisionBacktest):
        raise BayesqError(
            f"plot_reliability draws a DecisionBacktest, not a {type(backtest).__name__}; make one "
            "with bayesq.backtest_decision, or read one with bayesq.load_decision_backtest."
        )
    who = [name for name, prefix in WHO.items() if f"{prefix}in_90" in backtest.rows]
    numbers = _numbers(backtest.rows, who)
    if ax is None and figsize is None:
        figsize = (PAGE, 3.4)
    axes = [
        *panels(ax, 1, 2 if len(numbers) else 1, figsize=figsize, sharex=False, sharey=False)[0]
    ]
    if len(numbers):
        tell(axes[0], _scatter(axes[0], numbers, who, point_kwargs or {}))
    tell(axes[-1], _shares(axes[-1], backtest, who, bar_kwargs or {}))
    return np.array(axes, dtype=object)


def _numbers(rows: pd.DataFrame, who: list[str]) -> pd.DataFrame:
    """Take the decisions with a number as their answer, which are all or none."""
    measured = pd.to_numeric(rows["measured"], errors="coerce")
    if measured.isna().all():
        return rows.iloc[:0]
    large = measured > _LARGE
    if measured.isna().any() or large.nunique() > 1:
        raise BayesqError(
            "The decisions are about several things, such as tokens and bits, which share no axis; "
            "draw those of one, DecisionBacktest(title, rows[rows[...] == ...], ())."
        )
    columns = {"measured": measured, "edge": pd.to_numeric(rows["edge"], errors="coerce")}
    for name in who:
        for end in ("median", "lower", "upper"):
            column = f"{WHO[name]}{end}"
            columns[column] = pd.to_numeric(rows[column], errors="coerce")
    return rows.assign(**columns)


def _scatter(ax: Axes, rows: pd.DataFrame, who: list[str], point_kwargs: Mapping[str, Any]) -> str:
    """Draw advised over measured."""
    log = bool((rows["measured"] > _LARGE).all())
    bound = (rows["bound"] != "").to_numpy()
    # A bound stands where the answer lies beyond as far as the rows can tell.
    x = rows["measured"].where(~bound, rows["edge"].fillna(rows["measured"])).to_numpy(float)
    ends = _limits(rows, x, who, log)
    if log:
        ax.set_xscale("log")
        ax.set_yscale("log")
    along = _limits(pd.DataFrame(), x, [], log)
    handles: list[Any] = []
    if log:
        line = [min(along[0], ends[0]), max(along[1], ends[1])]
        ax.plot(line, line, color="0.6", linewidth=0.8, zorder=0)
    else:
        handles += _steps(ax, x[~bound], "level" in rows and bool(rows["level"].notna().any()))
    for k, name in enumerate(who):
        prefix = WHO[name]
        colour, marker, label = _LOOKS[name]
        middle, low, high = (
            rows[f"{prefix}{end}"].to_numpy(float) for end in ("median", "lower", "upper")
        )
        shift = (k - (len(who) - 1) / 2) * 2
        at = _moved(x, shift, along, log) if log else x + _beside(x) + 0.04 * shift
        inside = np.clip(middle, *ends)
        # What lies beyond the axes ends at them.
        spread = [np.clip(inside - np.clip(low, *ends), 0, None)]
        spread += [np.clip(np.clip(high, *ends) - inside, 0, None)]
        known = ~np.isnan(middle)
        for some, hollow in ((~bound & known, False), (bound & known, True)):
            if not some.any():
                continue
            look: dict[str, Any] = {"fmt": marker, "color": colour, "ms": 3.5, "elinewidth": 0.9}
            look["mfc"] = "white" if hollow else colour
            ax.errorbar(
                at[some],
                inside[some],
                yerr=np.nan_to_num(np.array(spread)[:, some]),
                **(look | dict(point_kwargs)),
            )
        handles.append(Line2D([], [], color=colour, marker=marker, ms=3.5, label=label))
    for one, where in zip(np.flatnonzero(bound), x[bound], strict=True):
        more = rows["bound"].iloc[one] == "more"
        ax.annotate(
            "",
            (_moved(np.array([where]), 6 if more else -6, along, log)[0], ends[0]),
            (where, ends[0]),
            arrowprops={"arrowstyle": "->", "color": "0.3", "lw": 0.8},
            annotation_clip=False,
        )
    if bound.any():
        spot: dict[str, Any] = {"marker": "o", "mfc": "white", "ls": "", "ms": 3.5}
        handles.append(Line2D([], [], label="known as a bound", color="0.3", **spot))
    ax.set_xlim(*along)
    ax.set_ylim(*ends)
    for axis, (first, last) in ((ax.xaxis, along), (ax.yaxis, ends)):
        most = 3 if is_narrow(ax) else 4
        mark(axis, first, last, "tokens" if log else "bits", log=log, most=most)
    unit = _unit(rows) if log else " (bits)"
    ax.set_xlabel(f"measured answer{unit}")
    join = "\n" if is_narrow(ax) else ", "
    told = "90 % interval" if log else "not rounded"
    ax.set_ylabel(f"advised{unit}{join}{told}")
    ax.grid(color="0.92", linewidth=0.5)
    legend_above(ax, handles, 1 if is_narrow(ax) else 2)
    tidy(ax)
    return _scatter_in_words(rows, who, bound, log)


def _unit(rows: pd.DataFrame) -> str:
    """Name the unit of large answers, which is that of what was not held."""
    held = {s for s in ("N", "D") if s in rows and rows[s].notna().any()}
    if len(held) == 1:
        return " (tokens)" if "N" in held else " (parameters)"
    budget = any(c in rows and rows[c].notna().any() for c in ("memory", "compute"))
    return " (parameters)" if budget and not held else ""


def _steps(ax: Axes, x: np.ndarray, up: bool) -> list[Patch]:
    """Shade where an answer between whole bits comes to the measured ones."""
    for bits in np.unique(x):
        high = bits if up else bits + 1
        ax.fill_between([bits - 0.45, bits + 0.45], bits - 1, high, color=_AGREES, zorder=0, lw=0)
    return [Patch(color=_AGREES, label="comes to these bits")] if len(x) else []


def _beside(x: np.ndarray) -> np.ndarray:
    """Spread decisions of the same bits over their step."""
    found = np.zeros(len(x))
    for value in np.unique(x):
        same = np.flatnonzero(x == value)
        found[same] = np.linspace(-0.32, 0.32, len(same)) if len(same) > 1 else 0.0
    return found


def _limits(rows: pd.DataFrame, x: np.ndarray, who: list[str], log: bool) -> tuple[float, float]:
    """Find ends that hold what was measured and the medians, and most of the intervals."""
    medians = [rows[f"{WHO[name]}median"].to_numpy(float) for name in who]
    lowers = [rows[f"{WHO[name]}lower"].to_numpy(float) for name in who]
    uppers = [rows[f"{WHO[name]}upper"].to_numpy(float) for name in who]
    found = np.concatenate([x, *medians, *lowers, *uppers])
    found = found[np.isfinite(found) & ((found > 0) | (not log))]
    core = np.concatenate([x, *medians])
    core = core[np.isfinite(core) & ((core > 0) | (not log))]
    if not log:
        return float(found.min() - 0.6), float(found.max() + 0.6)
    # Intervals without end must not press the rest into a corner.
    low, high = max(found.min(), core.min() / 10), min(found.max(), core.max() * 10)
    return float(low / 1.3), float(high * 1.3)


def _moved(x: np.ndarray, steps: float, ends: tuple[float, float], log: bool) -> np.ndarray:
    """Move places along an axis by steps of about a hundredth of its width."""
    low, high = np.log10(ends) if log else np.asarray(ends)
    moved = (np.log10(x) if log else x) + steps * _APART * (high - low)
    return np.asarray(10.0**moved if log else moved)


def _scatter_in_words(rows: pd.DataFrame, who: list[str], bound: np.ndarray, log: bool) -> str:
    told = rows[~bound]
    said = []
    for name in who if len(told) else ():
        if not log:
            off = told[f"{WHO[name]}median"] - told["measured"]
            said.append(
                f"the median of {_LOOKS[name][2]} lies {off.median():+.2g} bits from the measured "
                f"whole ones in the middle, {off.min():+.2g} to {off.max():+.2g} over all"
            )
            continue
        ratio = (told[f"{WHO[name]}median"] / told["measured"]).replace([np.inf, -np.inf], np.nan)
        low, middle, high = ratio.min(), ratio.median(), ratio.max()
        said.append(
            f"the median of {_LOOKS[name][2]} is {middle:.2g} times the measured answer in the "
            f"middle, {low:.2g} to {high:.2g} times over all"
        )
    text = f"Of {len(rows)} decisions {int(bound.sum())} are known as a bound only"
    return f"{text}; {'; '.join(said)}." if said else f"{text}."


def _shares(
    ax: Axes, backtest: DecisionBacktest, who: list[str], bar_kwargs: Mapping[str, Any]
) -> str:
    """Draw the share of intervals that held, beside what was stated."""
    from scipy.stats import beta

    table: Any = backtest.to_frame()
    kinds = [t for t in _TOLD if t in table.index.get_level_values("told")]
    said, handles = [], []
    stated = Interval(_STATED)
    for k, name in enumerate(who):
        colour, marker, label = _LOOKS[name]
        share = np.array([table.loc[(t, name), "cover_90"] for t in kinds], dtype=float)
        count = np.array([table.loc[(t, name), "decisions"] for t in kinds], dtype=float)
        held = np.round(share * count)
        tail = (1 - stated.prob) / 2
        low = beta.ppf(tail, held + 1, count - held + 1)
        high = beta.ppf(1 - tail, held + 1, count - held + 1)
        at = np.arange(len(kinds)) + (k - (len(who) - 1) / 2) * 0.25
        look: dict[str, Any] = {"fmt": marker, "color": colour, "ms": 4.5, "elinewidth": 1.2}
        spread = [np.clip(share - low, 0, None), np.clip(high - share, 0, None)]
        ax.errorbar(at, share, yerr=spread, **(look | dict(bar_kwargs)))
        handles.append(Line2D([], [], color=colour, marker=marker, ms=4, ls="", label=label))
        said += [
            f"{_LOOKS[name][2]} {percent(s)} of {n:.0f} {_TOLD[t]}"
            for s, n, t in zip(share, count, kinds, strict=True)
        ]
    ax.axhline(_STATED, color="k", linestyle="--", linewidth=0.9, zorder=0)
    handles.append(Line2D([], [], color="k", ls="--", lw=0.9, label="stated, 90 %"))
    counts = [int(table.loc[(t, who[0]), "decisions"]) for t in kinds]
    words = [f"{_SHORT[t]}\n({n})" for t, n in zip(kinds, counts, strict=True)]
    ax.set_xticks(range(len(kinds)), words)
    ax.set_xlabel("measured answers")
    ax.set_xlim(-0.45, len(kinds) - 0.55)
    ax.set_ylim(0, 1.05)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    ax.set_ylabel("share that held")
    ax.grid(axis="y", color="0.92", linewidth=0.5)
    legend_above(ax, handles, 1 if is_narrow(ax) else 2)
    tidy(ax)
    return f"Intervals stated with 90 % held in: {'; '.join(said)}."
