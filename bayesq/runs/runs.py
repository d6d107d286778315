"""The runs table, checked and ready to fit."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

import numpy as np

from bayesq import html
from bayesq.counted import how_many
from bayesq.errors import BayesqError
from bayesq.notes import Note
from bayesq.runs.choice import Choice
from bayesq.runs.column_map import read_column_map
from bayesq.runs.counts import format_count
from bayesq.runs.pairing import Partners, find_partners, is_quantized
from bayesq.runs.records import Records, frame_records
from bayesq.runs.table_files import read_records
from bayesq.runs.telling import alike, partners_left_out, partners_open, recipes_apart
from bayesq.runs.validate import check_records, rows_of
from bayesq.runs.where_from import name_chosen
from bayesq.runs.written_columns import is_filled, varies, written

if TYPE_CHECKING:
    import pandas as pd

# Says what may be asked of rows and not what was measured; fits from before it was there are of the
# same rows.
UNHASHED = {"annealed"}
_UNITS = {"N": "parameters", "D": "tokens", "loss": "nats/token", "loss_full": "nats/token"}


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
    notes : tuple of Note
        What was read otherwise than it stands in the source, and what was left out of it.

    Attributes
    ----------
    frame : pandas.DataFrame
        The rows in the common columns.
    partner : ndarray of int
        Row of each quantized row's full-precision partner, -1 where the table has none.
    cluster : ndarray of int
        Training run of each row, numbered from 0; rows of one run are not independent.
    fingerprint : str
        Hash of the rows, of all columns but ``annealed``, which moves no draw. Two fits with one
        fingerprint have seen the same data.
    """

    columns: Mapping[str, np.ndarray]
    source: str
    numbers: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=int))
    notes: tuple[Note, ...] = ()

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
        return self.partners.rows

    @cached_property
    def partners(self) -> Partners:
        """The full-precision partners, and how each was found."""
        return find_partners(self.columns)

    @cached_property
    def cluster(self) -> np.ndarray:
        """Number of each row's training run, from 0."""
        if not self.runs_named:
            return np.arange(len(self))
        codes: dict[tuple[str, str] | int, int] = {}
        named = zip(self.columns["study"].tolist(), self.columns["run"].tolist(), strict=True)
        # A row of no run is a run of its own.
        keys = ((s, r) if r else i for i, (s, r) in enumerate(named))
        return np.array([codes.setdefault(key, len(codes)) for key in keys])

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the rows, 64 hexadecimal digits."""
        digest = hashlib.sha256()
        for name in sorted(set(self.columns) - UNHASHED):
            if is_filled(self.columns[name]):
                digest.update(ascii(name).encode())
                for cells in written(self.columns[name]):
                    digest.update(f"\x1f{cells}".encode())
                digest.update(b"\n")
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
        found = self.numbers[rows]
        if len(found) == 1:
            return f"row {found[0]}"
        shown, more = [str(number) for number in found[:most]], len(found) - most
        last = f"{more} more" if more > 0 else shown.pop()
        return f"rows {', '.join(shown)} and {last}"

    def select(self, rows: str | np.ndarray) -> Runs:
        """Keep some of the rows.

        Parameters
        ----------
        rows : str or ndarray of bool
            A choice in the columns, such as ``"w_kind == 'int' and 1B <= N < 10B"``, in the small
            language of :meth:`bayesq.runs.choice.Choice.parse`; or a mask of shape ``(rows,)``.

        Returns
        -------
        Runs
            The rows kept; their ``source`` says how they were chosen. A quantized row keeps its
            partner's loss in ``loss_full`` even where the partner's row is left out.

        Raises
        ------
        BayesqError
            If the choice cannot be read, names an unknown column, or keeps no row.
        """
        choice = Choice.parse(rows) if isinstance(rows, str) else None
        mask = np.asarray(rows) if choice is None else choice.mask(self.columns)
        if mask.shape != (len(self),) or mask.dtype.kind != "b":
            raise BayesqError(
                f"The mask has shape {mask.shape} and type {mask.dtype}; pass one truth value for "
                f"each of the {how_many(len(self), 'row')}, or an expression."
            )
        if not mask.any():
            if choice is not None:
                raise choice.keeps_none(len(self), self.source)
            raise BayesqError(
                f"The mask keeps none of the {how_many(len(self), 'row')} of {self.source}; "
                "widen the choice."
            )
        kept = self.take(mask)
        if choice is None and mask.all():
            return kept  # nothing was chosen
        text = None if choice is None else choice.text
        return replace(kept, source=name_chosen(self.source, text))

    def take(self, rows: np.ndarray | slice) -> Runs:
        """Take rows as part of the same table, whose name they keep.

        Parameters
        ----------
        rows : ndarray of bool, shape (rows,), or of int, or slice
            Which rows: by a mask, or by where they stand in it.
        """
        if isinstance(rows, np.ndarray) and rows.dtype == bool and rows.all():
            return self  # what is known of it already holds, and a million rows take no second copy
        kept = {name: values[rows] for name, values in self.columns.items()}
        return Runs(kept, self.source, self.numbers[rows], self.notes)

    @property
    def runs_named(self) -> bool:
        """Whether the rows say which training run each comes from."""
        return bool((self.columns["run"] != "").any())

    def __repr__(self) -> str:
        runs = (
            how_many(len(np.unique(self.cluster)), "run") if self.runs_named else "runs not named"
        )
        ranges = "".join(f", {n} {span(self.columns[n])}" for n in ("N", "D"))
        return (
            f"<Runs: {how_many(len(self), 'row')} ({int(self.quantized.sum())} quantized) of "
            f"{runs}{ranges}, "
            f"from {self.source}>"
        )

    def _repr_html_(self) -> str:
        loss = self.columns["loss"]
        told = {
            "source": self.source,
            "rows": f"{len(self)} ({int(self.quantized.sum())} quantized)",
            "runs": len(np.unique(self.cluster)) if self.runs_named else "not named",
            **{name: span(self.columns[name]) for name in ("N", "D")},
            "loss": f"{loss.min():.4g} to {loss.max():.4g} nats/token",
        }
        frame = self.frame.set_axis(self.numbers).rename_axis("row")
        # What is the same in every row tells nothing in a table of a few.
        said = [
            name
            for name, values in self.columns.items()
            if varies(values) or (name in _UNITS and is_filled(values))
        ]
        said.sort(key=lambda name: name not in _UNITS)  # on a phone the first are seen
        return html.block(
            "Runs",
            html.facts(told),
            html.first_rows(frame[said], units=_UNITS),
            html.notes(self.notes),
        )


def span(values: np.ndarray) -> str:
    """Write the range of a column of counts, NaN left out."""
    known = values[~np.isnan(values)]
    if not len(known):
        return "not given"
    return f"{format_count(known.min())} to {format_count(known.max())}"


def _is_frame(table: object) -> TypeGuard[pd.DataFrame]:
    # A data frame exists only where pandas has been imported: no need to import it to ask.
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(table, pandas.DataFrame)


def read_runs(
    path_or_frame: str | Path | pd.DataFrame,
    columns: Mapping[str, str] | str | Path | None = None,
    *,
    where: str | None = None,
    skip_bad: bool = False,
    bytes_per_token: float | None = None,
) -> Runs:
    """Read a table of measured losses.

    Columns go by the common names (:class:`bayesq.runs.schema.Row`) or by names that the field uses
    for them (``model_size``, ``tokens``, ``val_loss``, ``bpw``): where one column fits a common
    name that the table lacks, it is read as that, and a note says so.

    Parameters
    ----------
    path_or_frame : str, Path or pandas.DataFrame
        A CSV (with any separator), Parquet or JSON Lines file, packed as ``.gz`` or not, ``-`` for
        standard input, or a frame. Needs N (parameters) and the loss in nats per token, or
        ``perplexity``, ``bits_per_token`` or ``bits_per_byte``, row by row; laws say what else they
        need, most of them D (training tokens). Counts may be written ``7B``, ``1.5e9`` or
        ``125,000,000``, widths ``int4`` or ``W4``, zero weights ``50%`` or ``2:4`` (two of four
        weights are kept).
    columns : mapping of str to str, str or Path, optional
        The table's own names mapped to the common ones: ``{"params": "N"}``, and with a unit
        ``{"params": "N (B)"}`` for billions. Or the name of a TOML file that holds them, one to a
        line: ``params = "N"``, and perhaps ``bytes_per_token = 4.2``.
    where : str, optional
        Rows to keep, in common names or the table's own: ``"step > 0 and N >= 1B"``. Cells of
        other rows are not judged, and full-precision rows among them still serve as partners.
    skip_bad : bool
        Whether rows with cells that cannot be read are left out, and named in a note, instead of
        refused.
    bytes_per_token : float, optional
        Mean bytes per token of the text that bits per byte were measured on, where no column
        ``bytes_per_token`` says.

    Returns
    -------
    Runs
        The checked rows, each quantized one with its full-precision partner's loss in
        ``loss_full`` where the table has that partner: a row of its own run, or of one that differs
        in nothing but precision and seed, or of the run that a column ``partner`` names. What was
        recognised or left out is in ``notes``.

    Raises
    ------
    BayesqError
        If anything in the table is wrong; the sentence names file, row and column.

    Examples
    --------
    >>> import bayesq
    >>> import pandas as pd
    >>> table = pd.DataFrame({"params": ["1B", "2B"], "D": "20B", "val_loss": [2.71, 2.64]})
    >>> runs = bayesq.read_runs(table)
    >>> runs
    <Runs: 2 rows (0 quantized) of runs not named, N 1B to 2B, D 20B to 20B, from the data frame>
    >>> runs.notes[0].code
    'columns-read-as'
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
    if isinstance(columns, str | Path):
        held = read_column_map(columns)
        columns = held.columns
        if bytes_per_token is None:
            bytes_per_token = held.bytes_per_token
    return runs_from_records(
        records, columns, where=where, skip_bad=skip_bad, bytes_per_token=bytes_per_token
    )


