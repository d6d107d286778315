"""The model of a fit in the coordinates in which it was sampled, for moment matching."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bayesq.comparison.units import by_unit, per_nat, points_in, points_of
from bayesq.model.specification import Specification
from bayesq.posterior.fit import Fit
from bayesq.sampling.compiled import Compiled
from bayesq.sampling.defaults import COORDINATE, UNCONSTRAINED


def moments_of(fit: Fit, specification: Specification, codes: np.ndarray) -> Moments | None:
    """Prepare the moment matching of a fit; None where its draws are not the sampler's of today.

    Parameters
    ----------
    fit, codes
        As :class:`Moments` takes them.
    specification : Specification
        The description of the fit, rows and all.
    """
    model = Compiled(specification)
    known = points_in(points_of(fit), model) is not None
    return Moments(fit, model, codes) if known else None


class Moments:
    """What moment matching asks of a fit (Paananen et al. 2021).

    It moves draws by their mean and covariance, which does well where the posterior is nearly
    normal: in the sampler's coordinates. In the law's own parameters and the parts of its misfit
    the posterior is a thin bent sheet that any such step leaves.

    Parameters
    ----------
    fit : Fit
        The fit.
    model : Compiled
        Its model.
    codes : ndarray of int, shape (rows,)
        Units that are left out.

    Attributes
    ----------
    draws : xarray.DataArray
        Draws in these coordinates, dimensions chain, draw and unconstrained_parameter.
    """

    def __init__(self, fit: Fit, model: Compiled, codes: np.ndarray) -> None:
        self._fit, self._codes = fit, codes
        self._model = model
        self.draws = fit.data[UNCONSTRAINED].to_dataset()[COORDINATE]
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
        """Log densities of the posterior (chain, draw) and of the units (chain, draw, unit)."""
        points = draws.transpose("chain", "draw", ...).values
        with np.errstate(all="ignore"):  # a step too far has no density; it is then not taken
            whole = self._model.log_density(points.reshape(-1, points.shape[-1]))
            rows = self._model.groups(points)["log_likelihood"][self._fit.response]
        coords = {d: draws[d] for d in ("chain", "draw")}
        log_prob = xr.DataArray(whole.reshape(points.shape[:2]), coords, ("chain", "draw"))
        return log_prob, by_unit(per_nat(self._fit, rows.assign_coords(coords)), self._codes)
