"""Read a backtest of decisions that was saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from bayesq.errors import BayesqError
from bayesq.notes import Note, series
from bayesq.proving.decision_backtest import WHO, DecisionBacktest

_CASE = ("measured", "bound", "edge", "rise", "spread", "pinned", "left_out")
_ANSWER = ("median", "lower", "upper", "in_90", "ratio", "advised", "regret")
_NUMBERS = ("edge", "rise", "spread", "left_out")
_NUMBERS_OF_ANSWERS = ("lower", "upper", "ratio", "regret")
_ROWS_ONLY = Note(
    "rows-only",
    "info",
    "A table of decisions does not hold the notes of its backtest.",
    "Where they matter, make the backtest again with the folder that it was saved in.",
)


def load_decision_backtest(path: str | Path) -> DecisionBacktest:
    """Read the decisions that :meth:`bayesq.DecisionBacktest.save` wrote.

    Parameters
    ----------
    path : str or Path
        A CSV file.

    Returns
    -------
    DecisionBacktest
        Its title is the name of the file, and a note says that notes were not kept.

    Raises
    ------
    BayesqError
        If there is no such file, or it holds no decisions.

    Examples
    --------
    >>> import bayesq
    >>> bayesq.load_decision_backtest("decisions.csv")  # doctest: +SKIP
    """
    path = Path(path)
    try:
        rows = pd.read_csv(path)
    except OSError as error:
        raise BayesqError(
            f"{path} cannot be read ({error.strerror}); name a file that DecisionBacktest.save "
            "wrote."
        ) from error
    except ValueError as error:
        raise _none(path, "it cannot be read as one") from error
    if lacking := [name for name in (*_CASE, *_ANSWER) if name not in rows]:
        raise _none(path, f"it lacks {series(lacking[:4])}")
    if rows.empty:
        raise _none(path, "it has no rows")
    rows["bound"] = rows["bound"].fillna("").astype(object)
    if wrong := sorted({str(v) for v in rows["bound"]} - {"", "more", "less"}):
        raise _none(path, f"bound is {wrong[0]!r}, neither more, less nor empty")
    who = [prefix for prefix in WHO.values() if f"{prefix}in_90" in rows]
    numbers = [*_NUMBERS, *(f"{p}{name}" for p in who for name in _NUMBERS_OF_ANSWERS)]
    if lacking := [name for name in numbers if name not in rows]:
        raise _none(path, f"it lacks {series(lacking[:4])}")
    try:
        rows = rows.astype(dict.fromkeys(numbers, float))
    except (ValueError, TypeError) as error:
        raise _none(path, "some of its numbers are none") from error
    for name in ("pinned", *(f"{prefix}in_90" for prefix in who)):
        if not pd.api.types.is_bool_dtype(rows[name]):
            raise _none(path, f"{name} is not True or False in all rows")
    # Of decisions about formats and about numbers in one file the answers are each their own.
    for name in ("measured", *(f"{p}{n}" for p in who for n in ("median", "advised"))):
        if name in rows and not pd.api.types.is_numeric_dtype(rows[name]):
            rows[name] = pd.Series([_told(v) for v in rows[name]], rows.index, dtype=object)
    return DecisionBacktest(f"Decisions in {path.name}", rows, (_ROWS_ONLY,))


def _told(value: object) -> object:
    """Read a number where it is one, else a format."""
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return np.nan if value is None else str(value)


def _none(path: Path, why: str) -> BayesqError:
    return BayesqError(
        f"{path} holds no decisions ({why}); name a file that DecisionBacktest.save wrote."
    )
