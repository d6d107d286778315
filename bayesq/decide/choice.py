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
    with np.errstate(over="ignore"):  # where all is lost a per cent of perplexity is infinite
        percent = percent_of_perplexity(regret)
    # A choice that fails in some draws has no end to what it may cost.
    return {
        "expected_regret": regret.mean(_OVER).values,
        "expected_regret_percent": percent.mean(_OVER).values,
    }


def regrets(
    loss: Function,
    best: xr.DataArray,
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
    best : xarray.DataArray
        Where it is best in each draw, as the grid has it; infinite beyond an end.
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
        ``expected_regret_percent`` of perplexity; NaN beyond what was searched, where no curve was
        drawn.
    """
    values = np.array(list(choices.values()), dtype=float)
    with np.errstate(divide="ignore"):
        places = np.asarray(to_grid(values), dtype=float)
    outside = ~((places >= grid[0] - 1e-9) & (places <= grid[-1] + 1e-9))
    at = loss(xr.DataArray(np.clip(places, grid[0], grid[-1]), dims="choice"))
    least = loss(best.clip(grid[0], grid[-1]))
    # Of a draw that wavers a choice may lie in another valley, and be better than the first turn.
    regret = (at - least).clip(min=0.0).transpose(*_OVER, "choice")
    table = {name: values, "regret": regret.median(_OVER).values, **expected_regret(regret)}
    found = pd.DataFrame(table, index=pd.Index(list(choices), name="choice"))
    found.loc[outside, [c for c in found if c != name]] = np.nan
    return found
