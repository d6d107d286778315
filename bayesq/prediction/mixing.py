"""Predictions of several laws at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.notes import by_severity
from bayesq.posterior.average import Average
from bayesq.prediction.prediction import Prediction

_OVER = ("chain", "draw")


def mixture(average: Average, told: Mapping[str, Prediction]) -> Prediction:
    """Mix what laws say of the same scenarios.

    Parameters
    ----------
    average : Average
        The laws and their weights.
    told : mapping of str to Prediction
        By law.

    Returns
    -------
    Prediction
        With a share of the variance that is from the ``law``: by how much the laws differ.
    """
    first = next(iter(told.values()))
    distance = pd.concat([p.distance for p in told.values()]).groupby(level=0).max()
    notes = dict.fromkeys(
        replace(note, message=f"{name}: {note.message}")
        for name, p in told.items()
        for note in p.notes
    )
    return Prediction(
        average.mix({name: p.draws for name, p in told.items()}),
        average.mix({name: p.law_mean for name, p in told.items()}),
        _shares(average, told),
        first.scenarios,
        distance[list(dict.fromkeys(c for p in told.values() for c in p.distance))],
        first.kind,
        by_severity([*notes, *average.notes]),
        laws={name: (average.weights[name], p) for name, p in told.items()},
        mixed=average.mix({name: p.mean for name, p in told.items()}),
        # What all of them call alike.
        inputs={
            column: known
            for column, known in first.inputs.items()
            if all(p.inputs.get(column) == known for p in told.values())
        },
    )


def _shares(average: Average, told: Mapping[str, Prediction]) -> pd.DataFrame:
    """Split the variance: within the laws as each splits its own, and between them.

    Returns
    -------
    DataFrame
        One row a scenario, one column a source of variance; each row adds up to 1.
    """
    weights = np.array([average.weights[name] for name in told])[:, None]
    middles = np.array([p.draws.median(_OVER) for p in told.values()])
    variances = np.array([_variance(p.draws) for p in told.values()])
    mean = (weights * middles).sum(axis=0)
    parts: dict[str, np.ndarray] = {}
    for weight, variance, p in zip(weights, variances, told.values(), strict=True):
        for name, share in p.shares.items():
            # Of no variance, as of a paper's constants, there are no shares.
            own = weight * variance * np.nan_to_num(share.to_numpy())
            parts[str(name)] = parts.get(str(name), 0.0) + own
    parts["law"] = (weights * (middles - mean) ** 2).sum(axis=0)
    table = pd.DataFrame(parts)
    return table.div(table.sum(axis=1), axis=0)


def _variance(draws: xr.DataArray) -> np.ndarray:
    """Variance over chain and draw, shape ``(scenarios,)``."""
    # Of the middle 99 %: heavy-tailed runs may have no variance.
    ends = draws.quantile([0.005, 0.995], _OVER)
    return np.asarray(draws.clip(ends[0], ends[1]).var(_OVER))
