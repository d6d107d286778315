"""Formulas: plain functions whose arguments are inputs and parameters by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from bayesq.errors import BayesqError

Formula = Callable[..., Any]


def call(formula: Formula, values: Mapping[str, Any]) -> Any:
    """Call a formula with the arguments that it names, out of `values`."""
    return formula(**{name: values[name] for name in arguments_of(formula)})


def arguments_of(formula: Formula) -> tuple[str, ...]:
    """List the inputs and parameters that a formula takes, by name."""
    arguments = inspect.signature(formula).parameters
    for name, argument in arguments.items():
        if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
            raise BayesqError(
                f"A formula takes {argument}, which names no input or parameter; give it one "
                f"argument for each instead of {name}."
            )
    return tuple(arguments)


def source_of(formula: Formula) -> str:
    """Return the text of a formula, or its bytecode where the text is gone."""
    code = getattr(formula, "__code__", None)
    if code is None:
        return repr(formula)
    try:
        # Of code that came as a string, Python 3.13 gives the source of the whole program instead.
        if code.co_filename == "<string>":
            raise OSError
        return inspect.getsource(formula)
    except (OSError, TypeError):
        # Bytecode, where the source is gone: what it does, and with what.
        numbers = [c for c in code.co_consts if isinstance(c, int | float | str)]
        return repr((code.co_code.hex(), code.co_names, code.co_varnames, numbers))
