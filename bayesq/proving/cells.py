"""Measured settings: rows that differ in their seed alone are one, and say how far seeds differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayesq.law.kind import Kind
from bayesq.law.law import Law
from bayesq.model.design import ORIGIN
from bayesq.proving.case import Case
from bayesq.runs.runs import Runs
from bayesq.runs.schema import FORMAT, Row

# Column that tells which rows no fit has seen.
LEFT_OUT = "_left_out"


@dataclass(frozen=True, eq=False)
class Cells:
    """The settings that decisions are read off.

    Parameters
    ----------
    law : Law
        The law that is asked.
    frame : pandas.DataFrame
        One row a setting: the columns that tell settings apart, kinds of rows by the law's own
        names for them, ``quantized``, ``known`` (whether the fit has seen its kinds), ``loss`` and
        ``degradation`` (means over the rows of the setting, nats per token) and ``left_out``, the
        share of these rows that was left out of the fit.
    keys : list of str
        Columns that tell settings apart.
    spread : dict of str to float
        Standard deviation of ``loss`` and ``degradation`` between rows of one setting, pooled over
        all settings that were measured more than once, in nats per token; NaN where none was.
    kinds : dict of str to list of Kind
        Kinds of rows that the fit knows, by symbol.
    """

    law: Law
    frame: pd.DataFrame
    keys: list[str]
    spread: dict[str, float]
    kinds: Mapping[str, Sequence[Kind]]

    def by(self, *without: str) -> list[tuple[dict[str, Any], pd.DataFrame]]:
        """Group settings that are alike in all but these columns.

        Returns
        -------
        list of (dict, DataFrame)
            What they have in common, and the settings.
        """
        same = [k for k in self.keys if k not in without]
        groups = self.frame.groupby(same, dropna=False, sort=True)
        return [({k: part[k].iloc[0] for k in same}, part) for _, part in groups]

    def question(self, setting: dict[str, Any], free: tuple[str, ...]) -> dict[str, Any]:
        """Word a setting as a decision takes it: the columns that the law's inputs are made from.

        Parameters
        ----------
        setting : dict
            Columns and values.
        free : tuple of str
            Columns that the decision looks for, or is told otherwise.
        """
        wanted = {c for i in self.law.inputs_of("loss") for c in i.columns}
        wanted |= set(self.law.levels_of("loss"))
        if len(self.law.stages or ()) > 1:
            wanted.add("stage")
        return {k: v for k, v in setting.items() if k in wanted - set(free) and _told(k, v)}

    def case(self, part: pd.DataFrame, **told: Any) -> Case:
        """Make a decision that some settings tell.

        Parameters
        ----------
        part : pandas.DataFrame
            The settings.
        **told
            As :class:`Case` has it; the spread is that of the loss unless it is given.
        """
        usual = {"left_out": float(part["left_out"].mean()), "spread": self.spread["loss"]}
        return Case(**usual | told)


def cells(law: Law, rows: Runs, runs: Runs, seen: Mapping[str, Sequence[Kind]]) -> Cells:
    """Put the rows of a law together by their settings.

    Parameters
    ----------
    law : Law
        The law that is asked.
    rows : Runs
        The rows that decisions are read off; column :data:`LEFT_OUT` says which the fit has not
        seen.
    runs : Runs
        The whole table, whose repeated settings tell how far seeds differ.
    seen : mapping of str to list of Kind
        Kinds of rows that the fit knows, by symbol.
    """
    columns = rows.columns
    kinds = {s: levels.kinds(columns) for s, levels in law.levels_of("loss").items()}
    fitted = {s: {*seen.get(s, ()), Kind()} for s in kinds}
    known = [np.array([k in fitted[s] for k in found], bool) for s, found in kinds.items()]
    keys = [*_keys(law, rows), *kinds]
    labels = {s: [kind.label for kind in found] for s, found in kinds.items()}
    table = pd.DataFrame({k: columns[k] for k in keys if k not in kinds} | labels)
    table = table.assign(
        quantized=rows.quantized,
        known=np.all([np.ones(len(rows), dtype=bool), *known], axis=0),
        loss=columns["loss"],
        degradation=columns["loss"] - columns["loss_full"],
        left_out=columns[LEFT_OUT].astype(float),
    )
    frame = table.groupby([*keys, "quantized", "known"], dropna=False, sort=False).mean()
    return Cells(law, frame.reset_index(), keys, _spread(law, runs), seen)


def _keys(law: Law, runs: Runs) -> list[str]:
    inputs = [c for i in law.inputs_of("loss") for c in i.columns]
    wanted = dict.fromkeys((*ORIGIN, "stage", "N", "D", *FORMAT, *inputs))
    return [name for name in wanted if name in runs.columns]


def _spread(law: Law, runs: Runs) -> dict[str, float]:
    keys = _keys(law, runs)
    table = pd.DataFrame({k: runs.columns[k] for k in keys})
    # A full-precision row may be written as its own partner: no degradation, and no spread of one.
    lost = np.where(runs.quantized, runs.columns["loss"] - runs.columns["loss_full"], np.nan)
    found = {}
    for name, values in {"loss": runs.columns["loss"], "degradation": lost}.items():
        told = table[~np.isnan(values)].assign(value=values[~np.isnan(values)])
        by_setting = told.groupby(keys, dropna=False)["value"]
        free = int((by_setting.size() - 1).sum())
        squares = float(((told["value"] - by_setting.transform("mean")) ** 2).sum())
        found[name] = float(np.sqrt(squares / free)) if free else np.nan
    return found


def _told(column: str, value: Any) -> bool:
    """Whether a cell says more than an empty one would."""
    if value == "" or (isinstance(value, float) and np.isnan(value)):
        return False
    usual = Row.model_fields.get(column)
    return usual is None or usual.is_required() or value != usual.default
