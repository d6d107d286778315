"""One decision that measured rows can tell, and how an answer compares with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from bayesq.proving.turning import Bound


@dataclass(frozen=True, eq=False)
class Case:
    """A decision read off measured rows.

    Parameters
    ----------
    setting : dict
        What is held, by column.
    question : dict
        The same as the decision takes it.
    options : list of float or str
        What was measured to choose from, numbers in ascending order.
    losses : ndarray of float, shape (options,)
        Nats per token of each: the loss, or the degradation where that is what is asked about.
    measured : float or str
        The answer; with a bound, the option at the end.
    left_out : float
        Share of the rows behind it that was left out of the fit.
    rounding : {"none", "up", "out"}
        How an interval is rounded before it is compared: not at all; up to the next option; or
        outwards to whole numbers.
    bound : {"", "more", "less"}
        Whether the answer is known to lie beyond an end only.
    edge : float
        With a bound, what the answer lies above or below as far as the rows can tell.
    rise : float
        Nats per token by which what was measured beside the answer lies above it.
    spread : float
        Standard deviation of such losses between seeds; NaN where that is not known.
    level : float
        Nats per token that count as good enough; below all losses where the least is wanted.
    """

    setting: dict[str, Any]
    question: dict[str, Any]
    options: Sequence[Any]
    losses: np.ndarray
    measured: Any
    left_out: float = 0.0
    rounding: Literal["none", "up", "out"] = "none"
    bound: Bound = ""
    edge: float = np.nan
    rise: float = np.nan
    spread: float = np.nan
    level: float = -np.inf

    def holds(self, answer: Answer) -> bool:
        """Tell whether an interval holds the answer, or is consistent with the bound."""
        if answer.formats:
            return self.measured in answer.formats
        if self.bound == "more":
            return answer.upper > self.edge
        if self.bound == "less":
            # Of bits an answer at the fewest that were measured keeps to the bound.
            bits = self.rounding != "none"
            return answer.lower <= self.edge if bits else answer.lower < self.edge
        lower, upper = answer.lower, answer.upper
        if self.rounding == "up":
            lower, upper = self._up(lower), self._up(upper)
        elif self.rounding == "out":
            lower, upper = np.floor(lower), np.ceil(upper)
        return bool(lower <= self.measured <= upper)

    def advised(self, answer: Answer) -> Any:
        """Give the measured option that following the median comes to, NaN where none is near."""
        if answer.formats:
            return answer.median
        options = np.asarray(self.options, float)
        if np.isnan(answer.median):
            return np.nan
        if self.rounding == "up":
            return float(min(self._up(answer.median), options[-1]))
        middle = np.clip(answer.median, options[0], options[-1])
        nearest = float(options[np.abs(np.log(options) - np.log(middle)).argmin()])
        # Of the widths that share a memory there are few: 5 bits are neither 3 nor 8.
        return nearest if self.rounding == "none" or abs(nearest - middle) <= 1 else np.nan

    def regret(self, answer: Answer) -> float:
        """Tell what following the median costs above the best measured, in nats per token."""
        at = [i for i, option in enumerate(self.options) if option == self.advised(answer)]
        if not at:
            return np.nan
        return float(max(0.0, self.losses[at[0]] - max(self.level, self.losses.min())))

    def _up(self, value: float) -> float:
        return next((float(o) for o in self.options if o >= value), np.inf)


@dataclass(frozen=True)
class Answer:
    """What somebody says to a question.

    Parameters
    ----------
    median : float or str
        The answer: the median of bayesq's draws, or what practice plugs in. Infinite where the loss
        never turns, or no bits are enough; NaN where there is none.
    lower, upper : float
        Ends of the 90 % interval; NaN for formats.
    formats : tuple of str
        Of formats, the fewest that hold 90 % of the probability of being best.
    """

    median: Any
    lower: float = np.nan
    upper: float = np.nan
    formats: tuple[str, ...] = field(default=())

    @property
    def ratio(self) -> float:
        """Upper over lower end; of formats, how many there are in the set.

        Infinite where an end lies beyond what was searched, so that the upper one is infinite or
        the lower one 0.
        """
        if self.formats:
            return float(len(self.formats))
        if not np.isfinite(self.upper):
            return float(self.upper)
        return self.upper / self.lower if self.lower != 0 else np.inf
