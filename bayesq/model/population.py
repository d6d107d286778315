"""A law's parameters over several studies: their variables in a PyMC model.

What the base law adds to a loss (:func:`bayesq.model.hierarchy.apart`) has an independent value in
each study, with the stated prior: a term at the middle of that study's rows, an asymptote as a
share of its typical loss. Everything else is partially pooled: a study's value lies around the
population's, which has the stated prior, by ``spread`` times a standard normal offset, on the
logarithm of what is positive. Kinds, such as eff by compression, are the same in all studies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayesq.law.formulas import arguments_of, call
from bayesq.law.parameter import Parameter
from bayesq.model.coordinates import distribution
from bayesq.model.design import Design
from bayesq.model.hierarchy import Pooling, apart, spread_prior
from bayesq.model.ladder import ladder
from bayesq.model.names import Names
from bayesq.model.priors import log_density, variable

# Rows tell a term amid them about so well, on the logarithm.
_TOLD = 0.05


def parameters_of_studies(
    design: Design, rows: Mapping[str, Any], *, to_sample: bool
) -> dict[str, Any]:
    """Make the variables of a law's parameters over studies, in the model at hand.

    Parameters
    ----------
    design : Design
        Law and studies.
    rows : mapping of str to tensor
        What the model takes from its rows, as :func:`bayesq.model.given.given` names it.
    to_sample : bool
        Whether in the sampler's coordinates.

    Returns
    -------
    dict of str to tensor
        By the paper's symbol a vector over the studies; for kinds, one over the kinds.
    """
    pooling = design.pooling
    assert pooling is not None  # else there are no studies
    pm.modelcontext(None).add_coord(pooling.by, pooling.names)
    own = {p.symbol for p in apart(design.law, design.response)}
    among = {s: rows[f"among_{s}"] for s in pooling.pivots[0]}
    pivots = {s: rows[f"pivot_{s}"] for s in design.pivots}
    population: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for group in design.law.groups_of(design.response):
        ones = [p for p in group if p.by is None]
        shared = [p for p in ones if p.symbol not in own]
        bases = [p for p in ones if p.symbol in own]
        # A term's value amid the rows takes the exponents.
        for p in sorted(shared, key=lambda p: p.term is not None):
            moved = None
            if p.term is not None and to_sample and p.prior.positive:
                here, there = (call(p.term, {**at, **values}) for at in (among, pivots))
                moved = pt.log(there / here)
            population[p.symbol], values[p.symbol] = _pooled(p, pooling, rows, moved)
        bends = {
            p.slope_of: pt.log(values[p.symbol]) - np.log(p.single_prior.median)
            for p in shared
            if p.slope_of is not None and p.prior.positive
        }
        values |= _apart(bases, pooling, rows, bends if to_sample else None)
        for p in ones:
            if p.term is None:
                continue
            # A study's base is told best amid its own rows; what is pooled must mean the same
            # everywhere, so it is compared amid all rows.
            at = among if p.symbol in own else pivots
            name = Names(p).by_study(pooling.by)[p.symbol]
            found = p.coefficient({**at, **values})
            values[p.symbol] = pm.Deterministic(name, found, dims=pooling.by)
            known = {**pivots, **population}
            if p.symbol not in own and set(arguments_of(p.term)) <= set(known):
                population[p.symbol] = pm.Deterministic(p.symbol, p.coefficient(known))
        for p in group:
            if p.by is not None:
                values[p.symbol] = ladder(p, rows)
    return values


def _pooled(p: Parameter, pooling: Pooling, rows: Mapping[str, Any], moved: Any) -> tuple[Any, Any]:
    """Make the population's value and those of the studies, on the scale of the prior.

    The sampler moves in the offsets, for spreads may be near 0. But how large a term is amid a
    study's rows, which is `moved` on the logarithm from the middle of all rows, the rows tell to a
    few per cent. Of a term it moves in what rows and population together leave open of that, so
    that neither a wide spread nor one near 0 is hard.
    """
    by = pooling.by
    middle = distribution(p)
    names = Names(p)
    spread = variable(names.spread, spread_prior(p))
    name = names.by_study(by)[p.sampled_as]
    if moved is None:
        step = spread * pm.Normal(names.offset, 0.0, 1.0, dims=by)
        value = middle * pt.exp(step) if p.prior.positive else middle + step
        return middle, pm.Deterministic(name, value, dims=by)
    free = pm.Flat(f"centred_{p.symbol}", dims=by, initval=np.zeros(len(pooling.names)))
    precision = _TOLD**-2 + spread**-2
    mean = (rows["scale_of"] / _TOLD**2 + (pt.log(middle) - moved) / spread**2) / precision
    log = mean + free / pt.sqrt(precision) + moved
    offset = (log - pt.log(middle)) / spread
    pm.Deterministic(names.offset, offset, dims=by)
    density = pm.logp(pm.Normal.dist(0.0, 1.0), offset) - pt.log(spread) - pt.log(precision) / 2
    pm.Potential(f"log_prior_{p.symbol}", pt.sum(density))
    return middle, pm.Deterministic(name, pt.exp(log), dims=by)


def _apart(
    wanted: list[Parameter],
    pooling: Pooling,
    rows: Mapping[str, Any],
    bends: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Make the values that studies have apart; with `bends`, in the sampler's coordinates."""
    by = pooling.by
    shares = [p for p in wanted if p.prior.positive and (p.share or p.term is not None)]
    logs = {}
    if bends is not None and len(shares) > 1:
        logs = _shares(shares, pooling, rows, bends)
    values = {}
    for p in wanted:
        name = Names(p).by_study(by)[p.sampled_as]
        unit = rows["typical_of"] if p.asymptote else None
        if p.symbol in logs:
            value = pm.Deterministic(name, pt.exp(logs[p.symbol]), dims=by)
            density = log_density(p.single_prior, value, unit) + logs[p.symbol]
            pm.Potential(f"log_prior_{p.symbol}", pt.sum(density))
            values[p.symbol] = value
        else:
            values[p.symbol] = variable(name, p.single_prior, unit, by)
    return values


def _shares(
    shares: list[Parameter],
    pooling: Pooling,
    rows: Mapping[str, Any],
    bends: Mapping[str, Any],
) -> dict[str, Any]:
    """Make the logarithms of shares from that of their total and those of their ratios.

    As in :mod:`bayesq.model.coordinates`; but exponents are the population's to say, so where one
    moves it is the share that gives way: the ratios are those of the slopes, up to a constant.

    Parameters
    ----------
    bends : mapping of str to tensor
        By the symbol of a share the logarithm of its exponent, less that of the prior's median.
    """
    by = pooling.by
    count = len(pooling.names)
    middles = {
        p.symbol: np.log(p.single_prior.median)
        + (np.log(rows["typical_of"]) if p.asymptote else pt.zeros(count))
        for p in shares
    }
    first, *others = shares
    start = pt.logsumexp(pt.stack(list(middles.values())), axis=0)
    total = pm.Flat(f"log_total_{first.symbol}", dims=by, initval=start)
    steps: dict[str, Any] = {first.symbol: np.zeros(count)}
    for p in others:
        name = f"log_ratio_{p.symbol}_{first.symbol}"
        initval = middles[p.symbol] - middles[first.symbol]
        steps[p.symbol] = pm.Flat(name, dims=by, initval=initval)
    steps = {symbol: step - bends.get(symbol, 0.0) for symbol, step in steps.items()}
    log_first = total - pt.logsumexp(pt.stack(list(steps.values())), axis=0)
    return {symbol: log_first + step for symbol, step in steps.items()}
