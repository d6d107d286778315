"""Draws by BlackJAX's NUTS after its window adaptation, in one piece with the density."""

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
    """Draw with BlackJAX; parameters as :func:`bayesq.sampling.batched.batched` takes them."""
    import blackjax
    import jax

    target = 0.8 if target_accept is None else target_accept
    go = blackjax.nuts.build_kernel()

    def make(density: Callable[..., Any], dense: bool) -> Kernel:
        def first(key: Any, point: Any, *packed: Any) -> Any:
            tuning, sampling = jax.random.split(key)
            adapt = blackjax.window_adaptation(
                blackjax.nuts,
                lambda z: density(z, *packed),
                is_mass_matrix_diagonal=not dense,
                target_acceptance_rate=target,
                max_num_doublings=doublings,
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
                doublings,
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
    told, before = run(
        program,
        tables,
        ("blackjax", tune, target, doublings),
        make,
        low_rank=low_rank,
        starts=starts,
        chains=chains,
        steps=draws,
        seeds=seeds,
        step=step,
    )
    gradients = before + told["n_steps"].sum(axis=(1, 2)) + told.pop("tuning")[:, :, 0].sum(axis=1)
    kept = told
    return each_sampled("blackjax", kept, gradients, time.perf_counter() - began, doublings)


def sample(program: Program, rows: Packed, *, seed: int, **how: Any) -> Sampled:
    """Draw for one table; parameters as :func:`bayesq.sampling.sample.sample` takes them."""
    return several(program, [rows], seeds=[seed], **how)[0]
