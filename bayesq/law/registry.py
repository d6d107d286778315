"""The laws that ship, found by looking into their folder: adding a file adds a law."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from functools import cache
from pathlib import Path

import bayesq.models
from bayesq.catalogue import Catalogue
from bayesq.errors import BayesqError
from bayesq.law.law import Law, session_law


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
        turns into a data frame with ``.to_frame()``.
    """
    return Catalogue("law", {law.name: law for law in _shipped()})


def find_law(law: str | Path | Law) -> Law:
    """Return the law that a name, a file or a law object stands for.

    Parameters
    ----------
    law : str, Path or Law
        A law; the name of one that ships or that was made in this session; or the path of a Python
        file that defines a variable ``law``.

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
    shipped = laws()
    return shipped.get(law) or session_law(law) or shipped[law]


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
