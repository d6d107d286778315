"""Number formats in order of their loss, with the probability that each is the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes

from bayesq.decide.decision import Decision
from bayesq.decide.optimal_format import optimal_format
from bayesq.decide.optimum import digits_of
from bayesq.errors import BayesqError
from bayesq.plot.alternative import tell
from bayesq.plot.canvas import PAGE, figure_of, font_size, is_narrow, panels
from bayesq.plot.symbols import plain, short
from bayesq.plot.written import mark, percent, tidy
from bayesq.posterior.posterior import Posterior
from bayesq.runs.counts import format_count

_COLOUR, _NEAR, _BARS = "#0072B2", "#009E73", "#56B4E9"
_ROW, _ROOM = 0.2, 1.1  # inches of a format, and of what is not one
_MOST, _LEAST = 30, 8  # formats at most, in a page and in a low figure
_LINE, _SMALL = 1.15, 6.5  # of the height of its letters, a line; and of letters, the least size
_HEAD, _TITLE = 0.58, 0.11  # inches of a low figure below its formats, and of a line above
_LONGEST = 34  # letters of a name; of a narrow figure less


def plot_formats(
    result: Decision | Posterior,
    *,
    question: Mapping[str, Any] | None = None,
    what: str = "loss",
    prob: float | None = None,
    figsize: tuple[float, float] | None = None,
    ax: Axes | None = None,
    point_kwargs: Mapping[str, Any] | None = None,
    bar_kwargs: Mapping[str, Any] | None = None,
) -> np.ndarray:
    """Draw formats in order of their median loss, and how probably each is best.

    Parameters
    ----------
    result : Decision or Posterior
        What :func:`bayesq.decide.optimal_format` answered, also of an average; or a fit, which is
        asked it.
    question : mapping, optional
        With a fit, what it is asked: ``{"N": "7B", "D": "1T", "formats": ["E2M1", "E3M0"]}``. By
        default the formats that were measured, at the measured N, D and group in the middle.
    what : {"loss", "regret"}
        Whether to draw the loss, or nats above the best of the same draw: formats that share much
        of their uncertainty are told apart by the latter.
    prob : float, optional
        Probability of the intervals.
    figsize : (float, float), optional
        Size of a new figure in inches.
    ax : matplotlib.axes.Axes, optional
        Axes whose place the two panels take.
    point_kwargs, bar_kwargs : mapping, optional
        Passed on to `Axes.errorbar` of losses and `Axes.barh` of probabilities.

    Returns
    -------
    ndarray of Axes, shape (2,)
        The losses, and the probabilities of being best.

    Raises
    ------
    BayesqError
        If the decision is not about formats, or as :func:`bayesq.decide.optimal_format`.
    """
    where = ""
    if what not in ("loss", "regret"):
        raise BayesqError(f"what is {what!r}; it must be 'loss' or 'regret'.")
    if isinstance(result, Decision):
        if question is not None:
            raise BayesqError("The decision has its question already; leave question= out.")
        decision = result
    else:
        asked = _question(result, question or {})
        decision = optimal_format(result, **asked)
        said = [f"{k} {_told(v)}" for k, v in asked.items() if np.isscalar(v)]
        where = f"at {', '.join(said)}"
    held = decision.interval if prob is None else replace(decision.interval, prob=prob)
    every = _table(decision, what, held.prob)
    table = every[: _rows_in(figsize, bool(where) + bool(every["near"].any()))]
    size = figsize or (PAGE, _ROOM + _ROW * len(table))
    left, right = panels(ax, 1, 2, figsize=size, sharex=False, sharey=True)[0]
    left.get_subplotspec().get_gridspec().set_width_ratios([2, 1])
    letters = font_size(left)
    if ax is None:  # as many names as there are must fit above each other
        letters = float(
            np.clip(72 * (size[1] - _HEAD - _TITLE) / len(table) / _LINE, _SMALL, letters)
        )
    at = -np.arange(len(table), dtype=float)
    near = table["near"].to_numpy(bool)
    for among, colour, marker in ((near, _NEAR, "D"), (~near, _COLOUR, "o")):
        if not among.any():
            continue
        chosen = table[among]
        spread = [chosen["median"] - chosen["lower"], chosen["upper"] - chosen["median"]]
        look: dict[str, Any] = {"fmt": marker, "ms": 3.5, "color": colour, "elinewidth": 1.2}
        left.errorbar(
            chosen["median"],
            at[among],
            xerr=np.maximum(np.array(spread, dtype=float), 0),
            **(look | dict(point_kwargs or {})),
        )
    chance = table["probability_best"].to_numpy(float)
    right.barh(at, chance, **{"height": 0.7, "color": _BARS, **(bar_kwargs or {})})
    for y, value in zip(at, chance, strict=True):
        right.annotate(
            percent(value),
            (value, y),
            (2, 0),
            textcoords="offset points",
            va="center",
            fontsize=letters,
        )
    low, high = float(table["lower"].min()), float(table["upper"].max())
    pad = 0.05 * (high - low) or 0.01
    left.set_xlim(low - pad, high + pad)
    mark(left.xaxis, low - pad, high + pad, "", log=False, most=3 if is_narrow(left) else 5)
    right.set_xlim(0, 1.35)
    right.set_xticks([0, 1], ["0", "100 %"])
    longest = int(figure_of(left).get_figwidth() * 7) if is_narrow(left) else _LONGEST
    left.set_yticks(at, [plain(short(str(label), longest)) for label in table.index])
    left.set_ylim(at[-1] - 0.7, 0.7)
    left.grid(axis="y", color="0.92", linewidth=0.5)
    unit = "nats/token" if what == "loss" else "nats/token above the best"
    left.set_xlabel(f"{what} ({unit})" if what == "loss" else unit)
    # Flush with the axes, beyond which there is nothing where names take the width.
    right.set_xlabel("probability\nof being best", loc="right")
    for panel in (left, right):
        tidy(panel)
    left.tick_params(axis="y", labelsize=letters)
    right.tick_params(axis="y", left=False, labelleft=False)
    marked = "green diamonds: near the best" if near.any() else ""
    more = f"the best {len(table)} of {len(every)}" if len(table) < len(every) else ""
    title = "\n".join(filter(None, [where, marked, more]))
    left.set_title(title, loc="left", fontsize=font_size(left))
    words = _in_words(every, what, held.name)
    if more:
        words += f" Drawn are {more}."
    tell(left, f"{where[0].upper()}{where[1:]}: {words}" if where else words)
    best = table["probability_best"].idxmax()
    words = f"{best} is the best format with a probability of {percent(float(chance.max()))}"
    tell(right, f"{words}, among {len(every)}.")
    return np.array([left, right], dtype=object)


def _rows_in(figsize: tuple[float, float] | None, titles: int) -> int:
    """Tell how many formats there is room for, named in letters that can be read."""
    if figsize is None:
        return _MOST
    left = figsize[1] - _HEAD - _TITLE * (1 + titles)
    return int(np.clip(72 * left / (_SMALL * _LINE), _LEAST, _MOST))


def _table(decision: Decision, what: str, prob: float) -> pd.DataFrame:
    """List formats in order: the draws as the decision's table has them, and what choices say."""
    draws = decision.draws
    options = decision.choices
    if not isinstance(draws, xr.Dataset) or not {"loss", "regret"} <= set(draws) or options is None:
        raise BayesqError(
            "The decision is not about formats; ask bayesq.decide.optimal_format for one."
        )
    (dim,) = set(draws[what].dims) - {"chain", "draw"}
    frame = replace(decision, draws=draws[what], laws={}).to_frame(prob)
    names = [str(name) for name in draws[dim].values]
    frame = frame.set_axis(names)
    told: Any = options
    if decision.laws:
        told = options.xs("average", level="law")
    chance = told["probability_best"].rename(str)
    near = () if decision.near_optimal is None else [str(n) for n in decision.near_optimal.index]
    frame = frame.assign(probability_best=chance.reindex(names), near=frame.index.isin(near))
    order = np.lexsort([-frame["probability_best"], frame["median"]])
    return frame.iloc[order].dropna(subset=["median"])


