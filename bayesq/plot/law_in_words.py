"""A law over its data in words: where its curves begin and end, and how many rows lie off it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from bayesq.checks.at_rows import residuals
from bayesq.plot.axes import shown
from bayesq.plot.law_panel import Curve, Look, data_of
from bayesq.plot.law_panel import outside as outside_of
from bayesq.plot.roles import in_words
from bayesq.plot.shown_rows import PLACE

_MOST = 6  # curves that are told one by one


def law_in_words(
    look: Look, parts: Sequence[tuple[Mapping[str, float], pd.DataFrame, list[Curve]]], count: int
) -> str:
    """Say what a figure of a law shows.

    Parameters
    ----------
    look : Look
        What is drawn and how.
    parts : list of (dict, DataFrame, list of Curve)
        Of each panel what is held there, its rows and its curves.
    count : int
        How many settings there are, of which those of the panels are some.
    """
    fit, x = look.fit, look.x
    what = "Law" if look.misfit is False else "Mean of runs"
    left_out = f", {len(parts)} of {count} settings shown" if len(parts) < count else ""
    told = []
    for held, _, drawn in parts:
        where = in_words(look.inputs, held)
        for curve in drawn:
            level = {look.roles.by: curve.at[look.roles.by]} if look.roles.by else {}
            styled = {s: curve.at[s] for s in look.roles.styled if s in curve.at}
            name = ", ".join(p for p in (where, in_words(look.inputs, {**styled, **level})) if p)
            told.append((name, curve))
    chosen = told if len(told) <= _MOST else [told[0], told[-1]]
    lines = [f"{name + ': ' if name else ''}{_ends(look, curve)}" for name, curve in chosen]
    skipped = f" ({len(told)} curves, of which the first and the last)" if len(told) > _MOST else ""
    head = (
        f"{what} by {fit.law.name}, {fit.response} in nats per token over {x} "
        f"{shown(look.source, look.ends[0])} to {shown(look.source, look.ends[1])}, with "
        f"{look.band.name}s{left_out}{skipped}"
    )
    return f"{head}: {'; '.join(lines)}. {_rows_off(look, [rows for _, rows, _ in parts])}"


def _ends(look: Look, curve: Curve) -> str:
    said, ends = curve.said, curve.said.mean or curve.said.run
    values = []
    for i in dict.fromkeys((0, len(said.points) - 1)):
        within = ""
        if ends is not None:
            within = f" ({ends[0][i]:.3g} to {ends[1][i]:.3g})"
        values.append(f"{said.middle[i]:.3g}{within} at {shown(look.source, said.points[i])}")
    return " and ".join(values)


def _rows_off(look: Look, parts: list[pd.DataFrame]) -> str:
    fit = look.fit
    places = np.concatenate([rows[PLACE].to_numpy() for rows in parts])
    count = f"{len(places)} measured rows are drawn"
    outside = ""
    known = pd.concat(parts)
    if outside_of(look, known):
        low, high = (shown(look.source, end) for end in data_of(look, known))
        outside = f"; outside {low} to {high} there are no data"
    if fit.rows is None or fit.noise is None:
        return f"{count}{outside}."
    tail = residuals(fit.specification, fit.posterior).tail[places]
    off = int((tail < 1 - look.band.prob).sum())
    return f"{count}, {off} outside the {look.band.name} of a new run there{outside}."
