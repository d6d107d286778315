"""A question to a fit: one setting, checked, with some of its inputs left open."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.errors import BayesqError
from bayesq.law.formulas import arguments_of
from bayesq.law.inputs import Input, Role, of_role
from bayesq.law.law import Response
from bayesq.notes import Note, by_severity
from bayesq.posterior.constants import PublishedFit
from bayesq.posterior.posterior import Posterior, check_posterior
from bayesq.prediction.curve import Curve, covers_all, curve, knows_discrepancy, listed
from bayesq.prediction.distance import far
from bayesq.prediction.scenarios import direct_names, read_scenarios
from bayesq.prediction.unseen import format_note, unseen_note
from bayesq.runs.counts import as_number, format_count

_NAMES = {"N": "parameters", "D": "tokens"}


@dataclass(frozen=True, eq=False)
class Question:
    """One setting, with a fit to ask about it.

    Parameters
    ----------
    fit : Posterior
        Whom to ask.
    inputs : dict of str to float
        What is held, by symbol.
    frame : pandas.DataFrame
        The same as it was given, one row.
    discrepancy : bool
        Whether the law's misfit counts, where the fit knows one.
    """

    fit: Posterior
    inputs: dict[str, float]
    frame: pd.DataFrame
    discrepancy: bool = True

    @property
    def bent(self) -> bool:
        """Whether the curve that is asked is bent by a misfit: else it is the law's formula."""
        return self.discrepancy and knows_discrepancy(self.fit)

    def curve(
        self,
        response: Response,
        knots: Mapping[str, np.ndarray],
        inputs: Callable[..., Mapping[str, Any]] | None = None,
        *,
        bent: bool | None = None,
        seed: int = 0,
    ) -> Curve:
        """Draw the mean of runs along what is searched, the rest as it is held.

        Parameters
        ----------
        response : {"loss", "degradation"}
            What is asked.
        knots : dict of str to ndarray
            What is searched, rising, as :func:`bayesq.prediction.curve.curve` takes it.
        inputs : callable, optional
            From what is searched to inputs by symbol; by default these are what is searched.
        bent : bool, optional
            Whether the misfit counts, by default where the question says so.
        seed : int
            Of the misfit.
        """

        def at(**where: Any) -> dict[str, Any]:
            return {**self.inputs, **(where if inputs is None else inputs(**where))}

        bent = self.bent if bent is None else bent
        return curve(self.fit, response, knots, at, discrepancy=bent, seed=seed)

    @property
    def measured_inputs(self) -> dict[str, np.ndarray]:
        """Inputs of the rows that were fitted, where these are at hand."""
        rows = self.fit.rows
        known = {i.symbol for i in self.fit.law.inputs_of("loss")}
        return {} if rows is None else {s: rows[s].values for s in known if s in rows}

    def of_list(
        self, response: Response, inputs: Mapping[str, np.ndarray], dim: str
    ) -> xr.DataArray:
        """Ask for the mean of runs at each of a list of settings, all on one draw of the misfit.

        Parameters
        ----------
        response : {"loss", "degradation"}
            What is asked.
        inputs : dict of str to ndarray, each of shape (settings,)
            Inputs of each by symbol.
        dim : str
            Dimension of the answer along the settings.
        """
        numbers = np.arange(float(len(next(iter(inputs.values())))))
        curve = self.curve(response, {"setting": numbers}, lambda setting: listed(inputs)(setting))
        return curve(setting=xr.DataArray(numbers, dims=dim))

    def closed(self, decision: str, **at: Any) -> Any:
        """Ask the law's closed form of a decision, None where it has none or the curve is bent."""
        return None if self.bent else self.by_formula(decision, **at)

    def by_formula(self, decision: str, **at: Any) -> Any:
        """Ask the law's closed form of a decision, None where it has none."""
        formula = self.fit.law.closed.get(decision)
        if formula is None:
            return None
        values = {**self.fit.values_at({**self.inputs, **at}), **at}
        lacking = [a for a in arguments_of(formula) if a not in values]
        if lacking:
            raise BayesqError(
                f"{decision} of law {self.fit.law.name} needs {', '.join(lacking)}, and "
                f"{self.fit.title} does not tell; {self.fit.way_out('loss', lacking)}."
            )
        with np.errstate(all="ignore"):
            return formula(**{a: values[a] for a in arguments_of(formula)})

    def where(self, *leave_out: str) -> str:
        """Word what is held: "At N 1B, G 128"."""
        kinds = self.fit.levels
        shown = []
        for symbol, value in self.inputs.items():
            if symbol in kinds:
                label = [*kinds[symbol], "full precision"][int(value)]
                shown.append(f"{symbol} {label}")
            elif symbol != "quantized" and symbol not in leave_out:
                shown.append(f"{symbol} {format_count(value)}")
        return f"At {', '.join(shown)}, " if shown else ""

    def notes(
        self, answer: Mapping[str, float], *more: Note | None, along: Collection[str] = ()
    ) -> tuple[Note, ...]:
        """Say how far outside the data question and median answer lie, and of what kind.

        Parameters
        ----------
        answer : mapping of str to float
            Median answers by symbol; NaN where there is none.
        *more : Note or None
            What the decision itself has to say.
        along : collection of str
            Inputs that are held and varied too.
        """
        at = {**self.inputs, **{s: v for s, v in answer.items() if np.isfinite(v)}}
        covered = self.bent and covers_all(self.fit)
        away = far(self.fit, {s: np.array([v]) for s, v in at.items()})
        found: list[Note | None] = [*away.notes(0, "The decision", covered)]
        if np.isinf(answer.get("D", 0.0)):  # beyond all that was searched
            found += away.schedule
        found += [unseen_note(self.fit, at), format_note(self.frame, self.fit)]
        looked = [i for i in self.fit.law.inputs_of("loss") if i.symbol not in at.keys() - {*along}]
        found += [self._single_level_note(looked), self._true_law_note()]
        found += [*self.fit.standing_notes, *more]
        return by_severity(dict.fromkeys(n for n in found if n is not None))

    def _single_level_note(self, looked: list[Input]) -> Note | None:
        """Say that an answer, or that there is none, leans on an input with one level."""
        ranges = {} if isinstance(self.fit, PublishedFit) else self.fit.observed_range
        alone = {i.symbol: ranges[i.symbol] for i in looked if i.symbol in ranges}
        neutral = {i.symbol: i.neutral for i in looked}
        shown = [
            f"{s} (the data have {format_count(low)} alone)"
            for s, (low, high) in alone.items()
            if low == high != neutral[s]
        ]
        if not shown:
            return None
        return Note(
            "single-level",
            "severe",
            f"The decision varies {' and '.join(shown)}: how the response depends on it is the "
            "prior's.",
            "Add runs at others, or ask what does not vary it.",
        )

    def _true_law_note(self) -> Note | None:
        """Say that the law's formula was asked as it stands."""
        if self.bent or isinstance(self.fit, PublishedFit):
            return None
        why = (
            "discrepancy=False was asked"
            if self.discrepancy is False
            else f"{self.fit.title} knows no discrepancy"
        )
        return Note(
            "law-taken-as-true",
            "info",
            f"The answer is that of the law's formula as it stands ({why}): it leaves out how "
            "wrong the law is, inside the data and beyond.",
            "Ask a fit that has a discrepancy, as bayesq.fit gives, for the mean of runs.",
        )


