"""How well each law foretells what is larger than all that it was fitted to."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any

import numpy as np
import pandas as pd

from bayesq.backtesting.backtest import backtest_specification
from bayesq.errors import BayesqError
from bayesq.jobs.spread import Unit, spread
from bayesq.model.specification import Specification
from bayesq.posterior.fit import Fit
from bayesq.progress import Progress
from bayesq.sampling.reduction import asked_for
from bayesq.sampling.samplers import sampler_of

OUTSIDE = ("largest-compute", "largest-N", "largest-D", "study")


def foretell(
    fits: Mapping[str, Fit],
    specifications: Mapping[str, Specification],
    split: str,
    quantile: float,
    told: Progress,
    executor: Executor | int | None = None,
) -> dict[str, pd.DataFrame]:
    """Backtest each fit on the same rows.

    Returns
    -------
    dict of str to DataFrame
        By law, the scores of the rows left out that all laws foretell, as
        :attr:`bayesq.Backtest.rows`.

    Raises
    ------
    BayesqError
        If the rows cannot be split that way, or too few are left for a law.
    """
    units = []
    # A study in turn makes several folds of each law, the others one.
    what = f"foretelling rows of {split.replace('-', ' ')} by"
    for name, fit in fits.items():
        sizes = fit.posterior.sizes
        sampling: dict[str, Any] = {"draws": sizes["draw"], "chains": sizes["chain"]}
        sampling |= {option: int(fit.data.attrs[option]) for option in ("tune", "seed")}
        sampling["sampler"] = sampler_of(fit.data.attrs)
        sampling["coreset"] = asked_for(fit.data.attrs, len(fit.design.index))
        asked = (specifications[name], split, quantile, sampling, told.shown)
        units.append(Unit(name, _scores, asked))
    found = dict(spread(units, executor, told, what))
    scores = {name: found[name] for name in fits}
    rows = [set(table["row"]) for table in scores.values()]
    common = np.array(sorted(set.intersection(*rows)))
    if not common.size:
        raise BayesqError("The laws foretell no row in common; compare laws of the same formats.")
    return {
        name: table[table["row"].isin(common)].reset_index(drop=True)
        for name, table in scores.items()
    }


def _scores(
    specification: Specification,
    split: str,
    quantile: float,
    sampling: Mapping[str, Any],
    progress: bool,
) -> pd.DataFrame:
    """Score what a law foretells, by row."""
    found = backtest_specification(
        specification, split, quantile, sampling, executor=1, progress=progress
    )
    return found.rows.sort_values("row", ignore_index=True)
