"""One PyMC model out of a law, its rows and a noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pymc as pm

from bayesq.law.law import Law, Response, call
from bayesq.law.parameter import Parameter
from bayesq.model.coordinates import distribution, parameters_in_coordinates
from bayesq.model.design import Design
from bayesq.model.noise import Noise


def compose(
    design: Design, noise: Noise, *, to_sample: bool = True, replaceable: bool = False
) -> pm.Model:
    """Write down the model of a fit.

    Parameters
    ----------
    design : Design
        Law, rows and inputs.
    noise : Noise
        How measured values scatter.
    to_sample : bool
        True for the model in the sampler's coordinates. False for the same model with each prior as
        a random variable under its own name, to draw from or to evaluate.
    replaceable : bool
        Whether the measured values, on the scale of the noise, are a data variable ``measured``, so
        that the compiled model can be given others. Constants compile faster.

    Returns
    -------
    pymc.Model
        Parameters of law and noise stand in it under their symbols, coefficients with a term also
        as that term's value at the pivot (``A_pivot``).
    """
    with pm.Model(coords={"row": design.index}) as model:
        values: dict[str, Any] = dict(design.inputs)
        values |= law_parameters(design.law, design.response, design.pivots, to_sample=to_sample)
        weights = noise.weights(design.observed) if to_sample else None
        values |= noise_parameters(noise, weights)
        mean = design.law.evaluate(design.response, values)
        measured: Any = noise.to_scale(design.observed)
        if replaceable:
            measured = pm.Data("measured", measured, dims="row")
        noise.observe(design.response, mean, values, measured)
    return model


def law_parameters(
    law: Law, response: Response, pivots: Mapping[str, float], *, to_sample: bool
) -> dict[str, Any]:
    """Make the variables of a law's parameters, by the paper's symbol, in the model at hand."""
    values: dict[str, Any] = {}
    for own in law.formulas_of(response):
        made = (
            parameters_in_coordinates(own.parameters)
            if to_sample
            else {p.symbol: distribution(p) for p in own.parameters}
        )
        values |= made | _coefficients(own.parameters, made, pivots)
    return values


def noise_parameters(noise: Noise, weights: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Make the variables of a noise's parameters, by symbol, in the model at hand.

    With `weights` they are made in the sampler's coordinates.
    """
    if weights is not None:
        return parameters_in_coordinates(noise.parameters, weights)
    return {p.symbol: distribution(p) for p in noise.parameters}


def _coefficients(
    wanted: tuple[Parameter, ...], made: Mapping[str, Any], pivots: Mapping[str, float]
) -> dict[str, Any]:
    """Turn terms at the pivot into the paper's coefficients."""
    return {
        p.symbol: pm.Deterministic(p.symbol, made[p.symbol] / call(p.term, {**pivots, **made}))
        for p in wanted
        if p.term is not None
    }
