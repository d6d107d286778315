"""The model of a fit in the coordinates in which it was sampled, for moment matching."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bayesq.comparison.units import by_unit, per_nat
from bayesq.fitting.result import Fit
from bayesq.fitting.sample import COORDINATE, batched
from bayesq.model.compose import compose
from bayesq.model.design import Design


class Moments:
    """What moment matching asks of a fit (Paananen et al. 2021).

    It moves draws by their mean and covariance, which does well where the posterior is nearly
    normal: in the sampler's coordinates. In the law's own parameters and the parts of its misfit
    the posterior is a thin bent sheet that any such step leaves.

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
        Draws in these coordinates, dimensions chain, draw and unconstrained_parameter.
    """

    def __init__(self, fit: Fit, design: Design, codes: np.ndarray) -> None:
        self._fit, self._codes = fit, codes
        self.draws = fit.data["unconstrained_posterior"].to_dataset()[COORDINATE]
        model = compose(design, fit.scatter, fit.wrong)
        values = [model.rvs_to_values[v] for v in model.free_RVs]
        start = model.initial_point()
        self._shapes = [np.shape(start[v.name]) for v in values]
        densities = [model.logp(), *model.logp(vars=model.observed_RVs, sum=False)]
        self._densities = batched(densities, {v: v.name for v in values})
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
            whole, likelihood = self._densities(*parts)
        dims, coords = ("chain", "draw"), {d: draws[d] for d in ("chain", "draw")}
        log_prob = xr.DataArray(np.reshape(whole, (chains, count)), coords, dims)
        rows = xr.DataArray(likelihood.reshape(chains, count, -1), coords, (*dims, "row"))
        return log_prob, by_unit(per_nat(self._fit, rows), self._codes)
