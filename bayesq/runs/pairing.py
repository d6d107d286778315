"""Which full-precision row each quantized row is to be compared with."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesq.runs.schema import BITS, FULL_PRECISION_BITS, Row

_WIDTHS = (*BITS, "fc2_a_bits")
# Rows of one network at one time on one text. Which step it is, a log says in a column of its own.
_SETTING = ("study", "corpus", "N", "D")
_STEPS = ("step", "_step", "global_step", "Step", "iteration")
# What runs differ in beside precision and seed: common columns, and own ones by their words.
_RECIPE = ("U", "annealed", "row_length")
_RECIPE_WORDS = re.compile(
    r"(?:^|[\W_])(?:lr|learning|optimi[sz]er|optim|schedule|scheduler|warmup|cooldown|decay|batch"
    r"|bs|data|dataset|mix|mixture|tokenizer|vocab|wd|dropout|context|ctx|seq|seqlen|sequence"
    r"|arch|architecture|width|depth|layers?|heads?|dim|hidden|init|recipe|beta1|beta2|clip"
    r"|epochs?|momentum|mup|experts?)"
    r"(?:$|[\W_])",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_EMPTY = (None, "")
# Columns of measurements, not of settings.
_MEASURED = re.compile(r"loss|ppl|perplexity|acc|score|time|_se$|std|eval|test|val", re.IGNORECASE)


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
    setting, recipes = _settings(columns), _recipes(columns, quantized)
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
        [step if told else None for step, told in zip(_plain(columns[name]), unknown, strict=True)]
        for name in _STEPS
        if name in columns
    ]
    return list(zip(*(_plain(columns[name]) for name in _SETTING), *steps, strict=True))


def _recipes(columns: Mapping[str, np.ndarray], quantized: np.ndarray) -> dict[str, list[Any]]:
    """Return the cells in which rows of another run must equal a row, by column."""
    # Where tokens are unknown, those of another run may be others.
    unknown = [
        r if np.isnan(d) else None for r, d in zip(columns["run"], columns["D"], strict=True)
    ]
    return {name: _plain(columns[name]) for name in _recipe(columns, quantized)} | {"D": unknown}


def _of_seed(rows: list[int], seed: np.ndarray, row: int) -> int:
    """Return the first of some rows that has a row's seed, else the first."""
    return next((j for j in rows if seed[j] == seed[row]), rows[0])


def _apart(names: tuple[str, ...], one: tuple[Any, ...], other: tuple[Any, ...]) -> str:
    """Return the first column that tells two recipes apart; an empty cell tells nothing."""
    pairs = zip(names, one, other, strict=True)
    return next((n for n, a, b in pairs if a not in _EMPTY and b not in _EMPTY and a != b), "")


def _plain(values: np.ndarray) -> list[Any]:
    """Cells that can be compared: NaN is equal to nothing, and None to itself."""
    cells = values.tolist()
    return [None if cell != cell else cell for cell in cells] if values.dtype != object else cells


def _recipe(columns: Mapping[str, np.ndarray], quantized: np.ndarray) -> list[str]:
    """Name the columns that say how a run was trained, beside its size, tokens, bits and seed."""
    found = list(_RECIPE)
    for name, values in columns.items():
        plain = _CAMEL.sub("_", name)
        if name in Row.model_fields or name == "partner" or _MEASURED.search(plain):
            continue
        if _RECIPE_WORDS.search(plain):
            found.append(name)
        elif values.dtype == object:
            # What quantized and full-precision runs share, such as recipes a and b, is no format.
            shared = set(values[quantized].tolist()) & set(values[~quantized].tolist())
            if len(shared - set(_EMPTY)) > 1:
                found.append(name)
    return found


def _named(columns: Mapping[str, np.ndarray], quantized: np.ndarray) -> dict[int, list[int]]:
    """List the full-precision rows of the runs that column ``partner`` names, by row."""
    if "partner" not in columns:
        return {}
    key = list(zip(columns["study"], columns["corpus"], strict=True))
    full = defaultdict(list)
    for i in np.flatnonzero(~quantized).tolist():
        full[key[i], columns["run"][i]].append(i)
    # Names that are numbers were read as numbers.
    partner = [format(p, "g") if isinstance(p, float) else p for p in _plain(columns["partner"])]
    return {
        i: full.get((key[i], partner[i]), [])
        for i in np.flatnonzero(quantized).tolist()
        if partner[i]
    }
