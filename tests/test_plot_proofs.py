"""Figures of priors, parameters, comparisons and backtests: what is drawn is what tables say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import arviz_base as azb
import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from made_up_proofs import backtested, compared, many_kinds, ridge
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection, PathCollection

import bayesq
from bayesq.errors import BayesqError
from bayesq.plot import alt_text
from bayesq.plot.arviz_look import axes_of

COLUMN = (3.25, 2.6)


@pytest.fixture(autouse=True)
def headless(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MPLBACKEND", "agg")
    with mpl.rc_context({"backend": "agg"}):
        yield
        plt.close("all")


def points(ax: Any) -> list[np.ndarray]:
    return [np.asarray(c.get_offsets()) for c in ax.collections if isinstance(c, PathCollection)]


def assert_fits(drawn: Any, figsize: tuple[float, float] = COLUMN) -> None:
    """See that nothing is cut off, no text is small, and ticks do not run into each other."""
    figure = drawn.viz["figure"].item() if hasattr(drawn, "viz") else drawn.figure
    assert tuple(figure.get_size_inches()) == pytest.approx(figsize)
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    axes = [ax for ax in figure.axes if ax.get_visible() and ax.axison]
    texts = [t for legend in figure.findobj(mpl.legend.Legend) for t in legend.get_texts()]
    texts += [t for ax in axes for t in (ax.title, ax.xaxis.label, ax.yaxis.label, *ax.texts)]
    for axis in (axis for ax in axes for axis in (ax.xaxis, ax.yaxis)):
        # Only ticks within the axes are drawn.
        labels = [t.label1 for t in axis._update_ticks() if t.label1.get_visible()]
        boxes = [t.get_window_extent(renderer) for t in labels if t.get_text()]
        assert not any(a.overlaps(b) for a, b in pairwise(boxes))
        texts += labels
    whole = figure.bbox.padded(1)
    for text in (t for t in texts if t.get_text().strip() and t.get_visible()):
        box = text.get_window_extent(renderer)
        assert whole.contains(box.x0, box.y0), text.get_text()
        assert whole.contains(box.x1, box.y1), text.get_text()
        assert text.get_fontsize() >= 6.5, text.get_text()


# --- parameters ---------------------------------------------------------------------------------


def test_priors_and_posteriors_are_drawn_where_they_lie(grid: bayesq.Runs) -> None:
    fit = ridge(grid)
    drawn = bayesq.plot.plot_prior_posterior(fit)
    axes = axes_of(drawn)
    assert [ax.get_xlabel() for ax in axes] == [
        *("$E$ (nats/token)", "$A$ (nats/token)", "$B$ (nats/token)", r"$\alpha$", r"$\beta$")
    ]
    for ax, name in zip(axes, ("E", "A", "B", "alpha", "beta"), strict=True):
        wide, narrow = sorted(ax.lines, key=lambda line: -np.ptp(line.get_xdata()))
        assert (wide.get_linestyle(), narrow.get_linestyle()) == ("--", "-")
        values = np.log10(fit.posterior[name]) if name in "AB" else fit.posterior[name]
        x = np.asarray(narrow.get_xdata())
        # A density is drawn between the middles of its first and last bins.
        assert x.min() == pytest.approx(float(values.min()), abs=0.01 * np.ptp(x))
        assert x.max() == pytest.approx(float(values.max()), abs=0.01 * np.ptp(x))


def test_the_words_on_priors_give_the_numbers_of_the_summary(grid: bayesq.Runs) -> None:
    fit = ridge(grid)
    said = alt_text(bayesq.plot.plot_prior_posterior(fit, var_names=["A", "alpha"]))
    for name, row in fit.summary().loc[["A", "alpha"]].iterrows():
        assert re.search(rf"{name} \S+ to \S+, then {row.lower:.3g} to {row.upper:.3g}", said), said
    low, high = np.quantile(fit.data["prior"]["A"], [0.05, 0.95])
    assert f"A {low:.3g} to {high:.3g}, then" in said
    assert "E" not in said.partition(":")[2]
    assert said != alt_text(bayesq.plot.plot_prior_posterior(ridge(grid, seed=1), var_names="A"))
    half = alt_text(bayesq.plot.plot_prior_posterior(fit, var_names="A", prob=0.5))
    assert half.startswith("50 % intervals")
    # Densest intervals of logarithms would be others.
    with azb.rc_context({"stats.ci_prob": 0.5, "stats.ci_kind": "hdi"}):
        said = alt_text(bayesq.plot.plot_prior_posterior(fit, var_names="A"))
        row = fit.summary().loc["A"]
    assert f"then {row.lower:.3g} to {row.upper:.3g}" in said


def test_pairs_have_the_draws_and_mark_those_that_diverged(grid: bayesq.Runs) -> None:
    fit = ridge(grid, diverging=7)
    drawn = bayesq.plot.plot_pairs(fit, var_names=["A", "alpha"])
    ax = next(ax for ax in axes_of(drawn) if points(ax))
    by_chain = points(ax)
    seen, diverged = np.concatenate(by_chain[:2]), np.concatenate(by_chain[2:])
    expected = np.column_stack(
        [np.log10(fit.posterior["A"]).values.ravel(), fit.posterior["alpha"].values.ravel()]
    )
    np.testing.assert_allclose(np.sort(seen, axis=0), np.sort(expected, axis=0))
    assert len(diverged) == 7
    r = np.corrcoef(expected.T)[0, 1]
    assert alt_text(drawn) == (f"log A and alpha correlate by {r:.2f}. 7 of 600 draws diverged.")


def test_in_a_column_the_two_that_go_together_most_are_drawn(grid: bayesq.Runs) -> None:
    drawn = bayesq.plot.plot_pairs(ridge(grid), figsize=COLUMN)
    assert len([ax for ax in axes_of(drawn) if points(ax)]) == 1
    assert "These two go together most of 5 parameters. None of 600" in alt_text(drawn)


@pytest.mark.filterwarnings("error")
def test_of_many_parameters_some_are_drawn_and_others_told() -> None:
    fit = many_kinds()  # with 20 kinds, and draws of the prior of A that no number holds
    drawn = bayesq.plot.plot_prior_posterior(fit)
    labels = [ax.get_xlabel() for ax in axes_of(drawn)]
    assert len(labels) == 12
    assert labels[0] == "$E$ (nats/token)"
    # The middle of names is left out.
    assert all(re.search(r"eff.*\[W4 \w+…\S+-\d+\]", label) for label in labels[5:])
    told = drawn.viz["figure"].item().legends[0].get_title().get_text()
    assert told == "12 of 25 parameters; name others with var_names"
    said = alt_text(drawn)
    assert said.endswith(f"; 4 more are drawn. Drawn are {told}.")
    prior = fit.data["prior"]["A"].values.ravel()
    low, high = np.quantile(prior[np.isfinite(prior)], [0.05, 0.95])
    assert f"A {low:.3g} to {high:.3g}, then" in said
    assert_fits(bayesq.plot.plot_prior_posterior(fit, figsize=COLUMN))

    pairs = bayesq.plot.plot_pairs(fit)
    assert "These 5 go together most of 25 parameters" in alt_text(pairs)
    named = bayesq.plot.plot_pairs(
        fit, var_names=["A", "eff[W4 method-of-which-the-name-is-long-3]"]
    )
    assert "go together" not in alt_text(named)


@pytest.mark.parametrize(
    ("ends", "ticks"),
    [
        ((300, 480), ["300", "360", "420", "480"]),
        ((2, 4e4), [f"$10^{{{n}}}$" for n in range(1, 5)]),
    ],
)
def test_logarithms_have_ticks_at_round_values(ends: tuple[float, float], ticks: list[str]) -> None:
    from bayesq.plot.parameters_drawn import Parameters

    draws = xr.Dataset({"A": (("chain", "draw"), np.log10([ends]))})
    ax = plt.figure().add_subplot()
    ax.set_xlim(*np.log10(ends))
    Parameters(draws, {"A": ""}, frozenset({"A"})).mark(ax.xaxis, "A", most=3)
    assert [t.label1.get_text() for t in ax.xaxis._update_ticks()] == ticks


def test_strong_pairs_are_chosen_up_to_a_number() -> None:
    from bayesq.plot.pairs import _strongest

    shared = [("a", "b", 0.9), ("c", "d", 0.8), ("b", "e", 0.7), ("f", "g", 0.6)]
    assert _strongest(shared, 2) == ["a", "b"]
    assert _strongest(shared, 5) == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize("draw", ["plot_prior_posterior", "plot_pairs", "plot_sensitivity"])
def test_a_parameter_that_is_not_there_is_refused(grid: bayesq.Runs, draw: str) -> None:
    function = getattr(bayesq.plot, draw)
    with pytest.raises(BayesqError, match=r"no parameter 'alfa'; did you mean alpha"):
        function(ridge(grid), var_names=["alfa"])
    with pytest.raises(BayesqError, match="is not a fit of a table"):
        function(bayesq.published("chinchilla"))


def test_other_mistakes_are_refused(grid: bayesq.Runs) -> None:
    fit = ridge(grid)
    with pytest.raises(BayesqError, match="A alone makes no pair"):
        bayesq.plot.plot_pairs(fit, var_names="A")
    with pytest.raises(BayesqError, match="take kde, ecdf or hist"):
        bayesq.plot.plot_prior_posterior(fit, kind="violin")  # type: ignore[arg-type]
    for draw in (bayesq.plot.plot_comparison, bayesq.plot.plot_backtest):
        with pytest.raises(BayesqError, match="A Fit is no"):
            draw(fit)  # type: ignore[operator]
    for draw in (bayesq.plot.plot_khat, bayesq.plot.plot_pit):
        with pytest.raises(BayesqError, match="A str"):
            draw("fit.nc")  # type: ignore[operator]


def test_sensitivities_are_those_of_the_table(grid: bayesq.Runs) -> None:
    fit = ridge(grid)
    table = fit.sensitivity(progress=False).to_frame()
    drawn = bayesq.plot.plot_sensitivity(fit)
    names = ["E", "A", "B", "alpha", "beta"]
    shown = [[t.get_text() for t in ax.texts] for ax in axes_of(drawn)]
    expected = [[f"{table.at[n, c]:.2f}"] for n in names for c in ("prior", "likelihood")]
    assert shown == expected
    said = alt_text(drawn)
    for name in names:
        moved = table.at[name, "prior"]
        assert (f"{name} by {moved:.2f} ({table.at[name, 'diagnosis']})" in said) == (
            moved >= 0.05
        ), said
    small = bayesq.plot.plot_sensitivity(fit, figsize=COLUMN)
    assert len(axes_of(small)) == 4
    assert "Drawn are 2 of 5 parameters; name others" in alt_text(small)
    # Intervals lie below the densities.
    for ax in axes_of(small):
        assert sum(np.max(line.get_ydata()) < 0 for line in ax.lines) == 3


# --- comparisons --------------------------------------------------------------------------------


@pytest.mark.parametrize("outside", [True, False])
def test_differences_are_those_of_the_table(grid: bayesq.Runs, outside: bool) -> None:
    found = compared(grid, outside=outside)
    table = found.to_frame()
    drawn = bayesq.plot.plot_comparison(found)
    ax = axes_of(drawn)[0]
    blocks = [("diff", "diff_se")] + [("outside_diff", "outside_diff_se")] * outside
    ordered = [table.sort_values(d, ascending=False)[[d, s]].to_numpy() for d, s in blocks]
    expected = np.concatenate(ordered)
    np.testing.assert_allclose(np.concatenate(points(ax))[:, 0], expected[:, 0])
    bars = [line.get_xdata() for line in ax.lines if len(set(np.round(line.get_ydata(), 9))) == 1]
    bars = [np.asarray(x) for x in bars if len(x) == 2 and set(x) != {0.0, 1.0}]
    np.testing.assert_allclose([np.ptp(x) / 2 for x in bars][: len(expected)], expected[:, 1])
    said = alt_text(drawn)
    assert f"Inside the data one is first; two is {found.difference('one', 'two')} nats" in said
    assert f"three is {found.difference('one', 'three')} nats behind" in said
    assert ("Outside the data two is first" in said) == outside
    assert said != alt_text(bayesq.plot.plot_comparison(compared(grid, far=30.0, outside=outside)))


def test_a_law_that_is_far_off_leaves_room_for_the_others(grid: bayesq.Runs) -> None:
    near, far = (
        axes_of(bayesq.plot.plot_comparison(compared(grid, far=far, outside=False)))[0]
        for far in (10.0, 4000.0)
    )
    assert (near.get_xscale(), far.get_xscale()) == ("linear", "symlog")


def test_names_of_laws_are_shown_as_they_are(grid: bayesq.Runs) -> None:
    found = compared(grid)
    named = replace(found, inside={f"{n}$\\x$": left for n, left in found.inside.items()})
    ax = axes_of(bayesq.plot.plot_khat(named))[0]
    ax.figure.canvas.draw()  # which fails where it is typeset
    assert ax.get_title() == r"one\$\x\$"


def test_pareto_k_marks_what_is_bad_and_what_was_cured(grid: bayesq.Runs) -> None:
    found = compared(grid)
    drawn = bayesq.plot.plot_khat(found)
    for ax, (name, left) in zip(axes_of(drawn), found.inside.items(), strict=True):
        assert ax.get_title() == name
        all_k, matched, refitted, bad = points(ax)
        np.testing.assert_allclose(all_k[:, 1], left.pareto_k)
        assert (len(matched), len(refitted), len(bad)) == (1, len(left.refitted), left.bad.size)
        count = len(left.pareto_k)
        if name == "three":
            row = found.fits[name].specification.design.index[4]
            assert [t.get_text() for t in ax.texts] == [f"row {row}"]
            assert f"three: of {count} rows 1 has a Pareto k above 0.70 (row {row}); 1 cured" in (
                alt_text(ax)
            )
        else:
            assert f"of {count} rows none has a Pareto k above 0.70; 1 cured" in alt_text(ax)


def test_names_of_units_stand_apart(grid: bayesq.Runs) -> None:
    found = compared(grid)
    left = found.inside["one"]
    left.pareto_k[[3, 4, 5, 20]] = [0.95, 0.96, 0.94, 0.9]
    ax = axes_of(bayesq.plot.plot_khat(found, figsize=(6.0, 3.0)))[0]
    ax.figure.canvas.draw()
    names = list(ax.texts)
    assert len(names) == 2
    boxes = [text.get_window_extent() for text in names]
    assert not any(a.overlaps(b) for a, b in pairwise(boxes))


@pytest.mark.filterwarnings("ignore:Estimated shape parameter")  # which is what is drawn
def test_pareto_k_of_a_fit_is_that_of_arviz(grid: bayesq.Runs) -> None:
    import arviz_stats as azs

    fit = ridge(grid)
    expected = azs.loo(fit.data, pointwise=True).pareto_k.values
    ax = axes_of(bayesq.plot.plot_khat(fit))[0]
    np.testing.assert_allclose(points(ax)[0][:, 1], expected)


# --- backtests ----------------------------------------------------------------------------------


@pytest.mark.parametrize("prob", [None, 0.5])
def test_a_backtest_is_drawn_by_its_rows(prob: float | None) -> None:
    found = backtested()
    kept = 50 if prob else 90
    ax = bayesq.plot.plot_backtest(found, prob=prob)
    *bands, ringed = points(ax)
    assert [len(band) for band in bands] == [4, 4, 4]
    order = found.rows.sort_values("distance", kind="stable")
    np.testing.assert_allclose(np.concatenate(bands), order[["observed", "median"]])
    missed = found.rows[~found.rows[f"in_{kept}"]]
    np.testing.assert_allclose(np.sort(ringed[:, 0]), np.sort(missed["observed"]))
    segments = [
        s for c in ax.collections if isinstance(c, LineCollection) for s in c.get_segments()
    ]
    ends = np.array([[s[0][1], s[1][1]] for s in segments])
    np.testing.assert_allclose(ends, order[[f"lower_{kept}", f"upper_{kept}"]])
    said = alt_text(ax)
    assert f"{kept} % intervals hold {12 - len(missed)} of 12 rows left out" in said
    assert f"{found.rows['bias'].mean():.2g} nats/token above" in said
    assert all(str(row) in said for row in missed["row"].head(1))


def test_a_backtest_has_two_intervals_only() -> None:
    with pytest.raises(BayesqError, match=r"prob is 0.8, and a backtest keeps .* 0.5 and 0.9"):
        bayesq.plot.plot_backtest(backtested(), prob=0.8)


def test_degradations_over_decades_have_logarithmic_axes() -> None:
    found = backtested()
    values = ["observed", "median", "lower_50", "upper_50", "lower_90", "upper_90"]
    found.rows[values] = 10 ** (3 * (found.rows[values] - 3))
    ax = bayesq.plot.plot_backtest(found)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert ax.get_xlim() == ax.get_ylim()


def curve(drawn: Any) -> np.ndarray:
    line = drawn.viz["ecdf_lines"]["pit"].item()
    return np.asarray(line.get_xydata())


def test_the_curve_of_pit_is_the_share_of_rows_below() -> None:
    found = backtested(40)
    x, y = curve(bayesq.plot.plot_pit(found)).T
    for at, height in zip(x, y, strict=True):
        assert height == pytest.approx((found.rows["pit"] <= at).mean() - at, abs=1e-9)


def test_pit_says_whether_intervals_are_right() -> None:
    right, narrow = backtested(200), backtested(200)
    narrow.rows["pit"] = np.where(np.arange(200) % 2, 0.01, 0.99)
    assert "from 200 training runs, stays in its 90 % envelope of 200" in alt_text(
        bayesq.plot.plot_pit(right)
    )
    # The envelope is that of a test, whatever intervals a user wants.
    with azb.rc_context({"stats.ci_prob": 0.5}):
        said = alt_text(bayesq.plot.plot_pit(narrow))
    assert "leaves its 90 % envelope" in said
    assert "50 % of the rows lie in the lowest twentieth and 50 % in the highest" in said


def test_rows_of_one_run_count_as_one() -> None:
    few = backtested(200, runs=4)
    few.rows["pit"] = np.repeat([0.1, 0.3, 0.6, 0.95], 50)
    said = alt_text(bayesq.plot.plot_pit(few))
    assert "from 4 training runs, stays in its 90 % envelope of 4 independent values" in said
    assert said.endswith("There are too few runs to judge.")
    # The same rows of as many runs would be far outside.
    apart = backtested(200)
    apart.rows["pit"] = few.rows["pit"]
    assert "leaves its 90 % envelope of 200" in alt_text(bayesq.plot.plot_pit(apart))
    # Of unequal runs the large ones decide: (150 + 50)^2 / (150^2 + 50 * 1^2).
    uneven = backtested(200)
    uneven.rows["run"] = [0] * 150 + list(range(1, 51))
    assert "envelope of 2 independent" not in alt_text(bayesq.plot.plot_pit(backtested(200)))
    assert "envelope of 2 independent" in alt_text(bayesq.plot.plot_pit(uneven))


def test_the_envelope_holds_right_curves_as_often_as_it_says() -> None:
    from bayesq.plot.calibration import _stays

    rng = np.random.default_rng(0)
    held = [_stays(rng.uniform(size=30), 30, 0.9) for _ in range(200)]
    # 200 right curves: within 3 standard errors of 90 %.
    assert np.mean(held) == pytest.approx(0.9, abs=3 * np.sqrt(0.09 / 200))


def test_a_fit_has_the_pit_of_rows_left_out_in_turn(grid: bayesq.Runs) -> None:
    import arviz_stats as azs

    fit = ridge(grid)
    pit = azs.loo_pit(fit.data, var_names="loss")["loss"].values
    x, y = curve(bayesq.plot.plot_pit(fit)).T
    assert y[100] == pytest.approx((pit <= x[100]).mean() - x[100], abs=1e-9)
    old = backtested()
    del old.rows["pit"]
    with pytest.raises(BayesqError, match="as an earlier version of bayesq saved them"):
        bayesq.plot.plot_pit(old)


# --- how they look ------------------------------------------------------------------------------


def test_each_is_legible_in_a_column(grid: bayesq.Runs) -> None:
    fit, found, back = ridge(grid, diverging=3), compared(grid), backtested()
    for drawn in (
        bayesq.plot.plot_prior_posterior(fit, figsize=COLUMN),
        bayesq.plot.plot_pairs(fit, figsize=COLUMN),
        bayesq.plot.plot_sensitivity(fit, figsize=COLUMN),
        bayesq.plot.plot_comparison(found, figsize=COLUMN),
        bayesq.plot.plot_comparison(compared(grid, far=4000.0), figsize=COLUMN),
        bayesq.plot.plot_khat(fit, figsize=COLUMN),
        bayesq.plot.plot_backtest(back, figsize=COLUMN),
        bayesq.plot.plot_pit(back, figsize=COLUMN),
    ):
        assert_fits(drawn)


def test_keywords_are_handed_on(grid: bayesq.Runs) -> None:
    ax = bayesq.plot.plot_backtest(backtested(), legend=False, point_kwargs={"s": 99})
    assert ax.get_legend() is None
    assert {c.get_sizes()[0] for c in ax.collections if isinstance(c, PathCollection)} >= {99}
    drawn = bayesq.plot.plot_pairs(ridge(grid), var_names=["A", "alpha"], visuals={"dist": False})
    assert not any(ax.lines for ax in axes_of(drawn))
    with pytest.raises(TypeError):
        bayesq.plot.plot_backtest(backtested(), nonsense=1)  # type: ignore[call-arg]
