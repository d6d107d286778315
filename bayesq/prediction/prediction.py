"""What a prediction gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, override

import numpy as np
import pandas as pd
import xarray as xr

from bayesq import html, latex
from bayesq.deprecated import warn_renamed
from bayesq.draws import Drawn, draws_frame
from bayesq.errors import BayesqError
from bayesq.intervals import interval
from bayesq.model.noise import Noise
from bayesq.notes import Note
from bayesq.prediction.distance import COMPUTE, TOGETHER

_MANY = 1000.0  # from here on a factor is written as counts are
_COUNTED = {"N": "parameters", "D": "tokens"}  # what a scenario counts


@dataclass(frozen=True, eq=False)
class Prediction(Drawn):
    """What a fit says of scenarios. Made by :func:`bayesq.predict`.

    Parameters
    ----------
    draws : xarray.DataArray
        Nats per token, dimensions chain, draw and scenario.
    law_mean : xarray.DataArray
        The same for the law itself, without its misfit and without noise.
    shares : pandas.DataFrame
        How much of each interval's variance comes from the law's ``parameters``, from its
        ``misfit`` and from the ``noise`` of a run; one row a scenario, which adds up to 1.
    scenarios : pandas.DataFrame
        The scenarios as given, counts as numbers.
    distance : pandas.DataFrame
        Factor by which each input lies outside the data, 1 inside, one column an input;
        ``compute``, that of 6 N D, where rows have both; and ``together``, how far the scenario
        lies from the rows as points (:mod:`bayesq.prediction.cloud`).
    kind : {"mean", "run"}
        Whether the draws are of the mean of runs there or of a new run's measured value.
    notes : tuple of Note
        One of code ``extrapolation`` for each scenario outside the data; ``other-format`` where
        scenarios ask for a format that the fit has not seen and the law does not look at.
    noise : (Noise, xarray.DataArray, dict), optional
        For a new run: its noise, the mean that it scatters around, and what its width depends on.
    laws : dict of str to (float, Prediction)
        Of several laws: the weight of each, and what it says by itself.
    mixed : xarray.DataArray, optional
        Of several laws: draws of the mean of runs.
    inputs : dict of str to (str, str)
        Symbol and unit of the law's inputs, by the columns of scenarios that give one each.
    """

    draws: xr.DataArray
    law_mean: xr.DataArray
    shares: pd.DataFrame
    scenarios: pd.DataFrame
    distance: pd.DataFrame
    kind: str
    notes: tuple[Note, ...]
    noise: tuple[Noise, xr.DataArray, Mapping[str, Any]] | None = None
    laws: Mapping[str, tuple[float, Prediction]] = field(default_factory=dict)
    mixed: xr.DataArray | None = None
    inputs: Mapping[str, tuple[str, str]] = field(default_factory=dict, kw_only=True)

    @property
    def scatter(self) -> tuple[Noise, xr.DataArray, Mapping[str, Any]] | None:
        """Deprecated name of `noise`."""
        warn_renamed("Prediction.scatter", "Prediction.noise")
        return self.noise

    @property
    def largest_factor(self) -> np.ndarray:
        """Largest factor outside the data over single inputs, shape ``(scenarios,)``."""
        single = self.distance.drop(columns=[COMPUTE, TOGETHER], errors="ignore")
        return single.max(axis=1).to_numpy(float)

    @property
    def mean(self) -> xr.DataArray:
        """Draws of the mean of runs, of which even heavy-tailed runs have one."""
        if self.mixed is not None:
            return self.mixed
        return self.draws if self.noise is None else self.noise[1]

    def log_density(self, observed: np.ndarray) -> np.ndarray:
        """Log predictive density of measured values.

        The density of the noise around each draw of the mean, averaged over the draws.

        Parameters
        ----------
        observed : array_like of float, shape (scenarios,)
            Measured values, nats per token.

        Returns
        -------
        ndarray of float, shape (scenarios,)
            Logarithm of the density per nat per token.

        Raises
        ------
        BayesqError
            If the prediction is not of new runs.
        """
        if self.laws:
            from scipy.special import logsumexp

            weights = [weight for weight, _ in self.laws.values()]
            each = np.array([p.log_density(observed) for _, p in self.laws.values()])
            return np.asarray(logsumexp(each, axis=0, b=np.array(weights)[:, None]))
        if self.noise is None:
            raise BayesqError(
                "A mean has no measured value to score; pass kind='run' to bayesq.predict."
            )
        noise, mean, values = self.noise
        measured = xr.DataArray(np.asarray(observed, float), dims="scenario")
        density = noise.log_density(measured, mean, values, np.random.default_rng(0))
        over = ("chain", "draw")
        highest = density.max(over)
        return np.asarray((np.log(np.exp(density - highest).mean(over)) + highest).values)

    def to_frame(self, prob: float | None = None) -> pd.DataFrame:
        """Tabulate the prediction.

        Parameters
        ----------
        prob : float, optional
            Probability of the interval from ``lower`` to ``upper``, by default what is set in
            ArviZ, else 0.9 with equal tails (:mod:`bayesq.intervals`).

        Returns
        -------
        DataFrame
            One row a scenario: its columns; then median, mean, lower and upper in nats per token,
            where the mean is that of the runs there for a new run too (heavy tails have none of
            their own); ``from_parameters``, ``from_misfit`` and ``from_noise``, the shares of the
            interval's variance; then ``distance``, the factor by which the scenario lies outside
            the rows as points (1 is inside), and ``distance_N``, ``distance_D`` and so on, that
            outside the range of each input, and of ``distance_compute``. Units by column are in
            ``attrs["units"]``, those of pure numbers left out.
        """
        over = ("chain", "draw")
        flat = self.draws.transpose("scenario", *over).values
        lower, upper = interval(prob).ends(flat.reshape(len(flat), -1))
        table = {
            "median": self.draws.median(over),
            "mean": self.mean.mean(over),
            "lower": lower,
            "upper": upper,
        }
        found = pd.concat(
            [
                self.scenarios,
                pd.DataFrame({name: np.asarray(values) for name, values in table.items()}),
                self.shares.add_prefix("from_"),
                self.distance.max(axis=1).rename("distance"),
                self.distance.drop(columns=TOGETHER, errors="ignore").add_prefix("distance_"),
            ],
            axis=1,
        )
        found.attrs["units"] = _COUNTED | dict.fromkeys(table, str(self.draws.attrs["units"]))
        return found

    @override
    def to_draws(self) -> pd.DataFrame:
        """Lay out the draws as a plain table.

        Returns
        -------
        DataFrame
            One row a draw: ``chain``, ``draw``, and of each scenario what is predicted, named by
            its row in :meth:`to_frame`: ``loss[0]``; units in ``attrs["units"]``.
        """
        unit = str(self.draws.attrs["units"])
        each = (self.draws.isel(scenario=i, drop=True) for i in range(len(self.scenarios)))
        return draws_frame({f"{self.draws.name}[{i}]": (cell, unit) for i, cell in enumerate(each)})

    def to_latex(
        self,
        prob: float | None = None,
        *,
        caption: str | None = None,
        label: str | None = None,
    ) -> str:
        r"""Write the prediction as a table for a paper: LaTeX with booktabs.

        Parameters
        ----------
        prob : float, optional
            Probability of the intervals, as :meth:`to_frame` takes it.
        caption, label : str, optional
            LaTeX, written as it is given. With one of them the table floats.

        Returns
        -------
        str
            One row a scenario: its columns, the median with the interval, and how many times it
            lies outside the data. Of several laws those of each follow, with its weight. It needs
            ``\usepackage{booktabs}``; what is predicted, what kind of interval that is, and notes
            that warn stand above it in comments.
        """
        laws = {"all laws": (1.0, self), **self.laws}
        count = len(self.scenarios)
        columns = {}
        if self.laws:
            columns["Law"] = [latex.escape(name) for name in laws for _ in range(count)]
            weights = [latex.number(weight) for weight, _ in laws.values() for _ in range(count)]
            columns["Weight"] = weights
        text = ["Law"]
        for name, given in self.scenarios.items():
            symbol, unit = self.inputs.get(str(name), ("", ""))
            head = latex.head(latex.symbol(symbol), unit, "\n")
            if not symbol or head in columns:  # of two columns that give one input one has its own
                head = rf"\texttt{{{latex.escape(name)}}}"
            columns[head] = [latex.cell(value, unit) for value in given] * len(laws)
            text += [head] if given.dtype == object or given.dtype == "str" else []
        told, chosen = latex.escape(self.draws.name), interval(prob)
        ends = self.by_law(prob)[["median", "lower", "upper"]].itertuples(index=False)
        # What the numbers are is said above the table: a long head would push it off the page.
        unit = str(self.draws.attrs["units"])
        head = latex.head(rf"{told} [{chosen.percent}\,\%]", unit, "\n")
        columns[head] = [latex.estimate(*row) for row in ends]
        away = (v for _, found in laws.values() for v in found.distance.max(axis=1))
        columns["Times\noutside"] = [
            latex.count(float(f"{v:.1e}")) if v >= _MANY else latex.number(v, 2) for v in away
        ]
        said = [
            f"{self._title}; medians with {chosen.name}s",
            "Times outside: the factor by which a scenario lies outside the data",
        ]
        return latex.booktabs(
            columns, text=text, said=said, notes=self.notes, caption=caption, label=label
        )

    @property
    def _title(self) -> str:
        what = "the mean of runs" if self.kind == "mean" else "a new run"
        return f"Prediction of {what}: {self.draws.name}, nats per token"

    def by_law(self, prob: float | None = None) -> pd.DataFrame:
        """Tabulate what each law says by itself, below what they say together.

        Parameters
        ----------
        prob : float, optional
            Probability of the interval from ``lower`` to ``upper``, by default what is set in
            ArviZ, else 0.9 with equal tails (:mod:`bayesq.intervals`).

        Returns
        -------
        DataFrame
            One row a scenario and law, index ``law`` (``"average"`` for all of them) and
            ``scenario``; columns ``weight``, median, mean, lower and upper in nats per token.
        """
        told = {"average": (1.0, self), **self.laws}
        parts = {
            name: p.to_frame(prob)[["median", "mean", "lower", "upper"]].assign(weight=weight)
            for name, (weight, p) in told.items()
        }
        table = pd.concat(parts, names=["law", "scenario"])
        return table[["weight", "median", "mean", "lower", "upper"]]

    def __repr__(self) -> str:
        laws = [self.by_law().to_string(float_format="{:.4g}".format)] if self.laws else []
        return "\n".join(
            [
                f"{self._title}, {interval().name}s",
                self.to_frame().to_string(float_format="{:.4g}".format),
                *laws,
                *map(str, self.notes),
            ]
        )

    def _repr_html_(self) -> str:
        what = "the mean of runs" if self.kind == "mean" else "a new run"
        units = dict.fromkeys(("median", "mean", "lower", "upper"), "nats/token")
        return html.block(
            f"Prediction of {what}: {self.draws.name}",
            html.table(self.to_frame(), caption=f"{interval().name}s", units=units),
            html.table(self.by_law(), caption="by law", units=units) if self.laws else "",
            html.notes(self.notes),
        )
