"""Names of the variables of a parameter, in a model and among the draws of a fit."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from bayesq.law.parameter import Parameter
from bayesq.model.design import ORIGIN


@dataclass(frozen=True)
class Names:
    """The names of one parameter's variables: whoever makes or reads one asks here.

    Its value stands under its symbol, and what carries its prior under its ``sampled_as``; where
    studies differ, both have a value in each (``alpha_by_study``).

    Parameters
    ----------
    parameter : Parameter
        The parameter.
    """

    parameter: Parameter

    @property
    def spread(self) -> str:
        """Between studies, or of the steps between kinds: a standard deviation."""
        return f"{self.parameter.symbol}_spread"

    @property
    def offset(self) -> str:
        """How many spreads each study lies from the population."""
        return f"{self.parameter.symbol}_offset"

    @property
    def rate(self) -> str:
        """Fall of what kinds lose, a bit."""
        return f"{self.parameter.symbol}_rate"

    @property
    def steps(self) -> str:
        """What each family's first kind loses, and the steps above it."""
        return f"log_step_{self.parameter.symbol}"

    def by_study(self, by: str) -> dict[str, str]:
        """Name the values in the levels of a column, by the name that the same has in one study."""
        names = (self.parameter.symbol, self.parameter.sampled_as)
        return {name: f"{name}_by_{by}" for name in names}

    def values(self, draws: Container[object]) -> dict[str, str]:
        """Find where its values stand among some draws: by the column of studies, "" for one."""
        symbol = self.parameter.symbol
        names = {"": symbol} | {by: self.by_study(by)[symbol] for by in ORIGIN}
        return {by: name for by, name in names.items() if name in draws}

    def prior_on(self, draws: Container[object]) -> str | None:
        """Find what carries the prior among some draws or densities."""
        sampled = self.parameter.sampled_as
        names = (sampled, *(self.by_study(by)[sampled] for by in ORIGIN))
        return next((name for name in names if name in draws), None)
