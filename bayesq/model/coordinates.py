"""Coordinates in which the sampler moves, chosen for what the data determine.

Near the middle of the data a law such as ``E + A N^-alpha + B D^-beta`` has a value and slopes that
the data determine to a fraction of a per cent, while its parts trade against each other along
curved ridges. So the sampler moves in

* the logarithm of the total of all shares at the pivot, and the logarithms of their ratios;
* the logarithm of each slope, ``alpha`` times the share of its term.

The priors stay where the law states them. From the logarithms of the parameters to these
coordinates the Jacobian is 1, whatever the number of shares, so each prior enters as the density of
the logarithm of its parameter. What it gains on real tables is in ``tests/benchmarks``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayesq.law.parameter import Parameter
from bayesq.model.priors import log_density, variable

# How the names of the coordinates begin; a fit does not keep them.
COORDINATES = ("log_total_", "log_ratio_", "log_slope_", "centred_")


def variables_of(
    wanted: tuple[Parameter, ...],
    typical: Any = 1.0,
    weights: Mapping[str, Any] | None = None,
    *,
    to_sample: bool,
) -> dict[str, Any]:
    """Make the variables of the parameters of one formula in the model at hand.

    Parameters
    ----------
    wanted : tuple of Parameter
        The parameters of one law's own formula, or of a noise.
    typical : float or tensor
        Typical loss, of which the prior of an asymptote is a share.
    weights : mapping of str to float or tensor, optional
        By how much a unit of each share adds to the total in the middle of the data, 1 by default.
    to_sample : bool
        Whether in the sampler's coordinates, or each as a free variable with its prior.

    Returns
    -------
    dict of str to tensor
        Value of each parameter by symbol, on the scale of its prior (a term's value at the pivot).
    """
    shares = [p for p in wanted if (p.share or p.term) and p.prior.positive]
    logs = _shares(shares, typical, weights or {}) if to_sample and len(shares) > 1 else {}
    for p in wanted:
        if p.slope_of in logs and p.prior.positive:
            bent = next(s for s in shares if s.symbol == p.slope_of)
            start = _log_median(p, typical) + _log_median(bent, typical)
            logs[p.symbol] = pm.Flat(f"log_slope_{p.symbol}", initval=start) - logs[p.slope_of]
    values = {}
    for p in wanted:
        if p.symbol in logs:
            value = pm.Deterministic(p.sampled_as, pt.exp(logs[p.symbol]))
            density = log_density(p.single_prior, value, _unit(p, typical))
            pm.Potential(f"log_prior_{p.symbol}", density + logs[p.symbol])
            values[p.symbol] = value
        else:
            values[p.symbol] = distribution(p, typical)
    return values


def distribution(parameter: Parameter, typical: Any = 1.0) -> Any:
    """Make the free variable of one parameter, with its prior, in the model at hand."""
    return variable(parameter.sampled_as, parameter.single_prior, _unit(parameter, typical))


def _unit(parameter: Parameter, typical: Any) -> Any:
    """Say what a prior is a share of: of an asymptote the typical loss."""
    return typical if parameter.asymptote else None


def _shares(shares: list[Parameter], typical: Any, weights: Mapping[str, Any]) -> dict[str, Any]:
    shifts = {p.symbol: np.log(weights.get(p.symbol, 1.0)) for p in shares}
    first, *others = shares
    starts = [_log_median(p, typical) + shifts[p.symbol] for p in shares]
    total = pm.Flat(f"log_total_{first.symbol}", initval=pt.logsumexp(pt.stack(starts)))
    ratios = [
        pm.Flat(f"log_ratio_{p.symbol}_{first.symbol}", initval=start - starts[0])
        for p, start in zip(others, starts[1:], strict=True)
    ]
    log_first = total - pt.logsumexp(pt.stack([pt.zeros(()), *ratios]))
    weighted = {first.symbol: log_first}
    weighted |= {p.symbol: log_first + r for p, r in zip(others, ratios, strict=True)}
    return {symbol: log - shifts[symbol] for symbol, log in weighted.items()}


def _log_median(parameter: Parameter, typical: Any) -> Any:
    log = np.log(parameter.single_prior.median)
    return log + np.log(typical) if parameter.asymptote else log
