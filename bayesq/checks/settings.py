"""Which rows of a table are of one setting, one network or one compression."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from bayesq.runs.runs import Runs
from bayesq.runs.schema import FORMAT, Row

# Columns that a measurement brings with it: what was measured, and of which repeat.
MEASURED = ("loss", "loss_se", "loss_full", "degradation_se")
_REPEAT = ("run", "seed")
NETWORK = ("study", "corpus", "run", "seed", "N", "D", "train_w_bits")


def codes_of(runs: Runs, names: Iterable[str]) -> np.ndarray:
    """Number the rows by their values in some columns, shape ``(rows,)``; empty cells are equal."""
    code = np.zeros(len(runs), dtype=int)
    for name in names:
        if name not in runs.columns:
            continue
        _, own = np.unique(runs.columns[name], return_inverse=True, equal_nan=True)
        _, code = np.unique(code * (int(own.max()) + 1) + own, return_inverse=True)
    return code


def groups_of(codes: np.ndarray, rows: np.ndarray, least: int = 2) -> list[np.ndarray]:
    """Indices of chosen rows that have one code, for codes that have as many rows as asked for."""
    index = np.flatnonzero(rows)
    order = index[np.argsort(codes[index], kind="stable")]
    cuts = np.flatnonzero(np.diff(codes[order])) + 1
    return [group for group in np.split(order, cuts) if len(group) >= least]


def own_columns(runs: Runs) -> tuple[str, ...]:
    """Columns of the table that bayesq does not know."""
    return tuple(name for name in runs.columns if name not in Row.model_fields)


def settings(runs: Runs) -> np.ndarray:
    """Number the settings: rows of one differ in run, seed and what was measured alone."""
    known = (n for n in Row.model_fields if n not in (*MEASURED, *_REPEAT))
    return codes_of(runs, (*known, *own_columns(runs)))


def formats(runs: Runs, without: Iterable[str] = ()) -> np.ndarray:
    """Number the ways in which rows were quantized, but for some columns."""
    return codes_of(runs, (n for n in ("stage", *FORMAT) if n not in tuple(without)))


def width(runs: Runs) -> np.ndarray:
    """Bits of the narrower of weights and activations, shape ``(rows,)``."""
    return np.asarray(np.minimum(runs.columns["w_bits"], runs.columns["a_bits"]))
