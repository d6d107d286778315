"""Figures of decisions: what is drawn is what the tables of decisions say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from made_up_fits import around
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import bayesq
from bayesq import decide
from bayesq.decide import Decision
from bayesq.errors import BayesqError
from bayesq.plot import (
    alt_text,
    plot_decision,
    plot_formats,
    plot_iso_loss,
    plot_isoflop,
    plot_reliability,
)
from bayesq.posterior.fit import Fit
from bayesq.proving.decision_backtest import DecisionBacktest

BASE = {"E": 0.76, "A": 10.6, "B": 6.6e4, "alpha": 0.19, "beta": 0.676}
ADDED = {"C_T": 205.0, "gamma_D": 0.33, "gamma_N": 0.52, "gamma_post": 0.585}
NOISE = {"sigma": 0.1, "sigma_0": 1e-4, "dof": 10.0}
CASE: dict[str, Any] = {"bound": "", "edge": np.nan, "rise": 0.01, "spread": 0.001}
CASE |= {"pinned": True, "left_out": 0.0, "in_90": True, "ratio": 2.0, "regret": 0.0}


@pytest.fixture(autouse=True)
def headless(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MPLBACKEND", "agg")
    with mpl.rc_context({"backend": "agg"}):
        yield
        plt.close("all")


@pytest.fixture
def added(ptq_runs: bayesq.Runs) -> Fit:
    """Put Kumar's law over four sizes and four widths."""
    return around(ptq_runs, "kumar2024-ptq", "degradation", ADDED | NOISE)


@pytest.fixture
def base(grid: bayesq.Runs) -> Fit:
    """Put the base law over four sizes."""
    return around(grid, "chinchilla", "loss", BASE | {"sigma": 0.01, "dof": 10.0})


def decided(values: np.ndarray, unit: str = "tokens", **more: Any) -> Decision:
    draws = xr.DataArray(values.reshape(2, -1), dims=("chain", "draw"), name="D")
    draws = draws.assign_attrs(units=unit, searched=(1e6, 1e12))
    return Decision(draws, "An answer.", (), **more)


def some(shift: float = 1.0) -> np.ndarray:
    return shift * 1e9 * np.exp(np.random.default_rng(1).normal(0, 0.5, 400))


def advised(**columns: Any) -> DecisionBacktest:
    """Make a backtest of which all rows but what is given are alike."""
    rows = pd.DataFrame({**CASE, **columns})
    for name in ("in_90", "ratio", "regret"):
        rows[f"practice_{name}"] = rows[name]
    for name in ("median", "lower", "upper"):
        rows[f"practice_{name}"] = rows[name] * 2
    return DecisionBacktest("Made up", rows.assign(advised=rows["median"]), ())


def numbers() -> DecisionBacktest:
    median = np.array([1e8, 3e8, 2e9])
    return advised(
        measured=[1.1e8, 2.5e8, 1e9],
        median=median,
        lower=median / 2,
        upper=median * 2,
        bound=["", "", "more"],
        edge=[np.nan, np.nan, 1e9],
    )


def verticals(ax: Any) -> list[float]:
    lines = [np.asarray(line.get_xdata(), dtype=float) for line in ax.lines]
    return [float(x[0]) for x in lines if len(x) == 2 and x[0] == x[1]]


def test_a_decision_marks_the_median_and_the_interval_of_its_table(added: Fit) -> None:
    asked: dict[str, Any] = {"level": 0.01, "N": "7.08M", "D": "200M"}
    found = decide.fewest_bits(added, **asked)
    density, choices, evidence = plot_decision(found, ax=Figure().add_subplot(), prob=0.5)
    line = found.to_frame(0.5).iloc[0]
    assert verticals(density) == [pytest.approx(line["median"])]
    (band,) = density.collections
    edges = band.get_paths()[0].vertices[:, 0]
    step = np.diff(density.lines[0].get_xdata()).max()
    assert edges.min() == pytest.approx(line["lower"], abs=step)
    assert edges.max() == pytest.approx(line["upper"], abs=step)
    assert [bar.get_width() for bar in choices.patches] == list(
        found.choices["probability_keeps"][: len(choices.patches)]
    )
    (dots,) = [c for c in evidence.collections if hasattr(c, "get_sizes") and len(c.get_sizes())]
    assert dots.get_offsets()[:, 0].tolist() == found.evidence["P"].tolist()
    assert dots.get_offsets()[:, 1].tolist() == found.evidence["measured"].tolist()
    assert any(np.all(np.asarray(line.get_ydata()) == 0.01) for line in evidence.lines)


