"""Draws by BlackJAX's NUTS after its window adaptation, in one piece with the density."""

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
    """Draw with BlackJAX; parameters as :func:`bayesq.sampling.sample.sample` takes them."""
    import blackjax
    import jax

    target = 0.8 if target_accept is None else target_accept
    go = blackjax.nuts.build_kernel()

    def make(density: Callable[..., Any]) -> Kernel:
        def first(key: Any, point: Any, *packed: Any) -> Any:
            tuning, sampling = jax.random.split(key)
            adapt = blackjax.window_adaptation(
                blackjax.nuts,
                lambda z: density(z, *packed),
                is_mass_matrix_diagonal=not low_rank,
                target_acceptance_rate=target,
                adaptation_info_fn=lambda _, info, __: info.num_integration_steps,
            )
            (state, tuned), steps = adapt.run(tuning, point, num_steps=tune)
            return sampling, state, tuned, steps.sum()

        def then(chain: Any, *packed: Any) -> Any:
            key, state, tuned, tuning = chain
            key, now = jax.random.split(key)
            state, info = go(
                now,
                state,
                lambda z: density(z, *packed),
                tuned["step_size"],
                tuned["inverse_mass_matrix"],
                DOUBLINGS,
            )
            return (key, state, tuned, tuning), {
                "point": state.position,
                "diverging": info.is_divergent,
                "tree_depth": info.num_trajectory_expansions,
                "n_steps": info.num_integration_steps,
                "step_size": tuned["step_size"],
                "acceptance_rate": info.acceptance_rate,
                "energy": info.energy,
                "lp": state.logdensity,
                "tuning": tuning,
            }

        return Kernel(first, then)

    began = time.perf_counter()
    told = run(
        program,
        rows,
        ("blackjax", tune, low_rank, target),
        make,
        starts=all_starts(program, rows, chains, seed, starts),
        steps=draws,
        seed=seed,
        step=step,
    )
    gradients = int(told["n_steps"].sum() + told.pop("tuning")[:, 0].sum())
    points = told.pop("point")
    return Sampled(points, stats_of("blackjax", told), gradients, time.perf_counter() - began)
