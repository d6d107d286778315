"""Which rows of a table are of one setting, one network or one compression."""

from __future__ import annotations

from collections.abc import Iterable
from weakref import WeakKeyDictionary

import numpy as np

from bayesq.runs.runs import Runs
from bayesq.runs.schema import FORMAT, Row

# Columns that a measurement brings with it: what was measured, and of which repeat.
MEASURED = ("loss", "loss_se", "loss_full", "degradation_se")
_REPEAT = ("run", "seed")
_OF_NETWORK = ("study", "corpus", "seed", "N", "D", "train_w_bits")


# Of text in so many rows looking a value up is far quicker than sorting all of them.
_MANY = 20_000
_known: WeakKeyDictionary[Runs, dict[str, np.ndarray]] = WeakKeyDictionary()


def codes_of(runs: Runs, names: Iterable[str]) -> np.ndarray:
    """Give rows of equal values in some columns, or equally empty ones, one number."""
    code = np.zeros(len(runs), dtype=int)
    for name in names:
        if name in runs.columns:
            code = _split(code, _codes_of_column(runs, name))
    return code


def _codes_of_column(runs: Runs, name: str) -> np.ndarray:
    known = _known.setdefault(runs, {})
    if name not in known:
        known[name] = numbered(runs.columns[name])
    return known[name]


def numbered(values: np.ndarray) -> np.ndarray:
    """Give rows numbers by their value, in the order of values; empty numbers are equal."""
    first = values[:1]
    if (values == first).all() or (values.dtype.kind == "f" and np.isnan(values).all()):
        return np.zeros(len(values), dtype=int)
    if values.dtype == object and len(values) > _MANY:
        import pandas as pd

        codes, known = pd.factorize(values, use_na_sentinel=False)
        place = np.empty(len(known), dtype=int)
        place[np.argsort(known)] = np.arange(len(known))
        return place[codes]
    return np.unique(values, return_inverse=True, equal_nan=True)[1]


def _split(code: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Give pairs of numbers one number, in their order."""
    values = int(own.max(initial=0)) + 1
    # What is the same everywhere, or comes when all rows are told apart, splits nothing.
    if values == 1 or int(code.max(initial=0)) + 1 == len(code):
        return code
    return np.unique(code * values + own, return_inverse=True)[1]


def groups_of(codes: np.ndarray, rows: np.ndarray, least: int = 2) -> list[np.ndarray]:
    """List the chosen rows of each code that has as many of them as asked for."""
    index = np.flatnonzero(rows)
    order = index[np.argsort(codes[index], kind="stable")]
    cuts = np.flatnonzero(np.diff(codes[order])) + 1
    ends = [*cuts.tolist(), len(order)] if len(order) else []
    starts = [0, *cuts.tolist()]
    return [order[a:b] for a, b in zip(starts, ends, strict=False) if b - a >= least]


def own_columns(runs: Runs) -> tuple[str, ...]:
    """Columns of the table that bayesq does not know."""
    return tuple(name for name in runs.columns if name not in Row.model_fields)


def settings(runs: Runs) -> np.ndarray:
    """Give rows one number that differ in run, seed and what was measured alone."""
    known = (n for n in Row.model_fields if n not in (*MEASURED, *_REPEAT))
    return codes_of(runs, (*known, *own_columns(runs)))


def networks(runs: Runs) -> np.ndarray:
    """Give rows one number that are of one network, at all its widths, or of one partner.

    Trained at several widths it is several runs, of which the partner is the same.
    """
    level = np.where(runs.quantized, runs.columns["loss_full"], runs.columns["loss"])
    alone = np.where(np.isnan(level) | (runs.columns["stage"] == "post"), runs.columns["run"], "")
    # A full-precision row belongs to its rows by the loss, and to its run where they have one.
    run = _codes_of_column(runs, "run")
    of_post = ~runs.quantized & np.isin(run, run[runs.columns["stage"] == "post"])
    alone = np.where(of_post, runs.columns["run"], alone)
    code = codes_of(runs, _OF_NETWORK)
    for values in (level, alone):
        code = _split(code, numbered(values))
    return code


def formats(runs: Runs, without: Iterable[str] = ()) -> np.ndarray:
    """Give rows one number that were quantized in one way, but for some columns."""
    return codes_of(runs, (n for n in ("stage", *FORMAT) if n not in tuple(without)))


def width(runs: Runs) -> np.ndarray:
    """Bits of the narrower of weights and activations, shape ``(rows,)``."""
    return np.asarray(np.minimum(runs.columns["w_bits"], runs.columns["a_bits"]))


def name_of(runs: Runs, row: int) -> str:
    """Name the run of a row, as a sentence does."""
    return f"run {runs.columns['run'][row]}" if runs.columns["run"][row] else "one network"
