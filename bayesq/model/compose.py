"""One PyMC model out of a law, its rows and a noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayesq.law.formulas import call
from bayesq.law.parameter import Parameter
from bayesq.model.coordinates import distribution, parameters_in_coordinates
from bayesq.model.design import Design
from bayesq.model.discrepancy import Discrepancy, with_misfit
from bayesq.model.effects import log_effects
from bayesq.model.ladder import ladder
from bayesq.model.misfit import Centre, log_misfit
from bayesq.model.noise import Noise
from bayesq.model.population import parameters_of_studies
from bayesq.model.surfaces import Laid


def compose(
    design: Design,
    noise: Noise,
    wrong: tuple[Discrepancy, Laid] | None = None,
    *,
    to_sample: bool = True,
    replaceable: bool = False,
    droppable: bool = False,
) -> pm.Model:
    """Write down the model of a fit.

    Parameters
    ----------
    design : Design
        Law, rows and inputs.
    noise : Noise
        How measured values scatter.
    wrong : (Discrepancy, Surface or Surfaces), optional
        How the law may be wrong, laid over the rows; by default it is taken to be true.
    to_sample : bool
        True for the model in the sampler's coordinates. False for the same model with each prior as
        a random variable under its own name, to draw from or to evaluate.
    replaceable : bool
        Whether the measured values, on the scale of the noise, are a data variable ``measured``, so
        that the compiled model can be given others; and so is what the sampler's coordinates take
        from them. Constants compile faster.
    droppable : bool
        Whether a data variable ``counted``, 1 or 0 for each row, says which rows count: priors and
        coordinates are those of all rows, the likelihood is that of the rows that count.

    Returns
    -------
    pymc.Model
        Parameters of law and noise stand in it under their symbols, coefficients with a term also
        as that term's value at the pivot (``A_pivot``).
    """
    with pm.Model(coords={"row": design.index, **design.levels}) as model:
        values: dict[str, Any] = dict(design.inputs)
        if design.pooling is None:
            made = law_parameters(design, to_sample=to_sample)
        else:
            made = parameters_of_studies(design, to_sample=to_sample)
        values |= made | _at_rows(design, made)
        weights = noise.weights(design.observed) if to_sample else None
        values |= noise_parameters(noise, weights)
        values |= design.middles | {"loss_se": design.loss_se}
        mean = design.law.evaluate(design.response, values)
        if wrong is not None:
            floor = sum((values[symbol] for symbol in design.asymptotes), start=0.0)
            centre = None
            if to_sample:
                relative = noise.usual(design.observed, values)
                centre = Centre(design.observed, floor, mean - floor, relative, replaceable)
            mean = with_misfit(mean, floor, log_misfit(*wrong, design.inputs, centre))
        if noise.effects:
            mean = mean * pt.exp(log_effects(design.runs, noise, values))
        measured: Any = noise.to_scale(design.observed)
        if replaceable:
            measured = pm.Data("measured", measured, dims="row")
        counted = pm.Data("counted", np.ones(len(design.index)), dims="row") if droppable else None
        noise.observe(design.response, mean, values, measured, counted)
    return model


def law_parameters(design: Design, *, to_sample: bool) -> dict[str, Any]:
    """Make the variables of a law's parameters, by the paper's symbol, in the model at hand.

    A parameter that has one value for each kind of row is a vector over the kinds.
    """
    values: dict[str, Any] = {}
    for group in design.groups:
        single = tuple(p for p in group if p.by is None)
        made = (
            parameters_in_coordinates(single)
            if to_sample
            else {p.symbol: distribution(p) for p in single}
        )
        values |= made
        values |= _coefficients(single, values, design.pivots)
        for p in group:
            if p.by is not None:
                values[p.symbol] = ladder(p, design.levels[p.by.symbol])
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
    values = {}
    for p in wanted:
        if p.term is not None:
            shape = call(p.term, {**pivots, **made})
            value = shape / made[p.symbol] if p.divides else made[p.symbol] / shape
            values[p.symbol] = pm.Deterministic(p.symbol, value)
    return values


def _at_rows(design: Design, made: Mapping[str, Any]) -> dict[str, Any]:
    """Give each row the value of its kind, and of its study."""
    found = {
        p.symbol: pt.concatenate([made[p.symbol], [p.off]])[design.inputs[p.by.symbol]]
        for p in design.law.parameters_of(design.response)
        if p.by is not None
    }
    if design.pooling is not None:
        codes = design.inputs[design.pooling.by].astype(int)
        found |= {symbol: made[symbol][codes] for symbol in made if symbol not in found}
    return found
