"""Intervals are those of ArviZ's settings where a user set them, and 90 % with equal tails else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import arviz_base as azb
import arviz_stats as azs
import numpy as np
import pytest
import xarray as xr
from made_up_fits import around

import bayesq
from bayesq import BayesqError, Fit
from bayesq.decide import words
from bayesq.decide.decision import Decision, answers
from bayesq.intervals import Interval, interval
from command import Run

CONSTANTS = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28, "sigma": 0.01}
HDI = {"stats.ci_kind": "hdi", "stats.ci_prob": 0.8}


@pytest.fixture(scope="module")
def fit() -> Fit:
    return around(bayesq.load_pool("grid"), "chinchilla", "loss", CONSTANTS | {"dof": 5.0})


def skewed(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).lognormal(size=shape)


def test_the_default_is_90_percent_with_equal_tails() -> None:
    assert interval() == Interval(0.9, "eti")
    assert interval().name == "90 % interval"
    draws = skewed(3, 500)
    known = np.quantile(draws, [0.05, 0.95], axis=-1)
    np.testing.assert_allclose(interval().ends(draws), known, rtol=1e-14)


@pytest.mark.parametrize("prob", [0.0, 1.0, -1, float("nan")])
def test_a_probability_lies_between_0_and_1(prob: float) -> None:
    with pytest.raises(BayesqError, match="must lie between 0 and 1"):
        interval(prob)


def test_what_is_set_in_arviz_is_followed() -> None:
    with azb.rc_context(HDI):
        assert interval() == Interval(0.8, "hdi")
        assert interval().name == "80 % highest-density interval"
        assert interval(0.5) == Interval(0.5, "hdi")
    with azb.rc_context({"stats.ci_prob": 0.5}):
        assert interval() == Interval(0.5, "eti")
    assert interval() == Interval(0.9, "eti")


def test_highest_density_intervals_are_those_of_arviz() -> None:
    draws = skewed(2, 300)
    low, high = Interval(0.8, "hdi").ends(draws)
    for line, *ends in zip(draws, low, high, strict=True):
        np.testing.assert_array_equal(ends, azs.hdi(line, prob=0.8))
    assert (low < Interval(0.8).ends(draws)[0]).all()


def test_a_summary_has_the_intervals_of_arviz(fit: Fit) -> None:
    for kind in ("eti", "hdi"):
        with azb.rc_context({"stats.ci_kind": kind, "stats.ci_prob": 0.8}):
            ours = fit.summary()
            theirs = azs.summary(fit.data, round_to="none").loc[ours.index]
        ends = theirs[[f"{kind}80_lb", f"{kind}80_ub"]]
        np.testing.assert_allclose(ours[["lower", "upper"]], ends, rtol=1e-12)


@pytest.mark.parametrize("kind", ["eti", "hdi"])
def test_draws_without_answer_are_left_out_and_infinite_ones_are_not(kind: str) -> None:
    chosen = Interval(0.9, kind)  # type: ignore[arg-type]
    draws = skewed(3, 200)
    known = chosen.ends(draws[0])
    draws[0, :50], draws[1] = np.nan, np.nan
    draws[2, :20] = np.inf
    low, high = chosen.ends(draws)
    assert (low[0], high[0]) == chosen.ends(draws[0, 50:]) != known
    assert np.isnan([low[1], high[1]]).all()
    # Of what has no end there is no least width: equal tails, at draws.
    assert low[2] in draws[2]
    assert high[2] == np.inf


def in_a_new_process(folder: Path, code: str) -> str:
    """Print an expression where ArviZ reads the file of settings of a folder."""
    script = f"import sys; from bayesq.intervals import interval\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=folder
    )
    return done.stdout.strip()


def test_a_file_of_settings_counts_also_where_it_says_what_arviz_ships(tmp_path: Path) -> None:
    told = "told = interval(); print(told.prob, told.kind, 'arviz_base' in sys.modules)"
    assert in_a_new_process(tmp_path, told) == "0.9 eti False"
    (tmp_path / "arvizrc").write_text("plot.backend : none  # stats.ci_prob : 0.5\n")
    assert in_a_new_process(tmp_path, told) == "0.9 eti False"
    (tmp_path / "arvizrc").write_text("stats.ci_prob : 0.89\nstats.ci_kind:hdi\n")
    assert in_a_new_process(tmp_path, told) == "0.89 hdi True"
    (tmp_path / "arvizrc").write_text("stats.ci_prob : often\n")
    caught = "from bayesq import BayesqError\ntry: interval()\nexcept BayesqError as e: print(e)"
    said = in_a_new_process(tmp_path, caught)
    assert said.startswith("ArviZ cannot read its file arvizrc, which sets stats.ci_prob; mend")


def asked(fit: Fit) -> Decision:
    return bayesq.decide.compute_optimal(fit, compute=1e21)


def said(decision: Decision, name: str) -> str:
    lower, upper = decision.to_frame().loc[name, ["lower", "upper"]]
    count = bayesq.runs.counts.format_count
    return f"{count(lower)} to {count(upper)})"


def test_a_decision_keeps_the_interval_of_its_sentence(fit: Fit) -> None:
    usual = asked(fit)
    with azb.rc_context(HDI):
        other = asked(fit)
        assert usual.to_frame().equals(asked(fit).to_frame()) is False
    assert f"(90 % interval {said(usual, 'N')}" in usual.answer
    assert f"(80 % highest-density interval {said(other, 'N')}" in other.answer
    draws = other.draws["N"].values.ravel()
    np.testing.assert_array_equal(
        other.to_frame().loc["N", ["lower", "upper"]].to_numpy(float), azs.hdi(draws, prob=0.8)
    )
    half = other.to_frame(0.5).loc["N", ["lower", "upper"]].to_numpy(float)
    np.testing.assert_array_equal(half, azs.hdi(draws, prob=0.5))


def test_predictions_follow(fit: Fit) -> None:
    found = bayesq.predict(fit, {"N": 1e9, "D": 1e11})
    assert "nats per token, 90 % intervals" in repr(found)
    with azb.rc_context(HDI):
        lower, upper = found.to_frame()[["lower", "upper"]].iloc[0]
        assert "nats per token, 80 % highest-density intervals" in repr(found)
    np.testing.assert_array_equal([lower, upper], azs.hdi(found.draws.values.ravel(), prob=0.8))


def test_the_command_line_follows(run: Run) -> None:
    asked = ("predict", "chinchilla", "--at", "N=1B,D=100B")
    assert "mean of runs, 90% interval\n" in run(*asked).out
    usual = run(*asked, "--json").json()
    assert usual["prob"] == 0.9
    assert "interval" not in usual
    with azb.rc_context(HDI):
        assert "mean of runs, 80% highest-density interval\n" in run(*asked).out
        assert "mean of runs, 57% highest-density interval\n" in run(*asked, "--prob", "0.57").out
        told = run(*asked, "--json").json()
    assert (told["prob"], told["interval"]) == (0.8, "highest-density interval")


def test_rules_of_notes_keep_their_width(fit: Fit) -> None:
    """A wider interval in tables does not silence what rows say against a curve."""
    with azb.rc_context({"stats.ci_prob": 0.9999}):
        wide = bayesq.decide.compute_optimal(fit, compute=1e16)
    usual = bayesq.decide.compute_optimal(fit, compute=1e16)
    assert [n.code for n in wide.notes] == [n.code for n in usual.notes]
    assert "measured-apart" in [n.code for n in usual.notes]
    assert wide.evidence is not None
    assert usual.evidence is not None
    assert (wide.evidence["lower"] < usual.evidence["lower"]).all()


def test_answers_beyond_what_was_searched_have_equal_tails_and_are_called_so() -> None:
    """Where there is no width to make small no interval is called one of the highest density."""
    rng = np.random.default_rng(0)
    size = xr.DataArray(rng.lognormal(20, 1, (2, 200)), dims=("chain", "draw"))
    other = size.where(size < size.quantile(0.97), np.inf)
    draws = answers(N=(size, "parameters"), D=(other, "tokens"))
    with azb.rc_context(HDI):
        told = f"{words.interval(size, among=draws)} and {words.interval(other, among=draws)}."
        decision = Decision(draws, told, ())
        alone = Decision(size, words.interval(size), ())
    assert decision.interval == Interval(0.8, "eti")
    assert "highest" not in decision.answer + decision.to_latex() + repr(decision)
    assert said(decision, "N") in decision.answer
    assert said(decision, "D") in decision.answer
    assert "80 % highest-density interval" in alone.answer
    assert alone.interval.kind == "hdi"
    # Also where the words leave out the draws that have none.
    never = size.where(size > size.quantile(0.6), np.inf)
    with azb.rc_context(HDI):
        told = words.sentence("", never, "at {}".format, "never")
    assert "80 % interval" in told
