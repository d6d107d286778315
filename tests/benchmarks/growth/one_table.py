"""The measured process of one table: ``read TABLE``, ``fit TABLE FILE``, ``after FILE OTHER``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from growth.telling import step, tell

LAW = "chinchilla"
# Codes of notes by which an approximation announces itself.
APPROXIMATIONS = ("coreset", "loo-subsample")


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
        compared = bayesq.compare(fits, outside=None, cure="none", progress=False)
        print(compared)
    tell(how=how(compared.notes))


def facts(fit: Any) -> dict[str, float | str]:
    """Tell the least bulk ESS of a parameter of law and noise, and what the fit says of itself."""
    return {
        "least_ess": float(fit.summary()["ess_bulk"].min()),
        "gradients": float(fit.data.attrs["gradients"]),
        "how": how(fit.notes),
    }


def how(notes: Sequence[Any]) -> str:
    """Repeat what notes say of an approximation."""
    return " ".join(note.message for note in notes if note.code in APPROXIMATIONS)


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    match what:
        case "read":
            read(*arguments)
        case "fit":
            fit(*arguments[:2], discrepancy="--law-true" not in arguments)
        case "after":
            after(*arguments)
