"""The mean of runs along whatever is searched, one curve a draw: what every decision is asked of.

A decision looks at many settings at once and moves between them, so the law's misfit must be one
field of each draw over all of them. It is drawn jointly at knots over what is searched, as a
prediction of these settings draws it, and taken as straight between two knots.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from bayesq.law.law import Law, Response
from bayesq.model.discrepancy import with_misfit
from bayesq.model.study_fields import AnyField
from bayesq.posterior.joined import Joined
from bayesq.posterior.misfit import draw_misfit
from bayesq.posterior.posterior import Posterior

_OVER = ("chain", "draw")
_STREAM = 1
Knots = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class _Part:
    """One formula of what is asked, and how it bends: a base law, a degradation, or both in one."""

    law: Law
    response: Response
    floor: tuple[str, ...]
    draws: xr.Dataset
    field: AnyField | None


@dataclass(frozen=True, eq=False)
class Curve:
    """The mean of runs as a function of what is searched. Made by :func:`curve`.

    Parameters
    ----------
    fit : Posterior
        Whom it asks.
    inputs : callable
        From what is searched, by keyword, to the inputs of the law by symbol.
    parts : list of (_Part, ndarray or None)
        The formulas that add up, each with its log misfit at the knots, of shape
        ``(chain, draw, knots of the first, knots of the second, ...)``.
    knots : dict of str to ndarray
        Where the misfit was drawn, rising, by what is searched.
    draws : xarray.Dataset
        The posterior, without the numbers of its draws: aligning by these takes longer than all
        else.
    """

    fit: Posterior
    inputs: Callable[..., Mapping[str, Any]]
    parts: list[tuple[_Part, np.ndarray | None]]
    knots: Knots
    draws: xr.Dataset

    def __call__(self, **where: Any) -> xr.DataArray:
        """Work it out for every draw.

        Parameters
        ----------
        **where : float or xarray.DataArray
            Where, by what is searched; between the first knot and the last.

        Returns
        -------
        xarray.DataArray
            Nats per token; dimensions chain, draw and those of `where`.
        """
        values = self.fit.values_at(self.inputs(**where), self.draws)
        total: Any = 0.0
        with np.errstate(all="ignore"):  # far out a power may overflow; infinite is the answer
            for part, misfit in self.parts:
                found = part.law.evaluate(part.response, values)
                if misfit is not None:
                    floor: Any = sum((values[s] for s in part.floor), start=0.0)
                    found = with_misfit(found, floor, self._between(misfit, where))
                if part.response == "degradation":
                    found = found * values.get("quantized", 1.0)
                total = total + found
        return total  # type: ignore[no-any-return]

    def _between(self, misfit: np.ndarray, where: Mapping[str, Any]) -> xr.DataArray:
        """Take the misfit between the knots around, straight in each direction."""
        spots = xr.broadcast(*(xr.DataArray(where[name]) for name in self.knots))
        dims = (*_OVER, *(d for d in spots[0].dims if d not in _OVER))
        each = [d for d in dims if d in spots[0].dims]
        shape = tuple(spots[0].sizes.get(d, 1) for d in dims)
        # Of a spot that is the same for all draws one row of the table is looked up.
        rows = [
            np.arange(n).reshape(-1, *[1] * (len(dims) - i - 1))
            for i, n in enumerate(misfit.shape[:2])
        ]
        lower, share = [], []
        for knots, spot in zip(self.knots.values(), spots, strict=True):
            values = spot.transpose(*each).values.reshape(shape)
            below = np.clip(
                np.searchsorted(knots, values, side="right") - 1, 0, max(len(knots) - 2, 0)
            )
            lower.append(below)
            width = knots[np.minimum(below + 1, len(knots) - 1)] - knots[below]
            part = (values - knots[below]) / np.where(width > 0, width, 1.0)
            share.append(np.clip(part, 0.0, 1.0))
        total: Any = 0.0
        for corner in product((0, 1), repeat=len(lower)):
            weight: Any = 1.0
            at = []
            for side, below, part, knots in zip(
                corner, lower, share, self.knots.values(), strict=True
            ):
                weight = weight * (part if side else 1.0 - part)
                at.append(np.minimum(below + side, len(knots) - 1))
            if np.any(weight):
                total = total + weight * misfit[(*rows, *at)]
        return xr.DataArray(total, dims=dims)


def curve(
    fit: Posterior,
    response: Response,
    knots: Knots,
    inputs: Callable[..., Mapping[str, Any]],
    *,
    discrepancy: bool = True,
    seed: int = 0,
) -> Curve:
    """Draw the mean of runs over what is searched.

    Parameters
    ----------
    fit : Posterior
        A fit, a fit with that of its base, or a paper's constants.
    response : {"loss", "degradation"}
        What is asked.
    knots : dict of str to ndarray
        Numbers that are searched, rising, by name. The misfit is drawn at all their combinations.
    inputs : callable
        From numbers by these names to the inputs of the law by symbol. It takes floats and
        DataArrays.
    discrepancy : bool
        False for the law's formula as it stands.
    seed : int
        Of what the data leave open about the misfit.

    Raises
    ------
    BayesqError
        If the fit does not tell the response.
    """
    fit.require(response)
    # Not the numbers that a prediction of this seed draws: the two would seem to belong together.
    rng = np.random.default_rng((seed, _STREAM))
    parts = []
    for part in _parts(fit, response):
        misfit = None
        if discrepancy and part.field is not None:
            misfit = _at_knots(part.draws, part.field, knots, inputs, rng)
        parts.append((part, misfit))
    return Curve(fit, inputs, parts, knots, fit.posterior.drop_vars(_OVER, errors="ignore"))


def listed(inputs: Mapping[str, np.ndarray]) -> Callable[[Any], dict[str, xr.DataArray]]:
    """Make the function that takes numbers of a list of settings to their inputs.

    What is searched is then which of the list, and its knots are ``0.0, 1.0, ...``.
    """

    def at(number: Any) -> dict[str, xr.DataArray]:
        place = xr.DataArray(number).astype(int)
        return {s: xr.DataArray(v[place.values], dims=place.dims) for s, v in inputs.items()}

    return at


def knows_discrepancy(fit: Posterior) -> bool:
    """Tell whether a fit, or one of the two that are joined, knows how wrong its law may be."""
    return any(p.field is not None for p in _parts(fit, fit.response))


def covers_all(fit: Posterior) -> bool:
    """Tell whether all that adds up to an answer knows how wrong it may be."""
    return all(p.field is not None for p in _parts(fit, fit.response))


def _parts(fit: Posterior, response: Response) -> list[_Part]:
    if not isinstance(fit, Joined):
        # A loss and the degradation in it bend alike, the one above its asymptotes.
        floor = fit.asymptotes if response == "loss" else ()
        return [_Part(fit.law, response, floor, fit.posterior, fit.field)]
    own = _Part(fit.law, "degradation", (), fit.draws, fit.own.field)
    if response == "degradation":
        return [own]
    base = fit.law.base
    assert base is not None  # else nothing is joined
    floor = tuple(p.symbol for p in base.parameters_of("loss") if p.asymptote)
    return [_Part(base, "loss", floor, fit.base_draws, fit.base.field), own]


def _at_knots(
    draws: xr.Dataset,
    field: AnyField,
    knots: Knots,
    inputs: Callable[..., Mapping[str, Any]],
    rng: np.random.Generator,
) -> np.ndarray:
    grids = np.meshgrid(*knots.values(), indexing="ij")
    spots = {
        name: xr.DataArray(grid.ravel(), dims="knot")
        for name, grid in zip(knots, grids, strict=True)
    }
    size = grids[0].size
    at = {}
    for symbol, value in inputs(**spots).items():
        values = xr.DataArray(value)
        # A format that each draw splits in its own way: the field is that of the middle one.
        if over := [d for d in _OVER if d in values.dims]:
            values = values.median(over)
        at[symbol] = np.broadcast_to(values.values, size).astype(float)
    found = draw_misfit(draws, field, at, "knot", rng).transpose(*_OVER, "knot").values
    return np.asarray(found.reshape(*found.shape[:2], *grids[0].shape))
