"""Chains of a JAX sampler, run a block of steps at a time, in coordinates that suit the posterior.

Between blocks Python says how far it is and hears Ctrl-C. On a processor the chains of a table run
one after the other: those side by side would all go as far as the longest trajectory of each step.
Those of many tables, and on a GPU all, run side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bayesq.sampling.mode import Bells, Densities, find_modes
from bayesq.sampling.packing import Packed
from bayesq.sampling.processor import compiling, place
from bayesq.sampling.program import Program
from bayesq.sampling.sampled import start

# Steps of a block, about: some tenths of a second.
_BLOCK = 100
# Points tried for each chain before it begins at the mode.
_TRIES = 20
# Chains start from the normal approximation at the mode, wider by so much.
_WIDER = 1.5


@dataclass(frozen=True, eq=False)
class Kernel:
    """A sampler as JAX functions.

    Parameters
    ----------
    begin : callable
        From a key, a point, shape ``(coordinates,)``, and what the density takes beside it to the
        state of a chain.
    go : callable
        From a state and what the density takes to the next state and what a step tells: a mapping
        of names to arrays, the point under ``"point"``.
    """

    begin: Callable[..., Any]
    go: Callable[..., Any]


# From the log density, of a point and what else it takes, and whether a whole matrix is learned.
Make = Callable[[Callable[..., Any], bool], Kernel]


def run(
    program: Program,
    tables: Sequence[Packed],
    name: tuple[Any, ...],
    make: Make,
    *,
    low_rank: bool,
    starts: np.ndarray | None,
    chains: int,
    steps: int,
    seeds: Sequence[int],
    step: Callable[[int, int], object],
) -> tuple[dict[str, np.ndarray], int]:
    """Run chains, tuning and all.

    Parameters
    ----------
    program : Program
        The compiled model, which keeps what is compiled here.
    tables : sequence of tuple of ndarray
        What the model takes from its rows, packed, of one or several tables.
    name : tuple
        All that the kernel depends on.
    make : callable
        From the log density, of a point and what else it takes, and whether a whole matrix is
        learned to the kernel.
    low_rank : bool
        Whether correlations would be learned while tuning. Where the mode is known they are known
        from its curvature, better than from few draws: scales alone are learned then.
    starts : ndarray of float, shape (starts, coordinates), optional
        Points of which each chain begins at one, by default about the mode.
    chains, steps : int
        Chains of a table and steps of a chain.
    seeds : sequence of int
        A seed for each table.
    step : callable
        Is told how many steps of how many, of all chains, are done.

    Returns
    -------
    dict of str to ndarray
        What the steps tell, each of shape ``(tables, chains, steps, ...)``.
    int
        Gradients that a table took before.
    """
    where = place(program.device)
    with jax.enable_x64(True), jax.default_device(where):
        stacked = [jax.device_put(np.stack(arrays), where) for arrays in zip(*tables, strict=True)]
        densities = program.densities(stacked) if program.many else _one(program, tables[0])
        middles = np.array([program.start(rows) for rows in tables])
        bells = find_modes(densities, middles)
        points = _starts(densities, bells, middles, starts, chains, seeds)
        keys = jnp.stack([jax.random.split(jax.random.key(s % 2**63), chains) for s in seeds])
        held = (bells.centres, bells.spreads, *stacked)
        begun = tuple(jax.device_put(a, where) for a in (points, *held))
        dense = low_rank and not bells.found.any()
        density = _moved(program)
        draw = _side_by_side if program.many else _one_by_one
        told = draw(
            program,
            (*name, dense),
            lambda: make(density, dense),
            keys,
            begun[0],
            begun[1:],
            steps,
            step,
        )
    moved = np.einsum("tij,tcsj->tcsi", bells.spreads, told["point"])
    return told | {"point": bells.centres[:, None, None] + moved}, bells.gradients


def _side_by_side(
    program: Program,
    name: tuple[Any, ...],
    make: Callable[[], Kernel],
    keys: Any,
    points: Any,
    held: Sequence[Any],
    steps: int,
    step: Callable[[int, int], object],
) -> dict[str, np.ndarray]:
    """Run all chains of all tables together."""
    blocks, length = _blocks(steps)
    count = keys.shape[0] * keys.shape[1]

    def compiled() -> tuple[Any, Any]:
        kernel, same = make(), (None,) * len(held)

        def aside(function: Callable[..., Any], own: int) -> Callable[..., Any]:
            return jax.vmap(jax.vmap(function, in_axes=(0,) * own + same))

        begin, block = aside(kernel.begin, 2), aside(_block(kernel, length), 1)
        return _compiled(begin, block, (keys, points), held, program.device)

    begin, go = program.kept((*name, length, keys.shape), compiled)
    found, state = [], begin(keys, points, *held)
    for block in range(blocks):
        state, tells = go(state, *held)
        found.append({n: np.asarray(v) for n, v in tells.items()})
        step(min((block + 1) * length, steps) * count, steps * count)
    return {n: np.concatenate([f[n] for f in found], axis=2)[:, :, :steps] for n in found[0]}


def _one_by_one(
    program: Program,
    name: tuple[Any, ...],
    make: Callable[[], Kernel],
    keys: Any,
    points: Any,
    held: Sequence[Any],
    steps: int,
    step: Callable[[int, int], object],
) -> dict[str, np.ndarray]:
    """Run the chains of one table one after the other."""
    blocks, length = _blocks(steps)
    held = [a[0] for a in held]
    chains = keys.shape[1]

    def compiled() -> tuple[Any, Any]:
        kernel = make()
        own = keys[0, 0], points[0, 0]
        return _compiled(kernel.begin, _block(kernel, length), own, held, program.device)

    begin, go = program.kept((*name, length), compiled)
    told: list[Mapping[str, np.ndarray]] = []
    for chain in range(chains):
        state = begin(keys[0, chain], points[0, chain], *held)
        found = []
        for block in range(blocks):
            state, tells = go(state, *held)
            found.append({n: np.asarray(v) for n, v in tells.items()})
            step(chain * steps + min((block + 1) * length, steps), chains * steps)
        told.append({n: np.concatenate([f[n] for f in found])[:steps] for n in found[0]})
    return {n: np.stack([t[n] for t in told])[None] for n in told[0]}


def _blocks(steps: int) -> tuple[int, int]:
    """Divide steps into blocks: how many, and how long each is."""
    blocks = -(-steps // _BLOCK)
    return blocks, -(-steps // blocks)


def _moved(program: Program) -> Callable[..., Any]:
    """Return the log density in coordinates in which the normal approximation is standard."""
    density = program.traced()
    return lambda u, centre, spread, *rows: density(centre + spread @ u, *rows)


def _starts(
    densities: Densities,
    bells: Bells,
    middles: np.ndarray,
    starts: np.ndarray | None,
    chains: int,
    seeds: Sequence[int],
) -> np.ndarray:
    """Choose where all chains begin, shape (tables, chains, coordinates), in moved coordinates."""
    tables, length = middles.shape
    rngs = [[np.random.default_rng([s, chain]) for chain in range(chains)] for s in seeds]
    found = np.zeros((tables, chains, length))
    left = np.ones((tables, chains), dtype=bool)
    for _ in range(_TRIES):
        tried = np.zeros_like(found)
        for t, c in zip(*np.nonzero(left), strict=True):
            if starts is None and bells.found[t]:
                tried[t, c] = _WIDER * rngs[t][c].standard_normal(length)
            else:
                point = start(middles[t], starts, rngs[t][c])
                tried[t, c] = np.linalg.solve(bells.spreads[t], point - bells.centres[t])
        points = bells.centres[:, None] + np.einsum("tij,tcj->tci", bells.spreads, tried)
        finite = left & np.isfinite(densities(points)[0])
        found[finite] = tried[finite]
        left &= ~finite
        if not left.any():
            break
    return found


def _one(program: Program, rows: Packed) -> Densities:
    """Work out densities of one table, point after point."""
    density = program.density(rows)

    def of(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = [density(point) for point in points[0]]
        return np.array([[f[0] for f in found]]), np.array([[f[1] for f in found]])

    return of


def _compiled(
    begin: Callable[..., Any],
    block: Callable[..., Any],
    own: tuple[Any, Any],
    held: Sequence[Any],
    device: str,
) -> tuple[Any, Any]:
    """Compile the two functions of a kernel, its steps a block at a time."""
    with compiling(device):
        first = jax.jit(begin).lower(*own, *held).compile()
        state = jax.eval_shape(begin, *own, *held)
        return first, jax.jit(block).lower(state, *held).compile()


def _block(kernel: Kernel, length: int) -> Callable[..., Any]:
    """Make some steps of one chain of its one step."""

    def block(state: Any, *held: Any) -> Any:
        return jax.lax.scan(lambda s, _: kernel.go(s, *held), state, None, length=length)

    return block