def test_the_words_of_a_decision_have_the_numbers_of_its_table_and_change_with_them() -> None:
    text = alt_text(plot_decision(decided(some())))
    line = decided(some()).to_frame().iloc[0]
    for end in ("median", "lower", "upper"):
        assert f"{line[end] / 1e9:.3g}B" in text or f"{line[end] / 1e6:.3g}M" in text
    assert alt_text(plot_decision(decided(some(2.0)))) != text


def test_draws_beyond_the_search_and_without_an_answer_are_told_at_the_edge() -> None:
    values = some()
    values[:48], values[48:60], values[60:80] = np.inf, 0.0, np.nan
    (ax,) = plot_decision(decided(values))
    said = [text.get_text() for text in ax.texts]
    assert said == ["3 % below 1M\n12 % beyond 1T\n5 % without answer"]
    assert sorted(bar.get_height() for bar in ax.patches) == [0.03, 0.12]
    assert "12 % beyond 1T" in alt_text(ax)


def test_a_decision_without_any_answer_is_drawn_and_says_so() -> None:
    (ax,) = plot_decision(decided(np.full(400, np.nan)))
    assert "has no answer in any draw" in alt_text(ax)


def test_a_density_has_no_comb_of_the_knots_that_were_searched() -> None:
    rng = np.random.default_rng(1)
    knots = 10.0 ** (9 + 0.06 * np.round(rng.normal(0, 3, 4000)))
    (ax,) = plot_decision(decided(knots))
    height = np.asarray(ax.lines[0].get_ydata())
    peaks = np.flatnonzero((height[1:-1] > height[:-2]) & (height[1:-1] > height[2:]))
    assert len(peaks) <= 2


def test_choices_reach_from_hardly_ever_to_nearly_always_enough() -> None:
    widths = [f"{w:g}" for w in np.linspace(1.5, 8, 36)]
    chance = 1 / (1 + np.exp(-1.6 * (np.linspace(1.5, 8, 36) - 5)))
    table = pd.DataFrame({"probability_keeps": chance}, index=pd.Index(widths, name="w_bits"))
    draws = xr.DataArray(
        np.random.default_rng(0).normal(5, 1, (2, 50)),
        dims=("chain", "draw"),
        name="w_bits",
        attrs={"units": "bits"},
    )
    _, ax = plot_decision(Decision(draws, "Bits.", (), choices=table))
    shown = [bar.get_width() for bar in ax.patches]
    assert len(shown) == 8
    assert (shown[0] < 0.06, shown[-1] > 0.94) == (True, True)
    assert all(share in chance for share in shown)
    assert ax.get_title(loc="left") == "8 of 36 widths"


def test_each_option_and_each_law_has_a_density_of_its_own(added: Fit) -> None:
    draws = xr.DataArray(
        np.stack([some().reshape(2, -1), 3 * some().reshape(2, -1)], -1),
        {"bits": [4, 8]},
        ("chain", "draw", "bits"),
        "N",
        {"units": "parameters"},
    )
    (ax,) = plot_decision(Decision(draws, "Sizes.", ()))
    assert [t.get_text() for t in ax.get_yticklabels()] == ["4", "8"]
    assert len(ax.collections) == 2
    laws = {"one": (0.25, decided(some())), "two": (0.75, decided(some(2.0)))}
    (ax,) = plot_decision(decided(some(1.5), laws=laws))
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels[1:] == ["one (25 %)", "two (75 %)"]


def test_what_a_decision_cannot_draw_is_refused() -> None:
    with pytest.raises(BayesqError, match="no answer 'M'"):
        plot_decision(decided(some()), answers="M")
    with pytest.raises(BayesqError, match="evidence"):
        plot_decision(decided(some()), beside=["evidenc"])
    with pytest.raises(BayesqError, match="not a str"):
        plot_decision("fewest_bits")  # type: ignore[arg-type]
    with pytest.raises(BayesqError, match="prob is 2"):
        plot_decision(decided(some()), prob=2)


