"""From the draws of a fit to the loss of a new run: the law, its misfit, the noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.fitting.misfit import draw_misfit
from bayesq.fitting.posterior import Posterior

_OVER = ("chain", "draw")


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a fit says of a response at some inputs, step by step.

    Parameters
    ----------
    law : xarray.DataArray
        The law at the draws of its parameters, nats per token.
    mean : xarray.DataArray
        The same with the law's misfit: the mean of runs there.
    values : dict of str to float or xarray.DataArray
        Inputs and parameters, as a noise needs them.
    """

    law: xr.DataArray
    mean: xr.DataArray
    values: dict[str, Any]


def outcome(
    fit: Posterior, inputs: Mapping[str, np.ndarray], dim: str, rng: np.random.Generator
) -> Outcome:
    """Work out the law and its misfit at inputs.

    Parameters
    ----------
    fit : Posterior
        A fit, or a paper's constants.
    inputs : mapping of str to ndarray
        Inputs by symbol, each of shape ``(n,)`` or a number.
    dim : str
        Name of their dimension.
    rng : Generator
        For what the data leave open about the misfit.
    """
    at = {
        symbol: xr.DataArray(array, dims=dim) for symbol, array in inputs.items() if np.ndim(array)
    }
    values = fit.values_at({**inputs, **at}) | fit.middles
    # An input that the law ignores may be all that varies.
    along = xr.zeros_like(next(iter(at.values())), dtype=float)
    law = (fit.law.evaluate(fit.response, values) + along).transpose(*_OVER, dim)
    mean = law
    if fit.wrong is not None:
        misfit = draw_misfit(fit.posterior, fit.wrong[1], inputs, dim, rng)
        floor: Any = sum((fit.posterior[symbol] for symbol in fit.asymptotes), start=0.0)
        mean = (floor + (law - floor) * np.exp(misfit)).transpose(*_OVER, dim)
    return Outcome(law.rename(fit.response), mean.rename(fit.response), values)


def shares(steps: Mapping[str, xr.DataArray]) -> pd.DataFrame:
    """Split the variance of the last of several steps among them.

    Each step adds something to the one before. Its share is the covariance of what it adds with
    the whole, over the variance of the whole; so the shares add up to 1, also where parameters and
    misfit trade against each other. Draws are first brought into their own middle 99 %, because
    Student-t noise may have no variance.

    Parameters
    ----------
    steps : mapping of str to DataArray
        Names of the shares, and the steps with dimensions chain, draw and one more.

    Returns
    -------
    DataFrame
        One row a scenario, one column a step.
    """
    added: dict[str, np.ndarray] = {}
    before: Any = 0.0
    for name, step in steps.items():
        found = step.stack(all=_OVER).transpose("all", ...).values
        part, before = found - before, found
        added[name] = np.clip(part, *np.quantile(part, [0.005, 0.995], axis=0))
    whole = np.sum(list(added.values()), axis=0)
    centred = whole - whole.mean(axis=0)
    table = {name: np.maximum((part * centred).mean(axis=0), 0.0) for name, part in added.items()}
    total = sum(table.values())
    with np.errstate(invalid="ignore"):
        return pd.DataFrame({name: part / total for name, part in table.items()})
