"""Which columns of a table say how a run was trained, so that its partners must share them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bayesq.runs.schema import FORMAT, Row

# Common columns in which runs differ beside precision and seed.
_RECIPE = ("U", "annealed", "row_length")


def _words(*words: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|[\W_\d])(?:{'|'.join(words)})(?:$|[\W_\d])", re.IGNORECASE)


_RECIPE_WORDS = _words(
    *("lr", "learning", "optimi[sz]er", "optim", "schedule", "scheduler", "warmup", "cooldown"),
    *("decay", "batch", "bs", "data", "dataset", "mix", "mixture", "tokenizer", "vocab", "wd"),
    *("dropout", "context", "ctx", "seq", "seqlen", "sequence", "arch", "architecture", "width"),
    *("depth", "layers?", "heads?", "dim", "hidden", "init", "recipe", "beta", "clip", "epochs?"),
    *("momentum", "mup", "experts?", "accum", "accumulation"),
    r"(?:z|aux)_?loss_(?:weight|coeff?|coefficient|scale|mult)",
)
# What a row was written down with, and how it was quantized: settings of no training run. Names,
# paths and versions are left to other words (dataset_name), and to values.
_OTHER_WORDS = _words(
    *("hosts?", "hostname", "nodes?", "machine", "cluster", "server", "gpus?", "devices?", "rank"),
    *("worker", "job", "slurm", "user", "owner", "author", "date", "day", "created", "updated"),
    *("started", "finished", "comments?", "notes?", "remarks?", "description", "desc", "memo"),
    *("urls?", "links?", "checkpoint", "ckpt", "hash", "sha", "commit", "uuid", "index", "idx"),
    *("row", "line", "trial", "rep", "repeat", "replicate", "attempt", "try", "rng", "shard"),
    *("calib", "calibration", "quant", "quantized", "ptq"),
)
# Columns of measurements.
_MEASURED = _words(
    *("[a-z]*loss(?:es)?", "[a-z]*ppl", "[a-z]*perplexity", "[a-z]*acc", "accuracy", "scores?"),
    *("evals?", "evaluation", "tests?", "val", "valid", "validation", "bpb"),
)
# These words are of a recipe beside one of it (init_std), and else of a measurement.
_MEASURED_ALONE = _words("[a-z]*time", "se", "stderr", "std")
# A term of what was minimized, or its weight.
_LOSS_OF_RECIPE = re.compile(r"(?:^|_)(?:z|aux)_?loss", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
# Rows that find a full-precision row of their value, beyond chance: a share of what chance leaves,
# and in its standard deviations.
_BEYOND, _DEVIATIONS = 0.5, 3.0
_CELLS, _MOST = 3, 6
EMPTY = (None, "")


def plain(values: np.ndarray) -> list[Any]:
    """Cells that can be compared: NaN is equal to nothing, and None to itself."""
    cells = values.tolist()
    return [None if cell != cell else cell for cell in cells] if values.dtype != object else cells


def recipe_columns(
    columns: Mapping[str, np.ndarray], quantized: np.ndarray, setting: Sequence[Any]
) -> list[str]:
    """Name the columns that say how a run was trained, beside its size, tokens, bits and seed.

    A column of the user's own does where its name says so, or its values: these come again in both
    precisions, and go with the settings as a recipe does. A host, a date or a comment varies from
    row to row, and would part quantized rows from their partners by chance.

    Parameters
    ----------
    columns : mapping of str to ndarray, each of shape (rows,)
        The table.
    quantized : ndarray of bool, shape (rows,)
        Which rows are quantized.
    setting : sequence of length rows
        What each row shares with its partner.
    """
    found = list(_RECIPE)
    for name in columns:
        said = _CAMEL.sub("_", name)
        if name in Row.model_fields or name == "partner" or _OTHER_WORDS.search(said):
            continue
        if _MEASURED.search(_LOSS_OF_RECIPE.sub("", said)):
            continue
        recipe = _RECIPE_WORDS.search(said)
        if not recipe and _MEASURED_ALONE.search(said):
            continue
        if recipe or _by_values(columns, name, quantized, setting):
            found.append(name)
    return found


def _by_values(
    columns: Mapping[str, np.ndarray], name: str, quantized: np.ndarray, setting: Sequence[Any]
) -> bool:
    """Tell whether the values of a column go with settings as those of a recipe do."""
    values = plain(columns[name])
    known = [i for i, value in enumerate(values) if value not in EMPTY]
    full, narrow = ([i for i in known if quantized[i] == q] for q in (False, True))
    # Values of one precision alone are formats.
    if len({values[i] for i in full} & {values[i] for i in narrow}) < 2:
        return False
    run = columns["run"]
    there = defaultdict(set)
    runs_there = defaultdict(set)
    for i in full:
        there[setting[i]].add(values[i])
        runs_there[setting[i]].add(run[i])
    # A network quantized after training has its partner anyway.
    told = [
        i
        for i in narrow
        if setting[i] in there and not (run[i] and run[i] in runs_there[setting[i]])
    ]
    if not told:
        return False
    met = sum(values[i] in there[setting[i]] for i in told)
    if met == len(told):
        return True
    often = Counter(values[i] for i in told)
    chance = np.array([sum(often[v] for v in there[setting[i]]) for i in told]) / len(told)
    spread = float(np.sqrt((chance * (1 - chance)).sum()))
    beyond = met - float(chance.sum())
    agree = beyond > _DEVIATIONS * spread and beyond > _BEYOND * float((1 - chance).sum())
    return agree or _crossed(columns, values, narrow, setting)


def _crossed(
    columns: Mapping[str, np.ndarray], values: list[Any], rows: list[int], setting: Sequence[Any]
) -> bool:
    """Tell whether equal formats of equal settings were run once with each value."""
    every = {values[i] for i in rows}
    if len(every) > _MOST or isinstance(next(iter(every)), float):
        return False
    same = [plain(columns[name]) for name in ("stage", "seed", *FORMAT) if name in columns]
    cells = defaultdict(list)
    for i in rows:
        cells[setting[i], *(column[i] for column in same)].append(values[i])
    whole = sum(len(cell) == len(every) == len(set(cell)) for cell in cells.values())
    return whole >= _CELLS and whole >= 0.9 * len(cells)
