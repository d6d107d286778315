"""The number of tokens after which more of them raise the loss of the quantized network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.decide.decision import Decision
from bayesq.decide.question import ask, number, searched_note, sentence
from bayesq.decide.solve import crossing, log10, minimise
from bayesq.errors import BayesqError
from bayesq.fitting.joined import joined
from bayesq.fitting.posterior import Posterior
from bayesq.notes import by_severity

# Decades of tokens searched: any run, and far beyond.
_LOW, _HIGH = 3.0, 30.0


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
    fit : Posterior
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
    At N 1B, E 2, M 1, B 128, more than 387B tokens raise the loss. ...
    """
    tolerance = number("tolerance", tolerance)
    fit = joined(fit, base)
    fit.require("degradation")
    question = ask(fit, scenario, "loss", free=("D",), name="critical_tokens")
    if not any(i.symbol == "D" for i in fit.law.inputs_of("loss")):
        raise BayesqError(f"Law {fit.law.name} does not depend on tokens; ask another law.")

    def loss(log_d: Any) -> xr.DataArray:
        return question.evaluate("loss", D=10.0**log_d)

    found = question.closed("critical_tokens") if closed_form else None
    if found is None:
        log_d, _ = minimise(loss, _LOW, _HIGH)
        found = 10.0**log_d
    found = found.where((found > 0) & (found < 10.0**_HIGH))
    answer = found.rename("D").assign_attrs(units="tokens")
    text = sentence(
        question.where("D"),
        answer,
        lambda tokens: f"more than {tokens} raise the loss",
        "more tokens never raise the loss",
        unit="tokens",
    )
    found_notes = question.notes({"D": float(answer.median())})
    beyond = searched_note(answer, "tokens", 10.0**_LOW, 10.0**_HIGH)
    notes = by_severity([*found_notes, *([beyond] if beyond else [])])
    if answer.isnull().all():
        return Decision(answer, text, notes)
    return Decision(answer, text, notes, _near(loss, log10(answer), tolerance))


def _near(loss: Any, best: xr.DataArray, tolerance: float) -> pd.DataFrame:
    """Range of tokens in which the loss is within a tolerance of its least."""
    least = loss(best) + tolerance
    lower = crossing(lambda back: loss(best - back) - least, 0.0, best - _LOW)
    upper = crossing(lambda on: loss(best + on) - least, 0.0, _HIGH - best)
    # Where the loss does not rise so far, everything on that side is near.
    first = (best - lower).fillna(_LOW).where(best.notnull())
    last = (best + upper).fillna(np.inf).where(best.notnull())
    return pd.DataFrame(
        {
            "tolerance": [tolerance],
            "lower": [10.0 ** float(first.quantile(0.5, method="nearest"))],
            "upper": [10.0 ** float(last.quantile(0.5, method="nearest"))],
        },
        index=pd.Index(["D"], name="answer"),
    )
