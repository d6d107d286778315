"""Which study each scenario is about."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayesq.posterior.fit import Fit
from bayesq.posterior.posterior import Posterior


def split_by_study(
    fit: Posterior, frame: pd.DataFrame, seed: int
) -> list[tuple[Posterior, np.ndarray]]:
    """Take apart the scenarios of a pooled fit by the study that they name.

    Parameters
    ----------
    fit : Posterior
        A fit; one that is not pooled stands for all scenarios.
    frame : DataFrame
        The scenarios.
    seed : int
        Seed of the draws of a new study.

    Returns
    -------
    list of (Posterior, ndarray of int, shape (scenarios of the study,))
        What the fit says of each study, and the numbers of the scenarios that are about it.
    """
    everything = np.arange(len(frame))
    pooling = fit.pooling if isinstance(fit, Fit) else None
    if pooling is None:
        return [(fit, everything)]
    named = frame[pooling.by].astype(str).to_numpy() if pooling.by in frame else everything[:0]
    if not len(named) or (named == "").any():
        fit.check_one_study()
    return [
        (fit.of_study(study, seed=seed), everything[named == study])
        for study in dict.fromkeys(named.tolist())
    ]
