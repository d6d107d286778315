"""What the words of a command line name: a table, in a file or a pool."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bayesq.cli.arguments import AS_IT_IS, Reading
from bayesq.errors import BayesqError, nearest
from bayesq.runs.name_values import read_pairs

if TYPE_CHECKING:
    from bayesq.runs.runs import Runs


def read_table(runs: str, reading: Reading) -> Runs:
    """Read a file or a pool of runs, with its columns renamed, and keep the rows asked for.

    Raises
    ------
    BayesqError
        If it is neither a file nor a pool, or cannot be read.
    """
    from bayesq.pool.pools import pools as known
    from bayesq.runs.opening import STANDARD_INPUT
    from bayesq.runs.runs import read_runs

    if runs in known():
        from bayesq.pool.load_pool import load_pool

        if replace(reading, where=None) != AS_IT_IS:
            raise BayesqError(
                f"Pool {runs} is in the common columns; leave --column, --columns, --skip-bad and "
                "--bytes-per-token out."
            )
        table = load_pool(runs)
        return table if reading.where is None else table.select(reading.where)
    # os.path, because Path.exists raises on names that no file can have.
    if runs != STANDARD_INPUT and not os.path.exists(runs) and not Path(runs).suffix:
        raise BayesqError(f"{runs!r} is neither a file nor a pool; {nearest(runs, known())}.")
    columns, bytes_per_token = _columns(reading)
    return read_runs(
        runs,
        columns,
        where=reading.where,
        skip_bad=reading.skip_bad,
        bytes_per_token=bytes_per_token,
    )


def _columns(reading: Reading) -> tuple[dict[str, str], float | None]:
    """Join the renamings of a file and those of the line, which come last."""
    given = read_pairs(reading.column or [], "--column", "params=N")
    if reading.columns is None:
        return given, reading.bytes_per_token
    from bayesq.runs.column_map import read_column_map

    held = read_column_map(reading.columns)
    of_line = reading.bytes_per_token
    return {**held.columns, **given}, held.bytes_per_token if of_line is None else of_line
