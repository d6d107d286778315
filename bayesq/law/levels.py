"""Parameters that have one value for each kind of compression, and the names of the kinds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from bayesq.errors import BayesqError
from bayesq.law.prior import Prior
from bayesq.runs.schema import FORMAT, FULL_PRECISION_BITS, Kind

Columns = Mapping[str, np.ndarray]
_NUMBER_FORMATS = get_args(Kind)
_WIDTH = re.compile(r"(W|A|KV|G|FC2-)(\d+(?:\.\d+)?)")
_OPERANDS = {"W": "w_bits", "A": "a_bits", "KV": "kv_bits", "G": "grad_bits", "FC2-": "fc2_a_bits"}
_OPERAND_OF = {column: operand for operand, column in _OPERANDS.items()}


@dataclass(frozen=True)
class Levels:
    """The kinds of rows that have values of their own.

    Parameters
    ----------
    symbol : str
        What the kinds are called: ``"compression"``.
    columns : tuple of str
        Columns of the table that tell them apart.
    label : callable
        From a mapping of columns to the name of each row's kind, empty for a row that has none.
        A name is a list of words, the widths first: ``"W4A4 int g128"``.
    """

    symbol: str
    columns: tuple[str, ...]
    label: Callable[[Columns], np.ndarray]

    def sort(self, labels: Sequence[str]) -> list[str]:
        """Order kinds by family, and each family from its fewest bits to its most."""
        return sorted(set(labels) - {""}, key=lambda label: (_family(label), _bits(label)))

    def find(self, wanted: str, known: Sequence[str]) -> str:
        """Find the one known kind that has all the words of `wanted`.

        Raises
        ------
        BayesqError
            If none has, or several have.
        """
        words = set(wanted.split())
        found = [label for label in known if words <= set(label.split())]
        exact = [label for label in found if words == set(label.split())]
        found = exact or found
        if len(found) == 1:
            return found[0]
        what = "fits several" if found else "is none"
        raise BayesqError(
            f"{wanted!r} {what} of the kinds of {self.symbol} that were fitted; say which one: "
            f"{'; '.join(found or known)}."
        )


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

    def steps(self, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Lay out the ladder of kinds, which stand as :meth:`Levels.sort` orders them.

        Returns
        -------
        above : ndarray of float, shape (kinds,)
            Bits above the kind before it in the family; for the first of a family 0.
        below_4 : ndarray of float, shape (kinds,)
            Bits below 4 of the first kind of the family; 0 for the others.
        """
        above, below_4 = np.zeros(len(labels)), np.zeros(len(labels))
        for i, label in enumerate(labels):
            if i and _family(label) == _family(labels[i - 1]):
                above[i] = _bits(label) - _bits(labels[i - 1])
            else:
                below_4[i] = 4 - _bits(label)
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


def bits_of(label: str, operand: str = "W") -> float:
    """Read the width of an operand, ``"W"``, ``"A"``, ``"KV"`` or ``"G"``, out of a kind's name."""
    return dict(_widths(label)).get(operand, float(FULL_PRECISION_BITS))


def scales_of(label: str) -> tuple[float, float]:
    """Read out of a kind's name how many weights share a scale, and the bits of such a scale.

    Returns
    -------
    weights, bits : float
        Weights, NaN where the name does not say or has one scale a channel; 8 bits of the micro
        formats (MXFP, NVFP), else 16.
    """
    words = label.split()[1:]
    sizes = [found for word in words if (found := re.match(r"g(\d+)", word))]
    micro = any(re.search(r"\b(mx|nv)fp", word) for word in words)
    return float(sizes[0][1]) if sizes else float("nan"), 8.0 if micro else 16.0


def matches(label: str, column: str, value: float | str) -> bool:
    """Tell whether a kind is what a column of format says; ``group`` is that of either side."""
    first, *words = label.split()
    if column in _OPERAND_OF:
        return bits_of(label, _OPERAND_OF[column]) == value
    side, _, what = column.rpartition("_")
    if what == "sparsity":
        return f"S{value:g}" in (first, *words)
    if what == "method":
        return _method(str(value)) in words
    if what == "group":
        return _group(float(value)) in _of_side(words, side, _is_group)
    parts = _of_side(words, side, _is_kind)
    if what == "kind":
        minifloat = any(re.fullmatch(r"E\d+M\d+", part) for part in parts)
        named = value in parts or any(part.endswith(f"-{value}") for part in parts)
        return named or (value == "fp" and minifloat)
    if what in ("exponent", "mantissa"):
        digits = re.compile(rf"{what[0].upper()}{value:g}(?!\d)")
        return any(digits.search(part) for part in parts if re.match(r"E\d+M\d+", part))
    return str(value).replace(" ", "_") in words


