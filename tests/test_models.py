"""From rows to a model: the rows a law takes, the sampler's coordinates, and the noise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from pytensor.compile.mode import Mode
from scipy import stats

import bayesq
from bayesq import Input, Law, Parameter, Prior, Runs
from bayesq.errors import BayesqError
from bayesq.model.compose import compose
from bayesq.model.coordinates import COORDINATES
from bayesq.model.design import Design, design
from bayesq.model.given import labels
from bayesq.model.noises import find_noise
from bayesq.model.specification import specify_rows

LAWS = bayesq.laws()
# No compiler: the few numbers here are not worth its start.
QUICK = Mode(linker="py", optimizer=None)
E = Parameter("E", Prior("Normal", mu=0.0, sigma=1.0))


def codes(made: Design) -> list[str]:
    return [note.code for note in made.notes]


def table(**columns: Any) -> Runs:
    """Make up a table of which a test gives only the columns that it is about."""
    rows = max(len(v) for v in columns.values() if isinstance(v, list))
    plain = {"N": np.geomspace(1e7, 1e9, rows), "D": 1e10, "loss": np.linspace(4, 3, rows)}
    return bayesq.read_runs(pd.DataFrame(plain | columns))


# --- which rows a law takes --------------------------------------------------------------------


def test_a_base_law_takes_the_full_precision_rows(grid: Runs) -> None:
    made = design(grid, LAWS["chinchilla"])
    np.testing.assert_array_equal(made.index, np.flatnonzero(grid.frame.stage == "none"))
    np.testing.assert_array_equal(made.observed, grid.columns["loss"][made.index])
    assert made.response == "loss"
    assert set(made.inputs) == {"N", "D"}
    (note,) = made.notes
    assert (note.code, note.severity) == ("rows-left-out", "info")
    assert note.message == "1040 rows are left out of law chinchilla: quantized."


def test_a_quantization_law_takes_its_stage_and_widths(grid: Runs) -> None:
    made = design(grid, LAWS["kumar2024-ptq"])
    frame = grid.frame
    wanted = (frame.stage == "post") & (frame.a_bits == 16) & (frame.kv_bits == 16)
    np.testing.assert_array_equal(made.index, np.flatnonzero(wanted))
    used = frame[wanted]
    np.testing.assert_array_equal(made.observed, used.loss - used.loss_full)
    np.testing.assert_array_equal(made.inputs["P"], used.w_bits)
    said = {note.message.partition(": ")[2]: note for note in made.notes}
    assert said["full precision."].severity == "info"
    assert said["full precision."].message.startswith("28 rows")
    assert said["stage is not post."].message.startswith(f"{(frame.stage == 'train').sum()} rows")


def test_the_group_is_that_of_what_is_quantized(grid: Runs) -> None:
    made = design(grid, LAWS["chen2025"])
    used = grid.frame.iloc[made.index]
    assert set(used.stage) == {"train"}
    weights = used.w_bits < 16
    np.testing.assert_array_equal(made.inputs["G"], used.w_group.where(weights, used.a_group))
    both = used[weights & (used.a_bits < 16)]
    assert len(both)
    assert (both.w_group == both.a_group).all()
    notes = [n for n in made.notes if n.severity == "warning"]
    assert "column row_length is empty" in notes[0].message
    assert "only the KV cache is quantized (kv_bits)" in notes[1].message
    groups = grid.frame.query("stage == 'train'").index.difference(used.index)
    assert sorted(row for n in notes for row in n.rows) == [*(groups + 1)]


def test_the_middle_of_the_data_is_that_of_the_rows_used(grid: Runs) -> None:
    made = design(grid, LAWS["kumar2024-ptq"], "loss")
    used = grid.frame.iloc[made.index]
    assert made.pivots["N"] == pytest.approx(stats.gmean(used.N), rel=1e-12)
    assert made.pivots["D"] == pytest.approx(stats.gmean(used.D), rel=1e-12)
    # Bits are averaged as they are, and only over rows that have any.
    assert made.pivots["P"] == pytest.approx(used.w_bits[used.w_bits < 16].mean(), rel=1e-12)


def test_the_loss_of_a_quantization_law_has_its_base_rows_too(grid: Runs) -> None:
    made = design(grid, LAWS["kumar2024-ptq"], "loss")
    used = grid.frame.iloc[made.index]
    assert set(used.stage) == {"none", "post"}
    np.testing.assert_array_equal(made.observed, used.loss)
    np.testing.assert_array_equal(made.inputs["quantized"], used.stage == "post")
    switched_off = made.inputs["quantized"] == 0
    assert np.isfinite(made.inputs["P"]).all()
    # Whatever stands for the bits of a full-precision row, its loss is the base law's.
    constants = {p.symbol: float(p.prior.quantile(0.6)) for p in made.law.parameters_of("loss")}
    loss = made.law.evaluate("loss", made.inputs | constants)
    base = LAWS["chinchilla"].evaluate("loss", made.inputs | constants)
    np.testing.assert_array_equal(loss == base, switched_off)


def test_an_empty_stage_is_taken_as_the_laws_own() -> None:
    runs = table(w_bits=[16, 4, 3, 5, 6, 4], loss_full=3.0)
    made = design(runs, LAWS["kumar2024-ptq"])
    (note,) = (n for n in made.notes if n.code == "stage-assumed")
    assert note.message == "Column stage is empty; quantized rows are taken as post."
    assert len(made.runs) == 5
    stated = table(w_bits=[16, 4, 3, 5, 6, 4], loss_full=3.0, stage=["none", *["post"] * 5])
    assert "stage-assumed" not in codes(design(stated, LAWS["kumar2024-ptq"]))


def test_rows_without_a_partner_are_left_out_aloud() -> None:
    runs = table(w_bits=[4, 3, 5, 6, 4, 3], stage="post", loss_full=[3.0] * 5 + [np.nan])
    made = design(runs, LAWS["kumar2024-ptq"])
    assert list(made.index) == [0, 1, 2, 3, 4]
    (note,) = made.notes
    assert note.severity == "warning"
    assert "1 row is left out of law kumar2024-ptq: no full-precision partner" in note.message


def test_a_column_of_the_table_is_an_input() -> None:
    law = Law("warm", (E,), loss=lambda N, warmth, E: E + warmth)
    made = design(table(warmth=[0.5, -1.0, np.nan, 0.0]), law)
    np.testing.assert_array_equal(made.inputs["warmth"], [0.5, -1.0, 0.0])
    assert made.pivots["warmth"] == pytest.approx(-0.5 / 3)
    (note,) = made.notes
    assert note.message == "1 row is left out of law warm: column warmth is empty."


def test_text_becomes_an_input_through_derive() -> None:
    rounded = Input(
        "R", ("method",), lambda c: (c["method"] == "rtn").astype(float), scale="linear"
    )
    law = Law("method", (E,), loss=lambda N, R, E: E + R, inputs=(rounded,))
    made = design(table(method=["rtn", "gptq", "rtn"]), law)
    np.testing.assert_array_equal(made.inputs["R"], [1.0, 0.0, 1.0])


def test_the_format_of_an_operand_counts_where_it_is_quantized() -> None:
    # Six quantized rows: weights alone, then activations alone. What an unquantized operand's
    # columns say is no format.
    runs = table(
        w_bits=[4, 3, 5, 16, 16, 16],
        w_kind=["int", "int", "int", "fp", "fp", "fp"],
        w_group=[64, 64, 64, 32, 32, 128],
        a_bits=[16, 16, 16, 8, 6, 4],
        a_kind=["", "fp", "int", "int", "int", "int"],
        a_group=[1, 2, 3, 64, 64, 128],
        loss_full=2.0,
    )
    added = Parameter("F", E.prior)
    ignorant = Law("x", (added,), degradation=lambda N, F: F + 0 * N, base=LAWS["chinchilla"])
    made = design(runs, ignorant)
    assert set(made.varying_formats()) == {"w_bits", "a_bits", "a_group"}
    assert list(made.varying_formats()["a_group"]) == ["", "", "", "64", "64", "128"]
    assert made.formats["w_kind"] == ["int"]
    assert made.formats["w_group"] == ["64"]
    assert made.formats["a_group"] == ["64", "128"]


def of(law: str, runs: Runs, response: str | None = None) -> Any:
    return lambda: design(runs, LAWS[law], response)


ZERO = Input("S", ("sparsity",))
FULL = table(loss=[4.0, 3.8, 3.6, 3.4, 3.2, 3.0, 2.9, 2.8, 2.7])
WRONG = {
    "too few rows": (
        of("chinchilla", table(loss=[4.0, 3.0, 2.0, 3.5])),
        r"the data frame has 4 rows that law chinchilla can use for loss, and the law has 5 "
        r"parameters \(E, A, B, alpha, beta\)",
    ),
    "too few after leaving out": (
        of("kumar2024-ptq", table(w_bits=[16, 4, 4, 5], stage=["none", "post", "train", "post"])),
        r"has 0 rows .*1 left out: full precision; 1 left out: stage is not post; 2 left out: no "
        r"full-precision partner.* 4 parameters",
    ),
    "nothing quantized": (
        of("kumar2024-ptq", FULL, "loss"),
        "9 rows, none of them quantized, that law kumar2024-ptq can use",
    ),
    "no such column": (
        lambda: design(FULL, Law("w", (E,), loss=lambda N, warmth, E: E)),
        "has no column for input warmth of law w; add warmth to the table",
    ),
    "text for a number": (
        lambda: design(FULL, Law("t", (E,), loss=lambda N, method, E: E)),
        "column method: holds text, and law t needs numbers for its input method",
    ),
    "zero on a log scale": (
        lambda: design(FULL, Law("s", (E,), loss=lambda N, S, E: E, inputs=(ZERO,))),
        "input S of law s values of 0 or below, which have no logarithm",
    ),
    "response of another law": (
        of("chinchilla", FULL, "degradation"),
        "chinchilla cannot be fitted to response 'degradation'; it takes 'loss'",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_fitted_is_refused_in_one_sentence(what: str) -> None:
    make, words = WRONG[what]
    with pytest.raises(BayesqError, match=words) as caught:
        make()
    assert re.fullmatch(r"[^\n]+[^.]\.", str(caught.value))


def test_a_pool_without_groups_is_refused_by_a_law_of_groups(public: Path) -> None:
    quest = bayesq.load_pool("quest")
    with pytest.raises(BayesqError, match=r"^pool quest has 0 rows .*no group size .*, and the"):
        design(quest, LAWS["chen2025"])


# --- the sampler's coordinates -----------------------------------------------------------------


def moved(
    logs: dict[str, float], shares: dict[str, list[str]], weights: dict[str, float]
) -> dict[str, float]:
    """Work out coordinates from the logarithms of parameters, as their documentation says."""
    added = {s: log + np.log(weights.get(s, 1.0)) for s, log in logs.items()}
    new = {}
    for first, others in shares.items():
        new[f"log_total_{first}"] = np.log(sum(np.exp(added[s]) for s in (first, *others)))
        new |= {f"log_ratio_{s}_{first}": added[s] - added[first] for s in others}
    for slope, term in (("alpha", "A"), ("beta", "B")):
        if slope in logs:
            new[f"log_slope_{slope}"] = logs[slope] + logs[term]
    return new


CASES = {
    "base": ("chinchilla", "loss", {"E": ["A", "B"]}),
    "degradation": ("kumar2024-ptq", "degradation", {"sigma": ["sigma_0"]}),
    "base and degradation": ("kumar2024-ptq", "loss", {"E": ["A", "B"]}),
}


@pytest.mark.parametrize("case", CASES)
def test_coordinates_leave_the_density_where_it_is(case: str, ptq_runs: Runs, grid: Runs) -> None:
    name, response, shares = CASES[case]
    rows = grid.select("stage == 'none' or stage == 'post'") if response == "loss" else ptq_runs
    made = design(rows, LAWS[name], response)
    described = specify_rows(made, discrepancy=False)
    sampled, stated = (compose(described, to_sample=to_sample) for to_sample in (True, False))
    density = sampled.compile_logp(mode=QUICK)
    # With PyMC's own Jacobian of the logarithms, which the coordinates must not need.
    wanted = stated.compile_logp(mode=QUICK)
    parameters = (*made.parameters, *described.noise.parameters)
    weights = {"sigma": float(np.median(np.abs(made.observed)))} if "sigma" in shares else {}
    free = {v.name for v in sampled.value_vars}
    assert {n for n in free if n.startswith(COORDINATES)}
    rng = np.random.default_rng(7)
    for _ in range(5):
        at = {p: float(p.prior.quantile(rng.uniform(0.05, 0.95))) for p in parameters}
        logs = {p.symbol: np.log(v) for p, v in at.items() if p.prior.positive}
        stated_at = {
            f"{p.sampled_as}_log__" if p.prior.positive else p.symbol: np.array(v)
            for p, v in ((p, logs.get(p.symbol, at[p])) for p in parameters)
        }
        every = stated_at | moved(logs, shares, weights)
        value = density({name: np.array(every[name]) for name in free})
        assert np.isfinite(value)
        assert value == pytest.approx(float(wanted(stated_at)), rel=1e-9)


def test_coordinates_have_a_jacobian_of_one() -> None:
    symbols, step = ["E", "A", "B", "alpha", "beta"], 1e-6
    at = np.log([1.7, 0.4, 0.9, 0.34, 0.28])

    def move(x: np.ndarray) -> np.ndarray:
        shares = {"E": ["A", "B"]}
        logs = dict(zip(symbols, x, strict=True))
        return np.array(list(moved(logs, shares, {}).values()))

    columns = [(move(at + d) - move(at - d)) / (2 * step) for d in step * np.eye(5)]
    assert abs(np.linalg.det(np.array(columns))) == pytest.approx(1, rel=1e-6)


def test_the_sampler_starts_at_the_medians_of_the_priors(grid: Runs) -> None:
    made = design(grid, LAWS["chinchilla"])
    with compose(specify_rows(made, discrepancy=False)) as model:
        names = [p.sampled_as for p in made.parameters]
        values = model.compile_fn(
            model.replace_rvs_by_values([model[n] for n in names]),
            inputs=model.value_vars,
            on_unused_input="ignore",
            mode=QUICK,
        )(model.initial_point())
    medians = [float(p.prior.quantile(0.5)) for p in made.parameters]
    # The prior of E is on its share of the typical loss.
    assert medians[0] == pytest.approx(
        made.typical * float(made.law.parameters[0].prior.quantile(0.5)), rel=1e-9
    )
    np.testing.assert_allclose(values, medians, rtol=1e-9)


def test_the_coefficient_is_its_term_at_the_middle_of_the_data(grid: Runs) -> None:
    made = design(grid, LAWS["chinchilla"])
    with compose(specify_rows(made, discrepancy=False), to_sample=False) as model:
        A, pivot, alpha = pm.draw([model["A"], model["A_pivot"], model["alpha"]], 20, mode=QUICK)
    np.testing.assert_allclose(A * made.pivots["N"] ** -alpha, pivot, rtol=1e-9)
    assert labels(specify_rows(made, discrepancy=False))["row"] == list(made.index)
    np.testing.assert_array_equal(model["measured"].get_value(), np.log(made.observed))


# --- noise -------------------------------------------------------------------------------------

VALUES = {"sigma": 0.1, "sigma_0": 0.02, "dof": 5.0}


def test_new_losses_scatter_as_the_likelihood_says() -> None:
    mean = xr.DataArray(np.full(4000, 2.5), dims="sample")
    # Noise so wide that a relative error and one of the logarithm are not alike.
    values = VALUES | {"sigma": 0.5}
    drawn = find_noise(None, "loss").draw(mean, values, np.random.default_rng(0))
    assert drawn.dims == ("sample",)
    standard = np.log(drawn / mean) / values["sigma"]
    assert stats.kstest(standard, stats.t(VALUES["dof"]).cdf).pvalue > 0.01


@pytest.mark.parametrize("mean", [0.5, 0.0, -0.5])
def test_new_degradations_scatter_as_the_likelihood_says(mean: float) -> None:
    means = xr.DataArray(np.full(4000, mean), dims="sample")
    drawn = find_noise(None, "degradation").draw(means, VALUES, np.random.default_rng(0))
    scale = VALUES["sigma_0"] + VALUES["sigma"] * abs(mean)
    standard = (drawn - means) / scale
    assert stats.kstest(standard, stats.t(VALUES["dof"]).cdf).pvalue > 0.01
