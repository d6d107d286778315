"""A user's own law is at home: fitted, saved, loaded, and loaded where it is not at hand."""

from __future__ import annotations

import dataclasses
import gc
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from made_up_fits import made_up_fit, with_kinds

import bayesq
from bayesq import Fit, Law, Parameter, Prior, Runs, deprecated
from bayesq.errors import BayesqError
from bayesq.law import COMPRESSION, Kind, Levels, OrderedByBits, registry
from bayesq.posterior.migration import BEFORE

TRUE = {"E": 2.0, "A": 300.0, "alpha": 0.34, "c": 0.3}
# As a notebook cell or a script on standard input has it. `warmth` is a column of the table and
# `S` is made from one; neither is known to bayesq.
CELL = """
import sys

import bayesq
from bayesq import Input, Law, Parameter, Prior

law = Law(
    name="my-law",
    loss=lambda N, warmth, S, E, A, alpha, c: E + A * N**-alpha + c * warmth * S,
    inputs=(
        Input("S", ("schedule",), lambda t: (t["schedule"] == "cosine") * 2.0 - 1, scale="linear"),
    ),
    parameters=(
        Parameter("E", Prior("LogNormal", mu=0.4, sigma=0.5), "nats/token", share=True),
        Parameter(
            "A",
            Prior("LogNormal", mu=-0.7, sigma=1),
            "nats/token",
            term=lambda N, alpha: N**-alpha,
        ),
        Parameter("alpha", Prior("LogNormal", mu=-1, sigma=0.5), slope_of="A"),
        Parameter("c", Prior("Normal", mu=0, sigma=1), "nats/token"),
    ),
)
"""
FIT = """
runs = bayesq.read_runs(sys.argv[1])
fit = bayesq.fit(runs, law, discrepancy=False, seed=5, draws=300, chains=2, progress=True)
fit.save(sys.argv[2])
"""
# The rows are made from the law, which is true of them.
SETTINGS: dict[str, Any] = {
    "discrepancy": False,
    "seed": 5,
    "draws": 300,
    "chains": 2,
    "progress": False,
}
# What may stand in a line of the error stream while a fit is made, and nothing else.
SAID = re.compile(
    r"[a-z][\w ]+?( \(once for this law and size of table\))?( \d+%| \d+ of \d+)?(, .* left)?"
    r"( \(\d+ \w+ so far\))?"
)
AT = {"N": 1e8, "warmth": [0.5, 0.5, 2.0], "schedule": ["cosine", "linear", "cosine"]}


def cell() -> Law:
    """Run the cell, as a notebook would: its source is in no file."""
    names: dict[str, Any] = {}
    exec(CELL, names)
    return names["law"]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make up a table with two columns that only the user's law knows."""
    rng = np.random.default_rng(1)
    N = 10 ** rng.uniform(7, 9, 24)
    frame = pd.DataFrame({"N": N, "D": 1e9 * (1 + np.arange(24)), "warmth": rng.uniform(-1, 1, 24)})
    frame["schedule"] = np.where(np.arange(24) % 3, "cosine", "linear")
    sign = np.where(frame.schedule == "cosine", 1, -1)
    frame["loss"] = TRUE["E"] + TRUE["A"] * N ** -TRUE["alpha"] + TRUE["c"] * frame.warmth * sign
    frame["loss"] *= np.exp(rng.normal(0, 0.002, 24))
    path = tmp_path_factory.mktemp("table") / "runs.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def runs(table: Path) -> Runs:
    return bayesq.read_runs(table)


@pytest.fixture(scope="module")
def law() -> Law:
    return cell()


@pytest.fixture(scope="module")
def fit(runs: Runs, law: Law) -> Fit:
    return bayesq.fit(runs, law, **SETTINGS)


def same_draws(one: Fit, other: Fit) -> None:
    assert set(one.data.children) == set(other.data.children)
    for group in ("posterior", "log_likelihood", "log_prior"):
        assert set(one.data[group].data_vars) == set(other.data[group].data_vars)
        for name, values in one.data[group].data_vars.items():
            assert values.values.tobytes() == other.data[group][name].values.tobytes(), name


def test_it_finds_what_the_rows_were_made_from(fit: Fit, runs: Runs) -> None:
    table = fit.summary(0.98)
    assert list(table.index) == [*TRUE, "sigma", "dof"]
    for symbol, value in TRUE.items():
        assert table.loc[symbol, "lower"] < value < table.loc[symbol, "upper"], symbol
    inputs = fit.data["constant_data"].to_dataset()
    np.testing.assert_array_equal(inputs["warmth"], runs.columns["warmth"])
    np.testing.assert_array_equal(inputs["S"], np.where(runs.frame.schedule == "cosine", 1, -1))


