"""The model of a fit in the coordinates in which it was sampled, for moment matching."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bayesq.comparison.units import jacobian_of, points_in, points_of, together
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
    return Moments(fit, specification, model, codes) if known else None


class Moments:
    """What moment matching asks of a fit (Paananen et al. 2021).

    It moves draws by their mean and covariance, which does well where the posterior is nearly
    normal: in the sampler's coordinates. In the law's own parameters and the parts of its misfit
    the posterior is a thin bent sheet that any such step leaves.

    Parameters
    ----------
    fit : Fit
        The fit.
    specification : Specification
        Its description, rows and all.
    model : Compiled
        Its model.
    codes : ndarray of int, shape (rows,)
        Units that are left out.

    Attributes
    ----------
    draws : xarray.DataArray
        Draws in these coordinates, dimensions chain, draw and unconstrained_parameter.
    """

    def __init__(
        self, fit: Fit, specification: Specification, model: Compiled, codes: np.ndarray
    ) -> None:
        self._specification, self._codes = specification, codes
        self._model, self._jacobian = model, jacobian_of(fit)
        self.draws = fit.data[UNCONSTRAINED].to_dataset()[COORDINATE]
        self._last: tuple[np.ndarray, xr.DataArray, dict[str, xr.Dataset]] | None = None

    def log_prob(self, draws: xr.DataArray) -> xr.DataArray:
        """Log density of the posterior, up to a constant, dimensions chain and draw."""
        return self._at(draws)[0]

    def log_lik(self, draws: xr.DataArray, unit: int) -> xr.DataArray:
        """Log density of the measured values of one unit, dimensions chain and draw."""
        rows = np.flatnonzero(self._codes == unit)
        return together(self._specification, self._at(draws)[1], self._jacobian, rows)

    def _at(self, draws: xr.DataArray) -> tuple[xr.DataArray, dict[str, xr.Dataset]]:
        # Both are asked at the same draws, one after the other.
        if self._last is None or not np.array_equal(self._last[0], draws.values):
            self._last = (draws.values.copy(), *self._evaluate(draws))
        return self._last[1:]

    def _evaluate(self, draws: xr.DataArray) -> tuple[xr.DataArray, dict[str, xr.Dataset]]:
        """Log density of the posterior, dimensions chain and draw, and what else draws tell."""
        points = draws.transpose("chain", "draw", ...).values
        with np.errstate(all="ignore"):  # a step too far has no density; it is then not taken
            whole = self._model.log_density(points.reshape(-1, points.shape[-1]))
            groups = self._model.groups(points)
        coords = {d: draws[d] for d in ("chain", "draw")}
        log_prob = xr.DataArray(whole.reshape(points.shape[:2]), coords, ("chain", "draw"))
        return log_prob, {name: of.assign_coords(coords) for name, of in groups.items()}
