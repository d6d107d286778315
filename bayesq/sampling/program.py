"""A model compiled once: functions that serve every table of the same shapes, kept for next time.

PyMC's model is translated to JAX and exported, which is one small file a law and size of table in
the user's cache; what XLA makes of it is kept beside. A fit whose program is there needs neither
PyMC nor a compiler. The file's name is a hash of all that decides what is in it, so that another
formula, prior, version or line of bayesq's own code finds no file and makes its own.
"""

from __future__ import annotations

import json
import math
import os
import struct
import sys
import warnings
import zipfile
import zlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import export, lax

from bayesq.errors import BayesqError
from bayesq.files import write_beside
from bayesq.law.identity import NoIdentityError, identity
from bayesq.model.design import Design
from bayesq.model.discrepancy import Discrepancy
from bayesq.model.given import Given
from bayesq.model.noise import Noise
from bayesq.model.surfaces import Laid
from bayesq.sampling.told import Told

if TYPE_CHECKING:
    from bayesq.sampling.translate import Translated

# Draws that are worked out together.
BATCH = 256
# Programs kept in a process.
_MOST_KEPT = 64
_KEPT: OrderedDict[str, Program] = OrderedDict()
# How often a model was translated from PyMC, read from the cache, and found in the process.
COUNTS: Counter[str] = Counter()
_FUNCTIONS = ("density", "start", "tell")
# What reading a damaged archive raises.
_DAMAGED = (
    OSError,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
# Numbers from which on an array is passed by itself.
_LARGE = 2048
# What a model takes from its rows, as :func:`pack` packs it.
Packed = tuple[np.ndarray, ...]


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
        self._compiled: dict[str, Any] = {}
        self.coordinates = int(self._density.in_avals[0][0].shape[0])
        self._once = _on_cpu(np.int64(1))

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
        compiled, once, held = self._density, self._once, _on_cpu(rows)

        def at(point: np.ndarray) -> tuple[float, np.ndarray]:
            with jax.enable_x64(True):
                found = np.asarray(compiled(point, once, *held))
            return found.item(0), found[1:]

        return at

    def start(self, rows: Packed) -> np.ndarray:
        """Return the point at the middle of the priors, shape ``(coordinates,)``."""
        with jax.enable_x64(True):
            return np.asarray(self._function("start")(*rows))

    def tell(self, points: np.ndarray, rows: Packed) -> list[np.ndarray]:
        """Work out what points tell, as :attr:`told` lists it.

        Parameters
        ----------
        points : ndarray of float, shape (points, coordinates)
            Points in the sampler's coordinates.
        rows : tuple of ndarray
            What the model takes from its rows, packed.

        Returns
        -------
        list of ndarray
            Each of shape ``(points, ...)``.
        """
        compiled, held = self._function("tell"), _on_cpu(rows)
        parts = []
        for start in range(0, len(points), BATCH):
            batch = points[start : start + BATCH]
            full = np.concatenate([batch, np.repeat(batch[-1:], BATCH - len(batch), axis=0)])
            with jax.enable_x64(True):
                parts.append([np.asarray(a)[: len(batch)] for a in compiled(full, *held)])
        return [np.concatenate(each) for each in zip(*parts, strict=True)]

    def _function(self, name: str) -> Any:
        if name not in self._compiled:
            self._compiled[name] = self._compile(name)
        return self._compiled[name]

    def _compile(self, name: str) -> Any:
        function = export.deserialize(bytearray(self._exported[name]))
        shapes = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in function.in_avals]
        with _compiling():
            return jax.jit(function.call).lower(*shapes).compile()


def pack(rows: Given) -> Packed:
    """Put what a model takes from its rows into few arrays: those are passed faster.

    Returns
    -------
    tuple of ndarray
        All that is small, one behind the other, and each large array by itself: cut out of another
        one it would be copied at each call.
    """
    small = [values.ravel() for values in rows.values() if values.size < _LARGE]
    large = [values for values in rows.values() if values.size >= _LARGE]
    return (np.concatenate(small), *large)


def find_program(
    design: Design,
    noise: Noise,
    wrong: tuple[Discrepancy, Laid] | None,
    rows: Given,
    say: Callable[[str], object] = lambda doing: None,
) -> Program:
    """Return the compiled model of a fit: from this process, from the cache, or made anew.

    Parameters
    ----------
    design, noise, wrong
        As :func:`bayesq.model.compose.compose` takes them.
    rows : dict of str to ndarray
        What the model takes from its rows; the program serves all that have these shapes.
    say : callable
        Is told what takes a while.
    """
    key, lasting = _key(design, noise, wrong, rows)
    if key in _KEPT:
        COUNTS["found"] += 1
        _KEPT.move_to_end(key)
        return _KEPT[key]
    path = folder() / f"{key}.program" if lasting else None
    found = path and _read(path)
    if found:
        COUNTS["read"] += 1
    else:
        from bayesq.sampling.translate import translate

        say("compiling (once for this law and size of table)")
        COUNTS["translated"] += 1
        translated = translate(design, noise, wrong, rows)
        shapes = {name: values.shape for name, values in rows.items()}
        found = _export(translated, shapes), translated.told
        if path:
            _write(path, *found)
    _KEPT[key] = Program(*found)
    _KEPT[key].of = design.law, noise
    while len(_KEPT) > _MOST_KEPT:
        _KEPT.popitem(last=False)
    return _KEPT[key]


def folder() -> Path:
    """Return the folder in which compiled models are kept.

    It is in the user's cache; ``BAYESQ_COMPILED`` names another.
    """
    named = os.environ.get("BAYESQ_COMPILED")
    if named:
        return Path(named)
    from platformdirs import user_cache_path

    return user_cache_path("bayesq") / "compiled"


