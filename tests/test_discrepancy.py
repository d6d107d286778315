"""How wrong the law may be: its kernel, its coordinates, what predictions make of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import arviz_stats as azs
import numba
import numpy as np
import nutpie
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from pytensor.compile.mode import Mode

import bayesq
from bayesq import Discrepancy, Fit, Prior, Runs
from bayesq.errors import BayesqError
from bayesq.model.compose import compose
from bayesq.model.design import Design, design
from bayesq.model.discrepancy import LEARNED, REACH, find_discrepancy
from bayesq.model.field import Field
from bayesq.model.given import given
from bayesq.model.specification import specify, specify_rows
from bayesq.posterior.misfit import draw_misfit, held_misfit
from bayesq.sampling.compiled import Compiled
from made_up_runs import made_up

QUICK = Mode(linker="py", optimizer=None)
INSIDE = {"N": 5e6, "D": 2e8, "w_bits": 4}


def small(response: str = "degradation") -> Design:
    """Make up a small table, whose degradation bends away from the law by a fifth."""
    rng = np.random.default_rng(8)
    n, d = np.meshgrid(np.geomspace(1e7, 1e9, 3), np.geomspace(1e9, 1e11, 3))
    frame = pd.DataFrame({"N": n.ravel(), "D": d.ravel()})
    frame["loss"] = 1.7 + 400 * frame["N"] ** -0.34 + 2000 * frame["D"] ** -0.37
    if response == "degradation":
        frame = frame.merge(pd.DataFrame({"w_bits": [3, 4]}), "cross").assign(stage="post")
        frame["loss_full"] = frame["loss"]
        added = 20 * np.exp(-frame["w_bits"] / 0.7) * (1 + 0.2 * np.log10(frame["D"] / 1e10) ** 2)
        frame["loss"] += added * rng.normal(1, 0.03, len(frame))
    else:
        frame["loss"] *= np.exp(0.003 * rng.standard_normal(len(frame)))
    law = "kumar2024-ptq" if response == "degradation" else "chinchilla"
    return design(bayesq.read_runs(frame), bayesq.laws()[law])


def covariances(field: Field, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Covariance of each field at some inputs, of what sites hold and what they leave open."""
    bases, rests = field.bases(inputs), field.rests(inputs)
    return {name: b @ b.T + rests[name] @ rests[name].T for name, b in bases.items()}


def brownian(x: np.ndarray, hurst: float) -> np.ndarray:
    """Covariance of a field with var(g(x) - g(y)) = |x - y|^(2H) that is 0 at 0."""
    own = [(np.sqrt((a**2).sum())) ** (2 * hurst) for a in x]
    return np.array(
        [
            [
                (own[i] + own[j] - np.sqrt(((x[i] - x[j]) ** 2).sum()) ** (2 * hurst)) / 2
                for j in range(len(x))
            ]
            for i in range(len(x))
        ]
    )


def field_over(chosen: Design, hurst: float = 0.95) -> Field:
    learned = LEARNED[chosen.response]
    own = Discrepancy(learned.drift, learned.format, hurst)
    found = specify_rows(chosen, discrepancy=own).field
    assert isinstance(found, Field)
    return found


# --- the kernel --------------------------------------------------------------------------------


def test_the_field_is_0_at_the_middle_of_the_data_and_drifts_off() -> None:
    chosen = small()
    field = field_over(chosen, hurst := 0.8)
    decades = np.array([0.0, 0.5, 1.0, 2.0, 4.0])
    for symbol in ("N", "D"):
        inputs = {s: np.full(5, v) for s, v in chosen.pivots.items()}
        inputs[symbol] = inputs[symbol] * 10**decades
        found = covariances(field, inputs)["shared"]
        np.testing.assert_allclose(np.diag(found), decades ** (2 * hurst), atol=1e-6)
        apart = np.diag(found)[:, None] + np.diag(found)[None, :] - 2 * found
        wanted = np.abs(decades[:, None] - decades[None, :]) ** (2 * hurst)
        np.testing.assert_allclose(apart, wanted, atol=1e-6)


