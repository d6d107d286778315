"""Which full-precision row each quantized row is to be compared with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesq.runs.recipes import EMPTY, plain, recipe_columns
from bayesq.runs.schema import BITS, FULL_PRECISION_BITS

_WIDTHS = (*BITS, "fc2_a_bits")
# Rows of one network at one time on one text. Which step it is, a log says in a column of its own.
_SETTING = ("study", "corpus", "N", "D")
_STEPS = ("step", "_step", "global_step", "Step", "iteration")


@dataclass(frozen=True)
class Partners:
    """The full-precision partner of each row.

    Parameters
    ----------
    rows : ndarray of int, shape (rows,)
        Index of the partner's row, -1 where there is none and for rows that are not quantized.
    own : ndarray of bool, shape (rows,)
        Whether it is of the row's own run, or of the run that column ``partner`` names.
    refused : dict of int to str
        Rows of which the only full-precision rows of equal size and tokens are no partners, and
        the column that tells them apart.
    lost : tuple of int
        Rows whose column ``partner`` names a run without a full-precision row.
    """

    rows: np.ndarray
    own: np.ndarray
    refused: Mapping[int, str]
    lost: tuple[int, ...]


def is_quantized(columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Tell the quantized rows: a width below 16 bits, zero weights, or stage ``train`` or ``post``.

    Returns
    -------
    ndarray of bool, shape (rows,)
    """
    narrow = np.any([columns[name] < FULL_PRECISION_BITS for name in _WIDTHS], axis=0)
    sparse = columns["sparsity"] > 0
    return narrow | sparse | np.isin(columns["stage"], ("train", "post"))


def find_partners(columns: Mapping[str, np.ndarray]) -> Partners:
    """Find the full-precision partner of each quantized row.

    Where column ``partner`` names a run, it is that run's row. Else it has the same study, corpus,
    N and D (or step, where D is not known), and is of the same run (a network quantized after
    training), or of one that differs in nothing but precision and seed: of the same seed, else the
    first. A network that was trained in few bits has none outside its own run.
    """
    quantized = is_quantized(columns)
    found, own = np.full(len(quantized), -1), np.full(len(quantized), False)
    refused: dict[int, str] = {}
    lost: list[int] = []
    setting = _settings(columns)
    recipes = _recipes(columns, quantized, setting)
    signature = list(zip(*recipes.values(), strict=True))
    run, seed = columns["run"], columns["seed"]
    # NaN is not below.
    low = columns["train_w_bits"] < FULL_PRECISION_BITS
    of_run: dict[Any, list[int]] = defaultdict(list)
    of_setting: dict[Any, dict[Any, list[int]]] = defaultdict(lambda: defaultdict(list))
    for i in np.flatnonzero(~quantized & ~low).tolist():
        of_run[setting[i], run[i]].append(i)
        of_setting[setting[i]][signature[i]].append(i)
    named = _named(columns, quantized)
    for i in np.flatnonzero(quantized).tolist():
        if i in named:
            found[i] = max(named[i], key=lambda j: setting[i] == setting[j], default=-1)
            own[i] = found[i] >= 0
            lost += [i] if found[i] < 0 else []
        elif run[i] and (mine := of_run.get((setting[i], run[i]))):
            found[i], own[i] = _of_seed(mine, seed, i), True
        elif others := of_setting.get(setting[i]):
            narrow = low[i] and columns["stage"][i] != "train"
            apart = {
                other: "train_w_bits" if narrow else _apart(tuple(recipes), signature[i], other)
                for other in others
            }
            alike = sorted(j for other, rows in others.items() if not apart[other] for j in rows)
            if alike:
                found[i] = _of_seed(alike, seed, i)
            else:
                refused[i] = next(iter(apart.values()))
    return Partners(found, own, refused, tuple(lost))


def _settings(columns: Mapping[str, np.ndarray]) -> list[tuple[Any, ...]]:
    """Say of each row what it shares with its partner; a step tells only where D is not known."""
    unknown = np.isnan(columns["D"])
    steps = [
        [step if told else None for step, told in zip(plain(columns[name]), unknown, strict=True)]
        for name in _STEPS
        if name in columns
    ]
    return list(zip(*(plain(columns[name]) for name in _SETTING), *steps, strict=True))


def _recipes(
    columns: Mapping[str, np.ndarray], quantized: np.ndarray, setting: list[tuple[Any, ...]]
) -> dict[str, list[Any]]:
    """Return the cells in which rows of another run must equal a row, by column."""
    # Where tokens are unknown, those of another run may be others.
    unknown = [
        r if np.isnan(d) else None for r, d in zip(columns["run"], columns["D"], strict=True)
    ]
    return {name: plain(columns[name]) for name in recipe_columns(columns, quantized, setting)} | {
        "D": unknown
    }


def _of_seed(rows: list[int], seed: np.ndarray, row: int) -> int:
    """Return the first of some rows that has a row's seed, else the first."""
    return next((j for j in rows if seed[j] == seed[row]), rows[0])


def _apart(names: tuple[str, ...], one: tuple[Any, ...], other: tuple[Any, ...]) -> str:
    """Return the first column that tells two recipes apart; an empty cell tells nothing."""
    pairs = zip(names, one, other, strict=True)
    return next((n for n, a, b in pairs if a not in EMPTY and b not in EMPTY and a != b), "")


def _named(columns: Mapping[str, np.ndarray], quantized: np.ndarray) -> dict[int, list[int]]:
    """List the full-precision rows of the runs that column ``partner`` names, by row."""
    if "partner" not in columns:
        return {}
    key = list(zip(columns["study"], columns["corpus"], strict=True))
    full = defaultdict(list)
    for i in np.flatnonzero(~quantized).tolist():
        full[key[i], columns["run"][i]].append(i)
    # Names that are numbers were read as numbers.
    partner = [format(p, "g") if isinstance(p, float) else p for p in plain(columns["partner"])]
    return {
        i: full.get((key[i], partner[i]), [])
        for i in np.flatnonzero(quantized).tolist()
        if partner[i]
    }
