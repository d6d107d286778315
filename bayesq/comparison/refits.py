"""Exact answers: the same model, fitted without the rows in question."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import logsumexp

from bayesq.comparison.units import jacobian_of, points_in, points_of, together
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
        self._specification = specification
        self._attributes = dict(fit.data.attrs)
        self._sizes = dict(fit.posterior.sizes)
        self._jacobian = jacobian_of(fit)
        self._points = points_of(fit)

    def __getstate__(self) -> dict[str, Any]:
        # Compiled where it is worked with, once a process.
        return {name: value for name, value in self.__dict__.items() if name != "_model"}

    @cached_property
    def _model(self) -> Compiled:
        return Compiled(self._specification)

    def elpd(self, left_out: np.ndarray) -> float:
        """Log density of the measured values of some rows together, without them in the fit.

        Parameters
        ----------
        left_out : ndarray of bool, shape (rows,)
            The rows.
        """
        attrs, draws = self._attributes, self._sizes
        drawn = self._model.sample(
            draws=-(-draws["draw"] // 2),
            tune=min(int(attrs["tune"]), _TUNE),
            chains=draws["chain"],
            # Another for each: the same random numbers would err alike in all of them.
            seed=int(attrs["seed"]) + 1 + int(left_out.argmax()),
            sampler=sampler_of(attrs),
            left_out=left_out,
            # Without some of its rows the posterior is not far from where it is with all of them.
            starts=points_in(self._points, self._model),
        )
        told = self._model.groups(drawn.points)
        found = together(self._specification, told, self._jacobian, np.flatnonzero(left_out))
        return float(logsumexp(found.values) - np.log(found.size))
