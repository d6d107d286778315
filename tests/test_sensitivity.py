"""Which numbers depend on which prior: diagnoses, words, what is scaled, and refusals."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from made_up_fits import made_up_fit, with_kinds
from scipy import stats

import bayesq
from bayesq import Fit, Law, Parameter, Prior, decide
from bayesq.decide import Decision
from bayesq.errors import BayesqError
from bayesq.law import COMPRESSION, OrderedByBits
from bayesq.posterior.sensitivity import sensitivity
from command import Run

COLUMNS = ["prior", "likelihood", "diagnosis", "strongest_prior", "effect"]
STRONG = "potential strong prior / weak likelihood"
CONFLICT = "potential prior-data conflict"
# It is not remembered, so that a loaded fit has no more of it than its file says.
LAW = Law(
    "leaning",
    (
        Parameter("E", Prior("LogNormal", mu=0.4, sigma=0.5), "nats/token"),
        Parameter("A", Prior("LogNormal", mu=-0.7, sigma=0.1), term=lambda N, alpha: N**-alpha),
        Parameter("alpha", Prior("LogNormal", mu=-1.0, sigma=0.5)),
        Parameter("c", Prior("Normal", mu=0.0, sigma=0.05), "nats/token"),
        Parameter("d", Prior("Normal", mu=0.0, sigma=10.0), "nats/token"),
    ),
    loss=lambda N, warmth, chill, E, A, alpha, c, d: E + A * N**-alpha + c * warmth + d * chill,
    remember=False,
)


@pytest.fixture(scope="module")
def leaning() -> Fit:
    """Fit rows of one size, where what they say of `c` is four times what its prior expects."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"N": 1e8, "D": 1e9 * (1 + np.arange(30))})
    # Crossed, so that what the prior does to `c` does nothing to `d`.
    warmth, chill = np.meshgrid(np.linspace(-0.6, 0.6, 6), np.linspace(-1, 1, 5))
    frame["warmth"], frame["chill"] = warmth.ravel(), chill.ravel()
    frame["loss"] = (2.5 + 0.2 * frame.warmth + 0.3 * frame.chill) * rng.normal(1, 0.01, 30)
    runs = bayesq.read_runs(frame)
    return bayesq.fit(runs, LAW, discrepancy=False, draws=500, seed=1, progress=False)


def changed(fit: Fit, **groups: Any) -> Fit:
    """Put other groups into a fit."""
    tree = fit.data.assign({n: xr.DataTree(g) for n, g in groups.items()})
    return replace(fit, data=tree)


def one_sentence(error: BayesqError) -> bool:
    return bool(re.fullmatch(r"[^\n]+\.", str(error))) and ". " not in str(error)


# --- what is told ------------------------------------------------------------------------------


def test_what_the_rows_do_not_tell_is_the_priors(leaning: Fit) -> None:
    said = leaning.sensitivity()
    table = said.to_frame()
    assert list(table.columns) == COLUMNS
    assert list(table.index) == list(leaning.summary().index)
    assert (table.index.name, table.loc["alpha", "diagnosis"]) == ("parameter", STRONG)
    assert table.loc["alpha", "strongest_prior"] == "alpha"
    # The same as nobody had measured: a prior's own sensitivity to itself.
    assert table.loc["alpha", "prior"] == pytest.approx(table.loc["alpha", "effect"], abs=0.03)
    effect = f"{table.loc['alpha', 'effect']:.2g}"
    assert f"alpha depends on the prior of alpha ({effect}) and hardly on the data" in said.text
    (note,) = (n for n in said.notes if STRONG in n.message)
    assert (note.code, note.severity) == ("prior-sensitive", "warning")
    assert re.search(r"\balpha\b", note.message)
    # So is the coefficient that is derived from it, however far its tail reaches.
    assert list(table.loc["A", ["diagnosis", "strongest_prior"]]) == [STRONG, "alpha"]
    # The loss is told, and how much of it is A's share is not: by the coefficient's own name.
    assert table.loc["E", "strongest_prior"] == "A"
    assert re.search(r"\bE depends on the priors? of A \(", said.text)


