"""Draws as a plain table, one row a draw, in a CSV or Parquet file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.errors import BayesqError
from bayesq.files import write_beside

_OVER = ("chain", "draw")
_ENDINGS = (".csv", ".parquet")


def draws_frame(named: Mapping[str, tuple[xr.DataArray, str]]) -> pd.DataFrame:
    """Lay out draws as a table.

    Parameters
    ----------
    named : mapping of str to (DataArray, str)
        By the name of a column: its draws, dimensions chain and draw, and their unit.

    Returns
    -------
    DataFrame
        One row a draw, chain after chain: ``chain``, ``draw`` and the columns named; the unit of
        each in ``attrs["units"]``, ``"1"`` of pure numbers.
    """
    first, _ = next(iter(named.values()))
    labels = [
        np.asarray(first[d].values if d in first.coords else range(first.sizes[d])) for d in _OVER
    ]
    chain, draw = (v.ravel() for v in np.meshgrid(*labels, indexing="ij"))
    columns = {name: values.transpose(*_OVER).values.ravel() for name, (values, _) in named.items()}
    table = pd.DataFrame({"chain": chain, "draw": draw, **columns})
    table.attrs["units"] = {name: unit for name, (_, unit) in named.items()}
    return table


class Drawn(ABC):
    """What has draws that can be written as a plain table."""

    @abstractmethod
    def to_draws(self) -> pd.DataFrame:
        """Lay out the draws as :func:`draws_frame` does."""

    def save_draws(self, path: str | Path) -> Path:
        """Write the table of :meth:`to_draws` as a CSV or Parquet file.

        It is written beside `path` and then renamed, and every number comes back as it was:
        see :func:`bayesq.draws.write_draws`.

        Returns
        -------
        Path
            The file written.

        Raises
        ------
        BayesqError
            If its name ends neither in ``.csv`` nor in ``.parquet``, or it cannot be written.
        """
        return write_draws(self.to_draws(), path)


def check_draws_file(path: str | Path) -> Path:
    """Refuse a file of draws whose name does not tell its form.

    Raises
    ------
    BayesqError
        If it ends neither in ``.csv`` nor in ``.parquet``.
    """
    if Path(path).suffix.lower() not in _ENDINGS:
        raise BayesqError(
            f"{path} does not tell how to write draws; end its name in {' or '.join(_ENDINGS)}."
        )
    return Path(path)


def write_draws(table: pd.DataFrame, path: str | Path) -> Path:
    """Write a table of draws, beside `path` and then renamed.

    Every number is written with all its digits, so that ``pandas.read_csv`` and
    ``pandas.read_parquet`` give back the same ones (before pandas 3.1 the first needs
    ``float_precision="round_trip"``). What is infinite is ``inf`` there, what
    a draw has not an empty cell. Parquet holds the units, which ``pandas.read_parquet`` gives back
    in ``attrs["units"]``; the header of CSV has the names alone, so that every program reads the
    same columns.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    BayesqError
        If it ends neither in ``.csv`` nor in ``.parquet``, or cannot be written.
    """
    target = check_draws_file(path)
    if target.suffix.lower() == ".csv":
        return write_beside(target, lambda beside: table.to_csv(beside, index=False), "draws.csv")
    return write_beside(
        target, lambda beside: table.to_parquet(beside, index=False), "draws.parquet"
    )
