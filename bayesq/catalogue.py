"""A collection of named things that explains itself: the pools, the laws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from bayesq import html
from bayesq.errors import BayesqError, nearest

if TYPE_CHECKING:
    import pandas as pd

_WIDEST_CELL = 40


class Summarised(Protocol):
    """Anything that can stand as a row of a table."""

    def summary_row(self) -> dict[str, object]:
        """Return the cells of the row by column name, the same columns for every item."""
        ...


class Catalogue[T: Summarised](dict[str, T]):
    """Named items, printed as a table.

    A dictionary, but for its looks and for an unknown name, which is answered with the nearest
    ones.

    Parameters
    ----------
    kind : str
        What one item is, such as ``"pool"``; the heading of the names.
    items : mapping of str to T
        The items by name.

    Examples
    --------
    >>> import bayesq
    >>> bayesq.pools()["quest"].licence
    'MIT'
    """

    def __init__(self, kind: str, items: Mapping[str, T]) -> None:
        super().__init__(items)
        self.kind = kind

    def __missing__(self, name: object) -> T:
        raise BayesqError(f"No {self.kind} is called {name!r}; {nearest(str(name), self)}.")

    def to_frame(self) -> pd.DataFrame:
        """Return one row an item, indexed by name.

        Returns
        -------
        pandas.DataFrame
        """
        import pandas as pd

        rows = [item.summary_row() for item in self.values()]
        return pd.DataFrame(rows, index=pd.Index(list(self), name=self.kind))

    def __repr__(self) -> str:
        rows = [{self.kind: name, **item.summary_row()} for name, item in self.items()]
        header = list(rows[0]) if rows else [self.kind]
        table = [header, *([_cell(row[column]) for column in header] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        # Numbers are read from their last digit, so their columns end together.
        numeric = [bool(rows) and isinstance(rows[0][column], int | float) for column in header]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if right else cell.ljust(width)
                for cell, width, right in zip(line, widths, numeric, strict=True)
            ).rstrip()
            for line in table
        )

    def _repr_html_(self) -> str:
        return html.block(f"{len(self)} {self.kind}s", html.table(self.to_frame()))


def _cell(value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _WIDEST_CELL else text[: _WIDEST_CELL - 3] + "..."
