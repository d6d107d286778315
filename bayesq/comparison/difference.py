"""The difference between two laws: its standard error, and what it says in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Below this a difference says little, whatever its standard error (Sivula et al. 2020,
# "Uncertainty in Bayesian Leave-One-Out Cross-Validation Based Model Comparison").
_LEAST = 4.0
_SIGMAS = 2.0


@dataclass(frozen=True)
class Difference:
    """By how much one law foretells better than another.

    Parameters
    ----------
    elpd : float
        Sum of the differences of log predictive density, in nats.
    se : float
        Its standard error; NaN where all units are of one training run.
    """

    elpd: float
    se: float

    @property
    def sign(self) -> int:
        """1 where the one is better, -1 where the other is, 0 where they cannot be told apart."""
        if abs(self.elpd) < max(_LEAST, _SIGMAS * self.se) or not np.isfinite(self.se):
            return 0
        return 1 if self.elpd > 0 else -1

    def __str__(self) -> str:
        if not np.isfinite(self.se):
            return f"{abs(self.elpd):.1f}, and one training run gives no standard error"
        return f"{abs(self.elpd):.1f} ± {self.se:.1f}"


def difference(one: np.ndarray, other: np.ndarray, runs: np.ndarray) -> Difference:
    """Compare two laws on the same units.

    Units of one training run are not independent, so the standard error is that of a sum over runs.

    Parameters
    ----------
    one, other : ndarray of float, shape (units,)
        Log predictive densities.
    runs : ndarray of int, shape (units,)
        The training run that each unit is of.
    """
    apart = one - other
    return Difference(float(apart.sum()), standard_error(apart, runs))


def standard_error(values: np.ndarray, runs: np.ndarray) -> float:
    """Work out the standard error of a sum over units, those of one run taken together.

    Parameters
    ----------
    values : ndarray of float, shape (units,)
        What is summed up.
    runs : ndarray of int, shape (units,)
        The training run that each unit is of.

    Returns
    -------
    float
        In the unit of the values; NaN where there is one run only.
    """
    number, counts = np.unique(runs, return_inverse=True)[1], np.unique(runs).size
    if counts < 2:
        return float("nan")
    within = np.bincount(number, values - values.mean(), counts)
    return float(np.sqrt(counts / (counts - 1) * (within**2).sum()))
