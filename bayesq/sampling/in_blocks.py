"""Chains of a JAX sampler, run a block of steps at a time.

Between blocks Python says how far it is and hears Ctrl-C. Chains run one after the other: on a
processor those side by side would all go as far as the longest trajectory of each step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from bayesq.sampling.packing import Packed
from bayesq.sampling.processor import compiling, on_processor
from bayesq.sampling.program import Program

# Steps of a block, about: some tenths of a second.
_BLOCK = 100


@dataclass(frozen=True, eq=False)
class Kernel:
    """A sampler as JAX functions.

    Parameters
    ----------
    begin : callable
        From a key, a point, shape ``(coordinates,)``, and packed rows to the state of a chain.
    go : callable
        From a state and packed rows to the next state and what a step tells: a mapping of names
        to arrays, the point under ``"point"``.
    """

    begin: Callable[..., Any]
    go: Callable[..., Any]


def run(
    program: Program,
    rows: Packed,
    name: tuple[Any, ...],
    make: Callable[[Callable[..., Any]], Kernel],
    *,
    starts: np.ndarray,
    steps: int,
    seed: int,
    step: Callable[[int, int], object],
) -> dict[str, np.ndarray]:
    """Run chains, tuning and all.

    Parameters
    ----------
    program : Program
        The compiled model, which keeps what is compiled here.
    rows : tuple of ndarray
        What the model takes from its rows, packed.
    name : tuple
        All that the kernel depends on.
    make : callable
        From the log density, of a point and packed rows, to the kernel.
    starts : ndarray of float, shape (chains, coordinates)
        Where the chains begin.
    steps : int
        Steps of a chain.
    seed : int
        Seed.
    step : callable
        Is told how many steps of how many, of all chains, are done.

    Returns
    -------
    dict of str to ndarray
        What the steps tell, each of shape ``(chains, steps, ...)``.
    """
    chains = len(starts)
    blocks = -(-steps // _BLOCK)
    length = -(-steps // blocks)
    held, points = on_processor(rows), on_processor(starts)
    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.key(seed % 2**63), chains)
        begin, go = program.kept(
            (*name, length),
            lambda: _compiled(make(program.traced()), length, keys[0], points[0], held),
        )
        told: list[Mapping[str, np.ndarray]] = []
        for chain in range(chains):
            state = begin(keys[chain], points[chain], *held)
            found = []
            for block in range(blocks):
                state, tells = go(state, *held)
                found.append({n: np.asarray(v) for n, v in tells.items()})
                step(chain * steps + min((block + 1) * length, steps), chains * steps)
            told.append({n: np.concatenate([f[n] for f in found])[:steps] for n in found[0]})
    return {n: np.stack([t[n] for t in told]) for n in told[0]}


def _compiled(kernel: Kernel, length: int, key: Any, point: Any, rows: Any) -> tuple[Any, Any]:
    """Compile a kernel, its steps a block at a time."""

    def block(state: Any, *packed: Any) -> Any:
        return jax.lax.scan(lambda s, _: kernel.go(s, *packed), state, None, length=length)

    with compiling():
        begin = jax.jit(kernel.begin).lower(key, point, *rows).compile()
        state = jax.eval_shape(kernel.begin, key, point, *rows)
        return begin, jax.jit(block).lower(state, *rows).compile()