@pytest.mark.parametrize("response", ["loss", "degradation"])
@pytest.mark.parametrize("hurst", [0.5, 0.95])
def test_sites_and_what_they_leave_open_make_up_the_kernel(response: str, hurst: float) -> None:
    chosen = small(response)
    field = field_over(chosen, hurst)
    rng = np.random.default_rng(1)
    inputs = {"N": 10 ** rng.uniform(5, 11, 12), "D": 10 ** rng.uniform(7, 13, 12)}
    inputs["P"] = np.repeat([3.0, 4.0, 6.0, 3.5], 3)
    x = np.column_stack([np.log10(inputs[s] / chosen.pivots[s]) for s in ("N", "D")])
    found = covariances(field, inputs)
    # To within the jitter that keeps the sites' own covariance invertible.
    np.testing.assert_allclose(found["shared"], brownian(x, hurst), atol=1e-5)
    if response == "loss":
        assert field.formats == ()
        assert set(found) == {"shared"}
        return
    # Formats have the more in common the nearer they are, and drift off from the middle of all.
    assert field.formats == ("P",)
    steps = np.sqrt(3) * np.abs(inputs["P"][:, None] - inputs["P"][None, :]) / REACH
    common = (1 + steps) * np.exp(-steps)
    np.testing.assert_allclose(found["own"], common * (1 + brownian(x, hurst)), atol=1e-5)


def own_variance(widths: list[float]) -> np.ndarray:
    """Work out the share that the sites leave open of widths, amid 3- and 4-bit rows."""
    field = field_over(small())
    count = len(widths)
    inputs = {"N": np.full(count, 1e8), "D": np.full(count, 1e10), "P": np.array(widths)}
    rests, whole = field.rests(inputs)["own"], covariances(field, inputs)["own"]
    return np.asarray((rests**2).sum(axis=1) / np.diag(whole))


def test_a_measured_format_is_pinned_and_its_neighbours_nearly_so() -> None:
    measured, near, between, beyond, far = own_variance([4.0, 4.001, 3.5, 5.0, 12.0])
    assert measured < 2e-3
    assert near == pytest.approx(measured, abs=1e-4)
    assert measured < between < 0.2
    assert 0.1 < beyond < 0.6
    assert far > 0.99


def test_groups_are_near_by_doublings_and_flags_have_nothing_in_common() -> None:
    frame = pd.DataFrame({"N": np.geomspace(1e7, 1e9, 12), "D": np.geomspace(1e9, 1e11, 12)})
    frame["loss_full"] = 2.0
    frame["loss"] = 2.0 + 0.03 * frame["D"] ** 0.01
    frame["w_bits"] = np.tile([4, 16, 4], 4)
    frame["a_bits"] = np.tile([16, 4, 4], 4)
    frame["w_group"] = frame["a_group"] = np.repeat([32, 64, 128], 4)
    chosen = design(
        bayesq.read_runs(frame.assign(stage="train")), bayesq.laws()["chen2025-schemes"]
    )
    field = field_over(chosen)
    amid = {s: np.full(4, v) for s, v in chosen.pivots.items()}
    amid |= {"G": np.array([32.0, 64.0, 128.0, 32.0])}
    flags = [i.symbol for i in chosen.law.own_inputs if i.scale == "flag"]
    amid |= {s: np.array([1.0, 1.0, 1.0, 0.0]) for s in flags}
    found = covariances(field, amid)["own"]
    steps = np.sqrt(3) * np.array([0, 1, 2]) / REACH
    np.testing.assert_allclose(found[0, :3], (1 + steps) * np.exp(-steps), atol=1e-5)
    np.testing.assert_allclose(found[3, :3], 0, atol=1e-6)


def test_the_rows_leave_little_open(ptq_runs: Runs) -> None:
    chosen = design(ptq_runs, bayesq.laws()["kumar2024-ptq"])
    field = field_over(chosen)
    for name, rest in field.rests(chosen.inputs).items():
        whole = np.trace(covariances(field, chosen.inputs)[name])
        assert np.trace(rest @ rest.T) < 3e-3 * whole


def test_a_loss_has_no_misfit_of_a_format(grid: Runs) -> None:
    rows = grid.select("stage == 'none' or stage == 'post' and w_bits in [3, 4]")
    law = bayesq.laws()["kumar2024-ptq"]
    assert field_over(design(rows, law, "loss")).formats == ()
    assert field_over(design(rows, law, "degradation")).formats == ("P",)


def test_a_law_with_a_value_for_each_kind_has_no_formats_to_be_wrong_about(grid: Runs) -> None:
    rows = grid.select("stage == 'none' or stage == 'train' and w_group == 32")
    assert field_over(design(rows, bayesq.laws()["frantar2025"])).formats == ()


def test_a_field_comes_back_from_its_file() -> None:
    chosen = small()
    field = field_over(chosen)
    back = Field.from_dataset(field.to_dataset(), field.discrepancy)
    for name, basis in field.bases(chosen.inputs).items():
        np.testing.assert_array_equal(back.bases(chosen.inputs)[name], basis)
    learned = LEARNED["loss"]
    assert Discrepancy.from_dict(learned.to_dict()) == learned


