"""The laws that ship, found by looking into their folder: adding a file adds a law."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, override

import bayesq.models
from bayesq.catalogue import Catalogue
from bayesq.errors import BayesqError
from bayesq.law.law import Law, session_law
from bayesq.law.variants import from_name


class _Laws(Catalogue[Law]):
    """The laws that ship; a name such as ``"chinchilla:beta=alpha"`` stands for a variant of one.

    So whoever looks a name up, as a saved fit does, finds variants that nobody has made yet.
    """

    @override
    def __missing__(self, name: object) -> Law:
        head, colon, spec = str(name).partition(":")
        if colon and head in self:
            return from_name(self[head], spec)
        return super().__missing__(name)

    @override
    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except BayesqError:
            return default


@cache
def _shipped() -> tuple[Law, ...]:
    modules = (
        importlib.import_module(f"bayesq.models.{found.name}")
        for found in pkgutil.iter_modules(bayesq.models.__path__)
    )
    return tuple(module.law for module in modules if hasattr(module, "law"))


def laws() -> Catalogue[Law]:
    """List the laws that ship with bayesq.

    Returns
    -------
    Catalogue
        A mapping of name to :class:`Law`, in the order of the files, that prints as a table and
        turns into a data frame with ``.to_frame()``. Variants are not listed, and are found by
        their names all the same: ``"kumar2024-ptq:gamma_D=0"``.

    Examples
    --------
    >>> import bayesq
    >>> bayesq.laws()["kumar2024-ptq:without=D"]
    <Law kumar2024-ptq:gamma_D=0: chinchilla + degradation(N, D, P, C_T, gamma_N, gamma_post)>
    """
    return _Laws("law", {law.name: law for law in _shipped()})


def find_law(law: str | Path | Law) -> Law:
    """Return the law that a name, a file or a law object stands for.

    Parameters
    ----------
    law : str, Path or Law
        A law; the name of one that ships or that was made in this session; or the path of a Python
        file that defines a variable ``law``. Behind a name or a path may stand what is changed:
        ``"kumar2024-ptq:gamma_D=0"``, ``"chinchilla:beta=alpha"``, ``"chen2025:without=G"``.

    Raises
    ------
    BayesqError
        If there is no such law; the nearest names are given.
    """
    if isinstance(law, Law):
        return law
    if not isinstance(law, str | Path):
        raise BayesqError(
            f"A {type(law).__name__} is not a law; pass a Law, the path of a file that defines "
            f"one, or a name: {', '.join(laws())}."
        )
    law = str(law)
    if law.endswith(".py"):
        return _from_file(Path(law))
    for head, spec in _splits(law):
        if head.endswith(".py"):
            return from_name(_from_file(Path(head)), spec)
    return named_law(law)


def named_law(name: str) -> Law:
    """Return the law of a name, shipped or made in this session; no file is opened or run.

    Raises
    ------
    BayesqError
        If there is no such law; the nearest names are given.
    """
    shipped = laws()
    if name not in shipped and (made := session_law(name)):
        return made
    for head, spec in _splits(name):
        if head not in shipped and (made := session_law(head)):
            return from_name(made, spec)
    return shipped[name]


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """Split a name at each of its colons, the longest law first."""
    parts = name.split(":")
    for i in range(len(parts) - 1, 0, -1):
        yield ":".join(parts[:i]), ":".join(parts[i:])


def _from_file(path: Path) -> Law:
    if not path.is_file():
        raise BayesqError(f"{path} is not a file; name a Python file that defines law = Law(...).")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None  # the suffix is .py
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BayesqError:
        raise
    # The file is the user's own code and may fail in any way, or leave.
    except (Exception, SystemExit) as error:
        raise BayesqError(
            f"{path} cannot be run ({type(error).__name__}: {error}); mend the file."
        ) from error
    found = getattr(module, "law", None)
    if not isinstance(found, Law):
        raise BayesqError(f"{path} defines no law; let it say law = Law(...) at its top level.")
    return found
