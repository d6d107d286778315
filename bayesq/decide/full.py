"""Full precision among the settings of a law of quantization: 16 bits, where nothing is added."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bayesq.decide.question import Question, ask, number
from bayesq.law.inputs import of_role
from bayesq.posterior.posterior import Posterior
from bayesq.runs.schema import BITS, FORMAT, FULL_PRECISION_BITS

# What it is called among the kinds of a law.
FULL = "full precision"


def bits_names(fit: Posterior) -> set[str]:
    """List what a setting may call bits."""
    own = of_role(fit.law.inputs_of("loss"), "bits", "post_bits")
    names = {name for i in own for name in (i.symbol, i.alias)}
    return {"bits", "post_bits", "fc2_a_bits", *BITS, *names}


def is_full(fit: Posterior, scenario: Mapping[str, Any]) -> bool:
    """Tell whether a setting gives bits, and 16 of all that it gives."""
    told = {k: v for k, v in scenario.items() if k in bits_names(fit)}
    # `number` refuses what is none, in a sentence.
    return bool(told) and all(number(k, v) >= FULL_PRECISION_BITS for k, v in told.items())


def ask_any(
    fit: Posterior,
    scenario: Mapping[str, Any],
    *,
    free: Collection[str],
    name: str,
    discrepancy: bool,
) -> Question:
    """Check one setting for a decision, quantized or in full precision.

    Parameters
    ----------
    fit : Posterior
        Whom to ask.
    scenario : mapping
        Columns or inputs; all bits that it names at 16 mean full precision.
    free, name, discrepancy
        As in :func:`bayesq.decide.question.ask`.

    Raises
    ------
    BayesqError
        If the scenario is not one setting.
    """
    if fit.law.base is None or not is_full(fit, scenario):
        return ask(fit, scenario, "loss", free=free, name=name, discrepancy=discrepancy)
    formats = {*bits_names(fit), *FORMAT, "stage", "group", *fit.levels}
    formats |= {n for i in fit.law.inputs_of("loss") if i.format for n in (i.symbol, i.alias)}
    rest = {k: v for k, v in scenario.items() if k not in formats}
    idle = full_precision(fit)
    question = ask(
        fit, rest, "loss", free={*free, *idle} - {"quantized"}, name=name, discrepancy=discrepancy
    )
    return replace(question, inputs=question.inputs | idle)


def full_precision(fit: Posterior) -> dict[str, float]:
    """Give the inputs of a format where there is none, by symbol.

    A formula asks for numbers even where what it adds is switched off, and so does its misfit:
    they are those that rows in full precision were fitted with.
    """
    idle = {"quantized": 0.0} | {s: float(len(labels)) for s, labels in fit.levels.items()}
    rows = fit.rows
    for i in fit.law.inputs_of("loss"):
        if not i.format:
            continue
        fitted = np.empty(0)
        if rows is not None and i.symbol in rows and "quantized" in rows:
            fitted = rows[i.symbol].values[rows["quantized"].values == 0]
        if fitted.size:
            idle[i.symbol] = float(fitted[0])
        elif i.neutral is not None:
            idle[i.symbol] = float(i.neutral)
        else:
            low, high = fit.observed_range.get(i.symbol, (1.0, float(FULL_PRECISION_BITS)))
            idle[i.symbol] = float(np.sqrt(low * high)) if i.scale == "log" else (low + high) / 2
    return idle
