"""The tokens at which the degradation reaches a level."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from bayesq.decide import knots
from bayesq.decide.decision import Decision
from bayesq.decide.level import Asked, Keeps, level_decision
from bayesq.decide.over_laws import over_laws
from bayesq.decide.question import Setting, needs
from bayesq.decide.solve import passing
from bayesq.posterior.posterior import Posterior, check_posterior
from bayesq.runs.counts import format_count


@over_laws
def tokens_to_degradation(
    fit: Posterior,
    /,
    *,
    level: float | str,
    risk: float | None = None,
    choice: float | str | None = None,
    discrepancy: bool = True,
    closed_form: bool = True,
    **scenario: Any,
) -> Decision:
    """Find the tokens at which the degradation reaches a level (the training level of Ouyang 2024).

    Parameters
    ----------
    fit : Posterior or Average
        A fit of a quantization law, or a paper's constants.
    level : float or str
        Degradation: nats per token, or ``"1%"`` of perplexity.
    risk : float, optional
        Probability, such as 0.05: tell also the tokens up to which the level is not reached with
        all but that probability.
    choice : float or str, optional
        Tokens that are planned: how probably the level is not reached there.
    discrepancy : bool
        False for the law's own formula, as papers work it out.
    closed_form : bool
        Whether to use the law's closed form, where it has one and its formula is asked.
    **scenario
        One setting without D: ``N="7B", bits=4``.

    Returns
    -------
    Decision
        Tokens for each draw; infinite where the level is not reached by the last number of tokens
        that was searched, 0 where the degradation is above it from the first.
        ``choices`` has the planned and the safe tokens.

    Raises
    ------
    BayesqError
        If the law has no degradation that depends on tokens, or the setting lacks an input.

    Examples
    --------
    >>> import bayesq
    >>> paper = bayesq.published("ouyang2024")
    >>> answer = bayesq.decide.tokens_to_degradation(paper, level=0.2, N="7B", bits=2)
    >>> round(float(answer.draws.median()) / 1e12, 4)
    0.0027
    """
    asked = Asked.read(level, risk, choice)
    check_posterior(fit)
    fit.require("degradation")
    needs(fit, "degradation", "D")
    name = "tokens_to_degradation"
    question = Setting(fit, scenario, name, discrepancy).ask("degradation", ["D"])
    grid = knots.tokens(question)
    curve = question.curve("degradation", {"log_d": grid}, lambda log_d: {"D": 10.0**log_d})

    def above(log_d: Any) -> xr.DataArray:
        return curve(log_d=log_d) - asked.level.value

    found = question.closed(name, level=asked.level.value) if closed_form else None
    answer = 10.0 ** passing(above, grid, question.bent)
    if found is not None:
        # The closed form does not ask whether the degradation grows.
        answer = xr.where(np.isfinite(answer) & (answer > 0), found, answer)
    answer = answer.rename("D").assign_attrs(units="tokens")
    goal = f"a degradation of {asked.level}"
    searched = (float(10.0 ** grid[0]), float(10.0 ** grid[-1]))
    return level_decision(
        question,
        answer,
        ["D"],
        f"{{}} bring {goal}",
        f"the degradation stays below {asked.level} up to {format_count(searched[1])} tokens",
        format_count,
        asked,
        Keeps(lambda tokens: above(np.log10(tokens)), fewest=False, searched=searched),
    )
