"""The law over its data: what is drawn, where, and how it looks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from made_up_fits import around
from matplotlib import pyplot as plt
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import bayesq
from bayesq.errors import BayesqError
from bayesq.plot import plot_law
from bayesq.posterior.fit import Fit

BASE = {"E": 0.76, "A": 10.6, "B": 6.6e4, "alpha": 0.19, "beta": 0.676}
ADDED = {"C_T": 205.0, "gamma_D": 0.33, "gamma_N": 0.52, "gamma_post": 0.585}
NOISE = {"sigma": 0.1, "sigma_0": 1e-4, "dof": 10.0}


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


def legend_of(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def bands(ax: Any) -> list[PolyCollection]:
    return [c for c in ax.collections if not isinstance(c, PathCollection)]


def solid(ax: Any) -> list[Any]:
    return [line for line in ax.lines if line.get_label() != "_projection"]


def points(ax: Any) -> list[PathCollection]:
    return [c for c in ax.collections if isinstance(c, PathCollection)]


def test_it_draws_on_the_axes_it_is_given_and_leaves_pyplot_alone(added: Fit) -> None:
    ax = Figure().add_subplot()
    assert plot_law(added, at={"N": "7.08M"}, ax=ax) is ax
    assert plt.get_fignums() == []


def test_it_makes_axes_where_none_are_given(added: Fit) -> None:
    ax = bayesq.plot.plot_law(added, at={"N": "7.08M"})
    assert plt.get_fignums() == [ax.figure.number]


def test_one_line_a_width_with_labels_and_units(added: Fit) -> None:
    ax = plot_law(added, at={"N": "7.08M"}, ax=Figure().add_subplot())
    assert [line.get_label() for line in ax.lines] == ["3", "4", "5", "6"]
    assert len({line.get_color() for line in ax.lines}) == 4
    assert len(bands(ax)) == 4
    assert sum(len(c.get_offsets()) for c in points(ax)) == 20
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$D$ (tokens)", "degradation (nats/token)")
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert ax.get_legend().get_title().get_text() == "$P$ (bits)"
    assert legend_of(ax) == ["3", "4", "5", "6", "90 % interval, mean of runs"]


def test_every_row_is_drawn_in_the_colour_of_its_line(added: Fit) -> None:
    ax = plot_law(added, at={"N": "7.08M"}, ax=Figure().add_subplot())
    dots = {to_hex(colour) for colour in points(ax)[0].get_facecolors()}
    assert dots == {line.get_color() for line in ax.lines}


def test_a_second_input_has_line_styles_and_markers(added: Fit) -> None:
    ax = plot_law(added, ax=Figure().add_subplot())
    assert len(solid(ax)) == 16
    assert {line.get_linestyle() for line in ax.lines} == {"-", "--", ":", "-."}
    assert sum(len(c.get_offsets()) for c in points(ax)) == 76
    assert legend_of(ax)[4:8] == ["N 786k", "N 2.36M", "N 7.08M", "N 18.9M"]


@pytest.mark.parametrize(
    ("x", "at", "lines", "label", "scale"),
    [
        ("P", {"D": "100M"}, 4, "$P$ (bits)", "linear"),
        ("N", {"P": 4}, 5, "$N$ (parameters)", "log"),
        ("D", {"N": 786432, "P": 3.0}, 1, "$D$ (tokens)", "log"),
    ],
)
def test_any_input_may_lie_along_the_axis(
    added: Fit, x: str, at: dict[str, Any], lines: int, label: str, scale: str
) -> None:
    ax = plot_law(added, x=x, at=at, ax=Figure().add_subplot())
    assert (len(solid(ax)), ax.get_xlabel(), ax.get_xscale()) == (lines, label, scale)


def test_the_user_chooses_what_is_coloured(added: Fit) -> None:
    ax = plot_law(added, by="N", at={"P": 4}, ax=Figure().add_subplot())
    assert ax.get_legend().get_title().get_text() == "$N$ (parameters)"


def test_lines_are_posterior_medians_and_bands_hold_their_share_of_the_draws(added: Fit) -> None:
    ax = plot_law(added, at={"N": 7077888, "P": 4}, prob=0.8, ax=Figure().add_subplot())
    draws = {str(name): values for name, values in added.posterior.items()}
    corners = bands(ax)[0].get_paths()[0].vertices
    along, height = ax.lines[0].get_data()
    for i, d in ((0, 24969216.0), (-1, 399966208.0)):
        law = added.law.evaluate("degradation", {"N": 7077888.0, "D": d, "P": 4.0, **draws})
        assert (along[i], height[i]) == pytest.approx((d, float(law.median())))
        ends = corners[np.isclose(corners[:, 0], d), 1]
        assert (ends.min(), ends.max()) == pytest.approx(np.quantile(law, [0.1, 0.9]))


def test_the_band_of_a_new_run_is_wider_and_says_so(added: Fit) -> None:
    def height(kind: str) -> float:
        ax = plot_law(added, at={"N": "7.08M", "P": 3}, kind=kind, ax=Figure().add_subplot())
        return float(np.ptp(bands(ax)[0].get_paths()[0].vertices[:, 1]))

    assert height("run") > 1.05 * height("mean")
    ax = plot_law(added, at={"N": "7.08M"}, kind="run", prob=0.5, ax=Figure().add_subplot())
    assert legend_of(ax)[-1] == "50 % interval, new run"


def test_keywords_are_passed_on_under_any_of_their_names(added: Fit) -> None:
    ax = plot_law(
        added,
        at={"N": "7.08M"},
        ax=Figure().add_subplot(),
        line_kwargs={"lw": 4, "color": "red"},
        band_kwargs={"alpha": 0.5},
        point_kwargs={"s": 99, "marker": "x", "linewidths": 2, "color": "black"},
    )
    assert {(line.get_linewidth(), line.get_color()) for line in ax.lines} == {(4, "red")}
    assert {band.get_alpha() for band in bands(ax)} == {0.5}
    assert points(ax)[0].get_sizes().tolist() == [99]


@pytest.mark.parametrize("keyword", ["line_kwargs", "band_kwargs", "point_kwargs"])
def test_no_keyword_is_swallowed(added: Fit, keyword: str) -> None:
    wrong: dict[str, Any] = {keyword: {"colr": "red"}}
    with pytest.raises(AttributeError, match="colr"):
        plot_law(added, at={"N": "7.08M"}, ax=Figure().add_subplot(), **wrong)


def test_options_are_keywords(added: Fit) -> None:
    with pytest.raises(TypeError):
        plot_law(added, "D")  # type: ignore[misc]
    with pytest.raises(TypeError, match="colour"):
        plot_law(added, colour="P")  # type: ignore[call-arg]


def test_the_loss_has_a_linear_axis_and_the_legend_can_be_left_out(base: Fit) -> None:
    ax = plot_law(base, legend=False, ax=Figure().add_subplot())
    assert (ax.get_ylabel(), ax.get_yscale()) == ("loss (nats/token)", "linear")
    assert len(solid(ax)) == 4
    assert ax.get_legend() is None


def test_many_levels_have_a_colour_bar_and_a_few_curves() -> None:
    rows = [
        {"N": n, "D": d, "loss": 1 + 9 * n**-0.19 + 6e4 * d**-0.67}
        for n in np.geomspace(1e6, 1e8, 12)
        for d in (1e8, 1e9, 1e10)
    ]
    runs = bayesq.read_runs(pd.DataFrame(rows))
    fit = around(runs, "chinchilla", "loss", BASE | {"sigma": 0.01, "dof": 10.0})
    figure = Figure(layout="constrained")
    ax = plot_law(fit, ax=figure.add_subplot())
    figure.draw_without_rendering()
    assert len(ax.lines) == 5
    assert [a.get_ylabel() for a in figure.axes[1:]] == ["$N$ (parameters)"]
    ticks = [label.get_text() for label in figure.axes[1].get_yticklabels()]
    assert {"1M", "10M", "100M"} <= set(ticks)


def test_measured_values_below_0_stand_at_the_edge_and_take_no_room(added: Fit) -> None:
    first = plot_law(added, at={"N": "786k"}, ax=Figure().add_subplot())
    added.data["observed_data"]["degradation"][0] = -0.002
    figure = Figure()
    ax = plot_law(added, at={"N": "786k"}, kind="run", ax=figure.add_subplot())
    figure.draw_without_rendering()
    assert ax.get_yscale() == "log"
    assert legend_of(ax)[-1] == "measured at 0 or below (1)"
    (edge,) = [c for c in points(ax) if c.get_offset_transform() == ax.get_xaxis_transform()]
    assert edge.get_offsets()[0][1] == 0
    assert sum(len(c.get_offsets()) for c in points(ax)) == 20
    # The axis goes no deeper than the values that have a place on it.
    assert ax.get_ylim()[0] > 0.2 * first.get_ylim()[0]
    plot_law(added, at={"N": "7.08M"}, ax=(other := Figure().add_subplot()))
    assert not any("below" in text for text in legend_of(other))


def test_what_lies_outside_the_data_is_a_projection_with_its_ends_named(added: Fit) -> None:
    ax = plot_law(added, at={"N": "7.08M"}, limits=("1M", 1e10), ax=Figure().add_subplot())
    assert len(ax.patches) == 2
    inside, *outside = ax.lines[:3]
    assert outside[0].get_xdata()[0] == pytest.approx(1e6)
    assert outside[1].get_xdata()[-1] == pytest.approx(1e10)
    assert inside.get_linestyle() == "-"
    assert {line.get_linestyle() for line in outside} == {"--"}
    # The three parts are one curve.
    assert outside[0].get_xdata()[-1] == inside.get_xdata()[0]
    assert outside[1].get_xdata()[0] == inside.get_xdata()[-1]
    assert legend_of(ax)[-2:] == ["projection", "outside the data"]
    (above,) = ax.child_axes
    assert above.get_xlabel() == "data: 25M to 400M"
    assert above.get_xticks() == pytest.approx([24969216.0, 399966208.0])
    within = plot_law(added, at={"N": "7.08M"}, ax=Figure().add_subplot())
    assert len(within.patches) == 0


def overlaps(ax: Any, figsize: tuple[float, float]) -> list[str]:
    """List labels along x that touch the one before."""
    ax.figure.set_size_inches(*figsize)
    ax.figure.draw_without_rendering()
    seen = [t for t in ax.get_xticklabels() if t.get_text()]
    ends = [t.get_window_extent() for t in seen]
    assert len(seen) >= 2
    return [t.get_text() for t, a, b in zip(seen[1:], ends, ends[1:], strict=False) if a.x1 > b.x0]


@pytest.mark.parametrize("limits", [(1e7, 1e11), (1e5, 1e15), (2e7, 4.1e8), (5e7, 1e8)])
@pytest.mark.parametrize("figsize", [(3.25, 2.6), (6.8, 4.2), (2.0, 2.0)])
def test_ticks_do_not_overlap(
    added: Fit, limits: tuple[float, float], figsize: tuple[float, float]
) -> None:
    ax = Figure(layout="constrained").add_subplot()
    plot_law(added, at={"N": "7.08M", "P": 3}, limits=limits, legend=False, ax=ax)
    assert overlaps(ax, figsize) == []


def test_full_precision_has_a_curve_of_its_own_where_the_loss_is_fitted(grid: bayesq.Runs) -> None:
    runs = grid.select(
        "seed == 0 and (stage == 'none' or (stage == 'post' and w_kind == 'int' and w_group == 128 "
        "and 3 <= w_bits <= 5))"
    )
    fit = around(runs, "kumar2024-ptq", "loss", BASE | ADDED | {"sigma": 0.01, "dof": 10.0})
    ax = plot_law(fit, at={"N": 7077888}, ax=Figure().add_subplot())
    assert legend_of(ax)[:4] == ["3", "4", "5", "full precision"]
    base = around(runs, "chinchilla", "loss", BASE | {"sigma": 0.01, "dof": 10.0})
    alone = plot_law(base, at={"N": 7077888}, ax=Figure().add_subplot())
    assert ax.lines[3].get_ydata() == pytest.approx(alone.lines[0].get_ydata())
    # Along the bits there is no place for rows that have none.
    along = plot_law(fit, x="P", at={"N": 7077888, "D": "100M"}, ax=Figure().add_subplot())
    assert sum(len(c.get_offsets()) for c in points(along)) == 3


def test_a_law_of_a_users_own(grid: bayesq.Runs) -> None:
    law = bayesq.Law(
        name="by-width",
        loss=lambda N, w_bits, E, k: E + k / w_bits + 0 * N,
        parameters=(
            bayesq.Parameter("E", bayesq.Prior("HalfNormal", sigma=1)),
            bayesq.Parameter("k", bayesq.Prior("HalfNormal", sigma=1)),
        ),
        remember=False,
    )
    rows = grid.select("stage == 'post' and w_kind == 'int' and D > 3e8")
    fit = around(rows, law, "loss", {"E": 1.4, "k": 2.0, "sigma": 0.1, "dof": 10.0})
    ax = plot_law(fit, x="w_bits", ax=Figure().add_subplot())
    assert ax.get_xlabel() == "w_bits (bits of the weights)"
    assert ax.get_legend().get_title().get_text() == "$N$ (parameters)"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"x": "d"}, "has no input 'd'; did you mean D"),
        ({"by": "G"}, "has no input 'G'"),
        ({"at": {"bits": 4}}, "has no input 'bits'"),
        ({"at": {"N": "1B"}}, "No row was measured at N 1B; the data have 786k, 2.36M"),
        ({"at": {"N": "seven"}}, "N is held at 'seven'; write a number"),
        ({"x": "D", "at": {"D": "100M"}}, "D cannot both vary and be held"),
        ({"x": "D", "by": "D"}, "D cannot be both the axis and the colour"),
        ({"kind": "all"}, "kind is 'all'; it must be 'mean', 'run' or 'both'"),
        ({"misfit": "no"}, "misfit is 'no'; it must be True, False or 'both'"),
        ({"prob": 90}, "prob is 90"),
        ({"limits": (0, 1e9)}, "limits are 0 and 1000000000.0; write two positive numbers"),
        ({"limits": ("1T", "1B")}, "limits are 1T and 1B.*such as 25M and 400M"),
    ],
)
def test_what_cannot_be_drawn_is_said(added: Fit, options: dict[str, Any], words: str) -> None:
    with pytest.raises(BayesqError, match=words):
        plot_law(added, ax=Figure().add_subplot(), **options)


def test_a_table_without_a_fit_is_refused() -> None:
    with pytest.raises(BayesqError, match=r"plot_law draws the rows of a fit, and a .* has none"):
        plot_law(bayesq.published("chinchilla"))  # type: ignore[arg-type]
