"""Which input is told by colour, which by line style, and which has a panel for each setting."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayesq.law.inputs import Input
from bayesq.plot.axes import Kinds, is_listed, shown
from bayesq.plot.colours import levels_of
from bayesq.plot.symbols import short
from bayesq.posterior.fitted import Fitted

MOST_STYLES = 4
_MOST_KINDS = 9  # eight colours, and full precision


@dataclass(frozen=True)
class Roles:
    """What tells the inputs apart that vary besides the axis.

    Parameters
    ----------
    by : str or None
        The input that has colours.
    styled : list of str
        Inputs whose settings, four at most, have line styles.
    panelled : list of str
        Inputs whose settings have panels.
    """

    by: str | None
    styled: list[str]
    panelled: list[str]


def choose_axis(fit: Fitted, rows: pd.DataFrame, inputs: Mapping[str, Input]) -> str:
    """Choose what lies along the axis: tokens where they vary, else the first that does."""
    varying = [s for s in inputs if len(levels_of(rows[s].dropna())) > 1]
    if "D" in varying:
        return "D"
    return varying[0] if varying else next(iter(inputs))


def roles(
    fit: Fitted,
    rows: pd.DataFrame,
    inputs: Mapping[str, Input],
    taken: Collection[str],
    by: str | None,
) -> Roles:
    """Choose roles for what varies besides the axis and what is held.

    Parameters
    ----------
    fit : Fitted
        The fit.
    rows : DataFrame
        What :func:`bayesq.plot.shown_rows.measured_rows` gives.
    inputs : mapping of str to Input
        By symbol.
    taken : collection of str
        The axis, and what is held.
    by : str, optional
        What the user wants in colour.
    """
    varying = [s for s in inputs if s not in taken and len(levels_of(rows[s])) > 1]
    if by is None:
        by = _coloured(fit, rows, inputs, varying)
    elif _too_many(rows, inputs[by]):
        return Roles(None, [], [by, *(s for s in varying if s != by)])
    rest = [s for s in varying if s != by]
    studies = {fit.pooling.by} if fit.pooling else set()
    panelled = [s for s in rest if s in studies or _too_many(rows, inputs[s])]
    styled = [s for s in rest if s not in panelled]
    if len(rows[styled].drop_duplicates()) > MOST_STYLES:
        styled, panelled = [], rest
    return Roles(by, styled, panelled)


def _coloured(
    fit: Fitted, rows: pd.DataFrame, inputs: Mapping[str, Input], varying: list[str]
) -> str | None:
    studies = {fit.pooling.by} if fit.pooling else set()
    fit_for_colours = [s for s in varying if not _too_many(rows, inputs[s])]
    for wanted in (
        [s for s in fit_for_colours if not is_listed(inputs[s])],
        [s for s in fit_for_colours if s not in studies],
        fit_for_colours,
    ):
        if wanted:
            return wanted[-1]
    return None


def _too_many(rows: pd.DataFrame, source: Input) -> bool:
    return isinstance(source, Kinds) and len(levels_of(rows[source.symbol])) > _MOST_KINDS


def settings(
    rows: pd.DataFrame, symbols: list[str], most: int | None = None
) -> list[tuple[dict[str, float], pd.DataFrame]]:
    """Part rows by their settings of some inputs, in order.

    Parameters
    ----------
    rows : DataFrame
        The rows.
    symbols : list of str
        The inputs; without any, all rows are of one setting.
    most : int, optional
        How many settings to take, spread over all of them; those of few rows are passed over.
    """
    if not symbols:
        return [({}, rows)]
    parts = [g for _, g in rows.groupby(symbols, dropna=False)]
    if most is not None and len(parts) > most:
        usual = np.median([len(part) for part in parts])
        parts = [_middle(block, usual) for block in _blocks(parts, most)]
    return [({s: float(g[s].iloc[0]) for s in symbols}, g) for g in parts]


def _blocks(parts: list[pd.DataFrame], count: int) -> list[list[pd.DataFrame]]:
    return [[parts[i] for i in where] for where in np.array_split(np.arange(len(parts)), count)]


def _middle(block: list[pd.DataFrame], usual: float) -> pd.DataFrame:
    """Take the part nearest to the middle that has as many rows as is usual, if there is one."""
    some = [i for i, part in enumerate(block) if len(part) >= usual] or list(range(len(block)))
    return block[min(some, key=lambda i: abs(i - (len(block) - 1) / 2))]


def in_words(
    inputs: Mapping[str, Input], setting: Mapping[str, float], most: int | None = None
) -> str:
    """Write a setting: ``N 7.08M, P 4``, names of kinds with so many letters at most."""
    parts = []
    for s, v in setting.items():
        value = shown(inputs[s], v)
        if most and isinstance(inputs[s], Kinds):
            value = short(value, most)
        parts.append(value if np.isnan(v) else f"{s} {value}")
    # A run in full precision lacks all formats.
    return ", ".join(dict.fromkeys(parts))