def test_the_path_is_what_compute_optimal_answers(base: Fit) -> None:
    left, right = plot_isoflop(base, compute=[1e15, "1e16"], ax=Figure().add_subplot())
    sizes, tokens = right.lines
    spent = np.asarray(sizes.get_xdata())
    for budget in (1e15, 1e16):
        table = decide.compute_optimal(base, compute=budget).to_frame()
        (i,) = np.flatnonzero(spent == budget)
        assert sizes.get_ydata()[i] == pytest.approx(table.loc["N", "median"])
        assert tokens.get_ydata()[i] == pytest.approx(table.loc["D", "median"])
        assert f"{table.loc['N', 'median'] / 1e6:.3g}M" in alt_text(left)
    crosses = [line for line in left.lines if line.get_marker() == "x"]
    assert len(crosses) == 2
    # The cross stands at the foot of its curve.
    curve = left.lines[0]
    least = np.asarray(curve.get_xdata())[np.argmin(curve.get_ydata())]
    assert crosses[0].get_xdata()[0] == pytest.approx(least, rel=0.1)

    rows = base.rows.to_dataframe()
    near = rows[np.abs(np.log10(6 * rows["N"] * rows["D"] / 1e16)) <= 0.08]
    assert len(near)
    dots = [c for c in left.collections if len(c.get_offsets()) == len(near)]
    assert dots[-1].get_offsets()[:, 1].tolist() == near["loss"].tolist()


def test_budgets_must_be_few(base: Fit) -> None:
    with pytest.raises(BayesqError, match="one to 6 budgets"):
        plot_isoflop(base, compute=list(np.geomspace(1e14, 1e18, 7)))
    with pytest.raises(BayesqError, match="compute"):
        plot_isoflop(base, compute="1e16")


def test_isoflop_in_a_page_and_a_column_is_whole(base: Fit) -> None:
    for size in ((6.0, 3.2), (3.25, 2.6)):
        axes = plot_isoflop(base, compute=[1.2e15, 1e16, 1.1e17], figsize=size)
        figure = axes[0].figure
        figure.canvas.draw()
        whole = figure.bbox.padded(1)
        left, right = (ax.get_legend().get_window_extent() for ax in axes)
        for box in (left, right):
            assert (whole.contains(box.x0, box.y0), whole.contains(box.x1, box.y1)) == (True, True)
        assert not left.overlaps(right)
        for axis in (axis for ax in axes for axis in (ax.xaxis, ax.yaxis)):
            boxes = [t.label1.get_window_extent() for t in axis._update_ticks()]
            assert len(boxes) > 1
            assert not any(a.overlaps(b) for a, b in pairwise(boxes))
        # The bands are whole.
        tops = [c.get_paths()[0].vertices[:, 1].max() for c in axes[0].collections[::2]]
        assert max(tops) <= axes[0].get_ylim()[1]
        assert "beyond the data" in [t.get_text() for t in axes[1].get_legend().get_texts()]


def test_a_format_left_open_is_asked_for(ptq_runs: bayesq.Runs, added: Fit) -> None:
    whole = around(ptq_runs, "kumar2024-ptq", "loss", BASE | ADDED | NOISE)
    with pytest.raises(BayesqError, match=r"depends on P; .* at=\{'P': \d\} \(--at 'P=\d'\)"):
        plot_isoflop(whole)
    with pytest.raises(BayesqError, match="pass base="):
        plot_isoflop(added)


def test_a_contour_is_what_iso_loss_answers(added: Fit, base: Fit) -> None:
    ax = plot_iso_loss(added, base=base, at={"D": "200M"}, level=1.6, ax=Figure().add_subplot())
    found = decide.iso_loss(added, base=base, loss=1.6, D="200M", bits=[4, 5]).to_frame()
    sets = [c for c in ax.collections if type(c).__name__ == "QuadContourSet"]
    (contours,) = [c for c in sets if not c.filled]
    at = contours.get_paths()[list(contours.levels).index(1.6)].vertices
    order = np.argsort(at[:, 0])
    (band,) = [c for c in sets if c.filled]
    shape = band.get_paths()[0].vertices
    for bits in (4, 5):
        line = found.loc[f"N {bits}"]
        size = np.interp(bits, at[order, 0], at[order, 1])
        assert size == pytest.approx(line["median"], rel=0.01)
        near = shape[np.abs(shape[:, 0] - bits) < 0.02, 1]
        assert near.min() == pytest.approx(line["lower"], rel=0.03)
        assert near.max() == pytest.approx(line["upper"], rel=0.03)


