"""What a choice costs where each draw has a best of its own, and which choice is safe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.decide.nats import percent_of_perplexity
from bayesq.decide.solve import Function, crossing, log10

_OVER = ("chain", "draw")


def expected_regret(regret: xr.DataArray) -> dict[str, Any]:
    """Average what a choice costs above the best of each draw.

    Parameters
    ----------
    regret : xarray.DataArray
        Nats per token, dimensions chain, draw and perhaps others.

    Returns
    -------
    dict of str to float or ndarray
        ``expected_regret`` in nats per token, and ``expected_regret_percent`` of perplexity.
    """
    with np.errstate(over="ignore"):  # where all is lost a per cent of perplexity is infinite
        percent = percent_of_perplexity(regret)
    # A choice that fails in some draws has no end to what it may cost.
    return {
        "expected_regret": regret.mean(_OVER).values,
        "expected_regret_percent": percent.mean(_OVER).values,
    }


@dataclass(frozen=True, eq=False)
class Optimum:
    """What is best of something, draw by draw.

    Parameters
    ----------
    name : str
        What is chosen.
    best : xarray.DataArray
        The best; NaN in draws without one, infinite, or 0, beyond an end.
    loss : callable
        Nats per token as a function of the decimal logarithm of what is chosen.
    searched : ndarray
        Logarithms that were searched, rising.
    """

    name: str
    best: xr.DataArray
    loss: Function
    searched: np.ndarray

    def near(self, tolerance: float) -> pd.DataFrame:
        """Tabulate the range around the best in which the loss is within a tolerance of its least.

        Parameters
        ----------
        tolerance : float
            Nats per token.

        Returns
        -------
        DataFrame
            One row; the medians of the lower and the upper ends over the draws with an optimum.
            Where the loss does not rise so far, everything on that side is near.
        """
        low, high = float(self.searched[0]), float(self.searched[-1])
        best = log10(self.best.where(np.isfinite(self.best) & (self.best > 0)))
        least = self.loss(best) + tolerance
        below = crossing(lambda back: self.loss(best - back) - least, 0.0, best - low)
        above = crossing(lambda on: self.loss(best + on) - least, 0.0, high - best)
        lower = (best - below).fillna(low).where(best.notnull())
        upper = (best + above).fillna(np.inf).where(best.notnull())
        ends = (10.0 ** float(end.quantile(0.5, method="nearest")) for end in (lower, upper))
        table = dict(zip(("tolerance", "lower", "upper"), (tolerance, *ends), strict=True))
        return pd.DataFrame(table, index=pd.Index([self.name], name="answer"))

    def regrets(self, choices: Mapping[str, float]) -> pd.DataFrame:
        """Tabulate what stated choices cost above the best of each draw.

        Parameters
        ----------
        choices : dict of str to float
            The choices by what they are called.

        Returns
        -------
        DataFrame
            One row a choice: its value, median ``regret``, ``expected_regret`` in nats per token
            and ``expected_regret_percent`` of perplexity; NaN beyond what was searched, where no
            curve was drawn.
        """
        low, high = self.searched[0], self.searched[-1]
        values = np.array(list(choices.values()), dtype=float)
        with np.errstate(divide="ignore"):
            places, best = np.log10(values), log10(self.best)
        outside = ~((places >= low - 1e-9) & (places <= high + 1e-9))
        at = self.loss(xr.DataArray(np.clip(places, low, high), dims="choice"))
        # Of a draw that wavers a choice may lie in another valley, and be better than the first.
        regret = (at - self.loss(best.clip(low, high))).clip(min=0.0).transpose(*_OVER, "choice")
        table = {self.name: values, "regret": regret.median(_OVER).values}
        index = pd.Index(list(choices), name="choice")
        found = pd.DataFrame(table | expected_regret(regret), index=index)
        found.loc[outside, [c for c in found if c != self.name]] = np.nan
        return found


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
