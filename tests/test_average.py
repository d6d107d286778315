"""Averages over laws: which draws a mixture has, what it predicts and decides, what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import logsumexp

import bayesq
from bayesq.decide import (
    Decision,
    compute_optimal,
    critical_tokens,
    effective_parameters,
    fewest_bits,
    largest_group,
    optimal_format,
    optimal_precision,
    tokens_to_degradation,
    weight_activation_crossover,
)
from bayesq.errors import BayesqError
from bayesq.posterior.average import Average
from bayesq.posterior.constants import PublishedFit

QAT = bayesq.published("kumar2024-qat")
SUN = bayesq.published("sun2025")
SUN_DELTA = bayesq.published("sun2025", None, "degradation")
CHEN = bayesq.published("chen2025")
OUYANG = bayesq.published("ouyang2024")
OVER = ("chain", "draw")
# W4A4 as E2M1 in groups of 128, as each of the laws wants to know it.
AT = {
    f"{side}_{name}": value
    for side in "wa"
    for name, value in {"bits": 4, "group": 128, "exponent": 2, "mantissa": 1}.items()
} | {"kv_bits": 16}
GROUPS = {"w_group": 128, "a_group": 128}
SIZE = {"N": "1B", "D": "100B"}


def spread(paper: PublishedFit, draws: int, by: float = 0.02, seed: int = 7) -> PublishedFit:
    """Put draws around a paper's constants."""
    rng = np.random.default_rng(seed)
    over = {"chain": [0, 1], "draw": np.arange(draws // 2)}
    one = paper.posterior.isel(chain=0, draw=0, drop=True)
    noise = {s: (OVER, rng.normal(1, by, (2, draws // 2))) for s in one.data_vars}
    many = one * xr.Dataset(noise, over)
    return replace(paper, draws=many.transpose("chain", "draw", ...))


def flat(values: Any) -> np.ndarray:
    """Draws of one answer, chain after chain."""
    return np.asarray(values.transpose(*OVER, ...)).reshape(-1, *values.shape[2:])


def size_of(fit: PublishedFit) -> int:
    return fit.posterior.sizes["chain"] * fit.posterior.sizes["draw"]


# --- which draws a mixture has -----------------------------------------------------------------


@pytest.mark.parametrize("weights", [{"a": 0.25, "b": 0.75}, {"a": 1.0, "b": 0.0}, {"b": 3}])
def test_each_law_has_draws_as_its_weight_has_it(weights: dict[str, float]) -> None:
    fits = {"a": spread(QAT, 3000), "b": spread(SUN, 200)}
    mixed = bayesq.average(fits, weights)
    whole = sum(weights.values())
    wanted = {name: round(weights.get(name, 0.0) / whole * 3000) for name in fits}
    assert mixed.counts() == wanted
    assert sum(mixed.weights.values()) == pytest.approx(1.0)
    assert mixed.how == "given weights"


def test_draws_do_not_get_lost_in_rounding() -> None:
    fits = {name: spread(QAT, 1000) for name in "abc"}
    counts = bayesq.average(fits, "equal").counts()
    assert sum(counts.values()) == 1000
    assert set(counts.values()) == {333, 334}


def test_constants_are_a_mixture_though_each_is_one_draw() -> None:
    mixed = bayesq.average({"a": QAT, "b": SUN}, {"a": 0.3, "b": 0.7})
    assert mixed.counts() == {"a": 300, "b": 700}
    draws = flat(mixed.mix({"a": QAT.posterior["alpha"], "b": SUN.posterior["alpha"]}))
    values, counts = np.unique(draws, return_counts=True)
    assert dict(zip(values, counts, strict=True)) == {
        QAT.posterior["alpha"].item(): 300,
        SUN.posterior["alpha"].item(): 700,
    }


def test_draws_are_taken_evenly_and_belong_together() -> None:
    fits = {"a": spread(QAT, 3000), "b": spread(SUN, 2000)}
    mixed = bayesq.average(fits, {"a": 0.5, "b": 0.5})
    over = {"a": np.arange(3000.0).reshape(2, 1500), "b": 1e4 + np.arange(2000.0).reshape(2, 1000)}
    places = {name: xr.DataArray(values, dims=OVER) for name, values in over.items()}
    taken = flat(mixed.mix(places))
    np.testing.assert_array_equal(taken[:1500], 2 * np.arange(1500) + 1)
    steps = np.diff(taken[1500:])
    assert taken[1500:].min() >= 1e4
    assert set(steps) == {1.0, 2.0}
    # Another question, with other dimensions, has its draws in the same places.
    wide = {
        name: xr.Dataset({"x": p, "y": -p.expand_dims(option=3, axis=0)})
        for name, p in places.items()
    }
    both = mixed.mix(wide)
    np.testing.assert_array_equal(flat(both["x"]), taken)
    np.testing.assert_array_equal(flat(both["y"]), np.broadcast_to(-taken[:, None], (3000, 3)))
    assert dict(both.sizes) == {"chain": 1, "draw": 3000, "option": 3}


# --- what it predicts --------------------------------------------------------------------------


def asked_of_two(**weights: float) -> tuple[Any, dict[str, Any]]:
    fits = {"qat": spread(QAT, 2000, 0.01), "sun": spread(SUN, 2000, 0.001)}
    scenarios = {"N": ["100M", "200M"], "D": "10B", **{k: [v, v] for k, v in AT.items()}}
    alone = {
        name: bayesq.predict(fit, scenarios, seed=i) for i, (name, fit) in enumerate(fits.items())
    }
    return bayesq.predict(bayesq.average(fits, weights), scenarios), alone


def test_all_weight_on_one_law_is_that_law() -> None:
    mixed, alone = asked_of_two(qat=0.0, sun=1.0)
    pd.testing.assert_frame_equal(
        mixed.to_frame()[["median", "mean", "lower", "upper"]],
        alone["sun"].to_frame()[["median", "mean", "lower", "upper"]],
    )
    np.testing.assert_array_equal(flat(mixed.law_mean), flat(alone["sun"].law_mean))
    assert (mixed.shares["law"] == 0).all()


def test_a_mixture_has_the_means_of_the_laws_and_the_spread_between_them() -> None:
    mixed, alone = asked_of_two(qat=0.3, sun=0.7)
    means = {name: p.draws.mean(OVER).values for name, p in alone.items()}
    # Of 600 draws of 2000 the mean has an error of its own.
    error = 4 * np.sqrt(sum(p.draws.var(OVER).values / 600 for p in alone.values()))
    wanted = 0.3 * means["qat"] + 0.7 * means["sun"]
    assert (np.abs(mixed.draws.mean(OVER).values - wanted) < error).all()
    np.testing.assert_allclose(mixed.shares.sum(axis=1), 1.0)
    assert (mixed.shares >= 0).all(axis=None)
    between = 0.21 * (means["qat"] - means["sun"]) ** 2
    within = sum(
        w * p.draws.var(OVER).values for w, p in zip((0.3, 0.7), alone.values(), strict=True)
    )
    # Shares leave the outermost draws out, and are around the medians.
    np.testing.assert_allclose(mixed.shares["law"], between / (between + within), atol=0.05)


def test_a_prediction_lists_the_laws() -> None:
    mixed, alone = asked_of_two(qat=0.3, sun=0.7)
    table = mixed.by_law(0.8)
    assert table.index.names == ["law", "scenario"]
    assert list(table["weight"]) == [1, 1, 0.3, 0.3, 0.7, 0.7]
    for name, p in alone.items():
        one = p.to_frame(0.8)[["median", "mean", "lower", "upper"]]
        np.testing.assert_array_equal(table.loc[name].drop(columns="weight"), one)
    frame = mixed.to_frame(0.8)
    assert {"from_parameters", "from_law", "distance", "w_bits"} <= set(frame)
    np.testing.assert_array_equal(table.loc["average"]["upper"], frame["upper"])
    # A mixture reaches from the one law to the other.
    assert (frame["lower"] <= frame["median"]).all()
    shown = repr(mixed)
    assert "sun" in shown
    assert "qat" in shown
    messages = [note.message for note in mixed.notes if note.code == "published-constants"]
    assert [m.split(":")[0] for m in messages] == ["qat", "sun"]


def test_constants_differ_by_their_law_only() -> None:
    mixed = bayesq.predict(bayesq.average([QAT, SUN], "equal"), {**SIZE, **AT})
    share = mixed.shares.iloc[0]
    assert share["law"] == 1.0
    assert (share.drop("law") == 0).all()


def table(seed: int = 3) -> bayesq.Runs:
    """Make up full-precision rows."""
    rng = np.random.default_rng(seed)
    n, d = (x.ravel() for x in np.meshgrid(np.geomspace(1e7, 1e9, 4), np.geomspace(1e9, 5e10, 4)))
    mean = 1.7 + 0.6 * (n / 1e8) ** -0.34 + 0.5 * (d / 1e10) ** -0.3
    loss = mean * np.exp(rng.normal(0, 0.005, 16))
    return bayesq.read_runs(pd.DataFrame({"N": n, "D": d, "loss": loss, "stage": "none"}))


@pytest.fixture(scope="module")
def fits() -> dict[str, bayesq.Fit]:
    few: dict[str, Any] = {"draws": 250, "tune": 400, "chains": 2, "discrepancy": False}
    return {
        noise: bayesq.fit(table(), "chinchilla", noise=noise, seed=1, progress=False, **few)
        for noise in ("normal", "student-t")
    }


def test_the_density_of_a_mixture_is_that_of_the_laws(fits: dict[str, bayesq.Fit]) -> None:
    scenarios = {"N": ["100M", "3B"], "D": ["5B", "100B"]}
    mixed = bayesq.predict(bayesq.average(fits, {"normal": 1, "student-t": 3}), scenarios, "run")
    observed = np.array([2.8, 2.2])
    each = [
        bayesq.predict(fit, scenarios, "run", seed=i).log_density(observed)
        for i, fit in enumerate(fits.values())
    ]
    wanted = logsumexp(each + np.log([[0.25], [0.75]]), axis=0)
    np.testing.assert_allclose(mixed.log_density(observed), wanted, rtol=0, atol=1e-12)


def test_weights_of_fits_are_those_of_their_comparison(fits: dict[str, bayesq.Fit]) -> None:
    found = bayesq.compare(fits, outside=None, cure="none", progress=False)
    for method in ("stacking", "pseudo-bma+"):
        mixed = bayesq.average(found, method)
        assert mixed.weights == found.weights(method)
        assert mixed.how == method
        assert mixed.notes == found.notes
    assert bayesq.average(found, "equal").weights == {"normal": 0.5, "student-t": 0.5}
    assert bayesq.average(found, {"normal": 2.0}).weights == {"normal": 1.0, "student-t": 0.0}
    with pytest.raises(BayesqError, match="No rows outside the data were foretold"):
        bayesq.average(found, "stacking-outside")


def test_fits_are_compared_row_by_row_when_averaged(
    fits: dict[str, bayesq.Fit], monkeypatch: pytest.MonkeyPatch
) -> None:
    import bayesq.comparison.averaging as room

    asked: dict[str, Any] = {}

    def without_cures(named: Any, **options: Any) -> Any:
        asked.update(options)
        return bayesq.compare(named, **(options | {"cure": "none", "outside": None}))

    monkeypatch.setattr(room, "compare", without_cures)
    mixed = bayesq.average(fits, progress=False)
    assert asked["outside"] is None
    found = bayesq.compare(fits, outside=None, cure="none", progress=False)
    assert mixed.weights == found.weights("stacking")


# --- what it decides ---------------------------------------------------------------------------

Asked = tuple[Callable[..., Decision], PublishedFit, PublishedFit, dict[str, Any]]
ASKED: dict[str, Asked] = {
    "critical tokens": (critical_tokens, QAT, SUN, {"N": "1B", **AT}),
    "effective parameters": (effective_parameters, QAT, SUN, {**SIZE, **AT}),
    "compute optimal": (compute_optimal, QAT, SUN, {"compute": 1e22, **AT}),
    "precision for compute": (optimal_precision, QAT, SUN, {"compute": 1e22, "D": "1T", **GROUPS}),
    "precision for memory": (
        optimal_precision,
        QAT,
        SUN,
        {"memory": 1e10, "D": "1T", **GROUPS},
    ),
    "tokens to a level": (tokens_to_degradation, QAT, SUN, {"N": "1B", "level": 0.1, **AT}),
    "tokens to a level after training": (
        tokens_to_degradation,
        OUYANG,
        bayesq.published("ouyang2024", k=0.05),
        {"N": "1B", "level": 0.2, "bits": 2},
    ),
    "group": (
        largest_group,
        CHEN,
        SUN_DELTA,
        {**SIZE, "level": 0.05} | {k: v for k, v in AT.items() if "group" not in k},
    ),
    "bits": (
        fewest_bits,
        QAT,
        bayesq.published("kumar2024-qat", gamma_w=1.5),
        {**SIZE, "level": 0.1, "a_bits": 16, "kv_bits": 16},
    ),
    "format": (
        optimal_format,
        SUN,
        bayesq.published("sun2025", "sun2025", d=3e4),
        {**SIZE, "bits": 4, "group": 128},
    ),
    "crossover": (
        weight_activation_crossover,
        bayesq.published("chen2025-schemes"),
        bayesq.published("chen2025-schemes", gamma_Dw=0.2),
        {"N": "595M"},
    ),
}


@pytest.mark.parametrize("what", ASKED)
def test_a_decision_is_a_mixture_of_those_of_the_laws(what: str) -> None:
    decide, one, other, question = ASKED[what]
    laws = {"one": spread(one, 40, 0.002), "other": spread(other, 40, 0.002)}
    weights = {"one": 0.25, "other": 0.75}
    mixed = decide(bayesq.average(laws, weights), **question)
    alone = {name: decide(law, **question) for name, law in laws.items()}
    frame = mixed.to_frame()
    for name, decision in alone.items():
        rows = frame[frame.index.str.endswith(f" ({name})")]
        own = decision.to_frame()
        assert list(rows.index) == [f"{answer} ({name})" for answer in own.index]
        np.testing.assert_array_equal(rows.drop(columns="weight"), own)
        assert (rows["weight"] == weights[name]).all()
        assert f"{name} alone: {decision.answer}" in mixed.answer
    whole = frame[~frame.index.str.endswith(")")]
    assert (whole["weight"] == 1).all()
    assert len(frame) == 3 * len(whole)
    without = [d.to_frame()["without_answer"].to_numpy() for d in alone.values()]
    draws = mixed.draws.sizes["draw"]
    assert draws == 1000
    # 250 draws of 40 are not each taken equally often: up to once more than others.
    np.testing.assert_allclose(
        whole["without_answer"], 0.25 * without[0] + 0.75 * without[1], rtol=0, atol=40 / draws
    )
    assert mixed.laws["other"] == (0.75, mixed.laws["other"][1])
    assert mixed.answer.startswith("Over 2 laws by given weights (one 25%, other 75%), ")


@pytest.mark.parametrize("what", ASKED)
def test_constants_decide_together(what: str) -> None:
    decide, one, other, question = ASKED[what]
    laws = {"one": one, "other": other}
    mixed = decide(bayesq.average(laws, {"one": 0.25, "other": 0.75}), **question)
    frames = [decide(law, **question).to_frame() for law in laws.values()]
    whole = mixed.to_frame().iloc[: len(frames[0])]
    for column, row in enumerate(zip(*(f.itertuples() for f in frames), strict=True)):
        has = [not f.without_answer for f in row]
        found = whole.iloc[column]
        assert found["without_answer"] == pytest.approx(1 - np.dot([0.25, 0.75], has))
        if all(has):
            mean = 0.25 * row[0].mean + 0.75 * row[1].mean
            assert found["mean"] == pytest.approx(mean, nan_ok=True)
            # Of three quarters the median is the other's.
            assert found["median"] == row[1].median
            assert (found["lower"], found["upper"]) == tuple(sorted((row[0].median, row[1].median)))


def test_formats_are_compared_in_each_draw() -> None:
    laws = {
        "paper": spread(SUN, 400, 0.03, seed=1),
        "other": spread(bayesq.published("sun2025", "sun2025", delta=2.0, nu=4.5), 400, 0.03),
    }
    question: dict[str, Any] = {**SIZE, "bits": 4, "group": 128}
    mixed = optimal_format(bayesq.average(laws, {"paper": 0.4, "other": 0.6}), **question)
    alone = {name: optimal_format(law, **question) for name, law in laws.items()}
    assert isinstance(mixed.draws, xr.Dataset)
    np.testing.assert_array_equal(mixed.draws["format"], alone["paper"].draws["format"])
    loss, regret = mixed.draws["loss"], mixed.draws["regret"]
    np.testing.assert_allclose(regret, loss - loss.min("format"), rtol=0, atol=1e-12)
    assert (regret.min("format") == 0).all()
    # Each law has a best format of its own, and the mixture is as sure as the weights.
    best = {name: str(d.draws["regret"].median(OVER).idxmin().item()) for name, d in alone.items()}
    assert best["paper"] != best["other"]
    assert mixed.near_optimal is not None
    sure = mixed.near_optimal["probability_best"]
    wanted = sum(
        w * (alone[n].draws["regret"].sel(format=best["other"]) == 0).mean().item()
        for n, w in (("paper", 0.4), ("other", 0.6))
    )
    assert sure[best["other"]] == pytest.approx(wanted, abs=0.02)
    assert f"{best['other']} is the best format in" in mixed.answer


def test_the_law_without_an_answer_is_named() -> None:
    mixed = bayesq.average({"with": SUN, "without": QAT}, "equal")
    with pytest.raises(BayesqError) as caught:
        optimal_format(mixed, **SIZE, bits=4, group=128)
    said = str(caught.value)
    assert said.startswith("Of the laws averaged, without has no answer: Law kumar2024-qat does")
    assert isinstance(caught.value.__cause__, BayesqError)


def test_laws_of_other_options_do_not_mix() -> None:
    kinds = bayesq.published("frantar2025", "quest")
    known = list(kinds.posterior["eff"].values.ravel())
    few = bayesq.published("frantar2025", "quest", eff={"W4A4": known[0], "W3A3": known[1]})
    mixed = bayesq.average({"all": kinds, "few": few}, "equal")
    with pytest.raises(BayesqError, match="different options; name the options"):
        effective_parameters(mixed, **SIZE)


def test_an_average_is_given_by_name_too() -> None:
    mixed = bayesq.average([QAT, SUN], "equal")
    question: dict[str, Any] = {"N": "1B", **AT}
    by_place = critical_tokens(mixed, **question)
    by_name = critical_tokens(fit=mixed, **question)  # type: ignore[arg-type]
    pd.testing.assert_frame_equal(by_place.to_frame(), by_name.to_frame())


# --- what is refused ---------------------------------------------------------------------------

REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "responses": (
        lambda: bayesq.average([OUYANG, SUN], "equal"),
        "different things (ouyang2024 the degradation, sun2025 the loss); take one response",
    ),
    "unknown weights": (lambda: bayesq.average([QAT, SUN], "stack"), "did you mean stacking"),
    "weight of none": (
        lambda: bayesq.average([QAT, SUN], {"kumar2024-qat": 1, "sun": 1}),
        "A weight is for 'sun'; did you mean sun2025",
    ),
    "negative": (
        lambda: bayesq.average([QAT, SUN], {"kumar2024-qat": -1, "sun2025": 2}),
        "numbers from 0 on",
    ),
    "no number": (
        lambda: bayesq.average([QAT, SUN], {"kumar2024-qat": np.nan, "sun2025": 2}),
        "numbers from 0 on",
    ),
    "none at all": (lambda: bayesq.average([QAT, SUN], {}), "one of them above 0"),
    "no rows": (lambda: bayesq.average([QAT, SUN]), "pass weights='equal' or weights of your own"),
    "no fit": (
        lambda: bayesq.average([QAT, "sun2025"], "equal"),  # type: ignore[list-item]
        "A str is not a fit; make one with bayesq.fit",
    ),
    "one law twice": (
        lambda: bayesq.average([SUN, bayesq.published("sun2025", d=3e4)], "equal"),
        "Two of them are of one law; give them names",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_mistake_is_refused_in_one_sentence(what: str) -> None:
    make, words = REFUSED[what]
    with pytest.raises(BayesqError) as caught:
        make()
    said = str(caught.value)
    assert words in said
    assert re.fullmatch(r"[^\n]+[^.]\.", said)
    assert not re.search(r"[a-z]\. [A-Z]", said), "one sentence"


def test_an_average_says_what_it_is() -> None:
    mixed = bayesq.average([QAT, SUN], {"kumar2024-qat": 1, "sun2025": 3})
    assert isinstance(mixed, Average)
    assert mixed.response == "loss"
    assert repr(mixed) == "Average of 2 laws by given weights (kumar2024-qat 25%, sun2025 75%)"
