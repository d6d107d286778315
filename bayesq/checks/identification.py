"""What the rows can and cannot tell about a law, before anything is sampled."""

from __future__ import annotations

import numpy as np

from bayesq.checks.schedules import schedule_note
from bayesq.counted import how_many
from bayesq.law.inputs import Input
from bayesq.model.design import ORIGIN, Design
from bayesq.model.hierarchy import Pooling
from bayesq.notes import Note
from bayesq.runs.counts import format_count
from bayesq.runs.spellings import scheme

_LEVELS = 3
_CORRELATION = 0.95
_FEW_RUNS = 10
# Below the first the spreads are mostly the prior's, below the second roughly known.
_FEW_STUDIES, _SOME_STUDIES = 4, 8


def identification_notes(design: Design) -> list[Note]:
    """Say which inputs have too few levels, and whether N and D move together.

    Parameters
    ----------
    design : Design
        Rows and inputs of a fit.

    Returns
    -------
    list of Note
        Codes ``few-levels``, ``moving-together``, ``ignored-columns``, ``several-studies``,
        ``no-full-precision``, ``few-runs``, ``few-studies``, ``one-schedule``,
        ``schedule-unknown``.
    """
    notes = []
    for i in design.law.inputs_of(design.response):
        applies = design.runs.quantized if i.format and design.response == "loss" else slice(None)
        levels = np.unique(design.inputs[i.symbol][applies])
        if len(levels) < (2 if i.scale == "flag" else _LEVELS):
            notes.append(_few_levels(i, levels))
    notes += _moving_together(design)
    if design.pooling is not None:
        notes += _few_studies(design.pooling)
    varying = {n: v for n, v in design.varying_formats().items() if not _says_widths_only(n, v)}
    origins = {name: varying.pop(name) for name in ORIGIN if name in varying}
    if origins:
        names_of = next(iter(origins))
        names = _levels(origins[names_of])
        notes.append(
            Note(
                "several-studies",
                "severe" if design.response == "loss" else "warning",
                f"The rows come from {len(names)} studies or corpora ({_some(names)}), and losses "
                "of different corpora and tokenizers do not lie on one law.",
                f"Fit them together, each with its own level: pool_by={names_of!r} (--pool-by "
                f"{names_of}), or one of them: runs.select(\"{names_of} == '{names[0]}'\"), on the "
                "command line --where.",
            )
        )
    if varying:
        shown = "; ".join(f"{n}: {_some(_levels(v))}" for n, v in varying.items())
        notes.append(
            Note(
                "ignored-columns",
                "warning",
                f"Law {design.law.name} does not look at columns that vary in its rows ({shown}).",
                "Fit one setting at a time with runs.select(...), on the command line --where."
                if any(_shared(v, len(design.parameters)) for v in varying.values())
                else "No setting has rows enough for a fit of its own, so read the law as that of "
                "all of them together.",
            )
        )
    if design.response == "loss" and design.law.base and design.runs.quantized.all():
        notes.append(
            Note(
                "no-full-precision",
                "severe",
                "No row is in full precision: the data cannot tell base and degradation apart.",
                "Add the full-precision rows, or fit response='degradation'.",
            )
        )
    if (one := schedule_note(design)) is not None:
        notes.append(one)
    if (few := _few_runs(design)) is not None:
        notes.append(few)
    return notes


def _few_runs(design: Design) -> Note | None:
    """Say that rows come from fewer networks than there are rows, named in the table or not."""
    rows, found, unnamed = len(design.observed), len(set(design.runs.cluster)), ""
    mend = "Add runs, or read the intervals as those of these runs alone."
    if not design.runs.runs_named and design.response == "degradation":
        # Rows that are set against one full-precision row are of one network.
        columns = design.runs.columns
        sizes = (np.unique(columns[n], return_inverse=True)[1] for n in ("N", "D", "loss_full"))
        found = len(set(zip(*(codes.tolist() for codes in sizes), strict=True)))
        unnamed = ", told by their full-precision rows since no column names them"
        mend = "Name the runs in a column run (-c THEIRS=run); add runs, or read the intervals as "
        mend += "those of these runs alone."
    if found >= rows / 2:
        return None
    return Note(
        "few-runs",
        "warning" if found < _FEW_RUNS else "info",
        f"{rows} rows come from {how_many(found, 'training run')}{unnamed}; rows of one run are "
        "not independent, and intervals that treat them so are too narrow.",
        mend,
    )


