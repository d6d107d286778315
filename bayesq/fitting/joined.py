"""A fit of a degradation with a fit of its base law, as one posterior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import override

import numpy as np
import xarray as xr

from bayesq.errors import BayesqError
from bayesq.fitting.posterior import Posterior, check_posterior
from bayesq.law.law import Law, Response
from bayesq.notes import Note


@dataclass(frozen=True, eq=False)
class Joined(Posterior):
    """Draws of a degradation and of its base law. Made by :func:`joined`.

    Parameters
    ----------
    law : Law
        The quantization law.
    own, base : Posterior
        The fit of the degradation, and that of the base law.
    draws : xarray.Dataset
        Parameters of both.
    """

    law: Law
    own: Posterior
    base: Posterior
    draws: xr.Dataset

    @property
    @override
    def response(self) -> Response:
        return "loss"

    @property
    @override
    def posterior(self) -> xr.Dataset:
        return self.draws

    @property
    @override
    def observed_range(self) -> dict[str, tuple[float, float]]:
        """Where both laws were observed."""
        ranges = dict(self.own.observed_range)
        for symbol, (low, high) in self.base.observed_range.items():
            own_low, own_high = ranges.get(symbol, (low, high))
            ranges[symbol] = (max(low, own_low), min(high, own_high))
        return ranges

    @property
    @override
    def formats(self) -> dict[str, list[str]]:
        return self.own.formats

    @property
    @override
    def levels(self) -> dict[str, list[str]]:
        return self.own.levels

    @property
    @override
    def noise(self) -> None:
        return None

    @property
    @override
    def notes(self) -> tuple[Note, ...]:  # type: ignore[override]
        return (*self.own.notes, *self.base.notes)

    @property
    @override
    def title(self) -> str:
        return f"{self.own.title}, with {self.base.title}"

    @property
    @override
    def standing_notes(self) -> tuple[Note, ...]:
        return tuple(dict.fromkeys((*self.own.standing_notes, *self.base.standing_notes)))


def joined(fit: Posterior, base: Posterior | None) -> Posterior:
    """Join a fit of a degradation with a fit of its base law.

    The two are taken as independent: draws are put together by their number.

    Parameters
    ----------
    fit : Posterior
        A fit of a quantization law.
    base : Posterior or None
        A fit of its base law; with None, `fit` is returned as it is.

    Raises
    ------
    BayesqError
        If `base` is a fit of another law.
    """
    check_posterior(fit)
    if base is None:
        return fit
    check_posterior(base)
    wanted = fit.law.base
    if wanted is None or base.law.name != wanted.name:
        raise BayesqError(
            f"base= is {base.title}, and law {fit.law.name} has "
            f"{f'base law {wanted.name}' if wanted else 'no base law'}; pass a fit of that one."
        )
    # A base law may go by other symbols under a law that needs its own.
    pairs = zip(base.law.parameters, wanted.parameters, strict=True)
    own, theirs = fit.posterior, base.posterior
    shape = own if own.sizes["chain"] * own.sizes["draw"] > 1 else theirs
    chains, draws = (shape[d] for d in ("chain", "draw"))
    added = {
        new.symbol: xr.DataArray(
            _repeat(theirs[old.symbol].values, chains.size * draws.size).reshape(
                chains.size, draws.size
            ),
            coords={"chain": chains, "draw": draws},
            dims=("chain", "draw"),
        )
        for old, new in pairs
    }
    if shape is theirs:
        own = own.isel(chain=0, draw=0, drop=True).expand_dims(
            {"chain": chains.values, "draw": draws.values}
        )
    return Joined(fit.law, fit, base, own.assign(added))


def _repeat(values: np.ndarray, wanted: int) -> np.ndarray:
    return np.resize(values.ravel(), wanted)
