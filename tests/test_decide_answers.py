"""What an answer says: none, intervals, what is near the best, and notes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesq
from bayesq.decide import (
    Decision,
    compute_optimal,
    critical_tokens,
    effective_parameters,
    fewest_bits,
    largest_group,
    optimal_precision,
    tokens_to_degradation,
    weight_activation_crossover,
)
from bayesq.posterior.constants import PublishedFit
from published_fits import BASE, CHINCHILLA, E2M1, OUYANG, PTQ, QAT, QUEST, SUN, codes, spread

# --- no optimum, intervals, notes --------------------------------------------------------------


@pytest.mark.parametrize("closed_form", [True, False])
def test_draws_without_an_optimum_have_no_answer(closed_form: bool) -> None:
    slopes = np.array([0.3, -0.2, 0.5, 0.4, -0.1, 0.6, 0.35, 0.45])
    fit = spread(bayesq.published("kumar2024-ptq", gamma_post=0.6, **BASE), 8, gamma_D=slopes)
    found = critical_tokens(fit, N="100M", w_bits=4, closed_form=closed_form)
    # Where the loss falls all the way it would turn beyond what is searched, if ever.
    answers = found.draws.values.ravel()
    np.testing.assert_array_equal(np.isposinf(answers), slopes < 0)
    assert found.without_answer == 0.25
    row = found.to_frame().loc["D"]
    assert row["without_answer"] == 0.25
    assert row["median"] == np.sort(answers)[3]
    assert row["upper"] == np.inf
    assert np.isnan(row["mean"])
    assert "in 25% of the draws more tokens never raise the loss" in found.text


def test_no_draw_may_have_an_optimum() -> None:
    fit = spread(bayesq.published("chen2025", gamma_D=-0.1))
    found = critical_tokens(fit, N="100M", group=64)
    assert found.without_answer == 1
    assert found.near_optimal is None
    row = found.to_frame().loc["D"]
    assert np.isposinf(row[["median", "lower", "upper"]]).all()
    assert np.isnan(row["mean"])
    assert found.answer == "At N 100M, G 64, more tokens never raise the loss."
    assert "no-answer" in codes(found)
    assert found.text.endswith("from 1k to 1e+30 tokens.")
    # A degradation without tokens leaves the base law's fall as it is.
    law = bayesq.published("qat-without-d", k=0.1, gamma_N=0.2, gamma_G=0.7, **BASE)
    assert critical_tokens(law, N="1B", group=32).without_answer == 1


def test_a_budget_too_small_for_any_network_has_no_optimum() -> None:
    found = optimal_precision(QAT, compute=1e3)
    assert found.without_answer == 1
    assert "there is no optimum" in found.text


def test_a_draw_without_an_optimum_has_no_best_whole_number() -> None:
    # Where size costs nothing, none is best.
    fit = spread(QAT, 4, by=0, A=[4299.0, 4299.0, 1e-9, 4299.0])
    found = optimal_precision(fit, compute=1e15)
    assert found.without_answer == 0.25
    assert found.near_optimal is not None
    best = found.near_optimal.iloc[0]
    assert best["probability_best"] == best["probability_near"] == 0.75
    assert "100%" not in found.text


@pytest.mark.parametrize("prob", [0.5, 0.8, 0.99])
def test_intervals_are_quantiles_of_the_draws(prob: float) -> None:
    tails = [(1 - prob) / 2, (1 + prob) / 2]
    tokens = critical_tokens(spread(SUN, 200), **E2M1)
    sizes = compute_optimal(spread(CHINCHILLA, 200), compute=1e21)
    kinds = effective_parameters(spread(QUEST, 200))
    cases = {"D": (tokens, tokens.draws), "a": (sizes, sizes.draws["a"])}
    bits = fewest_bits(spread(PTQ, 200), level=0.02, N="1B", D="100B")
    cases["w_bits"] = (bits, bits.draws)
    for what in ("eff", "multiplier"):
        of_kind = kinds.draws[what].sel(compression="W4A4 E2M1")
        cases[f"{what} W4A4 E2M1"] = (kinds, of_kind)
    for label, (decision, draws) in cases.items():
        row = decision.to_frame(prob).loc[label]
        values = draws.values.ravel()
        # Tokens and ratios have tails without end, bits have two ends: these have a mean.
        mean = values.mean() if label == "w_bits" else np.nan
        wanted = [np.median(values), mean, *np.quantile(values, tails), 0]
        assert list(row.index) == ["median", "mean", "lower", "upper", "without_answer"]
        np.testing.assert_allclose(row, wanted, rtol=1e-12)


@pytest.mark.parametrize("tolerance", [1e-4, 0.005, 0.05])
def test_the_ends_of_what_is_near_the_best_cost_the_tolerance(tolerance: float) -> None:
    at = {"N": 1e9, "E": 2.0, "M": 1.0, "B": 128.0, "quantized": 1.0}
    found = critical_tokens(SUN, **E2M1, tolerance=tolerance)
    check_ends(found, "D", found.draws.item(), lambda d: SUN.evaluate("loss", at | {"D": d}))
    found = compute_optimal(CHINCHILLA, compute=1e21, tolerance=tolerance)
    check_ends(
        found,
        "N",
        found.draws["N"].item(),
        lambda n: CHINCHILLA.evaluate("loss", {"N": n, "D": 1e21 / 6 / n}),
    )


def check_ends(
    found: Decision, symbol: str, best: float, loss: Callable[[float], xr.DataArray]
) -> None:
    assert found.near_optimal is not None
    row = found.near_optimal.loc[symbol]
    assert row["lower"] < best < row["upper"]
    for end in ("lower", "upper"):
        cost = loss(row[end]).item() - loss(best).item()
        assert cost == pytest.approx(row["tolerance"], rel=1e-6)


def test_what_is_near_the_best_lists_whole_bits_by_their_cost() -> None:
    found = optimal_precision(QAT, compute=1e21, N="1B", tolerance=0.002)
    bits = np.arange(2.0, 17)
    tokens = 1e21 / (6 * bits / 16) / 1e9
    at = {"N": 1e9, "D": xr.DataArray(tokens, dims="bits")}
    at |= {s: xr.DataArray(bits, dims="bits") for s in ("P_w", "P_a", "P_kv")}
    loss = QAT.evaluate("loss", at).values.ravel()
    cost = pd.Series(loss - loss.min(), bits.astype(int)).sort_values()
    wanted = cost[cost <= 0.002]
    assert found.near_optimal is not None
    assert found.near_optimal.index.tolist() == wanted.index.tolist()
    np.testing.assert_allclose(found.near_optimal["regret"], wanted, atol=1e-12)
    assert abs(found.draws.item() - wanted.index[0]) < 0.5


def test_an_answer_outside_what_the_law_has_seen_is_noted() -> None:
    # Sun saw 10B to 105B tokens and 41M to 679M parameters.
    near = {"N": "500M", "exponent": 1, "mantissa": 1, "group": 128}
    inside = critical_tokens(SUN, **near)
    assert 1e10 < inside.draws.item() < 1.05e11
    assert codes(inside) == ["published-constants", "range-unknown"]
    far = critical_tokens(SUN, **near | {"exponent": 8, "mantissa": 7})
    assert codes(far) == ["extrapolation", "published-constants", "range-unknown"]
    assert far.notes[0].severity == "severe"
    assert "times in D" in far.text
    assert "times in N" not in far.text
    assert "times in N" in critical_tokens(SUN, **near | {"N": "70B"}).text


def test_an_input_that_was_never_seen_is_noted() -> None:
    law = replace(QAT.law, observed={**QAT.law.observed, "P_kv": (16.0, 16.0)}, remember=False)
    fit = replace(QAT, law=law)
    at = {"N": "100M", "D": "10B", "w_bits": 4, "a_bits": 4}
    assert "unseen-input" not in codes(effective_parameters(fit, **at))
    said = effective_parameters(fit, **at, kv_bits=4)
    assert codes(said)[0] == "unseen-input"
    assert "P_kv" in said.notes[0].message
    # Bits that are looked for are asked too, once there is an answer.
    assert "unseen-input" in codes(optimal_precision(fit, compute=1e19))
    assert "unseen-input" not in codes(optimal_precision(fit, compute=1e19, kv_bits=16))


@pytest.mark.parametrize("paper", [CHINCHILLA, QAT, OUYANG], ids=lambda p: p.law.name)
def test_the_notes_of_the_constants_stand_behind_every_answer(paper: PublishedFit) -> None:
    answers = {
        "chinchilla": lambda: compute_optimal(paper, compute=1e21),
        "kumar2024-qat": lambda: optimal_precision(paper, compute=1e19),
        "ouyang2024": lambda: tokens_to_degradation(paper, level=0.2, N="1B", bits=3),
    }
    said = codes(answers[paper.law.name]())
    assert "published-constants" in said
    assert ("published-unchecked" in said) is not paper.constants.checked


def test_round_off_is_no_optimum() -> None:
    # Bits act as a smaller size: the loss falls for ever, to the last digit of a float.
    assert critical_tokens(QAT, N="10M", w_bits=4).without_answer == 1


def test_a_side_on_which_the_loss_never_rises_is_near_without_end() -> None:
    # Beyond the optimum the loss rises by less than the tolerance before the search ends.
    fit = bayesq.published("chen2025", gamma_D=0.02)
    found = critical_tokens(fit, N="1B", group=128, tolerance=0.5)
    assert found.near_optimal is not None
    assert found.near_optimal.loc["D", "upper"] == np.inf
    assert found.near_optimal.loc["D", "lower"] < found.draws.item()


def test_another_width_than_the_papers_is_noted() -> None:
    at = {"N": "595M", "D": "100B", "w_group": 128, "a_group": 128}
    paper = bayesq.published("chen2025")
    for found in (
        bayesq.predict(paper, at | {"w_bits": 8, "a_bits": 8}),
        largest_group(paper, level=0.05, N="595M", D="100B", w_bits=8, a_bits=8),
        weight_activation_crossover(bayesq.published("chen2025-schemes"), N="595M", bits=2),
    ):
        assert "other-format" in [n.code for n in found.notes]
    same = bayesq.predict(paper, at | {"w_bits": 4, "a_bits": 4})
    assert "other-format" not in [n.code for n in same.notes]
