"""Formulas: plain functions whose arguments are inputs and parameters by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Literal
from weakref import WeakKeyDictionary

import numpy as np

from bayesq.errors import BayesqError

Formula = Callable[..., Any]

# A quick fit calls a formula hundreds of times, and to look at it takes longer than its numbers.
# What nobody else holds is not held here: a law of one's own goes when its fits go.
_ARGUMENTS: WeakKeyDictionary[Formula, tuple[str, ...]] = WeakKeyDictionary()


def call(formula: Formula, values: Mapping[str, Any]) -> Any:
    """Call a formula with the arguments that it names, out of `values`."""
    return formula(**{name: values[name] for name in arguments_of(formula)})


def arguments_of(formula: Formula) -> tuple[str, ...]:
    """List the inputs and parameters that a formula takes, by name."""
    try:
        if formula not in _ARGUMENTS:
            _ARGUMENTS[formula] = _arguments_of(formula)
        return _ARGUMENTS[formula]
    except TypeError:  # of one that cannot be hashed, or held weakly
        return _arguments_of(formula)


def _arguments_of(formula: Formula) -> tuple[str, ...]:
    arguments = inspect.signature(formula).parameters
    for name, argument in arguments.items():
        if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
            raise BayesqError(
                f"A formula takes {argument}, which names no input or parameter; give it one "
                f"argument for each instead of {name}."
            )
    return tuple(arguments)


def wired(formula: Formula, given: Mapping[str, str | float]) -> Formula:
    """Make a formula of which some arguments go by other names or are held at numbers.

    Parameters
    ----------
    formula : callable
        A formula.
    given : mapping of str to str or float
        For arguments by name, whether the formula has them or not: the argument that stands in for
        it, or its number.

    Returns
    -------
    callable
        Takes what is left to say, by name.
    """
    ways = {a: given.get(a, a) for a in arguments_of(formula)}
    # A bit-width by a decay of 0 is a limit that is meant: infinite, of which the formula makes
    # something finite.
    limits: Literal["ignore"] | None = "ignore" if any(way == 0 for way in ways.values()) else None

    def through(**values: Any) -> Any:
        with np.errstate(divide=limits):
            return formula(**{a: values[w] if isinstance(w, str) else w for a, w in ways.items()})

    symbols = dict.fromkeys(way for way in ways.values() if isinstance(way, str))
    through.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(symbol, inspect.Parameter.KEYWORD_ONLY) for symbol in symbols]
    )
    # What the law says is in the formula, not in this wrapper.
    through.__wrapped__ = formula  # type: ignore[attr-defined]
    through.held = {a: w for a, w in ways.items() if a != w}  # type: ignore[attr-defined]
    return through


def held(formula: Formula, given: Mapping[str, str | float]) -> Formula:
    """Do as :func:`wired` and let the law's digest tell what was held."""
    taken = {a: given[a] for a in arguments_of(formula) if a in given}
    if not taken:
        return formula
    # Of NumPy, for which a division by 0 is infinite and no error.
    found = wired(
        formula, {a: w if isinstance(w, str) else np.float64(w) for a, w in taken.items()}
    )
    found.held = taken  # type: ignore[attr-defined]
    return found
