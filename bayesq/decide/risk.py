"""The choice that is safe with a probability that the user states."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import xarray as xr

from bayesq.errors import BayesqError


def read_risk(risk: Any) -> float | None:
    """Read the probability with which a choice may fail.

    Raises
    ------
    BayesqError
        If it is no number between 0 and 1.
    """
    if risk is None:
        return None
    try:
        value = (
            float(risk) if isinstance(risk, Real | str) and not isinstance(risk, bool) else np.nan
        )
    except ValueError:
        value = np.nan
    if not 0 < value < 1:
        raise BayesqError(f"risk is {risk!r}; write a probability between 0 and 1, such as 0.05.")
    return value


def safe(answer: xr.DataArray, risk: float, *, fewest: bool) -> float:
    """Take the answer that is enough, or not too much, in all but a share of the draws.

    Parameters
    ----------
    answer : xarray.DataArray
        The draws. Without an answer (NaN) nothing is enough.
    risk : float
        The share.
    fewest : bool
        True where more is safer, as of bits; False where less is, as of tokens.
    """
    values = answer.fillna(np.inf if fewest else -np.inf).values
    at = 1 - risk if fewest else risk
    return float(np.quantile(values, at, method="higher" if fewest else "lower"))
