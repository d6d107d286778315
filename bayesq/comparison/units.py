"""What is left out at a time, and what a fit says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np
import xarray as xr

from bayesq.model.design import Design
from bayesq.model.effects import groups
from bayesq.model.specification import Specification
from bayesq.posterior.fit import Fit
from bayesq.posterior.remeasured import log_likelihood
from bayesq.sampling.compiled import Compiled
from bayesq.sampling.defaults import COORDINATE, LIKELIHOOD, UNCONSTRAINED

Unit = Literal["row", "run", "cell"]
UNITS: tuple[Unit, ...] = get_args(Unit)
_ROWS = ("chain", "draw", "row")


def units_of(design: Design, unit: Unit) -> np.ndarray:
    """Give each row the number of its unit, from 0, shape ``(rows,)``.

    A cell is one study, N and D.
    """
    if unit == "row":
        return np.arange(len(design.index))
    return groups(design.runs, unit)


def densities(fit: Fit) -> xr.DataArray:
    """Log density of each measured value at each draw, per nat per token.

    Fits whose noise is on the logarithm and on the value are then on one scale.

    Returns
    -------
    xarray.DataArray
        Dimensions chain, draw and row.
    """
    return per_nat(fit, fit.data["log_likelihood"].to_dataset()[fit.response])


def per_nat(fit: Fit, likelihood: xr.DataArray) -> xr.DataArray:
    """Turn log densities on the scale of a fit's noise into those per nat per token.

    Dimensions before and after: chain, draw and row.
    """
    return likelihood + jacobian_of(fit)


def together(
    specification: Specification,
    groups: Mapping[str, xr.Dataset],
    jacobian: xr.DataArray,
    rows: np.ndarray,
) -> xr.DataArray:
    """Log density of some rows together, per nat per token: dimensions chain and draw.

    Parameters
    ----------
    specification : Specification
        What was drawn from.
    groups : mapping of str to Dataset
        What draws tell, as :meth:`bayesq.sampling.compiled.Compiled.groups` has it. Those of many
        rows hold no densities.
    jacobian : DataArray
        That of :func:`jacobian_of`, dimension row.
    rows : ndarray of int
        The rows.
    """
    if LIKELIHOOD in groups:
        found = groups[LIKELIHOOD][specification.design.response].isel(row=rows)
    else:
        posterior = groups["posterior"]
        chains, draws = (np.arange(posterior.sizes[d]) for d in ("chain", "draw"))
        values = log_likelihood(specification, posterior, chains, draws, rows)
        found = xr.DataArray(values, {d: posterior[d] for d in ("chain", "draw")}, _ROWS)
    total = (found + jacobian.isel(row=rows)).sum("row")
    assert isinstance(total, xr.DataArray)
    return total


def jacobian_of(fit: Fit) -> xr.DataArray:
    """Log Jacobian from the scale of a fit's noise to nats per token, dimension row."""
    # Not by ``loo(log_jacobian=)``: moment matching and refits do not take one.
    observed = np.asarray(fit.data["observed_data"].to_dataset()[fit.response])
    return xr.DataArray(fit.noise.log_jacobian(observed), dims="row")


def by_unit(values: xr.DataArray, codes: np.ndarray) -> xr.DataArray:
    """Add log densities of rows up over units.

    Parameters
    ----------
    values : xarray.DataArray
        Dimensions chain, draw and row.
    codes : ndarray of int, shape (rows,)
        Number of the unit that each row is of.

    Returns
    -------
    xarray.DataArray
        Dimensions chain, draw and unit.
    """
    values = values.drop_vars("row", errors="ignore")
    if len(np.unique(codes)) == len(codes):
        return values.rename(row="unit")
    found: xr.DataArray = values.assign_coords(unit=("row", codes)).groupby("unit").sum()
    return found.transpose("chain", "draw", "unit").drop_vars("unit")


def points_of(fit: Fit) -> np.ndarray | None:
    """Return the draws of a fit in its sampler's coordinates; None where it has none.

    Shape ``(chains * draws, coordinates)``.
    """
    if UNCONSTRAINED not in fit.data.children:
        return None
    points = np.asarray(fit.data[UNCONSTRAINED].to_dataset()[COORDINATE])
    return points.reshape(-1, points.shape[-1])


def points_in(points: np.ndarray | None, model: Compiled) -> np.ndarray | None:
    """Return points that are in the coordinates of a model; None for those of another version."""
    known = points is not None and points.shape[-1] == model.program.coordinates
    return points if known else None
