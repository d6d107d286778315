"""Ways of training that compute is spent on: what one needs for the loss of another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from operator import mul
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.decide.contour import Plane, cheapest, least_loss, sizes_at, thinned
from bayesq.decide.evidence import evidence
from bayesq.decide.full import ask_any
from bayesq.decide.optimum import cost_per_pair
from bayesq.decide.question import Question, Setting
from bayesq.decide.solve import log10
from bayesq.errors import BayesqError
from bayesq.law.law import Law
from bayesq.notes import Note
from bayesq.posterior.posterior import check_posterior
from bayesq.prediction.curve import Curve, listed

_REACH = (1.0, 1.0)  # decades of compute and of tokens a parameter around the formula's answers
_DECADES = np.linspace(-12.0, 12.0, 49)  # of compute, around what is spent
_FLAT, _USUAL = 1e-9, 1.3  # nats that are round-off; decades of tokens a parameter
_OVER = ("chain", "draw")
_QUANTILES = [0.05, 0.5, 0.95]


def _needed(log_pairs: xr.DataArray, pairs: xr.DataArray) -> xr.DataArray:
    """Tell what a loss takes: nothing where the least that was searched is more than enough."""
    return pairs.where(log_pairs != -np.inf, 0.0)


@dataclass(frozen=True, eq=False)
class Recipe:
    """A setting whose compute is open.

    Parameters
    ----------
    question : Question
        What is held.
    compute : str or None
        Input of the law that is the compute; None where N and D make it up.
    """

    question: Question
    compute: str | None

    @staticmethod
    def read(setting: Setting) -> Recipe:
        """Check a setting, and see what its compute is made of.

        Raises
        ------
        BayesqError
            If the law knows neither N and D nor one other input that is left open.
        """
        fit, scenario = setting.fit, setting.given
        check_posterior(fit)
        law: Law = fit.law
        while law.base is not None:
            law = law.base
        inputs = law.inputs_of("loss")
        open_ = [i.symbol for i in inputs if not {i.symbol, i.alias, *i.columns} & set(scenario)]
        if {"N", "D"} <= {i.symbol for i in inputs}:
            compute, free = None, ["N", "D"]
        elif len(open_) == 1 and not {"N", "D"} & set(open_):
            compute, free = open_[0], open_
        else:
            raise BayesqError(
                f"The loss of law {fit.law.name} depends on {', '.join(i.symbol for i in inputs)}; "
                f"{setting.name} needs a law of N and D, or of one other input alone, the compute."
            )
        return Recipe(ask_any(setting, free), compute)

    @property
    def cost(self) -> float:
        """Compute of one N * D, or of one unit of the input that is the compute."""
        return float(cost_per_pair()) if self.compute is None else 1.0

    def log_pairs(self, compute: Any) -> Any:
        """Decimal logarithm of what an amount of compute pays for."""
        return np.log10(compute / self.cost)

    def sizes(self, log_pairs: Any, log_ratio: Any) -> dict[str, Any]:
        """Work out inputs of the law by symbol."""
        if self.compute is not None:
            return {self.compute: 10.0 ** (log_pairs + 0.0 * log_ratio)}
        return dict(zip(("N", "D"), sizes_at(log_pairs, log_ratio), strict=True))

    @property
    def rough(self) -> Curve:
        """The formula of the law along compute and ratios, of some draws."""
        return thinned(self.question.curve("loss", {}, self.sizes, bent=False))

    def everywhere(self, compute: float) -> Plane:
        """Take all that could be meant by so much compute.

        Where N and D count by their product alone, one ratio is as good as any: that of the data,
        for there the misfit is known best.
        """
        log_pairs = self.log_pairs(compute) + _DECADES
        found = Plane.of_formula(self.compute is not None)
        if self.compute is None:
            ratios = xr.DataArray(found.log_ratio, dims="of")
            values = self.rough(log_pairs=self.log_pairs(compute), log_ratio=ratios)
            if float((values.max("of") - values.min("of")).max()) < _FLAT:
                ranges = self.question.fit.observed_range
                ends = [np.log10(ranges[s]).mean() for s in ("N", "D") if s in ranges]
                usual = float(ends[1] - ends[0]) if len(ends) > 1 else _USUAL
                return Plane(log_pairs, np.array([usual]))
        return replace(found, log_pairs=log_pairs)

    def curve(
        self, compute: float, target: xr.DataArray | None = None, *, seed: int
    ) -> tuple[Curve, Plane]:
        """Draw the loss over compute, around what is spent or what a target takes.

        Parameters
        ----------
        compute : float
            What is spent.
        target : xarray.DataArray, optional
            Draws of the loss that is to be reached; by default nothing but `compute` is asked.
        seed : int
            Of the misfit.
        """
        plane = self.everywhere(compute)
        question, rough = self.question, self.rough
        if not question.bent:
            return question.curve("loss", {}, self.sizes), plane
        spent = self.log_pairs(compute)
        if target is None:
            grid = xr.DataArray(plane.log_ratio, dims="of")
            best = rough(log_pairs=spent, log_ratio=grid).argmin("of")
            plane = plane.around(spent, grid.isel(of=best), (0.0, _REACH[1]))
        else:
            levels = target.quantile(_QUANTILES).values
            wanted = xr.DataArray(levels, dims="level")
            log_pairs, ratio, pairs = cheapest(rough, wanted, plane, mul)
            plane = plane.around(log10(_needed(log_pairs, pairs)), ratio, _REACH)
        return question.curve("loss", plane.knots, self.sizes, seed=seed), plane

    def notes(self, compute: xr.DataArray | float) -> tuple[Note, ...]:
        """Say how far outside the data so much compute is, spent as in the middle of the data."""
        spent = xr.DataArray(compute)
        middle = float(spent.where(np.isfinite(spent) & (spent > 0)).median())
        if self.compute is not None:
            return self.question.notes({self.compute: middle})
        return self.question.notes(self._middle(middle) if np.isfinite(middle) else {})

    def _middle(self, compute: float) -> dict[str, float]:
        """Take the best sizes of the formula, in the middle of the draws."""
        ratios = xr.DataArray(self.everywhere(compute).log_ratio, dims="of")
        spent = self.log_pairs(compute)
        best = ratios.isel(of=self.rough(log_pairs=spent, log_ratio=ratios).argmin("of"))
        return self.sizes(spent, float(best.median()))

    def evidence(self, compute: float) -> pd.DataFrame | None:
        """Find the measured rows nearest to so much compute."""
        if self.compute is not None:
            return None
        return evidence(self.question, "loss", ("N", "D"), compute=compute).table


def of_settings(own: Recipe, other: Recipe, budget: float) -> tuple[xr.DataArray, xr.DataArray]:
    """Ask two settings of one fit, both on one draw of its misfit.

    Returns
    -------
    target, needed : xarray.DataArray
        The loss that the other reaches with `budget`, in nats per token, and the compute that this
        one needs for it.
    """
    held = [recipe.question.inputs for recipe in (own, other)]
    values = {s: np.array([inputs[s] for inputs in held]) for s in held[0]}

    def inputs(recipe: Any, log_pairs: Any, log_ratio: Any) -> dict[str, Any]:
        return {**listed(values)(recipe), **own.sizes(log_pairs, log_ratio)}

    def answer(curve: Curve, plane: Plane) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
        target = least_loss(partial(curve, recipe=1.0), own.log_pairs(budget), plane)
        found = cheapest(partial(curve, recipe=0.0), target, plane, mul)
        log_pairs, ratio, pairs = found
        return target, ratio, _needed(log_pairs, pairs)

    plane = own.everywhere(budget)
    question = own.question
    formula = question.curve("loss", {}, inputs, bent=False)
    if question.bent:
        _, ratio, pairs = answer(thinned(formula), plane)
        plane = plane.around(log10(pairs), ratio, _REACH, own.log_pairs(budget))
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
    log_pairs, _, pairs = cheapest(mine, target, plane, mul)
    return target, _needed(log_pairs, pairs) * own.cost


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