def test_a_prior_against_the_rows_is_told(leaning: Fit) -> None:
    said = leaning.sensitivity()
    row = said.to_frame().loc["c"]
    assert (row["diagnosis"], row["strongest_prior"]) == (CONFLICT, "c")
    assert min(row["prior"], row["likelihood"]) > 0.05
    assert f"c depends on the prior of c ({row['effect']:.2g})" in said.text
    (note,) = (n for n in said.notes if CONFLICT in n.message)
    assert (note.code, note.severity) == ("prior-sensitive", "warning")
    assert said.to_frame().loc["d", "diagnosis"] == "none"
    assert "the other parameter" in said.text
    assert repr(said).startswith(said.text)
    assert all(str(note) in repr(said) for note in said.notes)


def test_the_grid_follows_the_data(ptq_law_fit: Fit) -> None:
    said = ptq_law_fit.sensitivity()
    table = said.to_frame().drop(index="dof")
    assert set(table["diagnosis"]) == {"none"}
    assert table[["prior", "effect"]].max(axis=None) < 0.05 < table["likelihood"].min()
    # The tails are told by few data and read by nobody: they are in the table alone.
    assert said.to_frame().loc["dof", "diagnosis"] != "none"
    assert said.text == ("All parameters but dof follow the data: no prior moves them noticeably.")
    assert said.notes == ()
    assert "C_T" in said.by_prior.columns
    assert "C_T_pivot" not in said.by_prior.columns


def test_arviz_says_the_same(ptq_law_fit: Fit) -> None:
    # ArviZ would scale the priors of the parts of a misfit too, which nobody states.
    from arviz_stats import psense

    said = ptq_law_fit.sensitivity()
    names = list(said.to_frame().index)
    # A coefficient by its logarithm: it is the value at N = 1, spread over orders of magnitude.
    posterior = ptq_law_fit.posterior
    tree = changed(ptq_law_fit, posterior=posterior.assign(C_T=np.log(posterior["C_T"]))).data
    for column, group in (("prior", "prior"), ("likelihood", "likelihood")):
        wanted = psense(tree, var_names=names, group=group)
        for name in names:
            assert said.to_frame().loc[name, column] == pytest.approx(float(wanted[name]), rel=1e-9)
    wanted = psense(tree, var_names=names, group_var_names=["gamma_N"])
    assert said.by_prior.loc["C_T", "gamma_N"] == pytest.approx(float(wanted["C_T"]), rel=1e-9)


def test_a_conjugate_posterior_moves_as_theory_says(ptq_law_fit: Fit) -> None:
    # Prior N(0, 1), likelihood of the data N(2, 0.5): the scaled posteriors are known.
    def posterior(prior: float, likelihood: float) -> Any:
        precision = prior + likelihood / 0.25
        return stats.norm(2 * likelihood / 0.25 / precision, precision**-0.5)

    sizes = ptq_law_fit.posterior["C_T"].sizes
    shuffled = np.random.default_rng(1).permutation((np.arange(4000) + 0.5) / 4000)
    theta = xr.DataArray(posterior(1, 1).ppf(shuffled).reshape(4, 1000), dims=tuple(sizes))
    nothing = dict.fromkeys(ptq_law_fit.data["log_prior"].data_vars, 0 * theta + 3.0)
    made = changed(
        ptq_law_fit,
        posterior=ptq_law_fit.posterior.assign(gamma_D=theta),
        log_prior=xr.Dataset(nothing | {"gamma_D": -(theta**2) / 2}),
        log_likelihood=xr.Dataset({"degradation": (-2 * (theta - 2) ** 2).expand_dims("row", -1)}),
    )
    x = np.linspace(float(theta.min()), float(theta.max()), 20001)
    p = posterior(1, 1).cdf(x)

    def distance(moved: Any) -> float:
        # Nguyen and Vreeken 2015, on both sides of the distribution.
        def one(p: np.ndarray, q: np.ndarray) -> float:
            inside = (p > 0) & (q > 0)
            p, q = p[inside], q[inside]
            parts = [
                a * np.log2(2 * a / (p + q)) + (b - a) / 2 / np.log(2) for a, b in ((p, q), (q, p))
            ]
            return float(np.sqrt(sum(parts).sum() / (p + q).sum()))

        q = moved.cdf(x)
        return max(one(p, q), one(1 - p, 1 - q))

    row = made.sensitivity().to_frame().loc["gamma_D"]
    for column, scaled in (
        ("prior", lambda power: posterior(power, 1)),
        ("likelihood", lambda power: posterior(1, power)),
    ):
        wanted = np.mean([distance(scaled(a)) / abs(np.log2(a)) for a in (0.99, 1.01)])
        assert row[column] == pytest.approx(wanted, rel=0.05)
    assert (row["strongest_prior"], row["effect"]) == ("gamma_D", row["prior"])
    # Priors that are the same everywhere do nothing.
    assert made.sensitivity().by_prior.drop(columns="gamma_D").max(axis=None) == 0