def runs_from_records(
    records: Records,
    columns: Mapping[str, str] | None = None,
    *,
    where: str | None = None,
    skip_bad: bool = False,
    bytes_per_token: float | None = None,
) -> Runs:
    """Check records, pair quantized rows with their partners, and make the runs table."""
    # What pairing finds is not known before cells are judged.
    late = where is not None and bool(
        {"loss_full", "degradation_se"} & set(Choice.parse(where).names)
    )
    checked = check_records(
        records,
        columns,
        where=None if late else where,
        skip_bad=skip_bad,
        bytes_per_token=bytes_per_token,
    )
    table, numbers = checked.columns, checked.numbers
    partners = find_partners(table)
    lost = [i for i in partners.lost if checked.chosen[i]]
    left_out = _runs_left_out(records, table["run"], numbers) if lost else set()
    for row in (i for i in lost if str(table["partner"][i]) not in left_out):
        raise BayesqError(
            f"{records.source}, {records.place(numbers[row] - 1)}, column partner: "
            f"{str(table['partner'][row])!r} names no run with a full-precision row of this study "
            "and corpus; name such a run, or leave the cell empty."
        )
    # What the table says of its partners' losses stands; pairing fills what it leaves open.
    open_ = np.isnan(table["loss_full"]) & (partners.rows >= 0)
    table["loss_full"][open_] = table["loss"][partners.rows[open_]]
    # Of a difference that no paired error is given for, both errors, as if independent.
    both = np.hypot(table["loss_se"], table["loss_se"][partners.rows])
    against = (partners.rows >= 0) & (table["loss_full"] == table["loss"][partners.rows])
    against &= np.isnan(table["degradation_se"])
    table["degradation_se"][against] = both[against]
    chosen = checked.chosen
    kept = rows_of(table, chosen)
    without = chosen & np.isnan(table["loss_full"])
    apart = {i: why for i, why in partners.refused.items() if without[i]}
    notes = [
        *checked.notes,
        *alike(kept, numbers[chosen]),
        *recipes_apart(
            {i: why for i, why in apart.items() if np.isnan(table["loss_full"][i])}, numbers
        ),
        *partners_open(
            {i: rows for i, rows in partners.open.items() if open_[i] and chosen[i]}, numbers
        ),
        *partners_left_out([int(numbers[i]) for i in lost if without[i]]),
    ]
    source = records.source if where is None or late else name_chosen(records.source, where)
    runs = Runs(kept, source, numbers[chosen], tuple(notes))
    return runs.select(where) if where is not None and late else runs


def _runs_left_out(records: Records, run: np.ndarray, numbers: np.ndarray) -> set[str]:
    """Name the runs of rows that were left out: what stands there in the column that gave runs."""

    def cells(column: str, rows: np.ndarray) -> list[str]:
        there = records.columns[column]
        return [str("" if cell is None else cell).strip() for cell in map(there.__getitem__, rows)]

    absent = np.setdiff1d(np.arange(records.rows), numbers - 1)
    return {
        name
        for column in records.columns
        if all(a == b for a, b in zip(cells(column, numbers - 1), run.tolist(), strict=True))
        for name in cells(column, absent)
    }
