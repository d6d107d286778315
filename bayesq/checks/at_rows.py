"""What draws say at the rows of their fit: the mean of runs, and how far off each row lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from bayesq.checks.by_study import at_studies
from bayesq.law.formulas import call
from bayesq.law.levels import at_rows
from bayesq.model.design import Design
from bayesq.model.discrepancy import with_misfit
from bayesq.model.effects import groups
from bayesq.model.noise import Effect, Noise
from bayesq.model.specification import Specification
from bayesq.posterior.misfit import held_misfit

# Enough for a tail of one in a thousand: each draw gives the whole tail of its noise.
_DRAWS = 100
# Of more rows draws lie so near each other that fewer will do; so many rows are looked at a time.
_MANY, _DRAWS_OF_MANY = 20_000, 20
_OVER = ("chain", "draw")


@dataclass(frozen=True, eq=False)
class Residuals:
    """How far rows lie from a fit.

    Parameters
    ----------
    fitted : ndarray of float, shape (rows,)
        Median of the mean of runs in each row, misfit and effects included, nats per token.
    scaled : ndarray of float, shape (rows,)
        How far each row lies above it, in widths of its noise.
    tail : ndarray of float, shape (rows,)
        Probability that a new run there lies as far out, on either side.
    """

    fitted: np.ndarray
    scaled: np.ndarray
    tail: np.ndarray


def residuals(specification: Specification, posterior: xr.Dataset) -> Residuals:
    """Hold the rows of a fit against what its draws say of new runs there."""
    design, noise = specification.design, specification.noise
    rows = len(design.index)
    chosen = _thinned(posterior, _DRAWS if rows <= _MANY else _DRAWS_OF_MANY)
    each = {str(n): v.transpose("all", ...).values for n, v in chosen.items()}
    shared: dict[Effect, np.ndarray] = {
        effect: groups(design.runs, effect) for effect in noise.effects
    }
    errors = np.nan_to_num(design.errors)
    found = []
    for first in range(0, rows, _MANY):
        some = slice(first, first + _MANY)
        part = _rows_of(design, some)
        misfit = np.zeros((chosen.sizes["all"], len(part.index)))
        if specification.field is not None:
            as_draws = chosen.rename(all="draw").expand_dims(chain=1)
            misfit = held_misfit(as_draws, specification.field, part.inputs, "row").values[0]
        beside = {**part.inputs, **design.middles, "loss_se": errors[some]}
        of_groups = {effect: codes[some] for effect, codes in shared.items()}
        found.append(_residuals(part, noise, each, misfit, beside, of_groups))
    return Residuals(*(np.concatenate(values) for values in zip(*found, strict=True)))


def _thinned(posterior: xr.Dataset, most: int) -> xr.Dataset:
    """Take draws evenly spread over all chains, along one dimension ``all``."""
    count = posterior.sizes["chain"] * posterior.sizes["draw"]
    flat = posterior.stack(all=_OVER).reset_index("all", drop=True)
    chosen = flat.isel(all=np.linspace(0, count - 1, min(count, most)).astype(int))
    return chosen.drop_vars(_OVER, errors="ignore")


def _rows_of(design: Design, some: slice) -> Design:
    """Take some rows of what a law's formula is asked with, without their table."""
    return replace(
        design,
        index=design.index[some],
        inputs={symbol: values[some] for symbol, values in design.inputs.items()},
        observed=design.observed[some],
    )


def _residuals(
    design: Design,
    noise: Noise,
    each: Mapping[str, np.ndarray],
    misfit: np.ndarray,
    beside: Mapping[str, Any],
    shared: Mapping[Effect, np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Work out fitted values, distances and tails of rows from draws, each of shape (rows,)."""
    from scipy import stats

    means, scaled, tails = [], [], []
    for i, bent in enumerate(misfit):
        values = {name: v[i] for name, v in each.items()}
        mean = mean_at_rows(design, values, bent)
        for effect, codes in shared.items():
            if f"effect_{effect}" in values:
                of_row = values[f"effect_{effect}"][codes]
                mean = mean * np.exp(values[f"sigma_{effect}"] * of_row)
        width = call(noise.width, {**beside, **values, "mean": mean})
        off = noise.to_scale(design.observed) - noise.to_scale(mean)
        z = off / np.maximum(width, 1e-300)
        below = stats.t.cdf(z, values["dof"]) if "dof" in values else stats.norm.cdf(z)
        means.append(mean)
        scaled.append(z)
        tails.append(below)
    below = np.mean(tails, axis=0)
    return np.median(means, axis=0), np.median(scaled, axis=0), 2 * np.minimum(below, 1 - below)


def mean_at_rows(
    design: Design, values: Mapping[str, Any], misfit: np.ndarray | float
) -> np.ndarray:
    """Work out the mean of runs in each row from one value of each parameter.

    Parameters
    ----------
    design : Design
        The law and its rows.
    values : mapping of str to float or ndarray
        Parameters as a fit has them, those of kinds and studies by kind and study.
    misfit : ndarray of float, shape (rows,), or float
        Log misfit of each row.

    Returns
    -------
    ndarray of float, shape (rows,)
        Nats per token.
    """
    held: dict[str, Any] = dict(values)
    if design.pooling is not None:
        held |= at_studies(held, design)
    for p in design.law.parameters_of(design.response):
        if p.by is not None:
            codes = design.inputs[p.by.symbol]
            held[p.symbol] = at_rows(held[p.symbol], codes, p.off, p.by.symbol)
    fitted = design.law.evaluate(design.response, {**design.inputs, **held})
    floor: Any = sum((held[symbol] for symbol in design.asymptotes), start=0.0)
    found = with_misfit(fitted, floor, misfit)
    return np.broadcast_to(np.asarray(found, float), design.observed.shape)
