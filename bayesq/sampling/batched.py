"""Many tables of one compiled model, drawn from side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module

from bayesq.sampling.packing import Packed
from bayesq.sampling.program import Program
from bayesq.sampling.sampled import Sampled

# How often a trajectory is doubled at most. Each step of all chains takes as long as its longest
# trajectory, and from the mode, in coordinates in which the curvature there is one, few chains ask
# for more; those that do are told of in the statistics (``maxdepth_reached``).
_DOUBLINGS = 7


def batched(
    program: Program,
    rows: Sequence[Packed],
    *,
    draws: int,
    tune: int,
    chains: int,
    seeds: Sequence[int],
    sampler: str = "numpyro",
    low_rank: bool = True,
    target_accept: float | None = None,
    step: Callable[[int, int], object] = lambda done, of: None,
) -> list[Sampled]:
    """Draw from the posteriors of many tables at once, each from its own start, metric and seed.

    Parameters
    ----------
    program : Program
        The compiled model, as :func:`bayesq.sampling.program.find_program` finds it with
        ``many=True``; it runs where that was compiled for.
    rows : sequence of tuple of ndarray
        What the model takes from the rows of each table, packed.
    draws, tune, chains : int
        As :func:`bayesq.fit` takes them, of each table.
    seeds : sequence of int
        A seed for each table.
    sampler : {"numpyro", "blackjax"}
        Whose NUTS it is.
    low_rank, target_accept, step
        As :func:`bayesq.sampling.sample.sample` takes them.

    Returns
    -------
    list of Sampled
        One a table, in their order. The seconds of each are its share of all.
    """
    by: Callable[..., list[Sampled]] = import_module(f"bayesq.sampling.with_{sampler}").several
    return by(
        program,
        rows,
        draws=draws,
        tune=tune,
        chains=chains,
        seeds=seeds,
        low_rank=low_rank,
        target_accept=target_accept,
        doublings=_DOUBLINGS,
        step=step,
    )
