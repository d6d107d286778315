"""How far scenarios lie from the rows as points: empty corners, compute, and one number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from made_up_fits import around, made_up_fit

import bayesq
from bayesq import Fit
from bayesq.checks.schedules import schedule_note
from bayesq.model.design import design
from bayesq.model.specification import specify
from bayesq.prediction.cloud import apart

# Three sizes at each of two budgets: corners of N and D are empty.
ISOFLOP = {
    "N": np.array([2.9e7, 7.1e7, 1.8e8, 2.9e7, 7.1e7, 1.8e8, 3.185e8]),
    "D": np.array([5.77e9, 2.33e9, 9.2e8, 1.73e10, 7e9, 2.77e9, 1.57e9]),
}


TRUE = {"E": 1.7, "A": 400.0, "B": 1100.0, "alpha": 0.34, "beta": 0.37}


def isoflop_fit(**columns: Any) -> Fit:
    """Make up draws around Chinchilla's own constants for these rows."""
    law = bayesq.laws()["chinchilla"]
    true = TRUE
    frame = pd.DataFrame(ISOFLOP).assign(**columns)
    frame["loss"] = law.evaluate("loss", {**true, **ISOFLOP})
    described = specify(bayesq.read_runs(frame), law, discrepancy=False)
    draws = {**true, "sigma": 0.003, "dof": 6.0}
    posterior = xr.Dataset(
        {s: (("chain", "draw"), np.full((2, 4), v)) for s, v in draws.items()},
        {"chain": [0, 1], "draw": range(4)},
    )
    for p in described.design.parameters:
        if p.term is not None:
            shape = p.term(**{a: {**described.design.pivots, **true}[a] for a in _takes(p.term)})
            posterior[p.sampled_as] = posterior[p.symbol] * shape
    fit = made_up_fit(described, posterior)
    told = schedule_note(described.design)
    return fit if told is None else Fit(described, fit.data, (told,))


def _takes(term: object) -> list[str]:
    from bayesq.law.formulas import arguments_of

    return list(arguments_of(term))  # type: ignore[arg-type]


def test_a_corner_that_no_row_fills_is_outside() -> None:
    fit = isoflop_fit()
    at = {"N": ["318M", "29M", "71M", "318M"], "D": ["17.3B", "1.57B", "7B", "1.57B"]}
    found = bayesq.predict(fit, at)
    frame = found.to_frame()
    # Each lies in the range of N and of D, and two of them in no budget.
    assert (frame[["distance_N", "distance_D"]] == 1).all(axis=None)
    spent = ISOFLOP["N"] * ISOFLOP["D"]
    beyond = [318e6 * 17.3e9 / spent.max(), spent.min() / (29e6 * 1.57e9), 1, 1]
    assert frame["distance_compute"].tolist() == pytest.approx(beyond, rel=1e-9)
    assert frame["distance"].tolist() == pytest.approx(beyond, rel=1e-9)
    said = [n.message for n in found.notes if n.code == "extrapolation"]
    assert len(said) == 2
    assert "Scenario 1 lies outside the data: about 11 times in compute 6ND" in said[0]
    assert "Scenario 2" in said[1]


def test_predictions_and_decisions_tell_the_same_distance() -> None:
    fit = isoflop_fit()
    for compute in (3e19, 1.5e18):
        found = bayesq.decide.compute_optimal(fit, compute=compute)
        middle = {s: float(found.draws[s].median()) for s in ("N", "D")}
        asked = bayesq.predict(fit, middle)
        sentences = [
            [n.message.partition("lies outside")[2] for n in notes if n.code == "extrapolation"]
            for notes in (found.notes, asked.notes)
        ]
        assert sentences[0] == sentences[1]
        assert bool(sentences[0]) == (compute > 1e19)


@pytest.mark.parametrize(
    ("annealed", "code", "severity"),
    [("no", "one-schedule", "severe"), ("", "schedule-unknown", "warning"), ("yes", "", "")],
)
def test_predictions_and_decisions_tell_tokens_beyond_a_schedule(
    annealed: str, code: str, severity: str
) -> None:
    fit = isoflop_fit(run=["s", "m", "l", "s", "m", "l", "xl"], annealed=annealed)
    for compute, beyond in ((1e21, True), (1.5e18, False)):
        found = bayesq.decide.compute_optimal(fit, compute=compute)
        asked = bayesq.predict(fit, {s: [float(found.draws[s].median())] * 2 for s in ("N", "D")})
        told = [[n for n in notes if "schedule" in n.code] for notes in (found.notes, asked.notes)]
        assert told[0] == told[1]
        wanted = [(code, severity)] if beyond and code else []
        assert [(n.code, n.severity) for n in told[0]] == wanted


