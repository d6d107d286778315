"""Kinds of rows that a question may be about: by their names, or by columns of a table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import xarray as xr

from bayesq.decide.question import Question, ask, number
from bayesq.errors import BayesqError
from bayesq.law.levels import bits_of, matches
from bayesq.posterior.posterior import Posterior
from bayesq.runs.schema import NUMERIC


def ask_kinds(
    fit: Posterior,
    scenario: Mapping[str, Any],
    free: Collection[str],
    name: str,
    discrepancy: bool = True,
) -> tuple[Question, str, list[str]]:
    """Check one setting for a decision that chooses among kinds.

    Parameters
    ----------
    fit : Posterior
        A fit of a law with one parameter a kind.
    scenario : mapping
        Columns as in a runs table, kinds by name, ``group``.
    free, name, discrepancy
        As in :func:`bayesq.decide.question.ask`.

    Returns
    -------
    question : Question
        What is held: kinds of further lists too, full precision where the scenario names none.
    symbol : str
        The first of the law's lists of kinds: that which is chosen from.
    labels : list of str
        The kinds of it that fit what the scenario says of formats.

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
    for other in further:
        known = fit.levels[other]
        if other in told:
            others[other] = known.index(kinds[other].find(str(told[other]), known))
        elif backward:
            found = [
                label for label in known if all(_has(label, k, v) for k, v in backward.items())
            ]
            wanted = found[0] if len(found) == 1 else " ".join(f"G{v}" for v in backward.values())
            others[other] = known.index(kinds[other].find(wanted, known))
        else:
            others[other] = len(known)
    open_ = (*free, *fit.levels)
    question = ask(fit, rest, "loss", free=open_, name=name, discrepancy=discrepancy)
    return replace(question, inputs=question.inputs | others), symbol, labels


def numbered(
    fit: Posterior, symbol: str, chosen: Mapping[str, str], dim: str
) -> tuple[xr.DataArray, xr.DataArray]:
    """Give kinds their numbers in the law, by what they are called in the answer.

    Returns
    -------
    numbers, widths : xarray.DataArray
        Number of each kind, and bits of its weights, along `dim`.
    """
    coords = {dim: list(chosen)}
    numbers = [fit.levels[symbol].index(label) for label in chosen.values()]
    widths = [bits_of(label) for label in chosen.values()]
    return (
        xr.DataArray(numbers, dims=dim, coords=coords),
        xr.DataArray(widths, dims=dim, coords=coords),
    )


def _has(label: str, column: str, value: Any) -> bool:
    least = {"group": -2, "exponent": -1, "mantissa": -1}.get(column.rpartition("_")[2], 0)
    counted = column in NUMERIC or column == "group"
    return matches(label, column, number(column, value, least) if counted else str(value))
