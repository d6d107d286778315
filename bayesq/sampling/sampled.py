"""What a sampler drew, under the names of ArviZ, and where its chains begin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np
import xarray as xr

from bayesq.sampling.packing import Packed
from bayesq.sampling.program import Program
from bayesq.sampling.reduction import Reduction

# Chains start within so much of the middle of the priors, in each coordinate.
_JITTER = 1.0
# Points tried for each chain before a sampler is left to say what is wrong.
_TRIES = 100
# How often a trajectory is doubled at most: what all samplers have by default.
DOUBLINGS = 10


@dataclass(frozen=True, eq=False)
class Sampled:
    """What the sampler drew.

    Parameters
    ----------
    points : ndarray of float, shape (chains, draws, coordinates)
        Draws in the sampler's coordinates.
    stats : xarray.Dataset
        How the sampler fared, dimensions chain and draw: ``diverging``, ``tree_depth``,
        ``maxdepth_reached``, ``n_steps``, ``step_size``, ``acceptance_rate``, ``energy`` and
        ``lp``, and what else the sampler tells.
    gradients : int
        How often the density was evaluated, tuning included.
    seconds : float
        How long it took.
    reduction : Reduction, optional
        Where weighted rows stood for all: how well.
    """

    points: np.ndarray
    stats: xr.Dataset
    gradients: int
    seconds: float
    reduction: Reduction | None = None


def start(middle: np.ndarray, starts: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """Choose where a chain begins.

    Parameters
    ----------
    middle : ndarray of float, shape (coordinates,)
        The middle of the priors.
    starts : ndarray of float, shape (starts, coordinates), optional
        Points to choose from, by default those about the middle.
    rng : numpy.random.Generator
        What chooses.
    """
    if starts is not None:
        return np.array(rng.choice(starts))
    return middle + rng.uniform(-_JITTER, _JITTER, len(middle))


def all_starts(
    program: Program, rows: Packed, chains: int, seed: int, starts: np.ndarray | None
) -> np.ndarray:
    """Choose where all chains begin, shape (chains, coordinates), where the density is finite."""
    middle, density = program.start(rows), program.density(rows)
    found = []
    for chain in range(chains):
        rng = np.random.default_rng([seed, chain])
        tried = (start(middle, starts, rng) for _ in range(_TRIES))
        found.append(next((p for p in tried if np.isfinite(density(p)[0])), middle))
    return np.array(found)


def stats_of(
    library: str, told: Mapping[str, np.ndarray], doublings: int = DOUBLINGS
) -> xr.Dataset:
    """Lay out what a sampler tells of its draws, each array of shape (chains, draws).

    The depth of a tree is that of its number of steps where `told` has none.
    """
    told = dict(told)
    told.setdefault("tree_depth", np.log2(np.maximum(told["n_steps"], 1)).astype(int) + 1)
    told["maxdepth_reached"] = told["tree_depth"] >= doublings
    chains, draws = told["diverging"].shape
    coords = {"chain": np.arange(chains), "draw": np.arange(draws)}
    stats = xr.Dataset({n: (("chain", "draw"), v) for n, v in told.items()}, coords)
    stats.attrs["created_at"] = datetime.now(UTC).isoformat()
    return stats.assign_attrs(inference_library=library, inference_library_version=version(library))


def each_sampled(
    library: str,
    told: Mapping[str, np.ndarray],
    gradients: np.ndarray,
    seconds: float,
    doublings: int,
) -> list[Sampled]:
    """Take what was drawn for several tables apart.

    Parameters
    ----------
    library : str
        The sampler's.
    told : mapping of str to ndarray
        What the draws tell, each of shape ``(tables, chains, draws, ...)``, ``"point"`` among them.
    gradients : ndarray of int, shape (tables,)
        Gradients of each.
    seconds : float
        How long all took together, of which each gets the same share.
    doublings : int
        How often a trajectory was doubled at most.
    """
    share = seconds / len(gradients)
    stats = {n: v for n, v in told.items() if n != "point"}
    return [
        Sampled(
            told["point"][i],
            stats_of(library, {n: v[i] for n, v in stats.items()}, doublings),
            int(count),
            share,
        )
        for i, count in enumerate(gradients)
    ]
