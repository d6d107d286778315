"""Sizes of one loss by bits: brute force, what is stored, fits, refusals."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from test_decide import CHEN, CHINCHILLA, PTQ, QAT, QUEST, SUN, spread

import bayesq
from bayesq.decide import effective_parameters, iso_loss
from bayesq.errors import BayesqError
from command import Run

AT = {"D": "20B"}


@pytest.mark.parametrize("target", [{"loss": 3.2}, {"N": "200M"}, {"N": "200M", "w_bits": 4}])
def test_every_size_reaches_the_loss(target: dict[str, Any]) -> None:
    fit = spread(QAT, 12)
    found = iso_loss(fit, bits=[3, 4.5, 16], a_bits=16, kv_bits=16, **AT, **target).draws
    assert found["N"].dims == ("chain", "draw", "bits")
    wanted: Any = 3.2
    held = {"D": 2e10, "P_a": 16.0, "P_kv": 16.0}
    if "N" in target:
        wide = "w_bits" not in target
        reference = {"N": 2e8, "P_w": 16.0 if wide else 4.0, "quantized": float(not wide)}
        wanted = fit.evaluate("loss", {**held, **reference})
    for bits in (3.0, 4.5, 16.0):
        at = {**held, "N": found["N"].sel(bits=bits), "P_w": bits, "quantized": float(bits < 16)}
        np.testing.assert_allclose(fit.evaluate("loss", at) - wanted, 0, atol=1e-9)


def test_the_multiplier_is_that_of_effective_parameters() -> None:
    fit = spread(QAT)
    at = {"N": "200M", "D": "20B", "a_bits": 16, "kv_bits": 16}
    size = iso_loss(fit, bits=[4], **at).draws["N"].sel(bits=4)
    wanted = effective_parameters(fit, w_bits=4, **at).draws["multiplier"]
    np.testing.assert_allclose(size / 2e8, wanted, rtol=1e-8)


def test_what_the_weights_take_counts_their_scales() -> None:
    found = iso_loss(SUN, N="1B", D="100B", group=128, bits="4,16").draws
    per_weight = found["memory"] * 8e9 / found["N"]
    np.testing.assert_allclose(per_weight.values.ravel(), [4 + 16 / 128, 16], rtol=1e-12)
    more = iso_loss(SUN, N="1B", D="100B", group=128, bits=[4], scale_bits=8, zero_bits=4).draws
    np.testing.assert_allclose(more["memory"] * 8e9 / more["N"], 4 + 12 / 128, rtol=1e-12)
    assert found["memory"].attrs["units"] == "GB"


def test_the_reference_among_the_widths_has_its_own_size() -> None:
    found = iso_loss(spread(QAT), N="1B", w_bits=4, bits=[4, 8], **AT)
    np.testing.assert_allclose(found.draws["N"].sel(bits=4), 1e9, rtol=1e-6)
    assert "at 4 bits, by 1B parameters, 500 MB" in found.answer


def test_the_table_says_what_takes_the_least_memory() -> None:
    found = iso_loss(spread(QAT, 80, by=0.03), N="1B", **AT)
    memory = found.draws["memory"].stack(all=("chain", "draw")).transpose("all", "bits").values
    table = found.choices
    assert table is not None
    assert table.index.tolist() == [3, 4, 5, 6, 8, 16]
    for i, bits in enumerate(table.index):
        share = float((memory.argmin(1) == i).mean())
        assert table.loc[bits, "probability_best"] == pytest.approx(share)
        regret = 100 * (memory[:, i] / memory.min(1) - 1)
        assert table.loc[bits, "expected_regret_percent"] == pytest.approx(regret.mean(), rel=1e-6)


def test_compressions_have_sizes_of_their_efficiency() -> None:
    found = iso_loss(QUEST, N="1B", bits=[2, 16], **AT).draws
    assert found["compression"].values.tolist() == ["W2A2", "W2", "full precision"]
    eff: Any = QUEST.constants.values["eff"]
    np.testing.assert_allclose(
        found["N"].values.ravel(), [1e9 / eff["W2A2"], 1e9 / eff["W2"], 1e9], rtol=1e-7
    )


def test_a_loss_out_of_reach_is_infinite() -> None:
    never = iso_loss(QAT, loss=2.0, bits=[4, 16], **AT)
    assert np.isposinf(never.draws["N"]).all()
    assert re.search(r"no size up to 1e\+18 reaches a loss of 2, at any width\.", never.answer)
    floors = np.where(np.arange(8) < 2, 3.3, 2.7)
    some = iso_loss(spread(QAT, 8, E=floors), loss=3.2, bits=[4, 16], **AT)
    np.testing.assert_array_equal(
        np.isposinf(some.draws["N"].sel(bits=4).values.ravel()), floors > 3
    )
    assert "In 25% of the draws not every width reaches it." in some.answer


def test_a_fit_of_runs_and_its_misfit(small_fit: bayesq.Fit, small_base: bayesq.Fit) -> None:
    at = {"base": small_base, "D": "200M", "w_group": 128}
    found = iso_loss(small_fit, N="5M", **at)
    assert found.draws["bits"].values.tolist() == [3, 4, 5, 6, 16], "those measured"
    size = found.draws["N"]
    assert (size.sel(bits=3) > size.sel(bits=4)).all()
    # A curve that wavers may pass the loss of the reference before its size.
    assert (size.sel(bits=16) < 5e6 * (1 + 1e-6)).all()
    assert float(size.sel(bits=16).median()) == pytest.approx(5e6, rel=1e-6)
    low, high = size.sel(bits=4).quantile([0.05, 0.95]).values
    assert 5e6 < low < high < 1e7
    assert found.evidence is not None
    assert "with 16-bit scales for each 128 weights" in found.answer
    formula = iso_loss(small_fit, N="5M", **at, discrepancy=False)
    assert "law-taken-as-true" in [n.code for n in formula.notes]


def test_an_average_is_asked() -> None:
    average = bayesq.average({"a": QAT, "b": spread(QAT)}, {"a": 0.5, "b": 0.5})
    found = iso_loss(average, N="1B", bits=[4, 16], **AT)
    assert found.draws["N"].sizes["bits"] == 2
    assert found.choices is not None


REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no target": (QAT, AT, "iso_loss needs one target: loss= in nats per token, or N="),
    "two targets": (QAT, {**AT, "loss": 3, "N": 1e9}, "iso_loss needs one target"),
    "bits of no reference": (QAT, {**AT, "loss": 3, "w_bits": 4}, "no reference network of 4 bits"),
    "no tokens": (QAT, {"loss": 3}, "needs a setting; say D of it"),
    "no base": (PTQ, {**AT, "loss": 3}, "needs E, A, B, alpha"),
    "base law": (CHINCHILLA, {**AT, "loss": 3}, "chinchilla knows no quantization; ask a law that"),
    "no widths": (CHEN, {**AT, "loss": 3, "group": 64}, "has no bits among its inputs to compare"),
    "no loss": (QAT, {**AT, "loss": 0}, "loss is 0; write a number above 0"),
    "bad bits": (QAT, {**AT, "loss": 3, "bits": "four"}, "bits is 'four'; write a number above 0"),
    "several references": (QUEST, {**AT, "N": 1e9, "w_bits": 2}, "have 2 bits: W2A2; W2; give"),
    "two settings": (QAT, {"D": [1e9, 2e9], "loss": 3}, "answers for one setting"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_bad_question_is_refused_in_one_sentence(what: str) -> None:
    fit, question, words = REFUSED[what]
    with pytest.raises(BayesqError, match=re.escape(words)) as caught:
        iso_loss(fit, **question)
    assert re.fullmatch(r"[^\n]+[^.]\.", str(caught.value))


def test_the_command_line_takes_a_list_of_bits(run: Run) -> None:
    said = run("decide", "iso_loss", "kumar2024-qat", "N=1B", "D=20B", "bits=3,4,16", "--json")
    assert said.json()["text"] == iso_loss(QAT, N="1B", D="20B", bits=[3, 4, 16]).text
