"""What a decision gives back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.fitting.result import tail_of
from bayesq.notes import Note


@dataclass(frozen=True, eq=False)
class Decision:
    """The distribution of an answer.

    Parameters
    ----------
    draws : xarray.DataArray
        The answer for each draw, dimensions chain and draw; NaN where that draw has none.
    text : str
        The answer in a sentence.
    notes : tuple of Note
        What limits it.
    """

    draws: xr.DataArray
    text: str
    notes: tuple[Note, ...]

    @property
    def without_answer(self) -> float:
        """Share of draws that have no answer."""
        return float(self.draws.isnull().mean())

    def to_frame(self, prob: float = 0.9) -> pd.DataFrame:
        """Tabulate the answer over the draws that have one.

        Parameters
        ----------
        prob : float
            Probability of the equal-tailed interval from ``lower`` to ``upper``.

        Returns
        -------
        DataFrame
            One row; columns median, mean, lower, upper and ``without_answer``, the share of draws
            that have none.
        """
        answers = self.draws.values[np.isfinite(self.draws.values)]
        tail = tail_of(prob)
        # With no answer in any draw there is nothing to summarise: NaN, not an error.
        centre = [np.median(answers), answers.mean()] if len(answers) else [np.nan] * 2
        ends = np.quantile(answers, [tail, 1 - tail]) if len(answers) else [np.nan] * 2
        return pd.DataFrame(
            [[*centre, *ends, self.without_answer]],
            columns=["median", "mean", "lower", "upper", "without_answer"],
            index=pd.Index([str(self.draws.name)], name="answer"),
        )

    def __repr__(self) -> str:
        return "\n".join([self.text, *map(str, self.notes)])
