"""What a degradation that passes a level decides: the answer, and what stated choices bring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.decide.decision import Decision
from bayesq.decide.evidence import contradiction, evidence, passes
from bayesq.decide.nats import Nats, read_nats
from bayesq.decide.question import Question, number, read_risk
from bayesq.decide.regret import safe
from bayesq.decide.solve import Function
from bayesq.decide.words import searched_note, sentence, share_in_words
from bayesq.runs.counts import format_count

_NONE = np.empty(0)
_MOST_WHOLE = 8  # bits of formats that one would choose among


@dataclass(frozen=True)
class Asked:
    """What a question about a level asks besides."""

    level: Nats
    risk: float | None
    choice: float | str | None

    @staticmethod
    def read(level: float | str, risk: Any, choice: float | str | None) -> Asked:
        """Read them.

        Raises
        ------
        BayesqError
            If level or risk is none.
        """
        return Asked(read_nats("level", level), read_risk(risk), choice)


@dataclass(frozen=True)
class Keeps:
    """Whether a choice keeps the level: by how many nats it is passed, in every draw."""

    excess: Function
    fewest: bool
    searched: tuple[float, float]

    def shares(self, at: np.ndarray) -> np.ndarray:
        """Shares of the draws in which choices keep the level; NaN beyond what was searched."""
        within = np.clip(at, *self.searched)
        found = (self.excess(xr.DataArray(within, dims="choice")) <= 0).mean(("chain", "draw"))
        beyond = np.abs(within - at) > 1e-9 * np.abs(within)
        return np.where(beyond, np.nan, found.values)

    def words(self, at: float, what: str, shown: Callable[[float], str], one: bool) -> str:
        """Word how probably a choice keeps the level; of one draw, whether it does."""
        share = float(self.shares(np.array([at]))[0])
        if np.isnan(share):
            ends = f"{shown(self.searched[0])} to {shown(self.searched[1])}"
            return f" Of {what} nothing is known: {ends} were searched."
        if one:
            return f" With {what} it {'stays' if share else 'does not stay'} below."
        return f" With {what} it stays below in {share_in_words(share)} of the draws."


def level_decision(
    question: Question,
    answer: xr.DataArray,
    free: list[str],
    says: str,
    never: str,
    shown: Callable[[float], str],
    asked: Asked,
    keeps: Keeps,
    offered: np.ndarray = _NONE,
) -> Decision:
    """Put together what is told of an answer that passes a level.

    Parameters
    ----------
    question : Question
        The setting.
    answer : xarray.DataArray
        The draws, with their unit.
    free : list of str
        The inputs that share the answer.
    says, never : str
        What an answer means, with braces in its place; and what it means where there is none.
    shown : callable
        How one number is written.
    asked : Asked
        Level, risk and choice.
    keeps : Keeps
        Whether a choice keeps the level.
    offered : ndarray of float, optional
        Choices that one would consider.
    """
    symbol = free[0] if len(free) == 1 else "bits"
    unit, searched = str(answer.attrs["units"]), keeps.searched
    where = question.where(symbol)
    text = sentence(where, answer, says.format, never, shown, unit, searched)
    whole = range(2, _MOST_WHOLE + 1) if keeps.fewest else ()
    offers = {f"{v:g}": float(v) for v in (*whole, *offered)}
    one = answer.size == 1
    if asked.choice is not None:
        planned = number("choice", asked.choice)
        offers["planned"] = planned
        what = f"groups of {shown(planned)}" if unit == "elements" else f"{planned:g} {unit}"
        what = f"{format_count(planned)} tokens" if unit == "tokens" else what
        text += keeps.words(planned, what, shown, one)
    # Of a paper's constants there is no probability.
    if asked.risk is not None and not one:
        bound = safe(answer, asked.risk, fewest=keeps.fewest)
        sure = f"with a probability of {1 - asked.risk:.0%}"
        if searched[0] <= bound <= searched[1]:
            offers["safe"] = bound
            most = "are enough" if keeps.fewest else "are not too many"
            text += f" {shown(bound)} {unit} {most} {sure}."
        elif (bound > searched[1]) is not keeps.fewest:
            text += f" All {unit} that were searched keep it {sure}."
        else:
            text += f" No {unit} that were searched keep it {sure}."
    # Without an answer, what was tried in vain is 16 bits.
    finite = answer.where(np.isfinite(answer))
    middle = float(finite.median().fillna(searched[1] if keeps.fewest else np.nan))
    seen = evidence(question, "degradation", free)
    otherwise = None
    if len(here := seen.here()):
        here = here[here[free].nunique(axis=1) == 1]
        bracket = passes(here, free[0], asked.level.value, rising=not keeps.fewest)
        what = "the measured degradation passes the level"
        otherwise = contradiction(answer, bracket, what, shown, unit)
    at, beyond = dict.fromkeys((symbol, *free), middle), searched_note(answer, unit, *searched)
    notes = question.notes(at, beyond, otherwise, seen.apart())
    choices = _table(offers, keeps, str(answer.name)) if offers else None
    return Decision(
        answer.assign_attrs(searched=searched),
        text,
        notes,
        choices=choices,
        evidence=seen.table,
        level=asked.level.value,
        response="degradation",
    )


def _table(offers: dict[str, float], keeps: Keeps, name: str) -> pd.DataFrame:
    """Tabulate how probably each choice keeps the level."""
    values = np.array(list(offers.values()))
    told = {name: values, "probability_keeps": keeps.shares(values)}
    table = pd.DataFrame(told, index=pd.Index(list(offers), name="choice"))
    named = table.index.isin(["planned", "safe"])
    return pd.concat([table[~named].sort_values(name), table[named]])