# --- which priors are scaled -------------------------------------------------------------------


def test_only_the_priors_that_a_person_states_are_scaled(ptq_fit: Fit) -> None:
    rng = np.random.default_rng(1)
    priors = ptq_fit.data["log_prior"].to_dataset()
    inner = {"effect_run": (4, 1000, 9), "misfit_z": (4, 1000, 5), "misfit_0": (4, 1000)}
    dims = ("chain", "draw", "of")
    added = {
        n: (tuple(d + n * (d == "of") for d in dims[: len(s)]), rng.normal(0, 9, s))
        for n, s in inner.items()
    }
    wanted = ptq_fit.sensitivity()
    said = changed(ptq_fit, log_prior=priors.assign(added)).sensitivity()
    pd.testing.assert_frame_equal(said.to_frame(), wanted.to_frame())
    pd.testing.assert_frame_equal(said.by_prior, wanted.by_prior)
    # The size of effects has a prior of its own.
    scale = 30 * ptq_fit.posterior["gamma_D"]
    said = changed(ptq_fit, log_prior=priors.assign(added | {"spread_run": scale})).sensitivity()
    assert list(said.by_prior) == [*wanted.by_prior, "spread_run"]
    assert said.to_frame().loc["gamma_D", "strongest_prior"] == "spread_run"
    # A parameter that became a vector counts with all of its values.
    halves = (priors["gamma_N"] / 2).expand_dims(study=2, axis=-1)
    said = changed(ptq_fit, log_prior=priors.assign(gamma_N=halves)).sensitivity()
    pd.testing.assert_frame_equal(said.by_prior, wanted.by_prior)


def test_a_law_with_kinds_names_them_as_the_summary_does(tmp_path: Path) -> None:
    eff = OrderedByBits(0.75, 1.0, *(Prior("LogNormal", mu=-1.0, sigma=0.5) for _ in range(2)))
    law = Law(
        "with-kinds",
        (Parameter("eff", eff, by=COMPRESSION),),
        effective={"N": lambda N, eff: N * eff},
        base=bayesq.laws()["chinchilla"],
        remember=False,
    )
    rng = np.random.default_rng(1)
    kinds, sizes = ["W3", "W4", "W4 int"], (2, 100)
    single = ["E", "A", "B", "alpha", "beta", "eff_rate", "eff_spread", "sigma", "dof"]
    over, of_kinds = ("chain", "draw"), ("chain", "draw", "compression")
    draws: dict[str, Any] = {n: (over, rng.uniform(0.5, 0.9, sizes)) for n in single}
    prior: dict[str, Any] = {
        f"{n}_pivot" if n in "AB" else n: (over, rng.normal(0, 1, sizes)) for n in single
    }
    draws["eff"] = (of_kinds, rng.uniform(0.5, 0.9, (*sizes, 3)))
    # The first kinds of the two families have a prior; the step from W3 to W4 has a hierarchy.
    steps = rng.normal(0, 1, (*sizes, 3)) * [1, 100, 1]
    # One prior goes with one kind's value.
    steps[..., 0] = 5 * draws["eff"][1][..., 2]
    prior["log_step_eff"] = (of_kinds, steps)
    coords = {"compression": kinds}
    likelihood = xr.Dataset({"loss": ((*over, "row"), rng.normal(0, 1, (*sizes, 24)))})
    fit = made_up_fit(
        with_kinds(law, {"w_bits": 3}, {"w_bits": 4}, {"w_bits": 4, "w_kind": "int"}),
        xr.Dataset(draws, coords),
        log_prior=xr.Dataset(prior, coords),
        log_likelihood=likelihood,
    )
    said = fit.sensitivity()
    assert list(said.to_frame().index) == list(fit.summary().index)
    assert set(said.by_prior) == {*single, "eff_at_4_bits"}
    assert said.to_frame().loc["eff[W4 int]", "strongest_prior"] == "eff_at_4_bits"
    assert "eff[W4 int] depends on the prior" in said.text
    back = bayesq.load_fit(fit.save(tmp_path / "fit.nc"))
    assert [n.code for n in back.notes] == ["law-not-importable"]
    assert repr(back.sensitivity()) == repr(said)


