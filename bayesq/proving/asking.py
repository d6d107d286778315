"""What a fit answers to a decision: a median, and an interval of 90 %."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayesq import decide
from bayesq.decide.decision import Decision
from bayesq.posterior.posterior import Posterior
from bayesq.proving.case import Answer

# What a decision's dataset calls its answer, where there are several.
_NAMES = {"compute_optimal": "N", "critical_tokens": "D", "optimal_precision": "bits"}
# Where a draw without an answer says that there is none however far one goes.
_BEYOND = ("critical_tokens", "fewest_bits")
_TAIL = 0.05
_SHARE = 0.9


def takes(decision: str) -> list[str]:
    """Name what a decision can be told by name."""
    function: Callable[..., Decision] = getattr(decide, decision)
    kinds = inspect.signature(function).parameters.values()
    return [p.name for p in kinds if p.kind is p.KEYWORD_ONLY]


def ask_fit(
    decision: str,
    fit: Posterior,
    base: Posterior | None,
    question: Mapping[str, Any],
    plugged: tuple[Posterior, Posterior | None] | None = None,
) -> Answer:
    """Put one question to a fit.

    Parameters
    ----------
    decision : str
        Name of a decision.
    fit, base : Posterior, Posterior or None
        Whom to ask, and a fit of its base law where it needs one.
    question : mapping
        What the decision takes by name.
    plugged : tuple of (Posterior, Posterior or None), optional
        Whose answer is the median's in place of that of the draws: today's practice plugs in the
        fit to all rows and takes the interval from the resamples.
    """
    draws = _draws(decision, fit, base, question)
    point = draws if plugged is None else _draws(decision, *plugged, question)
    if decision == "optimal_format":
        return _formats(draws, point)
    values, middle = (_numbers(decision, found) for found in (draws, point))
    if not values.size:
        return Answer(float(np.median(middle)) if middle.size else np.nan)
    # Not between an infinite answer and a finite one.
    lower, upper = np.quantile(values, [_TAIL, 1 - _TAIL], method="inverted_cdf")
    median = np.quantile(middle, 0.5, method="inverted_cdf") if middle.size else np.nan
    return Answer(float(median), float(lower), float(upper))


def _draws(
    decision: str, fit: Posterior, base: Posterior | None, question: Mapping[str, Any]
) -> xr.DataArray:
    """Ask, and give the answer of each draw; of formats, the regret of each."""
    given = {"base": base} if base is not None and "base" in takes(decision) else {}
    found: Decision = getattr(decide, decision)(fit, **given, **question)
    if isinstance(found.draws, xr.DataArray):
        return found.draws
    names = [n for n in ("regret", _NAMES.get(decision)) if n in found.draws]
    draws: xr.DataArray = found.draws[names[0] if names else next(iter(found.draws.data_vars))]
    return draws


def _numbers(decision: str, draws: xr.DataArray) -> np.ndarray:
    """Flatten the draws: a loss that never turns does so at infinity."""
    values = draws.values.ravel().astype(float)
    if decision in _BEYOND:
        return np.where(np.isnan(values), np.inf, values)
    return values[~np.isnan(values)]


def _formats(regret: xr.DataArray, point: xr.DataArray) -> Answer:
    """Take the fewest formats that hold 90 % of the probability of being best."""
    chances, chosen = _chances(regret), _chances(point)
    order = np.argsort(-chances.values, kind="stable")
    enough = int(np.searchsorted(np.cumsum(chances.values[order]), _SHARE - 1e-9)) + 1
    names = [str(name) for name in chances["format"].values]
    best = str(chosen["format"].values[chosen.values.argmax()])
    return Answer(best, formats=tuple(names[i] for i in order[:enough]))


def _chances(regret: xr.DataArray) -> xr.DataArray:
    """Probability of being best; formats that are one and the same share it."""
    first = regret <= 1e-12
    shares: xr.DataArray = (first / first.sum("format")).fillna(0.0).mean(("chain", "draw"))
    return shares
