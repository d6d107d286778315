"""What is told of sizes that reach one loss: in words, in tables, and as they are stored."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.decide.decision import Decision
from bayesq.decide.evidence import evidence
from bayesq.decide.nats import Nats
from bayesq.decide.options import over_options
from bayesq.decide.room import width_in_words, width_of_bits, width_of_kinds
from bayesq.decide.solve import log10
from bayesq.decide.widths import Widths
from bayesq.decide.words import interval, share_in_words
from bayesq.notes import Note, worst_of_each
from bayesq.runs.counts import format_count

_NEAR = Nats(float(np.log(1.02)), "2% of its memory")
_GB = 8e9


def _draws(widths: Widths, size: xr.DataArray, stored: tuple[float | None, float]) -> xr.Dataset:
    bits = xr.DataArray(widths.bits, dims="width")
    if widths.dim == "bits":
        each = width_of_bits(bits, widths.question, *stored)
    else:
        each = width_of_kinds(bits, [str(n) for n in widths.names], *stored)
    memory = size * each / _GB
    found = {"N": size.assign_attrs(units="parameters"), "memory": memory.assign_attrs(units="GB")}
    return widths.named(xr.Dataset(found)).transpose("chain", "draw", ...)


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
        Parameters, dimensions chain, draw and width.
    ends : (float, float)
        The least and the largest size that were searched.
    goal : str
        The loss, in words.
    stored : (float or None, float)
        Bits of a scale, None for those that are usual, and of a zero point.
    """
    draws = _draws(widths, size, stored)
    dim, memory = widths.dim, draws["memory"]
    options = over_options(log10(memory.where(memory > 0)) * np.log(10.0), dim, _NEAR)
    said: list[str] = []
    notes: list[Note] = []
    for i, name in enumerate(widths.names):
        size, room = draws["N"].sel({dim: name}), memory.sel({dim: name})
        found = np.isfinite(size) & (size > 0)
        notes += widths.at(i).notes({"N": float(size.where(found).median())})
        if found.any():
            # A size that is the reference's own differs from it by round-off.
            rounded = (10.0 ** log10(size.where(size > 0)).round(6)).where(size > 0, size)
            count = interval(rounded, unit="parameters", searched=ends)
            count += f", {_in_bytes(float(room.where(found).median()))}"
        else:
            count = f"no size up to {format_count(ends[1])}"
        said.append(f"{widths.called(i)}, by {count}")
    symbols = (*widths.symbols, "N")
    where = widths.question.where(*symbols)
    table, beyond = options.table, draws["N"] == np.inf
    if beyond.all():
        most = format_count(ends[1])
        text = f"{where}no size up to {most} reaches {goal.rstrip(',')}, at any width."
    else:
        text = f"{where}{goal} is reached at {'; at '.join(said)}."
        short = float(beyond.any(dim).mean())
        if 0 < short < 1:
            text += f" In {share_in_words(short)} of the draws not every width reaches it."
        if len(table) > 1:
            text += _least_memory(widths, draws, table, stored)
    choices = pd.DataFrame(
        {name: draws[name].median(("chain", "draw")).to_series() for name in ("N", "memory")}
    ).join(table[["probability_best", "probability_near", "expected_regret_percent"]])
    seen = evidence(widths.question, "loss", symbols)
    return Decision(
        draws,
        text,
        worst_of_each(notes),
        choices=choices,
        evidence=None if seen is None else seen.table,
    )


def _least_memory(
    widths: Widths, draws: xr.Dataset, table: pd.DataFrame, stored: tuple[float | None, float]
) -> str:
    best = widths.called(widths.names.index(table.index[0]))
    of_bits = widths.dim == "bits"
    text = f" {best[0].upper()}{best[1:]} {'take' if of_bits else 'takes'} the least memory"
    if draws.sizes["chain"] * draws.sizes["draw"] > 1:
        text += f" in {share_in_words(float(table['probability_best'].iloc[0]))} of the draws"
    how = width_in_words(widths.question, *stored) if of_bits else "with the scales of each"
    return f"{text}, {how}."


def _in_bytes(gigabytes: float) -> str:
    unit, size = ("GB", 1.0) if gigabytes >= 1 else ("MB", 1e-3)
    return f"{gigabytes / size:.3g} {unit}"
