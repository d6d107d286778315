"""Which rows the fits of a decision's backtest see, and which rows the decision is read off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesq.backtesting.folds import make_folds
from bayesq.errors import BayesqError
from bayesq.law.law import Law
from bayesq.law.registry import find_law
from bayesq.model.design import Design, design
from bayesq.proving.cells import LEFT_OUT
from bayesq.runs.runs import Runs

SPLITS = ("largest-N", "largest-D", "largest-compute", "none")


@dataclass(frozen=True, eq=False)
class Kept:
    """The rows of a backtest of decisions.

    Parameters
    ----------
    own : Design
        The law, and the rows that it is fitted to.
    base : Design or None
        The full-precision rows that its base law is fitted to.
    read : Runs
        The rows that decisions are read off, with :data:`bayesq.proving.cells.LEFT_OUT`.
    """

    own: Design
    base: Design | None
    read: Runs

    @property
    def fingerprints(self) -> dict[str, str]:
        """Hashes of the rows that are fitted."""
        found = {"own": self.own.runs.fingerprint}
        return found | ({"base": self.base.runs.fingerprint} if self.base else {})


def keep(
    runs: Runs,
    law: str | Law,
    response: str | None,
    base: str | Law | None,
    split: str,
    quantile: float,
    about: str | None,
) -> Kept:
    """Lay out the rows, as :func:`bayesq.backtest_decision` is told to.

    Full-precision rows are kept up to the size of the largest row that the law itself is fitted to.

    Raises
    ------
    BayesqError
        If the rows cannot be split that way, or too few are kept for a law.
    """
    law = find_law(law)
    usable = design(runs, law, response)
    left_out = np.zeros(len(usable.index), dtype=bool)
    if split != "none":
        # Seeds only deal runs into folds, which no split by size does.
        (fold,) = make_folds(usable, split, quantile, seed=0)
        left_out = fold.left_out
    own = _of_kept(usable.runs, ~left_out, law, response, split)
    full = None
    if base is not None:
        whole = design(runs, find_law(base))
        edge = _sizes(own.runs, split).max()
        full = _of_kept(whole.runs, _sizes(whole.runs, split) <= edge, whole.law, None, split)
    read = Runs({**usable.runs.columns, LEFT_OUT: left_out}, runs.source)
    return Kept(own, full, read if about is None else read.select(about))


def _of_kept(runs: Runs, kept: np.ndarray, law: Law, response: str | None, split: str) -> Design:
    try:
        return design(runs.take(kept), law, response)
    except BayesqError as error:
        if split == "none":
            raise
        raise BayesqError(f"With the rows of {split} left out, {error}") from error


def _sizes(runs: Runs, split: str) -> np.ndarray:
    columns = runs.columns
    if split == "none":
        return np.zeros(len(runs))
    if split == "largest-compute":
        return np.asarray(columns["N"] * columns["D"])
    return columns[split.removeprefix("largest-")]
