"""What is told of sizes that reach one loss: in words, in tables, and as they are stored."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.decide.decision import Decision, quantiles
from bayesq.decide.evidence import evidence
from bayesq.decide.nats import Nats
from bayesq.decide.options import over_options
from bayesq.decide.room import kinds_in_words, width_in_words, width_of_bits, width_of_kinds
from bayesq.decide.solve import log10
from bayesq.decide.widths import Widths
from bayesq.decide.words import interval, share_in_words
from bayesq.notes import Note, worst_of_each
from bayesq.runs.counts import format_count

_NEAR = Nats(float(np.log(1.02)), "2% of its memory")
_GB = 8e9
_TOLD = ["probability_best", "probability_near", "expected_regret_percent"]


def tell(
    widths: Widths,
    size: xr.DataArray,
    ends: tuple[float, float],
    goal: str,
    stored: tuple[float | None, float],
) -> Decision:
    """Put together what is told of sizes that reach one loss.

    Parameters
    ----------
    widths : Widths
        What is compared.
    size : xarray.DataArray
        Parameters, dimensions chain, draw and width; infinite where no size that was searched
        reaches the loss, 0 where the least does.
    ends : (float, float)
        The least and the largest size that were searched.
    goal : str
        The loss, in words.
    stored : (float or None, float)
        Bits of a scale, None for those that are usual, and of a zero point.
    """
    each = _gigabytes_each(widths, stored)
    found = {
        "N": size.assign_attrs(units="parameters"),
        "memory": (size * each).assign_attrs(units="GB"),
    }
    draws = widths.named(xr.Dataset(found)).transpose("chain", "draw", ...)
    dim = widths.dim
    middle = pd.DataFrame(
        {
            name: [quantiles(draws[name].sel({dim: of}).values, [0.5])[0] for of in widths.names]
            for name in ("N", "memory")
        },
        index=pd.Index(widths.names, name=dim),
    )
    notes: list[Note] = []
    for i, at in enumerate(middle["N"].clip(*ends)):
        notes += widths.at(i).notes({"N": at})
    symbols = (*widths.symbols, "N")
    where = widths.question.where(*symbols)
    beyond, enough = draws["N"] == np.inf, draws["N"] == 0
    goal_alone = goal.rstrip(",")
    choices = middle
    if beyond.all():
        text = f"{where}no size up to {format_count(ends[1])} reaches {goal_alone}, at any width."
    elif enough.all():
        least = f"the least size that was searched, {format_count(ends[0])} parameters,"
        text = f"{where}{least} reaches {goal_alone} already, at any width."
    else:
        said = [
            f"{widths.called(i)}, by {_count(size.isel(width=i), float(each[i]), ends)}"
            for i in range(len(widths.names))
        ]
        text = f"{where}{goal} is reached at {'; at '.join(said)}."
        text += _shares(beyond.any(dim), enough.any(dim), ends[0])
        # What is less than the least that was searched counts as that.
        compared = widths.named(xr.Dataset({"memory": size.clip(min=ends[0]) * each}))["memory"]
        table = over_options(log10(compared) * np.log(10.0), dim, _NEAR).table
        if len(table) > 1:
            text += _least_memory(widths, draws, table, stored)
        choices = table[_TOLD].join(middle).loc[widths.names]
        reaches = (~beyond).mean(("chain", "draw")).to_series()
        choices.insert(1, "probability_reaches", reaches)
    seen = evidence(widths.question, "loss", symbols)
    if apart := seen.apart():
        notes.append(apart)
    return Decision(
        draws,
        text,
        worst_of_each(notes),
        choices=choices,
        evidence=seen.table,
    )


def _gigabytes_each(widths: Widths, stored: tuple[float | None, float]) -> xr.DataArray:
    """Work out what one parameter takes, in GB."""
    if widths.dim == "bits":
        bits = xr.DataArray(widths.bits, dims="width")
        each = width_of_bits(bits, widths.question, *stored)
    else:
        each = width_of_kinds(widths.kinds, "width", *stored)
    return xr.DataArray(each) / _GB


def _count(size: xr.DataArray, each: float, ends: tuple[float, float]) -> str:
    """Word sizes of one width, and what they take: both of all draws, those beyond an end too."""
    if (size == np.inf).all():
        return f"no size up to {format_count(ends[1])}"

    def shown(value: float) -> str:
        return _within(value, ends[0], ends[1], format_count)

    # A size that is the reference's own differs from it by round-off.
    rounded = (10.0 ** log10(size.where(size > 0)).round(6)).where(size > 0, size)
    count = interval(rounded, shown, "parameters", searched=ends)
    room = quantiles((size * each).values, [0.5])[0]
    return f"{count}, {_within(room, ends[0] * each, ends[1] * each, _in_bytes)}"


def _within(value: float, low: float, high: float, show: Callable[[float], str]) -> str:
    if value < low * (1 - 1e-6):
        return f"less than {show(low)}"
    return f"more than {show(high)}" if value == np.inf else show(value)


def _shares(beyond: xr.DataArray, enough: xr.DataArray, least: float) -> str:
    """Say in which share of the draws sizes lie beyond what was searched."""
    text = ""
    if 0 < (short := float(beyond.mean())) < 1:
        text += f" In {share_in_words(short)} of the draws not every width reaches it."
    if (short := float(enough.mean())) > 0:
        text += f" In {share_in_words(short)} of the draws the least size that was searched, "
        text += f"{format_count(least)} parameters, is more than enough at some widths, and counts "
        text += "there."
    return text


def _least_memory(
    widths: Widths, draws: xr.Dataset, table: pd.DataFrame, stored: tuple[float | None, float]
) -> str:
    best = widths.called(widths.names.index(table.index[0]))
    of_bits = widths.dim == "bits"
    text = f" {best[0].upper()}{best[1:]} {'take' if of_bits else 'takes'} the least memory"
    if draws.sizes["chain"] * draws.sizes["draw"] > 1:
        text += f" in {share_in_words(float(table['probability_best'].iloc[0]))} of the draws"
    how = width_in_words(widths.question, *stored) if of_bits else kinds_in_words(widths.kinds)
    return f"{text}, {how}."


def _in_bytes(gigabytes: float) -> str:
    unit, size = ("GB", 1.0) if gigabytes >= 1 else ("MB", 1e-3)
    return f"{gigabytes / size:.3g} {unit}"
