"""Whether rows were quantized after training or in it, where column stage does not say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bayesq.notes import series
from bayesq.runs.runs import Runs

# Methods that a name alone places. Rounding to nearest is done in training too, and is not here.
_METHODS = {
    "post": re.compile(
        r"gptq|awq|smoothquant|quarot|spinquant|omniquant|quip|aqlm|hqq|gguf|\bi?q\d_|\bptq\b",
        re.IGNORECASE,
    ),
    "train": re.compile(r"\bqat\b|\blsq\b|bitnet|\bquest\b|quartet", re.IGNORECASE),
}
_WHEN = {"post": "quantize after training", "train": "train in low precision"}


@dataclass(frozen=True)
class Unsaid:
    """What is to be said of quantized rows whose stage the table does not give.

    Parameters
    ----------
    sentence : str
        What to write into column ``stage``, and why.
    stage : {"post", "train"}, optional
        What the table tells all the same; none where nothing does.
    """

    sentence: str
    stage: Literal["post", "train"] | None = None


def unsaid_stage(runs: Runs) -> Unsaid | None:
    """Say what a table tells of the stage of its quantized rows where column stage does not.

    A quantized row with a full-precision row of its own run, N and D is of that very network, so
    it was rounded after training. A method may tell by its name.

    Returns
    -------
    Unsaid or None
        None where every quantized row gives its stage, or none is quantized.
    """
    columns = runs.columns
    blank = np.flatnonzero(runs.quantized & (columns["stage"] == ""))
    if not len(blank):
        return None
    methods = sorted(set(columns["method"][blank].tolist()))
    for stage, known in _METHODS.items():
        if all(known.search(method) for method in methods):
            named = series(methods[:3])
            several = len(methods) > 1
            verb = _WHEN[stage] if several else _WHEN[stage].replace(" ", "s ", 1)
            return Unsaid(
                f"Write {stage} into a column stage of the quantized rows, since "
                f"{'methods' if several else 'method'} {named} {verb}.",
                "post" if stage == "post" else "train",
            )
    if any(known.search(method) for method in methods for known in _METHODS.values()):
        return _open(blank, runs)  # of both kinds, or of one in some rows
    told = _of_one_network(runs, blank)
    if told.all():
        return Unsaid(
            "Write post into a column stage of the quantized rows, since each has a full-precision "
            "row of its own run, N and D, so that it seems rounded after training (train, and a "
            "run of its own, if it was trained in these bits).",
            "post",
        )
    return _open(blank[~told], runs)


def _open(rows: np.ndarray, runs: Runs) -> Unsaid:
    count = int(runs.quantized.sum())
    which = "the quantized rows" if len(rows) == count else f"{len(rows)} of {count} quantized rows"
    return Unsaid(
        "Write a column stage, post for rows that were quantized after training and train for rows "
        f"that were trained in low precision, since nothing in this table tells it of {which}."
    )


def _of_one_network(runs: Runs, rows: np.ndarray) -> np.ndarray:
    """Tell which rows have a full-precision row of the same run, N and D; shape of `rows`."""
    columns, partner = runs.columns, runs.partners.rows[rows]
    same = (partner >= 0) & (columns["run"][rows] != "")
    for name in ("run", "N", "D"):
        same &= columns[name][rows] == columns[name][partner]
    return np.asarray(same)
