"""The plain PyMC script: the law's parameters as they are, and every default of pm.sample.

The number of chains is said: its default is the number of cores, and 4 where there are as many.
"""

from __future__ import annotations

from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import pymc as pm
from contender import contend


def fit(table: str) -> tuple[dict[str, Any], dict[str, float]]:
    """Fit the law and print the summary."""
    runs = pd.read_csv(table)
    N, D = runs["N"].to_numpy(float), runs["D"].to_numpy(float)
    with pm.Model():
        E = pm.LogNormal("E", 0.4, 0.5)
        A, B = pm.LogNormal("A", 6, 2), pm.LogNormal("B", 6, 2)
        alpha, beta = pm.LogNormal("alpha", -1.05, 0.5), pm.LogNormal("beta", -1.05, 0.5)
        sigma, nu = pm.HalfNormal("sigma", 0.05), pm.Gamma("nu", 2, 0.1)
        mu = pm.math.log(E + A * N**-alpha + B * D**-beta)
        pm.StudentT("loss", nu=nu, mu=mu, sigma=sigma, observed=np.log(runs["loss"]))
        tree = pm.sample(chains=4, random_seed=1, progressbar=False)
    print(az.summary(tree))
    posterior, stats = tree["posterior"], tree["sample_stats"]
    said = {}
    for group in (stats, posterior):
        if "sampling_time" in group.attrs:
            said["sampling_seconds"] = float(group.attrs["sampling_time"])
    if "n_steps" in stats:
        said["gradients"] = float(stats["n_steps"].sum())  # of the draws that are kept only
    return {str(n): posterior[n].values for n in posterior.data_vars}, said


contend(fit)
