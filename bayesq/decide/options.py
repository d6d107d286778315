"""A list of options, compared draw by draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.decide.decision import Decision
from bayesq.decide.nats import Nats
from bayesq.decide.question import Question
from bayesq.decide.regret import expected_regret
from bayesq.decide.solve import log10
from bayesq.decide.words import share_in_words, short
from bayesq.intervals import interval
from bayesq.notes import Note

_SHOWN = 5
_CLOSE = float(np.log(1.02))
_OF_COSTS = [
    *("probability_best", "probability_reaches", "probability_near"),
    "expected_regret_percent",
]


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
        One row an option, the best first: its regret (median and interval), the share of draws
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
    def one(self) -> bool:
        """Whether there is one draw alone, as of a paper's constants: then no probability."""
        return self.regret.sizes["chain"] * self.regret.sizes["draw"] == 1

    @property
    def near(self) -> pd.DataFrame:
        """The options whose median regret is within the tolerance."""
        return self.table[self.table["regret"] <= self.tolerance.value]

    def decision(
        self,
        draws: xr.DataArray | xr.Dataset,
        text: str,
        notes: tuple[Note, ...],
        evidence: pd.DataFrame | None,
    ) -> Decision:
        """Answer with the table of all options, and the near ones of it."""
        return Decision(draws, text, notes, self.near, choices=self.table, evidence=evidence)

    def words(self, what: str) -> str:
        """Word the comparison: the best, how sure that is, and what comes near."""
        best = self.table.index[0]
        unit = " bits" if what == "bits" else ""
        sure = share_in_words(float(self.table["probability_best"].iloc[0]))
        near = [str(o) for o in self.table.index[self.table["probability_near"] >= 0.5]]
        others = [o for o in near if o != str(best)]
        text = f"{best}{unit} is the best {'whole number' if unit else what}"
        text += "" if self.one else f" in {sure} of the draws"
        if others:
            more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
            text += f"; {', '.join(others[:_SHOWN])}{more} {'are' if len(others) > 1 else 'is'}"
            text += f" within {self.tolerance} of it"
        return text

    def safe(self, risk: float | None) -> str:
        """Word the option that costs least above the best, with all but a probability."""
        if risk is None:
            return ""
        worst = self.regret.quantile(1 - risk, ("chain", "draw"), method="nearest")
        least = worst.isel({self.dim: int(worst.argmin(self.dim))})
        cost = f"no more than {short(float(least))} nats above the best"
        name = str(least[self.dim].item())
        text = f" {name}{' bits cost' if self.dim == 'bits' else ' costs'} {cost}"
        return f"{text}." if self.one else f"{text} with a probability of {1 - risk:.0%}."


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
    inputs = {s: np.asarray(v.values, dtype=float) for s, v in choice.items()}
    return question.of_list("loss", inputs, dim).assign_coords({dim: names})


def over_costs(cost: xr.DataArray, dim: str, what: str) -> OverOptions:
    """Compare options by what they cost, in per cent of the least; near is within 2 % of it.

    Parameters
    ----------
    cost : xarray.DataArray
        Positive, dimensions chain, draw and `dim`; infinite where an option does not reach the
        goal. How probably it does is in the table.
    what : str
        What it costs, in words.
    """
    options = over_options(log10(cost) * np.log(10.0), dim, Nats(_CLOSE, f"2% of {what}"))
    reaches = (cost < np.inf).mean(("chain", "draw")).to_series()
    table = options.table.assign(probability_reaches=reaches)
    return replace(options, table=table[_OF_COSTS])


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
    best = (first / first.sum(dim)).fillna(0.0).mean(over)
    middle = regret.quantile(0.5, over, method="nearest").values
    flat = regret.transpose(dim, *over).values.reshape(regret.sizes[dim], -1)
    lower, upper = interval().ends(flat, method="nearest")
    told = {"regret": middle, "lower": lower, "upper": upper, "probability_best": best.values}
    told["probability_near"] = (regret <= tolerance.value).mean(over).values
    told |= expected_regret(regret.transpose(*over, dim))
    table = pd.DataFrame(told, index=pd.Index(loss[dim].values, name=dim))
    order = np.lexsort([table["regret"], -table["probability_best"]])
    return OverOptions(dim, regret, table.iloc[order], tolerance)
