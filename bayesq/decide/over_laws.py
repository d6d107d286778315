"""Decisions of several laws at once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Concatenate

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.decide.decision import Decision
from bayesq.decide.nats import Nats, read_nats
from bayesq.decide.options import over_options
from bayesq.decide.question import read_risk
from bayesq.decide.regret import safe
from bayesq.decide.words import as_bits, interval, share_in_words, short
from bayesq.errors import BayesqError
from bayesq.notes import by_severity
from bayesq.posterior.average import Average
from bayesq.posterior.posterior import Posterior
from bayesq.runs.counts import format_count

_TOLERANCE = 0.005
_OVER = ("chain", "draw")
# Decisions of which more, or less, is safe: others choose by what an option may cost.
_SAFER = ("fewest_bits", "tokens_to_degradation", "largest_group", "critical_tokens")
# What some decisions take and others do not, which is no column of a scenario.
_OPTIONS = (
    *("risk", "choice", "level", "tolerance", "memory", "compute", "embeddings", "scale_bits"),
    *("zero_bits", "serving", "budget", "inference_tokens", "over", "formats", "closed_form"),
)
_SHOW: dict[str, Callable[[float], str]] = {
    "tokens": format_count,
    "parameters": format_count,
    "bits": as_bits,
}


def over_laws[**Asked](
    decide: Callable[Concatenate[Posterior, Asked], Decision],
) -> Callable[Concatenate[Posterior | Average, Asked], Decision]:
    """Let a decision be asked of an average: of each law, and then of their mixture."""

    @functools.wraps(decide)
    def answer(*args: Any, **asked: Any) -> Decision:
        fit, *others = args or (asked.pop("fit", None),)
        if not isinstance(fit, Average):
            _check_options(decide, asked)
            return _numbered(decide(fit, *others, **asked))
        told: dict[str, Decision] = {}
        for name, one in fit.fits.items():
            try:
                told[name] = decide(one, *others, **asked)
            except BayesqError as error:
                if not fit.weights[name]:
                    continue  # what has no weight need not have an answer
                raise BayesqError(f"Of the laws averaged, {name} has no answer: {error}") from error
        within = read_nats("tolerance", asked.get("tolerance", _TOLERANCE))
        risk = read_risk(asked.get("risk")) if decide.__name__ in _SAFER else None
        return mixture(fit, told, within, risk)

    return answer


def _numbered(decision: Decision) -> Decision:
    """Give draws their numbers, without which they are worked out: aligning takes long."""
    sizes = decision.draws.sizes
    draws = decision.draws.assign_coords({d: range(sizes[d]) for d in _OVER})
    return replace(decision, draws=draws)


def mixture(
    average: Average, told: Mapping[str, Decision], tolerance: Nats, risk: float | None = None
) -> Decision:
    """Mix what laws answer to one question.

    Raises
    ------
    BayesqError
        If they answer about different options.
    """
    try:
        each: Any = {name: d.draws for name, d in told.items()}
        draws = average.mix(each)
    except ValueError as error:
        raise BayesqError(
            "The laws averaged know different options; name the options that all of them know."
        ) from error
    table = _by_law({name: d.near_optimal for name, d in told.items()})
    alone = " ".join(f"{name} alone: {d.answer}" for name, d in told.items())
    if isinstance(draws, xr.Dataset) and {"loss", "regret"} <= set(draws):
        (dim,) = set(draws["loss"].dims) - {"chain", "draw"}
        options = over_options(draws["loss"], str(dim), tolerance)
        text, table = f"{options.words(str(dim))}.", options.near
    else:
        text = _words(draws)
        if risk is not None and isinstance(draws, xr.DataArray):
            unit = str(draws.attrs.get("units"))
            fewest = unit == "bits"
            bound = safe(draws, risk, fewest=fewest)
            said = f"{'at least' if fewest else 'at most'} {_SHOW.get(unit, short)(bound)}"
            said = said if 0 < bound < np.inf else "nothing that was searched"
            text += f" Safe with a probability of {1 - risk:.0%}: {said}."
    notes = dict.fromkeys(
        replace(n, message=f"{name}: {n.message}") for name, d in told.items() for n in d.notes
    )
    return Decision(
        draws,
        f"Over {average.title}, {text} {alone}",
        by_severity([*notes, *average.notes]),
        table,
        choices=_choices(average, told),
        evidence=_by_law({name: d.evidence for name, d in told.items()}),
        laws={name: (average.weights[name], d) for name, d in told.items()},
        level=next(iter(told.values())).level,
        response=next(iter(told.values())).response,
    )


def _by_law(tables: Mapping[str, Any]) -> pd.DataFrame | None:
    known = {name: table for name, table in tables.items() if table is not None}
    return pd.concat(known, names=["law"]) if known else None


def _choices(average: Average, told: Mapping[str, Decision]) -> pd.DataFrame | None:
    """Tabulate what each law says of the choices that all of them know, below their average."""
    each = {name: d.choices for name, d in told.items() if d.choices is not None}
    if len(each) < len(told):
        return _by_law(each)
    first, *others = each.values()
    value = str(first.columns[0])
    means = [c for c in first if str(c).startswith(("probability", "expected"))]
    of_lists = value in means or value == "regret"

    def shared(c: Any, other: pd.DataFrame) -> bool:
        # A choice that each law has of its own, such as its median, is none to average; laws may
        # call what is chosen by symbols of their own.
        own = c in other.index and (of_lists or other.iloc[:, 0][c] == first.loc[c, value])
        return bool(own)

    common = [c for c in first.index if all(shared(c, other) for other in others)]
    used = {name: table for name, table in each.items() if average.weights[name]}
    mixed = sum(average.weights[name] * table.loc[common, means] for name, table in used.items())
    shown = first.loc[common, [value] if not of_lists else []]
    return _by_law({"average": shown.assign(**mixed)} | each)  # type: ignore[arg-type]


def _check_options(decide: Callable[..., Decision], asked: Mapping[str, Any]) -> None:
    """Refuse what other decisions take, which would be looked for among columns."""
    own = list(inspect.signature(decide).parameters)
    for name in asked:
        if name in _OPTIONS and name not in own:
            known = ", ".join(a for a in own if a not in ("fit", "scenario"))
            raise BayesqError(f"{decide.__name__} takes no {name}; it takes {known}.")


def _words(draws: xr.DataArray | xr.Dataset) -> str:
    """Word the mixture of each answer that is one number."""
    answers = draws.to_dataset() if isinstance(draws, xr.DataArray) else draws
    said = []
    for name, values in answers.data_vars.items():
        if set(values.dims) - {"chain", "draw"}:
            continue
        unit = str(values.attrs.get("units", ""))
        without = float((~np.isfinite(values)).mean())
        if without < 1:
            units = unit if unit != "1" else ""
            shown = interval(values, _SHOW.get(unit, short), units, among=answers)
            said.append(f"{name} is {shown}")
        if without:
            said.append(f"in {share_in_words(without)} of the draws none was found")
    return f"{'; '.join(said)}." if said else "each option is in the table."
