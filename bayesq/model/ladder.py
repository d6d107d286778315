"""Parameters with one value a kind, rising with bits: their variables in a PyMC model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayesq.law.levels import OrderedByBits
from bayesq.law.parameter import Parameter
from bayesq.model.names import Names
from bayesq.model.priors import variable


def ladder(parameter: Parameter, rows: Mapping[str, Any]) -> Any:
    """Make the variables of one parameter over its kinds, in the model at hand.

    The sampler moves in the logarithm of what each family's first kind loses and in the logarithms
    of the steps above it, centred on the shared rate: data that tell the kinds apart determine
    these, and the spread of the steps is kept away from zero by its prior.

    Parameters
    ----------
    parameter : Parameter
        One with kinds.
    rows : mapping of str to tensor
        What the model takes from its rows, as :func:`bayesq.model.given.given` names it.

    Returns
    -------
    tensor, shape (kinds,)
    """
    prior = parameter.prior
    assert isinstance(prior, OrderedByBits)  # the law saw to it
    assert parameter.by is not None
    symbol, dim = parameter.symbol, parameter.by.symbol
    names = Names(parameter)
    rate, spread = variable(names.rate, prior.rate), variable(names.spread, prior.spread)
    rung = {name: rows[f"ladder_{symbol}_{name}"] for name in ("first", "above", "below_4", "sums")}
    first = pt.gt(rung["first"], 0.5)
    start = np.log(-np.log(prior.at_4_bits))
    centre = pt.switch(first, start + rate * rung["below_4"], pt.log(rate) + pt.log(rung["above"]))
    width = pt.switch(first, prior.scatter, spread)
    steps = pm.Normal(names.steps, centre, width, dims=dim)
    log_lost = pt.dot(rung["sums"], pt.switch(first, steps, -pt.exp(steps)))
    return pm.Deterministic(symbol, pt.exp(-pt.exp(log_lost)), dims=dim)