def test_few_rows_alone_follow_the_asymptote() -> None:
    described = [specify(made_up(rows), "chinchilla") for rows in (10, 11)]
    told = [given(one).get("usual_above") for one in described]
    # About half of a loss; programs, and so draws, of larger tables know nothing of it.
    middle = np.exp(np.log(described[0].design.observed).mean())
    assert told[0] == pytest.approx((described[0].design.observed - middle / 2).mean())
    assert told[1] is None


def test_what_is_no_discrepancy_is_refused() -> None:
    assert find_discrepancy(False, "loss") is None
    for asked in (0.1, "learned", None):
        with pytest.raises(BayesqError, match=r"; pass True, False or a bayesq\.Discrepancy\.$"):
            find_discrepancy(asked, "loss")  # type: ignore[arg-type]


# --- the sampler's coordinates -----------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("response", ["degradation", "loss"])
def test_centring_changes_how_it_is_sampled_and_not_what(
    response: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = small(response)
    described = specify_rows(chosen, noise="normal")
    field = described.field
    assert field is not None
    found = {}
    few: dict[str, Any] = {"draws": 500, "tune": 500, "chains": 4, "seed": 3}
    model = Compiled(described)
    # The model as it is stated, by a way that shares nothing with it. That Numba optimizes takes
    # longer than it saves.
    monkeypatch.setattr(numba.config, "OPT", type(numba.config.OPT)(0))
    stated = nutpie.compile_pymc_model(compose(described, to_sample=False))
    plain = nutpie.sample(stated, **few, progress_bar=False)["posterior"].to_dataset()
    for to_sample in (True, False):
        draws = model.groups(model.sample(**few).points)["posterior"] if to_sample else plain
        g = held_misfit(draws, field, chosen.inputs, "row")
        scales = [draws[p.symbol] for p in (*field.parameters, *described.noise.parameters)]
        found[to_sample] = xr.Dataset({"g": g} | {str(s.name): np.log(s) for s in scales})
    for name in found[True]:
        one, other = (found[way][name] for way in (True, False))
        for what, squared in (("mean", False), ("sd", True)):
            # The error of a standard deviation, through that of the squares about the mean.
            v = [(x - x.mean(("chain", "draw"))) ** 2 if squared else x for x in (one, other)]
            error = np.sqrt(
                sum(
                    x.var(("chain", "draw")) / azs.ess(x.to_dataset(name="x"), method="mean")["x"]
                    for x in v
                )
            )
            off = (v[0].mean(("chain", "draw")) - v[1].mean(("chain", "draw"))) / error
            assert float(abs(off).max()) < 4.5, (name, what)


# --- predictions -------------------------------------------------------------------------------


def widths(fit: Fit, scenarios: dict[str, Any]) -> np.ndarray:
    """Width of the 90 % interval of the mean, on the logarithm."""
    frame = bayesq.predict(fit, scenarios).to_frame()
    return np.log(frame["upper"] / frame["lower"]).to_numpy()


def test_predictions_widen_away_from_the_data(ptq_fit: Fit) -> None:
    factors = np.array([1.0, 10.0, 100.0, 1000.0])
    for symbol in ("N", "D"):
        found = widths(ptq_fit, INSIDE | {symbol: INSIDE[symbol] * factors})
        assert (np.diff(found) > 0).all(), symbol
        assert found[-1] > 5 * found[0]
    shares = bayesq.predict(ptq_fit, INSIDE | {"N": INSIDE["N"] * factors}, "run").shares
    assert list(shares.columns) == ["parameters", "misfit", "noise"]
    assert (shares >= 0).all(axis=None)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-12)
    # The noise of a run is the larger part inside, and next to nothing far outside.
    assert shares["noise"].iloc[0] > 0.5
    assert shares["noise"].iloc[-1] < 0.1


def test_a_law_that_is_taken_to_be_true_is_surer_outside(ptq_fit: Fit, ptq_law_fit: Fit) -> None:
    outside = INSIDE | {"N": [1e9, 7e10], "D": [1e11, 1.5e13]}
    assert (widths(ptq_fit, outside) > 1.5 * widths(ptq_law_fit, outside)).all()
    said = bayesq.predict(ptq_law_fit, outside)
    assert list(said.shares.columns) == ["parameters"]
    np.testing.assert_allclose(said.shares.sum(axis=1), 1)
    xr.testing.assert_identical(said.draws.drop_attrs(), said.law_mean.drop_attrs())
    notes = [
        next(n.remedy for n in bayesq.predict(f, outside).notes if n.code == "extrapolation")
        for f in (ptq_fit, ptq_law_fit)
    ]
    assert "includes the law being wrong out there" in notes[0]
    assert "does not include the law being wrong out there" in notes[1]


