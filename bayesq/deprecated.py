"""Public names and arguments that were renamed: the old one works, and warns once.

A name moves by a line in :data:`RENAMED`, an argument by :func:`renamed_arguments` on its function.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from pathlib import Path

# From the full old name to the full new one: "bayesq.read_table": "bayesq.read_runs".
RENAMED: dict[str, str] = {}

_told: set[str] = set()


def warn_once(text: str) -> None:
    """Warn, once a process, the line outside the package that led here.

    Warns
    -----
    DeprecationWarning
        The first time that `text` is said.
    """
    if text not in _told:
        package = str(Path(__file__).parent)
        warnings.warn(text, DeprecationWarning, skip_file_prefixes=(package,))
        _told.add(text)


def warn_renamed(old: str, new: str) -> None:
    """Warn, as :func:`warn_once` does, that `old` is now `new`."""
    warn_once(f"{old} is now {new}; the old name works until a later release removes it.")


def successor(module: str, name: str) -> str:
    """Return what a name that a module no longer has is called there now, and warn.

    It serves a module's ``__getattr__`` (PEP 562).

    Raises
    ------
    AttributeError
        If the module never had that name.
    """
    new = RENAMED.get(f"{module}.{name}")
    if new is None:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    warn_renamed(f"{module}.{name}", new)
    return new.removeprefix(f"{module}.")


def renamed_arguments[**P, R](**names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function take keyword arguments by their old names too: ``old="new"``.

    Raises
    ------
    TypeError
        When the function is called with an argument by both names.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            for old, new in names.items():
                if old in kwargs:
                    called = f"{function.__qualname__}()"
                    if new in kwargs:
                        raise TypeError(f"{called} got {new} and its old name {old}; give {new}.")
                    warn_renamed(f"argument {old} of {called}", new)
                    kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return call

    return decorate
