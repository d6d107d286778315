"""bayesq by its public Python API, with every default."""

from __future__ import annotations

from typing import Any

from contender import contend

import bayesq

LAW_AND_NOISE = ("E", "A", "B", "alpha", "beta", "sigma", "dof")


def fit(table: str) -> tuple[dict[str, Any], dict[str, float]]:
    """Fit the law and print the summary."""
    found = bayesq.fit(bayesq.read_runs(table), "chinchilla", seed=1, progress=False)
    print(found)
    posterior = found.data["posterior"]
    draws = {n: posterior[n].values for n in LAW_AND_NOISE if n in posterior.data_vars}
    attrs = found.data.attrs
    said = {n: float(attrs[n]) for n in ("sampling_seconds", "gradients") if n in attrs}
    return draws, said


contend(fit)
