"""What decides the numbers that code gives, as a hash: honest where two pieces of code may differ.

A formula is hashed with all that it calls and all the constants that it sees, and without its
comments, names of files and lines. What cannot be looked into has no identity, and whoever asks is
told so.
"""

from __future__ import annotations

import dataclasses
import dis
import hashlib
import re
import sys
import types
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

# Libraries that say with their version what they do. Whoever keeps what was made of an identity
# keeps it apart by their versions and by bayesq's own code.
_VERSIONED = {"bayesq", "builtins", "functools", "math", "numpy", "operator", "re", "scipy"}
# With these a function gets at what its code does not name.
_UNSEEN = {"eval", "exec", "getattr", "globals", "import_module", "locals", "open", "vars"}
# The flag of code whose first constant is its documentation, from Python 3.14 on.
_DOCUMENTED = 0x4000000
# Words that decide no number.
_PROSE = {"title", "source", "meaning", "unit", "lacking", "published", "observed", "closed"}


class NoIdentityError(Exception):
    """Something that cannot be looked into decides the numbers."""


def identity(*things: Any) -> str:
    """Hash what decides the numbers that some things give.

    Parameters
    ----------
    *things
        Functions, laws, priors, numbers, texts, arrays, and tuples and mappings of these.

    Returns
    -------
    str
        The same for things that do the same, in other processes too.

    Raises
    ------
    NoIdentityError
        If one of them depends on what cannot be looked into.
    """
    seen: dict[Any, Any] = {}
    hasher = hashlib.sha256()
    for part in _parts(things, seen):
        hasher.update(f"{len(part)}:{part}".encode())
    return hasher.hexdigest()


def _parts(thing: Any, seen: dict[Any, Any]) -> Iterator[str]:
    """Take a thing apart into texts."""
    match thing:
        case None | bool() | int() | float() | complex() | str() | bytes():
            yield f"{type(thing).__name__} {thing!r}"
        case np.generic() | np.ndarray() if thing.dtype != object:
            yield f"array {thing.dtype} {thing.shape} {thing.tobytes().hex()}"
        case tuple() | list():
            yield f"list {len(thing)}"
            for each in thing:
                yield from _parts(each, seen)
        case set() | frozenset():
            yield from _parts(sorted(thing, key=repr), seen)
        case Mapping():
            yield f"mapping {len(thing)}"
            for key in sorted(thing, key=repr):
                yield from _parts(key, seen)
                yield from _parts(thing[key], seen)
        case np.ufunc() | types.BuiltinFunctionType():
            yield f"known {_module_of(thing)} {thing.__name__}"
            held = getattr(thing, "__self__", None)
            if held is not None and not isinstance(held, types.ModuleType):
                yield from _parts(held, seen)
        case re.Pattern():
            yield f"pattern {thing.pattern!r} {thing.flags}"
        case types.ModuleType():
            yield f"known {_versioned(thing.__name__)}"
        case type():
            yield f"class {_versioned(thing.__module__)} {thing.__qualname__}"
        case _ if id(thing) in seen:
            yield f"again {seen[id(thing)][0]}"
        case _:
            # Kept alive, so that no other thing gets its number.
            seen[id(thing)] = len(seen), thing
            yield from _inside(thing, seen)


def _inside(thing: Any, seen: dict[Any, Any]) -> Iterator[str]:
    """Take apart what may contain itself."""
    match thing:
        case types.CodeType():
            _check(thing)
            yield f"code {thing.co_code.hex()} {thing.co_names} {thing.co_varnames}"
            yield from _parts(_constants(thing), seen)
        # Not by its __module__, which functools.wraps takes from another function.
        case types.FunctionType() if is_versioned(thing.__globals__.get("__name__") or ""):
            yield f"known {thing.__globals__['__name__']} {thing.__code__.co_qualname}"
            for cell in thing.__closure__ or ():
                yield from _parts(cell.cell_contents, seen)
        case types.FunctionType():
            yield "function"
            yield from _parts(thing.__code__, seen)
            held = {k: v for k, v in vars(thing).items() if k != "__wrapped__"}
            yield from _parts((thing.__defaults__, thing.__kwdefaults__, held), seen)
            for cell in thing.__closure__ or ():
                yield from _parts(cell.cell_contents, seen)
            for name in sorted(names_in(thing.__code__) & set(thing.__globals__)):
                yield name
                yield from _global(thing.__globals__[name], names_in(thing.__code__), seen)
        case types.MethodType():
            yield from _parts((thing.__func__, thing.__self__), seen)
        case partial():
            yield from _parts((thing.func, thing.args, thing.keywords), seen)
        case _ if dataclasses.is_dataclass(thing):
            # Its methods are not looked into.
            yield f"{_versioned(type(thing).__module__)} {type(thing).__qualname__}"
            for field in dataclasses.fields(thing):
                if field.name not in _PROSE:
                    yield field.name
                    yield from _parts(getattr(thing, field.name), seen)
        case _:
            raise NoIdentityError(f"a {type(thing).__name__} cannot be looked into")


def _global(value: Any, names: set[str], seen: dict[Any, Any]) -> Iterator[str]:
    """Take apart a global of a function; of a module what the function may ask of it."""
    if isinstance(value, types.ModuleType) and not is_versioned(value.__name__):
        if (id(value), *sorted(names)) in seen:
            return
        seen[(id(value), *sorted(names))] = value
        for name in sorted(names & set(vars(value))):
            yield name
            yield from _global(vars(value)[name], names, seen)
    else:
        yield from _parts(value, seen)


def _constants(code: types.CodeType) -> tuple[Any, ...]:
    """Constants of code, without the text that says what it does."""
    consts = code.co_consts
    if sys.version_info >= (3, 14):
        return consts[1:] if code.co_flags & _DOCUMENTED else consts
    # What has a name of its own has its text first, or None.
    first = consts[0] if consts and not code.co_name.startswith("<") else 0
    return consts[1:] if first is None or isinstance(first, str) else consts


def _check(code: types.CodeType) -> None:
    """Refuse code that gets at what it does not name."""
    if unseen := sorted(_UNSEEN & set(code.co_names)):
        raise NoIdentityError(f"what {unseen[0]} finds cannot be looked into")
    for step in dis.get_instructions(code):
        if step.opname == "IMPORT_NAME":
            _versioned(str(step.argval))


def names_in(code: types.CodeType) -> set[str]:
    """Names that code and the functions inside it ask for."""
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= names_in(constant)
    return found


def _module_of(thing: Any) -> str:
    name = getattr(thing, "__module__", None) or "numpy"
    return _versioned(name if isinstance(name, str) else "builtins")


def is_versioned(module: str) -> bool:
    """Tell whether a module says with its version what it does, and is not looked into."""
    # The laws are looked into: whoever changes a helper of theirs changes the law.
    return module.partition(".")[0] in _VERSIONED and not module.startswith("bayesq.models")


def _versioned(module: str) -> str:
    if not is_versioned(module):
        raise NoIdentityError(f"module {module} cannot be looked into")
    return module
