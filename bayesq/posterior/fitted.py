"""Draws of a law that was fitted to rows, of all of them or of one study's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, override

import numpy as np
import pandas as pd
import xarray as xr

from bayesq import latex
from bayesq.counted import how_many
from bayesq.deprecated import warn_renamed
from bayesq.draws import Drawn, draws_frame
from bayesq.intervals import interval
from bayesq.law.kind import Kind
from bayesq.law.law import Law, Response
from bayesq.law.parameter import Parameter
from bayesq.model.design import Design
from bayesq.model.hierarchy import Pooling
from bayesq.model.noise import Noise
from bayesq.model.specification import Specification
from bayesq.model.study_fields import AnyField
from bayesq.notes import Note
from bayesq.posterior.posterior import Posterior
from bayesq.posterior.summary import rows_of, summarise


class Densities(NamedTuple):
    """Log densities of draws, dimensions chain and draw, each variable by its name."""

    prior: xr.Dataset
    likelihood: xr.Dataset


class OfRows(Posterior):
    """What draws and the rows that they were fitted to tell together.

    Attributes
    ----------
    design : Design
        The law and its rows.
    """

    design: Design

    @property
    def law(self) -> Law:  # type: ignore[override]
        """What was fitted."""
        return self.design.law

    @property
    @override
    def response(self) -> Response:
        return self.design.response

    @property
    @override
    def kinds(self) -> dict[str, list[Kind]]:
        return self.design.kinds

    @property
    @override
    def observed_range(self) -> dict[str, tuple[float, float]]:
        inputs = self.design.inputs
        symbols = (i.symbol for i in self.law.inputs_of(self.response))
        return {s: (float(inputs[s].min()), float(inputs[s].max())) for s in symbols}

    @property
    @override
    def clouds(self) -> tuple[Mapping[str, np.ndarray], ...]:
        inputs, law = self.design.inputs, self.law
        full = inputs.get("quantized", np.ones(1)) != 1
        wanted = (i for i in law.inputs_of(self.response) if i.scale != "flag")
        # A format stands in the rows in full precision as a filler.
        return (
            {
                i.symbol: np.where(full & i.format, np.nan, inputs[i.symbol].astype(float))
                for i in wanted
            },
        )

    @property
    @override
    def formats(self) -> dict[str, list[str]]:
        return self.design.formats

    @property
    @override
    def title(self) -> str:
        return (
            f"{self.law.name} fitted to {self.response}: {how_many(len(self.design.index), 'row')}"
        )


class Fitted(OfRows, Drawn):
    """What draws and the description of their fit tell together.

    Attributes
    ----------
    specification : Specification
        What was fitted: law, rows, studies, noise and discrepancy.
    """

    specification: Specification

    @property
    def design(self) -> Design:  # type: ignore[override]
        """The law and its rows."""
        return self.specification.design

    @property
    @override
    def noise(self) -> Noise | None:
        return self.specification.noise

    @property
    def scatter(self) -> Noise | None:
        """Deprecated name of `noise`."""
        warn_renamed("Fit.scatter", "Fit.noise")
        return self.noise

    @property
    def pooling(self) -> Pooling | None:
        """The studies of a pooled fit."""
        return self.specification.pooling

    @property
    def studies(self) -> tuple[str, ...]:
        """Names of the studies of a pooled fit."""
        return tuple(self.pooling.names) if self.pooling else ()

    @property
    @override
    def field(self) -> AnyField | None:
        return self.specification.field

    @property
    @override
    def middles(self) -> dict[str, float]:
        design, noise = self.specification.design, self.specification.noise
        # Where errors are all the noise there is, a new run is measured as well as a usual row;
        # else it has the noise of runs alone, and no error of evaluation on top.
        usual = {"loss_se": design.usual_error if noise.only_errors else 0.0}
        usual = usual if noise.takes_errors else {}
        return design.middles | usual

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Those of the law, the noise and the discrepancy that have draws."""
        return self.specification.parameters

    @property
    @override
    def standing_notes(self) -> tuple[Note, ...]:
        """A word on severe notes of the fit, for every answer that comes from it."""
        # Of an input with one level nothing is wrong there; elsewhere the distance is severe.
        told = (n for n in self.notes if n.severity == "severe" and n.code != "few-levels")
        severe = list(dict.fromkeys(n.code for n in told))
        if not severe:
            return ()
        return (
            Note(
                "severe-fit",
                "severe",
                f"The fit that this comes from has severe notes ({', '.join(severe)}).",
                "Read them in fit.notes (bayesq show) and mend what they say first.",
            ),
        )

    @property
    def densities(self) -> Densities | None:
        """Log densities of priors and of measured values, where the draws have them."""
        return None

    def summary(self, prob: float | None = None) -> pd.DataFrame:
        """Summarise the paper's own parameters, those of the noise and of the law's misfit.

        Parameters
        ----------
        prob : float, optional
            Probability of the interval from ``lower`` to ``upper``, by default what is set in
            ArviZ, else 0.9 with equal tails (:mod:`bayesq.intervals`).

        Returns
        -------
        DataFrame
            One row a parameter; columns median, mean, sd, lower, upper, r_hat, ess_bulk, ess_tail
            and unit.
        """
        return summarise(self.posterior, self.parameters, prob, self._convergence)

    def to_latex(
        self,
        prob: float | None = None,
        *,
        caption: str | None = None,
        label: str | None = None,
    ) -> str:
        r"""Write the summary as a table for a paper: LaTeX with booktabs.

        Parameters
        ----------
        prob : float, optional
            Probability of the intervals, as :meth:`summary` takes it.
        caption, label : str, optional
            LaTeX, written as it is given. With one of them the table floats.

        Returns
        -------
        str
            One row a parameter: its symbol, its unit, and its median with the interval. It needs
            ``\usepackage{booktabs}``; notes that warn stand above it in comments.
        """
        table = self.summary(prob)
        ends = table[["median", "lower", "upper"]].itertuples(index=False)
        return latex.booktabs(
            {
                "Parameter": [latex.symbol(name) for name in table.index],
                "Unit": [latex.unit_cell(unit) for unit in table["unit"]],
                latex.interval_head(interval(prob)): [latex.estimate(*row) for row in ends],
            },
            text=["Parameter", "Unit"],
            said=[self.title],
            notes=self.notes,
            caption=caption,
            label=label,
        )

    @override
    def to_draws(self) -> pd.DataFrame:
        """Lay out the draws of what the summary has as a plain table.

        Returns
        -------
        DataFrame
            One row a draw: ``chain``, ``draw``, then the parameters, one a kind or study as the
            summary names them (``eff[W4A4]``); units in ``attrs["units"]``.
        """
        return draws_frame(rows_of(self.posterior, self.parameters))

    @property
    def _convergence(self) -> pd.DataFrame | None:
        """R-hat and effective sample sizes, where they are at hand."""
        return None
