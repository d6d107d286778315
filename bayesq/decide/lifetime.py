"""Sizes of least cost, or of least loss, over the lifetime of a network: trained, then served."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from bayesq.decide.contour import Plane, around, cheapest, sizes_at, thinned
from bayesq.decide.prices import Prices
from bayesq.decide.solve import minimise
from bayesq.decide.widths import Widths
from bayesq.prediction.curve import listed

_REACH = (1.0, 1.0)  # decades of N * D and of D / N around the formula's answers
_TOKENS = np.linspace(3.0, 30.0, 109)  # decades of D in which a formula is searched
_TOKENS_REACH, _TOKENS_APART, _MOST = 1.5, 0.1, 60
_TOGETHER = 300  # knots that are drawn jointly


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
        pairs = zip(self.widths.names, self.widths.bits, strict=True)
        return xr.DataArray([self.prices.served(*pair) for pair in pairs], dims="width")

    @property
    def numbers(self) -> xr.DataArray:
        """Numbers of the widths."""
        return xr.DataArray(np.arange(float(len(self.widths.names))), dims="width")

    def cost(self, size: Any, tokens: Any) -> Any:
        """Price of training and serving, along the widths."""
        return size * (self.prices.trained * tokens + self.served * self.prices.tokens)

    def at_loss(self, target: float) -> tuple[xr.Dataset, xr.DataArray | None]:
        """Find the cheapest sizes that reach a loss.

        Returns
        -------
        draws : xarray.Dataset
            ``N``, ``D`` and ``cost``, dimensions chain, draw and width.
        training : xarray.DataArray or None
            Cost of those whose training alone is cheapest, of one width.
        """
        held = listed(self.widths.inputs)

        def inputs(width: Any, log_pairs: Any, log_ratio: Any) -> dict[str, Any]:
            size, tokens = sizes_at(log_pairs, log_ratio)
            return {**held(width), "N": size, "D": tokens}

        costs = (self.cost, lambda n, d: n * d)[: 2 if self.numbers.size == 1 else 1]
        question, plane = self.widths.question, Plane.of_formula()
        curve = question.curve("loss", {}, inputs, bent=False)
        if question.bent:
            rough = partial(thinned(curve), width=self.numbers)
            found = [cheapest(rough, target, plane, cost)[:2] for cost in costs]
            products, ratios = (
                np.concatenate([*map(np.ravel, v)]) for v in zip(*found, strict=True)
            )
            plane = plane.around(products, ratios, _REACH, options=self.numbers.size)
            curve = question.curve("loss", {"width": self.numbers.values, **plane.knots}, inputs)
        loss = partial(curve, width=self.numbers)
        told = [self._told(*cheapest(loss, target, plane, cost)[:2]) for cost in costs]
        return told[0], told[1]["cost"] if len(told) > 1 else None

    def _told(self, log_pairs: Any, ratio: Any) -> xr.Dataset:
        """Tell sizes where the search has them, infinite ones where it ended before the loss."""
        size, tokens = sizes_at(log_pairs, ratio)
        beyond = np.isposinf(log_pairs)
        found = np.isfinite(log_pairs) & np.isfinite(ratio)
        cost = self.cost(size, tokens)
        told = {"N": (size, "parameters"), "D": (tokens, "tokens"), "cost": (cost, "")}
        data = {
            name: values.where(found).where(~beyond, np.inf).assign_attrs(units=unit)
            for name, (values, unit) in told.items()
        }
        return xr.Dataset(data)

    def at_budget(self, budget: float) -> tuple[xr.Dataset, Any]:
        """Find the sizes of least loss at a budget.

        Returns
        -------
        draws : xarray.Dataset
            ``N``, ``D``, ``cost`` and ``loss``, dimensions chain, draw and width; NaN where the
            loss is least at an end of what was searched.
        loss : callable, ndarray
            The curve along the decimal logarithm of D, of all widths, and what was searched.
        """
        held, served = listed(self.widths.inputs), self.served.values

        def inputs(width: Any, log_d: Any) -> dict[str, Any]:
            price = listed({"price": served})(width)["price"]
            size = budget / (self.prices.trained * 10.0**log_d + price * self.prices.tokens)
            return {**held(width), "N": size, "D": 10.0**log_d}

        question, grid = self.widths.question, _TOKENS
        curve = question.curve("loss", {}, inputs, bent=False)
        if question.bent:
            found, _ = minimise(partial(_of, thinned(curve), self.numbers), grid)
            most = min(_MOST, _TOGETHER // self.numbers.size)
            grid = around(np.ravel(found), _TOKENS_REACH, grid, _TOKENS_APART, most)
            curve = question.curve("loss", {"width": self.numbers.values, "log_d": grid}, inputs)
        loss = partial(_of, curve, self.numbers)
        log_d, least = minimise(loss, grid)
        tokens = (10.0**log_d).where(np.isfinite(log_d))
        size = inputs(self.numbers, log_d)["N"].where(np.isfinite(log_d))
        draws = xr.Dataset(
            {
                "N": size.assign_attrs(units="parameters"),
                "D": tokens.assign_attrs(units="tokens"),
                "cost": self.cost(size, tokens).assign_attrs(units=""),
                "loss": least.assign_attrs(units="nats/token"),
            }
        )
        return draws, (loss, grid)


def _of(curve: Any, width: xr.DataArray, log_d: Any) -> xr.DataArray:
    found: xr.DataArray = curve(width=width, log_d=log_d)
    return found