def test_a_loaded_fit_says_the_same(leaning: Fit, tmp_path: Path) -> None:
    back = bayesq.load_fit(leaning.save(tmp_path / "fit.nc"))
    # The terms of its law are not at hand; which of its coefficients were sampled as terms is.
    assert "law-not-importable" in [n.code for n in back.notes]
    said, wanted = back.sensitivity(), leaning.sensitivity()
    pd.testing.assert_frame_equal(said.to_frame(), wanted.to_frame())
    pd.testing.assert_frame_equal(said.by_prior, wanted.by_prior)
    assert (said.text, said.notes) == (wanted.text, wanted.notes)


# --- predictions and decisions -----------------------------------------------------------------


def test_a_prediction_leans_on_what_its_parameters_lean_on(leaning: Fit) -> None:
    at = {"N": ["100M", "10B"], "warmth": 0.0, "chill": [0.0, 0.0]}
    said = leaning.sensitivity(of=bayesq.predict(leaning, at))
    table = said.to_frame()
    assert (table.index.name, list(table.index)) == ("scenario", ["scenario 1", "scenario 2"])
    assert table.loc["scenario 1", "diagnosis"] == "none"
    # A hundred times larger than any row, it is what the prior of the exponent says.
    assert table.loc["scenario 2", "strongest_prior"] == "alpha"
    assert "scenario 2 depends on the prior" in said.text
    assert said.text.endswith("; the other scenario follows the data.")
    assert [n.code for n in said.notes] == ["prior-sensitive"]


def test_a_decision_leans_on_priors_too(ptq_fit: Fit) -> None:
    asked = decide.fewest_bits(ptq_fit, level=0.01, N="10M", D="100M")
    said = ptq_fit.sensitivity(asked)
    assert list(said.to_frame().index) == list(asked.to_frame().index) == ["w_bits"]
    assert said.text == "w_bits follows the data: no prior moves it noticeably."
    draws = bayesq.predict(ptq_fit, {"N": "7M", "D": "200M", "w_bits": [3.0, 4.0]}).draws
    draws = draws.rename(scenario="w_bits").assign_coords(w_bits=[3.0, 4.0])
    both = Decision(xr.Dataset({"loss": draws, "bits": asked.draws}), "answer", ())
    table = ptq_fit.sensitivity(both).to_frame()
    assert list(table.index) == list(both.to_frame().index)
    assert table.loc["bits", "prior"] == said.to_frame().loc["w_bits", "prior"]


def test_draws_without_an_answer_are_left_out(ptq_law_fit: Fit) -> None:
    draws = ptq_law_fit.posterior["gamma_N"].rename("bits")
    rows = {}
    for kept in (4000, 3000, 50, 0):
        some = draws.where(np.arange(4000).reshape(4, 1000) < kept)
        said = ptq_law_fit.sensitivity(Decision(some, "answer", ()))
        rows[kept] = said.to_frame().loc["bits"]
        if kept < 100:
            assert said.text == "Too few draws have a value of bits to tell."
            assert list(rows[kept][["diagnosis", "strongest_prior"]]) == ["unknown", ""]
            assert np.isnan(rows[kept]["prior"])
    assert rows[3000]["likelihood"] == pytest.approx(rows[4000]["likelihood"], rel=0.1)
    # An answer that is the same in all draws depends on nothing.
    same = ptq_law_fit.sensitivity(Decision(0 * draws, "answer", ())).to_frame()
    assert same[["prior", "likelihood", "effect"]].max(axis=None) == 0


