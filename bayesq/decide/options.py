"""A list of options, compared draw by draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.decide.choice import expected_regret
from bayesq.decide.nats import Nats
from bayesq.decide.question import Question
from bayesq.decide.words import share_in_words, short
from bayesq.prediction.curve import listed

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
        in which it is best, and in which it is within the tolerance of the best; what choosing it
        is expected to cost, ``expected_regret`` in nats per token and ``expected_regret_percent``
        of perplexity.
    tolerance : Nats
        How far above the best counts as near.
    """

    dim: str
    regret: xr.DataArray
    table: pd.DataFrame
    tolerance: Nats

    @property
    def near(self) -> pd.DataFrame:
        """The options whose median regret is within the tolerance."""
        return self.table[self.table["regret"] <= self.tolerance.value]

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
            text += f"{self.tolerance} of it"
        return text

    def safe(self, risk: float) -> str:
        """Word the option that costs least above the best, with all but a probability."""
        worst = self.regret.quantile(1 - risk, ("chain", "draw"), method="nearest")
        least = worst.isel({self.dim: int(worst.argmin(self.dim))})
        cost = f"no more than {short(float(least))} nats above the best"
        name = str(least[self.dim].item())
        of_bits = self.dim == "bits"
        return f"{name}{' bits cost' if of_bits else ' costs'} {cost} {self._sure(risk)}".rstrip()

    def _sure(self, risk: float) -> str:
        # Of a paper's constants there is no probability.
        one = self.regret.sizes["chain"] * self.regret.sizes["draw"] == 1
        return "" if one else f"with a probability of {1 - risk:.0%}"


def over_list(question: Question, choice: Mapping[str, xr.DataArray], dim: str) -> xr.DataArray:
    """Ask for the loss of each of a list of options, all on one draw of the misfit.

    Parameters
    ----------
    question : Question
        What is held.
    choice : dict of str to xarray.DataArray
        Inputs of each option by symbol, along `dim`.
    dim : str
        Dimension of the options.
    """
    names = next(iter(choice.values()))[dim].values
    numbers = np.arange(float(len(names)))
    inputs = {s: np.asarray(v.values, dtype=float) for s, v in choice.items()}
    curve = question.curve("loss", {"option": numbers}, lambda option: listed(inputs)(option))
    return curve(option=xr.DataArray(numbers, dims=dim)).assign_coords({dim: names})


def over_options(loss: xr.DataArray, dim: str, tolerance: Nats) -> OverOptions:
    """Compare options by their loss.

    Parameters
    ----------
    loss : xarray.DataArray
        Nats per token, dimensions chain, draw and `dim`.
    tolerance : Nats
        How far above the best counts as near.
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
            "probability_near": (regret <= tolerance.value).mean(over).values,
            **expected_regret(regret.transpose(*over, dim)),
        },
        index=pd.Index(loss[dim].values, name=dim),
    )
    order = np.lexsort([table["regret"], -table["probability_best"]])
    return OverOptions(dim, regret, table.iloc[order], tolerance)
