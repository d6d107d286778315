"""What a figure takes, read off its signature and documentation, as options of a command."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from inspect import Parameter
from types import ModuleType
from typing import Annotated, Any

import typer

from bayesq.cli.questions import described
from bayesq.errors import BayesqError, nearest
from bayesq.posterior.by_name import find_one
from bayesq.runs.name_values import read_pairs

# Of a command these are the size of the file, and what only Python can give.
_LEFT_OUT = {"ax", "figsize", "visuals"}
Figure = Callable[..., Any]


def names_of(figures: ModuleType) -> list[str]:
    """Name the figures of :mod:`bayesq.plot`, as commands."""
    return [n.removeprefix("plot_") for n in figures.__all__ if n.startswith("plot_")]


def name_of(figure: Figure) -> str:
    """Name a figure as its command."""
    return figure.__name__.removeprefix("plot_")


def find_figure(figures: ModuleType, name: str) -> Figure:
    """Find a figure by its name, with hyphens or without.

    Raises
    ------
    BayesqError
        If there is no such figure.
    """
    names = names_of(figures)
    name = name.replace("-", "_").removeprefix("plot_")
    if name not in names:
        raise BayesqError(f"No figure is called {name!r}; {nearest(name, names)}.")
    found: Figure = getattr(figures, f"plot_{name}")
    return found


def drawn_of(figure: Figure) -> list[str]:
    """Name the kinds of results that a figure may be of: ``["Fit", "Comparison"]``."""
    first = next(iter(inspect.signature(figure).parameters.values()))
    return [kind.strip().rpartition(".")[2] for kind in str(first.annotation).split("|")]


def options_of(figure: Figure) -> list[Parameter]:
    """Declare the options of a figure for Typer."""
    said = described(figure).entries
    found = []
    for name, argument in inspect.signature(figure).parameters.items():
        if argument.kind is not Parameter.KEYWORD_ONLY or _only_python(name):
            continue
        kind, default, metavar = _asked(str(argument.annotation), argument.default)
        words = said.get(name, "")
        if metavar == "NAME=VALUE":
            words = f"{re.sub(r'\b(\w+):(?=[\d.])', r'\1=', words)} Give it again for more."
        option = typer.Option(help=words, metavar=metavar)
        found.append(
            Parameter(
                name,
                Parameter.KEYWORD_ONLY,
                default=default,
                annotation=Annotated[kind, option],
            )
        )
    return found


def keywords_of(figure: Figure, given: Mapping[str, Any]) -> dict[str, Any]:
    """Read the options of a command as the keywords of its figure; those left alone are left out.

    Raises
    ------
    BayesqError
        If one cannot be read.
    """
    arguments = inspect.signature(figure).parameters
    return {
        name: _read(name, value, str(arguments[name].annotation))
        for name, value in given.items()
        if value is not None and value != []
    }


def _only_python(name: str) -> bool:
    return name in _LEFT_OUT or name.endswith("_kwargs")


def _asked(annotation: str, default: Any) -> tuple[Any, Any, str | None]:
    """Tell the type of an option, its default and what stands for its value."""
    if annotation == "bool":
        return bool, default, None
    if "Mapping" in annotation:
        return list[str] | None, None, "NAME=VALUE"
    if "Sequence" in annotation:
        return list[str] | None, None, "TEXT"
    if annotation.startswith("tuple"):
        return str | None, None, "FROM,TO"
    if "Posterior" in annotation or "Fit" in annotation:
        return str | None, None, "FIT"
    for kind in (int, float):
        if annotation.removesuffix(" | None") == kind.__name__:
            return kind | None, None, None
    return str | None, None, None


def _read(name: str, value: Any, annotation: str) -> Any:
    option = f"--{name.replace('_', '-')}"
    if "Mapping" in annotation:
        return read_pairs(value, option, "N=7M")
    if annotation.startswith("tuple"):
        ends = tuple(part.strip() for part in value.split(","))
        if len(ends) != 2 or not all(ends):
            raise BayesqError(f"{option} is {value!r}; write both ends with a comma: 1B,10T.")
        return ends
    if "Posterior" in annotation or "Fit" in annotation:
        return find_one(value)
    if annotation.startswith("bool |") and str(value).lower() in ("true", "false"):
        return value.lower() == "true"
    if annotation.startswith("int |") and str(value).isdecimal():
        return int(value)
    return value
