"""Numbers as people write them in the cells of a table: ``125,000,000``, ``int4``, ``50%``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bayesq.runs.counts import parse_count
from bayesq.runs.schema import BITS, NUMERIC

_COUNTS = ("N", "D", "U", "row_length")
_WIDTHS = (*BITS, "fc2_a_bits", "train_w_bits")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3}){2,}(\.\d+)?")
_POINTED_THOUSANDS = re.compile(r"[+-]?\d{1,3}(\.\d{3}){2,}(,\d+)?")
_ONE_COMMA = re.compile(r"[+-]?\d{1,3},\d{3}")
_ONE_POINT = re.compile(r"[+-]?\d{1,3}\.\d{3}")
_DECIMAL_COMMA = re.compile(
    r"([+-]?\d*),(\d+)((?:e[+-]?\d+)?\s*(?:[kmbgt%]|[-_ ]?bits?)?)", re.IGNORECASE
)
_POINT = re.compile(r"[+-]?\d*\.\d+(?:e[+-]?\d+)?", re.IGNORECASE)
_BITS = re.compile(
    r"(?P<kind>u?int|i|bf|fp|float|mxfp|nvfp|w|a|kv)?[-_ ]?(?P<bits>\d+(?:\.\d+)?)"
    r"(?P<unit>[-_ ]?bits?|b)?",
    re.IGNORECASE,
)
_KINDS = {"uint": "int", "int": "int", "i": "int", "fp": "fp", "mxfp": "mxfp", "nvfp": "nvfp"}
_SIDES = {"w": ("w_bits", "train_w_bits"), "a": ("a_bits", "fc2_a_bits"), "kv": ("kv_bits",)}
_GROUP = re.compile(r"(?:g|group[-_ ]?)(\d+)", re.IGNORECASE)
# One scale for each row of weights, or for each token.
_WHOLE = {
    "w_group": re.compile(r"(per[-_ ]?)?(out(put)?[-_ ]?)?channel([-_ ]?wise)?|per[-_ ]?row"),
    "a_group": re.compile(r"(per[-_ ]?)?token([-_ ]?wise)?"),
}
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_PATTERN = re.compile(r"(\d{1,3}):(\d{1,3})")
_SCHEME = re.compile(
    r"w(?P<w>\d+(?:\.\d+)?)[-_]?(?:a(?P<a>\d+(?:\.\d+)?))?[-_]?(?:kv(?P<kv>\d+(?:\.\d+)?))?",
    re.IGNORECASE,
)

SEVERAL_WIDTHS = "names widths of several operands"


@dataclass(frozen=True)
class Spelt:
    """What a cell is read as.

    Parameters
    ----------
    value : object
        A number, or the cell as it was where it is none.
    kind : str
        Number format that the cell names too: ``"int"`` of ``int4``.
    said : bool
        Whether it is told that the cell was read so.
    fault : str
        Why it is not read, where that is not plain.
    """

    value: object
    kind: str = ""
    said: bool = False
    fault: str = ""


def speller(column: str, power: str, decimal_comma: bool) -> Callable[[str], Spelt] | None:
    """Return what reads the text cells of a common column, if it takes more than plain numbers.

    Parameters
    ----------
    column : str
        One of the common columns.
    power : str
        Power of ten that the column is counted in, such as ``"e9"``; empty for none.
    decimal_comma : bool
        Whether a comma is a decimal point in this table.
    """
    if column in _WIDTHS:
        return partial(_bits, column, decimal_comma)
    if column in _COUNTS:
        return partial(_count, power, decimal_comma)
    if column in ("sparsity", "sparsity_percent"):
        return partial(_share, column, decimal_comma)
    if column in _WHOLE:
        return partial(_group, column, decimal_comma)
    if column in NUMERIC or decimal_comma:
        return partial(_number, decimal_comma)
    return None


def has_decimal_comma(column: str, text: str) -> bool:
    """Tell whether a cell is a number whose comma cannot separate thousands."""
    found = _DECIMAL_COMMA.fullmatch(text)
    if found is None:
        return False
    # Of what is measured there are no thousands.
    return column not in _COUNTS or len(found[2]) != 3 or not found[1].lstrip("+-0")


def has_point(text: str) -> bool:
    """Tell whether a cell is a number with a decimal point."""
    return _POINT.fullmatch(text) is not None


def can_be_thousands(text: str) -> bool:
    """Tell whether the comma of a cell can separate thousands."""
    return _ONE_COMMA.fullmatch(text) is not None and not text.lstrip("+-").startswith("0")


def scheme(text: str) -> dict[str, object] | None:
    """Read a label that says nothing but widths: ``int4``, ``W4A16``, ``bf16``.

    Returns
    -------
    dict of str to object, or None
        Cells of ``w_bits``, ``w_kind``, ``a_bits``, ``kv_bits``; None where it says something else.
    """
    if found := _SCHEME.fullmatch(text):
        return {f"{s}_bits": float(found[s]) for s in ("w", "a", "kv") if found[s]}
    spelt = _bits("w_bits", False, text)
    if not isinstance(spelt.value, float) or not spelt.said:
        return None
    return {"w_bits": spelt.value} | ({"w_kind": spelt.kind} if spelt.kind else {})


def _bits(column: str, decimal_comma: bool, text: str) -> Spelt:
    plain = _number(decimal_comma, text)
    found = _BITS.fullmatch(str(plain.value))
    if found is None and (several := _SCHEME.fullmatch(text)) and (several["a"] or several["kv"]):
        return Spelt(text, fault=SEVERAL_WIDTHS)
    if found is None or not (found["kind"] or found["unit"]):
        return plain
    kind, bits = (found["kind"] or "").lower(), float(found["bits"])
    if kind in _SIDES and column not in _SIDES[kind]:
        return Spelt(text, fault=f"names another operand than {column}")
    # fp16, bf16 and float32 are full precision; bf8 is nothing.
    if kind in ("bf", "float") and bits < 16:
        return Spelt(text)
    return Spelt(bits, _KINDS.get(kind, "") if bits < 16 else "", said=True)


def _count(power: str, decimal_comma: bool, text: str) -> Spelt:
    if _THOUSANDS.fullmatch(text):
        return Spelt(scaled(text.replace(",", ""), power), said=True)
    if decimal_comma and _POINTED_THOUSANDS.fullmatch(text):
        plain = text.replace(".", "").replace(",", ".")
        return Spelt(scaled(plain, power), said=True)
    if not decimal_comma and _ONE_COMMA.fullmatch(text):
        return Spelt(text, fault="can be thousands or a decimal number")
    if decimal_comma and _ONE_POINT.fullmatch(text):
        return Spelt(text, fault="can be thousands or a decimal number")
    plain = _with_point(text) if decimal_comma else text
    return Spelt(scaled(plain, power), said=plain != text)


def _share(column: str, decimal_comma: bool, text: str) -> Spelt:
    plain = _with_point(text) if decimal_comma else text
    # A cell that says per cent itself is no per cent of a per cent.
    whole = 100.0 if column == "sparsity_percent" else 1.0
    if found := _PERCENT.fullmatch(plain):
        return Spelt(float(found[1]) / 100 * whole, said=whole == 1)
    if found := _PATTERN.fullmatch(plain):
        kept, of = int(found[1]), int(found[2])
        if 0 < kept <= of:
            # N:M keeps N of every M weights.
            return Spelt((1 - kept / of) * whole, said=True)
    return Spelt(plain, said=plain != text)


def _group(column: str, decimal_comma: bool, text: str) -> Spelt:
    if _WHOLE[column].fullmatch(text.lower()):
        return Spelt(-1.0, said=True)
    if found := _GROUP.fullmatch(text):
        return Spelt(float(found[1]), said=True)
    return _number(decimal_comma, text)


def _number(decimal_comma: bool, text: str) -> Spelt:
    plain = _with_point(text) if decimal_comma else text
    return Spelt(plain, said=plain != text)


def _with_point(text: str) -> str:
    return f"{f[1]}.{f[2]}{f[3]}" if (f := _DECIMAL_COMMA.fullmatch(text)) else text


def scaled(value: object, power: str) -> object:
    """Multiply a plain number by a power of ten; a count with its own suffix has it already."""
    count = parse_count(value)
    if not power or count is not value or isinstance(value, bool):
        return count
    text = str(value)
    try:
        # As text, for 8.03 * 1e9 is not 8.03e9.
        return float(text + power) if "e" not in text.lower() else float(text) * float("1" + power)
    except ValueError:
        return value