def _question(fit: Posterior, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in what is not said with what was measured."""
    if not digits_of(fit.law) and not fit.law.levels_of("loss"):
        raise BayesqError(
            f"Law {fit.law.name} tells no number formats apart, so there are none to put in order; "
            "fit one that does, such as sun2025 or frantar2025."
        )
    given = dict(asked)
    if isinstance(given.get("formats"), str):  # of a command line
        given["formats"] = [part.strip() for part in given["formats"].split(",")]
    rows = fit.rows
    digits = digits_of(fit.law)
    if rows is None:
        return given
    values = {str(s): rows[s].values.astype(float) for s in rows if rows[s].dtype.kind in "if"}
    quantized = values.get("quantized", np.ones(rows.sizes["row"])) == 1.0
    for i in fit.law.inputs_of("loss"):
        names = {i.symbol, i.alias, *i.columns, *(i.accounts_for or ())}
        if i.symbol not in values or i.symbol in digits or names & set(given):
            continue
        of = np.sort(values[i.symbol][quantized])
        given[i.symbol] = float(of[(len(of) - 1) // 2])  # one that was measured
    if "bits" in given or "formats" in given:
        return given
    if digits:
        first, second = digits
        pairs = {(e, m) for e, m in zip(values[first], values[second], strict=True)}
        whole = sorted(p for p in pairs if all(float(v).is_integer() for v in p))
        given["formats"] = [f"E{e:.0f}M{m:.0f}" for e, m in whole]
    elif fit.levels:
        given["formats"] = [*next(iter(fit.levels.values()))]
    return given


def _told(value: Any) -> str:
    """Write what is held."""
    return format_count(value) if isinstance(value, int | float) else str(value)


def _in_words(table: pd.DataFrame, what: str, called: str) -> str:
    first, last = table.iloc[0], table.iloc[-1]
    text = (
        f"Of {len(table)} formats {table.index[0]} has the least median {what}, "
        f"{first['median']:.3g} ({called} {first['lower']:.3g} to {first['upper']:.3g}) nats per "
        f"token, and {table.index[-1]} the largest, {last['median']:.3g}"
    )
    others = [str(n) for n in table.index[table["near"]] if n != table.index[0]]
    return text + (f"; near the best too: {', '.join(others)}." if others else ".")
