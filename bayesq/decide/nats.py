"""Levels and tolerances, in nats per token or in per cent of perplexity."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from bayesq.errors import BayesqError

_WRITTEN = re.compile(
    r"(?P<number>[^%]*?)\s*(?P<unit>%(\s*of\s+perplexity)?|nats?(\s*(/|\bper\b)\s*token)?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Nats:
    """A difference of loss, as it was asked.

    Parameters
    ----------
    value : float
        Nats per token.
    text : str
        In words: ``"1% of perplexity (0.00995 nats per token)"``.
    """

    value: float
    text: str

    def __str__(self) -> str:
        return self.text


def read_nats(name: str, value: float | str | Nats) -> Nats:
    """Read a level or a tolerance.

    Parameters
    ----------
    name : str
        What it is, for the error: ``"level"``.
    value : float, str or Nats
        A positive number is nats per token; so is ``"0.01 nats"``. ``"1%"`` is the difference of
        loss at which perplexity is 1 % higher, log(1.01) nats per token.

    Raises
    ------
    BayesqError
        If it is neither, or not positive.

    Examples
    --------
    >>> str(read_nats("level", "1%"))
    '1% of perplexity (0.00995 nats per token)'
    >>> read_nats("level", 0.01).value
    0.01
    """
    if isinstance(value, Nats):
        return value
    found = _WRITTEN.fullmatch(value.strip()) if isinstance(value, str) else None
    unit = (found and found["unit"]) or ""
    try:
        number = float(found["number"] if found else value)
    except (TypeError, ValueError):
        number = np.nan
    percent = unit.startswith("%")
    nats = float(np.log1p(number / 100)) if percent and number > 0 else number
    if isinstance(value, bool | np.bool_) or not 0 < nats < np.inf:
        raise BayesqError(
            f"{name} is {value!r}; write nats per token, such as 0.01, or per cent of perplexity, "
            'such as "1%".'
        )
    if percent:
        return Nats(nats, f"{number:g}% of perplexity ({nats:.3g} nats per token)")
    return Nats(nats, f"{number:g} nats per token")


def percent_of_perplexity(nats: Any) -> Any:
    """Say by how many per cent perplexity is higher where the loss is higher by so many nats.

    Parameters
    ----------
    nats : float, ndarray or xarray.DataArray
        Nats per token, of any shape.

    Returns
    -------
    float, ndarray or xarray.DataArray
        Per cent, in the same shape: ``100 * expm1(nats)``.

    Examples
    --------
    >>> round(percent_of_perplexity(0.1), 2)
    10.52
    """
    percent = 100 * np.expm1(nats)
    if isinstance(percent, xr.DataArray):
        return percent.assign_attrs(units="% of perplexity")
    return percent if np.ndim(percent) else float(percent)
