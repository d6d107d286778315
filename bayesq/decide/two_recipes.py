"""What one recipe needs for the loss that another reaches: settings of one fit, or two fits."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from bayesq.decide.contour import Plane, cheapest, least_loss, thinned
from bayesq.decide.recipe import REACH, Recipe, needed
from bayesq.decide.solve import log10
from bayesq.prediction.curve import Curve, listed

_OVER = ("chain", "draw")


def of_settings(own: Recipe, other: Recipe, budget: float) -> tuple[xr.DataArray, xr.DataArray]:
    """Ask two settings of one fit, both on one draw of its misfit.

    Returns
    -------
    target, needed : xarray.DataArray
        The loss that the other reaches with `budget`, in nats per token, and the compute that this
        one needs for it.
    """
    values = {s: np.array([r.question.inputs[s] for r in (own, other)]) for s in own.symbols}

    def inputs(recipe: Any, log_pairs: Any, log_ratio: Any) -> dict[str, Any]:
        return {**listed(values)(recipe), **own.sizes(log_pairs, log_ratio)}

    def answer(curve: Curve, plane: Plane) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
        target = least_loss(partial(curve, recipe=1.0), own.log_pairs(budget), plane)
        found = cheapest(partial(curve, recipe=0.0), target, plane, own.pairs)
        log_pairs, ratio, pairs = found
        return target, ratio, needed(log_pairs, pairs)

    plane = own.everywhere(budget)
    question = own.question
    formula = question.curve("loss", {}, inputs, bent=False)
    if question.bent:
        _, ratio, pairs = answer(thinned(formula), plane)
        plane = plane.around(log10(pairs), ratio, REACH, own.log_pairs(budget))
        knots = {"recipe": np.array([0.0, 1.0]), **plane.knots}
        formula = question.curve("loss", knots, inputs)
    target, _, pairs = answer(formula, plane)
    return target, pairs * own.cost


def of_fits(own: Recipe, other: Recipe, budget: float) -> tuple[xr.DataArray, xr.DataArray]:
    """Ask two fits, which know nothing of each other; returns as :func:`of_settings`."""
    # Seeds of their own, or the two misfits would be one.
    theirs, plane = other.curve(budget, seed=1)
    target = least_loss(theirs, other.log_pairs(budget), plane)
    mine, plane = own.curve(budget, target, seed=0)
    target, mine = _paired(target, mine)
    log_pairs, _, pairs = cheapest(mine, target, plane, own.pairs)
    return target, needed(log_pairs, pairs) * own.cost


def _paired(target: xr.DataArray, mine: Curve) -> tuple[xr.DataArray, Curve]:
    """Put draws of one fit beside those of the other, in no order that both have in common."""
    sizes = {d: mine.draws.sizes.get(d, 1) for d in _OVER}
    count = sizes["chain"] * sizes["draw"]
    if count == 1:
        one = mine.draws.isel(dict.fromkeys(set(_OVER) & set(mine.draws.dims), 0))
        return target, replace(mine, draws=one)
    order = np.random.default_rng(2).permutation(target.size)
    values = np.resize(target.transpose(*_OVER).values.ravel()[order], count)
    return xr.DataArray(values.reshape(tuple(sizes.values())), dims=_OVER), mine
