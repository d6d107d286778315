"""From the draws of a fit to the loss of a new run: the law, its misfit, the noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.model.discrepancy import with_misfit
from bayesq.posterior.misfit import draw_misfit
from bayesq.posterior.posterior import Posterior
from bayesq.threads import one_thread

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

    Returns
    -------
    Outcome
        With dimensions chain, draw and `dim`.
    """
    at = {
        symbol: xr.DataArray(array, dims=dim) for symbol, array in inputs.items() if np.ndim(array)
    }
    values = {**fit.middles, **fit.values_at({**inputs, **at})}
    # An input that the law ignores may be all that varies.
    along = xr.zeros_like(next(iter(at.values())), dtype=float)
    law = (fit.law.evaluate(fit.response, values) + along).transpose(*_OVER, dim)
    mean = law
    if fit.field is not None:
        misfit = draw_misfit(fit.posterior, fit.field, inputs, dim, rng)
        floor: Any = sum((fit.posterior[symbol] for symbol in fit.asymptotes), start=0.0)
        mean = with_misfit(law, floor, misfit).transpose(*_OVER, dim)
    return Outcome(law.rename(fit.response), mean.rename(fit.response), values)


def shares(fit: Posterior, found: Outcome, run: xr.DataArray | None) -> pd.DataFrame:
    """Split the variance of a prediction among parameters, misfit and noise.

    By the law of total variance: what the law's parameters tell of the mean (by linear regression
    over the draws on the parameters and the law), what then is left to the misfit, and what the
    noise adds. Draws are first brought into their own middle 99 %, because Student-t noise may have
    no variance.

    Parameters
    ----------
    fit : Posterior
        Where the draws come from.
    found : Outcome
        The law and the mean of runs.
    run : xarray.DataArray or None
        New runs, where they are predicted.

    Returns
    -------
    DataFrame
        One row a scenario; columns parameters, and misfit and noise where the prediction has them.
        Each row adds up to 1.
    """
    law, mean = trimmed(flat(found.law)), trimmed(flat(found.mean))
    whole = mean.var(axis=0)
    parts = {"parameters": whole}
    if fit.field is not None:
        symbols = [p.symbol for p in fit.law.parameters_of(fit.response) if p.by is None]
        draws = np.column_stack([fit.posterior[s].values.ravel() for s in symbols])
        draws = (draws - draws.mean(axis=0)) / np.maximum(draws.std(axis=0), 1e-300)
        told = np.empty_like(whole)
        for i, values in enumerate(mean.T):
            known = np.column_stack([np.ones(len(draws)), draws, law[:, i] - law[:, i].mean()])
            with one_thread():
                told[i] = (known @ np.linalg.lstsq(known, values, rcond=None)[0]).var()
        parts = {"parameters": np.minimum(told, whole), "misfit": np.maximum(whole - told, 0.0)}
    if run is not None:
        parts["noise"] = np.maximum(trimmed(flat(run)).var(axis=0) - whole, 0.0)
    table = pd.DataFrame(parts)
    return table.div(table.sum(axis=1), axis=0)


def flat(draws: xr.DataArray) -> np.ndarray:
    """Put all draws in one dimension, and all that there is of each, shape ``(draws, n)``."""
    values = draws.stack(all=_OVER).transpose("all", ...).values
    return np.asarray(values.reshape(len(values), -1))


def trimmed(draws: np.ndarray) -> np.ndarray:
    """Bring draws, of shape ``(draws, n)``, into their own middle 99 %."""
    return np.asarray(np.clip(draws, *np.quantile(draws, [0.005, 0.995], axis=0)))
