"""Files that end in a checksum of themselves, and hold nothing but their own data.

A changed bit is found before the library that reads the file sees any of it: HDF5 can fail in C. Of
HDF5's features those are refused that reach beyond the file: links to others, data kept in others,
virtual datasets, filters that are loaded from plugins.
"""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bayesq.posterior.folded import fold, unfold

if TYPE_CHECKING:
    import xarray as xr

_MARK = b"\nbayesq sha256 "
# After the mark 64 hexadecimal digits and the end of the line.
_LENGTH = len(_MARK) + 65
# HDF5's numbers of deflate, shuffle and fletcher32, which are part of it.
_FILTERS = (1, 2, 3)
# Objects of a file, and what its data may take in memory: so many times the file and a little.
_MOST, _LARGER, _LITTLE = 100_000, 100, 2**20


class BrokenSealError(ValueError):
    """A file is not as it was written."""


class ReachingError(ValueError):
    """A file reaches beyond itself, or unfolds to far more than it is."""


def to_bytes(tree: xr.DataTree) -> bytes:
    """Write a tree as netCDF, in memory, with a checksum of all of it at its end.

    In memory, since HDF5 cannot be relied on to say that a disk is full.
    """
    held = io.BytesIO()
    folded, encoding = fold(tree)
    with _alone():
        folded.to_netcdf(held, engine="h5netcdf", encoding=encoding or None)
    content = held.getvalue()
    return content + _seal(content)


def from_bytes(content: bytes) -> tuple[xr.DataTree, bool]:
    """Read a tree wholly into memory, and say whether a checksum was there.

    Parameters
    ----------
    content : bytes
        What :func:`to_bytes` returned, or a netCDF file without a checksum.

    Raises
    ------
    BrokenSealError
        If the checksum is not that of the content.
    ReachingError
        If the content reaches beyond itself.
    Exception
        Of any kind if it is no netCDF file, or a damaged one without a checksum.
    """
    import xarray as xr

    sealed = is_sealed(content)
    if sealed:
        content, seal = content[:-_LENGTH], content[-_LENGTH:]
        if seal != _seal(content):
            raise BrokenSealError
    _refuse_reaching(content)
    with xr.open_datatree(io.BytesIO(content), engine="h5netcdf") as file:
        return unfold(file.load()), sealed


def is_sealed(content: bytes) -> bool:
    """Whether there is a checksum at the end, right or wrong."""
    return content[-_LENGTH:].startswith(_MARK)


@contextmanager
def _alone() -> Iterator[None]:
    """Let xarray write without a lock of the Dask cluster that this process works for.

    It would take one by the name of the bytes in memory, which the scheduler does not know.
    """
    if (dask := sys.modules.get("dask")) is None:
        yield
        return
    with dask.config.set(scheduler="synchronous"):
        yield


def _seal(content: bytes) -> bytes:
    return _MARK + hashlib.sha256(content).hexdigest().encode() + b"\n"


def _refuse_reaching(content: bytes) -> None:
    """Look at each object of a file without following any, and refuse what no fit has."""
    import h5py

    size = 0
    seen = set()
    with h5py.File(io.BytesIO(content), "r") as file:
        ahead = [file.id]
        while ahead:
            group = ahead.pop()
            for name in group:
                if group.links.get_info(name).type != h5py.h5l.TYPE_HARD:
                    raise ReachingError("a link")
                found = h5py.h5o.open(group, name)
                seen.add(h5py.h5o.get_info(found).addr)
                size += 1
                if len(seen) != size or size > _MOST:
                    raise ReachingError("objects in a circle, or too many")
                if isinstance(found, h5py.h5g.GroupID):
                    ahead.append(found)
                elif isinstance(found, h5py.h5d.DatasetID):
                    _refuse_elsewhere(found, len(content))
                else:
                    raise ReachingError("a type")


def _refuse_elsewhere(dataset: object, size: int) -> None:
    import h5py

    assert isinstance(dataset, h5py.h5d.DatasetID)
    how = dataset.get_create_plist()
    filters = [how.get_filter(i)[0] for i in range(how.get_nfilters())]
    if how.get_layout() == h5py.h5d.VIRTUAL or how.get_external_count():
        raise ReachingError("data of other files")
    if not set(filters) <= set(_FILTERS):
        raise ReachingError("a filter")
    # Overflows in no count of elements: the product is Python's.
    count = 1
    for length in dataset.shape:
        count *= int(length)
    if count * dataset.dtype.itemsize > _LARGER * size + _LITTLE:
        raise ReachingError("more data than the file can hold")
