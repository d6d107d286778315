"""Sizes of one loss by bits: brute force, what is stored, fits, refusals."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import bayesq
from bayesq.decide import effective_parameters, iso_loss
from bayesq.errors import BayesqError
from command import Run
from published_fits import CHEN, CHINCHILLA, PTQ, QAT, QUEST, SUN, spread

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


def in_gigabytes(text: str) -> list[float]:
    found = re.findall(r", ((?:less|more) than )?([\d.e+-]+) ([MG])B(?=[;.])", text)
    return [float(n) * (1 if unit == "G" else 1e-3) for _, n, unit in found]


@pytest.mark.parametrize("unreached", [0, 1, 3, 5])
def test_sizes_and_memory_are_of_the_same_draws(unreached: int) -> None:
    floors = np.where(np.arange(8) < unreached, 3.3, np.linspace(2.4, 2.7, 8))
    found = iso_loss(spread(QAT, 8, E=floors), loss=3.2, bits=[4, 16], **AT)
    table, answers = found.choices, found.to_frame()
    assert table is not None
    told = in_gigabytes(found.answer)
    for i, bits in enumerate((4, 16)):
        middle = np.quantile(found.draws["N"].sel(bits=bits), 0.5, method="inverted_cdf")
        if unreached == 5:
            assert np.isposinf(table.loc[bits, ["N", "memory"]].to_numpy(float)).all()
            assert told[i] == pytest.approx(1e18 * bits / 8e9, rel=5e-3)
            continue
        assert table.loc[bits, "N"] == answers.loc[f"N {bits}", "median"]
        assert table.loc[bits, "memory"] == answers.loc[f"memory {bits}", "median"]
        assert told[i] == pytest.approx(table.loc[bits, "N"] * bits / 8e9, rel=5e-3)
        if unreached:
            assert table.loc[bits, "N"] == middle
    if unreached == 5:
        assert found.answer.count("by more than 1e+18 parameters") == 2
        assert found.answer.count("more than 5e+08 GB") == 1


def test_a_loss_that_the_least_size_reaches_is_a_bound() -> None:
    at: dict[str, Any] = {"bits": [4, 16], **AT}
    found = iso_loss(QAT, loss=1e9, **at)
    least = "the least size that was searched, 1k parameters, reaches a loss of 1e+09 already"
    assert found.answer == f"At D 20B, {least}, at any width."
    heights = np.where(np.arange(8) < 6, 1e-6, QAT.constants.values["A"])
    some = iso_loss(spread(QAT, 8, A=heights), loss=3.2, **at)
    assert "at 4 bits, by less than 1k parameters" in some.answer
    assert "less than 0.0005 MB; at 16 bits" in some.answer
    assert "In 75% of the draws the least size that was searched, 1k parameters, is " in some.answer
    table = some.choices
    assert table is not None
    assert (table["N"] == 0).all()
    # Where both are less than what was searched, that counts for both.
    assert table.loc[4, "probability_best"] == 1
    assert table.loc[16, "expected_regret_percent"] > 100


def test_a_width_that_fails_in_some_draws_has_no_end_of_regret() -> None:
    found = iso_loss(spread(QAT, 80, by=0.1), N=6.4e17, bits=[4, 16], **AT)
    fails = np.isposinf(found.draws["N"].sel(bits=4))
    assert 0.1 < float(fails.mean()) < 0.9
    table = found.choices
    assert table is not None
    assert table.loc[4, "expected_regret_percent"] == np.inf
    assert np.isfinite(table.loc[16, "expected_regret_percent"])
    assert table.loc[16, "probability_best"] == pytest.approx(float(fails.mean()))
    assert table.loc[4, "probability_reaches"] == pytest.approx(1 - float(fails.mean()))


def test_bits_of_scales_and_zero_points_may_be_texts_and_none() -> None:
    at: dict[str, Any] = {"N": "1B", "D": "100B", "group": 128, "bits": [4]}
    texts, numbers = (
        iso_loss(SUN, **at, scale_bits=s, zero_bits=z).draws["memory"].item()
        for s, z in (("8", "4"), (8, 4))
    )
    assert texts == numbers
    bare = iso_loss(SUN, **at, scale_bits=0, zero_bits="0").draws
    assert (bare["memory"] * 8e9 / bare["N"]).item() == pytest.approx(4)


def test_the_reference_without_bits_is_in_full_precision() -> None:
    base = {s: QAT.constants.values[s] for s in ("E", "A", "B", "alpha", "beta")}
    fit = bayesq.published("frantar2025", **base)
    found = iso_loss(fit, N="100M", D="10B")
    assert "the loss of 100M at full precision" in found.answer
    sizes = found.draws["N"]
    assert sizes["compression"].values.tolist() == ["W4", "W4A4", "W1A1", "S0.5", "full precision"]
    assert sizes.sel(compression="full precision").item() == pytest.approx(1e8, rel=1e-6)
    assert iso_loss(fit, N="100M", D="10B", w_bits=16).answer == found.answer
    few = iso_loss(fit, N="100M", D="10B", bits=[4, 16]).draws
    assert few["compression"].values.tolist() == ["W4", "W4A4", "full precision"]


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
    "scales of less": (QAT, {**AT, "N": 1e9, "scale_bits": -8}, "scale_bits is -8; write a number"),
    "no zero points": (
        QAT,
        {**AT, "N": 1e9, "zero_bits": "few"},
        "zero_bits is 'few'; write a num",
    ),
    "two settings": (QAT, {"D": [1e9, 2e9], "loss": 3}, "answers for one setting"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_bad_question_is_refused_in_one_sentence(what: str) -> None:
    fit, question, words = REFUSED[what]
    with pytest.raises(BayesqError, match=re.escape(words)) as caught:
        iso_loss(fit, **question)
    assert re.fullmatch(r"[^\n]+[^.]\.", str(caught.value))


def test_the_command_line_takes_a_list_of_bits(run: Run) -> None:
    asked = ("decide", "iso_loss", "kumar2024-qat", "N=1B", "D=20B", "bits=3,4,16", "--json")
    said = run(*asked)
    assert said.json()["text"] == iso_loss(QAT, N="1B", D="20B", bits=[3, 4, 16]).text
    assert run(*asked, "scale_bits=8", "zero_bits=4").json()["text"] == said.json()["text"]
