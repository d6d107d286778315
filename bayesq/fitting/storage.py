"""Trees on disk: written beside and renamed, read whole, never run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bayesq.errors import BayesqError
from bayesq.files import write_beside

if TYPE_CHECKING:
    import xarray as xr

FORMAT = "bayesq fit 4"
_BEFORE = ("bayesq fit 1", "bayesq fit 2", "bayesq fit 3")
# A name for messages.
EXAMPLE = "fit.nc"


def write_tree(tree: xr.DataTree, path: Path) -> Path:
    """Write a tree to netCDF, beside `path` and then renamed.

    Raises
    ------
    BayesqError
        If the folder does not exist or cannot be written to.
    """
    return write_beside(path, lambda beside: tree.to_netcdf(beside, engine="h5netcdf"), EXAMPLE)


def read_tree(path: Path) -> xr.DataTree:
    """Read a tree that :func:`write_tree` wrote, wholly into memory.

    Raises
    ------
    BayesqError
        If the file is missing, cut short, or not a saved fit.
    """
    if os.path.isdir(path):
        raise BayesqError(f"{path} is a directory; name a saved fit in it, such as {path}/fit.nc.")
    if not os.path.exists(path):
        raise BayesqError(f"{path} does not exist; save a fit there first or check the path.")
    import xarray as xr

    try:
        with xr.open_datatree(path, engine="h5netcdf") as file:
            tree = file.load()
    # A damaged file fails in many ways, deep in the libraries that read it.
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError) as error:
        raise BayesqError(
            f"{path} cannot be read as a saved fit: it was cut short or is another kind of file; "
            "save the fit again."
        ) from error
    if str(tree.attrs.get("format")) in _BEFORE:
        raise BayesqError(
            f"{path} was saved by an earlier bayesq, which took laws to be wrong in another way; "
            "fit the table again (the draws in it can be read with xarray.open_datatree)."
        )
    if str(tree.attrs.get("format")) != FORMAT:
        raise BayesqError(
            f"{path} is not a fit saved by bayesq (format {tree.attrs.get('format', 'unknown')}); "
            "name a file that fit.save() or bayesq fit -o wrote."
        )
    return tree