def test_it_predicts_from_columns_of_its_own(fit: Fit) -> None:
    prediction = bayesq.predict(fit, AT)
    draws = fit.posterior
    base = draws["E"] + draws["A"] * 1e8 ** -draws["alpha"]
    for i, moved in enumerate((0.5, -0.5, 2.0)):
        np.testing.assert_allclose(prediction.draws[..., i], base + moved * draws["c"], rtol=1e-12)
    frame = prediction.to_frame()
    assert list(frame.columns[:3]) == ["N", "warmth", "schedule"]
    assert frame.loc[1, "schedule"] == "linear"
    # A range that reaches below 0 has no factor: 1 and the overshoot in widths of the range.
    low, high = fit.observed_range["warmth"]
    wanted = [1, 1, 1 + (2.0 - high) / (high - low)]
    np.testing.assert_allclose(frame["distance_warmth"], wanted, rtol=1e-12)
    (note,) = prediction.notes
    assert "Scenario 3 lies outside the data" in note.message


WRONG_SCENARIOS = {
    "own column left out": ({"N": 1e8, "schedule": "linear"}, r"gives no warmth .*warmth is not"),
    "text for a number": (AT | {"warmth": "hot"}, "gives no warmth .*holds text, not numbers"),
    "no value": (AT | {"warmth": np.nan}, "Scenario 1 gives no warmth .*warmth is not given"),
    "column of derive left out": ({"N": 1e8, "warmth": 0}, "gives no S .*schedule is not given"),
    "unknown column": (AT | {"warm": 1}, r"no column 'warm'; did you mean warmth"),
}


def test_scenarios_lack_nothing_of_its_own(fit: Fit) -> None:
    for scenario, words in WRONG_SCENARIOS.values():
        with pytest.raises(BayesqError, match=words):
            bayesq.predict(fit, scenario)


def test_it_is_found_again_in_the_session(fit: Fit, law: Law, tmp_path: Path) -> None:
    back = bayesq.load_fit(fit.save(tmp_path / "fit.nc"))
    assert back.law is law
    assert back.notes == fit.notes
    same_draws(fit, back)
    np.testing.assert_array_equal(
        bayesq.predict(back, AT).draws.values, bayesq.predict(fit, AT).draws.values
    )


def test_a_law_that_nobody_holds_is_not_at_hand(fit: Fit, tmp_path: Path) -> None:
    # Under a name of its own, which the session forgets with the law.
    law = dataclasses.replace(fit.law, name="passing")
    design = dataclasses.replace(fit.specification.design, law=law)
    described = dataclasses.replace(fit.specification, design=design)
    named = dataclasses.replace(fit, specification=described, data=fit.data.copy())
    del law, design, described
    named.data.attrs["law"] = fit.data.attrs["law"].replace("my-law", "passing")
    path = named.save(tmp_path / "fit.nc")
    assert bayesq.load_fit(path).law is named.law
    del named
    gc.collect()
    assert [n.code for n in bayesq.load_fit(path).notes if n.code.startswith("law-")] == [
        "law-not-importable"
    ]


def test_a_law_of_another_formula_is_pointed_out(fit: Fit, tmp_path: Path) -> None:
    path = fit.save(tmp_path / "fit.nc")
    times = Law(
        "my-law",
        fit.law.parameters,
        loss=lambda N, warmth, S, E, A, alpha, c: E * A * N**-alpha * c * warmth * S,
        inputs=fit.law.inputs,
        remember=False,
    )
    back = bayesq.load_fit(path, law=times)
    assert [n.code for n in back.notes if n not in fit.notes] == ["law-changed"]
    fewer = Law("my-law", fit.law.parameters[:1], loss=lambda N, E: E, remember=False)
    with pytest.raises(BayesqError, match=r"has parameters E, the fit in .* has E, A, alpha, c;"):
        bayesq.load_fit(path, law=fewer)


# --- a fit that was made elsewhere -------------------------------------------------------------