def test_an_input_left_open_is_held_and_told(added: Fit) -> None:
    ax = plot_iso_loss(added, ax=Figure().add_subplot())
    assert [text.get_text() for text in ax.texts if text.get_text().startswith("at D")]
    assert "Held at D" in alt_text(ax)


def test_levels_and_inputs_that_are_none_are_refused(base: Fit) -> None:
    with pytest.raises(BayesqError, match="no input 'M'"):
        plot_iso_loss(base, x="M")
    with pytest.raises(BayesqError, match="lies between"):
        plot_iso_loss(base, level=9.0)
    with pytest.raises(BayesqError, match="lower one first"):
        plot_iso_loss(base, limits={"N": ("1B", "1M")})


@pytest.fixture
def formats() -> Decision:
    """Three formats with fixed draws, the second of which is best."""
    rng = np.random.default_rng(3)
    shared = rng.normal(2.0, 0.02, (2, 200, 1))
    each = np.array([0.03, 0.0, 0.01]) + rng.normal(0, 0.004, (2, 200, 3))
    names = ["E2M1", "E4M3", "E3M2"]
    loss = xr.DataArray(shared + each, {"format": names}, ("chain", "draw", "format"))
    from bayesq.decide.decision import answers
    from bayesq.decide.nats import Nats
    from bayesq.decide.options import over_options

    options = over_options(loss, "format", Nats(0.005, "0.005"))
    draws = answers(loss=(loss, "nats/token"), regret=(options.regret, "nats/token"))
    return options.decision(draws, "Formats.", (), None)


def test_formats_stand_in_order_of_loss_with_their_chances(formats: Decision) -> None:
    left, right = plot_formats(formats, ax=Figure().add_subplot())
    assert [text.get_text() for text in left.get_yticklabels()] == ["E4M3", "E3M2", "E2M1"]
    table = formats.choices.loc[["E4M3", "E3M2", "E2M1"]]
    assert [bar.get_width() for bar in right.patches] == table["probability_best"].tolist()
    frame = formats.to_frame().loc[["loss E4M3", "loss E3M2", "loss E2M1"]]
    drawn = sorted((y, x) for c in left.containers for x, y in c.lines[0].get_xydata())
    assert [x for _, x in drawn[::-1]] == pytest.approx(frame["median"].tolist())
    assert "E4M3 has the least median loss" in alt_text(left)


def test_formats_that_fit_have_names_that_do_not_overlap_and_others_are_told() -> None:
    loss = np.random.default_rng(0).normal(2, 0.01, (2, 50, 20)) + np.arange(20) / 50
    from bayesq.decide.decision import answers
    from bayesq.decide.nats import Nats
    from bayesq.decide.options import over_options

    names = [f"W{b}A{a} int" for b in range(2, 7) for a in (4, 6, 8, 16)]
    drawn = xr.DataArray(loss, {"format": names}, ("chain", "draw", "format"))
    options = over_options(drawn, "format", Nats(0.005, "0.005"))
    draws = answers(loss=(drawn, "nats/token"), regret=(options.regret, "nats/token"))
    left, _ = plot_formats(options.decision(draws, "F.", (), None), figsize=(3.25, 2.6))
    left.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in left.get_yticklabels()]
    assert len(boxes) == 17
    assert left.get_title(loc="left").endswith("the best 17 of 20")
    assert "Drawn are the best 17 of 20." in alt_text(left)
    assert min(text.get_fontsize() for text in left.get_yticklabels()) >= 6.5
    gaps = [upper.y0 - lower.y1 for upper, lower in pairwise(boxes)]
    assert min(gaps) > -1.5  # pixels; the box of a line has room above its letters


