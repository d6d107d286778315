"""Predict what a fit, or an average of fits, says of scenarios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.errors import BayesqError
from bayesq.law.formulas import arguments_of
from bayesq.notes import Note, by_severity
from bayesq.posterior.average import Average
from bayesq.posterior.posterior import Posterior, check_posterior
from bayesq.prediction.distance import far
from bayesq.prediction.mixing import mixture
from bayesq.prediction.of_studies import split_by_study
from bayesq.prediction.outcome import outcome, shares
from bayesq.prediction.prediction import Prediction
from bayesq.prediction.scenarios import read_scenarios
from bayesq.prediction.unseen import format_note, unseen_note
from bayesq.runs.schema import ERROR_OF


def predict(
    fit: Posterior | Average,
    scenarios: Mapping[str, Any] | pd.DataFrame,
    kind: str = "mean",
    *,
    study: str | None = None,
    seed: int = 0,
) -> Prediction:
    """Predict the response of a fit at scenarios.

    Parameters
    ----------
    fit : Fit, PublishedFit or Average
        A fit, a paper's constants from :func:`bayesq.published`, or several laws from
        :func:`bayesq.average`; the prediction is of its response, loss or degradation.
    scenarios : mapping or DataFrame
        Columns as in a runs table: ``{"N": "70B", "D": "15T", "w_bits": [3, 4]}``, or the law's
        inputs by symbol. N is in parameters, D in tokens, widths in bits, groups in elements;
        lists have one value a scenario.
    kind : {"mean", "run"}
        ``"mean"`` for the mean of runs there, the law and its misfit; ``"run"`` for the measured
        value of a new run, which has the noise of a run on top.
    study : str, optional
        Of a fit that is pooled over studies, whose law is meant: a study by its name; ``"new"``,
        one drawn from the population, with a base from its prior; or ``"population"``, its middle,
        which has no base, no misfit and no runs. By default that of each scenario, in the column
        that the fit is pooled by.
    seed : int
        Seed of what the data leave open about the misfit, of the noise of ``"run"``, and of new
        studies.

    Returns
    -------
    Prediction
        Labelled draws; ``.to_frame(prob=0.9)`` tabulates them.

    Raises
    ------
    BayesqError
        If a scenario lacks an input of the law, or holds a value that no run can have; if it is
        not clear which study is meant, or there is no such study.

    Examples
    --------
    >>> import bayesq
    >>> fit = bayesq.published("chinchilla")
    >>> found = bayesq.predict(fit, {"N": "70B", "D": ["1.4T", "15T"]})
    >>> found.to_frame()["median"].round(3).tolist()
    [1.974, 1.93]
    """
    if isinstance(fit, Average):
        told = {
            name: predict(one, scenarios, kind, study=study, seed=seed + i)
            for i, (name, one) in enumerate(fit.fits.items())
        }
        return mixture(fit, told)
    check_posterior(fit)
    if kind not in ("mean", "run"):
        raise BayesqError(f"kind is {kind!r}; it must be 'mean' or 'run'.")
    check_seed(seed)
    if study is not None:
        fit = fit.of_study(study, seed=seed)
    frame, inputs = read_scenarios(scenarios, fit)
    rng = np.random.default_rng(seed)
    parts = [
        (rows, _predict(of, frame, inputs, rows, kind, rng))
        for of, rows in split_by_study(fit, frame, seed)
    ]
    return parts[0][1] if len(parts) == 1 else _joined(frame, parts)


def check_seed(seed: object) -> None:
    """Refuse what is no seed."""
    if not isinstance(seed, Integral) or seed < 0:
        raise BayesqError(f"seed is {seed!r}; it must be a whole number from 0 on.")


def _predict(
    fit: Posterior,
    frame: pd.DataFrame,
    inputs: Mapping[str, np.ndarray],
    rows: np.ndarray,
    kind: str,
    rng: np.random.Generator,
) -> Prediction:
    """Predict those scenarios that are of one study.

    Parameters
    ----------
    frame : DataFrame
        All scenarios.
    inputs : mapping of str to ndarray, each of shape (scenarios,)
        Their inputs.
    rows : ndarray of int, shape (scenarios of the study,)
        Which of them.
    """
    fit.require(fit.response)
    frame = frame.iloc[rows].reset_index(drop=True)
    inputs = {symbol: values[rows] for symbol, values in inputs.items()} | _errors(fit, frame)
    if kind == "run" and fit.noise is None:
        raise BayesqError(
            f"The noise of a new run is not known for {fit.title}; ask for kind='mean'."
        )
    found = outcome(fit, inputs, "scenario", rng)
    law, mean = (step.assign_coords(scenario=rows) for step in (found.law, found.mean))
    draws, run, around = mean, None, None
    if kind == "run" and fit.noise is not None:
        noisy = fit.noise.draw(mean, found.values, rng)
        draws = run = noisy.transpose(*mean.dims).rename(fit.response)
        around = (fit.noise, mean, found.values)
    draws.attrs["units"] = "nats/token"
    away = far(fit, inputs)
    covered = fit.field is not None
    notes: list[Note | None] = []
    for i, row in enumerate(rows):
        notes += away.notes(i, f"Scenario {row + 1}", covered)
    notes += [unseen_note(fit, inputs), format_note(frame, fit), *fit.standing_notes]
    return Prediction(
        draws,
        law,
        shares(fit, found, run),
        frame,
        away.table,
        kind,
        by_severity(dict.fromkeys(n for n in notes if n)),
        around,
        inputs=_named(fit),
    )


def _named(fit: Posterior) -> dict[str, tuple[str, str]]:
    """Symbol and unit of what columns of scenarios give, by column, where it is one input."""
    inputs = fit.law.inputs_of(fit.response)
    by_column = {
        own[0]: (i.symbol, i.unit)
        for i in inputs
        if len(own := i.columns if i.accounts_for is None else i.accounts_for) == 1
    }
    return by_column | {i.symbol: (i.symbol, i.unit) for i in inputs}


def _errors(fit: Posterior, frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Take the errors that scenarios give of what is measured there, for noises that use them."""
    column = ERROR_OF[fit.response]
    if column not in frame or "loss_se" not in fit.middles:
        return {}
    given = frame[column].to_numpy(dtype=float)
    return {"loss_se": np.where(np.isnan(given), fit.middles["loss_se"], given)}


