"""The largest group that keeps the degradation below a level."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from bayesq.decide import knots
from bayesq.decide.decision import Decision
from bayesq.decide.level import Asked, Keeps, level_decision
from bayesq.decide.over_laws import over_laws
from bayesq.decide.question import Setting, number
from bayesq.decide.solve import passing
from bayesq.errors import BayesqError
from bayesq.law.inputs import of_role
from bayesq.posterior.posterior import Posterior, check_posterior


@over_laws
def largest_group(
    fit: Posterior,
    /,
    *,
    level: float | str,
    risk: float | None = None,
    choice: float | None = None,
    discrepancy: bool = True,
    **scenario: Any,
) -> Decision:
    """Find the largest group that keeps the degradation below a level.

    Parameters
    ----------
    fit : Posterior or Average
        A fit of a law with the group size among its inputs, or a paper's constants.
    level : float or str
        Largest degradation allowed: nats per token, or ``"1%"`` of perplexity.
    risk : float, optional
        Probability, such as 0.05: tell also the largest group that keeps the level with all but
        that probability.
    choice : float, optional
        Group that is planned: how probably it keeps the level.
    discrepancy : bool
        False for the law's own formula.
    **scenario
        One setting without its group: ``N="595M", D="100B"``.

    Returns
    -------
    Decision
        Elements for each draw (up to 2^20), NaN where even groups of two cost more. ``choices`` has
        the probability that usual, measured and planned groups keep the level.

    Raises
    ------
    BayesqError
        If the law has no group among its inputs, or the setting lacks an input.
    """
    asked = Asked.read(level, risk, choice)
    check_posterior(fit)
    fit.require("degradation")
    groups = of_role(fit.law.own_inputs, "group")
    if not groups:
        raise BayesqError(
            f"Law {fit.law.name} does not look at the group size; fit one that does, such as "
            "chen2025."
        )
    symbol = groups[0].symbol
    # What is quantized tells which group counts; here the group itself is asked for.
    given = {k: v for k, v in scenario.items() if k not in ("w_bits", "a_bits")}
    known = {s for i in fit.law.own_inputs if i.symbol != symbol for s in (i.symbol, *i.columns)}
    given |= {k: v for k, v in scenario.items() if k in known}
    question = Setting(fit, given, "largest_group", discrepancy).ask("degradation", [symbol])
    left_out = {k: [number(k, v)] for k, v in scenario.items() if k not in given}
    question = replace(question, frame=question.frame.assign(**left_out))
    grid = knots.groups(question, symbol)
    curve = question.curve("degradation", {"log_g": grid}, lambda log_g: {symbol: 2.0**log_g})

    def above(log_g: Any) -> xr.DataArray:
        return curve(log_g=log_g) - asked.level.value

    largest = float(2.0 ** grid[-1])
    # A draw that never passes the level on the way allows anything, one that begins above nothing.
    found = (2.0 ** passing(above, grid, question.bent)).clip(max=largest)
    answer = found.where(found > 0).rename(symbol)
    goal = f"the degradation below {asked.level}"
    return level_decision(
        question,
        answer.assign_attrs(units="elements"),
        [symbol],
        f"groups of up to {{}} keep {goal}",
        f"not even groups of 2 elements keep {goal}",
        lambda value: f"{value:.0f}",
        asked,
        Keeps(lambda size: above(np.log2(size)), fewest=False, searched=(2.0, largest)),
        np.unique(question.measured_inputs.get(symbol, np.array([32.0, 64.0, 128.0, 256.0]))),
    )
