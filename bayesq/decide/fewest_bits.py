"""The fewest bits that keep the degradation below a level."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from bayesq.decide import knots
from bayesq.decide.decision import Decision
from bayesq.decide.level import Asked, Keeps, level_decision
from bayesq.decide.optimum import measured_bits
from bayesq.decide.over_laws import over_laws
from bayesq.decide.question import Question, Setting, bits_inputs
from bayesq.decide.solve import passing
from bayesq.decide.words import as_bits, share_in_words
from bayesq.errors import BayesqError
from bayesq.law.inputs import of_role
from bayesq.posterior.posterior import Posterior, check_posterior
from bayesq.runs.schema import FULL_PRECISION_BITS


@over_laws
def fewest_bits(
    fit: Posterior,
    /,
    *,
    level: float | str,
    risk: float | None = None,
    choice: float | None = None,
    discrepancy: bool = True,
    **scenario: Any,
) -> Decision:
    """Find the fewest bits that keep the degradation below a level.

    Parameters
    ----------
    fit : Posterior or Average
        A fit of a law with bits among its inputs, or a paper's constants.
    level : float or str
        Largest degradation allowed: nats per token, or ``"1%"`` of perplexity.
    risk : float, optional
        Probability, such as 0.05: tell also the fewest bits that keep the level with all but that
        probability.
    choice : float, optional
        Bits that are planned: how probably they keep the level.
    discrepancy : bool
        False for the law's own formula.
    **scenario
        One setting without its bits: ``N="1B", D="100B"`` and whatever else the law needs. Where
        the law knows bits of several operands, those that are not given share the answer.

    Returns
    -------
    Decision
        Bits (not rounded) for each draw, infinite where 16 bits are not enough. ``choices`` has the
        probability that each whole number of bits, each measured width, and what was planned keep
        the level, as :func:`bayesq.predict` has it.

    Raises
    ------
    BayesqError
        If the law has no bits among its inputs, or the setting lacks an input.
    """
    asked = Asked.read(level, risk, choice)
    check_posterior(fit)
    fit.law.check_formula()
    if fit.law.base is None or not of_role(fit.law.inputs_of("loss"), "bits"):
        raise BayesqError(
            f"Law {fit.law.name} gives no degradation as a function of w_bits; fit one that does, "
            "such as kumar2024-ptq."
        )
    inputs = bits_inputs(fit, scenario)
    symbols = [i.symbol for i in inputs]
    if not symbols:
        raise BayesqError("fewest_bits looks for bits such as w_bits; leave them out.")
    question = Setting(fit, scenario, "fewest_bits", discrepancy).ask("degradation", symbols)
    grid = knots.bits(question, symbols)
    curve = question.curve("degradation", {"bits": grid}, lambda bits: dict.fromkeys(symbols, bits))

    def allowed(bits: Any) -> xr.DataArray:
        return asked.level.value - curve(bits=bits)

    found = passing(allowed, grid, question.bent)
    # One operand's answer goes by its column.
    name = (inputs[0].accounts_for or inputs[0].columns)[0] if len(inputs) == 1 else "bits"
    answer = xr.where(found == -np.inf, grid[0], found).rename(name).assign_attrs(units="bits")
    goal = f"the degradation below {asked.level}"
    ends = (float(grid[0]), float(grid[-1]))
    keeps = Keeps(lambda bits: -allowed(bits), fewest=True, searched=ends)
    measured = measured_bits(question, symbols)
    whole = _whole_bits(question, keeps, asked, answer, measured)
    return level_decision(
        question,
        answer,
        symbols,
        f"{{}} keep {goal}{whole}",
        f"not even 16 bits keep {goal}",
        as_bits,
        asked,
        keeps,
        measured,
    )


def _whole_bits(
    question: Question,
    keeps: Keeps,
    asked: Asked,
    answer: xr.DataArray,
    measured: np.ndarray,
) -> str:
    """Word what whole bits do, and between which measured widths the answer lies."""
    middle = float(answer.median())
    if not np.isfinite(middle):
        return ""
    whole = np.arange(2, FULL_PRECISION_BITS + 1)
    shares = dict(zip(whole.tolist(), keeps.shares(whole.astype(float)).tolist(), strict=True))
    enough = next((b for b, share in shares.items() if share >= 0.95), FULL_PRECISION_BITS)
    if answer.size == 1:
        return f"; {enough} whole bits are enough" if shares[enough] else ""
    text = f"; {enough} whole bits are enough in {share_in_words(shares[enough])} of the draws"
    if shares.get(enough - 1, 0.0) > 0.05:
        text += f", {enough - 1} in {share_in_words(shares[enough - 1])}"
    below, above = measured[measured <= middle], measured[measured >= middle]
    if question.bent and below.size and above.size and below[-1] != above[0]:
        text += (
            f"; between {below[-1]:g} and {above[0]:g} bits, which were measured, it interpolates"
        )
    return text
