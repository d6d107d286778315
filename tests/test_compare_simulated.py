"""The law that made simulated tables is preferred, and only where the tables can tell."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import product

import arviz_stats as azs
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesq
from bayesq.comparison.difference import difference
from bayesq.law.law import Law
from bayesq.law.registry import find_law
from bayesq.model.design import Design, design
from bayesq.model.specification import specify_rows
from bayesq.sampling.compiled import Compiled

TABLES = 100
# Kumar's law after training, at sizes like those of the grid.
TRUTH = {"C_T": 0.02, "gamma_D": 0.4, "gamma_N": 0.5, "gamma_post": 0.6}
NOISE = {"absolute": 2e-4, "relative": 0.04}


def table(bits: tuple[float, ...]) -> Design:
    """Choose the rows of the simulated tables; the losses are a stand-in until they are drawn."""
    sizes = [
        {"N": n, "D": d, "w_bits": p, "w_kind": "int", "stage": "post"}
        for n, d, p in product([1e7, 3e7, 1e8], [5e8, 2e9, 8e9], bits)
    ]
    rows = pd.DataFrame(sizes).assign(loss=3.1, loss_full=3.0)
    rows["run"] = [f"r{i}" for i in range(len(rows))]
    return design(bayesq.read_runs(rows), find_law("kumar2024-ptq"))


def simulated(chosen: Design, gamma_d: float, rng: np.random.Generator) -> np.ndarray:
    """Draw the degradations of a table from Kumar's law."""
    at = {s: chosen.inputs[s] / chosen.pivots[s] for s in ("N", "D")}
    mean = TRUTH["C_T"] * at["D"] ** gamma_d / at["N"] ** TRUTH["gamma_N"]
    mean = mean * np.exp(-(chosen.inputs["P"] - 4) / TRUTH["gamma_post"])
    width = NOISE["absolute"] + NOISE["relative"] * mean
    return np.asarray(mean + width * rng.standard_normal(len(mean)))


class Simulation:
    """A law that is fitted to many tables of the same rows."""

    def __init__(self, chosen: Design, law: Law) -> None:
        self.rows = design(chosen.runs, law)

    def elpd(self, measured: np.ndarray, seed: int) -> np.ndarray:
        rows = replace(self.rows, observed=measured)
        model = Compiled(specify_rows(rows, discrepancy=False))
        drawn = model.sample(draws=500, tune=500, chains=2, seed=seed)
        found = model.groups(drawn.points)
        data = xr.DataTree.from_dict({n: found[n] for n in ("log_likelihood", "posterior")})
        return np.asarray(azs.loo(data, pointwise=True).elpd_i)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Estimated shape parameter")
@pytest.mark.parametrize(
    ("other", "bits", "gamma_d", "wanted"),
    [
        pytest.param("ouyang2024", (3.0, 4.0, 5.0, 6.0), 0.4, 1, id="exponential, not a power"),
        # Through two widths goes an exponential as well as a power.
        pytest.param("ouyang2024", (4.0, 5.0), 0.4, 0, id="two widths tell nothing"),
        pytest.param("kumar2024-ptq:gamma_D=0", (3.0, 4.0, 5.0, 6.0), 0.4, 1, id="tokens matter"),
        pytest.param("kumar2024-ptq:gamma_D=0", (3.0, 4.0, 5.0, 6.0), 0.0, 0, id="they do not"),
    ],
)
def test_the_law_that_made_the_data_is_preferred_where_they_tell(
    other: str, bits: tuple[float, ...], gamma_d: float, wanted: int
) -> None:
    chosen = table(bits)
    laws = [Simulation(chosen, find_law(law)) for law in ("kumar2024-ptq", other)]
    rng = np.random.default_rng(20261122)
    signs = Counter[int]()
    for i in range(TABLES):
        measured = simulated(chosen, gamma_d, rng)
        one, two = (law.elpd(measured, seed=i) for law in laws)
        signs[difference(one, two, chosen.runs.cluster).sign] += 1
    print(f"\nkumar2024-ptq against {other}, {bits} bits, gamma_D {gamma_d}: {dict(signs)}")
    assert signs[wanted] >= 0.95 * TABLES, signs
