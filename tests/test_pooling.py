"""Studies fitted together: what comes back, what is predicted of which study, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from pytensor.compile.mode import Mode
from scipy.stats import binom

import bayesq
import bayesq.backtesting.backtest as room
from bayesq import Law, Parameter, Prior
from bayesq.model import hierarchy
from bayesq.model.compose import compose
from bayesq.model.design import design
from bayesq.model.hierarchy import apart
from bayesq.model.names import Names
from bayesq.model.pooling import pool
from bayesq.model.specification import specify
from command import Run

FEW: dict[str, Any] = {"seed": 1, "progress": False, "draws": 250, "tune": 400, "chains": 2}
NAMES = ["ash", "birch", "cedar", "dogwood"]
AT = {"N": 1e8, "D": 1e10}
# No compiler: the few numbers here are not worth its start.
QUICK = Mode(linker="py", optimizer=None)


def sensitivity(N, D, gamma_N, gamma_D):
    return D**gamma_D / N**gamma_N


def degradation(N, D, k, gamma_N, gamma_D):
    return k * sensitivity(N, D, gamma_N, gamma_D)


LAW = Law(
    name="two-powers",
    base=bayesq.laws()["chinchilla"],
    degradation=degradation,
    stages=("train",),
    parameters=(
        Parameter("k", Prior("LogNormal", mu=-3.0, sigma=1.5), "nats/token", term=sensitivity),
        Parameter("gamma_N", Prior("Normal", mu=0.25, sigma=0.3)),
        Parameter("gamma_D", Prior("Normal", mu=0.1, sigma=0.3)),
    ),
)


def truth(spread: float, rng: np.random.Generator, studies: int = 4) -> pd.DataFrame:
    """Draw studies around a population; k is that of the term at 1e8 parameters, 1e10 tokens."""
    z = rng.standard_normal((studies, 3))
    return pd.DataFrame(
        {
            "k": 0.06 * np.exp(2.5 * spread * z[:, 0]),
            "gamma_N": 0.3 + spread * z[:, 1],
            "gamma_D": 0.15 + spread * z[:, 2],
        },
        index=(NAMES + [f"elm{i}" for i in range(studies)])[:studies],
    )


def degraded(true: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Make up quantized rows of each study, the sizes of one twice those of the one before."""
    tables = []
    for i, (study, p) in enumerate(true.iterrows()):
        n, d = np.meshgrid(np.geomspace(2e7, 2e8, 3), np.geomspace(2e9, 2e10, 3))
        n, d = n.ravel() * 1.5**i, d.ravel() * 1.5**i
        delta = p.k * (d / 1e10) ** p.gamma_D / (n / 1e8) ** p.gamma_N
        delta = delta * (1 + 0.02 * rng.standard_normal(len(n)))
        rows = {"N": n, "D": d, "loss": 3.0 + i + delta, "loss_full": 3.0 + i, "study": study}
        tables.append(pd.DataFrame(rows | {"stage": "train", "w_bits": 4, "a_bits": 4}))
    return pd.concat(tables, ignore_index=True)