@dataclass(frozen=True, eq=False)
class Setting:
    """What a decision is told, before it is checked.

    Parameters
    ----------
    fit : Posterior
        A fit, or a paper's constants.
    given : mapping
        Columns as in a runs table, or inputs by symbol or alias.
    name : str
        Name of the decision, for messages.
    discrepancy : bool
        Whether the law's misfit counts.
    """

    fit: Posterior
    given: Mapping[str, Any]
    name: str
    discrepancy: bool = True

    def ask(self, response: Response, free: Collection[str], *, whole: bool = True) -> Question:
        """Check that it is one setting, and put it as a question.

        Parameters
        ----------
        response : {"loss", "degradation"}
            What the decision is worked out from.
        free : collection of str
            Inputs that the decision looks for, and that the setting must not give.
        whole : bool
            Whether all parameters of the response are needed, as they are unless the law itself
            knows the answer.

        Raises
        ------
        BayesqError
            If `fit` is none or does not tell the response, or this is not one setting.
        """
        fit, name = self.fit, self.name
        check_posterior(fit)
        if not isinstance(self.discrepancy, bool):
            raise BayesqError(
                f"discrepancy is {self.discrepancy!r}; a decision takes True or False."
            )
        fit.law.check_formula()
        if whole:
            fit.require(response)
        wanted = fit.law.inputs_of(response)
        names = direct_names(wanted, fit.law.levels_of(response))
        for given in self.given:
            for symbol in names.get(given, [given]):
                if symbol in free:
                    raise BayesqError(
                        f"{name} looks for {symbol}; leave {given} out of the question."
                    )
        # An input that does not occur in the response changes nothing, and may still be said.
        spoken = {i.symbol for i in wanted}
        told = {k: v for k, v in self.given.items() if k not in ("N", "D") or k in spoken}
        # Every question here is about a quantized network, or about a law that knows no other.
        quantized = response == "loss" and fit.law.base is not None
        held = {"quantized": 1.0} if quantized else {}
        if told:
            frame, inputs = read_scenarios(told, fit, response, free)
            if any(len(values) > 1 for values in inputs.values()) or len(frame) > 1:
                raise BayesqError(f"{name} answers for one setting; call it once for each.")
            held = {symbol: float(values[0]) for symbol, values in inputs.items()} | held
            return Question(fit, held, frame, self.discrepancy)
        if open_ := {*spoken, *fit.law.levels_of(response)} - set(free):
            raise BayesqError(
                f"{name} needs a setting; say {', '.join(sorted(open_))} of it, by the columns of "
                "a table or by these symbols."
            )
        return Question(fit, held, pd.DataFrame(index=[0]), self.discrepancy)


