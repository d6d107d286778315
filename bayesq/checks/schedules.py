"""Checkpoints of one schedule, in which tokens and the learning rate cannot be told apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from bayesq.checks.settings import codes_of, groups_of
from bayesq.model.design import Design
from bayesq.notes import Note, Severity
from bayesq.runs.runs import Runs

_LARGER = 1.05
# What is known of such rows, all of it from OLMo-1B's checkpoints, is in case_studies/backtests.
_BEYOND: dict[str, tuple[Severity, str]] = {
    "one-schedule": (
        "severe",
        "D lies outside the checkpoints of one schedule that were fitted: what changes as the "
        "learning rate decays cannot be told from what changes with D, and how wide an interval "
        "must be for it is known of one model alone (OLMo-1B).",
    ),
    "schedule-unknown": (
        "warning",
        "D lies outside the checkpoints that were fitted, and the table does not say whether the "
        "learning rate was brought down for each: if not, 90 % intervals like these held 33 to "
        "71 % of later checkpoints' degradation (OLMo-1B).",
    ),
}


def along_runs(runs: Runs) -> np.ndarray:
    """Rows of runs along which D varies, bool of shape ``(rows,)``."""
    d = runs.columns["D"]
    named = (runs.columns["run"] != "") & ~np.isnan(d)
    found = np.zeros(len(runs), dtype=bool)
    for rows in groups_of(codes_of(runs, ("study", "run", "seed", "N")), named):
        if d[rows].max() > _LARGER * d[rows].min():
            found[rows] = True
    return found


def schedule_note(design: Design) -> Note | None:
    """Say where D varies along single runs that were not annealed for each of their rows.

    Parameters
    ----------
    design : Design
        Rows of a fit.

    Returns
    -------
    Note or None
        A warning: code ``one-schedule`` where the table says that they were not, and what is asked
        beyond these D is severe (:func:`beyond_schedule`); code ``schedule-unknown`` where it does
        not say.
    """
    if "D" not in design.inputs:
        return None
    along, annealed = along_runs(design.runs), design.runs.columns["annealed"]
    known, unknown = along & (annealed == "no"), along & (annealed == "")
    if not (known | unknown).any():
        return None
    if known.any():
        rows = np.flatnonzero(known)
        message = (
            f"{_checkpoints(design.runs, rows)} whose learning rate was not brought down for each "
            "(annealed is no): D and schedule cannot be told apart, and an exponent of D is that "
            "of this schedule."
        )
        remedy = "Ask within the range of D, or add runs that were annealed at each D."
        return Note("one-schedule", "warning", message, remedy, _numbers(design.runs, rows))
    rows = np.flatnonzero(unknown)
    message = (
        f"{_checkpoints(design.runs, rows)}, and the table does not say whether the learning rate "
        "was brought down for each D: along one schedule the two cannot be told apart."
    )
    remedy = "Write yes or no into a column annealed; if it is no, ask within the range of D."
    return Note("schedule-unknown", "warning", message, remedy, _numbers(design.runs, rows))


def beyond_schedule(notes: Iterable[Note]) -> list[Note]:
    """Say what a question beyond the range of D meets, from the notes of the fit that is asked.

    Severe where the rows are checkpoints that were not annealed, a warning where the table does not
    say.
    """
    told = {note.code: note for note in notes if note.code in _BEYOND}
    return [
        replace(note, severity=_BEYOND[code][0], message=_BEYOND[code][1])
        for code, note in told.items()
    ]


def _checkpoints(runs: Runs, rows: np.ndarray) -> str:
    count = len(set(runs.cluster[rows]))
    return f"{len(rows)} rows are checkpoints of {count} {'run' if count == 1 else 'runs'}"


def _numbers(runs: Runs, rows: np.ndarray) -> tuple[int, ...]:
    return tuple(runs.numbers[rows])
