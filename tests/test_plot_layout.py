"""Figures of laws as they lie on the page: nothing cut off, nothing on top of another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from made_up_fits import around, made_up_fit, with_kinds
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.text import Text

import bayesq
from bayesq.plot import alt_text, plot_degradation, plot_fan, plot_law, plot_residuals
from bayesq.plot.alternative import drawn_figure
from bayesq.plot.axes import Kinds, labels_of
from bayesq.plot.canvas import title
from bayesq.plot.symbols import plain, short
from bayesq.posterior.fit import Fit

BASE = {"E": 0.76, "A": 10.6, "B": 6.6e4, "alpha": 0.19, "beta": 0.676}
ADDED = {"C_T": 205.0, "gamma_D": 0.33, "gamma_N": 0.52, "gamma_post": 0.585}
SIZES = [(3.25, 2.6), (6.0, 3.8)]
METHODS = ["HadamardTrust", "Halfway$HadamardTrust", "a$b$Clip", "LSQ"]


@pytest.fixture(autouse=True)
def headless(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MPLBACKEND", "agg")
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def kinds() -> Fit:
    """Put the law with one parameter a compression over 24 of them, with long names."""
    formats: list[dict[str, object]] = [
        {"w_bits": w, "a_bits": w, "w_kind": "int", "method": method}
        for w, method in product([1, 2, 3, 4, 6, 8], METHODS)
    ]
    described = with_kinds(bayesq.laws()["frantar2025"], *formats)
    rng = np.random.default_rng(0)
    over = ("chain", "draw")
    (symbol,) = described.law.levels_of("loss")
    names = [kind.label for kind in described.design.kinds[symbol]]
    about = BASE | {"sigma": 0.01, "dof": 10.0}
    draws: dict[str, Any] = {k: (over, v * rng.normal(1, 0.02, (2, 50))) for k, v in about.items()}
    draws["eff"] = ((*over, symbol), rng.uniform(0.3, 1.0, (2, 50, len(names))))
    return made_up_fit(described, xr.Dataset(draws, {symbol: names}))


@pytest.fixture
def added(ptq_runs: bayesq.Runs) -> Fit:
    return around(
        ptq_runs,
        "kumar2024-ptq",
        "degradation",
        ADDED | {"sigma": 0.1, "sigma_0": 1e-4, "dof": 10.0},
    )


@pytest.fixture
def base(grid: bayesq.Runs) -> Fit:
    return around(grid, "chinchilla", "loss", BASE | {"sigma": 0.01, "dof": 10.0})


def drawn_texts(figure: Figure, monkeypatch: pytest.MonkeyPatch) -> list[Text]:
    """List the texts that are drawn: ticks outside of view are not."""
    seen: dict[Text, None] = {}
    draw = Text.draw

    def note(self: Text, *args: Any, **options: Any) -> None:
        seen[self] = None
        draw(self, *args, **options)

    figure.canvas.draw()
    monkeypatch.setattr(Text, "draw", note)
    figure.canvas.draw()
    monkeypatch.setattr(Text, "draw", draw)
    return [t for t in seen if t.get_visible() and t.get_text().strip() and not t.get_rotation()]


def check_layout(drawn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    figure = drawn_figure(drawn)
    texts = [(t.get_text(), t.get_window_extent()) for t in drawn_texts(figure, monkeypatch)]
    assert len(texts) > 4
    inside = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert inside.x0 >= -0.02
    assert inside.y0 >= -0.02
    assert inside.x1 <= width + 0.02
    assert inside.y1 <= height + 0.02
    for i, (one, a) in enumerate(texts):
        for other, b in texts[:i]:
            across = min(a.x1, b.x1) - max(a.x0, b.x0)
            up = min(a.y1, b.y1) - max(a.y0, b.y0)
            assert min(across, up) <= 1, f"{one!r} lies over {other!r}"
    frames = [ax.get_window_extent() for ax in figure.axes]
    assert min(min(f.width, f.height) for f in frames) > 8


@pytest.mark.slow
@pytest.mark.parametrize("figsize", SIZES)
@pytest.mark.parametrize("name", ["law", "law by bits", "fan", "residuals", "map"])
def test_nothing_lies_outside_or_on_top(
    base: Fit,
    added: Fit,
    name: str,
    figsize: tuple[float, float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = {
        "law": lambda: plot_law(base, limits=("10M", "1T"), kind="both", figsize=figsize),
        "law by bits": lambda: plot_law(added, x="P", by="N", figsize=figsize),
        "fan": lambda: plot_fan(added, at={"P": 4}, figsize=figsize),
        "residuals": lambda: plot_residuals(added, figsize=figsize),
        "map": lambda: plot_degradation(added, at={"N": "7.08M"}, contours=False, figsize=figsize),
    }[name]()
    check_layout(drawn, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("figsize", SIZES)
@pytest.mark.parametrize("plot", [plot_law, plot_fan, plot_residuals, plot_degradation])
def test_many_kinds_with_long_names_have_room(
    kinds: Fit, plot: Any, figsize: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    check_layout(plot(kinds, figsize=figsize), monkeypatch)


def test_a_map_of_many_kinds_says_how_many_it_draws(kinds: Fit) -> None:
    ax = plot_degradation(kinds, figsize=(3.25, 2.6))
    count = len(ax.get_yticks())
    assert 2 < count < 24
    assert f"({count} of 24)" in ax.get_title().replace("\n", " ")
    tall = plot_degradation(kinds)
    assert len(tall.get_yticks()) == 24
    assert len({t.get_text() for t in tall.get_yticklabels()}) == 24


def test_kinds_without_room_are_numbered_and_the_words_have_the_key(kinds: Fit) -> None:
    axes = plot_residuals(kinds, by=["compression", "row"], figsize=(3.25, 2.6))
    assert axes[0].get_xlabel() == "compression\n(number)"
    labels = kinds.levels["compression"]
    assert f"By number, compression is 1 {labels[0]}, 2 {labels[1]}, " in alt_text(axes)


def test_names_are_cut_in_the_middle_and_told_apart() -> None:
    assert short("W4A4 int channel HadamardTrust") == "W4A4 i…rdTrust"
    assert short("LSQ") == "LSQ"
    names = ("W4 channel HadamardTrust", "W4 channel HalfHadamardTrust", "W4 cha HadamardTrust")
    source = Kinds("c", ("c",), scale="flag", labels=names)
    assert len(set(labels_of(source, [0, 1, 2]))) == 3
    assert plain("a$b$") == r"a\$b\$"


def test_a_dollar_in_a_name_is_shown() -> None:
    ax = Figure().add_subplot()
    title(ax, "study my$\\frac$one")
    ax.figure.draw_without_rendering()
    assert ax.get_title() == r"study my\$\frac\$one"


def test_a_band_of_a_degradation_ends_where_its_table_does(added: Fit) -> None:
    draws = added.posterior["C_T"].values
    draws[:, :40] *= 1e-4
    at = {"N": 7077888.0, "P": 4.0}
    fan = plot_fan(added, at=at, shares=False, kind="mean", figsize=(6, 4))
    law = plot_law(added, at=at, figsize=(6, 4))
    for ax, number in ((fan, 0), (law, 0)):
        bands = [c for c in ax.collections if type(c).__name__ == "FillBetweenPolyCollection"]
        d = ax.lines[0].get_xdata()
        said = bayesq.predict(added, pd.DataFrame({"D": d, **at})).to_frame()
        corners = bands[number].get_paths()[0].vertices
        for row in (0, -1):
            ends = corners[np.isclose(corners[:, 0], d[row]), 1]
            wanted = said[["lower", "upper"]].to_numpy()[row]
            assert (ends.min(), ends.max()) == pytest.approx(tuple(wanted))
        # The axis need not go so deep.
        assert ax.get_ylim()[0] > 10 * said["lower"].min()


def test_shaded_is_what_a_prediction_calls_outside(base: Fit) -> None:
    ax = plot_fan(base, shares=False)
    (above,) = ax.child_axes
    assert above.get_xlabel() == "inside the data: 25M to 200M"
    n = float(base.specification.design.inputs["N"].max())
    for d, notes in ((2e8, False), (2.2e8, True)):
        said = bayesq.predict(base, {"N": n, "D": d})
        assert any(note.code == "extrapolation" for note in said.notes) is notes
    # So are the dashes: of the largest size there are no rows beyond 200M.
    law = plot_law(base)
    dashed = [line for line in law.lines if line.get_label() == "_projection"]
    assert len(dashed) == 1
    assert dashed[0].get_xdata()[0] <= 2e8 * 1.01
    assert [c.get_xlabel() for c in law.child_axes] == ["data: 25M to 400M"]


def test_sizes_that_differ_by_less_than_1_percent_have_one_curve() -> None:
    rows = [
        {"N": n, "D": d, "loss": 1 + 9 * n**-0.19 + 6e4 * d**-0.67}
        for n, d in product([2.889e7, 2.89e7, 7.14e7, 7.153e7], [1e9, 1e10])
    ]
    runs = bayesq.read_runs(pd.DataFrame(rows))
    fit = around(runs, "chinchilla", "loss", BASE | {"sigma": 0.01, "dof": 10.0})
    ax = plot_law(fit)
    levels = [t.get_text() for t in ax.get_legend().get_texts()]
    assert levels[:2] == ["28.9M", "71.5M"]
    assert len([line for line in ax.lines if line.get_label() in levels]) == 2


def test_outliers_are_named_from_the_farthest(grid: bayesq.Runs) -> None:
    frame = grid.select("stage == 'none'").frame.copy()
    frame.loc[7, "loss"] *= 1.8
    frame.loc[3, "loss"] *= 1.5
    about = BASE | {"sigma": 0.02, "dof": 10.0}
    fit = around(bayesq.read_runs(frame), "chinchilla", "loss", about)
    axes = plot_residuals(fit, by=["row"])
    farthest, next_ = fit.specification.design.runs.numbers[[7, 3]]
    told = axes[0].figure.legends[0].get_title().get_text()
    assert told.startswith(f"outliers: rows {farthest}")
    assert str(next_) in told
    assert [t.get_text() for t in axes[0].texts] == [str(farthest)]


def test_ticks_beyond_thousands_of_trillions_are_counts(base: Fit) -> None:
    ax = plot_law(base, limits=(1e14, 5e15), figsize=(6, 4))
    ax.figure.draw_without_rendering()
    shown = [t.get_text() for t in ax.get_xticklabels() if t.get_text()]
    assert "1000T" in shown
    assert all(a != b for a, b in pairwise(shown))
