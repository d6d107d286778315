"""From the words of a command line to the arguments of a decision."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from bayesq.decide.decision import Decision
from bayesq.errors import BayesqError, nearest
from bayesq.law.registry import laws
from bayesq.posterior.average import Average
from bayesq.posterior.posterior import Posterior

# Questions about several things at once, which take a list.
_LISTS = ("formats", "group")
_SWITCHES = ("closed_form", "discrepancy")
# Arguments that may be another fit, or a setting as KEY:VALUE,KEY:VALUE.
_FITS = ("over", "over_base")


def names_of(decisions: ModuleType) -> list[str]:
    """Name the decisions of :mod:`bayesq.decide`."""
    return [name for name in decisions.__all__ if name != "Decision"]


def find_decision(decisions: ModuleType, name: str) -> Callable[..., Decision]:
    """Find a decision by its name, with hyphens or without.

    Raises
    ------
    BayesqError
        If there is no such decision.
    """
    names = names_of(decisions)
    name = name.replace("-", "_")
    if name not in names:
        raise BayesqError(f"No decision is called {name!r}; {nearest(name, names)}.")
    function: Callable[..., Decision] = getattr(decisions, name)
    return function


def check_needs(function: Callable[..., Decision], asked: Mapping[str, str]) -> None:
    """See that a question gives what a decision needs.

    Raises
    ------
    BayesqError
        If something is not given.
    """
    name = function.__name__
    for argument in inspect.signature(function).parameters.values():
        keyword = argument.kind is inspect.Parameter.KEYWORD_ONLY
        if keyword and argument.default is inspect.Parameter.empty and argument.name not in asked:
            raise BayesqError(f"{name} needs {argument.name}; write {argument.name}=... behind it.")


def other_fits(function: Callable[..., Decision], asked: Mapping[str, str]) -> list[str]:
    """List the arguments of a question that name another fit, beside that of the base law."""
    takes = inspect.signature(function).parameters
    found = [k for k in _FITS if k in takes and k in asked and not _is_setting(asked[k])]
    for key in found:
        text = asked[key]
        if key == "over" and (not text or "=" in text) and not os.path.exists(text):
            raise _no_setting(key, text)
    return found


def _no_setting(key: str, text: str) -> BayesqError:
    wanted = text.replace("=", ":") if "=" in text else "w_bits:16"
    return BayesqError(f"{key} is {text!r}; write a setting with colons, {key}={wanted}.")


def _is_setting(text: str) -> bool:
    name, colon, _ = text.partition(":")
    return bool(colon) and name not in laws() and not os.path.exists(text)


def answer(
    function: Callable[..., Decision],
    fit: Posterior | Average,
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
    if "base" in asked:
        raise BayesqError(f"A base law is named with --base {asked['base']}, not with base=.")
    options = [a.name for a in takes.values() if a.kind is inspect.Parameter.KEYWORD_ONLY]
    open_ = any(a.kind is inspect.Parameter.VAR_KEYWORD for a in takes.values())
    for key in asked:
        if key == "fit" or not (open_ or key in options):
            raise BayesqError(f"{function.__name__} takes no {key}; {nearest(key, options)}.")
    question = {key: _value(key, text, key in options) for key, text in asked.items()}
    return function(fit, **question, **sides)


def _value(key: str, text: str, option: bool) -> Any:
    if option and key in _LISTS:
        return list(dict.fromkeys(part.strip() for part in text.split(",")))
    if option and key == "over":
        parts = [part.partition(":") for part in text.split(",")]
        if not all(name.strip() and value.strip() for name, _, value in parts):
            raise _no_setting(key, text)
        return {name.strip(): value.strip() for name, _, value in parts}
    if option and key in _SWITCHES:
        if text.lower() not in ("true", "false"):
            raise BayesqError(f"{key} is {text!r}; write true or false.")
        return text.lower() == "true"
    return text
