"""Noises by name and of one's own: likelihoods, new runs, shared effects, fits, files, refusals."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from made_up_fits import made_up_fit
from pymc.model.transform.conditioning import remove_value_transforms
from pytensor.compile.mode import Mode
from scipy import integrate, stats

import bayesq
from bayesq import Fit, Noise, Parameter, Prior, Runs
from bayesq.backtesting.folds import make_folds
from bayesq.backtesting.held_out import make_parts
from bayesq.errors import BayesqError
from bayesq.law.formulas import call
from bayesq.law.law import Response
from bayesq.model.compose import compose
from bayesq.model.effects import groups
from bayesq.model.noises import find_noise, noise_names
from bayesq.model.specification import specify
from tables import sentence

SCATTERS = ("student-t", "normal", "known-se", "only-se", "falls-with-D")
RESPONSES: tuple[Response, ...] = ("loss", "degradation")
LAWS: dict[str, str] = {"loss": "chinchilla", "degradation": "kumar2024-ptq"}
TRUE = {"E": 1.7, "A": 400.0, "B": 2000.0, "alpha": 0.34, "beta": 0.37}
FEW: dict[str, Any] = {"seed": 1, "draws": 300, "tune": 400, "chains": 2, "progress": False}
SIGMA = Parameter("sigma", Prior("HalfNormal", sigma=0.05))
SLOPE = Parameter("fall", Prior("Normal", mu=0.0, sigma=0.5))
AT = {"N": "300M", "D": "20B"}


def base_frame(sizes: int = 6, lengths: int = 6) -> pd.DataFrame:
    """Cross sizes with lengths of training, with the losses of the law itself."""
    n, d = np.meshgrid(np.geomspace(1e7, 1e9, sizes), np.geomspace(1e9, 1e11, lengths))
    frame = pd.DataFrame({"N": n.ravel(), "D": d.ravel()})
    return frame.assign(loss=bayesq.laws()["chinchilla"].evaluate("loss", TRUE | dict(frame)))


def rows_for(response: Response) -> Runs:
    """Make up rows with standard errors."""
    rng = np.random.default_rng(2)
    frame = base_frame(4, 3)
    if response == "degradation":
        frame = frame.merge(pd.DataFrame({"w_bits": [3, 4, 5]}), "cross").assign(stage="post")
        frame["loss_full"] = frame["loss"]
        frame["loss"] += 20 * np.exp(-frame["w_bits"] / 0.7) * rng.normal(1, 0.1, len(frame))
    else:
        frame["loss"] *= np.exp(0.01 * rng.standard_normal(len(frame)))
    se = np.where(np.arange(len(frame)) % 2, 0.02, 0.01)
    return bayesq.read_runs(frame.assign(**{"loss_se": 0.5, f"{response}_se": se}))


def by_hand(
    scatter: str, response: Response, at: dict[str, Any], mean: Any, se: Any, D: Any, middle: float
) -> Any:
    """Work out the width of a row's scatter as the name promises it."""
    width = at.get("sigma", 0.0) + 0 * mean
    if response == "degradation":
        width = at.get("sigma_0", 0.0) + width * abs(mean)
    own = se / mean if response == "loss" else se
    if scatter in ("known-se", "only-se"):
        return np.hypot(width, own) if scatter == "known-se" else own
    return width * (D / middle) ** -at["sigma_slope"] if scatter == "falls-with-D" else width


def log_likelihood(model: pm.Model, response: str, at: dict[str, Any]) -> np.ndarray:
    """Evaluate the log density of each measured value in a model, at values of its parameters."""
    plain = remove_value_transforms(model)
    (term,) = plain.logp(vars=[plain[response]], sum=False)
    mode = Mode(linker="py", optimizer="fast_compile")
    density = plain.compile_fn(
        term, inputs=plain.value_vars, mode=mode, on_unused_input="ignore", point_fn=False
    )
    return np.asarray(density(*(at[v.name] for v in plain.free_RVs)))


