"""Intervals of draws: how probable, of which kind, their ends and what they are called.

Where the user set ArviZ's ``stats.ci_prob`` and ``stats.ci_kind``, these are the default; else 90 %
with equal tails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bayesq.errors import BayesqError

PROB: float = 0.9


@dataclass(frozen=True)
class Interval:
    """A kind of interval.

    Parameters
    ----------
    prob : float
        Its probability.
    kind : {"eti", "hdi"}
        With equal tails, or of the highest density, as ArviZ names them.
    """

    prob: float = PROB
    kind: Literal["eti", "hdi"] = "eti"

    @property
    def name(self) -> str:
        """What it is called: ``"90 % interval"``."""
        return f"{self.prob * 100:g} % interval"

    def ends(self, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Work out both ends over the last axis of draws."""
        tail = (1 - self.prob) / 2
        low, high = np.quantile(np.asarray(draws, dtype=float), [tail, 1 - tail], axis=-1)
        return low, high


def interval(prob: float | None = None) -> Interval:
    """Return the interval that is asked for, by default what the user set in ArviZ.

    Raises
    ------
    BayesqError
        If `prob` is not between 0 and 1.
    """
    wanted = PROB if prob is None else prob
    if not 0 < wanted < 1:
        raise BayesqError(f"prob is {prob}; it must lie between 0 and 1, such as 0.9.")
    return Interval(wanted)