def test_elsewhere_than_at_a_single_level_is_severe() -> None:
    frame = pd.DataFrame({"N": 1e9, "D": np.geomspace(1e9, 1e11, 9), "loss": 3.0})
    fit = around(bayesq.read_runs(frame), "chinchilla", "loss", TRUE)
    (there,) = bayesq.predict(fit, {"N": "1B", "D": "200B"}).notes
    assert there.severity == "warning"
    # Compute lies outside as D does, and is not told beside it.
    assert "2 times in D" in there.message
    assert "compute" not in there.message
    (elsewhere,) = bayesq.predict(fit, {"N": "2B", "D": "10B"}).notes
    assert elsewhere.severity == "severe"
    assert "2 times in N (the data have 1B alone)" in elsewhere.message


@pytest.mark.parametrize(("sizes", "told"), [([1e8, 1e8, 1e8], True), ([1e8, 3e8, 1e9], False)])
def test_a_decision_that_varies_a_single_level_is_severe(sizes: list[float], told: bool) -> None:
    frame = pd.DataFrame({"N": sizes, "D": [1e9, 3e9, 1e10]}).merge(
        pd.DataFrame({"w_bits": [3, 4, 5, 6, 8, 16]}), "cross"
    )
    frame = frame.assign(stage=np.where(frame["w_bits"] < 16, "train", "none"), loss=3.0)
    law = bayesq.laws()["kumar2024-qat"]
    about = TRUE | {p.symbol: 2.5 for p in law.parameters_of("loss") if p.symbol not in TRUE}
    fit = around(bayesq.read_runs(frame), law, "loss", about)
    asked = {"N": "100M", "D": "3B", "w_bits": 4}
    found = bayesq.decide.effective_parameters(fit, **asked, closed_form=False)
    assert ("single-level" in {n.code for n in found.notes if n.severity == "severe"}) == told
    # The formula knows the share that counts without looking along N.
    found = bayesq.decide.effective_parameters(fit, **asked)
    assert "single-level" not in {n.code for n in found.notes}


def test_one_number_orders_scenarios() -> None:
    at = {"N": ["318M", "700M", "700M", "7B"], "D": ["1.57B", "1.57B", "17.3B", "17.3B"]}
    frame = bayesq.predict(isoflop_fit(), at).to_frame()
    assert frame["distance"].is_monotonic_increasing
    assert frame["distance"].nunique() == 4


def test_a_corner_of_sizes_and_bits_is_told_in_words() -> None:
    cloud = {"N": np.array([1e7, 1e7, 1e9, 1e9]), "P": np.array([2.0, 8.0, 6.0, 8.0])}
    found = apart({"N": np.array([1e9, 1e8]), "P": np.array([2.0, 6.0])}, cloud)
    assert found.factor[1] == 1
    assert found.factor[0] > 2
    assert found.corner[0] == "N this large with P this small"


def test_an_input_that_does_nothing_is_nowhere_outside() -> None:
    cloud = {"N": np.array([1e7, 1e9]), "P": np.array([4.0, np.nan])}
    found = apart({"N": np.array([1e8, 1e10]), "P": np.array([np.nan, np.nan])}, cloud)
    np.testing.assert_allclose(found.factor, [1, 10])


@pytest.mark.parametrize(
    ("pool", "law"), [("grid", "chinchilla"), ("grid", "kumar2024-ptq"), ("grid", "kumar2024-qat")]
)
def test_rows_left_out_of_the_middle_of_a_table_lie_inside(pool: str, law: str) -> None:
    rows = design(bayesq.load_pool(pool), bayesq.laws()[law])
    cloud = {i.symbol: rows.inputs[i.symbol] for i in rows.law.inputs_of(rows.response)}
    count = len(rows.index)
    factors = []
    for k in np.linspace(0, count - 1, 30).astype(int):
        others = np.arange(count) != k
        point = {s: v[k : k + 1] for s, v in cloud.items()}
        factors.append(apart(point, {s: v[others] for s, v in cloud.items()}).factor[0])
    assert np.mean(np.array(factors) > 1.5) <= 0.2
