"""Which runs to do next: what they teach, what they cost, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesq
from bayesq.decide import optimal_format, tokens_to_degradation
from bayesq.errors import BayesqError
from bayesq.planning.suggestions import Suggestions

FEW: dict[str, Any] = {"draws": 300, "tune": 500, "chains": 2, "seed": 1, "progress": False}
FAR = {"N": "200M", "D": "20B", "w_bits": 3}
# Sizes in and beyond the data, at two widths.
CANDIDATES = pd.DataFrame(
    [
        {"N": n, "D": d, "w_bits": bits}
        for n in (7e6, 3e7, 1e8)
        for d in (2e8, 2e9, 2e10)
        for bits in (3, 5)
    ]
)


@pytest.fixture(scope="module")
def fit(ptq_runs: bayesq.Runs) -> bayesq.Fit:
    return bayesq.fit(ptq_runs, "kumar2024-ptq", discrepancy=False, **FEW)


@pytest.fixture(scope="module")
def other(ptq_runs: bayesq.Runs) -> bayesq.Fit:
    """Fit the law without D, which says another thing at large D."""
    return bayesq.fit(ptq_runs, "kumar2024-ptq:gamma_D=0", discrepancy=False, **FEW)


def far(fit: Any) -> Any:
    return bayesq.predict(fit, FAR)


@pytest.fixture(scope="module")
def plan(fit: bayesq.Fit) -> Suggestions:
    return bayesq.suggest_runs(fit, CANDIDATES, 5e18, far)


def check_plan(plan: Suggestions) -> None:
    """Check what holds of every plan."""
    table, chosen = plan.table, plan.chosen
    assert table["gain"].between(0, 1).all()
    np.testing.assert_allclose(table["gain_per_flop"], table["gain"] / table["flops"])
    assert chosen["chosen"].tolist() == list(range(1, len(chosen) + 1))
    assert (np.diff(chosen["sd_left"]) < 0).all()
    assert chosen["sd_left"].between(0, 1).all()
    assert (np.diff(chosen["flops_so_far"]) >= 0).all()
    assert (chosen["flops_so_far"] <= plan.budget).all()
    rest = table[table["chosen"] == 0]
    assert rest[["flops_so_far", "sd_left"]].isna().all(axis=None)
    assert rest["gain_per_flop"].is_monotonic_decreasing
    # Those chosen stand first.
    assert table["chosen"].tolist()[: len(chosen)] == chosen["chosen"].tolist()


# --- plans -------------------------------------------------------------------------------------


def test_a_plan_keeps_to_its_budget_and_teaches_with_every_run(plan: Suggestions) -> None:
    check_plan(plan)
    assert len(plan.chosen) > 3
    assert plan.asked == "degradation"
    assert len(plan.table) == len(CANDIDATES)
    first = plan.chosen.iloc[0]
    # Alone, the first leaves what it does not take.
    assert first["sd_left"] == pytest.approx(np.sqrt(1 - first["gain"]))
    assert plan.text.startswith(f"{len(plan.chosen)} of 18 candidates, ")
    assert repr(plan).startswith(plan.text)


def test_widths_of_one_trained_network_are_paid_for_once(plan: Suggestions) -> None:
    chosen = plan.chosen
    networks = chosen.drop_duplicates(["N", "D"])
    assert len(networks) < len(chosen), "the plan must have two widths of one network"
    assert chosen["flops_so_far"].iloc[-1] == pytest.approx(
        6 * (networks["N"] * networks["D"]).sum()
    )
    np.testing.assert_allclose(plan.table["flops"], 6 * plan.table["N"] * plan.table["D"])


def test_costs_of_ones_own_are_paid_for_each(fit: bayesq.Fit) -> None:
    plan = bayesq.suggest_runs(fit, CANDIDATES, 4.0, far, cost=[1.0] * len(CANDIDATES))
    check_plan(plan)
    assert len(plan.chosen) <= 4
    assert plan.chosen["flops_so_far"].tolist() == [1.0 + i for i in range(len(plan.chosen))]
    without_size = {"N": ["30M", "100M"], "D": "2B", "w_bits": [3, 3]}
    dear = bayesq.suggest_runs(fit, without_size, 1.0, far, cost=[1.0, 3.0])
    assert dear.chosen["N"].tolist() == [3e7]


def test_more_money_teaches_more(fit: bayesq.Fit, plan: Suggestions) -> None:
    poor = bayesq.suggest_runs(fit, CANDIDATES, 2e17, far)
    check_plan(poor)
    assert poor.chosen["sd_left"].min() > plan.chosen["sd_left"].min()


def test_a_run_at_the_place_in_question_teaches_most(fit: bayesq.Fit) -> None:
    near = {"N": "7M", "D": "200M", "w_bits": 6}
    frame = pd.DataFrame([near, FAR, {"N": "30M", "D": "2B", "w_bits": 5}])
    plan = bayesq.suggest_runs(fit, frame, "1e22", far)
    assert plan.table.sort_values("gain")["N"].iloc[-1] == 2e8
    here = plan.table[plan.table["N"] == 2e8].iloc[0]
    # As much as the noise of one run there leaves of what is known.
    told = bayesq.predict(fit, FAR, "run")
    log = np.log(told.mean)
    spread = float(told.mean.std())
    off = (told.draws - told.mean).quantile([0.25, 0.75])
    noise = float(off[1] - off[0]) / 1.349
    assert float(log.std()) < 0.3, "so that the logarithm is nearly a straight line"
    assert here["gain"] == pytest.approx(spread**2 / (spread**2 + noise**2), abs=0.1)


def test_what_is_expected_to_be_left_is_what_measuring_leaves(fit: bayesq.Fit) -> None:
    """Draw values of a run, weigh the draws by them, and see how narrow the answer becomes."""
    at = {"N": "100M", "D": "10B", "w_bits": 4}
    plan = bayesq.suggest_runs(fit, at, "1e22", far)
    told = bayesq.predict(fit, at, "run")
    answer = np.log(far(fit).draws.values.ravel())
    assert fit.noise is not None
    assert told.noise is not None
    _, mean, values = told.noise
    rng = np.random.default_rng(0)
    left = []
    for measured in rng.choice(told.draws.values.ravel(), 60, replace=False):
        observed = xr.DataArray([measured], dims="scenario")
        density = fit.noise.log_density(observed, mean, values, rng).values.ravel()
        weights = np.exp(density - density.max())
        weights /= weights.sum()
        left.append(weights @ (answer - weights @ answer) ** 2)
    found = np.sqrt(np.mean(left) / answer.var())
    assert plan.chosen["sd_left"].iloc[0] == pytest.approx(found, abs=0.1)


def test_a_decision_is_narrowed(fit: bayesq.Fit) -> None:
    plan = bayesq.suggest_runs(
        fit,
        CANDIDATES,
        5e18,
        lambda f: tokens_to_degradation(f, level=0.2, N="100M", w_bits=3),
    )
    check_plan(plan)
    assert plan.asked == "D"
    assert not plan.chosen.empty
    assert "extrapolation" not in {n.code for n in plan.notes}


def test_the_same_seed_gives_the_same_plan(fit: bayesq.Fit, plan: Suggestions) -> None:
    again = bayesq.suggest_runs(fit, CANDIDATES, 5e18, far)
    pd.testing.assert_frame_equal(again.table, plan.table)


def test_what_is_known_already_needs_no_run(fit: bayesq.Fit) -> None:
    # An answer that has nothing to do with the law.
    def noise(fit: Any) -> xr.DataArray:
        draws = np.random.default_rng(5).standard_normal((2, 300))
        return xr.DataArray(draws, dims=("chain", "draw"), name="dice")

    plan = bayesq.suggest_runs(fit, CANDIDATES, 5e18, noise)
    assert plan.table["gain"].max() < 0.05


# --- laws told apart ---------------------------------------------------------------------------


def ratios(fits: dict[str, bayesq.Fit], frame: pd.DataFrame) -> np.ndarray:
    """By what factor the median of the first law is that of the second."""
    one, two = (bayesq.predict(f, frame).to_frame()["median"] for f in fits.values())
    return np.asarray(one / two)


def test_laws_are_told_apart_where_they_differ(fit: bayesq.Fit, other: bayesq.Fit) -> None:
    fits = {"with D": fit, "without D": other}
    # Of one size the laws agree at some number of tokens, and not at a thousand times as many.
    tokens = np.geomspace(1e7, 1e9, 41)
    ratio = ratios(fits, pd.DataFrame({"N": 2e7, "D": tokens, "w_bits": 4}))
    agree = tokens[np.abs(np.log(ratio)).argmin()]
    frame = pd.DataFrame({"N": 2e7, "D": [agree, 1e3 * agree], "w_bits": 4})
    ratio = ratios(fits, frame)
    assert ratio[0] == pytest.approx(1, abs=0.1)
    assert ratio[1] > 3
    plan = bayesq.suggest_runs(fits, frame, 1e22)
    check_plan(plan)
    assert plan.asked == "which law holds"
    gain = plan.table.set_index("D")["gain"]
    assert gain[1e3 * agree] > 3 * gain[agree]
    assert plan.chosen["D"].iloc[0] == 1e3 * agree
    # The same of a sequence of fits, and of an average with equal weights.
    mixed = bayesq.average(fits, "equal")
    for laws in ([fit, other], mixed):
        again = bayesq.suggest_runs(laws, frame, 1e22)
        np.testing.assert_allclose(again.table["gain"], plan.table["gain"])


def test_one_and_the_same_law_cannot_be_told_apart(fit: bayesq.Fit) -> None:
    plan = bayesq.suggest_runs({"one": fit, "again": fit}, CANDIDATES, 5e18)
    assert plan.table["gain"].max() < 0.02


# --- what is refused ---------------------------------------------------------------------------

REFUSED: dict[str, tuple[Callable[[bayesq.Fit], Any], str]] = {
    "one law and no decision": (
        lambda f: bayesq.suggest_runs(f, CANDIDATES, 1e19),
        "pass decision=, the answer to narrow, or the fits of several laws",
    ),
    "a small budget": (
        lambda f: bayesq.suggest_runs(f, CANDIDATES, 1e10, far),
        "No candidate fits into 1e+10 FLOP; the least costs 8.4e+15",
    ),
    "no budget": (lambda f: bayesq.suggest_runs(f, CANDIDATES, "much", far), "budget is 'much'"),
    "nonsense": (
        lambda f: bayesq.suggest_runs(f, CANDIDATES, 1e19, lambda fit: "yes"),  # type: ignore[arg-type,return-value]
        "decision returned a str; let it return what a function of bayesq.decide",
    ),
    "no answer": (
        lambda f: bayesq.suggest_runs(
            f, CANDIDATES, 1e19, lambda fit: tokens_to_degradation(fit, level=1e9, N="1M", w_bits=6)
        ),
        "ask one that most draws answer",
    ),
    "costs of others": (
        lambda f: bayesq.suggest_runs(f, CANDIDATES, 1e19, far, cost=[1.0]),
        "cost must be 18 numbers above 0",
    ),
    "costs of nothing": (
        lambda f: bayesq.suggest_runs(f, CANDIDATES, 1e19, far, cost=[0.0] * 18),
        "cost must be 18 numbers above 0",
    ),
    "too many": (
        lambda f: bayesq.suggest_runs(
            f,
            {"N": np.linspace(1e7, 1e8, 5001), "D": [1e9] * 5001, "w_bits": [4] * 5001},
            1e22,
            far,
        ),
        "5001 candidates are too many; pass up to 5000",
    ),
    "an input lacking": (
        lambda f: bayesq.suggest_runs(f, {"N": 1e8, "D": 1e9}, 1e19, far),
        "gives no P for law kumar2024-ptq",
    ),
    "no fit": (lambda f: bayesq.suggest_runs("fit.nc", CANDIDATES, 1e19, far), "is not a fit"),
    "a law that cannot answer": (
        lambda f: bayesq.suggest_runs(
            f, CANDIDATES, 1e19, lambda fit: optimal_format(fit, bits=4, N=1e8, D=1e9)
        ),
        "does not tell formats apart",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_mistake_is_refused_in_one_sentence(what: str, fit: bayesq.Fit) -> None:
    ask, words = REFUSED[what]
    with pytest.raises(BayesqError) as caught:
        ask(fit)
    said = str(caught.value)
    assert words in said
    assert re.fullmatch(r"[^\n]+[^.]\.", said)
    assert not re.search(r"[a-z]\. [A-Z]", said), "one sentence"


def test_candidates_without_a_size_need_costs(ptq_runs: bayesq.Runs) -> None:
    law = bayesq.Law(
        name="bits-only",
        base=bayesq.laws()["chinchilla"],
        degradation=lambda w_bits, k, rate: k * np.exp(-rate * w_bits),
        stages=("post",),
        parameters=(
            bayesq.Parameter("k", bayesq.Prior("LogNormal", mu=0.0, sigma=2.0), "nats/token"),
            bayesq.Parameter("rate", bayesq.Prior("LogNormal", mu=0.0, sigma=0.5)),
        ),
        remember=False,
    )
    fit = bayesq.fit(ptq_runs, law, discrepancy=False, **(FEW | {"draws": 50, "tune": 200}))
    decision = lambda f: bayesq.predict(f, {"w_bits": 3})  # noqa: E731
    with pytest.raises(BayesqError, match="lack N or D, so their cost is unknown; pass cost="):
        bayesq.suggest_runs(fit, {"w_bits": [3, 4]}, 1e19, decision)
    plan = bayesq.suggest_runs(fit, {"w_bits": [3, 4]}, 1.0, decision, cost=[1.0, 1.0])
    assert len(plan.chosen) == 1
