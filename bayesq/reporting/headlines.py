"""What a report says first: the answers, or what was fitted and what it comes to."""

from __future__ import annotations

import numpy as np

from bayesq.intervals import interval
from bayesq.notes import series
from bayesq.posterior.average import Average
from bayesq.posterior.constants import PublishedFit
from bayesq.posterior.fit import Fit
from bayesq.posterior.fitted import Fitted
from bayesq.posterior.posterior import Posterior
from bayesq.reporting.subjects import Subject, Subjects
from bayesq.runs.counts import format_count

_MOST = 6  # parameters that one sentence can bear


def headlines(subjects: Subjects) -> list[str]:
    """Say in a sentence or two of each fit what it is and what it comes to."""
    return [_named(subject) + _headline(subject) for subject in subjects.each]


def _named(subject: Subject) -> str:
    """Give a fit its name first, where the sentence would not say which it is."""
    fit = subject.fit
    plain = isinstance(fit, Average) or subject.name == fit.law.name
    return "" if plain else f"{subject.title}: "


def number(value: float) -> str:
    """Write a number with four digits, as the tables do."""
    return f"{value:.4g}"


def _headline(subject: Subject) -> str:
    fit = subject.asked
    if isinstance(fit, Average):
        return f"An average of {fit.title}, for {fit.response}."
    if isinstance(fit, PublishedFit):
        shown = [
            f"{k} {number(v)}"
            for k, v in fit.constants.values.items()
            if isinstance(v, int | float)
        ]
        listed = f": {', '.join(shown)}" if shown else ""
        return f"The constants of {fit.constants.source} for law {fit.law.name}{listed}."
    told = [f"{_what(subject)}{_parameters(fit)}."]
    if largest := _at_the_largest(fit):
        told.append(largest)
    return " ".join(told)


def _what(subject: Subject) -> str:
    fit = subject.asked
    assert isinstance(fit, Posterior)
    study = f", study {subject.study}," if subject.study is not None else ""
    title = f" ({fit.law.title})" if fit.law.title else ""
    rows = f"{len(fit.design.index):,} rows" if isinstance(fit, Fitted) else "its rows"
    source = f" of {fit.design.runs.source}" if isinstance(fit, Fitted) else ""
    return f"Law {fit.law.name}{title}{study} was fitted to the {fit.response} of {rows}{source}"


def _parameters(fit: Posterior | Average) -> str:
    if not isinstance(fit, Fitted):
        return ""
    table = fit.summary()
    own, every = fit.law.parameters, fit.law.parameters_of(fit.response)
    # Parameters with a value for each kind are too many to say.
    each = ([p.symbol for p in ps if p.symbol in table.index] for ps in (own, every))
    told = next((symbols for symbols in each if symbols), [])[:_MOST]
    shown = [
        f"{name} {number(row['median'])} ({number(row['lower'])} to {number(row['upper'])})"
        for name, row in table.loc[told].iterrows()
    ]
    if not shown:
        return ""
    pooled = isinstance(fit, Fit) and fit.pooling is not None
    middle = f", of the middle of its {len(fit.studies)} studies" if pooled else ""
    return f", with {series(shown)}, medians with the {interval().name}{middle}"


def _at_the_largest(fit: Posterior | Average) -> str:
    """Say what the fit foretells at the largest setting that was measured, where it is plain."""
    if not isinstance(fit, Fitted) or not fit.law.at_hand or fit.kinds or fit.rows is None:
        return ""
    inputs = fit.design.inputs
    wanted = [i for i in fit.law.inputs_of(fit.response) if i.scale != "flag"]
    if not {"N", "D"} <= {i.symbol for i in wanted} or fit.specification.pooling is not None:
        return ""
    row = int(np.argmax(inputs["N"] * inputs["D"]))
    if "quantized" in inputs and inputs["quantized"][row] != 1:
        return ""  # a format stands there as a filler
    from bayesq.prediction.predict import predict

    setting = {i.symbol: float(inputs[i.symbol][row]) for i in wanted}
    told = predict(fit, setting).to_frame().iloc[0]
    where = ", ".join(f"{symbol} {format_count(value)}" for symbol, value in setting.items())
    return (
        f"At the largest setting that was measured ({where}) it says a {fit.response} of "
        f"{number(told['median'])} nats per token ({interval().name} {number(told['lower'])} to "
        f"{number(told['upper'])}), the mean of runs."
    )
