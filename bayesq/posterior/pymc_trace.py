"""The draws of a fit as PyMC takes them: every variable of its model, and what that stands on."""

from __future__ import annotations

import xarray as xr

from bayesq.model.specification import Specification
from bayesq.posterior.kept_rows import observed_data


def trace_of(specification: Specification, posterior: xr.Dataset) -> xr.DataTree:
    """Lay draws out for PyMC's model of their fit.

    PyMC takes a variable to be known where it is in ``posterior`` and nothing that it depends on
    has changed: so what the model takes of its rows is in ``constant_data``.

    Parameters
    ----------
    specification : Specification
        What was fitted.
    posterior : Dataset
        All draws.
    """
    # Loads PyMC.
    from bayesq.model.stated import rows_of

    known = {of.name: (of.dims, of.values) for of in rows_of(specification).values()}
    observed = observed_data(specification.design)
    response = specification.response
    known[f"measured_{response}"] = (("row",), observed[response].values)
    coords = {name: c for name, c in posterior.coords.items() if name not in ("chain", "draw")}
    return xr.DataTree.from_dict(
        {
            "posterior": posterior,
            "observed_data": observed,
            "constant_data": xr.Dataset(known, {**coords, "row": observed["row"]}),
        }
    )
