"""Rows that are held out: what is fitted and what is scored in each fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayesq.backtesting.folds import Fold, make_folds
from bayesq.counted import how_many
from bayesq.errors import BayesqError
from bayesq.law.law import Law
from bayesq.model.design import Design
from bayesq.model.specification import Specification, specify
from bayesq.notes import Note
from bayesq.runs.runs import Runs
from bayesq.runs.schema import ERROR_OF, Row

# What was measured is not told to a prediction.
_MEASURED = ("loss", "loss_full", *ERROR_OF.values())


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Rows to fit, and rows that the fit is to foretell. Made by :func:`bayesq.hold_out`.

    Parameters
    ----------
    name : str
        What is left out.
    specification : Specification
        The fit of the other rows.
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
    specification: Specification
    left: Runs
    scenarios: pd.DataFrame
    observed: np.ndarray
    places: dict[str, Any]

    @property
    def kept(self) -> Runs:
        """The rows to fit."""
        return self.specification.design.runs

    def __repr__(self) -> str:
        return (
            f"<HeldOut: {self.name} left out, {how_many(len(self.left), 'row')} to foretell from "
            f"{len(self.kept)}, law {self.specification.design.law.name}>"
        )

    @property
    def fingerprints(self) -> dict[str, str]:
        """Hashes of the rows kept and of those scored."""
        return {"kept": self.kept.fingerprint, "left": self.left.fingerprint}


def hold_out(
    runs: Runs,
    law: str | Law,
    response: str | None = None,
    *,
    split: str = "largest-compute",
    quantile: float = 0.7,
    seed: int = 0,
) -> tuple[list[HeldOut], list[Note]]:
    """Hold rows out of a table, to score what a fit to the others foretells of them.

    Parameters
    ----------
    runs : Runs
        The table. Only the rows that the law can use count.
    law : str or Law
        A law, or the name of one.
    response : {"loss", "degradation"}, optional
        What is to be foretold, in nats per token; by default what the law is usually fitted to.
    split, quantile, seed
        What is left out, as :func:`bayesq.backtest` takes them.

    Returns
    -------
    parts : list of HeldOut
        One a fold: ``.kept`` to be fitted, ``.scenarios`` to be predicted, ``.observed`` to
        :func:`bayesq.score` the prediction by.
    notes : list of Note
        ``unscored-rows`` for rows left out that cannot be scored.

    Raises
    ------
    BayesqError
        If the rows cannot be split that way, the rows kept are too few for the law, or no row left
        out can be scored.

    Examples
    --------
    >>> import bayesq
    >>> (part,), _ = bayesq.hold_out(bayesq.load_pool("grid"), "chinchilla")
    >>> len(part.kept), len(part.left)
    (19, 9)
    """
    whole = specify(runs, law, response)
    return make_parts(whole, make_folds(whole.design, split, quantile, seed))


def make_parts(whole: Specification, folds: Sequence[Fold]) -> tuple[list[HeldOut], list[Note]]:
    """Lay out the fits of a backtest.

    Parameters
    ----------
    whole : Specification
        The fit of all rows.
    folds : sequence of Fold
        What is left out of it in turn.

    Returns
    -------
    parts : list of HeldOut
        One a fold that has a row to score.
    notes : list of Note
        ``unscored-rows`` for rows left out that cannot be scored.

    Raises
    ------
    BayesqError
        If the rows kept are too few for the law, or no row left out can be scored.
    """
    design = whole.design
    law, columns = design.law, design.runs.columns
    labels = {s: kinds.label(columns) for s, kinds in law.levels_of(design.response).items()}
    # A row is left out in one fold only, so that one mask does for all folds.
    new = {symbol: np.zeros(len(design.index), dtype=bool) for symbol in labels}
    mute = _mute(design)
    parts = []
    for fold in folds:
        kept = _specify(whole, fold)
        known = kept.design.levels
        for symbol, label in labels.items():
            new[symbol] |= fold.left_out & ~np.isin(label.astype(str), [*known[symbol], ""])
        scored = fold.left_out & ~np.any([mute, *new.values()], axis=0)
        if scored.any():
            parts.append(_part(design, fold.name, kept, scored))
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


def _part(design: Design, name: str, specification: Specification, scored: np.ndarray) -> HeldOut:
    """Lay out one fit; `scored` tells which rows it is to foretell, bool of shape ``(rows,)``."""
    left = design.runs.take(scored)
    wanted = {c for i in design.law.inputs_of(design.response) for c in i.columns}
    spoken = [c for c in left.columns if c in wanted or c in Row.model_fields]
    places = {
        "fold": name,
        "row": design.index[scored],
        "run": design.runs.cluster[scored],
        "N": left.columns["N"],
        "D": left.columns["D"],
    }
    # A row left out is measured as well as its own error says, where the noise takes errors.
    error = ERROR_OF[design.response] if specification.noise.takes_errors else None
    scenarios = left.frame[[c for c in spoken if c not in _MEASURED or c == error]]
    return HeldOut(name, specification, left, scenarios, design.observed[scored], places)


def _specify(whole: Specification, fold: Fold) -> Specification:
    try:
        return whole.on(whole.design.runs.take(~fold.left_out))
    except BayesqError as error:
        raise BayesqError(f"With {fold.name} left out, {error}") from error


def _mute(design: Design) -> np.ndarray:
    """Tell the rows that no scenario can stand for, bool of shape ``(rows,)``.

    A scenario gives every input, and a row in full precision has no group or exponent to give.
    """
    law, columns = design.law, design.runs.columns
    if design.response != "loss" or law.base is None:
        return np.zeros(len(design.index), dtype=bool)
    formats = [np.asarray(i.values(columns), float) for i in law.inputs_of("loss") if i.format]
    lacking = [~np.isfinite(values) for values in formats]
    return ~design.runs.quantized & np.any([np.zeros(len(design.index), bool), *lacking], axis=0)


def _note(why: str, rows: np.ndarray, left_out: np.ndarray) -> Note:
    """Say why `rows` of those left out are not scored; both bool of shape ``(rows,)``."""
    return Note(
        "unscored-rows",
        "warning",
        f"{int(rows.sum())} of {how_many(int(left_out.sum()), 'row')} left out "
        f"{'is' if rows.sum() == 1 else 'are'} not scored: {why}.",
        "Read the scores as those of the other rows, or choose another split.",
    )