def needs(fit: Posterior, response: Response, *symbols: str) -> None:
    """Refuse a law whose response does not depend on these inputs.

    Raises
    ------
    BayesqError
        If it does not depend on one of them.
    """
    known = {i.symbol for i in fit.law.inputs_of(response)}
    lacking = [_NAMES.get(s, s) for s in symbols if s not in known]
    if lacking:
        raise BayesqError(
            f"The {response} of law {fit.law.name} does not depend on {' and '.join(lacking)}; "
            "ask a law in which it does."
        )


def bits_inputs(fit: Posterior, scenario: Mapping[str, Any]) -> list[Input]:
    """List the inputs of a law that count bits and that a question leaves open.

    Of a law that speaks of training and of quantization after it, these are the bits of the stage
    that the question names.

    Raises
    ------
    BayesqError
        If the law speaks of several stages and the question names none.
    """
    role: Role = "bits"
    stages = fit.law.stages or ()
    if len(stages) > 1:
        if scenario.get("stage") not in stages:
            raise BayesqError(
                f"Law {fit.law.name} is about several stages; say whose bits are looked for: "
                f"stage={' or '.join(stages)}."
            )
        role = "post_bits" if scenario["stage"] == "post" else "bits"
    return [
        i
        for i in of_role(fit.law.inputs_of("loss"), role)
        if not ({i.alias, i.symbol} | set((i.accounts_for or i.columns)[:1])) & set(scenario)
    ]


def number(name: str, value: Any, least: float = 0.0) -> float:
    """Read a positive number of a question, such as ``"1e24"`` or ``"70B"``.

    Raises
    ------
    BayesqError
        If it is none.
    """
    found = as_number(value)
    if not least < found < np.inf:
        raise BayesqError(f"{name} is {value!r}; write a number above {least:g}.")
    return found


def read_risk(risk: Any) -> float | None:
    """Read the probability with which a choice may fail.

    Raises
    ------
    BayesqError
        If it is no number between 0 and 1.
    """
    if risk is None:
        return None
    value = np.nan if isinstance(risk, bool) else as_number(risk)
    if not 0 < value < 1:
        raise BayesqError(f"risk is {risk!r}; write a probability between 0 and 1, such as 0.05.")
    return value
