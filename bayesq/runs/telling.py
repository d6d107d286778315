"""Notes on how a table was read."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from bayesq.notes import Note, series
from bayesq.runs.aliases import Naming
from bayesq.runs.faults import Fault, at, counted, show
from bayesq.runs.pairing import is_quantized
from bayesq.runs.records import Records
from bayesq.runs.schema import Row
from bayesq.runs.written_widths import looks_quantized, names_quantizer, says_bits, tell_each

_SHOWN = 5
_WHY = {
    "train_w_bits": "were not trained in so few bits",
    "D": "are of other runs, whose D is not known",
    "method": "name a quantizer without its bits",
}
# Columns whose values are names that people write in several ways.
_NAMES = ("method", "study", "corpus", "run")


def skipped(records: Records, naming: Naming, faults: Sequence[Fault]) -> Note:
    """Tell which rows were left out since cells of them cannot be read."""
    rows = sorted({fault.row + 1 for fault in faults})
    listed = "; ".join(
        f"{at(records, naming, fault.row, fault.column)}: {fault.what}"
        for fault in sorted(faults, key=lambda fault: fault.row)[:_SHOWN]
    )
    more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    several = len(rows) > 1
    kinds = f" ({counted(naming, faults)})" if len(faults) > 1 else ""
    return Note(
        "rows-skipped",
        "warning",
        f"{len(rows)} {'rows were' if several else 'row was'} left out of {records.source}, "
        f"{'rows' if several else 'row'} {_some(rows)}, since cells cannot be read"
        f"{kinds}: {listed}{more}.",
        "Mend these cells where their rows matter.",
        tuple(rows),
    )


def not_chosen(records: Records, naming: Naming, faults: Sequence[Fault]) -> Note:
    """Tell which rows a choice left out since it looks at cells of them that cannot be read."""
    rows = sorted({fault.row + 1 for fault in faults})
    listed = "; ".join(
        f"{at(records, naming, fault.row, fault.column)}: {fault.what}" for fault in faults[:_SHOWN]
    )
    more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    several = len(rows) > 1
    return Note(
        "rows-unread",
        "warning",
        f"{'Rows' if several else 'Row'} {_some(rows)} of {records.source} "
        f"{'were' if several else 'was'} not chosen, since the choice looks at cells that cannot "
        f"be read: {listed}{more}.",
        "Mend these cells where their rows matter.",
        tuple(rows),
    )


def errors_read(naming: Naming, columns: Iterable[str]) -> Note:
    """Tell which columns gave the standard error of the loss."""
    listed = series([naming.theirs(column) for column in columns])
    return Note(
        "errors-read-as",
        "info",
        f"The standard error of the loss, loss_se, is worked out from {listed}.",
        "Give loss_se itself where that is not what it means.",
    )


def unused(naming: Naming, columns: Sequence[str]) -> list[Note]:
    """Name columns that look like errors and are not used."""
    if not columns:
        return []
    listed = series([naming.theirs(column) for column in columns])
    several = len(columns) > 1
    return [
        Note(
            "errors-unused",
            "info",
            f"{listed} {'look' if several else 'looks'} like errors of measurements and "
            f"{'are' if several else 'is'} not used.",
            "Map one to loss_se (nats per token), perplexity_se, degradation_se, or to loss_std "
            "with n_seeds beside it, where it is that error.",
        )
    ]


def alike(columns: Mapping[str, np.ndarray], numbers: np.ndarray) -> list[Note]:
    """Point at names that differ in case or blanks alone."""
    notes = []
    for column in _NAMES:
        spellings: dict[str, dict[str, int]] = {}
        first: dict[str, int] = {}
        for row, name in enumerate(columns[column].tolist()):
            first.setdefault(name, row)
        first.pop("", None)
        for name, row in first.items():
            spellings.setdefault("".join(name.split()).casefold(), {})[name] = row
        groups = [group for group in spellings.values() if len(group) > 1]
        if not groups:
            continue
        shown = "; ".join(
            series([f"{show(name)} (row {numbers[row]})" for name, row in group.items()])
            for group in groups[:_SHOWN]
        )
        more = f"; and {len(groups) - _SHOWN} more" if len(groups) > _SHOWN else ""
        rows = np.isin(columns[column], [name for group in groups for name in group])
        notes.append(
            Note(
                "names-alike",
                "warning",
                f"Names in column {column} differ in case or blanks alone and count as different: "
                f"{shown}{more}.",
                "Write them alike where they are one.",
                tuple(numbers[rows]),
            )
        )
    return notes


def bits_missing(
    columns: Mapping[str, np.ndarray], open_: np.ndarray, numbers: np.ndarray
) -> list[Note]:
    """Point at rows that count as full precision and name a quantization.

    Parameters
    ----------
    columns : mapping of str to ndarray, each of shape (rows,)
        The table.
    open_ : ndarray of bool, shape (rows,)
        Which rows give no bits and no stage.
    numbers : ndarray of int, shape (rows,)
        Number of each row in its source.
    """
    quantized = is_quantized(columns)
    named = tell_each(columns["method"], names_quantizer)
    named = named & ~quantized & (columns["stage"] == "")
    if quantized.any():
        named &= open_
    if named.any():
        several = int(named.sum()) > 1
        missing = (
            f"{'have' if several else 'has'} no bits and no stage, so that "
            f"{'they count' if several else 'it counts'}"
            if quantized.any()
            else "no column gives bits below 16 or a stage, so that all rows count"
        )
        names = "name methods of quantization, such as" if several else "names a method,"
        return [
            Note(
                "bits-missing",
                "severe",
                f"{'Rows' if several else 'Row'} {_some(numbers[named].tolist())} {names} "
                f"{show(columns['method'][named][0])}, and {missing} as full precision.",
                "Give the bits in column w_bits (-c THEIRS=w_bits), and the stage, train or post.",
                tuple(numbers[named]),
            )
        ]
    return [] if quantized.any() else _bits_elsewhere(columns, numbers)


def _bits_elsewhere(columns: Mapping[str, np.ndarray], numbers: np.ndarray) -> list[Note]:
    """Point at a column that speaks of bits, in a table none of whose rows is quantized."""
    for name in ("run", *(name for name in columns if name not in Row.model_fields)):
        values = columns[name]
        if values.dtype != object and not says_bits(name):
            continue  # a number alone speaks of nothing
        named = tell_each(values, partial(_speaks_of_bits, name))
        if not named.any():
            continue
        example = values[named][:1].tolist()[0]
        option = shlex.quote(f"{name}=w_bits")
        return [
            Note(
                "bits-missing",
                "severe",
                f"Column {name} has cells that speak of a quantization, such as {show(example)}, "
                "and no column gives bits below 16 or a stage, so that all rows count as full "
                "precision.",
                f"Give the bits in column w_bits, where these are cells of bits with -c {option}, "
                "or rename the column where it means something else."
                if name != "run"
                else "Give the bits in column w_bits, and the stage, train or post.",
                tuple(numbers[named]),
            )
        ]
    return []


def _speaks_of_bits(name: str, cell: Any) -> bool:
    text = f"{cell:g}" if type(cell) is float else cell
    return cell == cell and looks_quantized(name, text)


def recipes_apart(refused: Mapping[int, str], numbers: np.ndarray) -> list[Note]:
    """Tell which rows have no partner since that of equal size and tokens is of another recipe."""
    if not refused:
        return []
    rows, columns = numbers[sorted(refused)].tolist(), sorted(set(refused.values()))
    several = len(rows) > 1
    why = series([_WHY.get(column, f"differ in {column}") for column in columns])
    return [
        Note(
            "partners-apart",
            "warning",
            f"{'Rows' if several else 'Row'} {_some(rows)} {'have' if several else 'has'} no "
            f"full-precision partner, since the full-precision rows of equal N and D {why}.",
            "Name the right run in a column partner, or give its loss in column loss_full.",
            tuple(rows),
        )
    ]


def partners_open(choices: Mapping[int, Sequence[int]], numbers: np.ndarray) -> list[Note]:
    """Tell which rows may have one of several partners that differ, and which was taken."""
    if not choices:
        return []
    rows = numbers[sorted(choices)].tolist()
    several = len(rows) > 1
    taken, *others = numbers[list(choices[min(choices)])].tolist()
    return [
        Note(
            "partners-open",
            "warning",
            f"{'Rows' if several else 'Row'} {_some(rows)} may be set against several "
            "full-precision rows that differ in loss or recipe, and nothing in the table decides: "
            f"row {rows[0]} is set against row {taken}, and might be against {_some(others)}.",
            "Name the right run in a column partner, or give its loss in column loss_full.",
            tuple(rows),
        )
    ]


def partners_left_out(rows: Sequence[int]) -> list[Note]:
    """Tell which rows have no partner since the row that column partner names cannot be read."""
    if not rows:
        return []
    several = len(rows) > 1
    return [
        Note(
            "partners-left-out",
            "warning",
            f"{'Rows' if several else 'Row'} {_some(rows)} {'have' if several else 'has'} no "
            "full-precision partner, since the row of the run that column partner names was left "
            "out.",
            "Mend that row, or give its loss in column loss_full.",
            tuple(rows),
        )
    ]


def _some(rows: Sequence[int]) -> str:
    """Write the first numbers of rows, and how many there are more."""
    more = [f"{len(rows) - _SHOWN} more"] if len(rows) > _SHOWN else []
    return series([*map(str, rows[:_SHOWN]), *more])