def _of_side(words: list[str], side: str, is_one: Callable[[str], bool]) -> list[str]:
    """Take what a kind's name says of weights, ``w``, or activations, ``a``; of either for ""."""
    for word in words:
        parts = word.split("/")
        if all(map(is_one, parts)):
            # Where the two sides differ the name has both, the weights first.
            return [parts["wa".index(side)]] if len(parts) == 2 and side in ("w", "a") else parts
    return []


def _is_group(word: str) -> bool:
    return word == "channel" or re.fullmatch(r"g\d+", word) is not None


def _is_kind(word: str) -> bool:
    return word in _NUMBER_FORMATS or re.fullmatch(r"E\d+M\d+(-\w+)?", word) is not None


def _method(name: str) -> str:
    """Write a method as a word of a kind's name that cannot be taken for a format or a group."""
    word = "_".join(name.split())
    taken = _is_kind(word) or _is_group(word) or re.fullmatch(r"S[\d.]+", word)
    return f"by-{word}" if taken else word


def _widths(label: str) -> list[tuple[str, float]]:
    return [(name, float(bits)) for name, bits in _WIDTH.findall(label.split()[0])]


def _bits(label: str) -> float:
    # Sparse weights of 16 bits lose about what 4 bits do: they stand there, with no neighbour.
    return min((bits for _, bits in _widths(label)), default=4.0)


def _family(label: str) -> str:
    """Name what the kinds have in common that differ in bits alone."""
    first, *words = label.split()
    fewest = _bits(label)
    parts = [f"{name}+{bits - fewest:g}" for name, bits in _widths(label)] or [first]
    # Of minifloats with as many exponent bits, more mantissa bits keep more.
    return " ".join([*parts, *(re.sub(r"^(E\d+)M\d+", r"\1", word) for word in words)])


def compression(
    columns: Columns, operands: Sequence[str] = ("W", "A", "KV", "G", "FC2-")
) -> np.ndarray:
    """Name the compression of each row by its widths, number formats, groups and method."""
    rows = len(columns["w_bits"])
    return np.array([_name(columns, i, operands) for i in range(rows)], dtype=object)


def _name(columns: Columns, i: int, operands: Sequence[str]) -> str:
    def bits(operand: str) -> float:
        return float(columns[_OPERANDS[operand]][i])

    quantized = [o for o in operands if bits(o) < FULL_PRECISION_BITS]
    sparse = float(columns["sparsity"][i])
    if not quantized and not sparse:
        return ""
    sides = [s for s in "wa" if s.upper() in quantized]
    words = ["".join(f"{o}{bits(o):g}" for o in quantized)] if quantized else []
    words += [f"S{sparse:g}"] if sparse else []
    kinds = ["".join(_kind(columns, i, s)) for s in sides]
    words += "/".join(dict.fromkeys(k for k in kinds if k)).split()
    groups = [_group(float(columns[f"{s}_group"][i])) for s in sides]
    words += "/".join(dict.fromkeys(g for g in groups if g)).split()
    return " ".join([*words, *_method(str(columns["method"][i])).split()])


def _kind(columns: Columns, i: int, side: str) -> str:
    kind = str(columns[f"{side}_kind"][i])
    exponent, mantissa = (float(columns[f"{side}_{p}"][i]) for p in ("exponent", "mantissa"))
    if np.isnan(exponent) or np.isnan(mantissa):
        return kind
    return f"E{exponent:g}M{mantissa:g}{'' if kind in ('', 'fp') else f'-{kind}'}"


def _group(size: float) -> str:
    if np.isnan(size):
        return ""
    return "channel" if size == -1 else f"g{size:g}"


COMPRESSION = Levels("compression", (*FORMAT,), compression)
