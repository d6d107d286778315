"""Weights of laws from how well each foretells what it has not seen."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import xarray as xr

Method = Literal["stacking", "pseudo-bma+"]
_ARVIZ = {"stacking": "stacking", "pseudo-bma+": "BB-pseudo-BMA"}


def weigh(elpd: Mapping[str, np.ndarray], method: Method) -> dict[str, float]:
    """Weigh laws by their log predictive densities.

    Stacking of predictive distributions, or pseudo-BMA with the Bayesian bootstrap (Yao et al.
    2018, "Using Stacking to Average Bayesian Predictive Distributions"), as ArviZ has them.

    Parameters
    ----------
    elpd : mapping of str to ndarray of float, shape (units,)
        By law, the log predictive density of each unit without it in the fit.
    method : {"stacking", "pseudo-bma+"}
        How to weigh.

    Returns
    -------
    dict of str to float
        They add up to 1.
    """
    import arviz_stats as azs

    # A constant of a unit changes no weight, and the exponential of hundreds has no number.
    highest = np.max(list(elpd.values()), axis=0)
    data = {name: _as_arviz(azs, values - highest) for name, values in elpd.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of few rows, which a note says
        found = azs.compare(data, method=_ARVIZ[method], round_to="none")["weight"]
    weights = {name: max(float(found[name]), 0.0) for name in elpd}
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def _as_arviz(azs: Any, values: np.ndarray) -> Any:
    """Hand ArviZ densities of what was left out, shape ``(units,)``, as of cross-validation.

    Its ``compare`` takes draws, out of which it leaves rows itself, or results. Of units that were
    moved, refitted or outside the data no draws are left, and these densities make the weights.
    """
    return azs.ELPDDataLOOKFold(
        elpd=float(values.sum()),
        se=float(np.sqrt(len(values) * values.var())),
        p=np.nan,
        n_samples=0,
        n_data_points=len(values),
        n_folds=len(values),
        scale="log",
        warning=False,
        good_k=None,
        elpd_i=xr.DataArray(values, dims="unit"),
    )
