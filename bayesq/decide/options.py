"""A list of options, compared draw by draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.decide.question import share_in_words, short

_SHOWN = 5


@dataclass(frozen=True, eq=False)
class OverOptions:
    """How options compare.

    Parameters
    ----------
    dim : str
        Dimension of the options.
    regret : xarray.DataArray
        Nats per token that each option costs above the best of the same draw.
    table : pandas.DataFrame
        One row an option, the best first: its regret (median and 90 % interval), the share of draws
        in which it is best, and in which it is within the tolerance of the best.
    tolerance : float
        Nats per token above the best that count as near.
    """

    dim: str
    regret: xr.DataArray
    table: pd.DataFrame
    tolerance: float

    @property
    def near(self) -> pd.DataFrame:
        """The options whose median regret is within the tolerance."""
        return self.table[self.table["regret"] <= self.tolerance]

    def words(self, what: str) -> str:
        """Word the comparison: the best, how sure that is, and what comes near."""
        best = self.table.index[0]
        unit = " bits" if what == "bits" else ""
        sure = share_in_words(float(self.table["probability_best"].iloc[0]))
        one = self.regret.sizes["chain"] * self.regret.sizes["draw"] == 1
        near = [str(o) for o in self.table.index[self.table["probability_near"] >= 0.5]]
        others = [o for o in near if o != str(best)]
        text = f"{best}{unit} is the best {'whole number' if unit else what}"
        text += "" if one else f" in {sure} of the draws"
        if others:
            more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
            text += (
                f"; {', '.join(others[:_SHOWN])}{more} {'are' if len(others) > 1 else 'is'} within "
            )
            text += f"{short(self.tolerance)} nats of it"
        return text


def over_options(loss: xr.DataArray, dim: str, tolerance: float) -> OverOptions:
    """Compare options by their loss.

    Parameters
    ----------
    loss : xarray.DataArray
        Nats per token, dimensions chain, draw and `dim`.
    tolerance : float
        Nats per token above the best that count as near.
    """
    over = ("chain", "draw")
    # An option that has no optimum of its own in any draw is none.
    loss = loss.dropna(dim, how="all").fillna(np.inf)
    regret = (loss - loss.min(dim)).fillna(np.inf)  # of a draw without any optimum
    # Formats that are one and the same share the first place.
    first = regret <= 1e-12
    quantiles = regret.quantile([0.05, 0.5, 0.95], over, method="nearest")
    table = pd.DataFrame(
        {
            "regret": quantiles.sel(quantile=0.5).values,
            "lower": quantiles.sel(quantile=0.05).values,
            "upper": quantiles.sel(quantile=0.95).values,
            "probability_best": (first / first.sum(dim))
            .fillna(0.0)
            .mean(over)
            .transpose(dim)
            .values,
            "probability_near": (regret <= tolerance).mean(over).values,
        },
        index=pd.Index(loss[dim].values, name=dim),
    )
    order = np.lexsort([table["regret"], -table["probability_best"]])
    return OverOptions(dim, regret, table.iloc[order], tolerance)
