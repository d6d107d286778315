"""Draws from the posterior of a compiled model, by nutpie's NUTS."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from bayesq.sampling.packing import Packed
from bayesq.sampling.program import Program

# Chains start within so much of the middle of the priors, in each coordinate.
_JITTER = 1.0


@dataclass(frozen=True, eq=False)
class Sampled:
    """What the sampler drew.

    Parameters
    ----------
    points : ndarray of float, shape (chains, draws, coordinates)
        Draws in the sampler's coordinates.
    stats : xarray.Dataset
        How the sampler fared, dimensions chain and draw.
    gradients : int
        How often the density was evaluated, tuning included.
    seconds : float
        How long it took.
    """

    points: np.ndarray
    stats: xr.Dataset
    gradients: int
    seconds: float


class _NoDensityError(ValueError):
    """A step to where the density is not finite; the sampler then turns back."""

    is_recoverable = True


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
    low_rank : bool
        Whether correlations are learned while tuning, or scales only.
    target_accept : float, optional
        Acceptance that the step size aims at.
    starts : ndarray of float, shape (starts, coordinates), optional
        Points of which each chain begins at one, by default at random about the middle of the
        priors.
    step : callable
        Is told how many draws of how many are done, a few times a second, from another thread.
    """
    import nutpie
    from nutpie.compiled_pyfunc import from_pyfunc

    density = program.density(rows)
    middle = program.start(rows)
    gradients = 0

    def evaluate(point: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal gradients
        gradients += 1
        found = density(point)
        if not math.isfinite(found[0]):
            raise _NoDensityError
        return found

    def start(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        if starts is not None:
            return np.array(rng.choice(starts))
        return middle + rng.uniform(-_JITTER, _JITTER, len(middle))

    def kept(*_: int) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
        return lambda point: {"point": np.array(point)}

    model = from_pyfunc(
        program.coordinates,
        lambda: evaluate,
        kept,
        [np.dtype("float64")],
        [(program.coordinates,)],
        ["point"],
        make_initial_point_fn=start,
    )
    began = time.perf_counter()
    running = nutpie.sample(
        model,
        draws=draws,
        tune=tune,
        chains=chains,
        # One after the other: calls come back through Python, which chains side by side would wait
        # for longer than they would gain.
        cores=1,
        seed=seed,
        progress_bar=False,
        progress_callback=lambda all_: step(
            sum(c.finished_draws for c in all_), sum(c.total_draws for c in all_)
        ),
        save_warmup=False,
        # With the misfit centred on what the rows tell, what remains is nearly normal, and its
        # correlations are learned: 2 to 10 times the effective draws of the diagonal adaptation.
        adaptation="low_rank" if low_rank else "diag",
        **({} if target_accept is None else {"target_accept": target_accept}),
        blocking=False,
    )
    try:
        tree = running.wait()
    except BaseException:
        # Waiting for it in nutpie would turn Ctrl-C into a shorter result that looks whole.
        running.cancel()
        raise
    stats = tree["sample_stats"].to_dataset()
    # Text of divergences cannot be written to netCDF and says nothing that the flag does not.
    stats = stats.drop_vars([n for n in stats if stats[n].dtype == object])
    points = tree["posterior"]["point"].values
    return Sampled(points, stats, gradients, time.perf_counter() - began)
