"""What the words of a command line name: pairs of names and values, a table, a posterior."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bayesq.cli.arguments import AS_IT_IS, Reading
from bayesq.errors import BayesqError, nearest

if TYPE_CHECKING:
    from bayesq.posterior.average import Average
    from bayesq.posterior.posterior import Posterior
    from bayesq.runs.runs import Runs


def read_pairs(texts: Iterable[str], option: str, example: str) -> dict[str, str]:
    """Read texts as NAME=VALUE.

    Raises
    ------
    BayesqError
        If one of them is not, or a name is given twice; `option` and `example` word it.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        name, value = (part.strip() for part in (text.partition("=")[::2]))
        if not (name and value):
            raise BayesqError(f"{option} {text!r} is not NAME=VALUE; write it like {example}.")
        if name in pairs:
            raise BayesqError(f"{option} gives {name} twice; give it once.")
        pairs[name] = value
    return pairs


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


def find_posterior(fit: str, law: str | None) -> Posterior | Average:
    """Load a saved fit or average, or take a paper's constants by the law's name (and ``:label``).

    Raises
    ------
    BayesqError
        If there is neither, or `law` or a variant is named beside a paper's constants.
    """
    from bayesq.law.registry import laws as known

    name, _, label = fit.partition(":")
    if name in known() and not os.path.exists(fit):
        if law is not None:
            raise BayesqError(f"{fit} is a law with its paper's constants; leave --law out.")
        if "=" in label:
            raise BayesqError(
                f"{fit} is a variant of law {name}, of which there are no published constants; fit "
                f"it with bayesq fit ... --law {fit} and name the file."
            )
        from bayesq.posterior.constants import published

        return published(name, label or None)
    from bayesq.posterior.saved import load_fit

    return load_fit(fit, law)
