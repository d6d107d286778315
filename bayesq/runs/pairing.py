"""Which full-precision row each quantized row is to be compared with."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesq.runs.recipes import EMPTY, plain, recipe_columns
from bayesq.runs.schema import BITS, FULL_PRECISION_BITS
from bayesq.runs.written_widths import names_quantizer, tell_each

_WIDTHS = (*BITS, "fc2_a_bits")
# Rows of one network at one time on one text. Which step it is, a log says in a column of its own.
_SETTING = ("study", "corpus", "N", "D")
_STEPS = ("step", "_step", "global_step", "Step", "iteration")
# Columns that name a row's network, the first that the table fills.
_NAMES = ("run", "model", "name", "run_name", "model_name")
_WORD = re.compile(r"[^\W\d_]+|\d+")
# Seeds of one cell differ by 0.1 to 1 per cent in loss.
_CLEARLY = 0.01


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
    open : dict of int to tuple of int
        Rows whose partner nothing in the table decides, though it matters, and those that it may
        be; the one taken is the first.
    """

    rows: np.ndarray
    own: np.ndarray
    refused: Mapping[int, str]
    lost: tuple[int, ...]
    open: Mapping[int, tuple[int, ...]]


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
    N and D (or step, where D is not known or stands still), and is of the same run (a network
    quantized after training), or of one that differs in nothing but precision and seed: of the run
    whose name begins most alike, of the same seed, else the first. A network that was trained in
    few bits has none outside its own run. A row that names a quantizer without bits is no partner
    where others say that they are of full precision.
    """
    quantized = is_quantized(columns)
    found, own = np.full(len(quantized), -1), np.full(len(quantized), False)
    if not quantized.any():
        return Partners(found, own, {}, (), {})
    setting = _settings(columns)
    moving = _moving_steps(columns, quantized, setting)
    low = _trained_low(columns, quantized)
    unsure = _quantized_unsaid(columns, quantized)
    named = _named(columns, quantized)
    full = ~quantized & ~low & ~unsure
    if not moving:
        found = _only_of_run(columns["run"], setting, full, quantized)
        found[list(named)] = -1
        own = found >= 0
    open_ = np.flatnonzero(quantized & ~own).tolist()
    if not open_:
        return Partners(found, own, {}, (), {})
    refused: dict[int, str] = {}
    lost: list[int] = []
    recipes = _recipes(columns, quantized, setting)
    at_step = _shared(*moving.values()) or [()] * len(quantized)
    recipes |= moving
    signature = _shared(*recipes.values())
    run, seed = columns["run"], plain(columns["seed"])
    words: list[tuple[str, ...]] = []
    choices: dict[int, tuple[int, ...]] = {}
    likest: dict[Any, dict[tuple[str, ...], list[int]]] = {}
    decided: dict[Any, tuple[int, ...]] = {}
    of_recipe: dict[Any, list[int]] = {}

    def choose(i: int, rows: list[int], among: Any) -> int:
        if len(rows) == 1:
            return rows[0]
        words.extend([] if words else _words(columns))
        # Many rows have the same candidates.
        key = among, signature[i]
        if key not in likest:
            likest[key] = _by_beginning(_of_recipe(signature[i], rows, signature), words)
        begins = _beginning(words[i], likest[key])
        case = (*key, begins, seed[i])
        if case not in decided:
            decided[case] = _decide(i, likest[key][begins], seed, columns["loss"], recipes)
        taken, *others = decided[case]
        if others:
            choices[i] = (taken, *others)
        return taken

    of_run: dict[Any, list[int]] = defaultdict(list)
    of_setting: dict[Any, dict[Any, list[int]]] = defaultdict(lambda: defaultdict(list))
    for i in np.flatnonzero(full).tolist():
        of_run[setting[i], run[i]].append(i)
        of_setting[setting[i]][signature[i]].append(i)
    of_unsure = {setting[i] for i in np.flatnonzero(unsure).tolist()}
    for i in open_:
        if i in named:
            found[i] = max(named[i], key=lambda j: setting[i] == setting[j], default=-1)
            own[i] = found[i] >= 0
            lost += [i] if found[i] < 0 else []
        elif run[i] and (mine := of_run.get((setting[i], run[i]))):
            steps = mine
            if moving:
                steps = [j for j in mine if not _apart(tuple(moving), at_step[i], at_step[j])]
            if steps:
                found[i], own[i] = choose(i, steps, ("own", setting[i], run[i], at_step[i])), True
            else:
                refused[i] = next(iter(moving))
        elif others := of_setting.get(setting[i]):
            key = setting[i], signature[i]
            if low[i]:
                refused[i] = "train_w_bits"
                continue
            if key not in of_recipe:
                of_recipe[key] = sorted(
                    j
                    for other, rows in others.items()
                    if not _apart(tuple(recipes), signature[i], other)
                    for j in rows
                )
            if of_recipe[key]:
                found[i] = choose(i, of_recipe[key], setting[i])
            else:
                refused[i] = _apart(tuple(recipes), signature[i], next(iter(others)))
        elif setting[i] in of_unsure:
            refused[i] = "method"
    return Partners(found, own, refused, tuple(lost), choices)


def _trained_low(columns: Mapping[str, np.ndarray], quantized: np.ndarray) -> np.ndarray:
    """Tell which rows are of a network that was trained in few bits and then quantized otherwise.

    The table says so, or other rows of the run and size do.
    """
    training = columns["stage"] == "train"
    # NaN is not below.
    said: np.ndarray = columns["train_w_bits"] < FULL_PRECISION_BITS
    if not (training & quantized).any():
        return said
    key = _shared(*(columns[name].tolist() for name in ("study", "run", "N")))
    trained = {key[i] for i in np.flatnonzero(training & quantized).tolist() if columns["run"][i]}
    found: np.ndarray = said & ~(quantized & training) | np.array(
        [q and not t and k in trained for q, t, k in zip(quantized, training, key, strict=True)],
        dtype=bool,
    )
    return found


def _quantized_unsaid(columns: Mapping[str, np.ndarray], quantized: np.ndarray) -> np.ndarray:
    """Tell which rows name a quantizer and no bits, where other rows are of full precision."""
    full = ~quantized & (columns["stage"] == "")
    unsaid: np.ndarray = full & tell_each(columns["method"], names_quantizer)
    return unsaid if (~quantized & ~unsaid).any() else np.zeros_like(unsaid)


def _words(columns: Mapping[str, np.ndarray]) -> list[tuple[str, ...]]:
    """Split the name of each row's network into words and numbers."""
    texts = (columns[name] for name in _NAMES if name in columns and columns[name].dtype == object)
    names = next((values for values in texts if (values != "").any()), columns["run"])
    cells = names.tolist()
    known = {name: tuple(_WORD.findall(name.casefold())) for name in dict.fromkeys(cells)}
    return [known[name] for name in cells]


