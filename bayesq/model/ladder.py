"""Parameters with one value a kind, falling with bits: their variables in a PyMC model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayesq.law.levels import OrderedByBits
from bayesq.law.parameter import Parameter


def ladder(parameter: Parameter, labels: list[str], shift: Any = None) -> Any:
    """Make the variables of one parameter over its kinds, in the model at hand.

    The sampler moves in the logarithm of what each family's first kind loses and in the logarithms
    of the steps below it, centred on the shared rate: data that tell the kinds apart determine
    these, and the spread of the steps is kept away from zero by its prior.

    Parameters
    ----------
    parameter : Parameter
        One with kinds.
    labels : list of str
        The kinds, ordered by :meth:`Levels.sort`.
    shift : tensor, optional
        Logarithm of the nats that a unit of loss on the scale of ``-log(value)`` costs. The data
        determine the first kind's loss in nats, so the sampler moves in that. A shift by other
        parameters leaves the density where it is.

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
    below, above = prior.steps(labels)
    first = below == 0
    start = np.log(-np.log(prior.at_4_bits))
    centre = pt.switch(
        first, start + rate * above, pt.log(rate) + np.log(np.where(first, 1, below))
    )
    width = pt.switch(first, prior.scatter, spread)
    name = f"log_step_{symbol}"
    if shift is None:
        steps = pm.Normal(name, centre, width, dims=dim)
    else:
        moved = first * shift
        in_nats = pm.Normal(f"log_slope_steps_{symbol}", centre + moved, width, dims=dim)
        steps = pm.Deterministic(name, in_nats - moved, dims=dim)
    # Row i adds up the steps from the first kind of its family down to kind i.
    family = np.cumsum(first)
    sums = (family[:, None] == family[None, :]) & np.tri(len(labels), dtype=bool)
    log_lost = pt.dot(sums.astype(float), pt.switch(first, steps, pt.exp(steps)))
    return pm.Deterministic(symbol, pt.exp(-pt.exp(log_lost)), dims=dim)
