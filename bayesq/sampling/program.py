"""A model compiled once: functions that serve every table of the same shapes, kept for next time.

PyMC's model is translated to JAX and exported, which is one small file a law and size of table in
the user's cache; what XLA makes of it is kept beside. A fit whose program is there needs neither
PyMC nor a compiler. The file's name is a hash of all that decides what is in it, so that another
formula, prior, version or line of bayesq's own code finds no file and makes its own.
"""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import export
from jax.custom_batching import custom_vmap

from bayesq.law.identity import NoIdentityError, identity
from bayesq.model.given import Given
from bayesq.model.specification import Specification
from bayesq.sampling.cache import folder, read, write
from bayesq.sampling.export import MANY, exported
from bayesq.sampling.packing import Packed
from bayesq.sampling.processor import compiling, processor, put
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
    device : {"cpu", "gpu"}
        Where they run.
    """

    def __init__(
        self, exported: Mapping[str, bytes], told: tuple[Told, ...], device: str = "cpu"
    ) -> None:
        self.told = told
        self.device = device
        # What it was made of, kept alive: a law without an identity goes by its number, which
        # another law would get.
        self.of: tuple[Any, ...] = ()
        self._exported = exported
        self._made: dict[Hashable, Any] = {}
        self.coordinates = export.deserialize(bytearray(exported["density"])).in_avals[0].shape[0]
        self._once = put(np.int64(1), device)

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
        compiled, once, held = self._function("density"), self._once, put(rows, self.device)

        def at(point: np.ndarray) -> tuple[float, np.ndarray]:
            with jax.enable_x64(True):
                found = np.asarray(compiled(point, once, *held))
            return found.item(0), found[1:]

        return at

    def traced(self) -> Callable[..., Any]:
        """Return the log density as JAX functions take it, of a point and packed rows.

        It is differentiated by the gradient that is compiled beside it.
        """
        both = self._aside() if self.many else self._alone()

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

    @property
    def many(self) -> bool:
        """Whether it works on points and tables side by side."""
        return MANY in self._exported

    def densities(self, rows: Sequence[Any]) -> Callable[[np.ndarray], tuple[Any, Any]]:
        """Make the log densities and gradients of many tables.

        Parameters
        ----------
        rows : sequence of array
            What the model takes from the rows of each table, packed, one table behind the other.

        Returns
        -------
        callable
            From points, shape ``(tables, points, coordinates)``, to log densities, shape
            ``(tables, points)``, and gradients.
        """
        whole: Any = export.deserialize(bytearray(self._exported[MANY]))

        def each(points: Any, *packed: Any) -> Any:
            # The points of a table one after the other: of large tables there is no room for all.
            found = jax.lax.map(
                lambda p: whole.call(p[:, None], *packed)[:, 0], jnp.swapaxes(points, 0, 1)
            )
            return jnp.swapaxes(found, 0, 1)

        def of(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            placed = put(points, self.device)

            def make() -> Any:
                with compiling(self.device):
                    return jax.jit(each).lower(placed, *rows).compile()

            with jax.enable_x64(True):
                found = np.asarray(self.kept((MANY, points.shape), make)(placed, *rows))
            return found[..., 0], found[..., 1:]

        return of

    def _alone(self) -> Callable[..., Any]:
        whole: Any = export.deserialize(bytearray(self._exported["density"]))

        def both(point: Any, *packed: Any) -> Any:
            found = whole.call(point, np.int64(1), *packed)
            return found[0], found[1:]

        return both

    def _aside(self) -> Callable[..., Any]:
        """Make the log density and gradient that side by side are one call, however nested."""
        whole: Any = export.deserialize(bytearray(self._exported[MANY]))

        @custom_vmap
        def points(at: Any, *packed: Any) -> Any:
            return whole.call(at[None], *(a[None] for a in packed))[0]

        @points.def_vmap
        def of_tables(count: int, batched: Any, at: Any, *packed: Any) -> Any:
            return tables(*_all(count, batched, at, *packed)), True

        @custom_vmap
        def tables(at: Any, *packed: Any) -> Any:
            return whole.call(at, *packed)

        @tables.def_vmap
        def of_several(count: int, batched: Any, *given: Any) -> Any:
            own = _all(count, batched, *given)
            flat = [a.reshape(-1, *a.shape[2:]) for a in own]
            return tables(*flat).reshape(*own[0].shape[:-1], -1), True

        @custom_vmap
        def one(at: Any, *packed: Any) -> Any:
            return points(at[None], *packed)[0]

        @one.def_vmap
        def of_points(count: int, batched: Any, at: Any, *packed: Any) -> Any:
            if not any(batched[1:]):
                return points(at, *packed), True
            own, *theirs = _all(count, batched, at, *packed)
            return tables(own[:, None], *theirs)[:, 0], True

        def both(at: Any, *packed: Any) -> Any:
            found = one(at, *packed)
            return found[0], found[1:]

        return both

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
        compiled, held = self._function("tell"), put(rows, self.device)
        size = compiled.in_avals[0][0].shape[0]
        parts = []
        for start in range(0, len(points), size):
            batch = points[start : start + size]
            full = np.concatenate([batch, np.repeat(batch[-1:], size - len(batch), axis=0)])
            with jax.enable_x64(True):
                told = zip(self.told, compiled(full, *held), strict=True)
                parts.append({t: np.asarray(a)[: len(batch)] for t, a in told if t.group != skip})
        return {told: np.concatenate([part[told] for part in parts]) for told in parts[0]}

    def _function(self, name: str) -> Any:
        return self.kept(name, lambda: self._compile(name))

    def _compile(self, name: str) -> Any:
        function = export.deserialize(bytearray(self._exported[name]))
        shapes = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in function.in_avals]
        with compiling(self.device):
            return jax.jit(function.call).lower(*shapes).compile()


def _all(count: int, batched: Any, *given: Any) -> list[Any]:
    """Repeat what is the same for all, so that everything stands side by side."""
    return [
        a if is_own else jnp.broadcast_to(a, (count, *a.shape))
        for a, is_own in zip(given, batched, strict=True)
    ]


def find_program(
    specification: Specification,
    rows: Given,
    say: Callable[[str], object] = lambda doing: None,
    *,
    device: str = "cpu",
    many: bool = False,
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
    device : {"cpu", "gpu"}
        Where it is to run.
    many : bool
        Whether many tables are to be sampled side by side; on a GPU chains always are.
    """
    # Before PyTensor asks JAX for anything: its client is made once.
    processor()
    key, lasting = _key(specification, rows)
    many = many or device != "cpu"
    if many:
        key += f".many.{device}"
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
        found = exported(translated, shapes, device, many), translated.told
        if path:
            write(path, *found)
    _KEPT[key] = Program(*found, device)
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
