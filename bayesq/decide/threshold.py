"""Where the degradation passes a level: in tokens, in bits, in group size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from bayesq.decide.decision import Decision
from bayesq.decide.over_laws import over_laws
from bayesq.decide.question import (
    Question,
    as_bits,
    ask,
    bits_inputs,
    needs,
    number,
    searched_note,
    sentence,
    share_in_words,
)
from bayesq.decide.solve import TOKENS, crossing
from bayesq.errors import BayesqError
from bayesq.fitting.posterior import Posterior, check_posterior
from bayesq.runs.counts import format_count
from bayesq.runs.schema import FULL_PRECISION_BITS

_FEWEST = 1.0
_LARGEST_GROUP = 2.0**20


@over_laws
def tokens_to_degradation(
    fit: Posterior, *, level: float, closed_form: bool = True, **scenario: Any
) -> Decision:
    """Find the tokens at which the degradation reaches a level (the training level of Ouyang 2024).

    Parameters
    ----------
    fit : Posterior or Average
        A fit of a quantization law, or a paper's constants.
    level : float
        Degradation, in nats per token.
    closed_form : bool
        Whether to use the law's closed form, where it has one.
    **scenario
        One setting without D: ``N="7B", bits=4``.

    Returns
    -------
    Decision
        Tokens for each draw, NaN where the degradation does not grow through the level.

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
    level = number("level", level)
    check_posterior(fit)
    fit.require("degradation")
    needs(fit, "degradation", "D")
    question = ask(fit, scenario, "degradation", free=("D",), name="tokens_to_degradation")

    def above(log_d: xr.DataArray) -> xr.DataArray:
        return question.evaluate("degradation", D=10.0**log_d) - level

    found = question.closed("tokens_to_degradation", level=level) if closed_form else None
    answer = 10.0 ** crossing(above, *TOKENS)
    if found is not None:
        # The closed form does not ask whether the degradation grows.
        answer = found.where(answer.notnull())
    answer = answer.rename("D").assign_attrs(units="tokens")
    goal = f"a degradation of {level:g} nats per token"
    return _decision(
        question,
        answer,
        "D",
        f"{{}} bring {goal}",
        f"the degradation does not grow through {level:g} nats per token",
        (format_count, "tokens"),
        (10.0 ** TOKENS[0], 10.0 ** TOKENS[1]),
    )


@over_laws
def fewest_bits(fit: Posterior, *, level: float, **scenario: Any) -> Decision:
    """Find the fewest bits that keep the degradation below a level.

    Parameters
    ----------
    fit : Posterior or Average
        A fit of a law with bits among its inputs, or a paper's constants.
    level : float
        Largest degradation allowed, in nats per token.
    **scenario
        One setting without its bits: ``N="1B", D="100B"`` and whatever else the law needs. Where
        the law knows bits of several operands, those that are not given share the answer.

    Returns
    -------
    Decision
        Bits (not rounded) for each draw, NaN where 16 bits are not enough.

    Raises
    ------
    BayesqError
        If the law has no bits among its inputs, or the setting lacks an input.
    """
    level = number("level", level)
    check_posterior(fit)
    fit.law.check_formula()
    if fit.law.base is None or not any(i.alias == "bits" for i in fit.law.inputs_of("loss")):
        raise BayesqError(
            f"Law {fit.law.name} gives no degradation as a function of w_bits; fit one that does, "
            "such as kumar2024-ptq."
        )
    inputs = bits_inputs(fit, scenario)
    symbols = [i.symbol for i in inputs]
    if not symbols:
        raise BayesqError("fewest_bits looks for bits such as w_bits; leave them out.")
    question = ask(fit, scenario, "degradation", free=symbols, name="fewest_bits")

    def allowed(bits: xr.DataArray) -> xr.DataArray:
        return level - question.evaluate("degradation", **dict.fromkeys(symbols, bits))

    most = float(FULL_PRECISION_BITS)
    found = crossing(allowed, _FEWEST, most)
    at_once = allowed(xr.DataArray(_FEWEST)) >= 0
    # One operand's answer goes by its column.
    name = (inputs[0].accounts_for or inputs[0].columns)[0] if len(inputs) == 1 else "bits"
    answer = xr.where(at_once, _FEWEST, found).rename(name).assign_attrs(units="bits")
    goal = f"the degradation below {level:g} nats per token"
    if answer.isnull().all():
        whole = ""
    else:
        enough = int(np.ceil(answer.quantile(0.95).item()))
        often = share_in_words(float((answer <= enough).mean()))
        whole = f"; {enough} whole bits are enough in {often} of the draws"
    return _decision(
        question,
        answer,
        symbols[0] if len(symbols) == 1 else "bits",
        f"{{}} keep {goal}{whole}",
        f"not even 16 bits keep {goal}",
        (as_bits, "bits"),
        (_FEWEST, most),
        also=tuple(symbols),
    )


