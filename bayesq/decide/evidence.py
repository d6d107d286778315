"""What was measured near an answer, beside what the curve says there; and whether they agree."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.decide.optimum import cost_per_pair
from bayesq.decide.question import Question
from bayesq.intervals import Interval, interval
from bayesq.law.law import Response
from bayesq.notes import Note
from bayesq.runs.counts import format_count

# Sizes that differ by less are one setting: people round.
_SAME, _NEARBY = 0.01, 0.5
_LEAST, _MOST = 8, 40
SEEDS = 0.005  # nats per token, about what runs of two seeds differ by
# What rules hold rows against has one width, whatever interval tables show.
_RULED_BY = Interval(0.9, "eti")
# How far from the curve rows are too far: in widths of that interval, and in nats, or as a share of
# what was measured.
_APART, _NATS, _SHARE = 3.0, 0.05, 0.5


@dataclass(frozen=True, eq=False)
class Evidence:
    """Rows near a question.

    Parameters
    ----------
    response : {"loss", "degradation"}
        What was measured.
    table : pandas.DataFrame or None
        One row a measured row, the nearest first: inputs by symbol, ``measured``, and ``median``,
        ``lower`` and ``upper`` of the curve there, in nats per token; ``distance`` from what the
        question holds, in decades of size, bits and doublings of the group. None where no row can
        be compared.
    width : ndarray of float, shape (rows,), optional
        Of each of these rows, the width of the curve's 90 % interval.
    """

    response: Response
    table: pd.DataFrame | None = None
    width: np.ndarray | None = None

    def here(self, within: float = _SAME) -> pd.DataFrame:
        """Take the rows at the very setting that the question holds."""
        if self.table is None:
            return pd.DataFrame()
        return self.table[self.table["distance"] <= within]

    def apart(self) -> Note | None:
        """Say that most rows nearby lie far from what the curve says of them."""
        here = self.here(_NEARBY)
        if self.table is None or self.width is None or here.empty:
            return None
        off = (here["measured"] - here["median"]).abs()
        wide = _APART * self.width[(self.table["distance"] <= _NEARBY).to_numpy()]
        least = _NATS if self.response == "loss" else _SHARE * here["measured"].abs()
        far = (off > wide) & (off > least)
        if far.mean() <= 0.5:
            return None
        worst = here.iloc[int(off.to_numpy().argmax())]
        return Note(
            "measured-apart",
            "severe",
            f"Rows near this setting lie far from the curve that answers: {self.response} "
            f"{worst['measured']:.4g} was measured where it says {worst['median']:.4g} "
            f"({worst['lower']:.4g} to {worst['upper']:.4g}).",
            "Look at decision.evidence; fit the laws to rows of this kind before you rely on it.",
        )

    def turns_elsewhere(
        self, answer: xr.DataArray, symbol: str, what: str, within: float = _SAME
    ) -> Note | None:
        """Say that the rows at the very setting are least elsewhere than an answer has it."""
        here = self.here(within)
        if here.empty:
            return None
        unit = str(answer.attrs["units"])
        return contradiction(answer, turns(here, symbol), what, format_count, unit)


def evidence(
    question: Question, response: Response, free: Collection[str], compute: float | None = None
) -> Evidence:
    """Find the measured rows nearest to a question, and ask the curve about them.

    Parameters
    ----------
    question : Question
        The setting.
    response : {"loss", "degradation"}
        What the decision is worked out from.
    free : collection of str
        Inputs that the decision looks for.
    compute : float, optional
        Floating-point operations of training that bind N and D, which are then both free; decades
        of it count as those of a size.
    """
    rows = question.fit.rows
    needed = {i.symbol for i in question.fit.law.inputs_of(response)}
    if rows is None or not {response, *needed} <= set(rows):
        return Evidence(response)
    distance = _distances(question, rows, free)
    if compute is not None:
        spent = cost_per_pair() * rows["N"].values * rows["D"].values
        distance = np.hypot(distance, np.log10(spent / compute))
    order = np.argsort(distance, kind="stable")
    # All rows at the nearest setting, for these make a curve of their own.
    count = max(_LEAST, int((distance <= distance.min() + _SAME).sum()))
    chosen = order[: min(count, _MOST)]
    chosen = chosen[np.isfinite(distance[chosen])]
    if not len(chosen):
        return Evidence(response)
    known = [i.symbol for i in question.fit.law.inputs_of("loss")]
    known += [*question.fit.levels, "quantized"]
    inputs = {s: rows[s].values[chosen].astype(float) for s in known if s in rows}
    told = question.of_list(response, inputs, "row")
    flat = told.transpose("row", ...).values.reshape(told.sizes["row"], -1)
    middle, (low, high) = told.quantile(0.5, ("chain", "draw")).values, interval().ends(flat)
    ruled_by = _RULED_BY.ends(flat)
    shown = {s: v for s, v in inputs.items() if s != "quantized"}
    if compute is not None:
        shown["compute"] = spent[chosen]
    for symbol, labels in question.fit.levels.items():
        if symbol in shown:
            names = [*labels, "full precision"]
            shown[symbol] = np.array([names[int(v)] for v in shown[symbol]], dtype=object)
    of_curve = {"median": middle, "lower": low, "upper": high, "distance": distance[chosen]}
    index = pd.Index(rows["row"].values[chosen], name="row")
    table = pd.DataFrame(shown | {"measured": rows[response].values[chosen]} | of_curve, index)
    order_by = ["distance", *(s for s in free if s in shown)]
    nearest = table.assign(width=ruled_by[1] - ruled_by[0]).sort_values(order_by)
    return Evidence(response, nearest.drop(columns="width"), nearest["width"].to_numpy())


def _distances(question: Question, rows: xr.Dataset, free: Collection[str]) -> np.ndarray:
    total = np.zeros(rows.sizes["row"])
    for i in question.fit.law.inputs_of("loss"):
        held = question.inputs.get(i.symbol)
        if i.symbol in free or held is None or i.symbol not in rows:
            continue
        values = rows[i.symbol].values.astype(float)
        if i.scale != "log":
            total += (values - held) ** 2
        else:
            step = np.log(2.0) if i.format else np.log(10.0)
            total += (np.log(values / held) / step) ** 2
    for symbol in question.fit.levels:
        if symbol in rows and symbol in question.inputs and symbol not in free:
            total[rows[symbol].values != question.inputs[symbol]] = np.inf
    if "quantized" in rows and question.inputs.get("quantized") == 1.0:
        total[rows["quantized"].values != 1.0] = np.inf
    return np.sqrt(total)


def passes(table: pd.DataFrame, symbol: str, level: float, *, rising: bool) -> _Bracket | None:
    """Tell between which measured values a measured response passes a level.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of one setting, as :class:`Evidence` has them.
    symbol : str
        What varies.
    level : float
        Nats per token.
    rising : bool
        Whether the response rises with it.
    """
    # Rows of one setting may differ in what the law does not know: they pass where all of them do.
    of = table.groupby(symbol)["measured"].agg(["min", "max"])
    above = of.index[of["min"] > level].to_numpy(float)
    below = of.index[of["max"] <= level].to_numpy(float)
    clear = of.index[of["min"] > level + SEEDS].to_numpy(float)
    # Where the end that should lose least lies clearly above, nothing that was measured is enough.
    if clear.size and rising and clear.min() == of.index.min():
        return _Bracket(-np.inf, clear.min())
    if clear.size and not rising and clear.max() == of.index.max():
        return _Bracket(clear.max(), np.inf)
    first, last = (below, above) if rising else (above, below)
    ends = (first.max() if first.size else -np.inf, last.min() if last.size else np.inf)
    return _Bracket(min(ends), max(ends)) if len(of) else None


def turns(table: pd.DataFrame, symbol: str) -> _Bracket | None:
    """Tell between which measured values a measured response is least.

    Values whose response is within what seeds differ by may each be the least.
    """
    of = table.groupby(symbol)["measured"].agg(["min", "max"])
    if len(of) < 3:
        return None
    at = of.index.to_numpy(float)
    least = np.flatnonzero((of["min"] <= of["max"].min() + SEEDS).to_numpy())
    low = at[least[0] - 1] if least[0] else -np.inf
    return _Bracket(low, at[least[-1] + 1] if least[-1] < len(at) - 1 else np.inf)


@dataclass(frozen=True)
class _Bracket:
    low: float
    high: float


def contradiction(
    answer: xr.DataArray,
    bracket: _Bracket | None,
    what: str,
    show: Callable[[float], str],
    unit: str,
) -> Note | None:
    """Say that the rows at the very setting put the answer elsewhere than its 90 % interval.

    Parameters
    ----------
    answer : xarray.DataArray
        The draws.
    bracket : _Bracket or None
        Where the rows put it.
    what : str
        What was measured there: "the measured loss is least".
    show, unit
        How an answer is written.
    """
    if bracket is None or answer.isnull().all():
        return None
    low, high = _RULED_BY.ends(answer.values.ravel())
    if low <= bracket.high and high >= bracket.low:
        return None
    if np.isinf(bracket.low):
        where = f"below {show(bracket.high)} {unit}"
    elif np.isinf(bracket.high):
        where = f"above {show(bracket.low)} {unit}"
    else:
        where = f"between {show(bracket.low)} and {show(bracket.high)} {unit}"
    return measured_otherwise(f"{what} {where}, outside the 90 % interval.")


def measured_otherwise(what: str) -> Note:
    """Say that the rows at the very setting contradict the answer."""
    return Note(
        "measured-otherwise",
        "severe",
        f"Rows at this very setting say otherwise: {what}",
        "Look at decision.evidence, and trust the rows unless they are broken.",
    )
