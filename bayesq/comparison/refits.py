"""Exact answers: the same model, fitted without the rows in question."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.special import logsumexp

from bayesq.comparison.units import per_nat, points_of
from bayesq.model.specification import Specification
from bayesq.posterior.fit import Fit
from bayesq.sampling.compiled import Compiled
from bayesq.sampling.samplers import sampler_of

# Tuning that does where chains begin amid the posterior of all rows.
_TUNE = 300


class Refits:
    """Fits of one model without some of its rows, of half as many draws.

    The mean of a density over 2,000 draws is told to a hundredth or two on the logarithm.

    Priors, pivots and typical loss stay those of all rows, as leaving out the likelihood of some
    rows has it.

    Parameters
    ----------
    fit : Fit
        The fit.
    specification : Specification
        Its description, rows and all.
    """

    def __init__(self, fit: Fit, specification: Specification) -> None:
        self._fit = fit
        self._model = Compiled(specification)
        # Without some of its rows the posterior is not far from where it is with all of them.
        self._starts = points_of(fit, self._model)

    def elpd(self, left_out: np.ndarray) -> float:
        """Log density of the measured values of some rows together, without them in the fit.

        Parameters
        ----------
        left_out : ndarray of bool, shape (rows,)
            The rows.
        """
        attrs, draws = self._fit.data.attrs, self._fit.posterior.sizes
        drawn = self._model.sample(
            draws=-(-draws["draw"] // 2),
            tune=min(int(attrs["tune"]), _TUNE),
            chains=draws["chain"],
            # Another for each: the same random numbers would err alike in all of them.
            seed=int(attrs["seed"]) + 1 + int(left_out.argmax()),
            sampler=sampler_of(attrs),
            left_out=left_out,
            starts=self._starts,
        )
        found = self._model.groups(drawn.points)["log_likelihood"][self._fit.response]
        together = per_nat(self._fit, found).isel(row=np.flatnonzero(left_out)).sum("row")
        assert isinstance(together, xr.DataArray)
        return float(logsumexp(together.values) - np.log(together.size))