def medians_of(noise: Noise) -> dict[str, float]:
    return {p.symbol: float(p.prior.quantile(0.6)) for p in noise.parameters}  # type: ignore[union-attr]


@pytest.mark.parametrize("response", RESPONSES)
@pytest.mark.parametrize("scatter", SCATTERS)
@pytest.mark.parametrize("effects", [(), ("run",), ("budget", "cell")])
def test_the_likelihood_is_what_the_name_says(
    scatter: str, response: Response, effects: tuple[str, ...]
) -> None:
    described = specify(
        rows_for(response),
        LAWS[response],
        response,
        noise=" + ".join((scatter, *effects)),
        discrepancy=False,
    )
    chosen, noise = described.design, described.noise
    model = compose(described, to_sample=False)
    rng = np.random.default_rng(5)
    at = {p.sampled_as: float(p.prior.quantile(0.4)) for p in chosen.parameters}  # type: ignore[union-attr]
    at |= medians_of(noise)
    drawn = {e: rng.standard_normal(groups(chosen.runs, e).max() + 1) for e in noise.effects}  # type: ignore[arg-type]
    stored = log_likelihood(model, response, at | {f"effect_{e}": v for e, v in drawn.items()})

    values = dict(chosen.inputs) | at
    for p in chosen.parameters:
        if p.term is not None:
            shape = call(p.term, {**chosen.pivots, **at})
            values[p.symbol] = at[p.sampled_as] / shape
    mean = chosen.law.evaluate(response, values)
    for e, v in drawn.items():
        mean = mean * np.exp(at[f"sigma_{e}"] * v[groups(chosen.runs, e)])  # type: ignore[arg-type]
    width = by_hand(
        scatter, response, at, mean, chosen.errors, chosen.inputs["D"], chosen.pivots["D"]
    )
    log = response == "loss"
    y, mu = (np.log(chosen.observed), np.log(mean)) if log else (chosen.observed, mean)
    assert ("dof" in at) == (scatter not in ("normal", "only-se"))
    wanted = stats.norm.logpdf(y, mu, width)
    if "dof" in at:
        wanted = stats.t.logpdf(y, at["dof"], mu, width)
    np.testing.assert_allclose(stored, wanted, rtol=1e-9)


@pytest.mark.parametrize("response", RESPONSES)
@pytest.mark.parametrize("scatter", SCATTERS)
def test_new_runs_scatter_as_the_likelihood_says(scatter: str, response: Response) -> None:
    noise = find_noise(scatter, response)
    at = medians_of(noise) | {"sigma": 0.3, "D": 4e10, "D_middle": 1e10, "loss_se": 0.02}
    mean = xr.DataArray(np.full((2, 2000), 0.7), dims=("draw", "scenario"))
    drawn = noise.draw(mean, at, np.random.default_rng(0))
    assert drawn.dims == mean.dims
    width = by_hand(scatter, response, at, 0.7, 0.02, 4e10, 1e10)
    off = np.log(drawn / mean) if response == "loss" else drawn - mean
    found = stats.t(at["dof"]) if "dof" in at else stats.norm()
    assert stats.kstest((off / width).values.ravel(), found.cdf).pvalue > 0.01


@pytest.mark.parametrize("response", RESPONSES)
@pytest.mark.parametrize("name", [*SCATTERS, "normal + run"])
def test_the_density_of_a_measured_value_is_one(name: str, response: Response) -> None:
    noise = find_noise(name, response)
    at = medians_of(noise) | {"D": 4e10, "D_middle": 1e10}
    at |= {"loss_se": 0.03} if name == "only-se" else {}
    mean = xr.DataArray(np.full(1, 0.7), dims="scenario")

    def density(observed: float) -> float:
        found = noise.log_density(observed, mean, at, np.random.default_rng(0))
        return float(np.exp(found.item()))

    middle = [0.6, 0.7, 0.8]
    whole, _ = integrate.quad(density, 1e-9 if response == "loss" else -60, 60, points=middle)
    assert whole == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("effect", ["run", "budget", "cell"])
