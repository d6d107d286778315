"""Draws as ArviZ knows them: groups of labelled arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from bayesq.sampling.defaults import COORDINATE, LIKELIHOOD, MOST_CELLS, UNCONSTRAINED
from bayesq.sampling.packing import Packed
from bayesq.sampling.program import Program


def groups_of(
    program: Program, points: np.ndarray, rows: Packed, labels: Mapping[str, Sequence[Any]]
) -> dict[str, xr.Dataset]:
    """Work out what draws tell.

    Parameters
    ----------
    program : Program
        The compiled model.
    points : ndarray of float, shape (chains, draws, coordinates)
        Draws in the sampler's coordinates.
    rows : tuple of ndarray
        What the model takes from its rows, packed.
    labels : mapping of str to sequence
        What each dimension holds; what fills it up beyond that is left away.

    Returns
    -------
    dict of str to Dataset
        ``posterior``, ``log_prior`` with one variable a free parameter, ``log_likelihood`` with
        dimensions chain, draw and row on the scale of the noise, unless it has more than
        `MOST_CELLS` values, and ``unconstrained_posterior``.
    """
    chains, draws, _ = points.shape
    every = {"chain": np.arange(chains), "draw": np.arange(draws)}
    groups: dict[str, dict[str, xr.DataArray]] = {}
    # Every density of a large table in every draw is more than a machine holds.
    skip = LIKELIHOOD if chains * draws * len(labels["row"]) > MOST_CELLS else ""
    values = program.tell(points.reshape(chains * draws, -1), rows, skip)
    for told, value in values.items():
        inside = tuple(slice(len(labels[d])) for d in told.dims)
        # Laid out as it comes back from a file: sums over it have the same last digits then.
        kept = np.ascontiguousarray(value.reshape(chains, draws, *told.shape)[:, :, *inside])
        coords = every | {d: list(labels[d]) for d in told.dims}
        array = xr.DataArray(kept, coords, ("chain", "draw", *told.dims))
        groups.setdefault(told.group, {})[told.name] = array
    found = {name: xr.Dataset(arrays) for name, arrays in groups.items()}
    flat = xr.DataArray(points, every, ("chain", "draw", "unconstrained_parameter"))
    return found | {UNCONSTRAINED: flat.to_dataset(name=COORDINATE)}
