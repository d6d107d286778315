"""Decisions are worked out on the mean of runs that predictions show, and on what was measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesq
from bayesq import Fit, Runs, decide
from bayesq.decide.decision import Decision
from bayesq.decide.evidence import contradiction, passes, turns
from bayesq.errors import BayesqError
from bayesq.posterior.joined import joined
from bayesq.prediction.curve import curve, listed

# The grid's sizes as measured: N 7.08M on 400M tokens and N 786k on 25M.
LARGE = {"N": 7077888, "D": 399966208}
SMALL = {"N": 786432, "D": 24969216}
FAR = {"N": "1B", "D": "20B"}
OVER = ("chain", "draw")


def codes(decision: Decision) -> list[str]:
    return [note.code for note in decision.notes]


def chance(share: float, draws: int = 1000) -> float:
    """How far two independent shares of so many draws may lie apart."""
    return float(4.5 * np.sqrt(max(share * (1 - share), 0.25 / draws) * 2 / draws))


# --- what meets must agree ---------------------------------------------------------------------


@pytest.mark.parametrize("which", ["ptq_fit", "ptq_law_fit"])
@pytest.mark.parametrize("at", [LARGE, SMALL, FAR, {"N": "3M", "D": "150M"}], ids=str)
@pytest.mark.parametrize("level", [0.002, 0.01, 0.04, "10%"])
def test_bits_that_keep_a_level_are_those_predicted_below_it(
    which: str, at: dict[str, Any], level: float | str, request: pytest.FixtureRequest
) -> None:
    fit: Fit = request.getfixturevalue(which)
    nats = np.log1p(0.1) if level == "10%" else level
    found = decide.fewest_bits(fit, level=level, **at)
    widths = [3, 4, 5, 6, 8]
    told = bayesq.predict(fit, at | {"w_bits": widths}).draws
    assert found.choices is not None
    for i, bits in enumerate(widths):
        share = float((told[..., i] <= nats).mean())
        keeps = float(found.choices.loc[str(bits), "probability_keeps"])
        assert keeps == pytest.approx(share, abs=chance(share)), bits
        # The answer in whole bits says the same: so many are enough where fewer bits are.
        enough = float((found.draws <= bits).mean())
        assert enough == pytest.approx(keeps, abs=chance(share)), bits


def test_a_curve_is_what_a_prediction_says(ptq_fit: Fit, base_fit: Fit) -> None:
    tokens = np.array([2.5e7, 2e8, 4e8, 4e9, 4e10])
    for fit, more in ((ptq_fit, {"w_bits": 3}), (base_fit, {})):
        told = bayesq.predict(fit, {"N": "3M", "D": tokens.tolist(), **more}).draws
        inputs = {"N": 3e6} | ({"P": 3.0} if more else {})
        drawn = curve(
            fit,
            fit.response,
            {"log_d": np.log10(tokens)},
            lambda log_d, held=inputs: {**held, "D": 10.0**log_d},
        )
        found = drawn(log_d=xr.DataArray(np.log10(tokens), dims="scenario"))
        for prob in (0.05, 0.5, 0.95):
            ours, theirs = (x.quantile(prob, OVER).values for x in (found, told))
            np.testing.assert_allclose(ours, theirs, rtol=0.03 if prob == 0.5 else 0.12)
        # And jointly: how steps along the curve scatter, which decides where it turns.
        step, other = (
            np.log(x.values).reshape(-1, 5) @ np.diff(np.eye(5), axis=0).T for x in (found, told)
        )
        np.testing.assert_allclose(step.std(axis=0), other.std(axis=0), rtol=0.1)


def test_the_curve_of_a_degradation_with_its_base_is_their_sum(ptq_fit: Fit, base_fit: Fit) -> None:
    both = joined(ptq_fit, base_fit)
    at = listed({"N": np.array([7e6, 3e7]), "D": np.array([2e8, 1e9]), "P": np.array([3.0, 4.0])})
    drawn = curve(
        both, "loss", {"row": np.array([0.0, 1.0])}, lambda row: at(row) | {"quantized": 1.0}
    )
    found = drawn(row=xr.DataArray([0.0, 1.0], dims="row"))
    asked = {"N": ["7M", "30M"], "D": ["200M", "1B"]}
    base = bayesq.predict(base_fit, asked).draws
    added = bayesq.predict(ptq_fit, asked | {"w_bits": [3, 4]}).draws
    middle = base.median(OVER).values + added.median(OVER).values
    np.testing.assert_allclose(found.median(OVER).values, middle, atol=2e-3)
    spread = np.hypot(base.std(OVER).values, added.std(OVER).values)
    np.testing.assert_allclose(found.std(OVER).values, spread, rtol=0.1)


def test_without_discrepancy_the_formula_answers(ptq_fit: Fit) -> None:
    found = decide.fewest_bits(ptq_fit, level=0.01, **LARGE, discrepancy=False)
    p = ptq_fit.posterior
    scale = p["C_T"] * LARGE["D"] ** p["gamma_D"] / LARGE["N"] ** p["gamma_N"]
    np.testing.assert_allclose(found.draws, p["gamma_post"] * np.log(scale / 0.01), rtol=1e-9)
    assert "law-taken-as-true" in codes(found)
    assert "law-taken-as-true" not in codes(decide.fewest_bits(ptq_fit, level=0.01, **LARGE))


def test_a_fit_without_discrepancy_answers_by_its_formula(ptq_law_fit: Fit) -> None:
    asked = {"level": 0.01, **LARGE}
    ours = decide.fewest_bits(ptq_law_fit, **asked)
    formula = decide.fewest_bits(ptq_law_fit, **asked, discrepancy=False)
    np.testing.assert_array_equal(ours.draws, formula.draws)
    assert "law-taken-as-true" in codes(ours)


def test_a_switch_that_is_none_is_refused(ptq_fit: Fit) -> None:
    with pytest.raises(BayesqError, match="discrepancy is 'no'; a decision takes True or False"):
        decide.fewest_bits(ptq_fit, level=0.01, **LARGE, discrepancy="no")  # type: ignore[arg-type]


def test_the_same_question_has_the_same_answer(ptq_fit: Fit, base_fit: Fit) -> None:
    one, two = (
        decide.critical_tokens(ptq_fit, base=base_fit, N="7M", w_bits=3).draws for _ in range(2)
    )
    np.testing.assert_array_equal(one, two)


# --- what was measured -------------------------------------------------------------------------


def turning_point(runs: Runs, n: float) -> float:
    """Where the measured 3-bit loss is least: a parabola through the least and its neighbours."""
    frame = runs.frame
    rows = frame[(frame["N"] == n) & (frame["w_bits"] == 3) & (frame["seed"] == 0)]
    loss = rows.groupby("D")["loss"].mean()
    i = int(loss.to_numpy().argmin())
    assert 0 < i < len(loss) - 1
    x, y = np.log(loss.index.to_numpy())[i - 1 : i + 2], loss.to_numpy()[i - 1 : i + 2]
    bend, slope, _ = np.polyfit(x, y, 2)
    return float(np.exp(-slope / bend / 2))


def test_turning_points_are_where_they_were_measured(
    ptq_runs: Runs, ptq_fit: Fit, base_fit: Fit
) -> None:
    for n, widest in ((786432, 2.0), (2359296, 2.0), (7077888, 4.0)):
        found = decide.critical_tokens(ptq_fit, base=base_fit, N=n, w_bits=3)
        row = found.to_frame().loc["D"]
        measured = turning_point(ptq_runs, n)
        assert row["lower"] < measured < row["upper"]
        assert row["median"] == pytest.approx(measured, rel=0.2)
        # The loss of the last has 0.008 nats between its least and the next length: hardly a turn.
        assert row["upper"] / row["lower"] < widest
        assert "measured-otherwise" not in codes(found)
        # The formula alone, from the same fit, is no answer to rely on.
        alone = decide.critical_tokens(ptq_fit, base=base_fit, N=n, w_bits=3, discrepancy=False)
        bounds = alone.to_frame().loc["D"]
        assert bounds["upper"] / bounds["lower"] > 3 * row["upper"] / row["lower"]


@pytest.mark.slow
@pytest.mark.parametrize("group", [128, -1])
def test_turning_points_are_foretold_at_three_times_the_size(grid: Runs, group: int) -> None:
    kept = grid.select("N <= 3e6")
    base = bayesq.fit(kept, "chinchilla", seed=1, progress=False)
    chosen = f"stage == 'post' and w_kind == 'int' and 3 <= w_bits <= 6 and w_group == {group}"
    added = bayesq.fit(kept.select(chosen), "kumar2024-ptq", seed=1, progress=False)
    found = decide.critical_tokens(added, base=base, N=7077888, w_bits=3)
    row = found.to_frame().loc["D"]
    measured = turning_point(grid.select(chosen), 7077888)
    assert row["lower"] < measured < row["upper"]
    assert row["median"] == pytest.approx(measured, rel=0.15)
    assert row["upper"] / row["lower"] < 4.5


def test_evidence_is_what_was_measured_nearest(ptq_runs: Runs, ptq_fit: Fit) -> None:
    found = decide.fewest_bits(ptq_fit, level=0.04, **LARGE)
    assert found.evidence is not None
    here = found.evidence[found.evidence["distance"] < 1e-6]
    frame = ptq_runs.frame
    rows = frame[(frame["N"] == LARGE["N"]) & (frame["D"] == LARGE["D"])].sort_values("w_bits")
    np.testing.assert_allclose(here["P"], rows["w_bits"])
    np.testing.assert_allclose(here["measured"], rows["loss"] - rows["loss_full"])
    told = bayesq.predict(ptq_fit, LARGE | {"w_bits": here["P"].tolist()}).to_frame()
    for column in ("median", "lower", "upper"):
        np.testing.assert_allclose(here[column], told[column], rtol=0.02)
    assert list(found.evidence["distance"]) == sorted(found.evidence["distance"])
    # 4 bits were measured at 0.0364: they keep the level, and are said to.
    assert "4 whole bits are enough in" in found.text
    assert "between 3 and 4 bits, which were measured, it interpolates" in found.text


def test_the_losses_beside_a_turning_point_are_those_of_the_table(
    ptq_runs: Runs, ptq_fit: Fit, base_fit: Fit
) -> None:
    found = decide.critical_tokens(ptq_fit, base=base_fit, N=LARGE["N"], w_bits=4)
    assert found.evidence is not None
    here = found.evidence[found.evidence["distance"] == 0]
    frame = ptq_runs.frame
    rows = frame[(frame["N"] == LARGE["N"]) & (frame["w_bits"] == 4)].sort_values("D")
    np.testing.assert_allclose(here["measured"], rows["loss"])
    assert (
        (here["lower"] < here["measured"] + 0.02) & (here["measured"] < here["upper"] + 0.02)
    ).all()


def measured_instead(fit: Fit, changed: Callable[[xr.Dataset], xr.DataArray]) -> Fit:
    """Put other measured degradations into a fit, as if its rows had been broken."""
    tree = fit.data.copy()
    values = changed(fit.rows)
    tree["observed_data"] = xr.DataTree(xr.Dataset({"degradation": values}))
    return replace(fit, data=tree)


def test_a_decision_that_the_rows_contradict_says_so(ptq_fit: Fit) -> None:
    def broken(rows: xr.Dataset) -> xr.DataArray:
        here = (rows["N"] == LARGE["N"]) & (rows["D"] == LARGE["D"])
        return rows["degradation"].where(~here, 0.001)

    found = decide.fewest_bits(measured_instead(ptq_fit, broken), level=0.01, **LARGE)
    (note,) = [n for n in found.notes if n.code == "measured-otherwise"]
    assert note.severity == "severe"
    assert "below 3.00 bits, outside the 90 % interval" in note.message
    assert note.message in found.text
    # At another setting these rows say nothing.
    elsewhere = decide.fewest_bits(measured_instead(ptq_fit, broken), level=0.01, **SMALL)
    assert "measured-otherwise" not in codes(elsewhere)


@pytest.mark.parametrize(
    ("measured", "bracket"),
    [
        ({3: 0.3, 4: 0.05, 5: 0.008, 6: 0.002}, (4, 5)),
        ({3: 0.3, 4: 0.05}, (4, np.inf)),
        ({5: 0.008, 6: 0.002}, (-np.inf, 5)),
        # Rows that waver put it anywhere between them.
        ({3: 0.3, 4: 0.008, 5: 0.02, 6: 0.002}, (4, 5)),
    ],
)
def test_where_measured_rows_pass_a_level(
    measured: dict[float, float], bracket: tuple[float, float]
) -> None:
    table = pd.DataFrame({"P": list(measured), "measured": list(measured.values())})
    found = passes(table, "P", 0.01, rising=False)
    assert found is not None
    assert (found.low, found.high) == bracket


def test_where_the_most_bits_lose_too_much_none_measured_are_enough() -> None:
    # The rows of a table in which 4.84 bits score better than 8.5.
    bits, lost = [4.84, 5.69, 5.9, 8.5], [-0.0011, 0.0359, 0.0148, 0.0187]
    found = passes(pd.DataFrame({"P": bits, "measured": lost}), "P", 0.01, rising=False)
    assert found is not None
    assert (found.low, found.high) == (8.5, np.inf)
    # By no more than two runs differ, nothing is said.
    near = pd.DataFrame({"P": bits, "measured": [0.03, 0.012, 0.009, 0.012]})
    found = passes(near, "P", 0.01, rising=False)
    assert found is not None
    assert (found.low, found.high) == (5.9, 8.5)
    tokens = pd.DataFrame({"D": [1e9, 1e10, 1e11], "measured": [0.05, 0.02, 0.002]})
    found = passes(tokens, "D", 0.01, rising=True)
    assert found is not None
    assert (found.low, found.high) == (-np.inf, 1e9)


def test_where_measured_rows_turn() -> None:
    table = pd.DataFrame({"D": [1, 2, 2, 4, 8.0], "measured": [2.0, 1.0, 1.2, 1.05, 1.5]})
    found = turns(table, "D")
    assert found is not None
    # At 2 a seed was least, at 4 the mean: either may be.
    assert (found.low, found.high) == (1, 8)
    assert turns(table[table["D"] < 3], "D") is None
    answer = xr.DataArray(np.linspace(9, 20, 100).reshape(4, 25), dims=OVER)
    note = contradiction(answer, found, "the loss is least", "{:g}".format, "tokens")
    assert note is not None
    assert "the loss is least between 1 and 8 tokens" in note.message
    assert contradiction(answer - 4, found, "", "{:g}".format, "tokens") is None
    # An answer beyond what was searched is one above all that was measured.
    never = xr.full_like(answer, np.inf)
    assert contradiction(never, found, "", "{:g}".format, "tokens") is not None


# --- what a user asks besides ------------------------------------------------------------------


def test_risk_and_choice_of_bits(ptq_fit: Fit) -> None:
    found = decide.fewest_bits(ptq_fit, level="1%", **FAR, risk=0.1, choice=4)
    assert found.choices is not None
    safe = found.choices.loc["safe"]
    assert safe["w_bits"] == pytest.approx(np.quantile(found.draws, 0.9, method="higher"))
    assert 0.88 < safe["probability_keeps"] < 0.93
    planned = found.choices.loc["planned"]
    assert planned["w_bits"] == 4
    assert planned["probability_keeps"] == found.choices.loc["4", "probability_keeps"]
    assert "1% of perplexity (0.00995 nats per token)" in found.answer
    assert f"{safe['w_bits']:.2f} bits are enough with a probability of 90%." in found.answer


def test_risk_and_choice_of_tokens(ptq_fit: Fit, base_fit: Fit) -> None:
    found = decide.critical_tokens(
        ptq_fit, base=base_fit, N=LARGE["N"], w_bits=3, risk=0.05, choice="1B"
    )
    assert found.choices is not None
    draws, table = found.draws, found.choices
    assert table.loc["safe", "D"] == pytest.approx(np.quantile(draws, 0.05), rel=0.05)
    helps = table.loc["planned", "probability_more_helps"]
    assert helps == pytest.approx(float((draws > 1e9).mean()))
    assert (table["expected_regret"] >= 0).all()
    # The middle answer costs less than one far beyond it.
    assert table.loc["median", "expected_regret"] < table.loc["planned", "expected_regret"]
    percent = table["expected_regret_percent"]
    assert (percent >= 100 * table["expected_regret"]).all()


@pytest.mark.parametrize("risk", [0, 1, -0.1, "much", True, np.nan])
def test_a_risk_that_is_no_probability_is_refused(ptq_fit: Fit, risk: Any) -> None:
    with pytest.raises(BayesqError, match=r"write a probability between 0 and 1, such as 0\.05"):
        decide.fewest_bits(ptq_fit, level=0.01, **LARGE, risk=risk)


def test_memory_is_counted_as_it_is_stored(ptq_fit: Fit, base_fit: Fit) -> None:
    def size(**more: Any) -> float:
        found = decide.optimal_precision(
            ptq_fit, base=base_fit, memory="4MB", D="400M", discrepancy=False, **more
        )
        assert found.evidence is not None
        return float(found.draws.median())

    bare, stored = size(), size(w_group=32)
    # Scales of half a bit a weight make more bits worth their room.
    assert stored != pytest.approx(bare, abs=1e-3)
    answer = decide.optimal_precision(
        ptq_fit, base=base_fit, memory="4MB", D="400M", w_group=128, embeddings="500k", risk=0.05
    )
    assert "with 4 MB of weights" in answer.answer
    assert "with 16-bit scales for each 128 weights" in answer.answer
    assert "with a probability of 95%" in answer.answer


# --- several laws, studies, kinds --------------------------------------------------------------


@pytest.mark.slow
def test_an_average_answers_with_the_discrepancy_of_each_law(ptq_runs: Runs, ptq_fit: Fit) -> None:
    other = bayesq.fit(ptq_runs, "ouyang2024", draws=300, tune=300, seed=1, progress=False)
    mixed = bayesq.average([ptq_fit, other], weights="equal")
    found = decide.fewest_bits(mixed, level=0.04, **LARGE, risk=0.05)
    assert found.choices is not None
    told = bayesq.predict(mixed, LARGE | {"w_bits": [3, 4, 5]}).draws
    for i, bits in enumerate((3, 4, 5)):
        share = float((told[..., i] <= 0.04).mean())
        keeps = float(found.choices.loc[("average", str(bits)), "probability_keeps"])
        assert keeps == pytest.approx(share, abs=0.05)
    assert "Safe with a probability of 95%: at least" in found.answer


def test_papers_say_that_they_know_no_discrepancy() -> None:
    found = decide.critical_tokens(
        bayesq.published("sun2025"), N="1B", exponent=2, mantissa=1, group=128
    )
    (note,) = [n for n in found.notes if n.code == "published-constants"]
    assert "they know nothing of how wrong the law is" in note.message
    assert found.evidence is None


# --- ends of what was searched -----------------------------------------------------------------


def test_of_a_choice_beyond_what_was_searched_nothing_is_known(ptq_fit: Fit, base_fit: Fit) -> None:
    bits = decide.fewest_bits(ptq_fit, level=0.01, **LARGE, choice=20)
    assert "Of 20 bits nothing is known: 1.00 to 16.00 were searched." in bits.answer
    size = decide.compute_optimal(base_fit, compute=1e17, choice="1T")
    assert "1T parameters lie beyond what was searched" in size.answer
    tokens = decide.critical_tokens(ptq_fit, base=base_fit, N="7M", w_bits=3, choice=1e18)
    for found, column in (
        (bits, "probability_keeps"),
        (size, "expected_regret"),
        (tokens, "expected_regret"),
    ):
        assert found.choices is not None
        assert np.isnan(found.choices.loc["planned", column])


def test_a_level_that_is_passed_before_the_first_tokens_is_no_safe_one(ptq_fit: Fit) -> None:
    found = decide.tokens_to_degradation(
        ptq_fit, level=0.001, N="7.08M", w_bits=3, risk=0.05, choice="100M"
    )
    assert (found.draws == 0).all()
    assert "less than" in found.answer
    assert "stays below 0.001" not in found.answer
    assert "No tokens that were searched keep it with a probability of 95%." in found.answer
    never = decide.tokens_to_degradation(ptq_fit, level=50, N="7.08M", w_bits=6, risk=0.5)
    assert "stays below 50 nats per token up to" in never.answer
    assert "All tokens that were searched keep it with a probability of 50%." in never.answer


def test_a_size_that_keeps_less_than_was_searched_is_told_as_such(
    ptq_fit: Fit, base_fit: Fit
) -> None:
    found = decide.effective_parameters(ptq_fit, base=base_fit, N="786k", D="400M", w_bits=1)
    eff = found.draws["eff"]
    assert eff.notnull().all()
    assert float((eff == 0).mean()) > 0.9
    assert "less than 0.001" in found.answer
    row = found.to_frame().loc["eff"]
    assert (row["median"], row["lower"]) == (0, 0)


def test_the_medians_of_one_answer_are_one(ptq_fit: Fit, base_fit: Fit) -> None:
    for bits in (3, 4, 6):
        found = decide.critical_tokens(ptq_fit, base=base_fit, N=LARGE["N"], w_bits=bits)
        median = found.to_frame().loc["D", "median"]
        if np.isfinite(median):
            assert found.choices is not None
            assert found.choices.loc["median", "D"] == median


def test_a_choice_that_fails_in_some_draws_has_no_expected_regret() -> None:
    loss = xr.DataArray([[[1.0, np.inf], [1.2, 1.1]]], dims=("chain", "draw", "format"))
    table = decide.options.over_options(
        loss.assign_coords(format=["a", "b"]), "format", decide.read_nats("tolerance", 0.01)
    ).table
    assert table.loc["a", "expected_regret"] == pytest.approx(0.05)
    assert table.loc["b", "expected_regret"] == np.inf


# --- what stands beside an answer --------------------------------------------------------------


def test_rows_far_from_the_curve_are_pointed_at(grid: Runs, ptq_fit: Fit) -> None:
    # The constants of another pool, whose losses are far from these rows'.
    paper = bayesq.published("chinchilla")
    found = decide.compute_optimal(ptq_fit, base=paper, compute=1e16, w_bits=4)
    (note,) = [n for n in found.notes if n.code == "measured-apart"]
    assert note.severity == "severe"
    assert "lie far from the curve that answers" in found.text


def test_what_one_law_alone_knows_is_not_called_covered(base_fit: Fit) -> None:
    constants = bayesq.published("kumar2024-ptq", gamma_post=0.6)
    found = decide.critical_tokens(constants, base=base_fit, N="1B", w_bits=3)
    (note,) = [n for n in found.notes if n.code == "extrapolation"]
    assert "does not include the law being wrong" in note.remedy


@pytest.mark.slow
def test_rows_are_matched_by_what_the_loss_depends_on(ptq_runs: Runs, base_fit: Fit) -> None:
    fit = bayesq.fit(ptq_runs, "ptq-without-d", draws=200, tune=300, seed=1, progress=False)
    found = decide.optimal_precision(fit, base=base_fit, memory="4MB", D="400M")
    assert found.evidence is not None
    nearest = found.evidence.iloc[0]
    assert nearest["D"] == pytest.approx(4e8, rel=0.01)
    assert decide.compute_optimal(fit, base=base_fit, compute=1e16, w_bits=4).evidence is not None


def test_papers_state_no_probability() -> None:
    paper = bayesq.published("kumar2024-qat")
    found = decide.fewest_bits(paper, level="1%", N="1B", D="20B", risk=0.05, choice=4)
    assert "probability" not in found.answer
    assert "% of the draws" not in found.answer
    assert "With 4 bits it does not stay below." in found.answer


def test_options_of_other_decisions_are_refused_as_such(base_fit: Fit) -> None:
    with pytest.raises(BayesqError, match="compute_optimal takes no risk; it takes compute, base"):
        decide.compute_optimal(base_fit, compute=1e16, risk=0.05)


def test_kinds_take_memory_as_their_names_tell() -> None:
    told = bayesq.published("frantar2025", "quest")
    found = decide.optimal_format(
        told, formats=["W4", "W4A4"], N="1B", D="20B", memory="1GB", risk=0.05
    )
    assert "as stored, scales not counted, as no name tells a group" in found.answer
    assert " costs no more than 0 nats above the best." in found.answer


@pytest.mark.parametrize(("option", "value"), [("scale_bits", -1), ("zero_bits", "many")])
def test_bits_of_a_scale_are_refused_in_a_sentence(
    ptq_fit: Fit, base_fit: Fit, option: str, value: Any
) -> None:
    asked: dict[str, Any] = {"memory": "4MB", "D": "400M", option: value}
    with pytest.raises(BayesqError, match=f"{option} is {value!r}; write a number of bits, 0 for"):
        decide.optimal_precision(ptq_fit, base=base_fit, **asked)
