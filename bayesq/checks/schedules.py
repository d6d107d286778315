"""Checkpoints of one schedule, in which tokens and the learning rate cannot be told apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from bayesq.checks.settings import codes_of, groups_of
from bayesq.counted import how_many
from bayesq.law.law import Response
from bayesq.model.checkpoints import training_runs
from bayesq.model.design import Design
from bayesq.notes import Note
from bayesq.runs.runs import Runs

_LARGER = 1.05
_ONE = "what changes as the learning rate decays cannot be told from what changes with D"
# What is known of such rows is of OLMo-1B's checkpoints alone (``case_studies/backtests``), whose
# losses in full precision went on as they had.
_KNOWN = {
    "one-schedule": ", and how wide an interval must be for it is known of one model (OLMo-1B)",
    "schedule-unknown": ", and 90 % intervals like these held 33 to 71 % of later ones (OLMo-1B)",
}


def along_runs(runs: Runs) -> np.ndarray:
    """Rows of runs along which D varies, bool of shape ``(rows,)``.

    Unnamed rows are of one run where the table says that they were not annealed.
    """
    d, named = runs.columns["D"], runs.columns["run"] != ""
    told = (named | (runs.columns["annealed"] == "no")) & ~np.isnan(d)
    codes = np.where(named, codes_of(runs, ("study", "run", "seed", "N")), -1 - training_runs(runs))
    found = np.zeros(len(runs), dtype=bool)
    for rows in groups_of(codes, told):
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


def beyond_schedule(notes: Iterable[Note], response: Response) -> tuple[Note, ...]:
    """Say what a question beyond the range of D meets.

    Parameters
    ----------
    notes : iterable of Note
        Those of the fit that is asked.
    response : {"loss", "degradation"}
        What it was fitted to.

    Returns
    -------
    tuple of Note
        Severe where the rows are checkpoints that were not annealed, a warning where the table does
        not say; else none.
    """
    found = []
    for code, note in {n.code: n for n in notes if n.code in _KNOWN}.items():
        known = _KNOWN[code] if response == "degradation" else ""
        if code == "one-schedule":
            message = f"of one schedule that were fitted: {_ONE}{known}."
            note = replace(note, severity="severe")
        else:
            message = (
                "that were fitted, and the table does not say whether the learning rate was "
                f"brought down for each: if not, {_ONE}{known}."
            )
        found.append(replace(note, message=f"D lies outside the checkpoints {message}"))
    return tuple(found)


def _checkpoints(runs: Runs, rows: np.ndarray) -> str:
    count = len(set(training_runs(runs)[rows]))
    return f"{len(rows)} rows are checkpoints of {how_many(count, 'run')}"


def _numbers(runs: Runs, rows: np.ndarray) -> tuple[int, ...]:
    return tuple(runs.numbers[rows])
