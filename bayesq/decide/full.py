"""Full precision among the settings of a law of quantization: 16 bits, where nothing is added."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from bayesq.decide.question import Question, Setting, number
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


def ask_any(setting: Setting, free: Collection[str]) -> Question:
    """Put a question about the loss, quantized or in full precision.

    Parameters
    ----------
    setting : Setting
        Columns or inputs; all bits that it names at 16 mean full precision.
    free : collection of str
        Inputs that the decision looks for.

    Raises
    ------
    BayesqError
        If it is not one setting.
    """
    fit = setting.fit
    names = set[str]() if fit.law.base is None else bits_names(fit)
    told = {k: v for k, v in setting.given.items() if k in names}
    # `number` refuses what is none, in a sentence.
    if not told or any(number(k, v) < FULL_PRECISION_BITS for k, v in told.items()):
        return setting.ask("loss", free)
    formats = {*bits_names(fit), *FORMAT, "stage", "group", *fit.levels}
    formats |= {n for i in fit.law.inputs_of("loss") if i.format for n in (i.symbol, i.alias)}
    rest = {k: v for k, v in setting.given.items() if k not in formats}
    idle = full_precision(fit)
    question = replace(setting, given=rest).ask("loss", {*free, *idle} - {"quantized"})
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
