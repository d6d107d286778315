"""Sizes of least cost, or of least loss, over the lifetime of a network: trained, then served."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from operator import mul
from typing import Any

import numpy as np
import xarray as xr

from bayesq.decide.contour import Loss, Plane, around, cheapest, reach, sizes_at, thinned
from bayesq.decide.decision import answers
from bayesq.decide.prices import Prices
from bayesq.decide.solve import Function, minimise
from bayesq.decide.widths import Widths
from bayesq.prediction.curve import Curve, listed

_REACH = (1.0, 1.0)  # decades of N * D and of D / N around the formula's answers
_TOKENS = np.linspace(3.0, 30.0, 109)  # decades of D in which a formula is searched
_TOKENS_REACH, _TOKENS_APART, _MOST = 1.5, 0.1, 60
_TOGETHER = 300  # knots that are drawn jointly


@dataclass(frozen=True, eq=False)
class Best:
    """What a search finds, draw by draw and along the widths.

    Parameters
    ----------
    draws : xarray.Dataset
        ``N``, ``D``, ``cost`` and of a budget ``loss``, dimensions chain, draw and width; infinite
        where nothing that was searched reaches the loss, NaN where the best lies at an end.
    compared : xarray.DataArray
        What tells widths apart, cost or loss; at an end of the search that of the end, which is at
        most worse than the best.
    enough : xarray.DataArray
        Whether the least that was searched reaches the loss already.
    """

    draws: xr.Dataset
    compared: xr.DataArray
    enough: xr.DataArray


@dataclass(frozen=True, eq=False)
class Lifetime:
    """Widths of one network with what each costs.

    Parameters
    ----------
    widths : Widths
        What is compared; one alone where nothing is.
    prices : Prices
        What the user says of cost.
    """

    widths: Widths
    prices: Prices

    @property
    def served(self) -> xr.DataArray:
        """Price of one parameter and token served, along the widths."""
        of = self.widths
        each = zip(of.names, of.bits, of.dense, strict=True)
        return xr.DataArray([self.prices.served(*width) for width in each], dims="width")

    def cost(self, size: Any, tokens: Any) -> Any:
        """Price of training and serving, along the widths."""
        return size * (self.prices.trained * tokens + self.served * self.prices.tokens)

    def at_loss(self, target: float) -> tuple[Best, xr.DataArray | None]:
        """Find the cheapest sizes that reach a loss.

        Returns
        -------
        best : Best
            The cheapest.
        training : xarray.DataArray or None
            Cost over the lifetime of those whose training alone is cheapest, of one width; infinite
            where nothing that was searched reaches the loss.
        """
        held = listed(self.widths.inputs)

        def inputs(width: Any, log_pairs: Any, log_ratio: Any) -> dict[str, Any]:
            size, tokens = sizes_at(log_pairs, log_ratio)
            return {**held(width), "N": size, "D": tokens}

        numbers, question, plane = self.widths.numbers, self.widths.question, Plane.of_formula()
        costs = (self.cost, mul)[: 2 if numbers.size == 1 else 1]
        curve = question.curve("loss", {}, inputs, bent=False)
        if question.bent:
            rough = partial(thinned(curve), width=numbers)
            found = [cheapest(rough, target, plane, cost)[:2] for cost in costs]
            products, ratios = (
                np.concatenate([*map(np.ravel, v)]) for v in zip(*found, strict=True)
            )
            plane = plane.around(products, ratios, _REACH, options=numbers.size)
            curve = question.curve("loss", {"width": numbers.values, **plane.knots}, inputs)
        loss = partial(curve, width=numbers)
        log_pairs, ratio, paid = cheapest(loss, target, plane, self.cost)
        best = Best(self._told(log_pairs, ratio), paid, log_pairs == -np.inf)
        return best, None if len(costs) == 1 else self._trained(loss, target, plane)

    def _trained(self, loss: Loss, target: float, plane: Plane) -> xr.DataArray:
        """Work out what sizes cost over the lifetime whose training alone is cheapest.

        At an end of the search those of the end are taken, or the two would be compared on other
        draws than the cheapest are told of; of several that are as cheap to train, the cheapest.
        """
        inside = self._told(*cheapest(loss, target, plane, mul)[:2])["cost"]
        ratios = xr.DataArray(plane.log_ratio, dims="ratio_searched")
        pairs = reach(loss, target, ratios, plane.log_pairs)
        at_end = self.cost(*sizes_at(pairs.clip(min=float(plane.log_pairs[0])), ratios))
        at_end = at_end.where(pairs <= pairs.min("ratio_searched")).min("ratio_searched")
        return inside.fillna(at_end)

    def _told(self, log_pairs: Any, ratio: Any) -> xr.Dataset:
        """Tell sizes where the search has them, infinite ones where it ended before the loss."""
        found = np.isfinite(log_pairs) & np.isfinite(ratio)
        draws = self._answers(*sizes_at(log_pairs, ratio))
        return draws.where(found).where(~np.isposinf(log_pairs), np.inf)

    def _answers(self, size: Any, tokens: Any, **more: tuple[xr.DataArray, str]) -> xr.Dataset:
        unit = "FLOP" if self.prices.flop is None else "1"
        cost = (self.cost(size, tokens), unit)
        return answers(N=(size, "parameters"), D=(tokens, "tokens"), cost=cost, **more)

    def at_budget(self, budget: float) -> tuple[Best, Function]:
        """Find the sizes of least loss at a budget.

        Returns
        -------
        best : Best
            Those of least loss.
        loss : callable
            The curve along the decimal logarithm of D, of all widths.
        """
        held, served = listed(self.widths.inputs), self.served.values

        def inputs(width: Any, log_d: Any) -> dict[str, Any]:
            price = listed({"price": served})(width)["price"]
            size = budget / (self.prices.trained * 10.0**log_d + price * self.prices.tokens)
            return {**held(width), "N": size, "D": 10.0**log_d}

        numbers, question, grid = self.widths.numbers, self.widths.question, _TOKENS

        def loss_of(curve: Curve) -> Function:
            return lambda log_d: curve(width=numbers, log_d=log_d)

        curve = question.curve("loss", {}, inputs, bent=False)
        if question.bent:
            found, _ = minimise(loss_of(thinned(curve)), grid)
            most = min(_MOST, _TOGETHER // numbers.size)
            grid = around(np.ravel(found), _TOKENS_REACH, grid, _TOKENS_APART, most)
            curve = question.curve("loss", {"width": numbers.values, "log_d": grid}, inputs)
        loss = loss_of(curve)
        log_d, least = minimise(loss, grid)
        tokens = (10.0**log_d).where(np.isfinite(log_d))
        size = inputs(numbers, log_d)["N"].where(np.isfinite(log_d))
        draws = self._answers(size, tokens, loss=(least, "nats/token"))
        ends = xr.DataArray(grid[[0, -1]], dims="end")
        compared = least.fillna(loss(ends).min("end"))
        return Best(draws, compared, xr.zeros_like(least, dtype=bool)), loss
