"""The number of tokens after which more of them raise the loss of the quantized network."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from bayesq.decide import knots
from bayesq.decide.decision import Decision
from bayesq.decide.evidence import SEEDS, evidence
from bayesq.decide.nats import read_nats
from bayesq.decide.over_laws import over_laws
from bayesq.decide.question import Question, Setting, needs, number, read_risk
from bayesq.decide.regret import Optimum, safe
from bayesq.decide.solve import BENT_ZOOMS, Function, minimise
from bayesq.decide.words import searched_note, sentence, share_in_words
from bayesq.intervals import quantiles
from bayesq.posterior.joined import joined
from bayesq.posterior.posterior import Posterior
from bayesq.runs.counts import format_count


def _turn(question: Question, loss: Function, grid: np.ndarray) -> xr.DataArray:
    """Find the decimal logarithm of the tokens of least loss.

    A curve that has risen behind the data by more than seeds differ by has turned, whatever its
    misfit does decades later.
    """
    if not question.bent:
        return minimise(loss, grid)[0]
    last = question.fit.observed_range.get("D", (0.0, 0.0))[1]
    after = float(np.log10(last)) if last else -np.inf
    return minimise(loss, grid, zooms=BENT_ZOOMS, rise=SEEDS, after=after - 1e-9)[0]


def _raise_the_loss(tokens: str) -> str:
    text = f"more than {tokens} raise the loss".replace("more than more than", "more than")
    return text.replace("more than less than", "even less than")


@over_laws
def critical_tokens(
    fit: Posterior,
    /,
    *,
    base: Posterior | None = None,
    tolerance: float | str = 0.005,
    risk: float | None = None,
    choice: float | str | None = None,
    discrepancy: bool = True,
    closed_form: bool = True,
    **scenario: Any,
) -> Decision:
    """Find the tokens after which training longer makes the quantized network worse.

    The loss of a law whose degradation grows with D falls to a least value and rises again: D_crit
    (Sun et al. 2025), the critical data size (Kumar et al. 2024).

    Parameters
    ----------
    fit : Posterior or Average
        A fit of a quantization law, or a paper's constants.
    base : Posterior, optional
        A fit of its base law, where `fit` is of the degradation alone. The two are taken as
        independent.
    tolerance : float or str
        How far above the least loss counts as near: nats per token, or ``"1%"`` of perplexity.
    risk : float, optional
        Probability, such as 0.05: tell also the tokens that are not yet too many with all but that
        probability.
    choice : float or str, optional
        Tokens that are planned: how probably more of them would still help, and what they cost
        above the best.
    discrepancy : bool
        False for the law's own formula, as papers work it out.
    closed_form : bool
        Whether to use the law's closed form, where it has one and its formula is asked; else the
        optimum is searched for.
    **scenario
        One setting without D: ``N="1B", exponent=4, mantissa=3, group=128``.

    Returns
    -------
    Decision
        Tokens for each draw: of least loss among those measured and on to where it has risen by
        more than 0.005 nats; infinite where it falls to the last number of tokens that was
        searched, 0 where it rises from the first. ``near_optimal`` has the ends of the range of
        tokens within `tolerance`, ``choices`` the planned and the safe tokens.

    Raises
    ------
    BayesqError
        If the law has no degradation or no base, or the setting lacks an input.

    Examples
    --------
    >>> import bayesq
    >>> paper = bayesq.published("sun2025")
    >>> print(bayesq.decide.critical_tokens(paper, N="1B", exponent=2, mantissa=1, group=128).text)
    At N 1B, E 2, M 1, B 128, more than 393B tokens raise the loss. ...
    """
    within = read_nats("tolerance", tolerance)
    risk = read_risk(risk)
    planned = None if choice is None else number("choice", choice)
    fit = joined(fit, base)
    fit.require("degradation")
    needs(fit, "loss", "D")
    question = Setting(fit, scenario, "critical_tokens", discrepancy).ask("loss", ["D"])
    grid = knots.tokens(question)
    curve = question.curve("loss", {"log_d": grid}, lambda log_d: {"D": 10.0**log_d})

    def loss(log_d: Any) -> xr.DataArray:
        return curve(log_d=log_d)

    first, last = (float(10.0 ** grid[i]) for i in (0, -1))
    found = question.closed("critical_tokens") if closed_form else None
    if found is None:
        found = 10.0 ** _turn(question, loss, grid)
    else:
        # Of a degradation that does not grow the closed form is no number.
        found = found.where((found > 0) & (found < last), np.inf)
    answer = found.rename("D").assign_attrs(units="tokens")
    text = sentence(
        question.where("D"),
        answer,
        _raise_the_loss,
        "more tokens never raise the loss"
        if not question.bent
        else f"more tokens help up to {format_count(last)}, where the search ends",
        unit="tokens",
        searched=(first, last),
    )
    seen = evidence(question, "loss", ("D",))
    otherwise = seen.turns_elsewhere(answer, "D", "the measured loss is least")
    beyond = searched_note(answer, "tokens", first, last)
    finite = answer.where(np.isfinite(answer) & (answer > 0))
    middle, one = quantiles(answer.values, [0.5])[0], answer.size == 1
    notes = question.notes({"D": middle if middle > 0 else np.nan}, beyond, otherwise, seen.apart())
    # Of a paper's constants the median is the best itself.
    asked = {"median": middle} if np.isfinite(middle) and middle > 0 and not one else {}
    if planned is not None:
        asked["planned"] = planned
        share = share_in_words(float((answer > planned).mean()))
        text += f" Beyond {format_count(planned)} tokens more of them "
        alone = "help." if float(answer.max()) > planned else "do not help."
        text += alone if one else f"help in {share} of the draws."
    if risk is not None and not one:
        bound = safe(answer, risk, fewest=False)
        sure = f"with a probability of {1 - risk:.0%}"
        if first <= bound < np.inf:
            asked["safe"] = bound
            text += f" Up to {format_count(bound)} tokens they help {sure}."
        elif bound > 0:
            text += f" Up to {format_count(last)} tokens, where the search ends, they help {sure}."
        else:
            text += f" Not even {format_count(first)} tokens are sure to help {sure}."
    around, choices, optimum = None, None, Optimum("D", answer, loss, grid)
    if finite.notnull().any():
        around = optimum.near(within.value)
    if asked:
        choices = optimum.regrets(asked)
        choices["probability_more_helps"] = [float((answer > v).mean()) for v in asked.values()]
    answer = answer.assign_attrs(searched=(first, last))
    return Decision(answer, text, notes, around, choices=choices, evidence=seen.table)
