"""The cheapest network over training and serving: the paper's number, brute force, refusals."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq, minimize_scalar

import bayesq
from bayesq.decide import compute_optimal, inference_optimal
from bayesq.errors import BayesqError
from command import Run
from published_fits import CHEN, CHINCHILLA, QAT, QUEST, SIZE_ONLY, SUN, spread

HOFFMANN = bayesq.published("chinchilla", "hoffmann2022")
SERVING = {16: 1.0, 8: 0.55, 4: 0.35}


def test_the_papers_own_example() -> None:
    # Sardana et al., figure 1: the quality of a compute-optimal 13B with 2T tokens served is
    # cheaper from 7B; it saves 1.7e22 FLOP, 17 %.
    p = HOFFMANN.constants.values

    def size(log_c: float) -> float:
        return float(compute_optimal(HOFFMANN, compute=10**log_c).draws["N"].item())

    spent = 10 ** brentq(lambda log_c: size(log_c) - 13e9, 20, 26)
    loss = HOFFMANN.law.evaluate("loss", {**p, "N": 13e9, "D": spent / 6 / 13e9})
    found = inference_optimal(HOFFMANN, inference_tokens="2T", loss=loss)
    assert found.draws["N"].item() == pytest.approx(7e9, rel=0.03)
    lifetime = spent + 2 * 13e9 * 2e12
    saved = lifetime - found.draws["cost"].item()
    assert saved == pytest.approx(1.7e22, rel=0.06)
    assert saved / lifetime == pytest.approx(0.17, abs=0.01)
    assert "would cost 19.4 % more over the lifetime" in found.answer


def cheapest(loss: Any, target: float, trained: float, served: float) -> tuple[float, float, float]:
    """Search N by brute force, D of each by a root."""

    def tokens(log_n: float) -> float:
        def excess(log_d: float) -> float:
            return float(loss(10**log_n, 10**log_d)) - target

        return np.inf if excess(30) > 0 else 10 ** brentq(excess, 3, 30, xtol=1e-13)

    def cost(log_n: float) -> float:
        return float(np.log(10**log_n * (trained * tokens(log_n) + served)))

    grid = np.linspace(6, 13, 141)
    near = grid[int(np.argmin([cost(n) for n in grid]))]
    best = minimize_scalar(
        cost, bounds=(near - 0.06, near + 0.06), method="bounded", options={"xatol": 1e-9}
    )
    return 10**best.x, tokens(best.x), float(np.exp(best.fun))


@pytest.mark.parametrize("served", ["10B", "2T", 1e14])
def test_every_draw_against_brute_force(served: Any) -> None:
    fit = spread(CHINCHILLA, 4)
    found = inference_optimal(fit, inference_tokens=served, loss=2.2).draws
    assert found["cost"].attrs["units"] == "FLOP"
    count = float(bayesq.runs.counts.parse_count(served))  # type: ignore[arg-type]
    for chain, draw in ((0, 0), (0, 1), (1, 0), (1, 1)):
        one = {str(k): float(v) for k, v in fit.posterior.isel(chain=chain, draw=draw).items()}
        size, tokens, cost = cheapest(
            lambda n, d, one=one: fit.law.evaluate("loss", {**one, "N": n, "D": d}),
            2.2,
            6.0,
            2 * count,
        )
        assert found["cost"].values[chain, draw] == pytest.approx(cost, rel=1e-8)
        assert found["N"].values[chain, draw] == pytest.approx(size, rel=1e-3)
        assert found["D"].values[chain, draw] == pytest.approx(tokens, rel=1e-3)


def test_the_sizes_lie_on_the_contour_and_cost_what_is_told() -> None:
    fit = spread(QAT, 12)
    found = inference_optimal(fit, inference_tokens="100B", loss=3.1, serving=0.4, w_bits=4).draws
    at = {"N": found["N"], "D": found["D"], "P_w": 4.0, "P_a": 16.0, "P_kv": 16.0}
    np.testing.assert_allclose(fit.evaluate("loss", at), 3.1, rtol=1e-9)
    cost = found["N"] * (6 * found["D"] + 0.4 * 2 * 1e11)
    np.testing.assert_allclose(found["cost"], cost, rtol=1e-9)


def test_without_serving_it_is_compute_optimal() -> None:
    fit = spread(CHINCHILLA)
    wanted = compute_optimal(fit, compute=1e22).draws
    for few in (0, "1k"):
        found = inference_optimal(fit, inference_tokens=few, compute=1e22).draws
        np.testing.assert_allclose(found["N"], wanted["N"], rtol=2e-4)
        np.testing.assert_allclose(found["D"], wanted["D"], rtol=2e-4)
    one = compute_optimal(CHINCHILLA, compute=1e22).draws
    loss = CHINCHILLA.evaluate("loss", {"N": one["N"], "D": one["D"]}).item()
    back = inference_optimal(CHINCHILLA, inference_tokens=0, loss=loss).draws
    assert back["cost"].item() == pytest.approx(1e22, rel=1e-6)
    assert back["N"].item() == pytest.approx(one["N"].item(), rel=1e-3)


@pytest.mark.parametrize("goal", [{"loss": 2.2}, {"compute": 1e23}])
def test_the_more_is_served_the_smaller_the_network(goal: dict[str, Any]) -> None:
    served = [0, "10B", "100B", "1T", "10T"]
    found = [inference_optimal(CHINCHILLA, inference_tokens=t, **goal).draws for t in served]
    sizes = [one["N"].item() for one in found]
    assert sizes == sorted(sizes, reverse=True)
    ratio = [one["D"].item() / one["N"].item() for one in found]
    assert ratio == sorted(ratio)


def test_a_budget_is_spent_where_the_loss_is_flat() -> None:
    fit = spread(CHINCHILLA)
    found = inference_optimal(fit, inference_tokens="2T", compute=1e23)
    draws = found.draws
    np.testing.assert_allclose(draws["N"] * (6 * draws["D"] + 4e12), 1e23, rtol=1e-9)

    def loss(by: float) -> xr.DataArray:
        tokens = draws["D"] * by
        return fit.evaluate("loss", {"N": 1e23 / (6 * tokens + 4e12), "D": tokens})

    assert ((loss(1.01) > draws["loss"]) & (loss(0.99) > draws["loss"])).all()
    np.testing.assert_allclose(draws["loss"], loss(1.0), rtol=1e-9)
    assert found.choices is not None


def test_a_price_of_a_flop_turns_figures_into_prices() -> None:
    at = {"inference_tokens": "1T", "w_bits": 8}
    flop = inference_optimal(QAT, **at, loss=3.1, serving=0.6).draws
    dollars = inference_optimal(QAT, **at, loss=3.1, serving=1.2 * 3e-18, train_price=3e-18)
    assert dollars.draws["N"].item() == pytest.approx(flop["N"].item(), rel=1e-6)
    assert dollars.draws["cost"].item() == pytest.approx(3e-18 * flop["cost"].item(), rel=1e-9)
    assert "in the unit of train_price" in dollars.answer
    budget = inference_optimal(
        QAT, **at, budget=dollars.draws["cost"].item(), serving=3.6e-18, train_price=3e-18
    )
    assert budget.draws["loss"].item() == pytest.approx(3.1, rel=1e-6)


@pytest.mark.slow
def test_widths_are_compared_draw_by_draw() -> None:
    fit = spread(QAT, 60, by=0.03)
    found = inference_optimal(fit, inference_tokens="1T", loss=3.2, serving=SERVING)
    assert found.draws["cost"].dims == ("chain", "draw", "bits")
    assert found.draws["bits"].values.tolist() == [4, 8, 16]
    costs = found.draws["cost"].stack(all=("chain", "draw")).transpose("all", "bits").values
    table = found.choices
    assert table is not None
    for i, bits in enumerate((4, 8, 16)):
        best = float((costs.argmin(1) == i).mean())
        assert table.loc[bits, "probability_best"] == pytest.approx(best)
        regret = 100 * (costs[:, i] / costs.min(1) - 1)
        assert table.loc[bits, "expected_regret_percent"] == pytest.approx(regret.mean(), rel=1e-6)
        alone = inference_optimal(
            fit, inference_tokens="1T", loss=3.2, serving=SERVING[bits], w_bits=bits, a_bits=bits,
            kv_bits=bits,
        ).draws["cost"]  # fmt: skip
        np.testing.assert_allclose(found.draws["cost"].sel(bits=bits), alone, rtol=1e-8)
    spent = inference_optimal(fit, inference_tokens="1T", compute=1e22, serving=SERVING)
    assert {"loss", "regret"} <= set(spent.draws)
    assert spent.choices is not None
    assert spent.choices["expected_regret"].min() >= 0


def test_16_bits_are_full_precision_and_weights_alone_are_not() -> None:
    at = {"inference_tokens": "1T", "loss": 3.2}
    full = inference_optimal(bayesq.published("chinchilla", **BASE), **at).draws["cost"].item()
    both = inference_optimal(QAT, **at, bits=[4, 16], serving=SERVING).draws["cost"]
    assert both.sel(bits=16).item() == pytest.approx(full, rel=1e-8)
    narrow = inference_optimal(QAT, **at, serving=SERVING, a_bits=4).draws["cost"]
    assert narrow.sel(bits=16).item() > 1.05 * full


BASE = {s: QAT.constants.values[s] for s in ("E", "A", "B", "alpha", "beta")}


def test_compressions_are_compared_by_name() -> None:
    found = inference_optimal(
        QUEST, inference_tokens="1T", compute=1e22, serving={"W4": 0.35, "W8A8": 0.5, 16: 1}
    )
    assert found.draws["compression"].values.tolist() == ["W4", "W8A8", "full precision"]
    assert found.answer.startswith("At W4, trained on")


def test_a_loss_out_of_reach_is_infinite() -> None:
    floors = np.where(np.arange(8) < 2, 2.3, 1.8)
    found = inference_optimal(spread(CHINCHILLA, 8, E=floors), inference_tokens="1T", loss=2.2)
    np.testing.assert_array_equal(np.isposinf(found.draws["cost"].values.ravel()), floors > 2)
    assert "In 25% of the draws nothing that was searched reaches the loss." in found.answer
    assert found.without_answer == 0.25
    never = inference_optimal(CHINCHILLA, inference_tokens="1T", loss=1.0)
    assert never.answer == "Nothing that was searched reaches the loss."


def said(words: str, text: str) -> float:
    """Read the number that stands for the X of some words, as 42.9B in "X parameters"."""
    found = re.search(words.replace("X", r"([\d.e+]+[kMBT]?)"), text)
    assert found is not None
    return float(bayesq.runs.counts.parse_count(found[1]))  # type: ignore[arg-type]


@pytest.mark.parametrize("unreached", [0, 1, 3, 4, 7])
def test_all_numbers_of_a_sentence_are_of_the_same_draws(unreached: int) -> None:
    floors = np.where(np.arange(8) < unreached, 2.3, np.linspace(1.7, 2.0, 8))
    found = inference_optimal(spread(CHINCHILLA, 8, E=floors), inference_tokens="1T", loss=2.2)
    draws = {name: values.values.ravel() for name, values in found.draws.items()}
    known = np.isfinite(draws["N"])
    assert known.sum() == 8 - unreached
    most = unreached < 4
    if not most:
        share = {4: "50%", 7: "88%"}[unreached]
        begins = f"In {share} of the draws nothing that was searched reaches the loss; in the"
        assert found.answer.startswith(f"{begins} others, trained on ")
    told = {"D": "rained on X tokens", "N": "X parameters", "cost": "lifetime costs X FLOP"}
    for name, words in told.items():
        # Counted in, an infinite answer is more than all others.
        values = np.sort(draws[name] if most else draws[name][known])
        ends = values[[(len(values) - 1) // 2, len(values) // 2]]
        assert ends[0] * 0.99 <= said(words, found.answer) <= ends[1] * 1.01
        if most:
            middle = found.to_frame().loc[name, "median"]
            assert said(words, found.answer) == pytest.approx(middle, rel=5e-3)
    table = found.choices
    assert table is not None
    assert table.loc["cheapest", "cost"] == found.to_frame().loc["cost", "median"]
    assert table.loc["compute-optimal", "cost"] >= table.loc["cheapest", "cost"]
    assert (table["probability_compared"] == 1 - unreached / 8).all()
    if unreached:
        assert f"In the draws in which both are found ({1 - unreached / 8:.0%}), " in found.answer


@pytest.mark.slow
def test_both_choices_are_told_of_the_same_draws_of_a_misfit(small_base: bayesq.Fit) -> None:
    for loss in (1.05, 1.2, 1.45):
        found = inference_optimal(small_base, inference_tokens="10B", loss=loss)
        table, answers = found.choices, found.to_frame()
        assert table is not None
        assert table.loc["cheapest", "cost"] == answers.loc["cost", "median"]
        cheap, trained = table["cost"]
        assert trained >= cheap
        share = 1 - answers.loc["cost", "without_answer"]
        assert table["probability_compared"].tolist() == pytest.approx([share] * 2)


def test_a_width_whose_best_lies_at_an_end_of_the_search_is_compared_there(
    small_fit: bayesq.Fit, small_base: bayesq.Fit
) -> None:
    at = {"base": small_base, "inference_tokens": "1B", "serving": {16: 1, 4: 0.4, 3: 0.35}}
    found = inference_optimal(small_fit, **at, loss=1.2)
    table, cost = found.choices, found.draws["cost"]
    assert table is not None
    reached = 1 - np.isposinf(cost).mean(("chain", "draw"))
    np.testing.assert_allclose(table["probability_reaches"], reached.sel(bits=table.index))
    some = 1 - np.isposinf(cost).all("bits").mean()
    assert table["probability_best"].sum() == pytest.approx(float(some))


@pytest.mark.parametrize("question", [{"loss": 1e9}, {"compute": 1.0}, {"loss": 0.1}])
@pytest.mark.parametrize("format_", [{"w_bits": 4}, {"serving": {16: 1, 4: 0.35}}])
def test_a_question_beyond_all_that_was_searched_is_answered_in_a_sentence(
    question: dict[str, float], format_: dict[str, Any]
) -> None:
    found = inference_optimal(QAT, inference_tokens=1, **question, **format_)
    wanted = {
        1e9: "the least that was searched reaches a loss of 1e+09 already",
        1.0: "there is no optimum in what was searched",
        0.1: "nothing that was searched reaches the loss",
    }[next(iter(question.values()))]
    assert wanted in found.answer.lower()
    assert ("at any width" in found.answer) is ("serving" in format_ and "already" in wanted)
    assert found.without_answer == 1


def test_a_draw_in_which_the_least_is_enough_is_told_apart() -> None:
    heights = np.where(np.arange(8) < 2, 1e-9, 400.0)
    fit = spread(CHINCHILLA, 8, A=heights, B=heights, E=1.7)
    found = inference_optimal(fit, inference_tokens="1T", loss=2.2)
    why = "In 25% of the draws the least that was searched reaches the loss already."
    assert why in found.answer


def test_16_bits_are_not_sparse_weights_of_16() -> None:
    fit = bayesq.published("frantar2025", **BASE)
    at: dict[str, Any] = {"inference_tokens": "1T", "loss": 3.2}
    found = inference_optimal(fit, **at, serving={16: 1, 4: 0.35}).draws["cost"]
    assert found["compression"].values.tolist() == ["full precision", "W4", "W4A4"]
    # A figure by name goes before one by bits, in whatever order.
    named = [{16: 1, "S0.5": 0.6}, {"S0.5": 0.6, 16: 1}, {"full precision": 1, "S0.5": 0.6}]
    costs = [inference_optimal(fit, **at, serving=figures).draws["cost"] for figures in named]
    for cost in costs:
        one = cost.sel(compression="full precision").item()
        assert one == found.sel(compression="full precision").item()
        assert cost.sel(compression="S0.5").item() == costs[0].sel(compression="S0.5").item()
        assert cost.sel(compression="S0.5").item() < one
    with pytest.raises(BayesqError, match=r"no compression of 16 bits as asked"):
        inference_optimal(fit, **at, a_bits=4, serving={16: 1})


def test_a_fit_of_runs_and_its_misfit(small_fit: bayesq.Fit, small_base: bayesq.Fit) -> None:
    at = {"base": small_base, "inference_tokens": "1B", "loss": 1.45}
    one = inference_optimal(small_fit, **at, w_bits=4, serving=0.4)
    assert one.draws.sizes == {"chain": 2, "draw": 60}
    assert 3e6 < float(one.draws["N"].median()) < 1e7
    assert one.evidence is not None
    several = inference_optimal(small_fit, **at, serving={16: 1, 6: 0.5, 4: 0.4})
    assert several.choices is not None
    assert several.choices["probability_best"].sum() == pytest.approx(1)
    four = several.draws["cost"].sel(bits=4)
    assert float(four.median()) == pytest.approx(float(one.draws["cost"].median()), rel=0.05)
    formula = inference_optimal(small_fit, **at, serving=0.4, w_bits=4, discrepancy=False)
    assert "law-taken-as-true" in [n.code for n in formula.notes]


def test_a_bent_budget_without_serving_is_nearly_compute_optimal(small_base: bayesq.Fit) -> None:
    found = inference_optimal(small_base, inference_tokens=0, compute=1e16).draws["N"]
    wanted = compute_optimal(small_base, compute=1e16).draws["N"]
    assert float(found.median()) == pytest.approx(float(wanted.median()), rel=0.2)


def test_an_average_is_asked(small_base: bayesq.Fit) -> None:
    average = bayesq.average({"a": CHINCHILLA, "b": HOFFMANN}, {"a": 0.5, "b": 0.5})
    found = inference_optimal(average, inference_tokens="1T", loss=2.2)
    assert found.answer.startswith("Over 2 laws")
    assert set(found.laws) == {"a", "b"}


_AT: dict[str, Any] = {"inference_tokens": "1T", "loss": 3.1}
REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no goal": (CHINCHILLA, {"inference_tokens": 1e9}, "needs one goal: loss= in nats per token"),
    "two goals": (CHINCHILLA, {**_AT, "compute": 1e21}, "or budget= in the unit of train_price; 2"),
    "no tokens": (CHINCHILLA, {"inference_tokens": -1, "loss": 2}, "inference_tokens is -1; write"),
    "no loss": (
        CHINCHILLA,
        {"inference_tokens": 1, "loss": "low"},
        "loss is 'low'; write a number",
    ),
    "budget in what": (
        CHINCHILLA,
        {"inference_tokens": 1, "budget": 1e6},
        "in the unit of train_price=; give that too",
    ),
    "compute in dollars": (
        CHINCHILLA,
        {"inference_tokens": 1, "compute": 1e6, "train_price": 1, "serving": 1},
        "give it as budget=, not compute=",
    ),
    "no price": (CHINCHILLA, {**_AT, "train_price": 1e-18}, "say in it what serving a parameter"),
    "no figures": (QAT, {**_AT, "bits": [4, 8]}, "say what serving at each costs relative to 16"),
    "no figure": (QAT, {**_AT, "bits": "4,8", "serving": {4: 0.3}}, "serving has no figure of 8 b"),
    "figures without bits": (
        QAT,
        {**_AT, "serving": "16,4"},
        "serving is '16,4'; give each width a figure: serving=16:1,4:0.3 on a command line",
    ),
    "figure of nothing": (QAT, {**_AT, "serving": {}}, "serving is empty; give a figure by bits"),
    "bad figure": (QAT, {**_AT, "serving": {4: 0}}, "serving of 4 is 0; write a number above 0"),
    "bits twice": (QAT, {**_AT, "bits": [4, 4], "serving": SERVING}, "each once: bits=[3, 4, 16]"),
    "bits beyond": (QAT, {**_AT, "bits": 32, "serving": SERVING}, "write widths from 1 to 16 bits"),
    "bits given": (
        QAT,
        {**_AT, "serving": SERVING, "w_bits": 4, "a_bits": 16, "kv_bits": 16},
        "compares widths, and a_bits, kv_bits, w_bits is given; leave it out",
    ),
    "a name of bits": (QAT, {**_AT, "serving": {"W4": 1, 16: 1}}, "'W4' is no number of bits"),
    "widths of a base law": (CHINCHILLA, {**_AT, "serving": SERVING}, "knows no quantization; ask"),
    "widths of one": (CHEN, {**_AT, "serving": SERVING, "group": 64}, "no bits among its inputs"),
    "no such kind": (QUEST, {**_AT, "serving": {5: 0.4}}, "no compression of 5 bits as asked"),
    "size given": (CHINCHILLA, {**_AT, "N": 1e9}, "inference_optimal looks for N; leave N out"),
    "no format": (SUN, _AT, "needs a setting; say B, E, M of it"),
    "size alone": (
        bayesq.published(SIZE_ONLY, E=1.7, A=400.0, alpha=0.34),
        _AT,
        "does not depend on tokens",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_bad_question_is_refused_in_one_sentence(what: str) -> None:
    fit, question, words = REFUSED[what]
    with pytest.raises(BayesqError, match=re.escape(words)) as caught:
        inference_optimal(fit, **question)
    assert re.fullmatch(r"[^\n]+[^.]\.", str(caught.value))


def test_the_command_line_takes_figures(run: Run) -> None:
    said = run(
        "decide", "inference-optimal", "kumar2024-qat", "inference_tokens=1T", "loss=3.1",
        "serving=16:1,8:0.55,4:0.35", "--json",
    )  # fmt: skip
    wanted = inference_optimal(QAT, inference_tokens="1T", loss=3.1, serving=SERVING)
    assert said.json()["text"] == wanted.text
