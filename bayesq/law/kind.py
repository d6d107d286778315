"""What a compression is: widths, number formats, groups, method and sparsity, as data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, get_args

import numpy as np

from bayesq.errors import BayesqError
from bayesq.runs import schema

# Operands as a label names them, in its order, with their columns of widths.
OPERANDS = {"W": "w_bits", "A": "a_bits", "KV": "kv_bits", "G": "grad_bits", "FC2-": "fc2_a_bits"}
_FULL = float(schema.FULL_PRECISION_BITS)
# A method is not to read like a format, a group or a sparsity, nor like one so told apart.
_FORMATS = "|".join(get_args(schema.NumberFormat))
_TAKEN = re.compile(rf"(by-)*({_FORMATS}|E\d+M\d+(-\w+)?|channel|g\d+|S[\d.]+)")


@dataclass(frozen=True, repr=False)
class Kind:
    """A compression, by the columns of a table that say how a row was quantized.

    What has no say is left out: the format of an operand in full precision, one of two digits. Of
    two operands of which the table describes one, both are as it says. So kinds of one label are
    equal, unless one of them is no more than a name or its method reads like two formats.

    Parameters
    ----------
    w_bits, a_bits, kv_bits, grad_bits, fc2_a_bits : float
        Bits of weights, activations, KV cache, backward products and FC2's input; 16 and more is
        full precision.
    sparsity : float
        Share of weights that are zero.
    w_kind, a_kind : str
        Number format of weights and activations: ``"int"``, ``"fp"``, ``"mxfp"``, ``"nvfp"``.
    w_exponent, w_mantissa, a_exponent, a_mantissa : float or None
        Digits of a minifloat, in bits.
    w_group, a_group : float or None
        Elements that share a scale, -1 for one a channel or token.
    method : str
        Quantization method.
    name : str
        What a user's own :class:`~bayesq.law.Levels` calls a kind that no column describes. Its
        bits are not known, and nothing else is given.

    Raises
    ------
    BayesqError
        If a name comes with columns, or a number is none or out of its range.

    Examples
    --------
    >>> Kind(w_bits=4, a_bits=4, w_kind="int", w_group=128, method="my method").label
    'W4A4 int g128 my_method'
    """

    w_bits: float = _FULL
    a_bits: float = _FULL
    kv_bits: float = _FULL
    grad_bits: float = _FULL
    fc2_a_bits: float = _FULL
    sparsity: float = 0.0
    w_kind: str = ""
    w_exponent: float | None = None
    w_mantissa: float | None = None
    w_group: float | None = None
    a_kind: str = ""
    a_exponent: float | None = None
    a_mantissa: float | None = None
    a_group: float | None = None
    method: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        told = {f.name: _plain(f.name, getattr(self, f.name), f.default) for f in fields(self)}
        for column in OPERANDS.values():
            if told[column] <= 0:
                raise BayesqError(f"{column} of a kind is {told[column]:g}; write bits above 0.")
            told[column] = min(told[column], _FULL)
        if not 0 <= (share := told["sparsity"]) < 1:
            raise BayesqError(f"sparsity of a kind is {share:g}; write a share from 0 to below 1.")
        quantized = told["sparsity"] > 0 or any(told[c] < _FULL for c in OPERANDS.values())
        told["method"] = "_".join(told["method"].split()) if quantized else ""
        sides = {s: _Side.of(told, s) for s in "wa" if told[f"{s}_bits"] < _FULL}
        for side in "wa":
            own = sides[side].completed(*sides.values()) if side in sides else _Side()
            told |= {f"{side}_{part}": value for part, value in vars(own).items()}
        for name, value in told.items():
            object.__setattr__(self, name, value)
        if self.name and (more := self.to_dict().keys() - {"name"}):
            raise BayesqError(
                f"Kind {self.name!r} has a name and {', '.join(sorted(more))}; give one of them: "
                "the label of a kind that columns describe follows from them."
            )

    @property
    def label(self) -> str:
        """Its words, the widths first: ``"W4A4 int g128"``; empty for full precision."""
        if self.name:
            return self.name
        widths = self.widths
        first = (f"{o}{widths[c]:g}" for o, c in OPERANDS.items() if c in widths)
        return " ".join(self._words("".join(first)))

    @property
    def widths(self) -> dict[str, float]:
        """Bits of what is quantized, by column."""
        bits = {column: getattr(self, column) for column in OPERANDS.values()}
        return {column: b for column, b in bits.items() if b < _FULL}

    @property
    def family(self) -> str:
        """What kinds have in common that differ in bits alone, as text to compare and to sort by.

        Of minifloats with as many exponent bits, more mantissa bits keep more.
        """
        if self.name:
            return self.name
        widths = self.widths
        first = (f"{o}+{widths[c] - self.bits:g}" for o, c in OPERANDS.items() if c in widths)
        return " ".join(self._words(" ".join(first), mantissa=False))

    @property
    def bits(self) -> float:
        """Fewest bits of an operand, by which the kinds of a family stand in order."""
        # Sparse weights of 16 bits lose about what 4 bits do: they stand there, with no neighbour.
        return min(self.widths.values(), default=4.0)

    @property
    def scale_bits(self) -> float:
        """Bits of a scale of the weights: 8 in the micro formats (MXFP, NVFP), else 16."""
        return 8.0 if self.w_kind in ("mxfp", "nvfp") else 16.0

    def matches(self, column: str, value: float | str) -> bool:
        """Tell whether it is what a column of format says; ``group`` is that of either side."""
        if column == "group":
            return value in (self.w_group, self.a_group)
        if column == "method":
            return "_".join(str(value).split()) == self.method
        if column in Kind.__dataclass_fields__:
            return bool(getattr(self, column) == value)
        # A column of a user's own levels is known by the words that these made of it.
        return "_".join(str(value).split()) in (self.name or self.method).split()

    def to_dict(self) -> dict[str, Any]:
        """Return what is not as in full precision, by column, ready for JSON."""
        told = {f.name: (getattr(self, f.name), f.default) for f in fields(self)}
        return {name: value for name, (value, usual) in told.items() if value != usual}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Kind:
        """Make a kind from what :meth:`to_dict` returned."""
        return cls(**data)

    def _words(self, first: str, mantissa: bool = True) -> list[str]:
        sides = [_Side.of(vars(self), s) for s in "wa"]
        formats = list(dict.fromkeys(s.format() for s in sides if s.format()))
        if not mantissa and formats:
            formats[0] = next(s for s in sides if s.format()).format(mantissa=False)
        groups = dict.fromkeys(s.group_in_words for s in sides if s.group is not None)
        sparse = f"S{self.sparsity:g}" if self.sparsity else ""
        method = f"by-{self.method}" if _TAKEN.fullmatch(self.method) else self.method
        return [w for w in (first, sparse, "/".join(formats), "/".join(groups), method) if w]

    def __repr__(self) -> str:
        return f"Kind({', '.join(f'{name}={value!r}' for name, value in self.to_dict().items())})"

    def __str__(self) -> str:
        return self.label


@dataclass(frozen=True)
class _Side:
    """Format and group of weights or of activations."""

    kind: str = ""
    exponent: float | None = None
    mantissa: float | None = None
    group: float | None = None

    @staticmethod
    def of(told: Mapping[str, Any], side: str) -> _Side:
        found = {part: told[f"{side}_{part}"] for part in _Side.__dataclass_fields__}
        if found["exponent"] is None or found["mantissa"] is None:
            found["exponent"] = found["mantissa"] = None
        elif not found["kind"]:
            found["kind"] = "fp"
        return _Side(**found)

    def completed(self, *both: _Side) -> _Side:
        """Take from the other operand what is not said of this one."""
        told = next((s for s in (self, *both) if s.kind), self)
        group = next((s.group for s in (self, *both) if s.group is not None), None)
        return replace(told, group=group)

    def format(self, *, mantissa: bool = True) -> str:
        if self.exponent is None:
            return self.kind
        digits = f"E{self.exponent:g}" + (f"M{self.mantissa:g}" if mantissa else "")
        return digits if self.kind == "fp" else f"{digits}-{self.kind}"

    @property
    def group_in_words(self) -> str:
        return "channel" if self.group == -1 else f"g{self.group:g}"


def _plain(name: str, value: Any, usual: Any) -> Any:
    """Take a cell of a table as plain Python: numbers as a label shows them, empty as usual."""
    empty = value is None or (isinstance(value, float) and np.isnan(value))
    if empty or isinstance(usual, str):
        return usual if empty else str(value)
    try:
        number = float(f"{float(value):g}")
    except (TypeError, ValueError):
        raise BayesqError(f"{name} of a kind is {value!r}; write a number.") from None
    return usual if np.isnan(number) else number