def _shared(*columns: Sequence[Any]) -> list[tuple[Any, ...]]:
    """List the cells of each row, those of equal rows being one tuple."""
    known: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    return [known.setdefault(cells, cells) for cells in zip(*columns, strict=True)]


def _of_recipe(
    one: tuple[Any, ...], rows: list[int], signature: list[tuple[Any, ...]]
) -> list[int]:
    """Keep of some rows those whose recipe is told to be a row's in most columns."""
    alike = {
        other: sum(a == b and a not in EMPTY for a, b in zip(one, other, strict=True))
        for other in {signature[j] for j in rows}
    }
    most = max(alike.values())
    return [j for j in rows if alike[signature[j]] == most]


def _by_beginning(
    rows: list[int], words: list[tuple[str, ...]]
) -> dict[tuple[str, ...], list[int]]:
    """List some rows by each beginning of their names."""
    found: dict[tuple[str, ...], list[int]] = {(): rows}
    for j in rows:
        # Of runs that are numbered or dated the beginning says nothing.
        if words[j] and not words[j][0].isdigit():
            for n in range(1, len(words[j]) + 1):
                found.setdefault(words[j][:n], []).append(j)
    return found


def _beginning(
    name: tuple[str, ...], known: Mapping[tuple[str, ...], list[int]]
) -> tuple[str, ...]:
    """Return the longest beginning of a name that is known."""
    return next(name[:n] for n in range(len(name), -1, -1) if name[:n] in known)


def _decide(
    row: int,
    rows: list[int],
    seed: list[Any],
    loss: np.ndarray,
    recipes: Mapping[str, list[Any]],
) -> tuple[int, ...]:
    """Take one of some rows by its seed; with it the others, where they differ in what matters."""
    same = [j for j in rows if seed[j] == seed[row] and seed[row] is not None]
    left = same or rows
    apart = any(len({values[j] for j in left} - {None, ""}) > 1 for values in recipes.values())
    losses = loss[left]
    clearly = losses.max() - losses.min() > _CLEARLY * losses.min()
    return tuple(left) if apart or clearly else (left[0],)