def test_an_effect_is_drawn_anew_for_each_new_run(effect: str) -> None:
    noise = find_noise(f"normal + {effect}", "loss")
    at = {"sigma": 0.03, f"sigma_{effect}": 0.04}
    mean = xr.DataArray(np.full((2, 2000), 2.5), dims=("draw", "scenario"))
    off = np.log(noise.draw(mean, at, np.random.default_rng(0)) / mean).values
    assert off.std() == pytest.approx(0.05, rel=0.05)
    assert abs(np.corrcoef(off[:, :1000].ravel(), off[:, 1000:].ravel())[0, 1]) < 0.1


# --- names -------------------------------------------------------------------------------------


def test_names_are_put_together() -> None:
    assert noise_names() == (*SCATTERS, "run", "budget", "cell")
    for asked, name, symbols in (
        (None, "student-t", ["sigma", "dof"]),
        ("run", "student-t + run", ["sigma", "dof", "sigma_run"]),
        ("cell+normal+run", "normal + run + cell", ["sigma", "sigma_run", "sigma_cell"]),
        ("falls-with-D + budget", None, ["sigma", "sigma_slope", "dof", "sigma_budget"]),
    ):
        noise = find_noise(asked, "loss")
        assert noise.name == (name or asked)
        assert [p.symbol for p in noise.parameters] == symbols
        assert noise.on == "log"
        # Its own name finds it again.
        assert find_noise(noise.name, "loss").to_dict() == noise.to_dict()
    of_degradation = find_noise("normal + run", "degradation")
    assert [p.symbol for p in of_degradation.parameters] == ["sigma", "sigma_0", "sigma_run"]
    assert of_degradation.on == "value"


def test_rows_share_effects_by_run_budget_and_cell() -> None:
    runs = bayesq.read_runs(
        pd.DataFrame(
            {
                "study": ["a", "a", "a", "a", "b", "a"],
                "run": ["x", "x", "y", "z", "x", "w"],
                "N": [1e8, 1e8, 1e8, 2e8, 1e8, 2e8],
                # 2e8 for 5.1e9 tokens is 2 % above the compute of 1e8 for 1e10.
                "D": [1e10, 2e10, 1e10, 5.1e9, 1e10, 4e10],
                "loss": [3.0, 2.9, 3.01, 3.1, 3.2, 2.8],
            }
        )
    )

    def together(effect: Any) -> set[frozenset[int]]:
        found = groups(runs, effect)
        assert sorted(set(found.tolist())) == list(range(found.max() + 1))
        return {frozenset(np.flatnonzero(found == g).tolist()) for g in set(found.tolist())}

    # A run of another study is another run, and so is its cell; a budget is a budget anywhere.
    assert together("run") == {frozenset(g) for g in ((0, 1), (2,), (3,), (4,), (5,))}
    assert together("cell") == {frozenset(g) for g in ((0, 2), (1,), (3,), (4,), (5,))}
    assert together("budget") == {frozenset(g) for g in ((0, 2, 3, 4), (1,), (5,))}


# --- fits --------------------------------------------------------------------------------------


def test_known_standard_errors_leave_little_to_sigma() -> None:
    rng = np.random.default_rng(3)
    frame = base_frame(10, 10)
    frame["loss_se"] = frame["loss"] * rng.uniform(0.005, 0.05, len(frame))
    frame["loss"] += frame["loss_se"] * rng.standard_normal(len(frame))
    fit = bayesq.fit(
        bayesq.read_runs(frame), "chinchilla", noise="known-se", discrepancy=False, **FEW
    )
    typical = float((frame["loss_se"] / frame["loss"]).median())
    assert fit.summary().loc["sigma", "upper"] < 0.4 * typical
    # A new run has no standard error of evaluation on top.
    wide = bayesq.predict(fit, AT, kind="run").to_frame().iloc[0]
    assert np.log(wide["upper"] / wide["lower"]) < 2 * 1.64 * typical


