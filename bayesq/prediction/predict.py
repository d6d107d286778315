"""Predictions with intervals, each with its distance from the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.errors import BayesqError
from bayesq.fitting.posterior import Posterior, check_posterior
from bayesq.fitting.result import tail_of
from bayesq.notes import Note, by_severity
from bayesq.prediction.distance import distance_note, distances, inside
from bayesq.prediction.scenarios import read_scenarios
from bayesq.prediction.unseen import format_note, unseen_note


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a fit says of scenarios. Made by :func:`bayesq.predict`.

    Parameters
    ----------
    draws : xarray.DataArray
        Nats per token, dimensions chain, draw and scenario.
    law_mean : xarray.DataArray
        The same for the law's mean, whatever `kind` is.
    scenarios : pandas.DataFrame
        The scenarios as given, counts as numbers.
    distance : pandas.DataFrame
        Factor by which each input lies outside the data, 1 inside; one column an input.
    kind : {"mean", "run"}
        Whether the draws are of the law's mean or of a new run's measured value.
    notes : tuple of Note
        One of code ``extrapolation`` for each scenario outside the data; ``other-format`` where
        scenarios ask for a format that the fit has not seen and the law does not look at.
    """

    draws: xr.DataArray
    law_mean: xr.DataArray
    scenarios: pd.DataFrame
    distance: pd.DataFrame
    kind: str
    notes: tuple[Note, ...]

    def to_frame(self, prob: float = 0.9) -> pd.DataFrame:
        """Tabulate the prediction.

        Parameters
        ----------
        prob : float
            Probability of the equal-tailed interval from ``lower`` to ``upper``.

        Returns
        -------
        DataFrame
            One row a scenario: its columns; then median, mean, lower and upper in nats per token,
            where the mean is the law's for a new run too (heavy tails have none of their own);
            then ``distance``, the largest factor outside the data over the inputs (1 is inside),
            and ``distance_N``, ``distance_D`` and so on, one for each input.
        """
        over = ("chain", "draw")
        tail = tail_of(prob)
        table = {
            "median": self.draws.median(over),
            "mean": self.law_mean.mean(over),
            "lower": self.draws.quantile(tail, over),
            "upper": self.draws.quantile(1 - tail, over),
        }
        return pd.concat(
            [
                self.scenarios,
                pd.DataFrame({name: values.values for name, values in table.items()}),
                self.distance.max(axis=1).rename("distance"),
                self.distance.add_prefix("distance_"),
            ],
            axis=1,
        )

    def __repr__(self) -> str:
        what = "the law's mean" if self.kind == "mean" else "a new run"
        name = self.draws.name
        return "\n".join(
            [
                f"Prediction of {what}: {name}, nats per token, 90 % intervals",
                self.to_frame().to_string(float_format="{:.4g}".format),
                *map(str, self.notes),
            ]
        )


def predict(
    fit: Posterior,
    scenarios: Mapping[str, Any] | pd.DataFrame,
    kind: str = "mean",
    *,
    seed: int = 0,
) -> Prediction:
    """Predict the response of a fit at scenarios.

    Parameters
    ----------
    fit : Fit or PublishedFit
        A fit, or a paper's constants from :func:`bayesq.published`; the prediction is of its
        response, loss or degradation.
    scenarios : mapping or DataFrame
        Columns as in a runs table: ``{"N": "70B", "D": "15T", "w_bits": [3, 4]}``, or the law's
        inputs by symbol. N is in parameters, D in tokens, widths in bits, groups in elements;
        lists have one value a scenario.
    kind : {"mean", "run"}
        ``"mean"`` for the law's mean, ``"run"`` for the measured value of a new run, which has the
        noise of a run on top. Neither includes the law being wrong outside its data.
    seed : int
        Seed of the noise of ``"run"``.

    Returns
    -------
    Prediction
        Labelled draws; ``.to_frame(prob=0.9)`` tabulates them.

    Raises
    ------
    BayesqError
        If a scenario lacks an input of the law, or holds a value that no run can have.

    Examples
    --------
    >>> import bayesq
    >>> fit = bayesq.load_fit("fit.nc")  # doctest: +SKIP
    >>> bayesq.predict(fit, {"N": "1B", "D": "100B", "w_bits": [4, 5]})  # doctest: +SKIP
    """
    check_posterior(fit)
    if kind not in ("mean", "run"):
        raise BayesqError(f"kind is {kind!r}; it must be 'mean' or 'run'.")
    if not isinstance(seed, Integral) or seed < 0:
        raise BayesqError(f"seed is {seed!r}; it must be a whole number from 0 on.")
    fit.require(fit.response)
    frame, inputs = read_scenarios(scenarios, fit)
    labels = {"scenario": np.arange(len(frame))}
    at = {
        symbol: xr.DataArray(array, dims="scenario", coords=labels)
        for symbol, array in inputs.items()
    }
    values = fit.values_at(at)
    order = ("chain", "draw", "scenario")
    law_mean = fit.law.evaluate(fit.response, values).transpose(*order).rename(fit.response)
    draws = law_mean
    if kind == "run":
        if fit.noise is None:
            raise BayesqError(
                f"The noise of a new run is not known for {fit.title}; ask for kind='mean'."
            )
        noisy = fit.noise.draw(law_mean, values, np.random.default_rng(seed))
        draws = noisy.transpose(*order).rename(fit.response)
    draws.attrs["units"] = "nats/token"
    ranges = fit.observed_range
    distance = distances(inside(inputs, fit.law, ranges), ranges)
    found = [
        distance_note(distance.iloc[i], ranges, f"Scenario {i + 1}") for i in range(len(distance))
    ]
    found += [unseen_note(fit, inputs), format_note(frame, fit), *fit.standing_notes]
    return Prediction(draws, law_mean, frame, distance, kind, by_severity(n for n in found if n))