@pytest.fixture(scope="module")
def elsewhere(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fit the law in a script on standard input and return the saved fit.

    The folder of compiled models is empty, as on a new machine, and the errors go to a pipe, where
    a line now and then says what is being done.
    """
    folder = tmp_path_factory.mktemp("elsewhere")
    done = subprocess.run(
        [sys.executable, "-", str(table), str(folder / "fit.nc")],
        input=(CELL.replace("my-law", "elsewhere") + FIT).encode(),
        capture_output=True,
        env=os.environ | {"BAYESQ_COMPILED": str(folder / "cache")},
        timeout=180,
    )
    assert (done.returncode, done.stdout) == (0, b"")
    assert all(SAID.fullmatch(line) for line in done.stderr.decode().splitlines())
    return folder / "fit.nc"


@pytest.mark.slow
def test_the_same_seed_gives_the_same_draws_on_a_new_machine(fit: Fit, elsewhere: Path) -> None:
    # Functions that came from the compiler's cache once gave other last digits, and with them other
    # draws, than functions that were just compiled.
    back = bayesq.load_fit(elsewhere)
    same_draws(fit, back)

    # Where the law is not at hand, what needs no formula is still there.
    pd.testing.assert_frame_equal(back.summary(), fit.summary())
    (note,) = (n for n in back.notes if n not in fit.notes)
    assert (note.code, note.severity) == ("law-not-importable", "warning")
    assert f"bayesq.load_fit({str(elsewhere)!r}, law=...)" in note.remedy
    assert back.law.name == "elsewhere"
    assert repr(back).startswith("Fit of elsewhere to loss: 24 rows of ")
    for scenario in (AT, {"N": 1e8}, {"N": 1e8, "warmth": 0.5, "S": 1}):
        with pytest.raises(
            BayesqError, match=r"elsewhere is not at hand.*load_fit\(path, law="
        ) as e:
            bayesq.predict(back, scenario)
        assert "--law" in str(e.value)
    with pytest.raises(BayesqError, match="elsewhere is not at hand"):
        bayesq.decide.fewest_bits(back, level=0.01, N=1e8)

    # It may be saved again and loses nothing by it.
    again = bayesq.load_fit(back.save(elsewhere.with_name("again.nc")))
    same_draws(back, again)
    assert [n.code for n in again.notes] == [n.code for n in back.notes]

    # With the law it is whole again: as an object, and as a file.
    mended = bayesq.load_fit(elsewhere, law=fit.law)
    np.testing.assert_array_equal(
        bayesq.predict(mended, AT).draws.values, bayesq.predict(fit, AT).draws.values
    )
    assert "law-not-importable" not in [n.code for n in mended.notes]
    file = elsewhere.with_name("elsewhere.py")
    file.write_text(CELL.replace("my-law", "elsewhere"))
    assert bayesq.predict(bayesq.load_fit(elsewhere, law=str(file)), AT).draws.shape == (2, 300, 3)


def fit_with_kinds(by: Levels) -> Fit:
    eff = OrderedByBits(0.75, 1.0, *(Prior("LogNormal", mu=-1.0, sigma=0.5) for _ in range(2)))
    law = Law(
        "with-kinds",
        (Parameter("eff", eff, by=by),),
        effective={"N": lambda N, eff: N * eff},
        base=bayesq.laws()["chinchilla"],
        remember=False,
    )
    # Made-up draws: what is saved and shown of them needs no sampler.
    rng = np.random.default_rng(1)
    kinds = ["W3", "W4", "W8"]
    single = [*(p.symbol for p in law.base.parameters), "eff_rate", "eff_spread", "sigma", "dof"]
    draws = {s: (("chain", "draw"), rng.uniform(0.5, 0.9, (2, 100))) for s in single}
    draws["eff"] = (("chain", "draw", by.symbol), rng.uniform(0.5, 0.9, (2, 100, 3)))
    described = with_kinds(law, *({"w_bits": bits} for bits in (3, 4, 8)))
    return made_up_fit(described, xr.Dataset(draws, {by.symbol: kinds}))


def test_a_law_with_kinds_is_shown_where_it_is_not_at_hand(tmp_path: Path) -> None:
    fit = fit_with_kinds(COMPRESSION)
    law, kinds = fit.law, fit.levels["compression"]
    path = fit.save(tmp_path / "fit.nc")
    table = fit.summary()
    assert list(table.index)[5:10] == [*(f"eff[{k}]" for k in kinds), "eff_rate", "eff_spread"]
    mended = bayesq.load_fit(path, law=law)
    assert (mended.levels, mended.notes) == ({"compression": kinds}, ())
    pd.testing.assert_frame_equal(mended.summary(), table)
    back = bayesq.load_fit(path)
    assert [n.code for n in back.notes] == ["law-not-importable"]
    pd.testing.assert_frame_equal(back.summary(), table)
    with pytest.raises(BayesqError, match="with-kinds is not at hand"):
        bayesq.predict(back, {"N": 1e8, "D": 1e9, "compression": "W4"})


def test_labels_of_ones_own_levels_mean_the_same_in_an_older_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deprecated, "_told", set())
    read = lambda columns: ["" if b >= 16 else f"W{b:g}" for b in columns["w_bits"]]  # noqa: E731
    with pytest.warns(DeprecationWarning, match="Levels format give text, which is read for bits"):
        fit = fit_with_kinds(Levels("format", ("w_bits",), read))
    assert fit.kinds == {"format": [Kind(w_bits=bits) for bits in (3, 4, 8)]}
    del fit.data.attrs["kinds"]
    fit.data.attrs["format"] = BEFORE[-1]
    back = bayesq.load_fit(fit.save(tmp_path / "fit.nc"), law=fit.law)
    assert back.kinds == fit.kinds
    at = {"N": 1e8, "D": 1e9}
    by_bits = bayesq.predict(back, at | {"w_bits": 4}).draws
    np.testing.assert_array_equal(by_bits, bayesq.predict(back, at | {"format": "W4"}).draws)
    found = bayesq.decide.optimal_format(back, bits=4, **at)
    assert found.near_optimal.index.tolist() == ["W4"]


# --- files that define a law -------------------------------------------------------------------

BROKEN = {
    "not Python": ("law = = 3", r"cannot be run \(SyntaxError"),
    "a failing import": (
        "import nowhere_at_all",
        r"cannot be run \(ModuleNotFoundError: No module",
    ),
    "an exception": ("1 / 0", r"cannot be run \(ZeroDivisionError: division by zero\); mend the"),
    "no law": ("lawn = 3", r"defines no law; let it say law = Law\(\.\.\.\)"),
    "another thing": ("law = 3", "defines no law"),
    "a law that does not fit together": (
        "from bayesq import Law, Parameter, Prior\n"
        "law = Law('x', (Parameter('F', Prior('Normal', mu=0, sigma=1)),), loss=lambda N, E: E)",
        "Parameter F of law x is not an argument of its formula",
    ),
    "binary": ("\0\0\0", r"cannot be run \("),
    "an exit": ("import sys; sys.exit(0)", r"cannot be run \(SystemExit"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_refused_in_one_sentence(what: str, tmp_path: Path) -> None:
    code, words = BROKEN[what]
    file = tmp_path / "mine.py"
    file.write_text(code)
    with pytest.raises(BayesqError, match=words) as caught:
        registry.find_law(str(file))
    said = str(caught.value)
    assert "\n" not in said
    assert said.endswith(".")


def test_a_file_of_a_law_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()
    for name in ("folder.py", "none.py"):
        with pytest.raises(
            BayesqError, match=r"is not a file; name a Python file that defines law"
        ):
            registry.find_law(tmp_path / name)


# --- three rows --------------------------------------------------------------------------------


def _term(N: Any, D: Any, alpha: Any) -> Any:
    return (6 * N * D / 1e20) ** -alpha


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_law_in_compute_through_three_rows_is_sampled_without_a_divergence(seed: int) -> None:
    # Neither its floor nor its exponent says what it is to the sampler.
    law = Law(
        "power-of-compute",
        (
            Parameter("E", Prior("LogNormal", mu=0.5, sigma=0.4), "nats/token"),
            Parameter("A", Prior("LogNormal", mu=0.3, sigma=0.7), "nats/token", term=_term),
            Parameter("alpha", Prior("Normal", mu=0.1, sigma=0.05)),
        ),
        loss=lambda N, D, E, A, alpha: E + A * _term(N, D, alpha),
        stages=("none",),
        remember=False,
    )
    rows = {
        "N": ["18.9M", "55.1M", "135.6M"],
        "D": ["75.3B", "220.3B", "542.4B"],
        "loss": [3.2373, 2.9538, 2.7515],
    }
    fit = bayesq.fit(bayesq.read_runs(pd.DataFrame(rows)), law, seed=seed, progress=False)
    assert not {n.code for n in fit.notes} & {"divergences", "r-hat", "ess", "e-bfmi"}
    said = [n.message for n in bayesq.predict(fit, {"N": "1B", "D": "4T"}).notes]
    assert any("7.4 times in N" in m and "about 54 times in compute 6ND" in m for m in said)
