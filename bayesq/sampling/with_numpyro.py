"""Draws by NumPyro's NUTS, on the processor in one piece with the density."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bayesq.sampling.in_blocks import Kernel, run
from bayesq.sampling.packing import Packed
from bayesq.sampling.program import Program
from bayesq.sampling.sampled import DOUBLINGS, Sampled, each_sampled


def several(
    program: Program,
    tables: Sequence[Packed],
    *,
    draws: int,
    tune: int,
    chains: int,
    seeds: Sequence[int],
    low_rank: bool,
    target_accept: float | None,
    starts: np.ndarray | None = None,
    doublings: int = DOUBLINGS,
    step: Callable[[int, int], object] = lambda done, of: None,
) -> list[Sampled]:
    """Draw with NumPyro; parameters as :func:`bayesq.sampling.batched.batched` takes them."""
    from numpyro.infer.hmc import hmc

    target = 0.8 if target_accept is None else target_accept

    def make(density: Callable[..., Any], dense: bool) -> Kernel:
        begin, go = hmc(
            potential_fn_gen=lambda *packed: lambda z: -density(z, *packed), algo="NUTS"
        )

        def first(key: Any, point: Any, *packed: Any) -> Any:
            return begin(
                point,
                tune,
                dense_mass=dense,
                target_accept_prob=target,
                max_tree_depth=doublings,
                model_args=packed,
                rng_key=key,
            )

        def then(state: Any, *packed: Any) -> Any:
            state = go(state, packed)
            return state, {
                "point": state.z,
                "diverging": state.diverging,
                "n_steps": state.num_steps,
                "step_size": state.adapt_state.step_size,
                "acceptance_rate": state.accept_prob,
                "energy": state.energy,
                "lp": -state.potential_energy,
            }

        return Kernel(first, then)

    began = time.perf_counter()
    told, before = run(
        program,
        tables,
        ("numpyro", tune, target, doublings),
        make,
        low_rank=low_rank,
        starts=starts,
        chains=chains,
        steps=tune + draws,
        seeds=seeds,
        step=step,
    )
    gradients = before + told["n_steps"].sum(axis=(1, 2))
    kept = {n: v[:, :, tune:] for n, v in told.items()}
    return each_sampled("numpyro", kept, gradients, time.perf_counter() - began, doublings)


def sample(program: Program, rows: Packed, *, seed: int, **how: Any) -> Sampled:
    """Draw for one table; parameters as :func:`bayesq.sampling.sample.sample` takes them."""
    return several(program, [rows], seeds=[seed], **how)[0]
