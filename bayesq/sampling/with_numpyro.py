"""Draws by NumPyro's NUTS, on the processor in one piece with the density."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bayesq.sampling.in_blocks import Kernel, run
from bayesq.sampling.packing import Packed
from bayesq.sampling.program import Program
from bayesq.sampling.sampled import DOUBLINGS, Sampled, all_starts, stats_of


def sample(
    program: Program,
    rows: Packed,
    *,
    draws: int,
    tune: int,
    chains: int,
    seed: int,
    low_rank: bool,
    target_accept: float | None,
    starts: np.ndarray | None,
    step: Callable[[int, int], object],
) -> Sampled:
    """Draw with NumPyro; parameters as :func:`bayesq.sampling.sample.sample` takes them."""
    from numpyro.infer.hmc import hmc

    target = 0.8 if target_accept is None else target_accept

    def make(density: Callable[..., Any]) -> Kernel:
        begin, go = hmc(
            potential_fn_gen=lambda *packed: lambda z: -density(z, *packed), algo="NUTS"
        )

        def first(key: Any, point: Any, *packed: Any) -> Any:
            return begin(
                point,
                tune,
                dense_mass=low_rank,
                target_accept_prob=target,
                max_tree_depth=DOUBLINGS,
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
    told = run(
        program,
        rows,
        ("numpyro", tune, low_rank, target),
        make,
        starts=all_starts(program, rows, chains, seed, starts),
        steps=tune + draws,
        seed=seed,
        step=step,
    )
    gradients = int(told["n_steps"].sum())
    kept = {n: v[:, tune:] for n, v in told.items()}
    points = kept.pop("point")
    return Sampled(points, stats_of("numpyro", kept), gradients, time.perf_counter() - began)