@over_laws
def largest_group(fit: Posterior, *, level: float, **scenario: Any) -> Decision:
    """Find the largest group that keeps the degradation below a level.

    Parameters
    ----------
    fit : Posterior or Average
        A fit of a law with the group size among its inputs, or a paper's constants.
    level : float
        Largest degradation allowed, in nats per token.
    **scenario
        One setting without its group: ``N="595M", D="100B"``.

    Returns
    -------
    Decision
        Elements for each draw (up to 2^20), NaN where even groups of two cost more.

    Raises
    ------
    BayesqError
        If the law has no group among its inputs, or the setting lacks an input.
    """
    level = number("level", level)
    check_posterior(fit)
    fit.require("degradation")
    symbol = next((i.symbol for i in fit.law.own_inputs if i.alias == "group"), None)
    if symbol is None:
        raise BayesqError(
            f"Law {fit.law.name} does not look at the group size; fit one that does, such as "
            "chen2025."
        )
    # What is quantized tells which group counts; here the group itself is asked for.
    given = {k: v for k, v in scenario.items() if k not in ("w_bits", "a_bits")}
    known = {s for i in fit.law.own_inputs if i.symbol != symbol for s in (i.symbol, *i.columns)}
    given |= {k: v for k, v in scenario.items() if k in known}
    question = ask(fit, given, "degradation", free=(symbol,), name="largest_group")
    left_out = {k: [number(k, v)] for k, v in scenario.items() if k not in given}
    question = replace(question, frame=question.frame.assign(**left_out))

    def above(log_g: xr.DataArray) -> xr.DataArray:
        return question.evaluate("degradation", **{symbol: 2.0**log_g}) - level

    most = float(np.log2(_LARGEST_GROUP))
    found = 2.0 ** crossing(above, 1.0, most)
    anything = above(xr.DataArray(most)) <= 0
    answer = xr.where(anything, _LARGEST_GROUP, found).rename(symbol)
    goal = f"the degradation below {level:g} nats per token"
    return _decision(
        question,
        answer.assign_attrs(units="elements"),
        symbol,
        f"groups of up to {{}} keep {goal}",
        f"not even groups of 2 elements keep {goal}",
        (lambda value: f"{value:.0f}", "elements"),
        (2.0, _LARGEST_GROUP),
    )


def _decision(
    question: Question,
    answer: xr.DataArray,
    symbol: str,
    says: str,
    never: str,
    show: tuple[Callable[[float], str], str],
    searched: tuple[float, float],
    also: tuple[str, ...] = (),
) -> Decision:
    text = sentence(question.where(symbol), answer, says.format, never, *show)
    # Without an answer, what was tried in vain is 16 bits.
    middle = float(answer.median().fillna(FULL_PRECISION_BITS if also else np.nan))
    beyond = searched_note(answer, show[1], *searched)
    return Decision(answer, text, question.notes(dict.fromkeys((symbol, *also), middle), beyond))
