"""A pool's rows: packaged, from a local folder, or fetched once and kept."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from bayesq.errors import BayesqError
from bayesq.pool.pools import Pool, Upstream, pools
from bayesq.runs.records import Records
from bayesq.runs.runs import Runs, read_runs, runs_from_records


def load_pool(name: str) -> Runs:
    """Load a pool of runs by its name.

    The pool ``grid`` comes with bayesq. Any other is read from ``<pool>/runs.csv`` in the folder
    that the environment variable ``BAYESQ_DATA`` names. Where that is not at hand, a pool whose
    source is one plain file is fetched from its public repository at a pinned commit, checked by
    SHA-256, and kept in the user's cache.

    Parameters
    ----------
    name : str
        One of :func:`bayesq.pools`.

    Returns
    -------
    Runs
        All rows of the pool. Pool ``quest`` has 104 of its 133 rows when it is fetched.

    Raises
    ------
    BayesqError
        If there is no such pool, or its rows cannot be had; the sentence names the ways out.

    Examples
    --------
    >>> import bayesq
    >>> len(bayesq.load_pool("grid"))
    1068
    """
    pool = pools()[name]
    runs = _read(pool)
    columns = dict(runs.columns)
    unknown = columns["annealed"] == ""
    columns["annealed"] = np.where(unknown, pool.annealed, columns["annealed"])
    return Runs(columns, f"pool {name}", runs.numbers, runs.notes)


def _read(pool: Pool) -> Runs:
    packaged = files("bayesq.data") / f"{pool.name}.csv"
    if packaged.is_file():
        with as_file(packaged) as path:
            return read_runs(path)
    local = _local_table(pool)
    if local is not None and local.exists():
        runs = read_runs(local)
        if pool.unique_tokens is None:
            return runs
        known = pool.unique_tokens(local.parent)
        unique = [known.get(run, np.nan) for run in runs.columns["run"]]
        return Runs({**runs.columns, "U": np.array(unique)}, runs.source, runs.numbers, runs.notes)
    if pool.upstream is None:
        missing = "BAYESQ_DATA is not set" if local is None else f"{local} does not exist"
        raise BayesqError(
            f"Pool {pool.name} is not at hand: {missing}, and its source is not one plain file "
            f"to fetch; {_ways_out(pool)}."
        )
    path = _fetch(pool, pool.upstream)
    rows = pool.upstream.parse(path)
    header = tuple(dict.fromkeys(column for row in rows for column in row))
    places = [f"row {number}" for number in range(1, len(rows) + 1)]
    return runs_from_records(Records.of_rows(str(path), header, rows, places))


def _local_table(pool: Pool) -> Path | None:
    named = os.environ.get("BAYESQ_DATA")
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise BayesqError(
            f"BAYESQ_DATA={named} is not a folder; set it to one that holds {pool.name}/runs.csv, "
            "or unset it."
        )
    return folder / pool.name / "runs.csv"


def _fetch(pool: Pool, upstream: Upstream) -> Path:
    import pooch

    cache = pooch.os_cache("bayesq")
    try:
        with _quiet(pooch.get_logger()):
            path = pooch.retrieve(
                upstream.url,
                known_hash=f"sha256:{upstream.sha256}",
                fname=f"{pool.name}-{upstream.url.rpartition('/')[2]}",
                path=cache,
            )
    # What goes wrong with the network is an OSError too, in requests as in the standard library.
    except OSError as error:
        raise BayesqError(
            f"Pool {pool.name} could not be fetched from {upstream.url} into {cache} "
            f"({type(error).__name__}); check the network and that folder, or {_ways_out(pool)}."
        ) from error
    # So pooch words a wrong checksum; it has thrown the file away.
    except ValueError as error:
        raise BayesqError(
            f"What came from {upstream.url} is not the file of pool {pool.name}, whose SHA-256 is "
            f"{upstream.sha256}; try again without a proxy, or {_ways_out(pool)}."
        ) from error
    return Path(path)


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Keep pooch from announcing the download: bayesq prints in its reports only."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _ways_out(pool: Pool) -> str:
    return (
        f"set BAYESQ_DATA to a folder that holds {pool.name}/runs.csv in the common columns, or "
        f"make that table yourself from {pool.source} and read it with bayesq.read_runs"
    )
