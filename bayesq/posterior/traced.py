"""The draws of a fit as PyMC takes them: every variable of its model, and what that stands on."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from bayesq.model.given import given
from bayesq.model.specification import Specification


def trace_of(specification: Specification, posterior: xr.Dataset) -> xr.DataTree:
    """Lay draws out for PyMC's model of their fit in its prior form.

    PyMC takes a variable to be known where it is in ``posterior`` and nothing that it depends on
    has changed: so the arrays that the model takes from its rows, and its coordinates, are in
    ``constant_data``.

    Parameters
    ----------
    specification : Specification
        What was fitted.
    posterior : Dataset
        All draws.
    """
    rows = given(specification)
    measured = rows["measured"]
    dims = {"row": np.arange(len(measured))}
    known: dict[str, Any] = {
        name: (tuple(f"{name}_dim_{i}" for i in range(values.ndim)), values)
        for name, values in rows.items()
    }
    known["measured"] = ("row", measured)
    coords = dims | {str(d): v.values for d, v in posterior.coords.items()}
    coords = {name: values for name, values in coords.items() if name not in ("chain", "draw")}
    observed = xr.Dataset({specification.response: ("row", measured)}, dims)
    return xr.DataTree.from_dict(
        {
            "posterior": posterior,
            "observed_data": observed,
            "constant_data": xr.Dataset(known, coords),
        }
    )
