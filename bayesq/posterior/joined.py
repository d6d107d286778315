"""A fit of a degradation with a fit of its base law, as one posterior."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import override

import numpy as np
import xarray as xr

from bayesq.errors import BayesqError
from bayesq.law.kind import Kind
from bayesq.law.law import Law, Response
from bayesq.notes import Note
from bayesq.posterior.posterior import Posterior, check_posterior
from bayesq.runs.counts import format_count


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
    base_draws : xarray.Dataset
        All that is known of the base, draw by draw as it stands in `draws`.
    """

    law: Law
    own: Posterior
    base: Posterior
    draws: xr.Dataset
    base_draws: xr.Dataset

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
        """Where both laws were observed; where that is nowhere, the range of the degradation."""
        ranges = dict(self.own.observed_range)
        for symbol, (low, high) in self.base.observed_range.items():
            own_low, own_high = ranges.get(symbol, (low, high))
            if symbol not in self._apart():
                ranges[symbol] = (max(low, own_low), min(high, own_high))
        return ranges

    @property
    @override
    def clouds(self) -> tuple[Mapping[str, np.ndarray], ...]:
        return (*self.own.clouds, *self.base.clouds)

    def _apart(self) -> list[str]:
        """List inputs in which the two were observed at nothing in common."""
        own, base = self.own.observed_range, self.base.observed_range
        return [
            s for s in base if s in own and max(own[s][0], base[s][0]) > min(own[s][1], base[s][1])
        ]

    @property
    @override
    def rows(self) -> xr.Dataset | None:
        return self.own.rows

    @property
    @override
    def kinds(self) -> dict[str, list[Kind]]:
        return self.own.kinds

    @property
    @override
    def formats(self) -> dict[str, list[str]]:
        return self.own.formats

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
        notes = [*self.own.standing_notes, *self.base.standing_notes]
        if apart := self._apart():
            own, base = self.own.observed_range, self.base.observed_range
            said = "; ".join(f"{s} {_range(own[s])} against {_range(base[s])}" for s in apart)
            notes.append(
                Note(
                    "disjoint-base",
                    "severe",
                    f"The degradation and its base law were observed at nothing in common: {said}.",
                    "Fit the base law to the full-precision rows of the same study.",
                )
            )
        return tuple(dict.fromkeys(notes))


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
    for side in (fit, base):
        side.check_one_study()
        side.law.check_formula()
    wanted = fit.law.base
    if wanted is None or base.law.name != wanted.name:
        raise BayesqError(
            f"base= is {base.title}, and law {fit.law.name} has "
            f"{f'base law {wanted.name}' if wanted else 'no base law'}; pass a fit of that one."
        )
    # A base law may go by other symbols under a law that needs its own.
    pairs = list(zip(base.law.parameters, wanted.parameters, strict=False))
    alike = len(base.law.parameters) == len(wanted.parameters) and all(
        (old.prior, old.meaning) == (new.prior, new.meaning) for old, new in pairs
    )
    if not alike:
        raise BayesqError(
            f"base= is of another law {base.law.name} than the one that {fit.law.name} builds on; "
            "pass a fit of that one."
        )
    if held := [new.symbol for _, new in pairs if new.symbol in fit.posterior]:
        raise BayesqError(
            f"{fit.title} holds {', '.join(held)} itself, which no other fit can replace; leave "
            "base= out, and fit the law with response='loss' where that is what is needed."
        )
    own, theirs = fit.posterior, base.posterior
    if own.sizes["chain"] * own.sizes["draw"] > 1:
        theirs = _as_many(theirs, own)
    else:
        own = _as_many(own, theirs)
    added = {new.symbol: theirs[old.symbol] for old, new in pairs}
    return Joined(fit.law, fit, base, own.assign(added), theirs)


def _as_many(draws: xr.Dataset, like: xr.Dataset) -> xr.Dataset:
    """Repeat draws, or leave some out, until there are as many as of another posterior."""
    flat = draws.stack(all=("chain", "draw")).reset_index("all", drop=True)
    shape = (like.sizes["chain"], like.sizes["draw"])
    number = xr.DataArray(
        (np.arange(shape[0] * shape[1]) % flat.sizes["all"]).reshape(shape),
        coords={"chain": like["chain"].values, "draw": like["draw"].values},
        dims=("chain", "draw"),
    )
    return flat.drop_vars(("chain", "draw"), errors="ignore").isel(all=number)


def _range(limits: tuple[float, float]) -> str:
    return " to ".join(map(format_count, limits))
