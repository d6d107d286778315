"""The size and the tokens of least loss at a budget of compute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from bayesq.decide.decision import Decision, answers
from bayesq.decide.evidence import evidence
from bayesq.decide.knots import sizes
from bayesq.decide.nats import read_nats
from bayesq.decide.optimum import DECADES, cost_per_pair
from bayesq.decide.over_laws import over_laws
from bayesq.decide.question import Question, Setting, needs, number
from bayesq.decide.regret import Optimum
from bayesq.decide.solve import BENT_ZOOMS, log10, minimise
from bayesq.decide.words import interval, share_in_words, short
from bayesq.posterior.joined import joined
from bayesq.posterior.posterior import Posterior
from bayesq.prediction.curve import Curve
from bayesq.runs.counts import format_count

_FORMULA = np.linspace(*DECADES, 121)
_REACH, _APART = 2.5, 0.06  # decades of N around the formula's best, and between knots
_STEP = 0.5  # decades of compute to either side, for the exponents
_EXPECTED = ("expected_regret", "expected_regret_percent")
_ALIKE = 0.03  # decades of compute: budgets that differ by less are one


@over_laws
def compute_optimal(
    fit: Posterior,
    /,
    *,
    compute: float | str,
    base: Posterior | None = None,
    tolerance: float | str = 0.005,
    choice: float | str | None = None,
    discrepancy: bool = True,
    closed_form: bool = True,
    **scenario: Any,
) -> Decision:
    """Find N* and D* of least loss under compute = 6 N D, and how they grow with compute.

    Where bits are to be chosen too, ask :func:`bayesq.decide.optimal_precision`.

    Parameters
    ----------
    fit : Posterior or Average
        A fit of a base law, or of a quantization law at one format; or a paper's constants.
    compute : float or str
        Floating-point operations.
    base : Posterior, optional
        A fit of the base law, where `fit` is of a degradation alone.
    tolerance : float or str
        How far above the least loss counts as near: nats per token, or ``"1%"`` of perplexity.
    choice : float or str, optional
        Parameters that are planned: what they cost above the best.
    discrepancy : bool
        False for the law's own formula, as papers work it out.
    closed_form : bool
        Whether to use the law's closed form, where it has one and its formula is asked.
    **scenario
        The format, for a quantization law: ``w_bits=4, a_bits=4``.

    Returns
    -------
    Decision
        A dataset of ``N`` (parameters), ``D`` (tokens), and the exponents ``a`` and ``b`` with
        which they grow with compute over the decade around it; NaN where there is no optimum.
        ``near_optimal`` has the ends of the range of N within `tolerance`, ``choices`` what the
        median and the planned size cost above the best.

    Raises
    ------
    BayesqError
        If the law lacks N or D, or the setting lacks an input.

    Examples
    --------
    >>> import bayesq
    >>> paper = bayesq.published("chinchilla")
    >>> answer = bayesq.decide.compute_optimal(paper, compute=5.76e23)
    >>> round(answer.draws["a"].item(), 3)
    0.513
    """
    budget = number("compute", compute)
    within = read_nats("tolerance", tolerance)
    planned = None if choice is None else number("choice", choice)
    fit = joined(fit, base)
    needs(fit, "loss", "N", "D")
    question = Setting(fit, scenario, "compute_optimal", discrepancy).ask("loss", ("N", "D"))
    found = at_budget(question, budget, closed_form=closed_form)
    draws = found.answers(growth=True)
    size, tokens, a = (draws[name] for name in ("N", "D", "a"))
    without = float(size.isnull().mean())
    where = question.where()
    seen = evidence(question, "loss", ("N", "D"), compute=budget)
    if without == 1:
        text = f"{where}no size is best: there is no optimum."
        return Decision(draws, text, question.notes({}), evidence=seen.table)
    text = (
        f"{where}{interval(size, unit='parameters')} and {interval(tokens, unit='tokens')} give "
        f"the least loss for {budget:.3g} FLOP; the size grows with compute to the power "
        f"{interval(a, short)}."
    )
    if without:
        text += f" In {share_in_words(without)} of the draws there is no optimum."
    at = {"N": float(size.median()), "D": float(tokens.median())}
    optimum = Optimum("N", size, found.loss, found.searched)
    choices = {"median": at["N"]} | ({} if planned is None else {"planned": planned})
    costs = optimum.regrets(choices)
    if planned is not None:
        nats, percent = (float(costs[c].to_numpy()[-1]) for c in _EXPECTED)
        what = f" {format_count(planned)} parameters"
        text += (
            f"{what} are expected to cost {short(nats)} nats ({short(percent)}% of perplexity) "
            "above the best."
            if np.isfinite(nats)
            else f"{what} lie beyond what was searched, "
            f"{format_count(10.0 ** found.searched[0])} to "
            f"{format_count(10.0 ** found.searched[-1])}."
        )
    around = optimum.near(within.value)
    what = "at this budget the measured loss is least"
    otherwise = seen.turns_elsewhere(draws["N"], "N", what, _ALIKE)
    notes = question.notes(at, otherwise, seen.apart())
    return Decision(draws, text, notes, around, choices=costs, evidence=seen.table)


@dataclass(frozen=True, eq=False)
class AtBudget:
    """The best sizes at one budget, draw by draw, and the curve that they are the least of.

    Made by :func:`at_budget`: what :func:`compute_optimal` and its figure share.

    Parameters
    ----------
    question : Question
        The setting.
    budget : float
        Floating-point operations.
    curve : Curve
        Loss over decimal logarithms of size and compute, for half a decade of compute around.
    searched : ndarray
        Logarithms of sizes that are searched, rising.
    closed_form : bool
        Whether the law's closed form is used, where it has one and its formula is asked.
    """

    question: Question
    budget: float
    curve: Curve
    searched: np.ndarray
    closed_form: bool

    def loss(self, log_n: xr.DataArray) -> xr.DataArray:
        """Work out the loss of sizes at the budget, in nats per token."""
        return self.curve(log_n=log_n, log_c=float(np.log10(self.budget)))

    def answers(self, *, growth: bool) -> xr.Dataset:
        """Find the best size and the best tokens, and the exponents with which they grow.

        Parameters
        ----------
        growth : bool
            Whether the exponents ``a`` and ``b`` are wanted, which take twice as long again.
        """
        size = self._best(0.0)
        tokens = self.budget / cost_per_pair() / size
        told: dict[str, Any] = {"N": (size, "parameters"), "D": (tokens, "tokens")}
        if growth:
            before, after = self._best(-_STEP), self._best(_STEP)
            a = (log10(after) - log10(before)) / (2 * _STEP)
            told |= {"a": (a, "1"), "b": (1 - a, "1")}
        return answers(**told)

    def _best(self, shift: float) -> xr.DataArray:
        log_c = float(np.log10(self.budget) + shift)
        if self.closed_form:
            found = self.question.closed("compute_optimal", compute=10.0**log_c)
            if found is not None:
                return found["N"]  # type: ignore[no-any-return]
        zooms = BENT_ZOOMS if self.question.bent else 5
        log_n, _ = minimise(
            lambda log_n: self.curve(log_n=log_n, log_c=log_c), self.searched, zooms=zooms
        )
        return (10.0**log_n).where(np.isfinite(log_n))


def at_budget(question: Question, budget: float, *, closed_form: bool = True) -> AtBudget:
    """Draw the curve at a budget, to look for the best size along it."""
    log_c = np.log10(budget) + _STEP * np.array([-1.0, 0.0, 1.0])
    searched = _searched(question, budget)
    curve = question.curve("loss", {"log_n": searched, "log_c": log_c}, _inputs)
    return AtBudget(question, budget, curve, searched, closed_form)


def _inputs(log_n: Any, log_c: Any) -> dict[str, Any]:
    """Sizes and tokens that a budget of compute pays for."""
    return {"N": 10.0**log_n, "D": 10.0 ** (log_c - log_n) / cost_per_pair()}


def _searched(question: Question, budget: float) -> np.ndarray:
    """Decimal logarithms of sizes to search: of a bent curve, around the formula's best."""
    if not question.bent:
        return _FORMULA
    found = question.by_formula("compute_optimal", compute=budget)
    if found is not None:
        best = log10(found["N"])
    else:
        formula = question.curve("loss", {}, _inputs, bent=False)
        log_c = float(np.log10(budget))
        best, _ = minimise(lambda log_n: formula(log_n=log_n, log_c=log_c), _FORMULA, zooms=0)
    return sizes(question, best, _REACH, _APART)