def _joined(frame: pd.DataFrame, parts: list[tuple[np.ndarray, Prediction]]) -> Prediction:
    """Put predictions of scenarios of several studies together, in the order of the scenarios.

    Parameters
    ----------
    frame : DataFrame
        All scenarios.
    parts : list of (ndarray of int, Prediction)
        Which scenarios, shape ``(scenarios of the study,)``, and what is said of them.
    """
    predictions = [p for _, p in parts]
    order = np.argsort(np.concatenate([rows for rows, _ in parts]))

    def along(values: Sequence[xr.DataArray]) -> xr.DataArray:
        joined: xr.DataArray = xr.concat(list(values), "scenario", coords="minimal")
        return joined.isel(scenario=order)

    def stacked(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
        return pd.concat(tables, ignore_index=True).iloc[order].reset_index(drop=True)

    around = None
    of_run = [p.noise for p in predictions if p.noise is not None]
    if len(of_run) == len(predictions):
        noise, _, first = of_run[0]
        needed = {p.symbol for p in noise.parameters} | set(arguments_of(noise.width))
        values = {
            name: along([xr.ones_like(mean) * v[name] for _, mean, v in of_run])
            for name in sorted(needed & set(first))
        }
        around = (noise, along([mean for _, mean, _ in of_run]), values)
    return Prediction(
        along([p.draws for p in predictions]),
        along([p.law_mean for p in predictions]),
        stacked([p.shares for p in predictions]),
        frame,
        stacked([p.distance for p in predictions]),
        predictions[0].kind,
        by_severity(dict.fromkeys(n for p in predictions for n in p.notes)),
        around,
        inputs=predictions[0].inputs,
    )
