"""What the rows of a table say about themselves before any law is asked."""

from __future__ import annotations

from bayesq.checks.by_bits import bits_notes
from bayesq.checks.outliers import outlier_notes
from bayesq.checks.quantities import unit_notes
from bayesq.checks.repeats import repeat_scatter, scatter_notes
from bayesq.checks.surface import surface
from bayesq.checks.within_runs import within_run_notes
from bayesq.notes import Note, by_severity
from bayesq.runs.runs import Runs

# A change of the loss counts from this share on, and from so many times the table's scatter.
_RISE, _SCATTERS = 0.01, 4.0
# Notes of columns in another quantity or unit: what else seems wrong then follows from that.
_ELSE = ("perplexities", "higher-is-better")


def data_notes(runs: Runs) -> tuple[Note, ...]:
    """Say what is wrong or doubtful in the rows, the severe first.

    Parameters
    ----------
    runs : Runs
        The table.

    Returns
    -------
    tuple of Note
        See the files ``quantities``, ``within_runs``, ``by_bits``, ``repeats`` and ``outliers``.
    """
    units = unit_notes(runs)
    around = surface(runs)
    scatter = max(around.scatter, repeat_scatter(runs))
    least = max(_RISE, _SCATTERS * scatter)
    notes = [*units, *within_run_notes(runs, least), *bits_notes(runs, least, scatter)]
    if any(note.code == "perplexities" for note in units):
        notes = [note for note in notes if note.code != "degradation-negative"]
    if not any(note.code in _ELSE for note in units):
        notes += [*scatter_notes(runs), *outlier_notes(runs, around)]
    return by_severity(notes)
