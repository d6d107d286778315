"""Trees on disk: written beside and renamed, read whole, never run."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bayesq.errors import BayesqError

if TYPE_CHECKING:
    import xarray as xr

FORMAT = "bayesq fit 3"


def write_tree(tree: xr.DataTree, path: Path) -> Path:
    """Write a tree to netCDF under a temporary name in the same folder, then rename it.

    Raises
    ------
    BayesqError
        If the folder does not exist or cannot be written to.
    """
    check_target(path)
    try:
        # Not the name of the fit: with more to it, a long one would be too long.
        handle, name = tempfile.mkstemp(prefix=".bayesq-", suffix=".tmp", dir=path.parent)
    except OSError as error:
        raise _unwritable(path.parent, error) from error
    os.close(handle)
    temporary = Path(name)
    try:
        tree.to_netcdf(temporary, engine="h5netcdf")
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        # mkstemp makes files private; a fit is as public as any other file of its user.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)
    return path


def check_target(path: Path) -> None:
    """Refuse a file that cannot be written, before any work is done for it.

    Raises
    ------
    BayesqError
        If it is a directory or a device, or its folder does not exist.
    """
    # os.path, because the methods of Path raise on names that no file can have.
    if os.path.isdir(path):
        raise BayesqError(f"{path} is a directory; name the file to write, such as {path}/fit.nc.")
    # Renaming a file to /dev/null would take the device away.
    if os.path.exists(path) and not os.path.isfile(path):
        raise BayesqError(f"{path} is not an ordinary file; name the file to write, as fit.nc.")
    if not os.path.isdir(path.parent):
        raise BayesqError(f"Folder {path.parent} does not exist; make it first.")
    try:
        path.stat()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> BayesqError:
    return BayesqError(
        f"{path} cannot be written to ({error.strerror or error}); mend that, or name another file."
    )


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
    if str(tree.attrs.get("format")) != FORMAT:
        raise BayesqError(
            f"{path} is not a fit saved by bayesq (format {tree.attrs.get('format', 'unknown')}); "
            "name a file that fit.save() or bayesq fit -o wrote."
        )
    return tree
