"""Laws drawn in panels, beside their misfit, and along formats; and what is told of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_up_fits import around
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import bayesq
from bayesq.plot import alt_text, plot_law
from bayesq.posterior.fit import Fit

ADDED = {"C_T": 205.0, "gamma_D": 0.33, "gamma_N": 0.52, "gamma_post": 0.585}
# Labels of the parts of a curve where there is but one.
ENDS = ["lower", "upper"]
CURVE = ("_", "_projection")
NOISE = {"sigma": 0.1, "sigma_0": 1e-4, "dof": 10.0}


@pytest.fixture(autouse=True)
def headless(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MPLBACKEND", "agg")
    yield
    plt.close("all")


def many(sizes: int) -> Fit:
    """Put Kumar's law over that many sizes, each with three widths and three lengths."""
    rows = []
    for n in np.geomspace(1e6, 1e9, sizes):
        for d in (1e9, 1e10, 1e11):
            rows.append({"N": n, "D": d, "loss": 3.0, "stage": "none"})
            for bits in (3, 4, 6):
                lost = 205.0 * d**0.33 / n**0.52 * np.exp(-bits / 0.585)
                told = {"w_bits": bits, "w_kind": "int", "w_group": 128, "stage": "post"}
                rows.append({"N": n, "D": d, "loss": 3.0 + lost, **told})
    runs = bayesq.read_runs(pd.DataFrame(rows))
    return around(runs, "kumar2024-ptq", "degradation", ADDED | NOISE)


@pytest.fixture(scope="module")
def six() -> Fit:
    return many(6)


@pytest.fixture(scope="module")
def dozens() -> Fit:
    return many(30)


def test_what_is_left_open_has_a_panel_each(six: Fit) -> None:
    axes = plot_law(six, x="D")
    assert isinstance(axes, np.ndarray)
    assert axes.shape == (6,)
    assert axes[0].get_title() == "N 1M"
    assert axes[-1].get_title() == "N 1B"
    for ax in axes:
        assert len([line for line in ax.lines if not line.get_label().startswith("_")]) == 3
        assert sum(len(c.get_offsets()) for c in ax.collections if c.get_offsets().size > 2) == 9
    assert "54 measured rows" in alt_text(axes)


def test_of_dozens_some_are_shown_and_the_figure_says_so(dozens: Fit) -> None:
    axes = plot_law(dozens, x="D")
    assert axes.shape == (9,)
    assert "9 of 30 settings of N" in axes[0].figure.get_suptitle()
    assert "9 of 30 settings shown" in alt_text(axes)
    sizes = [bayesq.runs.counts.parse_count(ax.get_title().removeprefix("N ")) for ax in axes]
    # Spread over the data, not the first nine.
    assert np.all(np.diff(np.log([float(s) for s in sizes])) > 0)
    assert float(sizes[0]) < 3e6
    assert float(sizes[-1]) > 3e8


def test_panels_take_the_place_of_the_axes_that_are_given(six: Fit) -> None:
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    axes = plot_law(six, x="D", ax=right)
    assert left in figure.axes
    assert right not in figure.axes
    assert {ax.figure for ax in axes} == {figure}
    figure.draw_without_rendering()
    assert min(ax.get_window_extent().x0 for ax in axes) > left.get_window_extent().x1
    assert plt.get_fignums() == []


@pytest.mark.parametrize("figsize", [(3.25, 2.6), (6.8, 4.2)])
def test_titles_are_no_wider_than_their_panels(dozens: Fit, figsize: tuple[float, float]) -> None:
    axes = plot_law(dozens, x="D", figsize=figsize)
    figure = axes[0].figure
    figure.draw_without_rendering()
    for ax in axes:
        assert ax.title.get_window_extent().width <= ax.get_window_extent().width * 1.02
    assert figure.get_tightbbox().width <= figsize[0] * 1.01
    texts = [t for ax in axes for t in (*ax.texts, ax.title, ax.xaxis.label, ax.yaxis.label)]
    assert min(t.get_fontsize() for t in texts) >= 6.5


def test_along_bits_the_mean_of_runs_stands_at_whole_bits(six: Fit) -> None:
    ax = plot_law(six, x="P", at={"N": "1M", "D": 1e9}, ax=Figure().add_subplot())
    assert ax.lines[0].get_xdata().tolist() == [3, 4, 5, 6]
    wider = plot_law(six, x="P", at={"N": "1M", "D": 1e9}, limits=(2, 8), ax=Figure().add_subplot())
    seen = sorted(
        {x for line in wider.lines if line.get_label() in CURVE for x in line.get_xdata()}
    )
    assert seen == [2, 3, 4, 5, 6, 7, 8]