def test_only_formats_are_put_in_order(formats: Decision, added: Fit) -> None:
    with pytest.raises(BayesqError, match="not about formats"):
        plot_formats(decided(some()))
    with pytest.raises(BayesqError, match="kumar2024-ptq tells no number formats apart"):
        plot_formats(added)
    with pytest.raises(BayesqError, match="'loss' or 'regret'"):
        plot_formats(formats, what="cost")
    with pytest.raises(BayesqError, match="question"):
        plot_formats(formats, question={"N": "7B"})


def test_reliability_draws_what_was_advised_and_how_often_it_held() -> None:
    told = numbers()
    left, right = plot_reliability(told, ax=Figure().add_subplot())
    medians = sorted(y for c in left.containers[:2] for _, y in c.lines[0].get_xydata())
    assert medians == pytest.approx([1e8, 3e8, 2e9])
    shares = [y for c in right.containers for _, y in c.lines[0].get_xydata()]
    table = told.to_frame()["cover_90"]
    assert shares[:3] == [table[t, "bayesq"] for t in ("measured", "pinned", "bound")]
    assert left.get_xlabel() == "measured answer"  # of rows that do not tell what was held
    held = plot_reliability(replace(told, rows=told.rows.assign(N=1e9)))[0]
    assert held.get_xlabel() == "measured answer (tokens)"
    assert held.get_ylabel() == "advised (tokens), 90 % interval"
    assert "Of 3 decisions 1 are known as a bound only" in alt_text(left)
    other = replace(told, rows=told.rows.assign(in_90=[True, False, True]))
    assert alt_text(plot_reliability(other)[1]) != alt_text(right)
    assert "bayesq 50 % of 2 measured" in alt_text(plot_reliability(other)[1])


def test_formats_have_shares_alone_and_mixed_answers_are_refused() -> None:
    named = advised(measured=["E4M3"], median=[np.nan], lower=[np.nan], upper=[np.nan])
    assert len(plot_reliability(named)) == 1
    mixed = numbers()
    mixed.rows.loc[0, "measured"] = 4.0
    with pytest.raises(BayesqError, match="several things"):
        plot_reliability(mixed)
    with pytest.raises(BayesqError, match="not a str"):
        plot_reliability("rows.csv")  # type: ignore[arg-type]


def test_a_saved_backtest_of_decisions_comes_back(tmp_path: Path) -> None:
    told = numbers()
    back = bayesq.load_decision_backtest(told.save(tmp_path / "rows.csv"))
    pd.testing.assert_frame_equal(back.rows, told.rows, check_dtype=False)
    pd.testing.assert_frame_equal(back.to_frame(), told.to_frame())
    assert [note.code for note in back.notes] == ["rows-only"]


def test_published_decisions_are_read(request: pytest.FixtureRequest) -> None:
    path = request.config.rootpath / "case_studies" / "decisions" / "results.csv"
    rows = bayesq.load_decision_backtest(path).rows
    formats = rows[rows["family"] == "format"]
    assert all(isinstance(name, str) for name in formats["measured"])
    assert rows[rows["family"] == "bits"]["measured"].map(type).eq(float).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "it lacks measured"),
        ("", "cannot be read as one"),
    ],
)
def test_a_file_without_decisions_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(text)
    with pytest.raises(BayesqError, match=said):
        bayesq.load_decision_backtest(path)
    with pytest.raises(BayesqError, match="cannot be read"):
        bayesq.load_decision_backtest(tmp_path / "none.csv")


def test_keywords_reach_their_artists(base: Fit, formats: Decision) -> None:
    (ax,) = plot_decision(decided(some()), line_kwargs={"color": "red"}, fill_kwargs={"alpha": 0.1})
    assert ax.lines[0].get_color() == "red"
    assert ax.collections[0].get_alpha() == 0.1
    left, _ = plot_isoflop(
        base,
        compute=[1e16],
        line_kwargs={"linewidth": 3},
        band_kwargs={"alpha": 0.05},
        point_kwargs={"marker": "P"},
    )
    assert left.lines[0].get_linewidth() == 3
    assert left.collections[0].get_alpha() == 0.05
    _, right = plot_formats(formats, bar_kwargs={"color": "red"}, point_kwargs={"color": "red"})
    assert right.patches[0].get_facecolor()[:3] == (1.0, 0.0, 0.0)
