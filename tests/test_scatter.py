"""What is said of the rows around a fit: each planted thing is named, and clean rows are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesq
from bayesq import Note
from bayesq.checks.diagnosis import sampling_notes
from bayesq.checks.scatter import scatter_notes
from bayesq.law.formulas import arguments_of
from bayesq.model.specification import Specification, specify

TRUE = {"E": 1.7, "A": 400.0, "B": 1100.0, "alpha": 0.34, "beta": 0.37}
SIGMA = 0.004


def table(seed: int = 0) -> pd.DataFrame:
    """Cross six sizes with six lengths of training, two runs of each, with normal noise."""
    sizes, tokens = np.geomspace(1e7, 1e9, 6), np.geomspace(1e9, 5e10, 6)
    n, d = np.meshgrid(sizes, tokens, indexing="ij")
    frame = pd.DataFrame({"N": n.ravel(), "D": d.ravel()}).loc[lambda f: f.index.repeat(2)]
    frame = frame.reset_index(drop=True).assign(run=lambda f: [f"r{i // 2}" for i in range(len(f))])
    noise = np.exp(SIGMA * np.random.default_rng(seed).standard_normal(len(frame)))
    return frame.assign(
        loss=bayesq.laws()["chinchilla"].evaluate("loss", TRUE | dict(frame)) * noise
    )


def told(
    frame: pd.DataFrame, *, noise: str | None = None, **changed: float
) -> tuple[Specification, dict[str, Note]]:
    """Say what is found around draws that are the truth."""
    described = specify(bayesq.read_runs(frame), "chinchilla", noise=noise, discrepancy=False)
    values = TRUE | {"sigma": SIGMA, "dof": 6.0} | changed
    wanted = {p.symbol for p in described.parameters}
    draws = {s: v for s, v in values.items() if s in wanted}
    for p in described.design.parameters:
        if p.term is not None:
            at = {**described.design.pivots, **TRUE}
            draws[p.sampled_as] = TRUE[p.symbol] * p.term(
                **{a: at[a] for a in arguments_of(p.term)}
            )
    posterior = xr.Dataset(
        {s: (("chain", "draw"), np.full((2, 20), v)) for s, v in draws.items()},
        {"chain": [0, 1], "draw": range(20)},
    )
    return described, {n.code: n for n in scatter_notes(described, posterior)}


@pytest.mark.parametrize("seed", range(5))
def test_of_clean_rows_nothing_is_said(seed: int) -> None:
    assert not told(table(seed))[1]


def test_a_row_far_outside_is_named_with_how_far() -> None:
    frame = table()
    frame.loc[16, "loss"] *= np.exp(40 * SIGMA)
    note = told(frame)[1]["rows-outside"]
    assert note.rows == (17,)
    assert note.message.startswith("Row 17 lies outside the 99.9 % interval of a new run there, by")
    far = float(note.message.partition("by ")[2].partition(" widths")[0])
    assert far == pytest.approx(40, abs=4)


@pytest.mark.parametrize(
    ("symbol", "low", "high"), [("N", "10M", "1B"), ("N", "1B", "10M"), ("D", "50B", "1B")]
)
def test_structure_along_an_input_names_its_levels(symbol: str, low: str, high: str) -> None:
    values = {"10M": 1e7, "1B": 1e9, "50B": 5e10}
    frame = table()
    off = np.isclose(frame[symbol], values[high]) * 1.0 - np.isclose(frame[symbol], values[low])
    frame["loss"] *= np.exp(5 * SIGMA * off)
    note = told(frame)[1]["structure"]
    assert f"those with {symbol} {low} below it and those with {high} above" in note.message


def test_runs_that_lie_on_one_side_are_named() -> None:
    frame = table()
    frame["run"] = [f"r{i % 12}" for i in range(len(frame))]
    frame["loss"] *= np.exp(3 * SIGMA * np.where(frame["run"].isin(["r1", "r4", "r6", "r9"]), 1, 0))
    notes = told(frame)[1]
    assert "of 12 runs all on one side" in notes["runs-apart"].message
    assert "student-t + run" in notes["runs-apart"].remedy
    assert set(np.array(notes["runs-apart"].rows) % 12) >= {2, 5, 7, 10}


def test_noise_above_what_the_law_tells_apart_is_said() -> None:
    frame = table()
    frame["loss"] = 3.0 * np.exp(0.4 * np.random.default_rng(1).standard_normal(len(frame)))
    notes = told(frame, sigma=0.4)[1]
    assert "sigma 0.4" in notes["noise-over-law"].message
    assert "noise-over-law" not in told(table())[1]


def test_tails_at_the_edge_of_the_prior_name_the_far_rows() -> None:
    frame = table()
    frame.loc[[3, 8], "loss"] *= np.exp(30 * SIGMA)
    notes = told(frame, dof=1.2)[1]
    assert notes["heavy-tails"].rows == (4, 9)
    assert "rows 4 and 9 by more than 6 widths" in notes["heavy-tails"].message


@pytest.mark.parametrize(("step", "said"), [(1.0, []), (0.05, ["e-bfmi"])])
def test_energies_that_hardly_move_are_told(step: float, said: list[str]) -> None:
    rng = np.random.default_rng(0)
    energy = rng.standard_normal((2, 400))
    for i in range(1, 400):
        energy[:, i] = energy[:, i - 1] * np.sqrt(1 - step**2) + step * energy[:, i]
    dims = ("chain", "draw")
    none = np.zeros((2, 400), dtype=bool)
    stats = xr.Dataset(
        {"energy": (dims, energy), "diverging": (dims, none), "maxdepth_reached": (dims, none)}
    )
    good = pd.DataFrame({"r_hat": [1.0], "ess_bulk": [900.0], "ess_tail": [900.0]}, ["E"])
    assert [n.code for n in sampling_notes(stats, good)] == said
    # A file of an earlier version may have no energies.
    assert not sampling_notes(stats.drop_vars("energy"), good)
