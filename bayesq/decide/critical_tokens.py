"""The number of tokens after which more of them raise the loss of the quantized network."""

from __future__ import annotations

from typing import Any

import xarray as xr

from bayesq.decide.decision import Decision
from bayesq.decide.over_laws import over_laws
from bayesq.decide.question import ask, needs, number, searched_note, sentence
from bayesq.decide.solve import TOKENS, log10, minimise, near
from bayesq.fitting.joined import joined
from bayesq.fitting.posterior import Posterior


@over_laws
def critical_tokens(
    fit: Posterior,
    *,
    base: Posterior | None = None,
    tolerance: float = 0.005,
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
    tolerance : float
        Nats per token above the least loss that count as near.
    closed_form : bool
        Whether to use the law's closed form, where it has one; else the optimum is searched for.
    **scenario
        One setting without D: ``N="1B", exponent=4, mantissa=3, group=128``.

    Returns
    -------
    Decision
        Tokens for each draw, NaN where the loss falls (or rises) at any number of tokens;
        ``near_optimal`` has the ends of the range of tokens within `tolerance`.

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
    tolerance = number("tolerance", tolerance)
    fit = joined(fit, base)
    fit.require("degradation")
    needs(fit, "loss", "D")
    question = ask(fit, scenario, "loss", free=("D",), name="critical_tokens")

    def loss(log_d: Any) -> xr.DataArray:
        return question.evaluate("loss", D=10.0**log_d)

    found = question.closed("critical_tokens") if closed_form else None
    if found is None:
        log_d, _ = minimise(loss, *TOKENS)
        found = 10.0**log_d
    first, last = (10.0**end for end in TOKENS)
    found = found.where((found > 0) & (found < last))
    answer = found.rename("D").assign_attrs(units="tokens")
    text = sentence(
        question.where("D"),
        answer,
        lambda tokens: f"more than {tokens} raise the loss",
        "more tokens never raise the loss",
        unit="tokens",
    )
    beyond = searched_note(answer, "tokens", first, last)
    notes = question.notes({"D": float(answer.median())}, beyond)
    if answer.isnull().all():
        return Decision(answer, text, notes)
    return Decision(answer, text, notes, near(loss, log10(answer), *TOKENS, tolerance, "D"))
