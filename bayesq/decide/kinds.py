"""Kinds of rows that a question may be about: by their names, or by columns of a table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bayesq.decide.question import number
from bayesq.errors import BayesqError
from bayesq.fitting.posterior import Posterior
from bayesq.law.levels import bits_of

_OPERANDS = {"w_bits": "W", "a_bits": "A", "kv_bits": "KV", "grad_bits": "G", "fc2_a_bits": "FC2-"}
_PER_CHANNEL = -1


def kinds_asked(
    fit: Posterior, scenario: Mapping[str, Any]
) -> tuple[dict[str, Any], str, list[str], dict[str, int]]:
    """Tell the kinds that fit a question from what it says of formats.

    Parameters
    ----------
    fit : Posterior
        A fit of a law with one parameter a kind.
    scenario : mapping
        Columns as in a runs table, kinds by name, ``group``.

    Returns
    -------
    rest : dict
        What the question says of other things.
    symbol : str
        The first of the law's lists of kinds: that which is chosen from.
    labels : list of str
        The kinds of it that fit.
    others : dict of str to int
        Numbers of the kinds of further lists; after the last where the question names none.

    Raises
    ------
    BayesqError
        If no kind fits, or several fit of a further list.
    """
    kinds = fit.law.levels_of("loss")
    symbol, *further = kinds
    formats = {c for found in kinds.values() for c in found.columns} | {"group", *kinds}
    told = {k: v for k, v in scenario.items() if k in formats}
    rest = {k: v for k, v in scenario.items() if k not in formats}
    backward = {k: v for k, v in told.items() if k == "grad_bits" and further}
    own = {k: v for k, v in told.items() if k not in (*backward, *further)}
    labels = fit.levels[symbol]
    if symbol in own:
        labels = [kinds[symbol].find(str(own.pop(symbol)), labels)]
    labels = [label for label in labels if all(_has(label, k, v) for k, v in own.items())]
    if not labels:
        raise BayesqError(
            f"{fit.title} has no {symbol} with {', '.join(f'{k}={v}' for k, v in own.items())}; it "
            f"has {'; '.join(fit.levels[symbol])}."
        )
    others = {}
    for name in further:
        known = fit.levels[name]
        if name in told:
            others[name] = known.index(kinds[name].find(str(told[name]), known))
        elif backward:
            found = [
                label for label in known if all(_has(label, k, v) for k, v in backward.items())
            ]
            wanted = found[0] if len(found) == 1 else " ".join(f"G{v}" for v in backward.values())
            others[name] = known.index(kinds[name].find(wanted, known))
        else:
            others[name] = len(known)
    return rest, symbol, labels, others


def _has(label: str, column: str, value: Any) -> bool:
    """Tell whether a kind is of what a column says."""
    first, *words = label.split()
    if column in _OPERANDS:
        return bits_of(label, _OPERANDS[column]) == number(column, value)
    if column == "group" or column.endswith("_group"):
        size = number(column, value, least=_PER_CHANNEL - 1)
        wanted = "channel" if size == _PER_CHANNEL else f"g{size:g}"
        return any(wanted in word.split("/") for word in words)
    parts = [part for word in words for part in word.split("/")]
    if column == "sparsity":
        return f"S{number(column, value):g}" in (first, *words)
    if column.endswith("_kind"):
        minifloat = any(re.fullmatch(r"E\d+M\d+", part) for part in parts)
        return (
            value in parts
            or any(p.endswith(f"-{value}") for p in parts)
            or (value == "fp" and minifloat)
        )
    if column.endswith(("_exponent", "_mantissa")):
        letter = "E" if column.endswith("_exponent") else "M"
        digits = f"{letter}{number(column, value, least=-1):g}"
        return any(re.search(rf"{digits}(?!\d)", p) for p in parts if re.match(r"E\d+M\d+", p))
    return str(value).replace(" ", "_") in words