def band_of(ax: Any, number: int, at: float) -> tuple[float, float]:
    bands = [c for c in ax.collections if type(c).__name__ == "FillBetweenPolyCollection"]
    corners = bands[number].get_paths()[0].vertices
    ends = corners[np.isclose(corners[:, 0], at), 1]
    return float(ends.min()), float(ends.max())


def test_curves_are_those_of_a_prediction_with_and_without_the_misfit(ptq_fit: Fit) -> None:
    at, ends = {"N": 7077888.0, "P": 4}, (1e7, 1e10)
    ax = plot_law(ptq_fit, at=at, limits=ends, misfit="both", kind="both", ax=Figure().subplots())
    (law,) = [line for line in ax.lines if line.get_label() == "_law"]
    curve = np.unique(
        np.concatenate([line.get_xydata() for line in ax.lines if line.get_label() in CURVE]),
        axis=0,
    )
    d, over = curve[:, 0], ("chain", "draw")
    said = bayesq.predict(ptq_fit, pd.DataFrame({**at, "D": d}))
    assert curve[:, 1] == pytest.approx(said.draws.median(over).values)
    assert law.get_ydata() == pytest.approx(said.law_mean.median(over).values)
    table = said.to_frame()
    run = bayesq.predict(ptq_fit, pd.DataFrame({**at, "D": d}), "run").to_frame()
    for i in (0, -1):
        assert band_of(ax, 1, d[i]) == pytest.approx(tuple(table[ENDS].iloc[i]))
        wide = band_of(ax, 0, d[i])
        # Drawn from other random numbers.
        assert wide == pytest.approx(tuple(run[ENDS].iloc[i]), rel=0.1)
    alone = plot_law(ptq_fit, at=at, limits=ends, misfit=False, ax=Figure().subplots())
    drawn = [line.get_ydata() for line in alone.lines if line.get_label() in CURVE]
    assert sorted({*np.concatenate(drawn)}) == pytest.approx(sorted({*law.get_ydata()}))


def test_the_median_does_not_turn_up_far_outside(base_fit: Fit) -> None:
    ax = plot_law(base_fit, at={"N": 786432}, limits=(2e7, 1e13), ax=Figure().subplots())
    far = [line for line in ax.lines if line.get_label() == "_projection"][-1].get_ydata()
    said = bayesq.predict(base_fit, {"N": 786432, "D": 1e13})
    mean, median = (float(v) for v in said.to_frame()[["mean", "median"]].iloc[0])
    assert mean > median
    assert far[-1] - median < (mean - median) / 2


def test_words_are_the_numbers_that_are_drawn(six: Fit) -> None:
    held = {"N": "1M", "P": 3}
    text = alt_text(plot_law(six, x="D", at=held, ax=Figure().subplots()))
    table = bayesq.predict(six, {**held, "D": [1e9, 1e11]}).to_frame()
    for row in table.itertuples():
        assert f"{row.median:.3g} ({row.lower:.3g} to {row.upper:.3g})" in text
    other = alt_text(plot_law(six, x="D", at=held | {"P": 4}, ax=Figure().subplots()))
    numbers = re.compile(r"\d\.\d+")
    assert numbers.findall(other) != numbers.findall(text)


def test_levels_without_an_order_are_marks_and_no_line(six: Fit) -> None:
    law = bayesq.Law(
        name="by-flag",
        degradation=lambda N, D, flag, k, m: k * (1 + m * flag) * (D / N) ** 0.1,
        base=bayesq.laws()["chinchilla"],
        inputs=(
            bayesq.law.inputs.Input(
                "flag", ("w_bits",), lambda c: (c["w_bits"] < 4) * 1.0, scale="flag", format=True
            ),
        ),
        parameters=(
            bayesq.Parameter("k", bayesq.Prior("HalfNormal", sigma=1)),
            bayesq.Parameter("m", bayesq.Prior("HalfNormal", sigma=1)),
        ),
        remember=False,
    )
    fit = around(six.specification.design.runs, law, "degradation", {"k": 0.1, "m": 2.0} | NOISE)
    ax = plot_law(fit, x="flag", at={"N": "1M", "D": 1e9}, ax=Figure().add_subplot())
    (marks,) = ax.lines
    assert (marks.get_linestyle(), marks.get_xdata().tolist()) == ("None", [0, 1])
    assert [t.get_text() for t in ax.get_xticklabels()] == ["0", "1"]
