"""A budget of memory, in the unit it was asked in, and the parameters that it holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from bayesq.errors import BayesqError
from bayesq.runs.counts import as_number, format_count, parse_count

_SIZE = re.compile(r"((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-z]+)")
_UNITS = (
    {"bit": ("bits", 1.0), "bits": ("bits", 1.0), "byte": ("bytes", 8.0), "bytes": ("bytes", 8.0)}
    | {f"{p}B": (f"{p}B", 8 * 1e3**i) for i, p in enumerate("kMGT", 1)}
    | {f"{p}iB": (f"{p}iB", 8 * 1024.0**i) for i, p in enumerate("KMGT", 1)}
    | {f"{p}bit": (f"{p}bit", 1e3**i) for i, p in enumerate("kMGT", 1)}
    | {f"{p}b": (f"{p}bit", 1e3**i) for i, p in enumerate("kMGT", 1)}
    | {"KB": ("kB", 8e3)}
)
_VALID = (
    "write bytes as kB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB (of 1024), bits as kbit, "
    "Mbit, Gbit, Tbit or as a number alone: 24GB, 100Gbit, 8e10, 80G"
)


@dataclass(frozen=True)
class Memory:
    """So much memory.

    Parameters
    ----------
    bits : float
        How much.
    unit : str
        Unit to word it in: ``"GB"``, ``"GiB"``, ``"Gbit"``, ``"bits"``.
    """

    bits: float
    unit: str = "bits"

    def __str__(self) -> str:
        if self.unit == "bits":
            # Beside GB, which are bytes, 1e9 bits are better not called B.
            return f"{format_count(self.bits).replace('B', 'G')} bits"
        return f"{self.bits / _UNITS[self.unit][1]:.6g} {self.unit}"


def read_memory(value: float | str | Memory) -> Memory:
    """Read an amount of memory.

    Parameters
    ----------
    value : float, str or Memory
        Bytes: ``"24GB"`` (powers of 1000), ``"24 GiB"`` (of 1024), ``"8e9 bytes"``. Bits:
        ``"100Gbit"`` or ``"100Gb"``, ``"8e10 bits"``, and numbers without a unit: ``8e10``,
        ``"8e10"``, ``"80G"`` or ``"80B"``, eighty billion. Behind a prefix capitals count: GB are
        bytes and Gb bits.

    Raises
    ------
    BayesqError
        If it is none of these, or not positive.

    Examples
    --------
    >>> read_memory("24GB").bits, str(read_memory("24GB")), str(read_memory(8e10))
    (192000000000.0, '24 GB', '80G bits')
    """
    if isinstance(value, Memory):
        return value
    text = value.strip() if isinstance(value, str) else ""
    found = _SIZE.fullmatch(text)
    if found and found[2] in _UNITS:
        unit, size = _UNITS[found[2]]
        bits = float(found[1]) * size
    else:
        none = isinstance(value, bool | np.bool_)
        unit, bits = "bits", np.nan if none else as_number(value)
    if not 0 < bits < np.inf:
        raise BayesqError(f"memory is {value!r}; {_VALID}.")
    return Memory(bits, unit)


def parameters_in(
    memory: float | str | Memory,
    bits_per_weight: Any,
    embeddings: float | str | xr.DataArray = 0.0,
    embedding_bits: float = 16.0,
) -> Any:
    """Work out N of ``memory = N * bits_per_weight + embeddings * embedding_bits``.

    N does not count the embeddings, as is usual in scaling laws. Where a law's N counts them, or
    where they are quantized like all else, leave `embeddings` out.

    Parameters
    ----------
    memory : float, str or Memory
        As :func:`read_memory` reads it.
    bits_per_weight : float, ndarray or xarray.DataArray
        Bits stored for each of the N parameters.
    embeddings : float, str or xarray.DataArray
        Parameters of embeddings and unembedding that stay in `embedding_bits`: ``"262M"``.
    embedding_bits : float
        Bits stored for each of these.

    Returns
    -------
    float, ndarray or xarray.DataArray
        Parameters, in the shape of `bits_per_weight` and `embeddings`.

    Raises
    ------
    BayesqError
        If a number is none, or the embeddings alone fill the memory.

    Examples
    --------
    >>> round(parameters_in("24GB", 4.5, embeddings="500M") / 1e9, 2)
    40.89
    """
    budget = read_memory(memory)
    width = _checked("bits_per_weight", bits_per_weight, above=True)
    aside = _checked("embeddings", embeddings)
    each = _checked("embedding_bits", embedding_bits, above=True)
    left = budget.bits - aside * each
    if np.any(left <= 0):
        count = format_count(float(np.max(aside)))
        raise BayesqError(
            f"{count} embeddings of {float(np.max(each)):g} bits fill the memory of {budget} "
            "alone; give more memory=, or fewer embeddings= or embedding_bits=."
        )
    size = left / width
    if isinstance(size, xr.DataArray):
        return size.rename("N").assign_attrs(units="parameters")
    return size if np.ndim(size) else float(size)


def _checked(name: str, value: Any, above: bool = False) -> Any:
    """Read numbers that are finite and not negative, or positive; NaN is a draw without answer."""
    if not isinstance(value, xr.DataArray):
        try:
            value = np.asarray(parse_count(value), dtype=float)
        except (TypeError, ValueError):
            raise BayesqError(f"{name} is {value!r}; write a number such as 4.5 or 500M.") from None
    if np.any((value <= 0) if above else (value < 0)) or np.any(np.isinf(value)):
        least = "above 0" if above else "of 0 or more"
        raise BayesqError(f"{name} is {np.min(value).item():g}; write a number {least}.")
    return value
