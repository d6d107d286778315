"""Draws from the posterior of a compiled model, by any of the samplers."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from bayesq.sampling.defaults import SAMPLER
from bayesq.sampling.packing import Packed
from bayesq.sampling.program import Program
from bayesq.sampling.sampled import Sampled


def suited(discrepancy: bool, pooled: bool) -> dict[str, Any]:
    """Tell how to sample a model: one with a discrepancy, one with studies."""
    # Where spreads between studies are near 0 the posterior has a neck.
    return {"low_rank": discrepancy or pooled, "target_accept": 0.99 if pooled else None}


def sample(
    program: Program,
    rows: Packed,
    *,
    draws: int,
    tune: int,
    chains: int,
    seed: int,
    sampler: str = SAMPLER,
    low_rank: bool = True,
    target_accept: float | None = None,
    starts: np.ndarray | None = None,
    step: Callable[[int, int], object] = lambda done, of: None,
) -> Sampled:
    """Draw from the posterior of a compiled model.

    Without a discrepancy, where law and noise alone are sampled, low-rank adaptation diverges on
    tables that the diagonal one samples without a divergence: say ``low_rank=False``.

    Parameters
    ----------
    program : Program
        The compiled model.
    rows : tuple of ndarray
        What the model takes from its rows, packed.
    draws, tune, chains, seed : int
        As :func:`bayesq.fit` takes them.
    sampler : {"nutpie", "numpyro", "blackjax", "pymc"}
        Whose NUTS it is. All of them draw from the same compiled density.
    low_rank : bool
        Whether correlations are learned while tuning, or scales only; samplers that know no
        matrix of low rank learn a whole one.
    target_accept : float, optional
        Acceptance that the step size aims at, by default the sampler's own.
    starts : ndarray of float, shape (starts, coordinates), optional
        Points of which each chain begins at one, by default at random about the middle of the
        priors.
    step : callable
        Is told how many draws of how many are done, a few times a second, perhaps from another
        thread.
    """
    # Each loads its library.
    by: Callable[..., Sampled] = import_module(f"bayesq.sampling.with_{sampler}").sample
    return by(
        program,
        rows,
        draws=draws,
        tune=tune,
        chains=chains,
        seed=seed,
        low_rank=low_rank,
        target_accept=target_accept,
        starts=starts,
        step=step,
    )