# --- the command line --------------------------------------------------------------------------


def test_the_command_line_tells_it(leaning: Fit, run: Run, tmp_path: Path) -> None:
    assert re.search(r"\bsensitivity\b", run("--help").out)
    path = leaning.save(tmp_path / "fit.nc")
    said = leaning.sensitivity()
    answer = run("sensitivity", path, "--json").json()
    assert (answer["text"], answer["notes"]) == (said.text, [n.to_dict() for n in said.notes])
    frame = pd.DataFrame(answer["parameters"]).set_index("parameter")
    pd.testing.assert_frame_equal(frame, said.to_frame())
    out = run("sensitivity", path).out
    assert re.sub(r"\s+", " ", out).startswith(said.text)
    assert re.search(rf"^alpha +[\d.]+ +\S+ +{re.escape(STRONG)} +alpha\b", out, re.MULTILINE)
    assert "[warning] prior-sensitive" in out


@pytest.mark.parametrize(
    ("fit", "words"),
    [
        ("sun2025", "is not known for sun2025 with the constants sun2025, which has no densities"),
        ("none.nc", "none.nc does not exist"),
    ],
)
def test_a_mistake_ends_with_one_sentence(fit: str, words: str, run: Run) -> None:
    said = run("sensitivity", fit)
    assert (said.code, said.out) == (2, "")
    assert re.fullmatch(rf"error: [^\n]*{words}[^\n]*\.\n", said.err)


# --- what is refused ---------------------------------------------------------------------------


def test_what_has_no_densities_is_refused(ptq_fit: Fit) -> None:
    tree = xr.DataTree.from_dict({"posterior": ptq_fit.posterior})
    tree.attrs = ptq_fit.data.attrs
    for lacking in (bayesq.published("sun2025"), replace(ptq_fit, data=tree, notes=())):
        with pytest.raises(BayesqError, match="has no densities of prior and likelihood; fit") as e:
            sensitivity(lacking)
        assert one_sentence(e.value)
    with pytest.raises(BayesqError, match="A str is not a fit"):
        sensitivity("fit")  # type: ignore[arg-type]


def test_too_few_draws_are_refused(ptq_fit: Fit) -> None:
    few = replace(ptq_fit, data=ptq_fit.data.isel(draw=slice(24)), notes=())
    with pytest.raises(BayesqError, match=r"The fit has 96 draws, and .* takes 100; fit") as e:
        few.sensitivity()
    assert one_sentence(e.value)
    enough = replace(ptq_fit, data=ptq_fit.data.isel(draw=slice(25)), notes=())
    assert enough.sensitivity().to_frame()["prior"].notna().all()


@pytest.mark.parametrize("of", [3, "C_T", "the fit", "a prior check"])
def test_only_answers_can_be_asked_about(of: Any, ptq_fit: Fit, ptq_runs: bayesq.Runs) -> None:
    if of == "the fit":
        of = ptq_fit
    elif of == "a prior check":
        of = bayesq.prior_check(ptq_runs, ptq_fit.law, draws=10)
    with pytest.raises(BayesqError, match=r"which holds no draws of this fit; pass what") as e:
        ptq_fit.sensitivity(of)
    assert one_sentence(e.value)


def test_answers_of_another_fit_are_refused(ptq_fit: Fit, leaning: Fit) -> None:
    theirs = bayesq.predict(ptq_fit, {"N": "7M", "D": "200M", "w_bits": 4})
    with pytest.raises(BayesqError, match=r"of= has 4 by 1000 draws .* the fit has 4 by 500") as e:
        leaning.sensitivity(of=theirs)
    assert one_sentence(e.value)
