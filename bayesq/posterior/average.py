"""Several laws at once, each with a weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import xarray as xr

from bayesq import html
from bayesq.counted import how_many
from bayesq.law.law import Response
from bayesq.notes import Note
from bayesq.posterior.netcdf import write_tree
from bayesq.posterior.posterior import Posterior
from bayesq.posterior.several import tree_of_several

_OVER = ("chain", "draw")
_LEAST = 1000  # draws of a mixture: a paper's constants are one draw, which is repeated
Draws = TypeVar("Draws", xr.DataArray, xr.Dataset)


@dataclass(frozen=True, eq=False)
class Average:
    """Laws with weights, to be asked like one fit. Made by :func:`bayesq.average`.

    What it says is a mixture: each law's own draws, as many as its weight has them.

    Parameters
    ----------
    fits : dict of str to Posterior
        The laws, by name.
    weights : dict of str to float
        Their weights, which add up to 1.
    how : str
        Where the weights come from.
    notes : tuple of Note
        What a reader must know, the severe notes first.
    """

    fits: Mapping[str, Posterior]
    weights: Mapping[str, float]
    how: str
    notes: tuple[Note, ...] = ()

    @property
    def response(self) -> Response:
        """What was fitted."""
        return next(iter(self.fits.values())).response

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        shown = ", ".join(f"{name} {weight:.0%}" for name, weight in self.weights.items())
        return f"{how_many(len(self.fits), 'law')} by {self.how} ({shown})"

    def counts(self) -> dict[str, int]:
        """Tell how many draws each law has in the mixture."""
        sizes = [fit.posterior.sizes for fit in self.fits.values()]
        total = max(_LEAST, *(s["chain"] * s["draw"] for s in sizes))
        ends = np.rint(np.cumsum(list(self.weights.values())) * total).astype(int)
        return dict(zip(self.fits, np.diff(ends, prepend=0).tolist(), strict=True))

    def mix(self, draws: Mapping[str, Draws]) -> Draws:
        """Mix the draws of the laws.

        The same draws of each law every time, evenly spread, so that answers to several questions
        belong together draw by draw.

        Parameters
        ----------
        draws : mapping of str to DataArray or Dataset
            By law, dimensions chain, draw and others that are alike.

        Returns
        -------
        DataArray or Dataset
            With one chain.
        """
        parts = []
        for name, count in self.counts().items():
            if not count:
                continue
            flat = draws[name].stack(all=_OVER).reset_index("all", drop=True)
            chosen = ((np.arange(count) + 0.5) * flat.sizes["all"] / count).astype(int)
            parts.append(flat.isel(all=chosen).drop_vars(_OVER, errors="ignore"))
        mixed = xr.concat(parts, "all", coords="minimal", compat="override", join="exact")
        mixed = mixed.rename(all="draw").expand_dims(chain=[0])
        mixed = mixed.assign_coords(draw=np.arange(mixed.sizes["draw"]))
        return mixed.transpose(*_OVER, ...)

    def of_study(self, study: str, *, seed: int = 0) -> Average:
        """Take what pooled fits say of one study; see :meth:`Fit.of_study`.

        Raises
        ------
        BayesqError
            If one of the fits is not pooled, or knows no such study.
        """
        fits = {name: fit.of_study(study, seed=seed) for name, fit in self.fits.items()}
        return replace(self, fits=fits)

    def save(self, path: str | Path) -> Path:
        """Save the average as one netCDF file, with all its fits in it.

        :func:`bayesq.load_fit` reads it. Like a fit's, the file is written beside `path` and then
        renamed.

        Returns
        -------
        Path
            The file written.

        Raises
        ------
        BayesqError
            If one of the laws is neither a fit of its own nor a paper's constants as they ship, or
            the file cannot be written.
        """
        tree = tree_of_several(self.fits, self.weights, self.how, self.notes)
        return write_tree(tree, Path(path))

    def __repr__(self) -> str:
        return "\n".join([f"Average of {self.title}", *map(str, self.notes)])

    def _repr_html_(self) -> str:
        return html.block(f"Average of {self.title}", html.notes(self.notes))