def test_noise_that_falls_with_tokens_is_found() -> None:
    rng = np.random.default_rng(4)
    frame = base_frame(6, 8)
    width = 0.01 * (frame["D"] / 1e10) ** -0.5
    frame["loss"] *= np.exp(width * rng.standard_normal(len(frame)))
    fit = bayesq.fit(
        bayesq.read_runs(frame), "chinchilla", noise="falls-with-D", discrepancy=False, **FEW
    )
    slope = fit.summary().loc["sigma_slope"]
    assert slope["lower"] < 0.5 < slope["upper"]
    assert slope["lower"] > 0.2
    # New runs in the future scatter less, by as much as the slope says.
    widths = [
        float(np.log(p.draws).quantile(0.75) - np.log(p.draws).quantile(0.25))
        for p in (bayesq.predict(fit, {"N": "100M", "D": d}, kind="run") for d in ("1B", "100B"))
    ]
    assert widths[0] / widths[1] == pytest.approx(100 ** slope["median"], rel=0.4)


@pytest.mark.slow
def test_what_the_rows_of_a_run_share_is_told_from_what_they_do_not() -> None:
    rng = np.random.default_rng(5)
    frame = base_frame(5, 4).loc[lambda f: f.index.repeat(4)].reset_index(drop=True)
    frame["run"] = [f"r{i // 4}" for i in range(len(frame))]
    frame["D"] *= 1 + 0.01 * (np.arange(len(frame)) % 4)
    frame["loss"] *= np.exp(
        0.02 * rng.standard_normal(len(frame) // 4).repeat(4)
        + 0.002 * rng.standard_normal(len(frame))
    )
    fit = bayesq.fit(
        bayesq.read_runs(frame), "chinchilla", noise="normal + run", discrepancy=False, **FEW
    )
    table = fit.summary()
    for symbol, true in (("sigma_run", 0.02), ("sigma", 0.002)):
        assert table.loc[symbol, "lower"] < true < table.loc[symbol, "upper"]
        assert table.loc[symbol, "upper"] < 2 * true
    assert fit.posterior.sizes["effect_run_group"] == 20
    back = bayesq.predict(fit, AT, kind="run")
    assert back.shares["noise"].iloc[0] > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("response", RESPONSES)
@pytest.mark.parametrize("name", [*SCATTERS, "run", "normal + budget + cell"])
@pytest.mark.parametrize("discrepancy", [True, False])
def test_every_noise_is_fitted_and_drawn(name: str, response: Response, discrepancy: bool) -> None:
    runs = rows_for(response)
    fit = bayesq.fit(runs, LAWS[response], response, noise=name, discrepancy=discrepancy, **FEW)
    at = AT | ({"w_bits": [3, 4]} if response == "degradation" else {})
    mean, new = (bayesq.predict(fit, at, kind=kind) for kind in ("mean", "run"))
    assert np.isfinite(new.draws).all()
    assert (new.draws.std(("chain", "draw")) > mean.draws.std(("chain", "draw"))).all()
    assert np.isfinite(new.log_density(mean.draws.median(("chain", "draw")).values)).all()
    assert set(fit.summary().index) >= {p.symbol for p in find_noise(name, response).parameters}


# --- a noise of one's own ----------------------------------------------------------------------


def own(name: str = "own", **changes: Any) -> Noise:
    given: dict[str, Any] = {
        "width": lambda rough, fall, N: rough * (N / 1e8) ** -fall,
        "parameters": (Parameter("rough", Prior("HalfNormal", sigma=0.05)), SLOPE),
    }
    return Noise(name, **(given | changes))


@pytest.fixture(scope="module")
def runs() -> Runs:
    return rows_for("loss")


@pytest.fixture(scope="module")
def fitted(runs: Runs) -> tuple[Fit, Noise]:
    noise = own()
    # A misfit, too: the sampler's coordinates ask how wide a noise is that has no sigma.
    return bayesq.fit(runs, "chinchilla", noise=noise, **FEW), noise


def test_a_noise_of_ones_own_is_fitted_saved_and_loaded(
    fitted: tuple[Fit, Noise], tmp_path: Path
) -> None:
    fit, noise = fitted
    assert fit.noise is noise
    assert {"rough", "fall"} < set(fit.summary().index)
    back = bayesq.load_fit(fit.save(tmp_path / "fit.nc"))
    assert back.noise is noise
    pd.testing.assert_frame_equal(back.summary(), fit.summary())
    for kind in ("mean", "run"):
        one, other = (bayesq.predict(f, AT, kind=kind) for f in (fit, back))
        xr.testing.assert_identical(one.draws, other.draws)
    observed = np.array([3.0])
    assert bayesq.predict(back, AT, kind="run").log_density(observed) == bayesq.predict(
        fit, AT, kind="run"
    ).log_density(observed)


def test_a_noise_that_is_not_at_hand_leaves_the_rest(
    fitted: tuple[Fit, Noise], tmp_path: Path
) -> None:
    fit, noise = fitted
    path = fit.save(tmp_path / "fit.nc")
    text = fit.data.attrs["noise"]
    tree = fit.data.copy()
    tree.attrs = fit.data.attrs | {"noise": text.replace('"own"', '"passing"')}
    passing = own("passing")
    gone = replace(fit, data=tree).save(tmp_path / "gone.nc")
    assert bayesq.load_fit(gone).noise is passing
    del passing
    gc.collect()
    back = bayesq.load_fit(gone)
    pd.testing.assert_frame_equal(back.summary(), fit.summary())
    xr.testing.assert_identical(bayesq.predict(back, AT).draws, bayesq.predict(fit, AT).draws)
    with pytest.raises(BayesqError, match="Noise passing is not at hand, so no new run can be"):
        bayesq.predict(back, AT, kind="run")
    mended = bayesq.load_fit(gone, noise=noise)
    xr.testing.assert_identical(
        bayesq.predict(mended, AT, kind="run").draws, bayesq.predict(fit, AT, kind="run").draws
    )
    other = own("another", width=lambda sigma: sigma, parameters=(SIGMA,), remember=False)
    with pytest.raises(BayesqError, match="has parameters sigma on the log, the fit in") as caught:
        bayesq.load_fit(path, noise=other)
    sentence(caught.value)


def test_another_noise_under_the_same_name_is_not_taken(
    fitted: tuple[Fit, Noise], tmp_path: Path
) -> None:
    fit, _ = fitted
    tree = fit.data.copy()
    tree.attrs = fit.data.attrs | {"noise": fit.data.attrs["noise"].replace('"own"', '"remade"')}
    path = replace(fit, data=tree).save(tmp_path / "fit.nc")
    remade = own("remade", width=lambda sigma: sigma, parameters=(SIGMA,))
    back = bayesq.load_fit(path)
    assert back.noise is not remade
    pd.testing.assert_frame_equal(back.summary(), fit.summary())


# --- what is refused ---------------------------------------------------------------------------


def short(**changes: Any) -> Any:
    return lambda: own("wrong", remember=False, **changes)


BROKEN: dict[str, tuple[Any, str]] = {
    "a scale": (short(on="logarithm"), "is on 'logarithm'; write 'log' or 'value'"),
    "an effect": (short(effects=("runs",)), "has no effect 'runs'; did you mean run"),
    "an effect without a spread": (
        short(effects=("run",)),
        "has an effect of run and no parameter sigma_run; pass one with a prior",
    ),
    "an idle parameter": (
        short(width=lambda rough: rough),
        "never uses fall; drop it or use it in the width",
    ),
    "a parameter twice": (short(parameters=(SLOPE, SLOPE)), "has a parameter twice; drop one"),
    "a term": (
        short(parameters=(SLOPE, Parameter("rough", SIGMA.prior, term=lambda N: N))),
        "Parameter rough of noise wrong has a term or kinds; pass one that has a single value",
    ),
    "an unknown name": (lambda: find_noise("studentt", "loss"), "No noise 'studentt'; did you"),
    "an unknown effect": (lambda: find_noise("normal + batch", "loss"), "No noise 'batch'; "),
    "two scatters": (
        lambda: find_noise("normal + known-se", "loss"),
        "noise is 'normal [+] known-se'; name one of student-t, normal, ",
    ),
    "an effect twice": (lambda: find_noise("run + run", "loss"), "and each effect once"),
    "a number": (lambda: find_noise(3, "loss"), "A int is not a noise; pass a bayesq.Noise or"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_noise_that_cannot_be_is_refused_in_one_sentence(what: str) -> None:
    make, words = BROKEN[what]
    with pytest.raises(BayesqError, match=words) as caught:
        make()
    sentence(caught.value)


CLASHES: dict[str, tuple[dict[str, Any], str]] = {
    "a parameter of the law": (
        {"width": lambda alpha: alpha, "parameters": (Parameter("alpha", SIGMA.prior),)},
        "calls a parameter alpha, as law chinchilla or the fit itself calls something else; rename",
    ),
    "an input of the law": (
        {"width": lambda N: N, "parameters": (Parameter("N", SIGMA.prior),)},
        "calls a parameter N, as",
    ),
    "a middle": (
        {"width": lambda D_middle: D_middle, "parameters": (Parameter("D_middle", SIGMA.prior),)},
        "calls a parameter D_middle, as",
    ),
    "what the fit makes": (
        {"width": lambda tau: tau, "parameters": (Parameter("tau", SIGMA.prior),)},
        "calls a parameter tau, as",
    ),
    "the mean": (
        {"width": lambda mean: mean, "parameters": (Parameter("mean", SIGMA.prior),)},
        "calls a parameter mean, as",
    ),
    "an input of another law": (
        {"width": lambda sigma, w_bits: sigma * w_bits, "parameters": (SIGMA,)},
        "takes w_bits, which is none of its parameters, of mean, loss_se and the inputs of law",
    ),
}


@pytest.mark.parametrize("what", CLASHES)
def test_a_noise_that_a_law_cannot_have_is_refused_before_sampling(
    what: str, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("bayesq.sampling.compiled.find_program")
    given, words = CLASHES[what]
    with pytest.raises(BayesqError, match=words) as caught:
        bayesq.fit(runs, "chinchilla", noise=own("wrong", remember=False, **given))
    sentence(caught.value)


def test_a_degradation_below_0_has_no_logarithm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("bayesq.sampling.compiled.find_program")
    frame = rows_for("degradation").frame
    frame.loc[0, "loss"] = frame.loc[0, "loss_full"] - 0.001
    runs = bayesq.read_runs(frame)
    with pytest.raises(BayesqError, match="is on the logarithm, and some rows have a degr") as e:
        bayesq.fit(runs, "kumar2024-ptq", noise=own("wrong", remember=False))
    sentence(e.value)


def test_noises_of_another_width_are_others(tmp_path: Path) -> None:
    def made(power: float) -> Noise:
        def width(mean, sigma):  # type: ignore[no-untyped-def]
            return sigma * abs(mean) ** power

        scale = Parameter("sigma", Prior("HalfNormal", sigma=0.05))
        return Noise("of-a-power", width, (scale,), "value", remember=False)

    half, whole = made(0.5), made(1.0)
    assert half.to_dict() != whole.to_dict()
    assert half.to_dict() == made(0.5).to_dict()
    runs = bayesq.read_runs(base_frame())
    asked: dict[str, Any] = {"draws": 50, "tune": 100, "chains": 2, "seed": 1, "progress": False}
    fit = bayesq.fit(runs, "chinchilla", noise=half, discrepancy=False, **asked)
    path = fit.save(tmp_path / "fit.nc")
    with pytest.raises(BayesqError, match="width of noise of-a-power is not the one"):
        bayesq.load_fit(path, noise=whole)
    assert bayesq.load_fit(path, noise=half).noise.name == "of-a-power"


def test_a_backtest_of_another_noise_is_another(tmp_path: Path) -> None:
    def widths(factor: float) -> Noise:
        def width(mean, sigma):  # type: ignore[no-untyped-def]
            return factor * sigma * mean

        scale = Parameter("sigma", Prior("HalfNormal", sigma=0.05))
        return Noise("scaled", width, (scale,), "value", remember=False)

    runs = bayesq.read_runs(base_frame())
    asked: dict[str, Any] = {"draws": 50, "tune": 100, "chains": 2, "seed": 1, "progress": False}
    asked |= {"split": "largest-N", "discrepancy": False, "save": tmp_path / "kept"}
    bayesq.backtest(runs, "chinchilla", noise=widths(1.0), **asked)
    with pytest.raises(BayesqError, match="holds another backtest"):
        bayesq.backtest(runs, "chinchilla", noise=widths(2.0), **asked)


# --- standard errors that are given, and those that are not --------------------------------------


@pytest.mark.parametrize("noise", ["known-se", "only-se"])
def test_an_error_that_is_not_given_is_not_one_of_0(noise: str) -> None:
    frame = base_frame(4, 3)
    with pytest.raises(BayesqError, match=r"has none for any row; fill in column loss_se, leave"):
        specify(bayesq.read_runs(frame), "chinchilla", noise=noise)
    frame["loss_se"] = [0.01] * 10 + [None] * 2
    with pytest.raises(BayesqError, match=rf"^Noise {noise} .* has none for rows 11 and 12; fill"):
        specify(bayesq.read_runs(frame), "chinchilla", noise=noise)
    # What learns the scatter does not need them.
    specify(bayesq.read_runs(frame), "chinchilla")
    mine = Noise(
        "mine",
        width=lambda sigma, loss_se: sigma + loss_se,
        parameters=(Parameter("sigma", Prior("HalfNormal", sigma=0.1)),),
        on="value",
    )
    with pytest.raises(BayesqError, match=r"^Noise mine takes .* rows 11 and 12"):
        specify(bayesq.read_runs(frame), "chinchilla", noise=mine)


def test_a_difference_has_the_error_of_both_unless_its_own_is_given() -> None:
    frame = base_frame(2, 2).assign(stage="none", loss_se=0.03, run=["a", "b", "c", "d"])
    quantized = frame.assign(stage="post", w_bits=4, loss=frame["loss"] + 0.1, loss_se=0.04)
    quantized["degradation_se"] = [None, None, None, 0.002]
    both = pd.concat([frame.assign(w_bits=16), quantized], ignore_index=True)
    runs = bayesq.read_runs(both)
    np.testing.assert_allclose(runs.columns["degradation_se"][4:], [0.05, 0.05, 0.05, 0.002])
    assert np.isnan(runs.columns["degradation_se"][:4]).all()
    # It stays where the partner's row is left out.
    kept = runs.select("w_bits < 16").columns["degradation_se"]
    np.testing.assert_allclose(kept, [0.05, 0.05, 0.05, 0.002])


def test_a_given_loss_of_the_partner_has_the_error_of_that_row() -> None:
    frame = base_frame(2, 2).assign(stage="none", loss_se=0.03, run=["a", "b", "c", "d"])
    quantized = frame.assign(stage="post", w_bits=4, loss=frame["loss"] + 0.1, loss_se=0.04)
    quantized["loss_full"] = frame["loss"]
    quantized.loc[3, "loss_full"] = 2.9  # of another evaluation, whose error nobody gave
    runs = bayesq.read_runs(pd.concat([frame.assign(w_bits=16), quantized], ignore_index=True))
    np.testing.assert_allclose(runs.columns["degradation_se"][4:], [0.05] * 3 + [np.nan])


@pytest.mark.parametrize("name", ["known-se", "only-se", "scaled-se"])
def test_a_new_run_has_the_error_of_a_usual_row_or_its_own(name: str) -> None:
    scaled = Noise(
        "scaled-se",
        width=lambda k, loss_se, mean: k * loss_se + 0 * mean,
        parameters=(Parameter("k", Prior("LogNormal", mu=0.0, sigma=0.1)),),
        on="value",
    )
    runs = bayesq.read_runs(base_frame(6, 6).assign(loss_se=0.02))
    noise = scaled if name == "scaled-se" else name
    described = specify(runs, "chinchilla", noise=noise, discrepancy=False)
    law = {p.symbol: float(p.single_prior.quantile(0.5)) for p in described.parameters}
    law |= {"E": 1.8, "A": 400.0, "B": 400.0, "sigma": 1e-4, "dof": 1e6, "k": 1.0}
    posterior = {
        p.symbol: (("chain", "draw"), np.full((2, 500), law[p.symbol]))
        for p in described.parameters
    }
    fit = made_up_fit(described, xr.Dataset(posterior, {"chain": [0, 1], "draw": range(500)}))
    at = {"N": [1e9] * 3, "D": [1e10] * 3, "loss_se": [None, 0.002, 0.2]}
    mean, run = (bayesq.predict(fit, at, kind=kind) for kind in ("mean", "run"))
    off = (run.draws - mean.draws).std(("chain", "draw")).values
    # With a noise of its own it has no error of evaluation on top, unless one is given.
    usual = 0.0 if name == "known-se" else 0.02
    np.testing.assert_allclose(off, [usual, 0.002, 0.2], rtol=0.2, atol=5e-4)
    assert np.isfinite(run.log_density(np.array([3.0, 3.0, 3.0]))).all()


def test_a_row_held_out_keeps_its_error_where_the_noise_takes_it() -> None:
    frame = base_frame(6, 6)
    frame["loss_se"] = np.linspace(0.01, 0.05, len(frame))
    runs = bayesq.read_runs(frame)
    for noise, kept in (("only-se", True), ("student-t", False)):
        whole = specify(runs, "chinchilla", noise=noise)
        (part,), _ = make_parts(whole, make_folds(whole.design, "largest-compute", 0.7, 0))
        assert ("loss_se" in part.scenarios) is kept
        if kept:
            np.testing.assert_array_equal(part.scenarios["loss_se"], part.left.columns["loss_se"])


@pytest.mark.slow
def test_errors_alone_are_the_noise_of_a_usual_row() -> None:
    rng = np.random.default_rng(3)
    frame = base_frame(6, 6)
    frame["loss_se"] = 0.02
    frame["loss"] += 0.02 * rng.standard_normal(len(frame))
    fit = bayesq.fit(
        bayesq.read_runs(frame), "chinchilla", noise="only-se", discrepancy=False, **FEW
    )
    assert not {"sigma", "dof"} & set(fit.summary().index)
    mean, run = (bayesq.predict(fit, AT, kind=kind) for kind in ("mean", "run"))
    off = (run.draws - mean.draws).values.ravel()
    assert off.std() == pytest.approx(0.02, rel=0.2)
    assert np.isfinite(run.log_density(np.array([3.0]))).all()


def test_rows_that_a_law_goes_through_have_noise_that_is_never_next_to_none() -> None:
    for sizes, lengths, usual in ((2, 4, False), (4, 4, True)):
        described = specify(bayesq.read_runs(base_frame(sizes, lengths)), "chinchilla")
        (sigma,) = (p for p in described.noise.parameters if p.symbol == "sigma")
        assert (sigma.prior == Prior("HalfNormal", sigma=0.05)) is usual
        assert described.noise.name == "student-t"
