"""Labels of kinds, as fits, users' levels and constants had them before kinds: read here alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

from bayesq.law.kind import OPERANDS, Kind
from bayesq.runs import schema

_NUMBER = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_WIDTHS = re.compile(rf"(?:(?:{'|'.join(OPERANDS)}){_NUMBER})+")
_WIDTH = re.compile(rf"({'|'.join(OPERANDS)})({_NUMBER})")
_SPARSITY = re.compile(rf"S({_NUMBER})")
_FORMAT = re.compile(
    rf"(?:E({_NUMBER})M({_NUMBER})(?:-({'|'.join(get_args(schema.NumberFormat))}))?)"
    rf"|({'|'.join(get_args(schema.NumberFormat))})"
)
_GROUP = re.compile(rf"g({_NUMBER})|channel")


def kind_of(label: str) -> Kind:
    """Read a kind out of its label.

    Returns
    -------
    Kind
        The one of that label; a kind that has no more than a name where the words are not those of
        :attr:`Kind.label`, but of a user's own levels.
    """
    words = label.split()
    told: dict[str, Any] = {}
    if words and _WIDTHS.fullmatch(words[0]):
        told |= {OPERANDS[operand]: float(bits) for operand, bits in _WIDTH.findall(words.pop(0))}
    if words and (found := _SPARSITY.fullmatch(words[0])):
        told["sparsity"] = float(found[1])
        words.pop(0)
    sides = [side for side in "wa" if f"{side}_bits" in told]
    for pattern, read in ((_FORMAT, _format), (_GROUP, _group)):
        texts = words[0].split("/") if words else []
        parts = [part for text in texts if (part := pattern.fullmatch(text))]
        if parts and len(texts) == len(parts) <= len(sides):
            words.pop(0)
            # Of one part the other operand, if it is quantized, has the same.
            for side, part in zip(sides, parts, strict=False):
                told |= {f"{side}_{name}": value for name, value in read(part).items()}
    method = " ".join(words)
    for meant in (method.removeprefix("by-"), method):
        if (kind := Kind(**told, method=meant)).label == label:
            return kind
    return Kind(name=label)


def described_kinds(
    law: Mapping[str, Any] | None, coordinates: Mapping[Any, Any]
) -> dict[str, list[dict[str, Any]]]:
    """Describe the kinds of a law, as :meth:`Law.to_dict` has it, by the labels of its draws."""
    if law is None:
        return {}
    found = described_kinds(law["base"], coordinates)
    for symbol in (p["by"] for p in law["parameters"] if "by" in p):
        found[symbol] = [kind_of(str(label)).to_dict() for label in coordinates[symbol].values]
    return found


def _format(part: re.Match[str]) -> dict[str, Any]:
    if part[4]:
        return {"kind": part[4]}
    return {"exponent": float(part[1]), "mantissa": float(part[2]), "kind": part[3] or "fp"}


def _group(part: re.Match[str]) -> dict[str, Any]:
    return {"group": float(part[1]) if part[1] else -1.0}
