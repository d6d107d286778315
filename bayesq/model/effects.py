"""Effects that groups of rows share: runs, compute budgets, (N, D) cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesq.errors import BayesqError
from bayesq.model.noise import Effect, Noise
from bayesq.runs.runs import Runs

# Budgets are planned, and 6 N D comes out within a few per cent of the plan.
_SAME_BUDGET = 1.05


def groups(runs: Runs, effect: Effect) -> np.ndarray:
    """Return the number of each row's group, from 0, shape ``(rows,)``."""
    columns = runs.columns
    if effect == "run":
        return np.unique(runs.cluster, return_inverse=True)[1]
    # Unknown tokens are equal to unknown tokens.
    tokens = np.nan_to_num(columns["D"], nan=-1.0)
    cell = list(zip(columns["study"], columns["N"], tokens, strict=True))
    if effect == "cell":
        codes = {key: code for code, key in enumerate(dict.fromkeys(cell))}
        return np.array([codes[key] for key in cell])
    if np.isnan(columns["D"]).any():
        raise BayesqError(
            f"Some rows of {runs.source} have no D, and so no compute budget for the noise's "
            f"effect {effect!r}; give D, or leave the effect out."
        )
    compute = np.log(6 * columns["N"] * columns["D"])
    order = np.argsort(compute)
    steps = np.diff(compute[order], prepend=compute[order[0]]) > np.log(_SAME_BUDGET)
    found = np.empty(len(compute), dtype=int)
    found[order] = np.cumsum(steps)
    return found


def log_effects(noise: Noise, rows: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    """Make the variables of a noise's effects in the model at hand, and add them up by row.

    Parameters
    ----------
    noise : Noise
        The noise.
    rows : mapping of str to tensor
        What the model takes from its rows, as :func:`bayesq.model.given.given` names it.
    values : mapping of str to tensor
        Parameters by symbol.
    """
    import pymc as pm
    import pytensor.tensor as pt

    total: Any = 0.0
    for effect in noise.effects:
        dim = f"effect_{effect}"
        of_row = rows[f"group_{effect}"]
        count = of_row.get_value().shape[1]
        pm.modelcontext(None).add_coord(f"{dim}_group", np.arange(count))
        drawn = pm.Normal(dim, 0.0, 1.0, dims=f"{dim}_group")
        total = total + values[f"sigma_{effect}"] * pt.dot(of_row, drawn)
    return total
