"""Parameters that have one value for each kind of compression, and the kinds of a table's rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesq.deprecated import renamed_arguments, warn_once
from bayesq.errors import BayesqError
from bayesq.law.kind import OPERANDS, Kind
from bayesq.law.old_labels import kind_of
from bayesq.law.prior import Prior
from bayesq.runs.schema import FORMAT

Columns = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Levels:
    """The kinds of rows that have values of their own.

    Parameters
    ----------
    symbol : str
        What the kinds are called: ``"compression"``.
    columns : tuple of str
        Columns of the table that tell them apart.
    read : callable
        From a mapping of columns to the kind of each row, ``Kind()`` for one that has none. Text
        will do for kinds of which no more than a name is known; text that is a kind's label is
        read as that kind, with a warning, until a later release.
    """

    symbol: str
    columns: tuple[str, ...]
    read: Callable[[Columns], Sequence[Kind | str] | np.ndarray]

    def kinds(self, columns: Columns) -> np.ndarray:
        """Tell the kind of each row, ``Kind()`` in one that has none; shape ``(rows,)``."""
        read = self.read(columns)
        found = np.empty(len(read), dtype=object)
        # By way of a name, of which an empty cell is none.
        found[:] = [k if isinstance(k, Kind) else kind_of(Kind(name=k).name) for k in read]
        told = (kind for k, kind in zip(read, found, strict=True) if k is not kind)
        if any(kind.label != kind.name for kind in told):
            warn_once(
                f"Levels {self.symbol} give text, which is read for bits until a later release; "
                "let read give bayesq.law.Kind."
            )
        return found

    def label(self, columns: Columns) -> np.ndarray:
        """Name the kind of each row, empty in one that has none; shape ``(rows,)``."""
        return np.array([kind.label for kind in self.kinds(columns)], dtype=object)

    def sort(self, kinds: Iterable[Kind]) -> list[Kind]:
        """Order kinds by family, and each family from its fewest bits to its most."""
        found = {*kinds} - {Kind()}
        return sorted(found, key=lambda kind: (kind.family, kind.bits, kind.label))

    def find(self, wanted: str | Kind, known: Sequence[Kind]) -> Kind:
        """Find the known kind that is `wanted`, or the one whose label has all the words of it.

        Raises
        ------
        BayesqError
            If none has, or several have.
        """
        if isinstance(wanted, Kind):
            found = [kind for kind in known if kind == wanted]
        else:
            words = set(wanted.split())
            found = [kind for kind in known if words <= set(kind.label.split())]
            found = [kind for kind in found if words == set(kind.label.split())] or found
        if len(found) == 1:
            return found[0]
        what = "fits several" if found else "is none"
        raise BayesqError(
            f"'{wanted}' {what} of the kinds of {self.symbol} that were fitted; say which one: "
            f"{'; '.join(kind.label for kind in found or known)}."
        )


# As a keyword it was `label`.
Levels.__init__ = renamed_arguments(label="read")(Levels.__init__)  # type: ignore[method-assign]


@dataclass(frozen=True)
class OrderedByBits:
    """Prior of one value in (0, 1) a kind, rising with bits and partly pooled.

    What a kind loses, ``s = -log(value)``, is positive. In a family, whose kinds differ in bits
    alone, ``log s`` falls from each kind to the one with more bits by ``rate`` a bit, times a
    factor of each step's own whose logarithm has the standard deviation ``spread``. So more bits
    never keep less, families share the rate, and the data say how much they share it. The kind of
    fewest bits has a normal prior around the line of that rate through ``-log(at_4_bits)``: its
    loss is what data tell best, where that of many bits drowns in noise.

    Parameters
    ----------
    at_4_bits : float
        What a family keeps at 4 bits, in the middle of the prior.
    scatter : float
        Standard deviation of ``log s`` of a family's kind of fewest bits around the line.
    rate : Prior
        Fall of ``log s`` a bit; positive.
    spread : Prior
        Standard deviation of the logarithms of single steps; positive.
    """

    at_4_bits: float
    scatter: float
    rate: Prior
    spread: Prior

    positive = False

    def to_dict(self) -> dict[str, Any]:
        """Return the prior as plain dictionaries, ready for JSON."""
        numbers = {"at_4_bits": self.at_4_bits, "scatter": self.scatter}
        priors = {"rate": self.rate.to_dict(), "spread": self.spread.to_dict()}
        return {"distribution": "OrderedByBits"} | numbers | priors

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> OrderedByBits:
        """Make a prior from what :meth:`to_dict` returned."""
        rate, spread = (Prior.from_dict(data[name]) for name in ("rate", "spread"))
        return cls(float(data["at_4_bits"]), float(data["scatter"]), rate, spread)

    def steps(self, kinds: Sequence[Kind]) -> tuple[np.ndarray, np.ndarray]:
        """Lay out the ladder of kinds, which stand as :meth:`Levels.sort` orders them.

        Returns
        -------
        above : ndarray of float, shape (kinds,)
            Bits above the kind before it in the family; for the first of a family 0.
        below_4 : ndarray of float, shape (kinds,)
            Bits below 4 of the first kind of the family; 0 for the others.
        """
        above, below_4 = np.zeros(len(kinds)), np.zeros(len(kinds))
        for i, kind in enumerate(kinds):
            if i and kind.family == kinds[i - 1].family:
                above[i] = kind.bits - kinds[i - 1].bits
            else:
                below_4[i] = 4 - kind.bits
        return above, below_4


def at_rows(values: Any, codes: Any, off: float, dim: str) -> Any:
    """Give each row the value of its kind, and the rows that have none `off`.

    Parameters
    ----------
    values : ndarray or xarray.DataArray
        One value a kind, along the last axis or the dimension `dim`.
    codes : int, ndarray or xarray.DataArray of int
        Number of each row's kind; the number after the last stands for none.
    """
    if isinstance(values, np.ndarray):
        return np.append(values, off)[np.asarray(codes, dtype=int)]
    import xarray as xr

    codes = xr.DataArray(codes).astype(int)
    last = values.sizes[dim] - 1
    return (
        values.drop_vars(dim, errors="ignore")
        .isel({dim: codes.clip(max=last)})
        .where(codes <= last, off)
    )


def compression(
    columns: Columns, operands: Sequence[str] = ("W", "A", "KV", "G", "FC2-")
) -> np.ndarray:
    """Tell the compression of each row, as far as it is one of these operands and of weights."""
    others = {column for operand, column in OPERANDS.items() if operand not in operands}
    spoken = [c for c in Kind.__dataclass_fields__ if c != "name" and c not in others]
    rows = zip(*(columns[c] for c in spoken), strict=True)
    found = np.empty(len(columns["w_bits"]), dtype=object)
    found[:] = [Kind(**dict(zip(spoken, row, strict=True))) for row in rows]
    return found


COMPRESSION = Levels("compression", (*FORMAT,), compression)
