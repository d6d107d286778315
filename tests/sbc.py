"""Models that are calibrated by simulation: every law on a table of its own, and every noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

import bayesq
from bayesq.law.registry import find_law
from bayesq.model.design import design
from bayesq.model.specification import specify_rows
from bayesq.sampling.defaults import SAMPLER
from bayesq.sweeping.calibration_check import CHAINS, DRAWS
from bayesq.sweeping.simulation import Simulation
from simulated import base_table, crossed, table_for, with_losses


@dataclass(frozen=True)
class Case:
    """A model to be calibrated, over the rows of a small table."""

    law: str
    rows: Callable[[], pd.DataFrame]
    noise: str | None = None
    discrepancy: bool = True

    @property
    def simulation(self) -> Simulation:
        """What simulates it; the losses of its rows are a stand-in until they are drawn."""
        chosen = design(bayesq.read_runs(with_losses(self.rows())), find_law(self.law))
        described = specify_rows(chosen, noise=self.noise, discrepancy=self.discrepancy)
        return Simulation(described, DRAWS, CHAINS, SAMPLER)


def with_errors() -> pd.DataFrame:
    """Give the losses standard errors between those of good and of bad evaluations."""
    return base_table().assign(loss_se=np.geomspace(0.003, 0.1, 36)[np.arange(36) * 7 % 36])


def checkpoints() -> pd.DataFrame:
    """Make the lengths of training of one size the checkpoints of one run."""
    table = base_table()
    return table.assign(run=[f"{n:.3g}" for n in table["N"]])


def seeds() -> pd.DataFrame:
    """Train every model twice."""
    sizes = crossed(N=np.geomspace(1e7, 1e9, 6), D=np.geomspace(1e9, 1e11, 3), seed=[0, 1])
    return sizes.drop(columns="seed").assign(stage="none")


# Every law on a table of its own, and the noises on the base law. To calibrate a further choice,
# add a line.
CASES = {name: Case(name, partial(table_for, law)) for name, law in bayesq.laws().items()} | {
    f"chinchilla, {noise}{'' if wrong else ', true law'}": Case("chinchilla", rows, noise, wrong)
    for wrong in (True, False)
    for noise, rows in (
        ("student-t", base_table),
        ("normal", base_table),
        ("known-se", with_errors),
        ("falls-with-D", base_table),
        ("student-t + run", checkpoints),
        ("student-t + budget", base_table),
        ("student-t + cell", seeds),
    )
    if not (wrong and noise == "student-t")  # that is the default
}
