"""Decisions read off the rows of a table, with no law in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bayesq.decide.memory import read_memory
from bayesq.decide.nats import read_nats
from bayesq.decide.question import number
from bayesq.errors import BayesqError, nearest
from bayesq.law.law import Law
from bayesq.proving.asking import takes
from bayesq.proving.case import Case
from bayesq.proving.cells import Cells, cells
from bayesq.proving.choices import fewest_bits, optimal_format, optimal_precision
from bayesq.proving.kept import SPLITS, Kept, keep
from bayesq.proving.optima import compute_optimal, critical_tokens
from bayesq.runs.runs import Runs

_READERS: dict[str, Callable[[Cells, Mapping[str, Any]], Iterator[Case]]] = {
    "critical_tokens": critical_tokens,
    "fewest_bits": fewest_bits,
    "optimal_precision": optimal_precision,
    "optimal_format": optimal_format,
    "compute_optimal": compute_optimal,
}
# What may be one number or several: the decisions themselves take it as it is written.
_READ: dict[str, Callable[[Any], float]] = {
    "level": lambda value: read_nats("level", value).value,
    "memory": lambda value: read_memory(value).bits,
    "compute": lambda value: number("compute", value),
}
# What the rows say of a decision: not for whoever asks to give.
_OF_ROWS = ("base", "N", "D", "bits", "formats")
# A decision that the fit has mostly seen is none about the rows left out.
_LEFT_OUT = 0.5


def read_decisions(
    runs: Runs,
    law: str | Law,
    decision: str,
    response: str | None = None,
    *,
    base: str | Law | None = None,
    split: str = "largest-N",
    quantile: float = 0.7,
    about: str | None = None,
    **asked: Any,
) -> tuple[Kept, list[Case]]:
    """Lay out the fits of a backtest of decisions, and read the decisions off the other rows.

    The arguments are those of :func:`bayesq.backtest_decision`, and so are the errors.

    Returns
    -------
    part : Kept
        The rows to fit.
    cases : list of Case
        The decisions of which at least half the rows are left out; with split ``"none"``, all.
    """
    _check(decision, split, asked)
    asked = in_numbers(asked)
    part = keep(runs, law, response, base, split, quantile, about)
    if base is None and part.own.response == "degradation" and "base" in takes(decision):
        raise BayesqError(
            f"{decision} is about the loss, and {part.own.law.name} is fitted to the degradation; "
            "pass base=, the name of its base law, with the full-precision rows among the others."
        )
    found = list(_READERS[decision](cells(part.own.law, part.read, runs, part.own.kinds), asked))
    # What readers take as a list is in the question of each already.
    found = [replace(case, question={**asked, **case.question}) for case in found]
    least = 0.0 if split == "none" else _LEFT_OUT
    cases = [case for case in found if case.left_out >= least]
    if not cases:
        why = "no setting has enough measured side by side"
        if found:
            why = f"{len(found)} are about rows of which most were kept"
        raise BayesqError(
            f"The rows left out tell no {decision} ({why}); choose another split, or split='none'."
        )
    return part, cases


def in_numbers(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Read what readers take one or a list of, in nats, bits and FLOP.

    Raises
    ------
    BayesqError
        If one is no such number.
    """
    return {
        name: _each(_READ[name], value) if name in _READ else value for name, value in asked.items()
    }


def _each(read: Callable[[Any], float], value: Any) -> Any:
    if np.ndim(value):
        return [read(one) for one in np.asarray(value, dtype=object).tolist()]
    return read(value)


def _check(decision: str, split: str, asked: Mapping[str, Any]) -> None:
    """Refuse what neither the readers nor the decision know."""
    if decision not in _READERS:
        raise BayesqError(
            f"No decision that rows can tell is called {decision!r}; "
            f"{nearest(str(decision), _READERS)}."
        )
    if split not in SPLITS:
        raise BayesqError(f"No split is called {split!r}; {nearest(str(split), SPLITS)}.")
    known = [name for name in takes(decision) if name not in _OF_ROWS]
    for name in asked:
        if name not in known:
            raise BayesqError(f"A backtest of {decision} takes no {name}; {nearest(name, known)}.")
