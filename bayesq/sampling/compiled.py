"""The model of a fit with its rows: ready to be sampled, with all of them or some."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from bayesq.model.given import Given, given, labels
from bayesq.model.specification import Specification
from bayesq.sampling.defaults import SAMPLER
from bayesq.sampling.groups import groups_of
from bayesq.sampling.packing import Packed, pack
from bayesq.sampling.program import Program, find_program
from bayesq.sampling.sample import sample, suited
from bayesq.sampling.sampled import Sampled


class Compiled:
    """A program and the rows that it runs on.

    Parameters
    ----------
    specification : Specification
        What is fitted.
    say : callable
        Is told what takes a while.
    device : {"cpu", "gpu"}
        Where it runs.
    many : bool
        Whether it is to be sampled beside others.
    """

    def __init__(
        self,
        specification: Specification,
        say: Callable[[str], object] = lambda doing: None,
        device: str = "cpu",
        *,
        many: bool = False,
    ) -> None:
        self._of = specification
        self._rows: Given = given(specification, fill_up=True)
        self.program: Program = find_program(
            specification, self._rows, say, device=device, many=many
        )

    @cached_property
    def _packed(self) -> Packed:
        return pack(self._rows)

    @cached_property
    def _labels(self) -> dict[str, list[Any]]:
        return labels(self._of)

    def sample(
        self,
        *,
        draws: int,
        tune: int,
        chains: int,
        seed: int,
        sampler: str = SAMPLER,
        left_out: np.ndarray | None = None,
        starts: np.ndarray | None = None,
        step: Callable[[int, int], object] = lambda done, of: None,
    ) -> Sampled:
        """Draw from the posterior, as suits a model of this kind.

        Parameters
        ----------
        draws, tune, chains, seed, sampler
            As :func:`bayesq.fit` takes them.
        left_out : ndarray of bool, shape (rows,), optional
            Rows whose likelihood does not count. Priors, pivots and the typical loss stay those of
            all rows.
        starts, step
            As :func:`bayesq.sampling.sample.sample` takes them.
        """
        rows = self._packed
        if left_out is not None:
            counted = self._rows["counted"].copy()
            counted[: len(left_out)] *= ~left_out
            rows = pack(self._rows | {"counted": counted})
        return sample(
            self.program,
            rows,
            draws=draws,
            tune=tune,
            chains=chains,
            seed=seed,
            sampler=sampler,
            **self._suited,
            starts=starts,
            step=step,
        )

    @property
    def _suited(self) -> dict[str, Any]:
        return suited(self._of.field is not None, self._of.pooling is not None)

    def groups(self, points: np.ndarray) -> dict[str, xr.Dataset]:
        """Work out what draws tell, as :func:`bayesq.sampling.groups.groups_of`."""
        return groups_of(self.program, points, self._packed, self._labels)

    def log_density(self, points: np.ndarray) -> np.ndarray:
        """Log density of the posterior in the sampler's coordinates, up to a constant.

        Parameters
        ----------
        points : ndarray of float, shape (points, coordinates)
            Points in the sampler's coordinates.

        Returns
        -------
        ndarray of float, shape (points,)
        """
        at = self.program.density(self._packed)
        return np.array([at(point)[0] for point in points])


def sample_together(
    models: Sequence[Compiled],
    *,
    draws: int,
    tune: int,
    chains: int,
    seeds: Sequence[int],
    sampler: str,
    step: Callable[[int, int], object] = lambda done, of: None,
) -> list[Sampled]:
    """Draw from the posteriors of several tables of one program at once.

    Parameters
    ----------
    models : sequence of Compiled
        Made for `many`; all of one program.
    draws, tune, chains, sampler
        As :func:`bayesq.fit` takes them, of each table.
    seeds : sequence of int
        A seed for each table.
    step : callable
        Is told how far it is.
    """
    from bayesq.sampling.batched import batched

    first = models[0]
    return batched(
        first.program,
        [model._packed for model in models],
        draws=draws,
        tune=tune,
        chains=chains,
        seeds=seeds,
        sampler=sampler,
        **first._suited,
        step=step,
    )
