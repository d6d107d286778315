"""Read a backtest that was saved: its rows as a table, or all that the command line says of it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from bayesq.backtesting.scored import Backtest
from bayesq.errors import BayesqError
from bayesq.notes import Note, series

_NUMBERS = (
    *("run", "N", "D", "observed", "median", "lower_50", "upper_50", "lower_90", "upper_90"),
    *("width_90", "crps", "log_score", "interval_score", "bias", "distance"),
)
_HELD = ("in_50", "in_90")
_ROWS_ONLY = Note(
    "rows-only",
    "info",
    "A table of rows does not hold the notes of its backtest.",
    "Where they matter read what bayesq backtest --json said, which holds all of it.",
)


def load_backtest(path: str | Path) -> Backtest:
    """Read what :meth:`bayesq.Backtest.save` or ``bayesq backtest --json`` wrote.

    Parameters
    ----------
    path : str or Path
        A CSV file of rows, or a file ending in ``.json``, which has title and notes too.

    Returns
    -------
    Backtest
        The backtest; of a CSV file a note says that its notes were not kept, and rows of an earlier
        version have no ``pit``.

    Raises
    ------
    BayesqError
        If there is no such file, or it holds no backtest.

    Examples
    --------
    >>> import bayesq
    >>> bayesq.load_backtest("rows.csv")  # doctest: +SKIP
    """
    path = Path(path)
    title, notes = f"Backtest of {path.name}", [_ROWS_ONLY]
    try:
        if path.suffix == ".json":
            told = json.loads(path.read_text(encoding="utf-8"))
            rows = pd.DataFrame(told["rows"])
            title, notes = str(told["title"]), [Note(**note) for note in told["notes"]]
        else:
            rows = pd.read_csv(path)
    except OSError as error:
        raise BayesqError(
            f"{path} cannot be read ({error.strerror}); name a file that Backtest.save wrote."
        ) from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise _no_backtest(path, "it cannot be read as one") from error
    if lacking := [name for name in ("fold", "row", *_NUMBERS, *_HELD) if name not in rows]:
        raise _no_backtest(path, f"it lacks {series(lacking[:4])}")
    if rows.empty:
        raise _no_backtest(path, "it has no rows")
    try:
        kept = rows.astype(dict.fromkeys(_NUMBERS, float))
    except (ValueError, TypeError) as error:
        raise _no_backtest(path, "some of its numbers are none") from error
    if not all(pd.api.types.is_bool_dtype(rows[name]) for name in _HELD):
        raise _no_backtest(path, f"{series(_HELD)} are not all True or False")
    whole = kept["run"] == kept["run"].round()
    kept["run"] = kept["run"].astype(int) if whole.all() else kept["run"]
    return Backtest(title, kept, tuple(notes))


def _no_backtest(path: Path, why: str) -> BayesqError:
    return BayesqError(
        f"{path} holds no backtest ({why}); name a file that Backtest.save or bayesq backtest "
        "--json wrote."
    )