def _says_widths_only(name: str, values: np.ndarray) -> bool:
    """Tell whether a column repeats in words, int4 or W4A16, what columns of widths have."""
    told = set(values.tolist()) - {""}
    return name == "method" and all(scheme(text) is not None for text in told)


def _shared(values: np.ndarray, least: int) -> bool:
    """Tell whether a level of a column has at least so many rows."""
    told = values[values != ""]
    return bool(told.size) and int(np.unique(told, return_counts=True)[1].max()) >= least


def _few_levels(i: Input, levels: np.ndarray) -> Note:
    symbol = i.symbol
    shown = " and ".join(format_count(v) for v in levels)
    if len(levels) == 1 and levels[0] == i.neutral:
        return Note(
            "few-levels",
            "warning",
            f"Input {symbol} is {shown} in every row, where it changes nothing: the data say "
            "nothing about its parameters.",
            f"Do not ask about other {symbol}; its parameters are the prior's.",
        )
    exponent = "nothing" if len(levels) == 1 else "no more than a straight line"
    return Note(
        "few-levels",
        "severe" if len(levels) == 1 else "warning",
        f"Input {symbol} has {how_many(len(levels), 'level')} ({shown}): "
        f"the data say {exponent} about how the response depends on it.",
        f"Add runs at other {symbol}; until then its exponent is the prior's.",
    )


def _few_studies(pooling: Pooling) -> list[Note]:
    count = len(pooling.names)
    if count >= _SOME_STUDIES:
        return []
    if count >= _FEW_STUDIES:
        # The standard error of a standard deviation, as a share of it.
        roughly = 1 / np.sqrt(2 * (count - 1))
        return [
            Note(
                "few-studies",
                "info",
                f"{count} studies tell how much studies differ to no better than {roughly:.0%}: "
                "the interval of a new study is wide by that.",
                "Add studies, or ask about the studies that were fitted.",
            )
        ]
    return [
        Note(
            "few-studies",
            "warning",
            f"{count} studies ({', '.join(pooling.names)}) hardly tell how much studies differ: "
            "the spreads between them, and so what is said of a new study, are mostly the prior's.",
            "Add studies, or ask about the studies that were fitted.",
        )
    ]


def _moving_together(design: Design) -> list[Note]:
    symbols = [i.symbol for i in design.law.inputs_of(design.response)]
    if not {"N", "D"} <= set(symbols):
        return []
    n, d = np.log(design.inputs["N"]), np.log(design.inputs["D"])
    if np.ptp(n) == 0 or np.ptp(d) == 0:
        return []
    correlation = float(np.corrcoef(n, d)[0, 1])
    if abs(correlation) < _CORRELATION:
        return []
    return [
        Note(
            "moving-together",
            "warning",
            f"N and D move together (correlation of their logarithms {correlation:.3f}): the data "
            "cannot tell the effect of one from the other.",
            "Add runs with another number of tokens per parameter.",
        )
    ]


def _levels(values: np.ndarray) -> list[str]:
    """Distinct values, numbers by size before words."""
    numeric = {v: float(v) for v in set(values) - {""} if v.replace(".", "").lstrip("-").isdigit()}
    return sorted(numeric, key=numeric.__getitem__) + sorted(set(values) - {"", *numeric})


def _some(values: list[str], most: int = 5) -> str:
    more = f" and {len(values) - most} more" if len(values) > most else ""
    return ", ".join(values[:most]) + more
