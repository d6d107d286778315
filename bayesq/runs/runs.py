"""The runs table, checked and ready to fit."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

import numpy as np

from bayesq.errors import BayesqError, nearest
from bayesq.runs.counts import format_count
from bayesq.runs.pairing import find_partners, is_quantized
from bayesq.runs.records import Records, frame_records, read_records
from bayesq.runs.validate import validate

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Runs:
    """Measured losses, one a row. Made by :func:`bayesq.read_runs` and :func:`bayesq.load_pool`.

    Parameters
    ----------
    columns : mapping of str to ndarray
        The common columns and any others of the table, each of shape ``(rows,)``.
    source : str
        Where the rows came from.
    numbers : ndarray of int, optional
        Number of each row in its source, from 1 on, which stays with it where others are left out.

    Attributes
    ----------
    frame : pandas.DataFrame
        The rows in the common columns.
    partner : ndarray of int
        Row of each quantized row's full-precision partner, -1 where the table has none.
    cluster : ndarray of int
        Training run of each row, numbered from 0; rows of one run are not independent.
    fingerprint : str
        Hash of the rows. Two fits with one fingerprint have seen the same data.
    """

    columns: Mapping[str, np.ndarray]
    source: str
    numbers: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=int))

    def __post_init__(self) -> None:
        if not len(self.numbers):
            object.__setattr__(self, "numbers", np.arange(1, len(self) + 1))
        for values in self.columns.values():
            values.setflags(write=False)  # the fingerprint must stay true

    def __len__(self) -> int:
        return len(self.columns["loss"])

    @property
    def frame(self) -> pd.DataFrame:
        """The rows in the common columns, a new frame each time."""
        import pandas as pd

        return pd.DataFrame(dict(self.columns))

    @cached_property
    def quantized(self) -> np.ndarray:
        """Which rows are quantized, shape ``(rows,)``."""
        return is_quantized(self.columns)

    @cached_property
    def partner(self) -> np.ndarray:
        """Row of each quantized row's full-precision partner, -1 where there is none."""
        return find_partners(self.columns)

    @cached_property
    def cluster(self) -> np.ndarray:
        """Number of each row's training run, from 0."""
        study, run = self.columns["study"], self.columns["run"]
        named = zip(study, run, strict=True)
        keys = [(s, r) if r else ("", "", i) for i, (s, r) in enumerate(named)]
        codes = {key: code for code, key in enumerate(dict.fromkeys(keys))}
        return np.array([codes[key] for key in keys])

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the rows, 64 hexadecimal digits."""
        digest = hashlib.sha256()
        for name in sorted(self.columns):
            values = self.columns[name]
            # NaN has many bit patterns; text of floats is exact (repr round-trips).
            cells = [repr(v) for v in values.tolist()]
            if set(cells) - {"nan", "''"}:
                digest.update(("\x1f".join([ascii(name), *cells]) + "\n").encode())
        return digest.hexdigest()

    def named(self, rows: np.ndarray, most: int = 5) -> str:
        """Name rows by their numbers in the source: ``"rows 3, 7 and 12"``.

        Parameters
        ----------
        rows : ndarray of int or bool
            Which rows.
        most : int
            How many to name before the others are counted.
        """
        found = [str(number) for number in self.numbers[rows]]
        if len(found) == 1:
            return f"row {found[0]}"
        shown, more = found[:most], len(found) - most
        last = f"{more} more" if more > 0 else shown.pop()
        return f"rows {', '.join(shown)} and {last}"

    def select(self, rows: str | np.ndarray) -> Runs:
        """Keep some of the rows.

        Parameters
        ----------
        rows : str or ndarray of bool
            An expression in the columns as :meth:`pandas.DataFrame.query` takes it, such as
            ``"w_kind == 'int' and w_group == 128"``, or a mask of shape ``(rows,)``.

        Returns
        -------
        Runs
            The rows kept. A quantized row keeps its partner's loss in ``loss_full`` even where the
            partner's row is left out.

        Raises
        ------
        BayesqError
            If the expression cannot be read, names an unknown column, or keeps no row.
        """
        mask = self._query(rows) if isinstance(rows, str) else np.asarray(rows)
        if mask.shape != (len(self),) or mask.dtype.kind != "b":
            raise BayesqError(
                f"The mask has shape {mask.shape} and type {mask.dtype}; pass one truth value for "
                f"each of the {len(self)} rows, or an expression."
            )
        if not mask.any():
            choice = repr(rows) if isinstance(rows, str) else "The mask"
            raise BayesqError(
                f"{choice} keeps none of the {len(self)} rows of {self.source}; widen the choice."
            )
        kept = {name: values[mask] for name, values in self.columns.items()}
        source = f"{self.source} where {rows}" if isinstance(rows, str) else self.source
        return Runs(kept, source, self.numbers[mask])

    def _query(self, expression: str) -> np.ndarray:
        import pandas as pd

        # Is looked into before the columns; what pandas says of a name is in its text alone.
        asked = _Asked()
        try:
            mask = self.frame.eval(expression, resolvers=[asked], local_dict=asked, global_dict={})
        except pd.errors.UndefinedVariableError as error:
            raise BayesqError(
                f"{expression!r} names an unknown column {asked.last}; "
                f"{nearest(asked.last, self.columns)}."
            ) from error
        except Exception as error:  # pandas passes on whatever an expression can raise
            raise BayesqError(
                f"{expression!r} cannot be read as a choice of rows; write it like "
                "\"w_kind == 'int' and w_group == 128\"."
            ) from error
        if not isinstance(mask, pd.Series) or mask.dtype.kind != "b":
            raise BayesqError(f"{expression!r} is not a comparison; write it like 'w_bits <= 4'.")
        return mask.to_numpy(dtype=bool)

    def __repr__(self) -> str:
        n, d = self.columns["N"], self.columns["D"]
        return (
            f"<Runs: {len(self)} rows ({int(self.quantized.sum())} quantized) of "
            f"{len(set(self.cluster))} runs, N {format_count(n.min())} to {format_count(n.max())}, "
            f"D {format_count(d.min())} to {format_count(d.max())}, from {self.source}>"
        )


class _Asked(dict[str, object]):
    """Knows no name, and keeps the last that it was asked for."""

    last = ""

    def __missing__(self, name: str) -> object:
        self.last = name
        raise KeyError(name)

    def copy(self) -> _Asked:
        return self


def _is_frame(table: object) -> TypeGuard[pd.DataFrame]:
    # A data frame exists only where pandas has been imported: no need to import it to ask.
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(table, pandas.DataFrame)


def read_runs(
    path_or_frame: str | Path | pd.DataFrame, columns: Mapping[str, str] | None = None
) -> Runs:
    """Read a table of measured losses.

    Parameters
    ----------
    path_or_frame : str, Path or pandas.DataFrame
        A CSV, Parquet or JSON Lines file, or a frame. Needs N (parameters), D (training tokens)
        and loss (nats per token) or perplexity; laws say what else they need. Counts may be
        written ``7B``, ``1.5e9`` or ``300M``.
    columns : mapping of str to str, optional
        The table's own names mapped to the common ones: ``{"params": "N"}``.

    Returns
    -------
    Runs
        The checked rows, each quantized one with its full-precision partner's loss in
        ``loss_full`` where the table has that partner.

    Raises
    ------
    BayesqError
        If anything in the table is wrong; the sentence names file, row and column.

    Examples
    --------
    >>> import bayesq
    >>> import pandas as pd
    >>> table = pd.DataFrame({"params": ["1B", "2B"], "D": "20B", "loss": [2.71, 2.64]})
    >>> bayesq.read_runs(table, columns={"params": "N"})
    <Runs: 2 rows (0 quantized) of 2 runs, N 1B to 2B, D 20B to 20B, from the data frame>
    """
    if isinstance(path_or_frame, str | Path):
        records = read_records(path_or_frame)
    elif _is_frame(path_or_frame):
        records = frame_records(path_or_frame)
    else:
        raise BayesqError(
            f"A {type(path_or_frame).__name__} is not a table of runs; pass a path or a pandas "
            "data frame."
        )
    return runs_from_records(records, columns)


def runs_from_records(records: Records, columns: Mapping[str, str] | None = None) -> Runs:
    """Check records, pair quantized rows with their partners, and make the runs table."""
    table = validate(records, columns)
    partner = find_partners(table)
    # What the table says of its partners' losses stands; pairing fills what it leaves open.
    open_ = np.isnan(table["loss_full"]) & (partner >= 0)
    table["loss_full"][open_] = table["loss"][partner[open_]]
    # Of a difference that no paired error is given for, both errors, as if independent.
    both = np.hypot(table["loss_se"], table["loss_se"][partner])
    open_ &= np.isnan(table["degradation_se"])
    table["degradation_se"][open_] = both[open_]
    return Runs(table, records.source)