def losses(rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make up full-precision rows of three studies with losses of their own."""
    tables, true = [], {}
    for i, study in enumerate(NAMES[:3]):
        n, d = np.meshgrid(np.geomspace(1e7, 1e9, 4), np.geomspace(1e9, 5e10, 4))
        n, d = n.ravel(), d.ravel()
        p = {"E": 1.5 + 0.3 * i, "alpha": 0.34 + 0.02 * i, "beta": 0.3 - 0.01 * i}
        mean = p["E"] + 0.6 * (n / 1e8) ** -p["alpha"] + 0.7 * (d / 1e10) ** -p["beta"]
        loss = mean * np.exp(0.003 * rng.standard_normal(len(n)))
        tables.append(pd.DataFrame({"N": n, "D": d, "loss": loss, "stage": "none", "study": study}))
        true[study] = p
    return pd.concat(tables, ignore_index=True), pd.DataFrame(true).T


@pytest.fixture(scope="module")
def true() -> pd.DataFrame:
    return truth(0.08, np.random.default_rng(3))


@pytest.fixture(scope="module")
def runs(true: pd.DataFrame) -> bayesq.Runs:
    return bayesq.read_runs(degraded(true, np.random.default_rng(4)))


@pytest.fixture(scope="module")
def pooled(runs: bayesq.Runs) -> bayesq.Fit:
    return bayesq.fit(runs, LAW, pool_by="study", **FEW)


@pytest.fixture(scope="module")
def base_pooled() -> bayesq.Fit:
    table, _ = losses(np.random.default_rng(5))
    return bayesq.fit(
        bayesq.read_runs(table), "chinchilla", discrepancy=False, pool_by="study", **FEW
    )


def test_what_a_study_has_apart() -> None:
    def symbols(name: str, response: Any) -> list[str]:
        return [p.symbol for p in apart(bayesq.laws()[name], response)]

    assert symbols("chinchilla", "loss") == ["E", "A", "B"]
    assert symbols("chen2025", "loss") == ["E", "A", "B"]
    assert symbols("chen2025", "degradation") == []
    assert symbols("quartet2025", "loss") == ["E", "A", "B"]


@pytest.mark.parametrize("to_sample", [True, False])
def test_a_spread_has_the_prior_that_is_declared(
    runs: bayesq.Runs, to_sample: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_LOG_SPREAD", "_RAW_SPREAD", "_SCALE_SPREAD"):
        monkeypatch.setattr(hierarchy, name, Prior("Exponential", lam=7.0))
    asked = specify(runs, LAW, discrepancy=False, pool_by="study")
    model = compose(asked, to_sample=to_sample)
    for symbol in ("k", "gamma_N", "gamma_D"):
        density = pm.logp(model[f"{symbol}_spread"], 0.3).eval(mode=QUICK)
        assert density == pytest.approx(np.log(7.0) - 7.0 * 0.3)


def test_names_of_variables_are_looked_up_and_not_taken_apart() -> None:
    k = Names(LAW.parameters[0])
    assert k.by_study("corpus") == {"k": "k_by_corpus", "k_pivot": "k_pivot_by_corpus"}
    assert k.values({"k", "k_by_study", "other_by_study"}) == {"": "k", "study": "k_by_study"}
    assert k.prior_on({"k", "k_by_study", "k_pivot_by_study"}) == "k_pivot_by_study"
    assert k.prior_on({"k_pivot", "k_pivot_by_study"}) == "k_pivot"
    assert k.prior_on({"k", "gamma_N"}) is None
    # A symbol may look like one.
    looks = Names(Parameter("k_by_study", Prior("Normal", mu=0.0, sigma=1.0)))
    assert looks.values({"k_by_study", "k"}) == {"": "k_by_study"}


def test_parameters_come_back(pooled: bayesq.Fit, true: pd.DataFrame) -> None:
    table = pooled.summary(0.99)
    for symbol in ("gamma_N", "gamma_D"):
        assert table.at[symbol, "lower"] < true[symbol].mean() < table.at[symbol, "upper"]
        for study, value in true[symbol].items():
            row = table.loc[f"{symbol}[{study}]"]
            assert row["lower"] < value < row["upper"]
        assert f"{symbol}_spread" in table.index
    assert table["r_hat"].max() < 1.05
    for study, p in true.iterrows():
        found = bayesq.predict(pooled, AT, study=str(study)).to_frame(0.99).iloc[0]
        assert found["lower"] < p["k"] < found["upper"]


def test_bases_are_a_studys_own(base_pooled: bayesq.Fit) -> None:
    _, true = losses(np.random.default_rng(5))
    table = base_pooled.summary(0.99)
    assert not {"E", "A", "B"} & set(table.index)
    for study, p in true.iterrows():
        for symbol in ("E", "alpha", "beta"):
            row = table.loc[f"{symbol}[{study}]"]
            assert row["lower"] < p[symbol] < row["upper"]
    codes = {n.code for n in base_pooled.notes}
    assert "few-studies" in codes
    assert "several-studies" not in codes
    assert table["r_hat"].max() < 1.05


def test_no_spread_gives_nearly_equal_studies() -> None:
    rng = np.random.default_rng(6)
    runs = bayesq.read_runs(degraded(truth(0.0, rng), rng))
    table = bayesq.fit(runs, LAW, discrepancy=False, pool_by="study", **FEW).summary()
    for symbol in ("gamma_N", "gamma_D"):
        assert table.at[f"{symbol}_spread", "median"] < 0.06
        each = table.loc[[f"{symbol}[{n}]" for n in NAMES], "median"]
        assert np.ptp(each) < 0.06


def test_a_new_study_is_less_sure_than_a_known_one(pooled: bayesq.Fit) -> None:
    def width(study: str) -> float:
        table = bayesq.predict(pooled, AT, study=study).to_frame()
        return float((table["upper"] - table["lower"]).iloc[0])

    assert width("new") > 3 * max(width(n) for n in NAMES)
    assert width("new") > width("population") > width("ash")
    told = bayesq.predict(pooled, AT, study="new").notes
    assert "base-from-prior" not in {n.code for n in told}


def test_a_new_study_has_a_base_from_its_prior(base_pooled: bayesq.Fit) -> None:
    prediction = bayesq.predict(base_pooled, AT, study="new")
    (note,) = [n for n in prediction.notes if n.code == "base-from-prior"]
    assert note.severity == "severe"
    assert "E, A, B" in note.message
    known = bayesq.predict(base_pooled, AT, study="birch")
    assert float(known.draws.std()) < 0.1 * float(prediction.draws.std())
    again = bayesq.predict(base_pooled, AT, study="new")
    assert (again.draws.values == prediction.draws.values).all()


def test_each_scenario_has_its_study(pooled: bayesq.Fit) -> None:
    # One study's rows must not be moved by the others'.
    names = ["cedar", "ash", "new", "cedar"]
    several = bayesq.predict(pooled, {**AT, "study": names}, "run")
    table = several.to_frame()
    assert table["study"].tolist() == names
    for i, name in enumerate(names):
        one = bayesq.predict(pooled, AT, "run", study=name).to_frame().iloc[0]
        assert table["median"][i] == pytest.approx(one["median"], rel=0.1 if name != "new" else 0.3)
    density = several.log_density(np.array([0.06, 0.06, 0.06, 0.06]))
    assert density.shape == (4,)
    assert density[0] == density[3]


def test_a_study_stands_for_a_fit(pooled: bayesq.Fit, runs: bayesq.Runs) -> None:
    one = pooled.of_study("birch")
    assert len(one.specification.design.index) == (runs.columns["study"] == "birch").sum()
    assert one.observed_range["N"] == pytest.approx((3e7, 3e8))
    assert one.title.endswith("study birch")
    assert {"k", "gamma_N", "gamma_D", "sigma", "tau"} <= set(one.summary().index)
    assert not [name for name in one.summary().index if "[" in name or "spread" in name]
    answer = bayesq.decide.tokens_to_degradation(one, level=0.08, N=1e8)
    assert np.isfinite(answer.to_frame()["median"]).all()
    found = one.sensitivity(progress=False).to_frame()
    assert {"gamma_N", "gamma_D"} <= set(found.index)
    population = pooled.of_study("population")
    assert population.field is None
    assert population.noise is None
    ax = bayesq.plot.plot_law(one, x="D")
    assert ax.lines


def test_saved_fits_come_back(pooled: bayesq.Fit, base_pooled: bayesq.Fit, tmp_path: Path) -> None:
    for fit, law in ((pooled, LAW), (base_pooled, None)):
        again = bayesq.load_fit(fit.save(tmp_path / "fit.nc"), law)
        pd.testing.assert_frame_equal(again.summary(), fit.summary())
        assert again.studies == fit.studies
        assert again.notes == fit.notes
        for study in (fit.studies[0], "new"):
            old, new = (bayesq.predict(f, AT, study=study).draws for f in (fit, again))
            assert np.array_equal(old.values, new.values)
        assert again.sensitivity().table.index.tolist() == fit.summary().index.tolist()


def test_the_law_may_be_gone(pooled: bayesq.Fit, tmp_path: Path) -> None:
    saved = pooled.save(tmp_path / "fit.nc")
    text = pooled.data.attrs["law"]
    pooled.data.attrs["law"] = text.replace("two-powers", "gone")
    try:
        saved = pooled.save(tmp_path / "gone.nc")
    finally:
        pooled.data.attrs["law"] = text
    fit = bayesq.load_fit(saved)
    assert "gamma_N[ash]" in fit.summary().index
    with pytest.raises(bayesq.BayesqError, match="is not at hand"):
        bayesq.predict(fit, AT, study="new")


def named(**changes: Any) -> bayesq.Runs:
    """Make up rows of two studies, with other columns."""
    table = degraded(truth(0.0, np.random.default_rng(0), 2), np.random.default_rng(0))
    return bayesq.read_runs(table.assign(**changes))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda r, f: bayesq.fit(r, LAW, pool_by="method"), "valid names: study, corpus"),
        (lambda r, f: bayesq.fit(r, LAW, pool_by="studdy"), "did you mean study"),
        (lambda r, f: bayesq.fit(r, LAW, pool_by="corpus"), "are empty; write"),
        (lambda r, f: bayesq.fit(named(study="ash"), LAW, pool_by="study"), "of one study (ash)"),
        (
            lambda r, f: bayesq.fit(named(study=["new"] * 9 + ["b"] * 9), LAW, pool_by="study"),
            "'new' is a word",
        ),
        (lambda r, f: bayesq.predict(f, AT), "ash, birch, cedar, dogwood"),
        (lambda r, f: bayesq.predict(f, {**AT, "study": ""}), "ash, birch, cedar, dogwood"),
        (lambda r, f: bayesq.predict(f, AT, study="brich"), "did you mean birch"),
        (lambda r, f: bayesq.predict(f, {**AT, "study": "brich"}), "did you mean birch"),
        (lambda r, f: bayesq.predict(f, AT, "run", study="population"), "ask for kind='mean'"),
        (lambda r, f: f.evaluate("degradation", AT), "fit.of_study"),
        (lambda r, f: bayesq.decide.tokens_to_degradation(f, level=0.1, N=1e8), "fit.of_study"),
        (lambda r, f: f.of_study("ash").save("fit.nc"), "save that fit"),
        (lambda r, f: f.of_study("ash").of_study("birch"), "is not pooled"),
        (
            lambda r, f: bayesq.predict(bayesq.published("chen2025"), AT, study="ash"),
            "is not pooled",
        ),
    ],
)
def test_refusals_are_one_sentence(
    make: Callable[..., Any], words: str, runs: bayesq.Runs, pooled: bayesq.Fit
) -> None:
    with pytest.raises(bayesq.BayesqError) as caught:
        make(runs, pooled)
    assert words in str(caught.value)
    said = str(caught.value)
    assert said.isprintable()
    assert said.endswith(".")


def test_a_population_has_no_loss(base_pooled: bayesq.Fit) -> None:
    with pytest.raises(bayesq.BayesqError) as caught:
        bayesq.predict(base_pooled, AT, study="population")
    assert "name a study, or study='new'" in str(caught.value)


def test_what_differs_between_studies_alone_is_explained(runs: bayesq.Runs) -> None:
    table = runs.frame.assign(
        method=runs.frame["study"], w_kind=["int", "fp"] * (len(runs) // 2), corpus="web"
    )
    chosen = design(bayesq.read_runs(table), LAW)
    assert {"study", "method", "w_kind"} <= set(chosen.varying_formats())
    kept = set(pool(chosen, "study").varying_formats())
    assert "w_kind" in kept
    assert not {"study", "method"} & kept


def test_a_study_left_out_is_foretold_as_a_new_one(
    runs: bayesq.Runs, pooled: bayesq.Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The fit to all studies stands for that to the others; elm is in none of them.
    table = runs.frame
    table["study"] = table["study"].where(table["study"] != "ash", "elm")
    monkeypatch.setattr(room, "fit_specification", lambda *_, **__: pooled)
    told = bayesq.backtest(bayesq.read_runs(table), LAW, split="study", pool_by="study")
    width = (told.rows["width_90"] / told.rows["median"]).groupby(told.rows["fold"]).median()
    (new,) = [fold for fold in width.index if "elm" in fold]
    assert width[new] > 3 * width.drop(new).max()
    assert "other-format" not in {n.code for n in told.notes}


def test_on_the_command_line(run: Run, tmp_path: Path) -> None:
    table, _ = losses(np.random.default_rng(5))
    table.to_csv(tmp_path / "runs.csv", index=False)
    saved = tmp_path / "fit.nc"
    few = ["--draws", "100", "--tune", "300", "--chains", "2", "--seed", "1", "--json"]
    fitted = run(
        "fit", tmp_path / "runs.csv", "-l", "chinchilla", "-o", saved, "--pool-by", "study",
        "--no-discrepancy", *few,
    )  # fmt: skip
    names = [row["parameter"] for row in fitted.json()["parameters"]]
    assert {"alpha", "alpha_spread", "alpha[ash]", "E[birch]"} <= set(names)
    told = run("predict", saved, "--at", "N=100M,D=10B", "--study", "birch", "--json")
    assert told.code == 0
    unnamed = run("predict", saved, "--at", "N=100M,D=10B")
    assert unnamed.code == 2
    assert "ash, birch, cedar" in sentence_of(unnamed.err)
    refused = run("fit", tmp_path / "runs.csv", "-l", "chinchilla", "-o", saved, "--pool-by", "a")
    assert refused.code == 2


def sentence_of(text: str) -> str:
    return text.removeprefix("error: ").strip()


@pytest.mark.slow
def test_intervals_cover_what_they_claim() -> None:
    """Simulate populations; count how often 90 % intervals hold the truth, of studies and mu."""
    rng = np.random.default_rng(11)
    tables = 40
    held = {"known": 0, "population": 0, "new": 0}
    asked = dict.fromkeys(held, 0)
    for i in range(tables):
        population = np.array([rng.normal(0.25, 0.3), rng.normal(0.1, 0.3)])
        spread = np.abs(rng.normal(0, 0.1, 2))
        each = truth(0.0, rng, 6)
        each["k"] = np.exp(rng.normal(-3, 1.0) + abs(rng.normal(0, 0.5)) * rng.standard_normal(6))
        each[["gamma_N", "gamma_D"]] = population + spread * rng.standard_normal((6, 2))
        names = list(each.index)
        fit = bayesq.fit(
            bayesq.read_runs(degraded(each.iloc[:5], rng)),
            LAW,
            discrepancy=False,
            pool_by="study",
            **(FEW | {"seed": i}),
        )
        table = fit.summary(0.9)
        new = fit.of_study("new").posterior
        for j, symbol in enumerate(("gamma_N", "gamma_D")):
            rows = table.loc[[f"{symbol}[{n}]" for n in names[:5]]]
            value = each[symbol].to_numpy()
            held["known"] += int(((rows["lower"] < value[:5]) & (value[:5] < rows["upper"])).sum())
            asked["known"] += 5
            low, high = table.loc[symbol, ["lower", "upper"]]
            held["population"] += int(low < population[j] < high)
            low, high = np.quantile(new[symbol], [0.05, 0.95])
            held["new"] += int(low < value[5] < high)
            asked["population"] += 1
            asked["new"] += 1
    for what, count in held.items():
        print(f"{what}: {count} of {asked[what]}")
        low, high = binom.ppf([0.001, 0.999], asked[what], 0.9)
        assert low <= count <= high, what


def test_a_pooled_fit_is_drawn_study_by_study(pooled: bayesq.Fit) -> None:
    axes = bayesq.plot.plot_law(pooled, x="D")
    assert [ax.get_title() for ax in axes] == [f"study {name}" for name in pooled.studies]
    with pytest.raises(bayesq.errors.BayesqError, match="Each study has curves of its own"):
        bayesq.plot.plot_law(pooled, x="study")
