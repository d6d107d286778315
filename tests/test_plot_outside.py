"""Residuals, the fan outside the data, and the map of degradation, held against their tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_up_fits import around
from matplotlib import pyplot as plt
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

import bayesq
from bayesq.checks.at_rows import residuals
from bayesq.checks.scatter import scatter_notes
from bayesq.errors import BayesqError
from bayesq.plot import alt_text, plot_degradation, plot_fan, plot_residuals
from bayesq.posterior.fit import Fit

BASE = {"E": 0.76, "A": 10.6, "B": 6.6e4, "alpha": 0.19, "beta": 0.676}
ADDED = {"C_T": 205.0, "gamma_D": 0.33, "gamma_N": 0.52, "gamma_post": 0.585}
OF_LOSS = {"sigma": 0.01, "dof": 10.0}


@pytest.fixture(autouse=True)
def headless(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MPLBACKEND", "agg")
    yield
    plt.close("all")


@pytest.fixture
def added(ptq_runs: bayesq.Runs) -> Fit:
    """Put Kumar's law over four sizes and four widths."""
    noise = {"sigma": 0.1, "sigma_0": 1e-4, "dof": 10.0}
    return around(ptq_runs, "kumar2024-ptq", "degradation", ADDED | noise)


@pytest.fixture
def broken(grid: bayesq.Runs) -> Fit:
    """Put the base law over rows of which one has a loss that no run has."""
    full = grid.select("stage == 'none'")
    frame = full.frame.copy()
    frame.loc[3, "loss"] *= 1.5
    return around(bayesq.read_runs(frame), "chinchilla", "loss", BASE | OF_LOSS)


def texts(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_residuals_have_a_panel_by_input_run_and_row(added: Fit) -> None:
    axes = plot_residuals(added)
    labels = [ax.get_xlabel() for ax in axes]
    assert labels == ["$N$ (parameters)", "$D$ (tokens)", "$P$ (bits)", "run", "row"]
    found = residuals(added.specification, added.posterior)
    heights = np.concatenate([c.get_offsets()[:, 1] for c in axes[-1].collections])
    assert sorted(heights) == pytest.approx(sorted(found.scaled))
    along = np.concatenate([c.get_offsets()[:, 0] for c in axes[-1].collections])
    assert set(along) == set(added.specification.design.runs.numbers)


def test_outliers_are_named_as_the_notes_name_them(broken: Fit) -> None:
    axes = plot_residuals(broken)
    notes = scatter_notes(broken.specification, broken.posterior)
    (note,) = [n for n in notes if n.code == "rows-outside"]
    number = broken.specification.design.runs.numbers[3]
    assert number in note.rows
    assert all(str(number) in texts(ax) for ax in axes)
    assert f"row {number}" in alt_text(axes) or f"{number}" in alt_text(axes).split("Outliers")[1]
    assert axes[0].get_yscale() == "asinh"


def test_residuals_of_some_things_alone(added: Fit) -> None:
    (one,) = plot_residuals(added, by="P", ax=Figure().add_subplot())
    assert one.get_xlabel() == "$P$ (bits)"
    with pytest.raises(BayesqError, match="Rows cannot be laid by 'bits'"):
        plot_residuals(added, by=["bits"])
    with pytest.raises(BayesqError, match="by is empty; choose from N, D, P, run and row"):
        plot_residuals(added, by=[])


def test_the_fan_is_a_prediction(base_fit: Fit) -> None:
    fan, shares = plot_fan(base_fit, at={"N": "7.08M"}, figsize=(6.8, 4.8))
    d = fan.lines[0].get_xdata()
    said = bayesq.predict(base_fit, pd.DataFrame({"D": d, "N": 7.08e6}), "run")
    over = ("chain", "draw")
    assert fan.lines[0].get_ydata() == pytest.approx(said.mean.median(over).values)
    table = said.to_frame()
    bands = [c for c in fan.collections if type(c).__name__ == "FillBetweenPolyCollection"]
    for band, draws in ((bands[0], said.draws), (bands[1], said.mean)):
        corners = band.get_paths()[0].vertices
        last = corners[np.isclose(corners[:, 0], d[-1]), 1]
        wanted = draws.isel(scenario=-1).quantile([0.05, 0.95]).values
        assert (last.min(), last.max()) == pytest.approx(tuple(wanted))
    areas = shares.collections[: len(said.shares.columns)]
    top = [area.get_paths()[0].vertices[:, 1].max() for area in areas]
    assert top[-1] == pytest.approx(100)
    row = table.iloc[-1]
    text = alt_text(fan)
    assert f"{row['median']:.3g} ({row['lower']:.3g} to {row['upper']:.3g})" in text
    assert f"{100 * row['from_misfit']:.0f} % from misfit" in text
    # The edge of the data is drawn and named.
    (above,) = fan.child_axes
    assert above.get_xlabel() == "inside the data: 25M to 400M"
    assert alt_text(plot_fan(base_fit, at={"N": "786k"}, shares=False)) != text


def test_along_compute_sizes_and_tokens_grow_together(added: Fit) -> None:
    ax = plot_fan(added, x="compute", at={"D/N": 20, "P": 4}, shares=False, kind="mean")
    assert ax.get_xlabel().endswith("6ND (FLOP)")
    compute, height = (float(v[-1]) for v in ax.lines[0].get_data())
    n = np.sqrt(compute / 120)
    said = bayesq.predict(added, {"N": n, "D": 20 * n, "P": 4}).to_frame()
    assert height == pytest.approx(said["median"][0])
    runs = added.specification.design.runs.columns
    assert compute == pytest.approx(100 * (6 * runs["N"] * runs["D"]).max())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"x": "P"}, "has no fan along 'P'; valid names: D, N, compute"),
        ({"kind": "all"}, "kind is 'all'"),
        ({"at": {"D": 1e9}}, "D grows along the axis"),
        ({"x": "compute", "at": {"D/N": "some"}}, "D/N is held at 'some'"),
        ({"limits": (1e9, 1e8)}, "limits are 1e.09 and 1e.08"),
        ({"at": {"bits": 4}}, "has no input 'bits'"),
    ],
)
def test_a_fan_that_cannot_be_drawn(added: Fit, options: dict[str, Any], words: str) -> None:
    with pytest.raises(BayesqError, match=words):
        plot_fan(added, **options)


