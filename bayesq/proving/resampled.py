"""Today's practice as a posterior, so that it can be asked what a fit of bayesq is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import override

import numpy as np
import xarray as xr

from bayesq.counted import how_many
from bayesq.model.design import Design
from bayesq.notes import Note
from bayesq.posterior.fitted import OfRows
from bayesq.proving.practice import RESAMPLES, Resamples, resample


@dataclass(frozen=True, eq=False)
class Resampled(OfRows):
    """A least-squares fit, or the fits to its resamples. Made by :func:`least_squares`.

    Parameters
    ----------
    design : Design
        The law, and the rows that were fitted.
    draws : xarray.Dataset
        Parameters in the paper's units: one chain, whose draws are the fits.
    """

    design: Design
    draws: xr.Dataset

    @property
    @override
    def posterior(self) -> xr.Dataset:
        return self.draws

    @property
    @override
    def notes(self) -> tuple[Note, ...]:  # type: ignore[override]
        return self.design.notes

    @property
    @override
    def title(self) -> str:
        rows = len(self.design.index)
        return (
            f"{self.law.name} fitted to {self.response} by least squares: {how_many(rows, 'row')}"
        )


def least_squares(
    design: Design, *, resamples: int = RESAMPLES, seed: int = 1
) -> tuple[Resampled, Resampled]:
    """Fit all rows of a design by today's practice.

    The Huber loss of the log response is least (Hoffmann et al. 2022, arXiv:2203.15556), and so it
    is of each resample of the rows with replacement (Besiroglu et al. 2024, arXiv:2404.10102). Rows
    whose response is not positive are not fitted.

    Parameters
    ----------
    design : Design
        A law, and the rows that it takes.
    resamples : int
        Resamples of the bootstrap.
    seed : int
        The same seed gives the same fits.

    Returns
    -------
    best : Resampled
        The fit itself, one draw: what practice plugs in.
    spread : Resampled
        One draw a resample, but those whose parameters ran away until they overflowed: what
        practice takes its intervals from.

    Raises
    ------
    BayesqError
        If no response is positive.
    """
    everything = np.ones(len(design.index), dtype=bool)
    rng = np.random.default_rng(seed)
    fits = resample(design, everything, resamples=resamples, rng=rng)
    best, spread = (Resampled(design, _draws(fits, at)) for at in (fits.best[None], fits.each))
    return best, spread


def _draws(fits: Resamples, theta: np.ndarray) -> xr.Dataset:
    """Turn numbers of shape (draws, numbers) into parameters by symbol.

    Fits that ran away until a parameter overflowed are left out: they foretell nothing.
    """
    design = fits.curve.design
    made = fits.curve.parameters(theta)
    usual = np.all([np.isfinite(v.reshape(len(theta), -1)).all(1) for v in made.values()], axis=0)
    if usual.any():
        made = {symbol: values[usual] for symbol, values in made.items()}
    kinds = {p.symbol: p.by.symbol for p, _, _ in fits.curve.kinds if p.by is not None}
    variables = {
        symbol: (("chain", "draw", *filter(None, [kinds.get(symbol)])), values[None, ...])
        for symbol, values in made.items()
    }
    count = len(next(iter(made.values())))
    coords = {name: design.levels[name] for name in kinds.values()}
    return xr.Dataset(variables, {"chain": [0], "draw": range(count)} | coords)
