"""What factor of training compute one recipe saves over another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.decide.contour import Plane, cheapest, least_loss, thinned
from bayesq.decide.decision import Decision
from bayesq.decide.over_laws import over_laws
from bayesq.decide.question import interval, number, share_in_words, short
from bayesq.decide.recipe import REACH, Recipe
from bayesq.decide.solve import log10
from bayesq.errors import BayesqError
from bayesq.fitting.joined import joined
from bayesq.fitting.posterior import Posterior
from bayesq.notes import by_severity, worst_of_each
from bayesq.prediction.curve import Curve, listed

_OVER = ("chain", "draw")
_FACTORS = (0.5, 0.8, 1.0, 1.1, 1.25, 1.5, 2.0)


@over_laws
def speedup(
    fit: Posterior,
    *,
    over: Posterior | Mapping[str, Any],
    compute: float | str,
    base: Posterior | None = None,
    over_base: Posterior | None = None,
    discrepancy: bool = True,
    **scenario: Any,
) -> Decision:
    """Find the factor of training compute that one recipe saves over another.

    The other recipe, trained at its best size with `compute`, reaches some loss; the speedup is
    `compute` divided by the compute that this recipe, at its own best size, needs for that loss.
    Above 1 this recipe is the better one. Of two laws L_inf + A * C^-alpha with common L_inf and
    alpha it is (L_worse - L_inf) / (L_better - L_inf) to the power 1 / alpha, at every compute: the
    "effective speedup" of the Marin project (marin-community/marin, issue 8096).

    Parameters
    ----------
    fit : Posterior or Average
        A fit of the recipe, or a paper's constants. Its law knows N and D, whose compute is 6 N D,
        or one input alone that the setting leaves open, which is the compute in the unit of
        `compute`.
    over : Posterior or mapping
        The other recipe: another fit, which is taken as independent; or what is different in
        another setting of the same fit, such as ``{"w_bits": 16}``, which is full precision. Two
        settings share each draw of the law's misfit.
    compute : float or str
        Floating-point operations of training with the other recipe. Bits do not count.
    base, over_base : Posterior, optional
        Fits of the base laws, where `fit` and `over` are of a degradation alone.
    discrepancy : bool
        False for the laws' own formulas.
    **scenario
        The format of both, for quantization laws: ``w_bits=4``.

    Returns
    -------
    Decision
        A dataset of ``speedup`` (a ratio), ``compute`` (FLOP that the recipe needs) and ``loss``
        (nats per token that both reach). A speedup of 0 and infinite compute: nothing that was
        searched reaches the loss. ``choices`` has the probability of being better, and of being so
        by given factors.

    Raises
    ------
    BayesqError
        If `over` is neither a fit nor a setting, or a law lacks what compute is made of.

    Examples
    --------
    >>> import bayesq
    >>> paper = bayesq.published("kumar2024-qat")
    >>> found = bayesq.decide.speedup(paper, over={"w_bits": 16}, compute=1e21, w_bits=4)
    >>> round(found.draws["speedup"].item(), 2)
    0.78
    """
    budget = number("compute", compute)
    fit = joined(fit, base)
    name = "speedup"
    if isinstance(over, Mapping):
        if over_base is not None:
            raise BayesqError("over= is a setting of the same fit; leave over_base= out.")
        if not over:
            raise BayesqError('over= is empty; say what is different, such as {"w_bits": 16}.')
        own = Recipe.read(fit, scenario, name, discrepancy)
        other = Recipe.read(fit, {**scenario, **over}, name, discrepancy)
        target, needed = _settings(own, other, budget)
    elif isinstance(over, Posterior):
        theirs = joined(over, over_base)
        # A base law knows no format: what the setting says of one is about the other recipe.
        quantized = fit.law.base is not None or theirs.law.base is not None
        own, other = (
            Recipe.read(
                f, scenario if f.law.base is not None or not quantized else {}, name, discrepancy
            )
            for f in (fit, theirs)
        )
        target, needed = _fits(own, other, budget)
    else:
        raise BayesqError(
            f"over is {over if isinstance(over, str) else type(over).__name__!r}; pass the fit of the other recipe, or what is different in its "
            'setting, such as {"w_bits": 16}.'
        )
    draws = xr.Dataset(
        {
            "speedup": (budget / needed).assign_attrs(units="1"),
            "compute": needed.assign_attrs(units="FLOP"),
            "loss": target.assign_attrs(units="nats/token"),
        }
    ).transpose("chain", "draw", ...)
    said = "the other recipe"
    if isinstance(over, Mapping):
        said = ", ".join(f"{k} {v}" for k, v in over.items())
    return _decision(own, other, budget, draws, said)


def _settings(own: Recipe, other: Recipe, budget: float) -> tuple[xr.DataArray, xr.DataArray]:
    """Ask two settings of one fit, both on one draw of its misfit."""
    values = {s: np.array([r.question.inputs[s] for r in (own, other)]) for s in own.symbols}

    def inputs(recipe: Any, log_pairs: Any, log_ratio: Any) -> dict[str, Any]:
        return {**listed(values)(recipe), **own.sizes(log_pairs, log_ratio)}

    def answer(curve: Curve, plane: Plane) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
        target = least_loss(partial(curve, recipe=1.0), own.log_pairs(budget), plane)
        _, ratio, pairs = cheapest(partial(curve, recipe=0.0), target, plane, own.pairs)
        return target, ratio, pairs

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


def _fits(own: Recipe, other: Recipe, budget: float) -> tuple[xr.DataArray, xr.DataArray]:
    """Ask two fits, which know nothing of each other."""
    # Seeds of their own, or the two misfits would be one.
    theirs, plane = other.curve(budget, seed=1)
    target = least_loss(theirs, other.log_pairs(budget), plane)
    mine, plane = own.curve(budget, target, seed=0)
    target, mine = _paired(target, mine)
    _, _, pairs = cheapest(mine, target, plane, own.pairs)
    return target, pairs * own.cost


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


def _decision(own: Recipe, other: Recipe, budget: float, draws: xr.Dataset, said: str) -> Decision:
    found, needed = draws["speedup"], draws["compute"]
    where = own.question.where()
    unreached = float(np.isposinf(needed).mean())
    many = found.size > 1
    text = (
        f"{where}the loss that {said} reaches with {budget:.3g} FLOP takes "
        f"{interval(needed, _flop, 'FLOP')}, a speedup of {interval(found, short)}"
        if unreached < 1
        else f"{where}no compute that was searched reaches the loss of {said}"
    )
    text += f"; it saves compute in {share_in_words(float((found > 1).mean()))} of the draws."
    text = text if many else text.rpartition(";")[0] + "."
    if 0 < unreached < 1:
        text += f" In {share_in_words(unreached)} of the draws nothing that was searched does."
    choices = pd.DataFrame(
        {"probability_at_least": [float((found >= f).mean()) for f in _FACTORS]},
        index=pd.Index(_FACTORS, name="speedup"),
    )
    notes = [*own.notes(needed), *other.notes(budget)]
    # Two settings of one fit have its own notes in common, two fits have each their own.
    same = own.question.fit is other.question.fit
    seen = own.evidence(budget)
    told = worst_of_each(notes) if same else by_severity(dict.fromkeys(notes))
    return Decision(draws, text, told, choices=choices, evidence=seen)


def _flop(value: float) -> str:
    return f"{value:.3g}"
