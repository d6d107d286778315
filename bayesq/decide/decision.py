"""What a decision gives back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import override

import numpy as np
import pandas as pd
import xarray as xr

from bayesq import html, latex
from bayesq.draws import Drawn, draws_frame
from bayesq.intervals import Interval, interval, quantiles
from bayesq.law.law import Response
from bayesq.notes import Note

_OVER = ("chain", "draw")
# Units of answers that have a mean: what is searched has two ends, or what is told is a loss.
_BOUNDED = ("bits", "elements", "nats/token")


@dataclass(frozen=True, eq=False)
class Decision(Drawn):
    """The distribution of an answer.

    Parameters
    ----------
    draws : xarray.DataArray or xarray.Dataset
        The answer for each draw, dimensions chain and draw and those of the options that were asked
        about; NaN where that draw has none, infinite where it lies beyond what was searched.
    answer : str
        The answer in a sentence.
    notes : tuple of Note
        What limits it, the severe notes first.
    near_optimal : pandas.DataFrame or None
        The answers that cost hardly more than the best, for questions that have a best.
    choices : pandas.DataFrame or None
        What stated choices bring, those that were asked and those that one would consider: the
        probability of keeping a level, or of being best, and the expected regret.
    evidence : pandas.DataFrame or None
        Measured rows near the question, the nearest first, beside what the curve says there.
    laws : dict of str to (float, Decision)
        Of several laws: the weight of each, and what it answers by itself.
    level : float or None
        Nats per token that the answer keeps below, or reaches, where the question gives them.
    response : {"loss", "degradation"}
        What `evidence` and `level` are of.
    interval : Interval
        The interval of the sentence: the one that was the default when the question was asked, with
        equal tails where an answer is infinite in some draw. Tables keep it, so that they agree
        with the sentence when ArviZ's settings change later.
    """

    draws: xr.DataArray | xr.Dataset
    answer: str
    notes: tuple[Note, ...]
    near_optimal: pd.DataFrame | None = None
    choices: pd.DataFrame | None = field(default=None, kw_only=True)
    evidence: pd.DataFrame | None = field(default=None, kw_only=True)
    laws: Mapping[str, tuple[float, Decision]] = field(default_factory=dict)
    level: float | None = field(default=None, kw_only=True)
    response: Response = field(default="loss", kw_only=True)
    interval: Interval = field(default_factory=interval, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "answer", self.answer[0].upper() + self.answer[1:])
        told = self.draws
        every = [told] if isinstance(told, xr.DataArray) else list(told.data_vars.values())
        chosen = self.interval.of_answers(*(values.values for values in every))
        object.__setattr__(self, "interval", chosen)

    @property
    def text(self) -> str:
        """The answer with what warns of it, so that nobody reads one without the other."""
        warnings = (n.message for n in self.notes if n.severity != "info")
        return " ".join([self.answer, *warnings])

    @property
    def without_answer(self) -> float:
        """Share of draws that have no answer, such as no optimum inside the range searched."""
        values = [v.where(np.isfinite(v)).isnull() for v in self._answers().values()]
        return float(xr.concat(values, "of", coords="minimal").any("of").mean())

    @property
    def units(self) -> dict[str, str]:
        """Units of the answers by name."""
        return {name: str(v.attrs.get("units", "")) for name, v in self._answers().items()}

    @property
    def searched(self) -> dict[str, tuple[float, float]]:
        """Ends of what was searched by name of the answer, where there are any."""
        ends = {name: v.attrs.get("searched") for name, v in self._answers().items()}
        return {n: (float(e[0]), float(e[1])) for n, e in ends.items() if e is not None}

    @property
    def intervals(self) -> str:
        """What the ends in a table of the answers are, for its caption."""
        if all(not v.notnull().any() or v.max() == v.min() for v in self._answers().values()):
            return "The same in all draws, so that intervals have no width"
        return f"{self.interval.name}s, from lower to upper"

    def to_frame(self, prob: float | None = None) -> pd.DataFrame:
        """Tabulate the answer over the draws that have one.

        Parameters
        ----------
        prob : float, optional
            Probability of the interval from ``lower`` to ``upper``, by default that of the
            sentence, whose kind it has.

        Returns
        -------
        DataFrame
            One row an answer, or an answer and option; columns median, mean, lower, upper and
            ``without_answer``, the share of draws that have none. An end is infinite where so many
            draws lie beyond what was searched. The mean is told of answers that have one: not of
            tokens, sizes and ratios, whose distributions have tails without end. Of several laws
            the answers of each follow those of all, with its ``weight``. Units by name of the
            answer are in ``attrs["units"]``.
        """
        table = self._tabulate(prob)
        table.attrs["units"] = self.units
        if not self.laws:
            return table
        parts = [table.assign(weight=1.0)]
        for name, (weight, decision) in self.laws.items():
            own = replace(decision, interval=self.interval).to_frame(prob).assign(weight=weight)
            parts.append(own.set_axis([f"{answer} ({name})" for answer in own.index]))
        table = pd.concat(parts).rename_axis("answer")
        table.attrs["units"] = self.units
        return table

    @override
    def to_draws(self) -> pd.DataFrame:
        """Lay out the draws as a plain table.

        Returns
        -------
        DataFrame
            One row a draw: ``chain``, ``draw``, and each answer as :meth:`to_frame` names it, NaN
            where a draw has none, infinite beyond what was searched; units in ``attrs["units"]``.
        """
        return draws_frame({name: (cell, self.units[of]) for of, name, cell in self._cells()})

    def to_latex(
        self,
        prob: float | None = None,
        *,
        caption: str | None = None,
        label: str | None = None,
    ) -> str:
        r"""Write the answers as a table for a paper: LaTeX with booktabs.

        Parameters
        ----------
        prob : float, optional
            Probability of the intervals, as :meth:`to_frame` takes it.
        caption, label : str, optional
            LaTeX, written as it is given. With one of them the table floats.

        Returns
        -------
        str
            One row an answer: its name, its unit, its median with the interval, and the share of
            draws that have none, where there are any; of several laws also their weights. It needs
            ``\usepackage{booktabs}``; the answer in words and notes that warn stand above it in
            comments.
        """
        table = self.to_frame(prob)
        units = [self.units[str(name).split(" ")[0]] for name in table.index]
        rows = zip(table["median"], table["lower"], table["upper"], units, strict=True)
        columns = {
            "Answer": [_typeset(str(name)) for name in table.index],
            "Unit": [latex.unit_cell(unit) for unit in units],
            latex.interval_head(self.interval_of(prob)): [latex.estimate(*row) for row in rows],
        }
        if table["without_answer"].any():
            without = table["without_answer"]
            columns[r"Without answer (\%)"] = [latex.number(100 * share, 2) for share in without]
        if self.laws:
            columns["Weight"] = [latex.number(weight) for weight in table["weight"]]
        return latex.booktabs(
            columns,
            text=["Answer", "Unit"],
            said=[self.answer],
            notes=self.notes,
            caption=caption,
            label=label,
        )

    def interval_of(self, prob: float | None = None) -> Interval:
        """Return the interval that tables have: that of the sentence, or as probable as asked."""
        return self.interval if prob is None else replace(self.interval, prob=prob)

    def _tabulate(self, prob: float | None) -> pd.DataFrame:
        """Tabulate the answer without those of single laws."""
        chosen = self.interval_of(prob)
        rows = {}
        for name, label, cell in self._cells():
            rows[label] = _row(cell.values, chosen, self.units[name] in _BOUNDED)
        columns = ["median", "mean", "lower", "upper", "without_answer"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("answer")

    def _cells(self) -> Iterator[tuple[str, str, xr.DataArray]]:
        """Name each answer, or answer and option: its name, that with the option, its draws."""
        for name, draws in self._answers().items():
            options = [d for d in draws.dims if d not in _OVER]
            cells = draws.stack(option=options) if options else draws.expand_dims("option")
            for i, cell in enumerate(cells.transpose("option", ...)):
                given = cells["option"].values[i] if options else ()
                label = [name, *(f"{v:g}" if isinstance(v, float) else str(v) for v in given)]
                yield name, " ".join(label), cell

    def _answers(self) -> dict[str, xr.DataArray]:
        told = self.draws
        told = told.to_dataset() if isinstance(told, xr.DataArray) else told
        return {str(name): values for name, values in told.data_vars.items()}

    def __repr__(self) -> str:
        return "\n".join([self.answer, *map(str, self.notes)])

    def _repr_html_(self) -> str:
        table = html.table(
            self.to_frame(),
            caption=self.intervals,
            row_units=self.units,
            searched=self.searched,
        )
        return html.block(self.answer, table, html.notes(self.notes))


def answers(**named: tuple[xr.DataArray, str]) -> xr.Dataset:
    """Put several answers together, each with its unit."""
    found = {name: values.assign_attrs(units=unit) for name, (values, unit) in named.items()}
    return xr.Dataset(found).transpose(*_OVER, ...)


def median(values: xr.DataArray) -> float:
    """Median over the draws that have an answer; NaN where none has."""
    return quantiles(values.values, [0.5])[0] if values.notnull().any() else np.nan


def _typeset(answer: str) -> str:
    """Write the name of an answer: letters as symbols, words as words."""
    name, space, option = answer.partition(" ")
    letter = latex.symbol(name) if len(name) == 1 else latex.escape(name)
    return f"{letter}{space}{latex.escape(option)}"


def _row(values: np.ndarray, chosen: Interval, bounded: bool) -> list[float]:
    answers = values[~np.isnan(values)]
    without = 1 - np.isfinite(values).sum() / values.size
    # With no answer in any draw there is nothing to summarise: NaN, not an error.
    if not answers.size:
        return [np.nan] * 4 + [without]
    (middle,), (low, high) = quantiles(answers, [0.5]), chosen.ends(answers)
    mean = float(answers.mean()) if bounded and np.isfinite(answers).all() else np.nan
    return [middle, mean, float(low), float(high), without]