def test_the_map_is_the_law_and_its_marks_what_was_measured(added: Fit) -> None:
    ax = plot_degradation(added, at={"N": "7.08M"}, ax=Figure().add_subplot())
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("D/N (tokens per parameter)", "$P$ (bits)")
    (mesh,) = [c for c in ax.collections if isinstance(c, QuadMesh)]
    heights = mesh.get_array()
    low, high = (np.asarray(heights)[0, 0], np.asarray(heights)[-1, -1])
    ratio = np.array(ax.get_xlim())
    at = {"N": 7.08e6, "D": (7.08e6 * ratio).tolist(), "P": [3, 6]}
    said = bayesq.predict(added, at).to_frame()["median"]
    assert (low, high) == pytest.approx(tuple(said), rel=1e-6)
    design = added.specification.design
    here = np.isclose(design.inputs["N"], 7.08e6, rtol=0.01)
    marks = [c for c in ax.collections if type(c).__name__ == "PathCollection"]
    assert sorted(marks[-1].get_array()) == pytest.approx(sorted(design.observed[here]))
    text = alt_text(ax)
    assert f"{said[0]:.3g} at P 3" in text
    assert f"{here.sum()} measured settings" in text
    assert alt_text(plot_degradation(added, at={"N": "786k"})) != text


def test_a_loss_of_a_quantization_law_has_a_map_too(grid: bayesq.Runs) -> None:
    runs = grid.select(
        "seed == 0 and (stage == 'none' or (stage == 'post' and w_kind == 'int' and w_group == 128 "
        "and 3 <= w_bits <= 5))"
    )
    fit = around(runs, "kumar2024-ptq", "loss", BASE | ADDED | OF_LOSS)
    ax = plot_degradation(fit, at={"N": 7077888})
    assert ax.get_ylabel() == "$P$ (bits)"


def test_formats_of_one_width_have_a_map_of_one_row(ptq_runs: bayesq.Runs) -> None:
    noise = {"sigma": 0.1, "sigma_0": 1e-4, "dof": 10.0}
    fit = around(ptq_runs.select("w_bits == 4"), "kumar2024-ptq", "degradation", ADDED | noise)
    ax = plot_degradation(fit, at={"N": "7.08M"})
    (mesh,) = [c for c in ax.collections if isinstance(c, QuadMesh)]
    assert np.asarray(mesh.get_array()).shape[0] == 1


def test_a_base_law_has_no_map(grid: bayesq.Runs) -> None:
    base = around(grid, "chinchilla", "loss", BASE | OF_LOSS)
    with pytest.raises(BayesqError, match="chinchilla knows no quantization"):
        plot_degradation(base)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"y": "N"}, "N cannot lie along y; valid names: P"),
        ({"y": "bits"}, "has no input 'bits'"),
        ({"at": {"D": 1e8}}, "D lies along the axis"),
        ({"at": {"P": 4}}, "All formats are held"),
        ({"limits": (5, 1)}, "limits are 5 and 1"),
        ({"y_limits": (6, 3)}, "y_limits are 6 and 3"),
    ],
)
def test_a_map_that_cannot_be_drawn(added: Fit, options: dict[str, Any], words: str) -> None:
    with pytest.raises(BayesqError, match=words):
        plot_degradation(added, **options)


@pytest.mark.parametrize("plot", [plot_residuals, plot_fan])
def test_no_keyword_is_swallowed(added: Fit, plot: Any) -> None:
    with pytest.raises(AttributeError, match="colr"):
        plot(added, point_kwargs={"colr": "red"})
