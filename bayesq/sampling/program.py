"""A model compiled once: functions that serve every table of the same shapes, kept for next time.

PyMC's model is translated to JAX and exported, which is one small file a law and size of table in
the user's cache; what XLA makes of it is kept beside. A fit whose program is there needs neither
PyMC nor a compiler. The file's name is a hash of all that decides what is in it, so that another
formula, prior, version or line of bayesq's own code finds no file and makes its own.
"""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax import export

from bayesq.law.identity import NoIdentityError, identity
from bayesq.model.given import Given
from bayesq.model.specification import Specification
from bayesq.sampling.cache import folder, read, write
from bayesq.sampling.export import BATCH, exported
from bayesq.sampling.packing import Packed
from bayesq.sampling.processor import compiling, on_processor, processor
from bayesq.sampling.told import Told

# Programs kept in a process.
_MOST_KEPT = 64
_KEPT: OrderedDict[str, Program] = OrderedDict()
# How often a model was translated from PyMC, read from the cache, and found in the process.
COUNTS: Counter[str] = Counter()


class Program:
    """The compiled functions of a model.

    Parameters
    ----------
    exported : mapping of str to bytes
        The functions as :mod:`jax.export` writes them: ``density``, ``start``, ``tell``.
    told : tuple of Told
        What a draw tells.
    """

    def __init__(self, exported: Mapping[str, bytes], told: tuple[Told, ...]) -> None:
        self.told = told
        # What it was made of, kept alive: a law without an identity goes by its number, which
        # another law would get.
        self.of: tuple[Any, ...] = ()
        self._exported = exported
        self._density = self._compile("density")
        self._made: dict[Hashable, Any] = {}
        self.coordinates = int(self._density.in_avals[0][0].shape[0])
        self._once = on_processor(np.int64(1))

    def density(self, rows: Packed) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
        """Make the log density and its gradient over rows as :func:`pack` packs them.

        Parameters
        ----------
        rows : tuple of ndarray
            What the model takes from its rows, packed.

        Returns
        -------
        callable
            From a point, shape ``(coordinates,)``, to the log density and its gradient there.
        """
        compiled, once, held = self._density, self._once, on_processor(rows)

        def at(point: np.ndarray) -> tuple[float, np.ndarray]:
            with jax.enable_x64(True):
                found = np.asarray(compiled(point, once, *held))
            return found.item(0), found[1:]

        return at

    def traced(self) -> Callable[..., Any]:
        """Return the log density as JAX functions take it, of a point and packed rows.

        It is differentiated by the gradient that is compiled beside it.
        """
        whole: Any = export.deserialize(bytearray(self._exported["density"]))

        def both(point: Any, *packed: Any) -> Any:
            found = whole.call(point, np.int64(1), *packed)
            return found[0], found[1:]

        @jax.custom_vjp
        def density(point: Any, *packed: Any) -> Any:
            return both(point, *packed)[0]

        def forward(point: Any, *packed: Any) -> Any:
            value, gradient = both(point, *packed)
            return value, (gradient, packed)

        def backward(kept: Any, change: Any) -> Any:
            gradient, packed = kept
            return (change * gradient, *(None for _ in packed))

        density.defvjp(forward, backward)
        return density

    def kept(self, name: Hashable, make: Callable[[], Any]) -> Any:
        """Return what was made of it under a name, or make it: what is compiled is kept."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def start(self, rows: Packed) -> np.ndarray:
        """Return the point at the middle of the priors, shape ``(coordinates,)``."""
        with jax.enable_x64(True):
            return np.asarray(self._function("start")(*rows))

    def tell(self, points: np.ndarray, rows: Packed, skip: str = "") -> dict[Told, np.ndarray]:
        """Work out what points tell, as :attr:`told` lists it.

        Parameters
        ----------
        points : ndarray of float, shape (points, coordinates)
            Points in the sampler's coordinates.
        rows : tuple of ndarray
            What the model takes from its rows, packed.
        skip : str
            A group that is not kept.

        Returns
        -------
        dict of Told to ndarray
            Each of shape ``(points, ...)``.
        """
        compiled, held = self._function("tell"), on_processor(rows)
        parts = []
        for start in range(0, len(points), BATCH):
            batch = points[start : start + BATCH]
            full = np.concatenate([batch, np.repeat(batch[-1:], BATCH - len(batch), axis=0)])
            with jax.enable_x64(True):
                told = zip(self.told, compiled(full, *held), strict=True)
                parts.append({t: np.asarray(a)[: len(batch)] for t, a in told if t.group != skip})
        return {told: np.concatenate([part[told] for part in parts]) for told in parts[0]}

    def _function(self, name: str) -> Any:
        return self.kept(name, lambda: self._compile(name))

    def _compile(self, name: str) -> Any:
        function = export.deserialize(bytearray(self._exported[name]))
        shapes = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in function.in_avals]
        with compiling():
            return jax.jit(function.call).lower(*shapes).compile()


def find_program(
    specification: Specification,
    rows: Given,
    say: Callable[[str], object] = lambda doing: None,
) -> Program:
    """Return the compiled model of a fit: from this process, from the cache, or made anew.

    Parameters
    ----------
    specification : Specification
        What is fitted.
    rows : dict of str to ndarray
        What the model takes from its rows; the program serves all that have these shapes.
    say : callable
        Is told what takes a while.
    """
    # Before PyTensor asks JAX for anything: its client is made once.
    processor()
    key, lasting = _key(specification, rows)
    if key in _KEPT:
        COUNTS["found"] += 1
        _KEPT.move_to_end(key)
        return _KEPT[key]
    path = folder() / f"{key}.program" if lasting else None
    found = path and read(path)
    if found:
        COUNTS["read"] += 1
    else:
        from bayesq.sampling.translate import translate

        say("compiling (once for this law and size of table)")
        COUNTS["translated"] += 1
        translated = translate(specification, rows)
        shapes = {name: values.shape for name, values in rows.items()}
        found = exported(translated, shapes), translated.told
        if path:
            write(path, *found)
    _KEPT[key] = Program(*found)
    _KEPT[key].of = specification.law, specification.noise
    while len(_KEPT) > _MOST_KEPT:
        _KEPT.popitem(last=False)
    return _KEPT[key]


def _key(specification: Specification, rows: Given) -> tuple[str, bool]:
    """Hash all that decides a program; tell whether another process would find the same."""
    shapes = [(name, values.shape) for name, values in rows.items()]
    own = (
        specification.response,
        [(dim, len(labels)) for dim, labels in specification.design.levels.items()],
        specification.pooling and specification.pooling.by,
        specification.discrepancy and specification.discrepancy.to_dict(),
        shapes,
        _made_with(),
    )
    parts: list[Any] = []
    lasting = True
    for thing in (specification.law, specification.noise):
        try:
            parts.append(identity(thing))
        except NoIdentityError:
            # Of this very law in this process nothing changes.
            parts.append(id(thing))
            lasting = False
    return identity(*parts, own), lasting


@cache
def _made_with() -> tuple[Any, ...]:
    """Versions of all that makes a program, bayesq's own by its code."""
    libraries = ("jax", "jaxlib", "numpy", "pymc", "pytensor")
    here = Path(__file__).parents[1]
    code = [
        path.read_text(encoding="utf-8")
        for room in ("law", "model", "sampling")
        for path in sorted((here / room).glob("*.py"))
    ]
    return (*((name, version(name)) for name in libraries), sys.version, identity(code))
