"""The measured process of one table: ``read TABLE``, ``fit TABLE FILE``, ``after FILE OTHER``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from growth.telling import step, tell

LAW = "chinchilla"


def read(table: str) -> None:
    """Read and check a table."""
    import bayesq

    with step("read"):
        runs = bayesq.read_runs(table)
    with step("check"):
        print(bayesq.check(runs, LAW))


def fit(table: str, file: str, discrepancy: bool) -> None:
    """Fit the law, and save the fit."""
    import bayesq

    runs = bayesq.read_runs(table)
    with step("fit"):
        found = bayesq.fit(runs, LAW, discrepancy=discrepancy, seed=1, progress=False)
    tell(**facts(found))
    with step("save"):
        found.save(file)
    tell(file=Path(file).stat().st_size / 1e6)


def after(file: str, other: str) -> None:
    """Do what follows a fit."""
    import bayesq

    with step("load"):
        found = bayesq.load_fit(file)
    with step("predict"):
        print(bayesq.predict(found, {"N": "70B", "D": "15T"}))
    fits = {"with misfit": found, "law true": bayesq.load_fit(other)}
    with step("compare"):
        # Inside the data; outside of it are fits of their own.
        print(bayesq.compare(fits, outside=None, cure="none", progress=False))


def facts(fit: Any) -> dict[str, float]:
    """Tell the least bulk ESS of a parameter of law and noise, and what the sampler says."""
    said = {"gradients": float(fit.data.attrs["gradients"])}
    return {"least_ess": float(fit.summary()["ess_bulk"].min()), **said}


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    match what:
        case "read":
            read(*arguments)
        case "fit":
            fit(*arguments[:2], discrepancy="--law-true" not in arguments)
        case "after":
            after(*arguments)
