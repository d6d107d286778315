"""The fewest bits of a fit: solved at every draw, and what stands beside the answer."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import bayesq
from bayesq import Fit
from bayesq.decide import fewest_bits
from bayesq.errors import BayesqError
from by_hand import kumar


def bits_by_hand(fit: Fit, level: float, N: float, D: float) -> np.ndarray:
    """Solve the law for its bits: P = gamma_post * log(C_T * D^gamma_D / N^gamma_N / level)."""
    p = fit.posterior
    with_no_bits = p["C_T"] * D ** p["gamma_D"] / N ** p["gamma_N"]
    return (p["gamma_post"] * np.log(with_no_bits / level)).values


def test_the_fewest_bits_solve_the_law_at_every_draw(ptq_fit: Fit) -> None:
    decision = fewest_bits(ptq_fit, level=0.01, N="1B", D="100B", discrepancy=False)
    # One bit is the fewest that there is.
    bits = np.maximum(bits_by_hand(ptq_fit, 0.01, 1e9, 1e11), 1.0)
    assert decision.draws.dims == ("chain", "draw")
    assert (decision.draws.name, decision.draws.attrs["units"]) == ("w_bits", "bits")
    np.testing.assert_allclose(decision.draws, bits, atol=1e-9)
    row = decision.to_frame(0.8).loc["w_bits"]
    ends = np.quantile(bits, [0.1, 0.9])
    wanted = [np.median(bits), bits.mean(), *ends, 0]
    assert list(row.index) == ["median", "mean", "lower", "upper", "without_answer"]
    np.testing.assert_allclose(row, wanted, atol=1e-9)


def test_the_decision_says_how_far_it_lies_outside_the_data(ptq_law_fit: Fit) -> None:
    decision = fewest_bits(ptq_law_fit, level=0.01, N="1B", D="100B")
    low, middle, high = np.quantile(bits_by_hand(ptq_law_fit, 0.01, 1e9, 1e11), [0.05, 0.5, 0.95])
    said = decision.text
    assert said.startswith(
        f"At N 1B, D 100B, {middle:.2f} bits (90 % interval {low:.2f} to {high:.2f}) keep the "
        "degradation below 0.01 nats per token; 5 whole bits are enough in 100% of the draws. "
    )
    assert "about 53 times in N" in said
    assert "about 250 times in D" in said
    note, other = decision.notes
    assert (note.code, note.severity) == ("extrapolation", "severe")
    assert (other.code, other.severity) == ("law-taken-as-true", "info")
    assert repr(decision) == f"{decision.answer}\n{note}\n{other}"
    inside = fewest_bits(ptq_law_fit, level=0.05, N="7M", D="200M")
    assert [n.code for n in inside.notes] == ["law-taken-as-true"]


def test_one_bit_may_be_enough(ptq_fit: Fit) -> None:
    decision = fewest_bits(ptq_fit, level=1e6, N="7M", D="200M")
    np.testing.assert_array_equal(decision.draws, 1)
    assert decision.without_answer == 0
    assert "1.00 bits" in decision.text


def test_there_may_be_no_answer(ptq_fit: Fit) -> None:
    decision = fewest_bits(ptq_fit, level=1e-300, N="7M", D="200M")
    assert decision.without_answer == 1
    assert np.isposinf(decision.draws).all()
    assert "not even 16 bits keep the degradation below 1e-300" in decision.text
    row = decision.to_frame().loc["w_bits"]
    assert np.isposinf(row[["median", "lower", "upper"]]).all()
    assert np.isnan(row["mean"])
    assert row["without_answer"] == 1


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (
            0.3,
            r"At N 7M, D 200M, 15\.\d\d bits .* keep the degradation below \S+ nats per token; "
            r"16 whole bits are enough in 70% of the draws.*; in 30% of the draws not even 16 bits "
            r"keep the degradation below \S+ nats per token\.",
        ),
        (
            0.6,
            r"At N 7M, D 200M, in 60% of the draws not even 16 bits keep the degradation below "
            r"\S+ nats per token; in the others 15\.\d\d bits .* keep the degradation below ",
        ),
    ],
)
def test_some_draws_may_have_no_answer(ptq_fit: Fit, share: float, words: str) -> None:
    by_hand = kumar(ptq_fit, 7e6, 2e8, 16)
    level = float(np.quantile(by_hand, 1 - share))
    decision = fewest_bits(ptq_fit, level=level, N="7M", D="200M", discrepancy=False)
    assert decision.without_answer == pytest.approx(share, abs=0.002)
    assert re.match(words, decision.text), decision.text
    row = decision.to_frame().loc["w_bits"]
    assert row["upper"] == np.inf
    assert 14 < row["lower"] < 16
    assert np.isnan(row["mean"])


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no size": ({"D": "1B"}, "gives no N"),
    "bits": ({"N": "1B", "D": "1B", "w_bits": 3}, "looks for bits such as w_bits; leave them"),
    "bits by symbol": ({"N": "1B", "D": "1B", "P": 3}, "looks for bits such as w_bits; leave them"),
    "bits by alias": ({"N": "1B", "D": "1B", "bits": 3}, "looks for bits such as w_bits; leave"),
    "two": ({"N": ["1B", "2B"], "D": "1B"}, "answers for one setting; call it once for each"),
    "nothing": ({}, "fewest_bits needs a setting; say D, N of it"),
    "unknown": ({"N": "1B", "D": "1B", "bit": 3}, "no column 'bit'; did you mean bits or w_bits"),
    "level 0": (
        {"N": "1B", "D": "1B", "level": 0},
        r"level is 0; write nats per token, such as 0\.01",
    ),
    "no level": ({"N": "1B", "D": "1B", "level": np.nan}, "level is nan; write nats per token"),
    "level in words": ({"N": "1B", "D": "1B", "level": "low"}, "level is 'low'; write nats"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_bad_question_is_refused(ptq_fit: Fit, what: str) -> None:
    scenario, words = REFUSED[what]
    with pytest.raises(BayesqError, match=words):
        fewest_bits(ptq_fit, **({"level": 0.01} | scenario))


@pytest.mark.parametrize("name", ["chinchilla", "chen2025"])
def test_a_law_without_bits_has_no_fewest(name: str, base_fit: Fit) -> None:
    # A group size is found with the help of w_bits and yet is none.
    design = replace(base_fit.specification.design, law=bayesq.laws()[name])
    fit = replace(base_fit, specification=replace(base_fit.specification, design=design))
    with pytest.raises(BayesqError, match=rf"{name} gives no degradation as a function of w_bits"):
        fewest_bits(fit, level=0.01, N="1B", D="1B")


def test_what_a_decision_leaves_out_is_noted(ptq_fit: Fit) -> None:
    decision = fewest_bits(ptq_fit, level=0.03, N="7M", D="200M", w_group=64)
    assert [n.code for n in decision.notes] == ["other-format"]
    assert "does not look at w_group" in decision.text
