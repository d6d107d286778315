"""Kinds of rows that a question may be about: by their labels, or by columns of a table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import xarray as xr

from bayesq.decide.question import Question, Setting, number
from bayesq.errors import BayesqError
from bayesq.law.kind import Kind
from bayesq.posterior.posterior import Posterior
from bayesq.runs.schema import NUMERIC


def ask_kinds(setting: Setting, free: Collection[str]) -> tuple[Question, str, list[Kind]]:
    """Put a question about the loss that chooses among kinds.

    Parameters
    ----------
    setting : Setting
        Columns as in a runs table, kinds by name, ``group``; of a law with one parameter a kind.
    free : collection of str
        Further inputs that the decision looks for.

    Returns
    -------
    question : Question
        What is held: kinds of further lists too, full precision where the scenario names none.
    symbol : str
        The first of the law's lists of kinds: that which is chosen from.
    chosen : list of Kind
        The kinds of it that fit what the scenario says of formats.

    Raises
    ------
    BayesqError
        If no kind fits, or several fit of a further list.
    """
    fit, scenario = setting.fit, setting.given
    levels = fit.law.levels_of("loss")
    symbol, *further = levels
    formats = {c for found in levels.values() for c in found.columns} | {"group", *levels}
    told = {k: v for k, v in scenario.items() if k in formats}
    rest = {k: v for k, v in scenario.items() if k not in formats}
    backward = {k: v for k, v in told.items() if k == "grad_bits" and further}
    own = {k: v for k, v in told.items() if k not in (*backward, *further)}
    chosen = fit.kinds[symbol]
    if symbol in own:
        chosen = [levels[symbol].find(str(own.pop(symbol)), chosen)]
    chosen = [kind for kind in chosen if _fits(kind, own)]
    if not chosen:
        raise BayesqError(
            f"{fit.title} has no {symbol} with {', '.join(f'{k}={v}' for k, v in own.items())}; it "
            f"has {'; '.join(fit.levels[symbol])}."
        )
    others = {}
    for other in further:
        known = fit.kinds[other]
        others[other] = len(known)
        if other in told:
            others[other] = known.index(levels[other].find(str(told[other]), known))
        elif backward:
            found = [kind for kind in known if _fits(kind, backward)]
            wanted = " ".join(f"G{v}" for v in backward.values())
            one = found[0] if len(found) == 1 else levels[other].find(wanted, known)
            others[other] = known.index(one)
    question = replace(setting, given=rest).ask("loss", (*free, *fit.kinds))
    return replace(question, inputs=question.inputs | others), symbol, chosen


def numbered(fit: Posterior, symbol: str, chosen: Mapping[str, Kind], dim: str) -> xr.DataArray:
    """Give kinds their numbers in the law along `dim`, by what they are called in the answer."""
    numbers = [fit.kinds[symbol].index(kind) for kind in chosen.values()]
    return xr.DataArray(numbers, dims=dim, coords={dim: list(chosen)})


def weight_bits(kinds: Sequence[Kind], dim: str) -> xr.DataArray:
    """Tell the bits of the weights of each kind, along `dim`.

    Raises
    ------
    BayesqError
        If no more than the name is known of one.
    """
    for kind in kinds:
        if kind.name:
            raise BayesqError(
                f"No more than the name is known of kind {kind.name!r}, and its bits are asked "
                "for; give it as bayesq.law.Kind(w_bits=..., ...) in its constants or its Levels."
            )
    return xr.DataArray([kind.w_bits for kind in kinds], dims=dim)


def _fits(kind: Kind, told: Mapping[str, Any]) -> bool:
    return all(_has(kind, column, value) for column, value in told.items())


def _has(kind: Kind, column: str, value: Any) -> bool:
    least = {"group": -2, "exponent": -1, "mantissa": -1}.get(column.rpartition("_")[2], 0)
    counted = column in NUMERIC or column == "group"
    return kind.matches(column, number(column, value, least) if counted else str(value))
