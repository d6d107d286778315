"""What stands beside the density of an answer: choices, and measured rows near the question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from bayesq.decide.decision import Decision
from bayesq.intervals import Interval
from bayesq.plot.canvas import font_size, is_narrow
from bayesq.plot.symbols import mathtext
from bayesq.plot.written import legend_above, mark, percent, ticks_at_most, tidy
from bayesq.runs.counts import format_count

_MOST, _FEW = 8, 5  # choices that there is place for
_HARDLY = 0.05  # probability below which a choice is hardly ever enough, and as far from 1
_BARS, _MEASURED, _LEVEL = "#56B4E9", "#D55E00", "#000000"
_MEANS = {
    "probability_keeps": "probability of being enough",
    "probability_best": "probability of being best",
    "probability_at_least": "probability of this speedup",
    "expected_regret": "expected regret (nats/token)",
    "expected_regret_percent": "expected regret (%)",
}
_OF_CURVE = ("measured", "median", "lower", "upper", "distance", "compute")
_HERE = 0.01  # distance of rows at the very setting, as decide.evidence has it


def choices_of(decision: Decision) -> tuple[str, pd.Series] | None:
    """Take what choices bring, the first that is told of: a probability, or the regret.

    Returns
    -------
    tuple of (str, Series) or None
        The column, and its values by what the choices are called.
    """
    if decision.choices is None:
        return None
    table: Any = decision.choices
    if decision.laws:
        laws = table.index.get_level_values("law")
        table = table.xs("average", level="law") if "average" in laws else table.iloc[:0]
    columns = [c for c in _MEANS if c in table]
    if not len(table) or not columns:
        return None
    name = columns[0]
    values = table[name].dropna()
    first = str(table.columns[0])
    named = first not in _MEANS and table.index.name == "choice"
    each = table[first].to_dict() if named else {}
    labels = [_label(label, each.get(label)) for label in values.index]
    return name, pd.Series(values.to_numpy(float), index=labels)


def _label(label: Any, value: Any) -> str:
    """Name a choice, with its value where the name does not say it."""
    text = f"{label:g}" if isinstance(label, float) else str(label)
    if value is None or text.replace(".", "").isdigit() or not isinstance(value, int | float):
        return text
    return f"{text} {format_count(value)}"


def has_choices(decision: Decision) -> bool:
    """Tell whether a decision has choices to draw."""
    found = choices_of(decision)
    return found is not None and len(found[1]) > 0


def has_evidence(decision: Decision) -> bool:
    """Tell whether a decision has measured rows to draw."""
    return decision.evidence is not None and len(decision.evidence) > 0


def draw_choices(ax: Axes, decision: Decision, bar_kwargs: Mapping[str, Any] | None) -> str:
    """Draw what choices bring as bars, and say it."""
    found = choices_of(decision)
    assert found is not None
    name, values = found
    shown = _worth(values, name, _FEW if is_narrow(ax) else _MOST)
    more = len(values) - len(shown)
    size = font_size(ax)
    at = -np.arange(len(shown), dtype=float)
    ax.barh(at, shown, **{"height": 0.7, "color": _BARS, **(bar_kwargs or {})})
    is_share = name.startswith("probability")
    written = [percent(v) if is_share else f"{v:.3g}" for v in shown]
    top = 1.0 if is_share else max(float(np.nanmax(shown[np.isfinite(shown)], initial=0.0)), 1e-9)
    for y, value, text in zip(at, shown, written, strict=True):
        place = min(value if np.isfinite(value) else top, top)
        ax.annotate(
            text, (place, y), (2, 0), textcoords="offset points", va="center", fontsize=size
        )
    ax.set_xlim(0, top * 1.3)
    narrow = is_narrow(ax)
    ax.set_yticks(
        at,
        [label.replace(" ", "\n") if narrow and len(shown) < 4 else label for label in shown.index],
    )
    ax.set_ylim(at[-1] - 0.6, 0.6)
    if is_share:
        ax.set_xticks([0, 0.5, 1.0], ["0", "50 %", "100 %"])
    else:
        mark(ax.xaxis, 0, top, "", log=False, most=3)
    if is_share and narrow:
        ax.set_xticks([0, 1.0], ["0", "100 %"])
    ax.set_xlabel(_wrapped(ax, _MEANS[name], "being", "this", "regret"))
    if more > 0:
        what = "widths" if "bits" in decision.units.values() else "choices"
        ax.set_title(f"{len(shown)} of {len(values)} {what}", loc="left", fontsize=size)
    tidy(ax)
    listed = ", ".join(f"{label}: {text}" for label, text in zip(shown.index, written, strict=True))
    words = _MEANS[name].removesuffix(" (nats/token)").removesuffix(" (%)")
    return f"{words.capitalize()} of choices: {listed}."


def _worth(values: pd.Series, name: str, most: int) -> pd.Series:
    """Take no more choices than there is place for.

    The first of them; of widths in order, which are enough with some probability, those from where
    they hardly ever are to where they nearly always are, and choices that have names.
    """
    if name != "probability_keeps" or len(values) <= most:
        return values[:most]
    named = np.array([" " in label for label in values.index])
    numbers = np.flatnonzero(~named)
    chance = values.to_numpy()[numbers]
    open_ = np.flatnonzero((chance >= _HARDLY) & (chance <= 1 - _HARDLY))
    if not open_.size:  # from the last that fails to the first that is enough
        open_ = np.array([int(np.argmax(chance > 0.5))])
    first, last = max(open_[0] - 1, 0), min(open_[-1] + 1, len(numbers) - 1)
    room = max(most - int(named.sum()), 2)
    among = numbers[np.unique(np.linspace(first, last, min(room, last - first + 1)).astype(int))]
    return values.iloc[np.sort([*among, *np.flatnonzero(named)])]


def _wrapped(ax: Axes, text: str, *before: str) -> str:
    """Break a label of narrow axes before one of these words."""
    for word in before if is_narrow(ax) else ():
        text = text.replace(f" {word}", f"\n{word}")
    return text


def draw_evidence(
    ax: Axes, decision: Decision, held: Interval, point_kwargs: Mapping[str, Any] | None
) -> str:
    """Draw measured rows and what the curve says there, and say how many lie outside it."""
    table: Any = decision.evidence
    if decision.laws:  # the rows are the same: what single laws say of them is in their own
        table = table.xs(table.index.get_level_values("law")[0], level="law")
    response = _response(decision)
    free = _free(decision, table)
    x = table[free].to_numpy(float) if free else table["median"].to_numpy(float)
    here = (table["distance"] <= _HERE).to_numpy()
    measured = table["measured"].to_numpy(float)
    lower, middle, upper = (table[c].to_numpy(float) for c in ("lower", "median", "upper"))
    look: dict[str, Any] = {"color": "0.45", "elinewidth": 1.2, "capsize": 2.5}
    spread = [np.maximum(middle - lower, 0), np.maximum(upper - middle, 0)]
    ax.errorbar(x, middle, yerr=spread, fmt="_", markersize=5, **look)
    dots: dict[str, Any] = {"marker": "o", "s": 20, "edgecolors": _MEASURED, "zorder": 3}
    dots["facecolors"] = [_MEASURED if at else "none" for at in here]
    ax.scatter(x, measured, **(dots | dict(point_kwargs or {})))
    values = np.concatenate([measured, lower, upper])
    if decision.level is not None:
        ax.axhline(decision.level, color=_LEVEL, linewidth=1.0, linestyle="--")
        values = np.append(values, decision.level)
    if not free:
        ends = [x.min(), x.max()]
        ax.plot(ends, ends, color="0.8", linewidth=0.8, zorder=0)
    most = 2 if is_narrow(ax) else ticks_at_most(ax, 0.5)
    counted = free in ("N", "D") or (bool((x > 0).all()) and x.max() > 20 * x.min() > 0)
    _scale(ax, x, counted, "tokens" if free in ("N", "D") else "", along="x", most=most)
    steep = response == "degradation" and bool((values > 0).all())
    _scale(ax, values, steep, "", along="y", most=most)
    units = {"N": "$N$ (parameters)", "D": "$D$ (tokens)"}
    (unit, *others) = decision.units.values()
    if free and not others and unit in ("bits", "elements"):
        units[free] = f"{mathtext(free)} ({unit})"
    ax.set_xlabel(units.get(free, mathtext(free)) if free else f"{response} of the curve")
    ax.set_ylabel(_wrapped(ax, f"{response} (nats/token)", "("))
    handles = [Line2D([], [], ls="", marker="o", ms=4, color=_MEASURED, label="measured")]
    open_: dict[str, Any] = {"ls": "", "marker": "o", "ms": 4, "mfc": "none", "color": _MEASURED}
    nearby = Line2D([], [], label="nearby", **open_)
    handles = handles * bool(here.any()) + [nearby] * bool((~here).any())
    handles.append(Line2D([], [], color="0.45", marker="_", ls="", label="curve"))
    if decision.level is not None:
        label = f"level {decision.level:.3g}"
        handles.append(Line2D([], [], color=_LEVEL, ls="--", label=label))
    legend_above(ax, handles, side="right")
    tidy(ax)
    outside = int(((measured < lower) | (measured > upper)).sum())
    text = (
        f"{len(table)} measured rows near the question, {int(here.sum())} at its very setting: "
        f"{response} {measured.min():.3g} to {measured.max():.3g} nats per token; {outside} "
        f"{'lies' if outside == 1 else 'lie'} outside what the curve says of the mean of runs there"
    )
    if decision.level is None:
        return f"{text}."
    under = int((measured <= decision.level).sum())
    verb = "is" if under == 1 else "are"
    return f"{text}, and {under} {verb} at or below the level of {decision.level:.3g}."


def _scale(ax: Axes, values: np.ndarray, log: bool, unit: str, *, along: str, most: int) -> None:
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    log = log and low > 0
    ends = np.log10([low, high]) if log else np.array([low, high])
    pad = 0.07 * (ends[1] - ends[0]) or 0.05 * max(abs(ends[0]), 1.0)
    ends = ends + np.array([-pad, pad])
    ends = 10.0**ends if log else ends
    if log:
        (ax.set_xscale if along == "x" else ax.set_yscale)("log")
    first, last = float(ends[0]), float(ends[1])
    (ax.set_xlim if along == "x" else ax.set_ylim)(first, last)
    mark(ax.xaxis if along == "x" else ax.yaxis, first, last, unit, log=log, most=most)


def _response(decision: Decision) -> str:
    return decision.response or "loss"


def _free(decision: Decision, table: pd.DataFrame) -> str | None:
    """Find the input that the answer is along: of formats of several there is none."""
    told = decision.draws
    names = [str(told.name)] if isinstance(told, xr.DataArray) else [str(n) for n in told.data_vars]
    names += [str(d) for d in told.dims]
    inputs = [
        str(c)
        for c in table
        if c not in _OF_CURVE and pd.api.types.is_numeric_dtype(table[c].dtype)
    ]
    for name in names:
        if name in inputs and table[name].nunique() > 1:
            return name
    near = table[table["distance"] <= table["distance"].min() + _HERE]
    moving = [c for c in inputs if near[c].nunique() > 1]
    return moving[0] if len(moving) == 1 else None
