"""What it costs to choose one thing where each draw has a best of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.decide.nats import percent_of_perplexity
from bayesq.decide.solve import Function

_OVER = ("chain", "draw")
_LOST = 100.0


def expected_regret(regret: xr.DataArray) -> dict[str, Any]:
    """Average what a choice costs above the best of each draw.

    Parameters
    ----------
    regret : xarray.DataArray
        Nats per token, dimensions chain, draw and perhaps others.

    Returns
    -------
    dict of str to float or ndarray
        ``expected_regret`` in nats per token, and ``expected_regret_percent`` of perplexity.
    """
    # Beyond these nats, where all is lost, a per cent of perplexity is no number.
    finite = regret.where(np.isfinite(regret)).clip(max=_LOST)
    return {
        "expected_regret": finite.mean(_OVER).values,
        "expected_regret_percent": percent_of_perplexity(finite).mean(_OVER).values,
    }


def regrets(
    loss: Function,
    grid: np.ndarray,
    choices: Mapping[str, float],
    name: str,
    to_grid: Callable[[Any], Any],
) -> pd.DataFrame:
    """Tabulate what stated choices of a number cost above the best of each draw.

    Parameters
    ----------
    loss : callable
        Nats per token as a function of what is searched.
    grid : ndarray
        What was searched.
    choices : dict of str to float
        The choices by what they are called, in the answer's unit.
    name : str
        What is chosen.
    to_grid : callable
        From the answer's unit to that of the grid.

    Returns
    -------
    DataFrame
        One row a choice: its value, median ``regret``, ``expected_regret`` in nats per token and
        ``expected_regret_percent`` of perplexity.
    """
    values = np.array(list(choices.values()), dtype=float)
    inside = np.clip(to_grid(np.where(values > 0, values, 1e-300)), grid[0], grid[-1])
    at = loss(xr.DataArray(inside, dims="choice"))
    least = np.minimum(loss(xr.DataArray(grid, dims="all")).min("all"), at.min("choice"))
    regret = (at - least).transpose(*_OVER, "choice")
    table = {name: values, "regret": regret.median(_OVER).values, **expected_regret(regret)}
    return pd.DataFrame(table, index=pd.Index(list(choices), name="choice"))
