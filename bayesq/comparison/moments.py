"""The model of a fit in unbounded coordinates, for moment matching."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from bayesq.comparison.units import by_unit, per_nat
from bayesq.fitting.result import Fit
from bayesq.fitting.sample import at_draws, batched
from bayesq.model.compose import compose
from bayesq.model.design import Design

_DIM = "unconstrained_parameter"


class Moments:
    """What moment matching asks of a fit (Paananen et al. 2021).

    Parameters
    ----------
    fit : Fit
        The fit.
    design : Design
        Its rows.
    codes : ndarray of int, shape (rows,)
        Units that are left out.

    Attributes
    ----------
    draws : xarray.DataArray
        Draws in unbounded coordinates, dimensions chain, draw and unconstrained_parameter.
    """

    def __init__(self, fit: Fit, design: Design, codes: np.ndarray) -> None:
        self._fit, self._codes = fit, codes
        model = compose(design, fit.scatter, fit.wrong, to_sample=False)
        free = model.free_RVs
        values = _unbounded(model, fit.posterior)
        self._shapes = [v.shape[2:] for v in values]
        flat = [v.reshape(*v.shape[:2], -1) for v in values]
        coords = {d: fit.posterior[d] for d in ("chain", "draw")}
        self.draws = xr.DataArray(np.concatenate(flat, axis=2), coords, ("chain", "draw", _DIM))
        terms = model.logp(vars=[*free, *model.observed_RVs], sum=False, jacobian=True)
        self._count = len(free)
        self._densities = batched(terms, {model.rvs_to_values[v]: v.name for v in free})
        self._last: tuple[np.ndarray, xr.DataArray, xr.DataArray] | None = None

    def log_prob(self, draws: xr.DataArray) -> xr.DataArray:
        """Log density of the posterior, up to a constant, dimensions chain and draw."""
        return self._at(draws)[0]

    def log_lik(self, draws: xr.DataArray, unit: int) -> xr.DataArray:
        """Log density of the measured values of one unit, dimensions chain and draw."""
        return self._at(draws)[1].isel(unit=unit)

    def _at(self, draws: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
        # Both are asked at the same draws, one after the other.
        if self._last is None or not np.array_equal(self._last[0], draws.values):
            self._last = (draws.values.copy(), *self._evaluate(draws))
        return self._last[1:]

    def _evaluate(self, draws: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
        chains, count = draws.sizes["chain"], draws.sizes["draw"]
        flat = draws.transpose("chain", "draw", ...).values.reshape(chains * count, -1)
        ends = np.cumsum([int(np.prod(s)) for s in self._shapes])[:-1]
        parts = [
            part.reshape(-1, *shape)
            for part, shape in zip(np.split(flat, ends, axis=1), self._shapes, strict=True)
        ]
        with np.errstate(all="ignore"):  # a step too far has no density; it is then not taken
            *prior, likelihood = self._densities(*parts)
        whole = sum(p.reshape(len(flat), -1).sum(axis=1) for p in (*prior, likelihood))
        coords = {d: draws[d] for d in ("chain", "draw")}
        dims = ("chain", "draw")
        log_prob = xr.DataArray(np.reshape(whole, (chains, count)), coords, dims)
        rows = xr.DataArray(likelihood.reshape(chains, count, -1), coords, (*dims, "row"))
        return log_prob, by_unit(per_nat(self._fit, rows), self._codes)


def _unbounded(model: pm.Model, posterior: xr.Dataset) -> list[np.ndarray]:
    """Draws of the free variables of a model, each as its transform has it."""
    wanted: list[Any] = []
    for v in model.free_RVs:
        transform = model.rvs_to_transforms[v]
        wanted.append(v if transform is None else transform.forward(v, *v.owner.inputs))
    found = at_draws(wanted, {v: v.name for v in model.free_RVs}, posterior)
    shape = tuple(posterior.sizes[d] for d in ("chain", "draw"))
    return [np.reshape(f, (*shape, *np.shape(f)[1:])) for f in found]
