"""Tables of draws: centre, spread, interval, R-hat and effective sample sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.intervals import interval
from bayesq.law.parameter import Parameter
from bayesq.model.names import Names

# Columns of a summary that take a library which is slow to import: a saved fit has them.
CONVERGENCE = ("r_hat", "ess_bulk", "ess_tail")


def summarise(
    posterior: xr.Dataset,
    parameters: tuple[Parameter, ...],
    prob: float | None = None,
    convergence: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Tabulate draws: centre, spread, interval, R-hat and effective sample sizes.

    The rows are those of :func:`rows_of`. What :func:`convergence_of` says of them may be at hand.
    """
    chosen = interval(prob)
    rows = rows_of(posterior, parameters)
    units = {name: unit for name, (_, unit) in rows.items()}
    draws = xr.Dataset({name: values for name, (values, _) in rows.items()})
    if convergence is None:
        convergence = convergence_of({name: values for name, (values, _) in rows.items()})
    ends = {name: chosen.ends(values.values.ravel()) for name, (values, _) in rows.items()}
    columns: dict[str, Any] = {
        "median": draws.median(),
        "mean": draws.mean(),
        "sd": draws.std(ddof=1),
        "lower": {name: low for name, (low, _) in ends.items()},
        "upper": {name: high for name, (_, high) in ends.items()},
    }
    table = {name: [float(values[symbol]) for symbol in units] for name, values in columns.items()}
    more = {name: convergence[name].tolist() for name in CONVERGENCE}
    index = pd.Index(units, name="")
    return pd.DataFrame({**table, **more, "unit": list(units.values())}, index=index)


def convergence_of(rows: Mapping[str, xr.DataArray]) -> pd.DataFrame:
    """Work out R-hat and effective sample sizes of draws; with one chain R-hat is not known."""
    import arviz_stats as azs
    from arviz_base import rcParams

    # As one array: for each variable of a dataset xarray takes longer than its numbers do.
    draws = np.stack([values.transpose("chain", "draw").values for values in rows.values()])
    axes = {"chain_axis": 1, "draw_axis": 2}
    found = (
        azs.rhat(draws, **axes) if draws.shape[1] > 1 else np.full(len(draws), np.nan),
        azs.ess(draws, method="bulk", **axes),
        azs.ess(draws, method="tail", prob=rcParams["stats.ci_prob"], **axes),
    )
    return pd.DataFrame(dict(zip(CONVERGENCE, found, strict=True)), index=pd.Index(list(rows)))


def rows_of(
    posterior: xr.Dataset, parameters: tuple[Parameter, ...]
) -> dict[str, tuple[xr.DataArray, str]]:
    """List the rows of a summary: the draws and the unit of each.

    A parameter with one value a kind has a row for each (``eff[W4A4]``) and for the rate and the
    spread that the kinds share; one with a value a study has the population's, the spread between
    studies (``alpha_spread``), and a row for each (``alpha[grid]``).
    """
    rows: dict[str, tuple[xr.DataArray, str]] = {}
    for p in parameters:
        names = Names(p)
        if p.by is not None:
            rows |= _each(posterior[p.symbol], p, p.by.symbol)
            rows[names.rate] = (posterior[names.rate], "1/bit")
            rows[names.spread] = (posterior[names.spread], "1")
            continue
        for by, name in names.values(posterior).items():
            if by and names.spread in posterior:
                rows[names.spread] = (posterior[names.spread], "1")
            rows |= _each(posterior[name], p, by) if by else {name: (posterior[name], p.unit)}
    return rows


def _each(values: xr.DataArray, p: Parameter, dim: str) -> dict[str, tuple[xr.DataArray, str]]:
    return {
        f"{p.symbol}[{label}]": (values.sel({dim: label}, drop=True), p.unit)
        for label in values[dim].values
    }
