"""What a law is known by in files and folders: hashes of what decides its numbers, and no prose.

Unlike :mod:`bayesq.law.identity`, whose hashes name compiled models on one machine, these are to be
the same in other versions of Python: functions are taken by their text, without comments and
documentation, and with the text of all that they call.
"""

from __future__ import annotations

import ast
import hashlib
import json
import linecache
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bayesq.law.definition import Definition
from bayesq.law.identity import is_versioned, names_in


def parts_of(law: Definition) -> dict[str, str]:
    """Hash what decides the numbers of a law, each part by what it is in words.

    Returns
    -------
    dict of str to str
        ``"formula of degradation"``, ``"prior of gamma_D"``, ``"input P"``, ``"stages"``,
        ``"base law chinchilla"``.
    """
    found: dict[str, Any] = {"stages": law.stages}
    if law.base is not None:
        found[f"base law {law.base.name}"] = hash_of(parts_of(law.base))
    for name, formula in (("loss", law.loss), ("degradation", law.degradation)):
        if formula is not None:
            found[f"formula of {name}"] = text_of(formula)
    found |= {f"formula of effective {s}": text_of(f) for s, f in law.effective.items()}
    for i in law.own_inputs:
        derived = None if i.derive is None else text_of(i.derive)
        roles = [i.symbol, i.columns, i.scale, i.format, i.neutral, i.per_channel]
        found[f"input {i.symbol}"] = [*roles, derived]
    for p in law.parameters:
        roles = [p.share, p.slope_of, p.divides, p.asymptote, p.off]
        by = None if p.by is None else [p.by.symbol, p.by.columns, text_of(p.by.read)]
        term = None if p.term is None else text_of(p.term)
        found[f"prior of {p.symbol}"] = [p.prior.to_dict(), roles, by, term]
    return {name: hash_of(part) for name, part in found.items()}


def hash_of(part: Any) -> str:
    """Hash what JSON can hold, such as a part of a law or all of them."""
    return hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest()


def changed(then: dict[str, str], now: dict[str, str]) -> str:
    """Word which parts of a law have changed."""
    return ", ".join(n for n in dict.fromkeys([*then, *now]) if then.get(n) != now.get(n))


def text_of(function: Callable[..., Any]) -> str:
    """Write what a function does, with all that it calls and all the constants that it sees."""
    held: dict[str, Any] = {}
    # Whatever was held in one step or in several, under the names that the formula itself has.
    while hasattr(function, "__wrapped__"):
        held |= getattr(function, "held", {})
        function = function.__wrapped__
    text = "\n".join(_lines(function, set()))
    return text + (json.dumps(held, sort_keys=True, default=float) if held else "")


def _lines(thing: Any, seen: set[int]) -> Iterator[str]:
    match thing:
        case None | bool() | int() | float() | str() | bytes():
            yield repr(thing)
        case np.ndarray() | np.generic():
            yield f"{thing.dtype} {np.shape(thing)} {np.asarray(thing).tobytes().hex()}"
        case tuple() | list() | dict() | set() | frozenset():
            items = thing.items() if isinstance(thing, dict) else thing
            ordered = sorted(items, key=repr) if isinstance(thing, set | frozenset) else items
            for each in ordered:
                yield from _lines(each, seen)
        case types.FunctionType() if id(thing) in seen:
            yield f"again {thing.__name__}"
        case types.FunctionType():
            seen.add(id(thing))
            yield from _of_function(thing, seen)
        case types.ModuleType() | np.ufunc() | types.BuiltinFunctionType() | type():
            yield thing.__name__
        case _:
            yield type(thing).__qualname__


def _of_function(function: types.FunctionType, seen: set[int]) -> Iterator[str]:
    if is_versioned(function.__globals__.get("__name__") or ""):
        yield f"known {function.__qualname__}"
    else:
        yield _text(function)
        names = names_in(function.__code__)
        for name in sorted(names & set(function.__globals__)):
            yield from _global(name, function.__globals__[name], names, seen)
    yield from _lines((function.__defaults__, function.__kwdefaults__), seen)
    yield from _lines({k: v for k, v in vars(function).items() if k != "__wrapped__"}, seen)
    for cell in function.__closure__ or ():
        yield from _lines(cell.cell_contents, seen)


def _global(name: str, value: Any, names: set[str], seen: set[int]) -> Iterator[str]:
    yield name
    if isinstance(value, types.ModuleType) and not is_versioned(value.__name__):
        # Of another law's file what the function may ask of it.
        for inner in sorted(names & set(vars(value))):
            held = vars(value)[inner]
            if not isinstance(held, types.ModuleType):
                yield inner
                yield from _lines(held, seen)
    else:
        yield from _lines(value, seen)


def _text(function: types.FunctionType) -> str:
    """Text of one function without comments and documentation; bytecode where it is gone."""
    code = function.__code__
    node = _node(code)
    if node is None:
        numbers = [c for c in code.co_consts if isinstance(c, int | float | str)]
        return repr((code.co_code.hex(), code.co_names, code.co_varnames, numbers))
    if isinstance(node, ast.FunctionDef):
        documented = ast.get_docstring(node) is not None
        node.body = node.body[1:] if documented and len(node.body) > 1 else node.body
        node.decorator_list, node.returns = [], None
        for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
            argument.annotation = None
    return ast.unparse(node)


def _node(code: types.CodeType) -> ast.FunctionDef | ast.Lambda | None:
    """Find the one function that stands where some code says that it came from."""
    linecache.checkcache(code.co_filename)  # the file may have been edited since
    lines = linecache.getlines(code.co_filename)
    try:
        tree = ast.parse("".join(lines)) if lines else ast.Module([], [])
    except SyntaxError:
        return None
    wanted = ast.Lambda if code.co_name == "<lambda>" else ast.FunctionDef
    found = [
        n
        for n in ast.walk(tree)
        if isinstance(n, wanted)
        and (getattr(n, "name", "<lambda>") == code.co_name)
        and min([n.lineno, *(d.lineno for d in getattr(n, "decorator_list", []))])
        == code.co_firstlineno
    ]
    return found[0] if len(found) == 1 else None
