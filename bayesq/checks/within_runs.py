"""What cannot be within one run: losses that rise with tokens, and steps of a log."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from bayesq.checks.settings import (
    MEASURED,
    codes_of,
    groups_of,
    name_of,
    own_columns,
)
from bayesq.counted import how_many
from bayesq.notes import Note
from bayesq.runs.counts import format_count
from bayesq.runs.runs import Runs
from bayesq.runs.schema import Row

_STEP_LIKE = re.compile(r"(^|[_\W])(step|iter|iteration|epoch|time|date|timestamp)", re.IGNORECASE)
# Steps of a log lie so close together, as shares of the loss, or fall.
_CLOSE = 0.05
# Counts of one network's parameters agree better, however they are counted.
_SIZES_APART = 1.5


def within_run_notes(runs: Runs, least: float) -> list[Note]:
    """Say where losses move within a run as they cannot, and which rows are steps of a log.

    Parameters
    ----------
    runs : Runs
        The table.
    least : float
        Share of the loss from which on a change counts.

    Returns
    -------
    list of Note
        Codes ``rises-with-D``, ``logged-rows``, ``run-of-several-n``.
    """
    return [*_rises_with_tokens(runs, least), *_logged(runs), *_of_several_sizes(runs)]


def _rises_with_tokens(runs: Runs, least: float) -> list[Note]:
    """Find runs in full precision whose last losses are clearly above their first."""
    columns = runs.columns
    once = ~(columns["U"] < columns["D"])  # tokens that are repeated may hurt
    told = ~runs.quantized & (columns["run"] != "") & ~np.isnan(columns["D"]) & once
    codes = codes_of(runs, ("study", "corpus", "run", "seed", "N"))
    rising = []
    tried = 0
    for rows in groups_of(codes, told):
        tokens = np.log(columns["D"][rows])
        if np.ptp(tokens) < np.log(1.2):
            continue
        tried += 1
        order = rows[np.argsort(tokens, kind="stable")]
        loss = np.log(columns["loss"][order])
        ends = max(1, len(order) // 4)
        rise = np.mean(loss[-ends:]) - np.mean(loss[:ends])
        steps = np.sign(np.diff(loss)).sum()
        if rise > least and steps > 0:
            rising.append(order)
    if not rising:
        return []
    rows = np.concatenate(rising)
    first = rising[0]
    severe = len(rising) > tried / 2
    return [
        Note(
            "rises-with-D",
            "severe" if severe else "warning",
            f"The loss rises with D within {len(rising)} of {how_many(tried, 'run')} "
            f"({name_of(runs, first[0])}: {columns['loss'][first[0]]:.4g} in "
            f"{runs.named(first[:1])}, {columns['loss'][first[-1]]:.4g} in "
            f"{runs.named(first[-1:])}), where more tokens bring it down: a run that diverged, "
            "rows in the wrong order, or a column that is not D.",
            "Look at these rows, and leave them out if the run is broken: --where "
            f"\"run != '{columns['run'][first[0]]}'\".",
            tuple(runs.numbers[rows]),
        )
    ]


def _logged(runs: Runs) -> list[Note]:
    """Rows of one run's log at the same N and D."""
    columns = runs.columns
    same = [n for n in Row.model_fields if n not in MEASURED]
    every = codes_of(runs, columns)
    alike = [n for n in own_columns(runs) if not _STEP_LIKE.search(n) and _is_setting(runs, n)]
    codes = codes_of(runs, (*same, *alike))
    named = columns["run"] != ""
    groups = [g for g in groups_of(codes, named) if len(np.unique(every[g])) > 1]
    if not groups:
        return []
    rows, first = np.concatenate(groups), groups[0]
    # One or two among many are runs of one name, and cannot decide anything.
    few = len(groups) < 3 and len(groups) < 0.05 * len(set(runs.cluster))
    apart = _apart(runs, (*same, *alike))
    last = f"table.groupby([{', '.join(map(repr, apart))}], dropna=False).tail(1)"
    who = f"{len(groups)} {'run has' if len(groups) == 1 else 'runs have'} several rows of the same"
    shown = f"({name_of(runs, first[0])}: {runs.named(first)})"
    if _log_like(runs, groups):
        what = f"N and D {shown}: steps of a log, which are not independent measurements."
        mend = f"Keep the last step of each: {last}; if they are repeats, give each its seed."
    else:
        what = (
            f"setting {shown} whose losses are far apart: what sets them apart (a width, a method, "
            "a text) is not in the table, or they are steps of a log."
        )
        mend = (
            "Name it in a column (w_bits, method, corpus, or one of your own), or, of a log, keep "
            f"the last step of each: {last}."
        )
    return [
        Note(
            "logged-rows",
            "info" if few else "warning",
            f"{who} {what}",
            mend,
            tuple(runs.numbers[rows]),
        )
    ]


def _of_several_sizes(runs: Runs) -> list[Note]:
    """Find names of runs that stand for networks of several sizes."""
    columns = runs.columns
    n = columns["N"]
    named = columns["run"] != ""
    groups = groups_of(codes_of(runs, ("study", "run")), named)
    several = [g for g in groups if n[g].max() > _SIZES_APART * n[g].min()]
    if not several:
        return []
    rows, first = np.concatenate(several), several[0]
    ends = first[[int(np.argmin(n[first])), int(np.argmax(n[first]))]]
    return [
        Note(
            "run-of-several-n",
            "warning",
            f"{len(several)} {'run has' if len(several) == 1 else 'runs have'} rows of several N "
            f"({name_of(runs, first[0])}: {format_count(n[ends[0]])} and "
            f"{format_count(n[ends[1]])} in {runs.named(np.sort(ends))}), and rows of one run are "
            "taken as of one network.",
            "Give each network a name of its own in column run, or leave the column out.",
            tuple(runs.numbers[rows]),
        )
    ]


def _apart(runs: Runs, names: Sequence[str]) -> list[str]:
    """Columns that tell settings apart as all of some do: the run, N, D, and what splits these."""
    chosen = ["run", "N", "D"]
    count = len(np.unique(codes_of(runs, chosen)))
    for name in dict.fromkeys(("w_bits", "method", *names)):
        split = len(np.unique(codes_of(runs, (*chosen, name))))
        if name not in chosen and split > count:
            chosen.append(name)
            count = split
    return chosen


def _log_like(runs: Runs, groups: Sequence[np.ndarray]) -> bool:
    """Whether rows may be steps of a log: close together or falling, and not rounded alone."""
    if not any((~runs.quantized | (runs.columns["stage"] == "train"))[g].any() for g in groups):
        return False
    losses = [np.log(runs.columns["loss"][g]) for g in groups]
    like = [bool(np.ptp(x) < _CLOSE or np.argmax(x) == 0) for x in losses]
    return 2 * sum(like) > len(like)


def _is_setting(runs: Runs, name: str) -> bool:
    """Whether a column of the user's own sets rows apart: text, or few numbers."""
    values: Sequence[object] = runs.columns[name].tolist()
    return runs.columns[name].dtype == object or len(set(map(str, values))) <= max(
        2, len(values) // 4
    )