def _moving_steps(
    columns: Mapping[str, np.ndarray], quantized: np.ndarray, setting: list[int]
) -> dict[str, list[Any]]:
    """Return steps where runs have several at one D; elsewhere D tells what they would."""
    trained = ~quantized | (columns["stage"] == "train")
    found = {}
    for name in (name for name in _STEPS if name in columns):
        steps = plain(columns[name])
        seen = defaultdict(set)
        for i in np.flatnonzero(trained & (columns["run"] != "")).tolist():
            if steps[i] not in EMPTY and not np.isnan(columns["D"][i]):
                seen[setting[i], columns["run"][i], quantized[i]].add(steps[i])
        moving = {at for (at, _, _), values in seen.items() if len(values) > 1}
        if moving:
            found[name] = [
                step if at in moving else None for step, at in zip(steps, setting, strict=True)
            ]
    return found


def _settings(columns: Mapping[str, np.ndarray]) -> list[int]:
    """Give rows of one number that share what partners do; a step tells only where D is unknown."""
    unknown = np.isnan(columns["D"])
    shared = [columns[name] for name in _SETTING]
    if unknown.any():
        for steps in (columns[name] for name in _STEPS if name in columns):
            shared.append(np.where(unknown, steps, "" if steps.dtype == object else np.nan))
    return list(_numbered(*shared).tolist())


def _numbered(*columns: np.ndarray) -> np.ndarray:
    """Give rows of equal cells one number; NaN is equal to itself."""
    found = np.zeros(len(columns[0]), dtype=np.int64)
    for values in columns:
        if values.dtype == object:
            known: dict[Any, int] = {}
            codes = np.array([known.setdefault(cell, len(known)) for cell in values.tolist()])
        else:
            codes = np.unique(values, return_inverse=True)[1]
        if codes.any():
            found = np.unique(found * (int(codes.max()) + 1) + codes, return_inverse=True)[1]
    return found


def _only_of_run(
    run: np.ndarray, setting: list[int], full: np.ndarray, quantized: np.ndarray
) -> np.ndarray:
    """Return the only full-precision row of each quantized row's run and setting, -1 elsewhere."""
    key = _numbered(np.array(setting), run)
    times = np.bincount(key[full], minlength=int(key.max()) + 1)
    first = np.zeros(len(times), dtype=int)
    first[key[full]] = np.flatnonzero(full)
    return np.where(quantized & (run != "") & (times[key] == 1), first[key], -1)


def _recipes(
    columns: Mapping[str, np.ndarray], quantized: np.ndarray, setting: list[int]
) -> dict[str, list[Any]]:
    """Return the cells in which rows of another run must equal a row, by column."""
    # Where tokens are unknown, those of another run may be others.
    unknown = [
        r if np.isnan(d) else None for r, d in zip(columns["run"], columns["D"], strict=True)
    ]
    return {name: plain(columns[name]) for name in recipe_columns(columns, quantized, setting)} | {
        "D": unknown
    }


def _apart(names: tuple[str, ...], one: tuple[Any, ...], other: tuple[Any, ...]) -> str:
    """Return the first column that tells two recipes apart; an empty cell tells nothing."""
    pairs = zip(names, one, other, strict=True)
    return next((n for n, a, b in pairs if a not in EMPTY and b not in EMPTY and a != b), "")


def _named(columns: Mapping[str, np.ndarray], quantized: np.ndarray) -> dict[int, list[int]]:
    """List the full-precision rows of the runs that column ``partner`` names, by row."""
    if "partner" not in columns:
        return {}
    key = _shared(columns["study"].tolist(), columns["corpus"].tolist())
    full = defaultdict(list)
    for i in np.flatnonzero(~quantized).tolist():
        full[key[i], columns["run"][i]].append(i)
    # An older file may hold numbers.
    told = plain(columns["partner"])
    partner = [str(name).removesuffix(".0") if isinstance(name, float) else name for name in told]
    return {
        i: full.get((key[i], partner[i])) or full.get((key[i], partner[i].removesuffix(".0")), [])
        for i in np.flatnonzero(quantized).tolist()
        if partner[i]
    }
