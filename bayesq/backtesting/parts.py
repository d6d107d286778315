"""What is fitted and what is scored in each fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayesq.backtesting.folds import Fold
from bayesq.errors import BayesqError
from bayesq.model.design import Design
from bayesq.model.specification import Specification
from bayesq.notes import Note
from bayesq.runs.runs import Runs
from bayesq.runs.schema import Row

# What was measured is not told to a prediction.
_MEASURED = ("loss", "loss_full", "loss_se")


@dataclass(frozen=True, eq=False)
class Part:
    """One fit of a backtest, and the rows that it is to foretell.

    Parameters
    ----------
    name : str
        What is left out.
    kept : Specification
        What is fitted.
    left : Runs
        The rows left out that can be scored.
    scenarios : pandas.DataFrame
        These rows as scenarios, without what was measured.
    observed : ndarray of float, shape (rows scored,)
        Their loss or degradation in nats per token.
    places : dict of str to ndarray
        Where they come from: fold, row, run, N and D, each of shape ``(rows scored,)``.
    """

    name: str
    kept: Specification
    left: Runs
    scenarios: pd.DataFrame
    observed: np.ndarray
    places: dict[str, Any]

    @property
    def fingerprints(self) -> dict[str, str]:
        """Hashes of the rows kept and of those scored."""
        return {"kept": self.kept.design.runs.fingerprint, "left": self.left.fingerprint}


def make_parts(whole: Specification, folds: Sequence[Fold]) -> tuple[list[Part], list[Note]]:
    """Lay out the fits of a backtest.

    Parameters
    ----------
    whole : Specification
        The fit of all rows.
    folds : sequence of Fold
        What is left out of it in turn.

    Returns
    -------
    parts : list of Part
        One a fold that has a row to score.
    notes : list of Note
        ``unscored-rows`` for rows left out that cannot be scored.

    Raises
    ------
    BayesqError
        If the rows kept are too few for the law, or no row left out can be scored.
    """
    chosen = whole.design
    law, columns = chosen.law, chosen.runs.columns
    labels = {s: kinds.label(columns) for s, kinds in law.levels_of(chosen.response).items()}
    # A row is left out in one fold only, so that one mask does for all folds.
    new = {symbol: np.zeros(len(chosen.index), dtype=bool) for symbol in labels}
    mute = _mute(chosen)
    parts = []
    for fold in folds:
        kept = _specify(whole, fold)
        known = kept.design.levels
        for symbol, label in labels.items():
            new[symbol] |= fold.left_out & ~np.isin(label.astype(str), [*known[symbol], ""])
        scored = fold.left_out & ~np.any([mute, *new.values()], axis=0)
        if scored.any():
            parts.append(_part(chosen, fold.name, kept, scored))
    left_out = np.any([fold.left_out for fold in folds], axis=0)
    unscored = {
        f"no row kept has their {symbol} ({'; '.join(dict.fromkeys(labels[symbol][rows]))})": rows
        for symbol, rows in new.items()
    }
    unscored["they are in full precision, and a scenario has to give a format"] = mute & left_out
    notes = [_note(why, rows, left_out) for why, rows in unscored.items() if rows.any()]
    if not parts:
        found = " ".join(n.message for n in notes).rstrip(".")
        raise BayesqError(f"Nothing is left to score ({found}); pass another split.")
    return parts, notes


def _part(chosen: Design, name: str, kept: Specification, scored: np.ndarray) -> Part:
    left = chosen.runs.select(scored)
    wanted = {c for i in chosen.law.inputs_of(chosen.response) for c in i.columns}
    spoken = [c for c in left.columns if c in wanted or c in Row.model_fields]
    places = {
        "fold": name,
        "row": chosen.index[scored],
        "run": chosen.runs.cluster[scored],
        "N": left.columns["N"],
        "D": left.columns["D"],
    }
    scenarios = left.frame[[c for c in spoken if c not in _MEASURED]]
    return Part(name, kept, left, scenarios, chosen.observed[scored], places)


def _specify(whole: Specification, fold: Fold) -> Specification:
    try:
        return whole.on(whole.design.runs.select(~fold.left_out))
    except BayesqError as error:
        raise BayesqError(f"With {fold.name} left out, {error}") from error


def _mute(chosen: Design) -> np.ndarray:
    """Tell the rows that no scenario can stand for.

    A scenario gives every input, and a row in full precision has no group or exponent to give.
    """
    law, columns = chosen.law, chosen.runs.columns
    if chosen.response != "loss" or law.base is None:
        return np.zeros(len(chosen.index), dtype=bool)
    formats = [np.asarray(i.values(columns), float) for i in law.inputs_of("loss") if i.format]
    lacking = [~np.isfinite(values) for values in formats]
    return ~chosen.runs.quantized & np.any([np.zeros(len(chosen.index), bool), *lacking], axis=0)


def _note(why: str, rows: np.ndarray, left_out: np.ndarray) -> Note:
    return Note(
        "unscored-rows",
        "warning",
        f"{int(rows.sum())} of {int(left_out.sum())} rows left out are not scored: {why}.",
        "Read the scores as those of the other rows, or choose another split.",
    )
