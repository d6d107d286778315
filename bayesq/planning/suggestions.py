"""What a plan of runs gives back."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from bayesq import html
from bayesq.notes import Note


@dataclass(frozen=True, eq=False)
class Suggestions:
    """Candidate runs in the order in which they are worth doing. Made by `suggest_runs`.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a candidate, those chosen first: its columns; ``flops``; ``gain``, the share of the
        variance of what is asked that this run alone is expected to take away, and
        ``gain_per_flop``; ``chosen``, its place among those chosen, 0 for the others; and after it
        and those chosen before it ``flops_so_far`` and ``sd_left``, the standard deviation that is
        left, as a share of today's.
    asked : str
        What is to be narrowed.
    budget : float
        Floating-point operations.
    notes : tuple of Note
        What a reader must know.
    """

    table: pd.DataFrame
    asked: str
    budget: float
    notes: tuple[Note, ...]

    @property
    def chosen(self) -> pd.DataFrame:
        """The runs to do, in their order."""
        return self.table[self.table["chosen"] > 0]

    @property
    def text(self) -> str:
        """The plan in a sentence."""
        runs = self.chosen
        if runs.empty:
            return f"No candidate within {self.budget:.3g} FLOP tells anything about {self.asked}."
        last = runs.iloc[-1]
        return (
            f"{len(runs)} of {len(self.table)} candidates, {last['flops_so_far']:.3g} FLOP of "
            f"{self.budget:.3g}, are expected to leave {last['sd_left']:.0%} of today's standard "
            f"deviation of {self.asked}."
        )

    def __repr__(self) -> str:
        table = self.table.to_string(float_format="{:.4g}".format)
        return "\n".join([self.text, table, *map(str, self.notes)])

    def _repr_html_(self) -> str:
        return html.block(
            "Runs to do", html.paragraph(self.text), html.table(self.table), html.notes(self.notes)
        )
