"""What draws say of their own rows, were these measured again: of the same runs, with misfit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from bayesq.law.formulas import call
from bayesq.law.levels import at_rows
from bayesq.model.discrepancy import with_misfit
from bayesq.model.effects import groups
from bayesq.model.names import Names
from bayesq.model.specification import Specification
from bayesq.posterior.misfit import held_misfit

_OVER = ("chain", "draw")
# Values that are worked out together: what lies between them and a result takes some times as much.
_CELLS = 1_000_000


class Around(NamedTuple):
    """The noise of rows, for every draw.

    Parameters
    ----------
    mean : DataArray
        Mean of what would be measured, nats per token; dimensions chain, draw and row.
    width : DataArray
        Width of the noise on its own scale, the same dimensions.
    dof : DataArray or None
        Degrees of freedom, dimensions chain and draw; None for normal noise.
    """

    mean: xr.DataArray
    width: xr.DataArray
    dof: xr.DataArray | None


def around(specification: Specification, posterior: xr.Dataset, rows: np.ndarray) -> Around:
    """Work out where draws put some of the rows that they were fitted to.

    Parameters
    ----------
    specification : Specification
        What was fitted.
    posterior : Dataset
        All draws, misfit and effects included; or those from the prior, to foretell rows.
    rows : ndarray of int
        Which rows, by their place among those that were fitted.
    """
    design, noise = specification.design, specification.noise
    inputs = {symbol: values[rows] for symbol, values in design.inputs.items()}
    values = _values(specification, posterior, inputs)
    values |= {**design.middles, "loss_se": _along(np.nan_to_num(design.errors)[rows])}
    # An input that the law ignores may be all that varies.
    mean = design.law.evaluate(design.response, values) + _along(np.zeros(len(rows)))
    if specification.field is not None:
        floor: Any = sum((values[symbol] for symbol in design.asymptotes), start=0.0)
        misfit = held_misfit(posterior, specification.field, inputs, "row")
        mean = with_misfit(mean, floor, misfit)
    for effect in noise.effects:
        name = f"effect_{effect}"
        of_row = _along(groups(design.runs, effect)[rows])
        drawn = posterior[name].drop_vars(f"{name}_group", errors="ignore")
        mean = mean * np.exp(posterior[f"sigma_{effect}"] * drawn.isel({f"{name}_group": of_row}))
    width = call(noise.width, {**values, "mean": mean}) + 0 * mean
    mean, width = (found.transpose(*_OVER, "row") for found in (mean, width))
    return Around(mean, width, values.get("dof"))


def draw_again(
    specification: Specification,
    posterior: xr.Dataset,
    chains: np.ndarray,
    draws: np.ndarray,
    rows: np.ndarray,
    seed: int,
) -> np.ndarray:
    """Draw what rows would measure again, nats per token, shape (chains, draws, rows).

    Each row has a stream of random numbers of its own: up to rounding it is drawn the same
    whichever other rows and draws are asked for.

    Parameters
    ----------
    specification, posterior
        As :func:`around` takes them.
    chains, draws, rows : ndarray of int
        Which, by their place.
    seed : int
        That of the fit.
    """
    noise = specification.noise
    sizes = tuple(posterior.sizes[d] for d in _OVER)
    # Of a row all draws are made, so that each has its own whichever are asked for.
    dofs = posterior["dof"].transpose(*_OVER).values if "dof" in posterior else None
    at, taken = np.ix_(chains, draws), _taken(posterior, chains, draws)
    found = np.empty((len(chains), len(draws), len(rows)))
    for block in _blocks(found.shape):
        # A far tail of a prior may overflow; infinite is then the honest word for that value.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            mean, width, _ = around(specification, taken, rows[block])
            scaled = np.empty(mean.shape)
            for i, row in enumerate(rows[block].tolist()):
                rng = np.random.default_rng([seed, row])
                drawn = rng.standard_normal(sizes) if dofs is None else rng.standard_t(dofs, sizes)
                middle = noise.to_scale(mean.values[..., i])
                scaled[..., i] = middle + width.values[..., i] * drawn[at]
            found[..., block] = noise.from_scale(scaled)
    found[np.isnan(found)] = np.inf  # infinite times nothing
    return found


def log_likelihood(
    specification: Specification,
    posterior: xr.Dataset,
    chains: np.ndarray,
    draws: np.ndarray,
    rows: np.ndarray,
) -> np.ndarray:
    """Log densities of measured values on the scale of the noise, shape (chains, draws, rows).

    Parameters are those of :func:`draw_again`.
    """
    from scipy import stats

    noise, taken = specification.noise, _taken(posterior, chains, draws)
    found = np.empty((len(chains), len(draws), len(rows)))
    for block in _blocks(found.shape):
        mean, width, dof = around(specification, taken, rows[block])
        observed = noise.to_scale(specification.design.observed[rows[block]])
        scaled = (observed - noise.to_scale(mean.values)) / width.values
        if dof is None:
            density = stats.norm.logpdf(scaled)
        else:
            density = stats.t.logpdf(scaled, dof.values[..., None])
        found[..., block] = density - np.log(width.values)
    return found


def _taken(posterior: xr.Dataset, chains: np.ndarray, draws: np.ndarray) -> xr.Dataset:
    """Take some draws; all of them as they are."""
    all_ = (np.arange(posterior.sizes[d]) for d in _OVER)
    if all(map(np.array_equal, (chains, draws), all_)):
        return posterior
    return posterior.isel(chain=chains, draw=draws)


def _blocks(shape: tuple[int, ...]) -> list[slice]:
    """Divide rows so that about `_CELLS` values are worked out together."""
    chains, draws, rows = shape
    together = max(1, _CELLS // max(1, chains * draws))
    return [slice(start, start + together) for start in range(0, rows, together)]


def _values(
    specification: Specification, posterior: xr.Dataset, inputs: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """Put draws and inputs together, each row with the values of its kind and its study."""
    design = specification.design
    at = {symbol: _along(values) for symbol, values in inputs.items()}
    values: dict[str, Any] = {str(name): posterior[name] for name in posterior.data_vars} | at
    parameters = design.law.parameters_of(design.response)
    if design.pooling is not None:
        by = design.pooling.by
        codes = at[by].astype(int)
        values |= {
            name: posterior[theirs].drop_vars(by).isel({by: codes})
            for p in parameters
            for name, theirs in Names(p).by_study(by).items()
            if theirs in posterior
        }
    for p in parameters:
        if p.by is not None:
            symbol = p.by.symbol
            values[p.symbol] = at_rows(posterior[p.symbol], at[symbol], p.off, symbol)
    return values


def _along(values: np.ndarray) -> xr.DataArray:
    return xr.DataArray(values, dims="row")
