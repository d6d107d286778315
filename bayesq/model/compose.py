"""One PyMC model out of a law, its rows and a noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayesq.law.probing import added_as_they_stand
from bayesq.model.coordinates import variables_of
from bayesq.model.design import Design
from bayesq.model.discrepancy import with_misfit
from bayesq.model.effects import log_effects
from bayesq.model.given import Given, given
from bayesq.model.ladder import ladder
from bayesq.model.misfit_variables import Centre, log_misfit
from bayesq.model.population import parameters_of_studies
from bayesq.model.specification import Specification

Rows = Mapping[str, Any]


def compose(
    specification: Specification,
    *,
    to_sample: bool = True,
    to_draw: bool = False,
    rows: Given | None = None,
) -> pm.Model:
    """Write down the model of a fit.

    All that it takes from its rows is data of the model (``pm.Data``), so that what is compiled
    for one table serves others of the same shapes.

    Parameters
    ----------
    specification : Specification
        What is fitted.
    to_sample : bool
        True for the model in the sampler's coordinates, whose likelihood is that of the rows that
        count (``counted``). False for the same model with each prior as a random variable under
        its own name, to draw from or to evaluate.
    to_draw : bool
        Of the latter: whether its priors are drawn from. In a far tail these may be infinite, and
        what follows from them is infinite then and never NaN; that takes longer to evaluate.
    rows : dict of str to ndarray, optional
        What it takes from its rows, by default as :func:`bayesq.model.given.given` works it out.

    Returns
    -------
    pymc.Model
        Parameters of law and noise stand in it under their symbols, coefficients with a term also
        as that term's value at the pivot (``A_pivot``).
    """
    design, noise = specification.design, specification.noise
    values_of_rows = given(specification) if rows is None else rows
    coords = {"row": range(len(values_of_rows["counted"])), **design.levels}
    with pm.Model(coords=coords) as model:
        data: Rows = {name: pm.Data(name, value) for name, value in values_of_rows.items()}
        mean, values = at_rows(specification, data, to_sample=to_sample, to_draw=to_draw)
        counted = data["counted"] if to_sample else None
        noise.observe(design.response, mean, values, data["measured"], counted, to_draw=to_draw)
    return model


def at_rows(
    specification: Specification, data: Rows, *, to_sample: bool, to_draw: bool = False
) -> tuple[Any, dict[str, Any]]:
    """Make all variables but the measured values, in the model at hand.

    Returns
    -------
    tuple of tensor and dict of str to tensor
        The mean of each row, shape (rows,), and what else its noise takes, by symbol.
    """
    design, noise = specification.design, specification.noise
    inputs = {s: data[f"input_{s}"] for s in design.inputs}
    values: dict[str, Any] = dict(inputs)
    if design.pooling is None:
        made = law_parameters(design, data, to_sample=to_sample)
    else:
        made = parameters_of_studies(design, data, to_sample=to_sample)
    values |= made | _of_kinds(design, made, data, to_draw=to_draw)
    weights = {p.symbol: data.get(f"weight_{p.symbol}", 1.0) for p in noise.parameters}
    values |= variables_of(noise.parameters, weights=weights, to_sample=to_sample)
    values |= {f"{s}_middle": data[f"pivot_{s}"] for s in design.pivots}
    values["loss_se"] = data["loss_se"]
    mean = design.law.evaluate(design.response, values)
    if specification.field is not None:
        floor = sum((values[symbol] for symbol in design.asymptotes), start=0.0)
        centre = None
        if to_sample:
            amid = {s: data[f"amid_{s}"] for s in (*design.inputs, "loss_se")}
            relative = noise.usual(data["size"], values | amid)
            centre = Centre(floor, mean - floor, relative)
        mean = with_misfit(mean, floor, log_misfit(specification.field, data, centre))
    if noise.effects:
        mean = mean * pt.exp(log_effects(noise, data, values))
    if to_draw:
        # Infinite times nothing.
        mean = pt.switch(pt.isnan(mean), np.inf, mean)
    return mean, values


def law_parameters(design: Design, rows: Rows, *, to_sample: bool) -> dict[str, Any]:
    """Make the variables of a law's parameters, by the paper's symbol, in the model at hand.

    A parameter that has one value for each kind of row is a vector over the kinds.
    """
    values: dict[str, Any] = {}
    typical = rows["typical"]
    pivots = {s: rows[f"pivot_{s}"] for s in design.pivots}
    added = added_as_they_stand(design.law.innermost) if to_sample else set()
    for group in design.law.groups_of(design.response):
        # One law's own E, marked or not, trades against its terms as any other's does.
        single = tuple(
            replace(p, share=p.share or p.symbol in added) for p in group if p.by is None
        )
        values |= variables_of(single, typical, to_sample=to_sample)
        values |= {
            p.symbol: pm.Deterministic(p.symbol, p.coefficient({**pivots, **values}))
            for p in single
            if p.term is not None
        }
        for p in group:
            if p.by is not None:
                values[p.symbol] = ladder(p, rows)
    return values


def _of_kinds(
    design: Design, made: Mapping[str, Any], rows: Rows, *, to_draw: bool
) -> dict[str, Any]:
    """Give each row the value of its kind, and of its study."""

    def of_row(by: str, values: Any) -> Any:
        which = rows[f"is_{by}"]
        # Where one is infinite, a product would make the rows of all others NaN.
        return values[pt.argmax(which, axis=1)] if to_draw else pt.dot(which, values)

    found = {
        p.symbol: of_row(p.by.symbol, pt.concatenate([made[p.symbol], [p.off]]))
        for p in design.law.parameters_of(design.response)
        if p.by is not None
    }
    if design.pooling is not None:
        by = design.pooling.by
        found |= {symbol: of_row(by, made[symbol]) for symbol in made if symbol not in found}
    return found
