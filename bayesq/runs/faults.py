"""What is wrong in the cells of a table: collected, and said all at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bayesq.counted import how_many
from bayesq.errors import BayesqError
from bayesq.runs.aliases import Naming
from bayesq.runs.records import Records, one_line

_SHOWN = 20
# What a faulty cell is taken as until its row is left out, so that it is named once.
STAND_IN = 1.0


@dataclass(frozen=True)
class Fault:
    """A cell, or a row, that cannot be read.

    Parameters
    ----------
    row : int
        Its row, from 0 on.
    column : str
        The common name of its column; empty where the row as a whole is meant.
    what : str
        What is wrong with the cell, as the end of a sentence.
    mend : str
        What to write instead.
    kind : str
        What is wrong, without the cell: ``"is not a number"``.
    """

    row: int
    column: str
    what: str
    mend: str
    kind: str


def show(value: object) -> str:
    """Write a cell for a message, cut short where it is long."""
    text = value if isinstance(value, str) else one_line(repr(value))
    shown = text if len(text) <= 40 else text[:37] + "..."
    return repr(shown) if isinstance(value, str) else shown


def at(records: Records, naming: Naming, row: int, column: str) -> str:
    """Say where a cell stands, with the table's own name of its column."""
    if not column:
        return records.place(row)
    theirs = naming.theirs(column)
    shown = column if theirs == column else f"{theirs} (read as {column})"
    return f"{records.place(row)}, column {shown}"


def refuse(
    records: Records, naming: Naming, faults: Iterable[Fault], *, skippable: bool
) -> BayesqError:
    """Word all faults as one error: the first by place, then how many of each kind.

    `skippable` tells whether their rows could be left out.
    """
    found = sorted(faults, key=lambda fault: fault.row)
    first = found[0]
    skip = "with skip_bad=True (--skip-bad)"
    if len(found) == 1:
        place = at(records, naming, first.row, first.column)
        leave = ", or leave the row out"
        mend = first.mend.removesuffix(leave) + f"{leave} {skip}" if skippable else first.mend
        return BayesqError(f"{records.source}, {place}: {first.what}; {mend}.")
    listed = "; ".join(
        f"{at(records, naming, fault.row, fault.column)}: {fault.what}" for fault in found[:_SHOWN]
    )
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    rows = len({fault.row for fault in found})
    mends = {fault.mend for fault in found}
    mend = first.mend.partition(", or leave")[0] if len(mends) == 1 else "mend them"
    return BayesqError(
        f"{records.source}, {listed}{more}; in all {len(found)} cells of "
        f"{how_many(rows, 'row')} cannot be read ({counted(naming, found)}); "
        f"{mend}{f', or leave their rows out {skip}' if skippable else ''}."
    )


def counted(naming: Naming, faults: Sequence[Fault]) -> str:
    """Count faults by column and kind: ``ppl is not a number: 4, w_bits is below 1: 1``."""
    kinds = Counter((fault.column, fault.kind) for fault in faults)
    return ", ".join(
        f"{naming.theirs(column) or 'a row'} {kind}: {count}"
        for (column, kind), count in kinds.most_common(_SHOWN)
    )
