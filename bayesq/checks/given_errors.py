"""Standard errors that a table gives, held against the scatter of its rows about a curve."""

from __future__ import annotations

import numpy as np

from bayesq.model.design import Design
from bayesq.notes import Note

# Errors and scatter that differ by less are of one size.
_APART, _SMALL, _CHANCE = 3.0, 0.05, 0.01
_FEWEST = 5
_NORMAL_MEDIAN = 0.455  # of a squared standard normal


def error_notes(
    design: Design, fitted: np.ndarray, numbers: int, *, only_errors: bool
) -> list[Note]:
    """Say where errors and scatter disagree.

    Parameters
    ----------
    design : Design
        Rows and inputs of a fit.
    fitted : ndarray of float, shape (rows,)
        A curve through them, in nats per token; NaN where none was found.
    numbers : int
        How many parameters were fitted for it.
    only_errors : bool
        Whether the noise is these errors with nothing added.

    Returns
    -------
    list of Note
        One note of code ``errors-and-scatter`` at most.
    """
    known = np.isfinite(design.errors) & np.isfinite(fitted)
    count = int(known.sum())
    left = count - numbers
    if count < _FEWEST or left < 1:
        return []
    from scipy.special import chdtr, chdtrc  # scipy.stats takes a second to import

    away = np.abs(design.observed - fitted)[known]
    # Of normal noise, and without regard to a few wild rows.
    squares = float(np.median((away / design.errors[known]) ** 2) / _NORMAL_MEDIAN * count)
    ratio = float(np.sqrt(squares / left))
    usual = float(np.median(away)) / float(np.sqrt(_NORMAL_MEDIAN))
    sizes = f"{design.usual_error:.2g} against {usual:.2g} nats per token in the middle"
    rows = tuple(design.runs.numbers[known])
    if ratio < 1 / _APART and chdtr(left, squares) < _SMALL:
        return [
            Note(
                "errors-and-scatter",
                "warning",
                "The standard errors given are far larger than the scatter about the curve "
                f"({sizes}): rows share most of that error, as rows of one evaluation set do.",
                "Give the error of differences between rows, or leave loss_se out of the noise: "
                "the default learns the scatter.",
                rows,
            )
        ]
    if ratio > _APART and chdtrc(left, squares) < _CHANCE:
        return [
            Note(
                "errors-and-scatter",
                "severe" if only_errors else "info",
                "The standard errors given are far smaller than the scatter about the curve "
                f"({sizes}): they are not all that makes rows differ.",
                "Take noise='known-se', which adds a rest, or 'student-t'."
                if only_errors
                else "Nothing to mend with this noise, which learns the scatter; with 'only-se' "
                "intervals would be too narrow.",
                rows,
            )
        ]
    return []