def _key(
    design: Design, noise: Noise, wrong: tuple[Discrepancy, Laid] | None, rows: Given
) -> tuple[str, bool]:
    """Hash all that decides a program; tell whether another process would find the same."""
    shapes = [(name, values.shape) for name, values in rows.items()]
    own = (
        design.response,
        [(dim, len(labels)) for dim, labels in design.levels.items()],
        design.pooling and design.pooling.by,
        wrong and wrong[0].to_dict(),
        shapes,
        _made_with(),
    )
    parts: list[Any] = []
    lasting = True
    for thing in (design.law, noise):
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


def _export(translated: Translated, shapes: dict[str, tuple[int, ...]]) -> dict[str, bytes]:
    """Write the functions of a model down as JAX does, for points and packed rows."""
    length = translated.coordinates

    def unpack(packed: Any, *large: Any) -> list[Any]:
        found, end, left = [], 0, iter(large)
        for shape in shapes.values():
            if math.prod(shape) >= _LARGE:
                found.append(next(left))
            else:
                start, end = end, end + math.prod(shape)
                found.append(packed[start:end].reshape(shape))
        return found

    def density(point: Any, repeat: Any, *packed: Any) -> Any:
        # XLA makes one piece of machine code of the body of a loop that it cannot take apart, and
        # many pieces, each called through a queue, of what stands outside of one: 2 against 85
        # microseconds for 28 rows. So there is a loop, which is gone through once.
        def body(_: Any, before: Any) -> Any:
            at, held = lax.optimization_barrier((point + 0.0 * before[1:], packed))
            rows = unpack(*held)
            value, gradient = jax.value_and_grad(lambda x: translated.density(x, *rows)[0])(at)
            return jnp.concatenate([value[None], gradient])

        return lax.fori_loop(0, repeat, body, jnp.zeros(length + 1))

    def start(*packed: Any) -> Any:
        return translated.start(*unpack(*packed))[0]

    def tell(points: Any, *packed: Any) -> Any:
        rows = unpack(*packed)
        return jax.vmap(lambda point: list(translated.tell(point, *rows)))(points)

    real = np.dtype("float64")
    sizes = [math.prod(shape) for shape in shapes.values()]
    packed = [
        jax.ShapeDtypeStruct((sum(n for n in sizes if n < _LARGE),), real),
        *(jax.ShapeDtypeStruct(s, real) for s in shapes.values() if math.prod(s) >= _LARGE),
    ]
    arguments: dict[str, tuple[Any, ...]] = {
        "density": (
            jax.ShapeDtypeStruct((length,), real),
            jax.ShapeDtypeStruct((), np.dtype("int64")),
            *packed,
        ),
        "start": (*packed,),
        "tell": (jax.ShapeDtypeStruct((BATCH, length), real), *packed),
    }
    found = {}
    functions: tuple[Callable[..., Any], ...] = (density, start, tell)
    with jax.enable_x64(True):
        for name, function in zip(_FUNCTIONS, functions, strict=True):
            made = export.export(jax.jit(function), platforms=["cpu"])(*arguments[name])
            found[name] = bytes(made.serialize())
    return found


def _read(path: Path) -> tuple[dict[str, bytes], tuple[Told, ...]] | None:
    """Read a program; None where there is none, or a damaged one."""
    try:
        with zipfile.ZipFile(path) as file:
            told = json.loads(file.read("told"))
            return {n: file.read(n) for n in _FUNCTIONS}, tuple(Told.from_dict(t) for t in told)
    except _DAMAGED:
        return None


def _write(path: Path, exported: Mapping[str, bytes], told: tuple[Told, ...]) -> None:
    """Keep a program for the next process; one that cannot be kept is made again then."""

    def write(beside: Path) -> None:
        with zipfile.ZipFile(beside, "w") as file:
            for name, content in exported.items():
                file.writestr(name, content)
            file.writestr("told", json.dumps([t.to_dict() for t in told]))

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_beside(path, write, "x.program")
    except (OSError, BayesqError):
        return


@cache
def _cpu() -> Any:
    """Return the processor. Its client is made so that a call waits where it is made.

    A call that is handed to another thread to be waited for takes 30 microseconds longer. Where
    JAX is in use already, its client stays as it is.
    """
    before = jax.config.values["jax_cpu_enable_async_dispatch"]
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    try:
        return jax.local_devices(backend="cpu")[0]
    finally:
        jax.config.update("jax_cpu_enable_async_dispatch", before)


def _on_cpu(value: Any) -> Any:
    with jax.enable_x64(True):
        return jax.device_put(value, _cpu())


@contextmanager
def _compiling() -> Iterator[None]:
    """Compile for the processor, and let JAX keep what XLA makes beside the programs."""
    from jax.experimental.compilation_cache import compilation_cache

    wanted: dict[str, Any] = {
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    if jax.config.values["jax_compilation_cache_dir"] is None:
        wanted["jax_compilation_cache_dir"] = str(folder() / "xla")
    before = {name: jax.config.values[name] for name in wanted}
    for name, value in wanted.items():
        jax.config.update(name, value)
    if "jax_compilation_cache_dir" in wanted:
        compilation_cache.reset_cache()
    try:
        with warnings.catch_warnings(), jax.enable_x64(True), jax.default_device(_cpu()):
            # Of an entry that another process is just writing, or a folder that cannot be written
            # to: the function is compiled all the same.
            warnings.filterwarnings("ignore", "Error (reading|writing) persistent")
            yield
    finally:
        for name, value in before.items():
            jax.config.update(name, value)
        if "jax_compilation_cache_dir" in wanted:
            compilation_cache.reset_cache()
