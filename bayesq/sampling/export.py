"""The functions of a model as JAX writes them down, for points and packed rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import export, lax

from bayesq.sampling.packing import Shapes, packed_shapes, unpack

if TYPE_CHECKING:
    from bayesq.sampling.translate import Translated

MANY = "densities"
# What JAX calls where they run. AMD's and Intel's go by other names, and nobody has tried them.
_PLATFORMS = {"cpu": "cpu", "gpu": "cuda"}
# Draws that are worked out together, and rows of all of them at most.
_BATCH, _CELLS = 256, 2**25


def exported(
    translated: Translated, shapes: Shapes, device: str = "cpu", many: bool = False
) -> dict[str, bytes]:
    """Write the functions of a model down as JAX does, for points and packed rows.

    Parameters
    ----------
    translated : Translated
        The functions.
    shapes : mapping of str to tuple of int
        Shapes of what the model takes from its rows, in their order.
    device : {"cpu", "gpu"}
        Where they are to run.
    many : bool
        Whether points and tables side by side are asked for.

    Returns
    -------
    dict of str to bytes
        ``density``: from a point, shape ``(coordinates,)``, how often to work it out, and packed
        rows, to value and gradient in one array, shape ``(1 + coordinates,)``; ``start``: from
        packed rows to a point; ``tell``: from points, shape ``(batch, coordinates)``, and packed
        rows to arrays of shape ``(batch, ...)``; of many ``densities``: from points, shape
        ``(tables, points, coordinates)``, and rows of each table to shape
        ``(tables, points, 1 + coordinates)``, however many there are.
    """
    length = translated.coordinates

    def plain(point: Any, *packed: Any) -> Any:
        rows = unpack(shapes, *packed)
        value, gradient = jax.value_and_grad(lambda x: translated.density(x, *rows)[0])(point)
        return jnp.concatenate([value[None], gradient])

    def density(point: Any, repeat: Any, *packed: Any) -> Any:
        if device != "cpu":
            return plain(point, *packed)

        # On a processor XLA makes one piece of machine code of the body of a loop that it cannot
        # take apart, and many pieces, each called through a queue, of what stands outside of one:
        # 2 against 85 microseconds for 28 rows. So there is a loop, which is gone through once.
        def body(_: Any, before: Any) -> Any:
            at, held = lax.optimization_barrier((point + 0.0 * before[1:], packed))
            return plain(at, *held)

        return lax.fori_loop(0, repeat, body, jnp.zeros(length + 1))

    def start(*packed: Any) -> Any:
        return translated.start(*unpack(shapes, *packed))[0]

    def tell(points: Any, *packed: Any) -> Any:
        rows = unpack(shapes, *packed)
        return jax.vmap(lambda point: list(translated.tell(point, *rows)))(points)

    real = np.dtype("float64")
    packed = [jax.ShapeDtypeStruct(shape, real) for shape in packed_shapes(shapes)]
    rows = max(shape[0] for shape in shapes.values() if shape)
    batch = max(1, min(_BATCH, _CELLS // rows))
    arguments: dict[str, tuple[Any, ...]] = {
        "density": (
            jax.ShapeDtypeStruct((length,), real),
            jax.ShapeDtypeStruct((), np.dtype("int64")),
            *packed,
        ),
        "start": (*packed,),
        "tell": (jax.ShapeDtypeStruct((batch, length), real), *packed),
    }
    functions: dict[str, Callable[..., Any]] = {"density": density, "start": start, "tell": tell}
    if many:
        tables, points = export.symbolic_shape("tables, points")
        each = [jax.ShapeDtypeStruct((tables, *a.shape), real) for a in packed]
        arguments[MANY] = (jax.ShapeDtypeStruct((tables, points, length), real), *each)
        functions[MANY] = jax.vmap(jax.vmap(plain, in_axes=(0, *(None for _ in packed))))
    found = {}
    with jax.enable_x64(True):
        for name, function in functions.items():
            made = export.export(jax.jit(function), platforms=[_PLATFORMS[device]])(
                *arguments[name]
            )
            found[name] = bytes(made.serialize())
    return found
