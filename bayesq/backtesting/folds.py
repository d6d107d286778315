"""Which rows a backtest leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np

from bayesq.errors import BayesqError, nearest
from bayesq.model.design import Design
from bayesq.runs.counts import format_count

SPLITS = ("largest-compute", "largest-N", "largest-D", "study", "run")
_MOST_FOLDS = 10


@dataclass(frozen=True, eq=False)
class Fold:
    """Rows that are left out together.

    Parameters
    ----------
    name : str
        What is left out: ``"N above 7M"``, or the name of a study or run.
    left_out : ndarray of bool, shape (rows,)
        The rows left out, among those that the law can use.
    """

    name: str
    left_out: np.ndarray


def make_folds(design: Design, split: str, quantile: float, seed: int) -> list[Fold]:
    """Split the rows that a law can use.

    Parameters
    ----------
    design : Design
        The rows.
    split : {"largest-compute", "largest-N", "largest-D", "study", "run"}
        What is left out: the rows of most compute (6 N D, in FLOP), the largest or the longest
        runs, in one fold; or each study, or each training run, in turn.
    quantile : float
        Of a split by size, rows up to this quantile of the size over rows are kept. Where that
        would leave nothing out, the rows of the largest size are.
    seed : int
        How more than ten runs are dealt into ten folds.

    Raises
    ------
    BayesqError
        If there is no such split, or the rows cannot be split that way.
    """
    if split not in SPLITS:
        raise BayesqError(f"No split is called {split!r}; {nearest(str(split), SPLITS)}.")
    if not isinstance(quantile, Real) or not 0 < quantile < 1:
        raise BayesqError(f"quantile is {quantile!r}; it must lie between 0 and 1, such as 0.7.")
    if not (isinstance(seed, Integral) and 0 <= seed < 2**64):
        raise BayesqError(f"seed is {seed!r}; it must be a whole number from 0 to 2^64 - 1.")
    if split == "study":
        return _studies(design)
    if split == "run":
        return _runs(design, int(seed))
    return [_largest(design, split.removeprefix("largest-"), float(quantile))]


def _largest(design: Design, size: str, quantile: float) -> Fold:
    columns = design.runs.columns
    # N D before the 6: equal products are then equal numbers, whatever the rounding.
    values = 6 * (columns["N"] * columns["D"]) if size == "compute" else columns[size]
    if np.isnan(values).any():
        raise BayesqError(
            f"Some rows of {design.runs.source} have no D, so that none is the largest in {size}; "
            "pass split='largest-N' or 'run', or give D."
        )
    levels = np.unique(values)
    if len(levels) < 2:
        raise _one_only(design, f"level of {size}", f"largest-{size}")
    edge = levels[levels <= min(np.quantile(values, quantile), levels[-2])].max()
    shown = f"{edge:.3g} FLOP" if size == "compute" else format_count(edge)
    return Fold(f"{size} above {shown}", values > edge)


def _studies(design: Design) -> list[Fold]:
    study = design.runs.columns["study"]
    names = sorted(set(study))
    if len(names) < 2:
        raise _one_only(design, "study", "study")
    return [Fold(name or "no study", study == name) for name in names]


def _runs(design: Design, seed: int) -> list[Fold]:
    cluster = design.runs.cluster
    count = len(set(cluster))
    if count < 2:
        raise _one_only(design, "training run", "run")
    if count <= _MOST_FOLDS:
        return [Fold(_run_name(design, i), cluster == i) for i in range(count)]
    dealt = np.array_split(np.random.default_rng(seed).permutation(count), _MOST_FOLDS)
    return [
        Fold(f"runs {i} of {_MOST_FOLDS}", np.isin(cluster, part))
        for i, part in enumerate(dealt, start=1)
    ]


def _run_name(design: Design, cluster: int) -> str:
    first = int(np.argmax(design.runs.cluster == cluster))
    study, run = (str(design.runs.columns[name][first]) for name in ("study", "run"))
    return " ".join(filter(None, (study, run))) if run else f"row {design.index[first]}"


def _one_only(design: Design, what: str, split: str) -> BayesqError:
    others = ", ".join(s for s in SPLITS if s != split)
    return BayesqError(
        f"{design.runs.source} has one {what} only in the {len(design.index)} rows that law "
        f"{design.law.name} can use, so none can be left out; pass another split: {others}."
    )
