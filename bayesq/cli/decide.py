"""From the words of a command line to the arguments of a decision."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from bayesq.decide.decision import Decision
from bayesq.errors import BayesqError, nearest
from bayesq.fitting.posterior import Posterior

# Questions about several things at once, which take a list.
_LISTS = ("formats", "group")


def find_decision(
    decisions: ModuleType, name: str, asked: Mapping[str, str]
) -> Callable[..., Decision]:
    """Find a decision by its name, and see that the question gives what it needs.

    Raises
    ------
    BayesqError
        If there is no such decision, or something that it needs is not given.
    """
    names = [n for n in decisions.__all__ if n != "Decision"]
    name = name.replace("-", "_")
    if name not in names:
        raise BayesqError(f"No decision is called {name!r}; {nearest(name, names)}.")
    function: Callable[..., Decision] = getattr(decisions, name)
    for argument in inspect.signature(function).parameters.values():
        keyword = argument.kind is inspect.Parameter.KEYWORD_ONLY
        if keyword and argument.default is inspect.Parameter.empty and argument.name not in asked:
            raise BayesqError(f"{name} needs {argument.name}; write {argument.name}=... behind it.")
    return function


def answer(
    function: Callable[..., Decision],
    fit: Posterior,
    asked: Mapping[str, str],
    sides: Mapping[str, Posterior],
) -> Decision:
    """Ask a decision in the words of a command line.

    Raises
    ------
    BayesqError
        As the decision, and where it takes no base.
    """
    takes = inspect.signature(function).parameters
    if sides and "base" not in takes:
        raise BayesqError(f"{function.__name__} needs no base law; leave --base out.")
    question: dict[str, Any] = {
        k: v.split(",") if k in _LISTS and k in takes else v for k, v in asked.items()
    }
    return function(fit, **question, **sides)
