"""Bits that a weight takes where it is stored: its own, and its share of scale and zero point."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from bayesq.errors import BayesqError
from bayesq.runs.schema import FULL_PRECISION_BITS

SCALE_BITS = 16.0


def bits_stored(
    bits: Any,
    group: Any = None,
    *,
    scale_bits: float = SCALE_BITS,
    zero_bits: float = 0.0,
    row_length: Any = None,
) -> Any:
    """Work out the bits stored for a weight: ``bits + (scale_bits + zero_bits) / group``.

    Parameters
    ----------
    bits : float, ndarray or xarray.DataArray
        Bits of the weight itself. Weights of full precision (16 bits or more) have no scales and
        go through as they are; so do measured widths such as 4.83 where no group is given, and NaN.
    group : float, ndarray or xarray.DataArray, optional
        Weights that share a scale. None, NaN, 0, and -1 (one scale per channel) without
        `row_length`: scales are not counted. They are then few: at 4,096 weights a channel, 0.004
        bits a weight.
    scale_bits, zero_bits : float
        Bits of the scale and of the zero point of each group. A symmetric format has no zero point.
    row_length : float, ndarray or xarray.DataArray, optional
        Weights of a channel, for groups of -1.

    Returns
    -------
    float, ndarray or xarray.DataArray
        Bits per weight, in the shape to which `bits` and `group` broadcast.

    Raises
    ------
    BayesqError
        If a width or a group is none.

    Examples
    --------
    >>> bits_stored(4, 128)
    4.125
    >>> bits_stored(4, 128, zero_bits=4)
    4.15625
    """
    bits = _floats("bits", bits)
    _check("bits", bits, bits <= 0, "write a number above 0")
    for name, value in (("scale_bits", scale_bits), ("zero_bits", zero_bits)):
        aside = _floats(name, value)
        _check(name, aside, ~(aside >= 0) | np.isinf(aside), "write 0 or a number above it")
    group = _sizes(group, row_length)
    share = (scale_bits + zero_bits) / group
    counted = (bits < FULL_PRECISION_BITS) & ~np.isnan(group)
    stored = xr.where(counted, bits + share, bits)
    if isinstance(stored, xr.DataArray):
        return stored.assign_attrs(units="bits per weight")
    return stored if np.ndim(stored) else float(stored)


def scales_in_words(
    group: Any = None,
    *,
    scale_bits: float = SCALE_BITS,
    zero_bits: float = 0.0,
    row_length: Any = None,
) -> str:
    """Word what :func:`bits_stored` counts: "with 16-bit scales for each 128 weights".

    Raises
    ------
    BayesqError
        If a group is none.
    """
    sizes = np.unique(np.asarray(_sizes(group, row_length)))
    sizes = sizes[~np.isnan(sizes)]
    if not len(sizes):
        return "scales not counted"
    zero = f" and {zero_bits:g}-bit zero points" if zero_bits else ""
    each = f"each {sizes[0]:g} weights" if len(sizes) == 1 else "each group of weights"
    return f"with {scale_bits:g}-bit scales{zero} for {each}"


def _sizes(group: Any, row_length: Any) -> Any:
    """Give the sizes of groups, NaN where there is none."""
    group = _floats("group", group)
    row = _floats("row_length", row_length)
    _check("row_length", row, row < 1, "write the weights of a channel")
    # 0 is how tables and quantizers say "not grouped", -1 how they say "per channel".
    sizes = xr.where(group == -1, row, xr.where(group == 0, np.nan, group))
    mend = "write the weights that share a scale, or -1 (per channel), 0 or nothing"
    _check("group", group, sizes < 1, mend)
    return sizes


def _floats(name: str, value: Any) -> Any:
    try:
        if isinstance(value, xr.DataArray):
            return value.astype(float)
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise BayesqError(f"{name} is {value!r}; write a number.") from None


def _check(name: str, value: Any, bad: Any, mend: str) -> None:
    if np.any(bad):
        wrong = np.extract(*np.broadcast_arrays(np.asarray(bad), np.asarray(value)))[0]
        raise BayesqError(f"{name} is {wrong:g}; {mend}.")
