"""Predictions: the numbers of the draws, distances, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesq
from bayesq import Fit
from bayesq.decide import fewest_bits
from bayesq.errors import BayesqError
from bayesq.posterior.constants import PublishedFit
from bayesq.prediction.distance import distances, in_words
from by_hand import kumar

# Inside the data, and beyond their end in N and in D.
INSIDE = {"N": "7M", "D": "200M", "w_bits": 4}
SCENARIOS = {"N": ["7M", "1B"], "D": ["200M", "100B"], "w_bits": [4, 3]}


def test_a_prediction_is_the_law_and_its_misfit_at_every_draw(
    ptq_fit: Fit, ptq_law_fit: Fit
) -> None:
    for fit in (ptq_fit, ptq_law_fit):
        prediction = bayesq.predict(fit, SCENARIOS)
        assert prediction.draws.dims == ("chain", "draw", "scenario")
        assert prediction.draws.shape == (4, 1000, 2)
        assert prediction.draws.name == "degradation"
        assert prediction.draws.attrs["units"] == "nats/token"
        np.testing.assert_array_equal(prediction.draws["scenario"], [0, 1])
        for i, at in enumerate([(7e6, 2e8, 4), (1e9, 1e11, 3)]):
            by_hand = kumar(fit, *at)
            np.testing.assert_allclose(prediction.law_mean[..., i], by_hand, rtol=1e-12)
            # A law that is taken to be true has no misfit.
            assert np.allclose(prediction.draws[..., i], by_hand) == (fit is ptq_law_fit)


def test_the_loss_of_a_base_law_is_predicted(base_fit: Fit) -> None:
    p = base_fit.posterior
    prediction = bayesq.predict(base_fit, {"N": "70B", "D": "15T"})
    wanted = p["E"] + p["A"] * 70e9 ** -p["alpha"] + p["B"] * 15e12 ** -p["beta"]
    np.testing.assert_allclose(prediction.law_mean[..., 0], wanted, rtol=1e-12)
    assert prediction.draws.name == "loss"
    # The misfit is of what lies above E, which no draw falls below.
    assert (prediction.draws[..., 0] > p["E"]).all()


@pytest.mark.parametrize("prob", [0.5, 0.9])
def test_the_frame_has_the_scenario_then_the_numbers(ptq_fit: Fit, prob: float) -> None:
    prediction = bayesq.predict(ptq_fit, SCENARIOS)
    frame = prediction.to_frame(prob)
    numbers = ["median", "mean", "lower", "upper", "distance"]
    shares = ["from_parameters", "from_misfit"]
    inputs = ["distance_N", "distance_D", "distance_P", "distance_compute"]
    wanted = ["N", "D", "w_bits", *numbers[:4], *shares, numbers[4], *inputs]
    assert list(frame.columns) == wanted
    run = bayesq.predict(ptq_fit, SCENARIOS, "run").to_frame(prob)
    assert list(run.columns) == [*wanted[:9], "from_noise", *wanted[9:]]
    np.testing.assert_allclose(run[[*shares, "from_noise"]].sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(frame["N"], [7e6, 1e9])
    for i, row in frame.iterrows():
        draws = prediction.draws[..., i].values.ravel()
        ends = np.quantile(draws, [(1 - prob) / 2, (1 + prob) / 2])
        wanted = [np.median(draws), draws.mean(), *ends]
        np.testing.assert_allclose(row[numbers[:4]].astype(float), wanted, rtol=1e-12)


@pytest.mark.parametrize("prob", [0, 1, 90, float("nan")])
def test_an_interval_has_a_probability(ptq_fit: Fit, prob: float) -> None:
    with pytest.raises(BayesqError, match="must lie between 0 and 1"):
        bayesq.predict(ptq_fit, INSIDE).to_frame(prob)
    with pytest.raises(BayesqError, match="must lie between 0 and 1"):
        fewest_bits(ptq_fit, level=0.01, N="7M", D="200M").to_frame(prob)


@pytest.mark.parametrize(
    "scenarios",
    [
        {"N": [7e6, 7e6], "D": ["200M", 2e8], "w_bits": (4, 3)},
        {"N": "7M", "D": np.float64(2e8), "w_bits": np.array([4, 3])},
        {"N": np.array(7e6), "D": 200_000_000, "w_bits": pd.Series([4, 3], index=[8, 9])},
        pd.DataFrame({"N": "0.007B", "D": 2e8, "w_bits": [4, 3]}, index=["a", "b"]),
        pd.DataFrame({"w_bits": [4, 3], "D": "200 M", "N": 7e6}, index=[1, 1]),
    ],
    ids=["lists", "array", "series", "frame", "frame with equal labels"],
)
def test_scenarios_are_written_in_many_ways(ptq_fit: Fit, scenarios: Any) -> None:
    prediction = bayesq.predict(ptq_fit, scenarios)
    for i, bits in enumerate((4, 3)):
        np.testing.assert_allclose(
            prediction.law_mean[..., i], kumar(ptq_fit, 7e6, 2e8, bits), rtol=1e-12
        )
    assert list(prediction.to_frame().index) == [0, 1]


def test_equal_scenarios_are_two_scenarios(ptq_fit: Fit) -> None:
    twice = bayesq.predict(ptq_fit, {"N": ["7M", "7M"], "D": "1B", "w_bits": 4, "loss": 3})
    np.testing.assert_array_equal(twice.law_mean[..., 0], twice.law_mean[..., 1])
    # Of one field, to within the root of a matrix that has none of full rank.
    np.testing.assert_allclose(twice.draws[..., 0], twice.draws[..., 1], rtol=1e-5)


def test_the_rows_of_a_fit_can_be_predicted(ptq_fit: Fit, ptq_runs: bayesq.Runs) -> None:
    prediction = bayesq.predict(ptq_fit, ptq_runs.frame)
    c = ptq_runs.columns
    off = prediction.draws.median(("chain", "draw")) / (c["loss"] - c["loss_full"])
    assert float(abs(np.log(off)).median()) < 0.15
    assert (prediction.distance == 1).all(axis=None)
    assert not prediction.notes


def test_a_new_run_scatters_around_the_mean(ptq_fit: Fit, base_fit: Fit) -> None:
    for fit, at in ((ptq_fit, INSIDE), (base_fit, {"N": "7M", "D": "200M"})):
        mean = bayesq.predict(fit, at)
        run = bayesq.predict(fit, at, kind="run")
        assert (mean.kind, run.kind) == ("mean", "run")
        narrow, wide = (p.to_frame().iloc[0] for p in (mean, run))
        assert wide["upper"] - wide["lower"] > 1.5 * (narrow["upper"] - narrow["lower"])
        # The same centre, and the noise of the fit's own sigma around it.
        assert wide["median"] == pytest.approx(narrow["median"], rel=0.05)
        again = bayesq.predict(fit, at, kind="run")
        xr.testing.assert_identical(run.draws, again.draws)
        other = bayesq.predict(fit, at, kind="run", seed=1)
        assert not np.isin(other.draws, run.draws).any()


def test_a_prediction_prints_its_frame_and_notes(ptq_fit: Fit) -> None:
    said = repr(bayesq.predict(ptq_fit, SCENARIOS, kind="run"))
    assert said.startswith("Prediction of a new run: degradation, nats per token, 90 % intervals")
    assert "Scenario 2 lies outside the data" in said


# --- distance ----------------------------------------------------------------------------------


def test_the_distance_is_1_inside_and_a_factor_outside(ptq_fit: Fit) -> None:
    lowest, highest = ptq_fit.observed_range["N"]
    sizes = [lowest, 3e6, highest, 2 * highest, lowest / 3]
    frame = bayesq.predict(ptq_fit, {"N": sizes, "D": "4B", "w_bits": 4}).to_frame()
    np.testing.assert_allclose(frame["distance_N"], [1, 1, 1, 2, 3], rtol=1e-12)
    tokens = 4e9 / ptq_fit.observed_range["D"][1]
    np.testing.assert_allclose(frame["distance_D"], tokens, rtol=1e-12)
    np.testing.assert_array_equal(frame["distance_P"], 1)
    # One number for all of it: the largest size was not trained for as long as the smallest.
    assert (frame["distance"] >= frame["distance_N"] * tokens * (1 - 1e-9)).all()
    assert (frame["distance"] >= frame["distance_compute"]).all()
    np.testing.assert_allclose(frame["distance"][:2], tokens, rtol=1e-9)


@pytest.mark.parametrize(
    ("value", "limits", "distance"),
    [(0.5, (0, 1), 1), (2.0, (0, 1), 2), (-1.0, (-2, 2), 1), (-4.0, (-2, 2), 1.5), (3, (0, 0), 4)],
)
def test_a_range_that_is_not_positive_has_a_distance_too(
    value: float, limits: tuple[float, float], distance: float
) -> None:
    assert distances({"x": np.array([value])}, {"x": limits})["x"][0] == pytest.approx(distance)


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (53.0, "about 53 times"),
        (250.0, "about 250 times"),
        (3706, "about 3,700 times"),
        (9994, "about 10,000 times"),
        (11.3, "about 11 times"),
        (1e4, "about 10k times"),
        (12_345, "about 12k times"),
        (2.5e9, "about 2.5B times"),
        (10, "about 10 times"),
        (2.5, "2.5 times"),
        (1.0312, "1.03 times"),
    ],
)
def test_a_factor_has_no_more_digits_than_a_reader_needs(factor: float, words: str) -> None:
    assert in_words(factor) == words


# --- nothing is ignored without a word ---------------------------------------------------------

WRONG: dict[str, tuple[Any, str]] = {
    "none": ({}, "There is no scenario; pass at least one"),
    "empty lists": ({"N": [], "D": [], "w_bits": []}, "There is no scenario"),
    "empty frame": (pd.DataFrame(), "There is no scenario"),
    "text": ("N=1B", "A str is not a scenario; pass a mapping"),
    "list": ([INSIDE], "A list is not a scenario; pass a mapping"),
    "unknown column": (INSIDE | {"w_bit": 4}, "no column 'w_bit'; did you mean w_bits"),
    "perplexity": (INSIDE | {"perplexity": 9}, "no column 'perplexity'"),
    "numbered column": (pd.DataFrame([[1.0]], columns=[3]), "has no column 3; valid names"),
    "column twice": (
        pd.DataFrame([[1e9, 2e9, 1e9, 4]], columns=["N", "N", "D", "w_bits"]),
        "have column N twice; drop one",
    ),
    "no bits": ({"N": 1e9, "D": 1e9}, r"Scenario 1 gives no P .*\(w_bits is not given\)"),
    "no size": ({"D": 1e9, "w_bits": 4}, "Scenario 1 gives no N"),
    "one without bits": (INSIDE | {"w_bits": [4, None]}, "Scenario 2 gives no P"),
    "one with NaN bits": (INSIDE | {"w_bits": [4, np.nan]}, "Scenario 2 gives no P"),
    "one with NaN size": (INSIDE | {"N": [1e9, np.nan]}, "scenario 2, column N: nan is no value"),
    "activations too": (INSIDE | {"a_bits": 4}, "gives no P .*more than the weights is quantized"),
    "unequal lists": (INSIDE | {"N": [1e9, 2e9], "D": [1e9]}, r"differ in length \(N 2, D 1\)"),
    "zero": (INSIDE | {"N": 0}, "scenario 1, column N: 0 is not above 0"),
    "negative": (INSIDE | {"D": [1e9, -1]}, "scenario 2, column D: -1.0 is not above 0"),
    "infinite": (INSIDE | {"N": np.inf}, "column N: inf is not finite"),
    "words": (INSIDE | {"N": "huge"}, "column N: 'huge' is not a number"),
    "truth": (INSIDE | {"N": True}, "column N: True is not a number"),
    "too few bits": (INSIDE | {"w_bits": 0.5}, "column w_bits: 0.5 is below 1; write 1 to 32"),
    "too many bits": (INSIDE | {"w_bits": 33}, "column w_bits: 33 is above 32"),
    "unknown stage": (INSIDE | {"stage": "after"}, "column stage: 'after' is not one of"),
    "set": (INSIDE | {"N": {1e9}}, "column N: .* is not a number"),
    "generator": (INSIDE | {"N": (n for n in [1e9])}, "column N: .* is not a number"),
    "table in a cell": (INSIDE | {"N": np.ones((2, 2))}, "column N: .* is not a number"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_bad_scenario_is_refused_in_one_sentence(ptq_fit: Fit, what: str) -> None:
    scenarios, words = WRONG[what]
    with pytest.raises(BayesqError, match=words) as caught:
        bayesq.predict(ptq_fit, scenarios)
    assert re.fullmatch(r"[^\n]+[^.]\.", str(caught.value))


def test_an_unknown_kind_is_refused(ptq_fit: Fit) -> None:
    with pytest.raises(BayesqError, match="kind is 'runs'; it must be 'mean' or 'run'"):
        bayesq.predict(ptq_fit, INSIDE, kind="runs")  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [-1, 0.5, "1"])
def test_a_seed_is_a_whole_number(ptq_fit: Fit, seed: Any) -> None:
    with pytest.raises(BayesqError, match=rf"^seed is {seed!r}; it must be a whole number from 0 "):
        bayesq.predict(ptq_fit, INSIDE, "run", seed=seed)


# --- inputs by name ----------------------------------------------------------------------------

SIZE = {"N": "100M", "D": "10B"}


def paper_of(name: str) -> PublishedFit:
    """Take a law's published constants, and Chinchilla's where those of the base are not said."""
    published = bayesq.published(name)
    lacking = {p.symbol for p in published.law.parameters_of(published.response)}
    lacking -= set(published.posterior)
    base = bayesq.laws()["chinchilla"].published[0].values
    return bayesq.published(name, **{s: base[s] for s in lacking})


def both(**parts: float) -> dict[str, float]:
    """Give weights and activations one format."""
    return {f"{side}_{part}": value for side in "wa" for part, value in parts.items()}


# A law with its paper's constants, ways to write one and the same scenario, and another scenario.
MEANT: dict[str, tuple[str, list[dict[str, Any]], dict[str, Any]]] = {
    "bits": ("ouyang2024", [{"w_bits": 3}, {"P": 3}, {"bits": 3}, {"P": "3"}], {"P": 4}),
    "group": (
        "chen2025",
        [{"w_bits": 4, "w_group": 64}, {"a_bits": 4, "a_group": 64}, {"G": 64}, {"group": "64"}],
        {"G": 32},
    ),
    "format": (
        "sun2025",
        [
            {"E": 4, "M": 3, "B": 128},
            {"exponent": 4, "mantissa": 3, "group": 128},
            {"E": 4, "mantissa": 3, "group": "128"},
            both(bits=8, exponent=4, mantissa=3, group=128),
        ],
        {"E": 3, "M": 4, "B": 128},
    ),
    "one scale a channel": (
        "sun2025",
        [
            {"E": 2, "M": 1, "B": 2**13.1567},
            {"E": 2, "M": 1, "B": -1},
            {"exponent": 2, "mantissa": 1, "group": -1},
            both(bits=4, exponent=2, mantissa=1, group=-1),
        ],
        {"E": 2, "M": 1, "B": 128},
    ),
    "what is not given is in full precision": (
        "kumar2024-qat",
        [{"w_bits": 4}, {"P_w": 4}, {"P_w": 4, "P_a": 16, "P_kv": 16}, {"P_w": 4, "a_bits": 16}],
        {"P_w": 4, "P_a": 8},
    ),
    "an alias of several": (
        "kumar2024-qat",
        [{"bits": 4}, {"P_w": 4, "P_a": 4, "P_kv": 4}, {"w_bits": 4, "a_bits": 4, "kv_bits": 4}],
        {"P_w": 4},
    ),
    "a symbol before an alias of several": (
        "kumar2024-qat",
        [{"P_w": 3, "bits": 8}, {"bits": 8, "P_w": 3}, {"P_w": 3, "P_a": 8, "P_kv": 8}],
        {"bits": 8},
    ),
    "a symbol or its own alias": ("ouyang2024", [{"P": 3}, {"bits": 3}], {"bits": 4}),
    "kinds": (
        "frantar2025",
        [{"compression": "W4A4"}, {"w_bits": 4, "a_bits": 4}],
        {"compression": "W4"},
    ),
}


@pytest.mark.parametrize("what", MEANT)
def test_an_input_may_be_given_by_symbol_or_alias(what: str) -> None:
    name, ways, another = MEANT[what]
    paper = paper_of(name)
    first = bayesq.predict(paper, SIZE | ways[0]).draws
    assert np.isfinite(first).all()
    for way in ways[1:]:
        draws = bayesq.predict(paper, SIZE | way).draws
        np.testing.assert_allclose(draws, first, rtol=1e-12, err_msg=str(way))
    assert (bayesq.predict(paper, SIZE | another).draws != first).all()


def test_a_named_format_is_that_of_a_quantized_run() -> None:
    # By hand: equation 3 of Kumar et al. with weights of 4 bits, and the base law.
    paper = bayesq.published("kumar2024-qat")
    c = {str(s): v.item() for s, v in paper.posterior.items()}
    kept = [1 - np.exp(-P / c[f"gamma_{x}"]) for x, P in (("w", 4), ("a", 16), ("kv", 16))]
    data = c["E"] + c["B"] / 1e10 ** c["beta"]
    for scenario, size in (({"P_w": 4}, 1e8 * np.prod(kept)), ({}, 1e8)):
        loss = bayesq.predict(paper, SIZE | scenario).draws.item()
        assert loss == pytest.approx(data + c["A"] / size ** c["alpha"], rel=1e-12)


def test_the_frame_shows_inputs_under_their_symbols(ptq_fit: Fit) -> None:
    prediction = bayesq.predict(ptq_fit, {"N": "7M", "D": "200M", "bits": [4, "3"]})
    frame = prediction.to_frame()
    assert list(frame.columns[:3]) == ["N", "D", "P"]
    assert list(frame["P"]) == [4, 3]
    assert list(frame["distance_P"]) == [1, 1]
    by_hand = kumar(ptq_fit, 7e6, 2e8, 3)
    np.testing.assert_allclose(prediction.law_mean[..., 1], by_hand, rtol=1e-12)


BAD_NAMES: dict[str, tuple[str, dict[str, Any], str]] = {
    "words": ("ouyang2024", {"P": "four"}, r"Input P is 'four'; write a number \(bits\)"),
    "nothing": ("ouyang2024", {"bits": None}, r"Input P is None; write a number \(bits\)"),
    "negative bits": ("ouyang2024", {"P": -1}, r"Input P is -1; write a number from 0 on"),
    "infinite": ("ouyang2024", {"P": np.inf}, "Input P is inf; write a number from 0 on"),
    "one of several": ("ouyang2024", {"P": [3, "x"]}, "Input P is 'x'; write a number"),
    "no group": ("chen2025", {"group": 0}, r"Input G is 0; write a number above 0 \(elements\)"),
    "one scale a channel": (
        "chen2025",
        {"G": -1},
        "Input G is -1, one scale a channel; give the number of elements",
    ),
    "NaN": ("sun2025", {"E": 4, "M": 3, "B": np.nan}, "Input B is nan; write a number above 0"),
    "an input twice": ("ouyang2024", {"P": 3, "bits": 4}, "bits and P are one input; leave one"),
    "a name and its column": ("ouyang2024", {"P": 3, "w_bits": 3}, "given by name and by w_bits"),
    "another stage": ("kumar2024-qat", {"w_bits": 4, "stage": "post"}, "is about stage train, not"),
    "nothing quantized": ("chen2025-schemes", {"group": 128}, "1 quantizes nothing; say w_bits or"),
    "an input left out": ("sun2025", {"E": 4, "M": 3}, "Scenario 1 gives no B for law sun2025"),
    "an operand more": (
        "kumar2024-qat",
        {"P_w": 4, "grad_bits": 8},
        r"gives no P_a for law kumar2024-qat \(none of .*, or more than these\)",
    ),
    "name of another law": ("chen2025", {"G": 64, "P": 4}, "no column 'P'; valid names: study"),
    "kind": ("frantar2025", {"compression": "W5"}, "'W5' is none of the kinds of compression"),
}


@pytest.mark.parametrize("what", BAD_NAMES)
def test_a_bad_value_of_a_named_input_is_refused_in_one_sentence(what: str) -> None:
    name, scenario, words = BAD_NAMES[what]
    with pytest.raises(BayesqError, match=words) as caught:
        bayesq.predict(paper_of(name), SIZE | scenario)
    assert re.fullmatch(r"[^\n]+[^.]\.", str(caught.value))


def test_a_format_that_the_law_does_not_look_at_is_noted(ptq_fit: Fit, base_fit: Fit) -> None:
    given = {"w_group": 64, "w_kind": "int", "a_bits": 16, "method": "", "stage": "post"}
    (note,) = bayesq.predict(ptq_fit, INSIDE | given).notes
    assert (note.code, note.severity) == ("other-format", "severe")
    assert "w_group 64 (the data have 128)" in note.message
    assert "w_kind" not in note.message
    # The loss of four bits asked of a law of full precision: the answer is to another question.
    (note,) = bayesq.predict(base_fit, {"N": "7M", "D": "200M", "w_bits": 4}).notes
    assert (note.code, note.severity) == ("other-format", "severe")
    assert "w_bits 4 (the data have 16)" in note.message
    assert "chinchilla does not look at w_bits, " in note.message
    assert bayesq.predict(base_fit, {"N": "7M", "D": "200M", "w_bits": 16}).notes == ()