def test_a_width_is_the_less_sure_the_farther_it_lies_from_what_was_seen(ptq_fit: Fit) -> None:
    widths = [4, 4.001, 4.5, 4.5, 7, 9]
    told = np.log(bayesq.predict(ptq_fit, INSIDE | {"w_bits": widths}).draws)
    at, beside, between, again, beyond, far = told.std(("chain", "draw")).values
    # No hook at what was measured: a thousandth of a bit changes next to nothing.
    assert beside == pytest.approx(at, rel=0.02)
    jump = told.median(("chain", "draw")).diff("scenario").values[0]
    assert abs(jump) < 0.1 * at
    assert 1.2 * at < between < beyond < far
    assert between == pytest.approx(again, rel=1e-9)
    np.testing.assert_allclose(told[..., 2], told[..., 3], atol=1e-6)


def test_the_rows_of_the_fit_have_the_misfit_that_was_sampled(ptq_fit: Fit) -> None:
    field = ptq_fit.field
    assert field is not None
    rows = ptq_fit.data["constant_data"].to_dataset()
    inputs = {s: rows[s].values for s in ("N", "D", "P")}
    posterior = ptq_fit.posterior.isel(draw=slice(100))
    held = held_misfit(posterior, field, inputs, "row")
    drawn = draw_misfit(posterior, field, inputs, "row", np.random.default_rng(0))
    # What the sites leave open of the rows is small beside the misfit itself.
    assert float((drawn - held).std()) < 0.1 * float(held.std())


@pytest.mark.slow
def test_many_scenarios_are_drawn_in_batches(ptq_fit: Fit) -> None:
    few = ptq_fit.posterior.isel(chain=slice(1), draw=slice(5))
    assert ptq_fit.field is not None
    inputs = {"N": np.geomspace(1e8, 1e12, 1200), "D": np.array(1e12), "P": np.array(4.0)}
    drawn = draw_misfit(few, ptq_fit.field, inputs, "scenario", np.random.default_rng(0))
    assert drawn.shape == (1, 5, 1200)
    # Within a batch they are of one field, which has no jumps.
    steps = abs(drawn.diff("scenario")).max(("chain", "draw")).values
    assert np.delete(steps, 999).max() < 0.1 * float(abs(drawn).max())


@pytest.mark.parametrize("kind", ["mean", "run"])
def test_a_loaded_fit_draws_the_same_misfit(ptq_fit: Fit, kind: str, tmp_path: Path) -> None:
    back = bayesq.load_fit(ptq_fit.save(tmp_path / "fit.nc"))
    at = INSIDE | {"N": [5e6, 1e9, 7e10], "w_bits": [4, 5.5, 3]}
    xr.testing.assert_identical(
        bayesq.predict(back, at, kind, seed=4).draws,
        bayesq.predict(ptq_fit, at, kind, seed=4).draws,
    )
    assert back.specification.discrepancy == LEARNED["degradation"]


def test_a_discrepancy_of_ones_own_is_what_is_fitted() -> None:
    chosen = small()
    drift, own = (Prior("LogNormal", mu=mu, sigma=0.1) for mu in (-9.0, -4.0))
    described = specify_rows(chosen, discrepancy=Discrepancy(drift, own, 0.5))
    model = compose(described, to_sample=False)
    scales = [model["tau"], model["tau_format"]]
    for draws, prior in zip(
        pm.draw(scales, 200, random_seed=1, mode=QUICK), (drift, own), strict=True
    ):
        low, high = prior.quantile([0.3, 0.7])
        assert low < np.median(draws) < high


def test_formats_have_no_misfit_of_their_own_by_default(ptq_runs: Runs) -> None:
    alone = Discrepancy(Prior("LogNormal", mu=0.0, sigma=1.0))
    few: dict[str, Any] = {"draws": 20, "tune": 100, "chains": 1, "seed": 1, "progress": False}
    fit = bayesq.fit(ptq_runs, "kumar2024-ptq", discrepancy=alone, **few)
    assert {"tau", "misfit_shared"} <= set(fit.posterior)
    assert not {"tau_format", "misfit_own"} & set(fit.posterior)
    assert "misfit" in bayesq.predict(fit, {"N": 1e9, "D": 1e11, "w_bits": 4}).shares
