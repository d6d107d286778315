"""Leaving out some of very many units, which stand for all: the difference estimator.

Magnusson, Andersen, Jonasson and Vehtari 2019, "Bayesian Leave-One-Out Cross-Validation for Large
Data": what is cheap, a unit's log density with the unit in the fit, is worked out for all units,
and by how much leaving out lowers it for a random sample, the same for every law. As
:func:`arviz_stats.loo_subsample` has it, which goes by rows only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.special import logsumexp

from bayesq.errors import BayesqError
from bayesq.posterior.fit import Fit
from bayesq.posterior.remeasured import log_likelihood

# From so many units on some stand for all, as long as these have no more rows than the last.
MOST_UNITS = 10_000
_SAMPLED, _ROWS = 1_000, 10_000
# Draws of each chain that the densities of all units are averaged over, and rows at a time.
_DRAWS, _AT_A_TIME = 5, 50_000
# Densities of rows by draws that are held together.
_MOST_CELLS = 200_000_000


@dataclass(frozen=True, eq=False)
class Subsample:
    """Which units stand for all, and what was told of all.

    Parameters
    ----------
    chosen : ndarray of int, shape (sampled,)
        Their numbers, rising.
    nearly : ndarray of float, shape (units,)
        Log density of each unit with it in the fit, by a few draws, per nat per token each.
    """

    chosen: np.ndarray
    nearly: np.ndarray

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Lay out values of the sample over all units, so that their sum is the estimate.

        The units that were not sampled have what was told of them, and what the sample lies above
        it in the middle.

        Parameters
        ----------
        values : ndarray of float, shape (sampled,)
            Log predictive densities.
        """
        found: np.ndarray = self.nearly + (values - self.nearly[self.chosen]).mean()
        found[self.chosen] = values
        return found

    def error(self, values: np.ndarray, other: Subsample | None = None) -> float:
        """Tell the standard error, by chance of the sample, of the sum of laid out values.

        Parameters
        ----------
        values : ndarray of float, shape (units,)
            What it gave, or what one law's lie above another's.
        other : Subsample, optional
            That of the other law.
        """
        nearly = self.nearly if other is None else self.nearly - other.nearly
        estimator = xr.DataArray(values[self.chosen], dims="unit").azstats.diff_srs_estimator
        _, error, _ = estimator(
            lpd_approx_sample=xr.DataArray(nearly[self.chosen], dims="unit"),
            lpd_approx_all=xr.DataArray(nearly, dims="unit"),
            n_data_points=len(nearly),
        )
        return float(error)


def choose(codes: np.ndarray) -> np.ndarray | None:
    """Choose units that stand for all, the same for every law; None where all are left out.

    Parameters
    ----------
    codes : ndarray of int, shape (rows,)
        Number of the unit that each row is of.
    """
    rows = np.bincount(codes)
    if len(rows) <= MOST_UNITS:
        return None
    mixed = np.random.default_rng(0).permutation(len(rows))[:_SAMPLED]
    few = max(int((np.cumsum(rows[mixed]) <= _ROWS).sum()), 1)
    return np.sort(mixed[:few])


def check_room(fit: Fit, codes: np.ndarray, unit: str) -> None:
    """Refuse to hold more densities than memory has room for.

    Raises
    ------
    BayesqError
        If all units are to be left out, and their rows are too many.
    """
    sizes = fit.posterior.sizes
    draws = sizes["chain"] * sizes["draw"]
    if len(codes) * draws > _MOST_CELLS:
        raise BayesqError(
            f"{fit.title} has {len(codes)} rows in {codes.max() + 1} units of one {unit} each, and "
            f"to leave them out takes {len(codes) * draws:,} densities; pass unit='row' (--unit "
            "row), which leaves out some rows that stand for all."
        )


def sampled_of(fit: Fit, codes: np.ndarray, chosen: np.ndarray) -> xr.DataArray:
    """Log densities of the units chosen, per nat per token: dimensions chain, draw and unit."""
    rows = np.flatnonzero(np.isin(codes, chosen))
    chains, draws = (np.arange(fit.posterior.sizes[d]) for d in ("chain", "draw"))
    found = log_likelihood(fit.specification, fit.posterior, chains, draws, rows)
    found += fit.noise.log_jacobian(fit.design.observed[rows])
    if len(rows) > len(chosen):
        of_unit = np.searchsorted(chosen, codes[rows])
        order = np.argsort(of_unit, kind="stable")
        starts = np.searchsorted(of_unit[order], np.arange(len(chosen)))
        found = np.add.reduceat(found[..., order], starts, axis=-1)
    return xr.DataArray(found, dims=("chain", "draw", "unit"))


def nearly_of(fit: Fit, codes: np.ndarray) -> np.ndarray:
    """Log density of every unit with it in the fit, by a few draws, shape (units,)."""
    chains, draws = (fit.posterior.sizes[d] for d in ("chain", "draw"))
    some = np.linspace(0, draws - 1, min(draws, _DRAWS)).astype(int)
    units = int(codes.max()) + 1
    total = np.zeros((chains * len(some), units))
    for first in range(0, len(codes), _AT_A_TIME):
        rows = np.arange(first, min(first + _AT_A_TIME, len(codes)))
        found = log_likelihood(fit.specification, fit.posterior, np.arange(chains), some, rows)
        found += fit.noise.log_jacobian(fit.design.observed[rows])
        for of_draw, values in zip(total, found.reshape(len(total), -1), strict=True):
            of_draw += np.bincount(codes[rows], values, units)
    return np.asarray(logsumexp(total, axis=0) - np.log(len(total)))
