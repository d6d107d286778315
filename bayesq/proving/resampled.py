"""Today's practice as a posterior, so that it can be asked what a fit of bayesq is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import override

import numpy as np
import xarray as xr

from bayesq.law.kind import Kind
from bayesq.law.law import Law, Response
from bayesq.model.design import Design
from bayesq.notes import Note
from bayesq.posterior.posterior import Posterior
from bayesq.proving.practice import RESAMPLES, Resamples, resample


@dataclass(frozen=True, eq=False)
class Resampled(Posterior):
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
    def law(self) -> Law:  # type: ignore[override]
        return self.design.law

    @property
    @override
    def response(self) -> Response:
        return self.design.response

    @property
    @override
    def posterior(self) -> xr.Dataset:
        return self.draws

    @property
    @override
    def observed_range(self) -> dict[str, tuple[float, float]]:
        inputs = self.design.inputs
        symbols = (i.symbol for i in self.law.inputs_of(self.response))
        return {s: (float(inputs[s].min()), float(inputs[s].max())) for s in symbols}

    @property
    @override
    def kinds(self) -> dict[str, list[Kind]]:
        return self.design.kinds

    @property
    @override
    def formats(self) -> dict[str, list[str]]:
        return self.design.formats

    @property
    @override
    def noise(self) -> None:
        return None

    @property
    @override
    def notes(self) -> tuple[Note, ...]:  # type: ignore[override]
        return self.design.notes

    @property
    @override
    def title(self) -> str:
        rows = len(self.design.index)
        return f"{self.law.name} fitted to {self.response} by least squares: {rows} rows"


def least_squares(
    chosen: Design, *, resamples: int = RESAMPLES, seed: int = 1
) -> tuple[Resampled, Resampled]:
    """Fit all rows of a design by today's practice.

    The Huber loss of the log response is least (Hoffmann et al. 2022, arXiv:2203.15556), and so it
    is of each resample of the rows with replacement (Besiroglu et al. 2024, arXiv:2404.10102). Rows
    whose response is not positive are not fitted.

    Parameters
    ----------
    chosen : Design
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
    everything = np.ones(len(chosen.index), dtype=bool)
    rng = np.random.default_rng(seed)
    fits = resample(chosen, everything, resamples=resamples, rng=rng)
    best, spread = (
        Resampled(chosen, _finite(_draws(fits, at))) for at in (fits.best[None, :], fits.each)
    )
    return best, spread


def _draws(fits: Resamples, theta: np.ndarray) -> xr.Dataset:
    """Turn numbers of shape (draws, numbers) into parameters by symbol."""
    chosen = fits.curve.design
    kinds = {p.symbol: p.by.symbol for p in fits.curve.kinds if p.by is not None}
    made = {
        symbol: (("chain", "draw", *filter(None, [kinds.get(symbol)])), values[None, ...])
        for symbol, values in fits.curve.parameters(theta).items()
    }
    coords = {"chain": [0], "draw": np.arange(len(theta))} | {
        name: chosen.levels[name] for name in kinds.values()
    }
    return xr.Dataset(made, coords)


def _finite(draws: xr.Dataset) -> xr.Dataset:
    """Leave out fits that ran away until a parameter overflowed: they foretell nothing."""
    usual = np.all(
        [np.isfinite(v.values.reshape(v.sizes["draw"], -1)).all(1) for v in draws.values()], axis=0
    )
    return draws.isel(draw=usual) if usual.any() else draws
