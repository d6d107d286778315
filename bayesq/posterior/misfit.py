"""What the draws of a fit say of the law's misfit, at its rows and elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayesq.model.field import PARTS
from bayesq.model.study_fields import AnyField
from bayesq.threads import one_thread

# Scenarios whose misfits are drawn together; those of two batches are apart.
_TOGETHER = 1000
# Values of rows by draws that are worked out for a median; of more, so many draws, rows by rows.
_MOST_CELLS, _DRAWS, _ROWS = 40_000_000, 100, 20_000
_OVER = ("chain", "draw")


def held_misfit(
    posterior: xr.Dataset, field: AnyField, inputs: Mapping[str, np.ndarray], dim: str
) -> xr.DataArray:
    """Log misfit as far as the sites tell it: pinned inside the data, the likeliest path outside.

    Returns
    -------
    xarray.DataArray
        Dimensions chain, draw and `dim`.
    """
    total: Any = 0.0
    for name, basis in field.bases(inputs).items():
        if basis.shape[1]:
            weights = xr.DataArray(basis, dims=(dim, f"{name}_part"))
            with one_thread():
                held = posterior[f"misfit_{name}"] @ weights
            total = total + posterior[PARTS[name]] * held
    if isinstance(total, float):
        rows = len(field.at(inputs)[0])
        # A copy, for what is expanded cannot be added to.
        total = xr.zeros_like(posterior["tau"]).expand_dims({dim: rows}).copy()
    return total.transpose("chain", "draw", dim)  # type: ignore[no-any-return]


def draw_misfit(
    posterior: xr.Dataset,
    field: AnyField,
    inputs: Mapping[str, np.ndarray],
    dim: str,
    rng: np.random.Generator,
) -> xr.DataArray:
    """Draw the log misfit at scenarios, with what the sites leave open.

    Returns
    -------
    xarray.DataArray
        Dimensions chain, draw and `dim`; scenarios of one draw belong to one field.
    """
    found = held_misfit(posterior, field, inputs, dim)
    shape = (found.sizes["chain"], found.sizes["draw"])
    rows = found.sizes[dim]
    full = {s: np.broadcast_to(np.asarray(v, float), rows) for s, v in inputs.items()}
    for start in range(0, rows, _TOGETHER):
        batch = slice(start, start + _TOGETHER)
        with one_thread():
            roots = field.rests({s: v[batch] for s, v in full.items()})
            for name, root in roots.items():
                if PARTS[name] in posterior and root.any():
                    open_ = rng.standard_normal((*shape, root.shape[1])) @ root.T
                    found[..., batch] += posterior[PARTS[name]].values[..., None] * open_
    return found


def misfit_at_rows(
    posterior: xr.Dataset,
    field: AnyField | None,
    inputs: Mapping[str, np.ndarray],
) -> np.ndarray | float:
    """Posterior median of the log misfit at the rows of a fit, shape (rows,); 0 without one."""
    if field is None:
        return 0.0
    rows = max(np.size(values) for values in inputs.values())
    draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    if rows * draws <= _MOST_CELLS:
        return np.asarray(held_misfit(posterior, field, inputs, "row").median(_OVER).values)
    # Some draws tell a median well enough where all of them at all rows are more than memory holds.
    few = posterior.isel(draw=slice(None, None, -(-draws // _DRAWS)))
    found = np.empty(rows)
    for first in range(0, rows, _ROWS):
        some = slice(first, first + _ROWS)
        part = {symbol: values[some] for symbol, values in inputs.items()}
        found[some] = held_misfit(few, field, part, "row").median(_OVER).values
    return found
