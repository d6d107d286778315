"""Parameters with one value a kind, rising with bits: their variables in a PyMC model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayesq.law.levels import OrderedByBits
from bayesq.law.parameter import Parameter


def ladder(parameter: Parameter, labels: list[str]) -> Any:
    """Make the variables of one parameter over its kinds, in the model at hand.

    The sampler moves in the logarithm of what each family's first kind loses and in the logarithms
    of the steps above it, centred on the shared rate: data that tell the kinds apart determine
    these, and the spread of the steps is kept away from zero by its prior.

    Parameters
    ----------
    parameter : Parameter
        One with kinds.
    labels : list of str
        The kinds, ordered by :meth:`Levels.sort`.

    Returns
    -------
    tensor, shape (kinds,)
    """
    prior = parameter.prior
    assert isinstance(prior, OrderedByBits)  # the law saw to it
    assert parameter.by is not None
    symbol, dim = parameter.symbol, parameter.by.symbol
    rate, spread = (
        getattr(pm, p.distribution)(f"{symbol}_{name}", **dict(p.parameters))
        for name, p in (("rate", prior.rate), ("spread", prior.spread))
    )
    above, below_4 = prior.steps(labels)
    first = above == 0
    start = np.log(-np.log(prior.at_4_bits))
    centre = pt.switch(
        first, start + rate * below_4, pt.log(rate) + np.log(np.where(first, 1, above))
    )
    width = pt.switch(first, prior.scatter, spread)
    steps = pm.Normal(f"log_step_{symbol}", centre, width, dims=dim)
    # Row i adds up the steps from the first kind of its family up to kind i.
    family = np.cumsum(first)
    sums = (family[:, None] == family[None, :]) & np.tri(len(labels), dtype=bool)
    log_lost = pt.dot(sums.astype(float), pt.switch(first, steps, -pt.exp(steps)))
    return pm.Deterministic(symbol, pt.exp(-pt.exp(log_lost)), dims=dim)
