"""Draws as CSV and Parquet: every number comes back, under its name, with its unit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from saved_fits import unpacked

import bayesq
from bayesq import BayesqError, Fit
from bayesq.decide.decision import Decision, answers
from bayesq.draws import draws_frame
from command import Run


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked("kinds", "6", tmp_path_factory.mktemp("kinds"))


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked("studies", "6", tmp_path_factory.mktemp("studies"))


def back(path: Path) -> pd.DataFrame:
    """Read a table of draws."""
    return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_draws_of_a_fit_come_back(kinds: Path, tmp_path: Path, form: str) -> None:
    fit = bayesq.load_fit(kinds)
    path = fit.save_draws(tmp_path / f"draws.{form}")
    table = back(path)
    summary = fit.summary()
    assert list(table) == ["chain", "draw", *summary.index]
    assert "eff[" in "".join(table)
    posterior = fit.posterior
    np.testing.assert_array_equal(table["A"], posterior["A"].values.ravel())
    for label in posterior["compression"].values:
        theirs = posterior["eff"].sel(compression=label).values.ravel()
        np.testing.assert_array_equal(table[f"eff[{label}]"], theirs)
    shape = (posterior.sizes["chain"], posterior.sizes["draw"])
    np.testing.assert_array_equal(table["chain"], np.repeat(posterior["chain"], shape[1]))
    np.testing.assert_array_equal(table["draw"], np.tile(posterior["draw"], shape[0]))
    np.testing.assert_allclose(table[summary.index].median(), summary["median"], rtol=1e-12)
    if form == "parquet":
        assert table.attrs["units"] == summary["unit"].to_dict()


def test_studies_have_columns_of_their_own(studies: Path) -> None:
    fit = bayesq.load_fit(studies)
    assert {"gamma_N[a]", "gamma_N[b]", "gamma_N_spread"} <= set(fit.to_draws())
    one = fit.of_study("b")
    column = fit.to_draws()["gamma_N[b]"]
    np.testing.assert_array_equal(one.to_draws()["gamma_N"], column)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_draws_of_predictions_and_decisions_come_back(tmp_path: Path, form: str) -> None:
    law = bayesq.published("chinchilla")
    found = bayesq.predict(law, {"N": [1e9, 7e9], "D": [1e11, 1e12]})
    table = back(found.save_draws(tmp_path / f"prediction.{form}"))
    assert list(table) == ["chain", "draw", "loss[0]", "loss[1]"]
    np.testing.assert_array_equal(table.iloc[0, 2:], found.draws.values[0, 0])

    values = np.array([[1.5, np.nan], [np.inf, 2.25]])
    options = xr.DataArray([[[1.0, 2.0]] * 2] * 2, {"bits": [3.0, 4.0]}, ("chain", "draw", "bits"))
    told = xr.DataArray(values, dims=("chain", "draw"))
    decision = Decision(answers(D=(told, "tokens"), loss=(options, "nats/token")), "Some.", ())
    table = back(decision.save_draws(tmp_path / f"decision.{form}"))
    assert list(table) == ["chain", "draw", *decision.to_frame().index]
    np.testing.assert_array_equal(table["D"], values.ravel())
    np.testing.assert_array_equal(table["loss 4"], [2.0] * 4)
    if form == "parquet":
        units = {"D": "tokens", "loss 3": "nats/token", "loss 4": "nats/token"}
        assert table.attrs["units"] == units


def test_a_file_that_is_there_stays_where_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = bayesq.predict(bayesq.published("chinchilla"), {"N": 1e9, "D": 1e11})
    path = tmp_path / "draws.csv"
    path.write_text("old")

    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(BayesqError, match="No space left"):
        found.save_draws(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["draws", "draws.nc", "draws.xlsx"])
def test_the_name_tells_the_form(tmp_path: Path, name: str) -> None:
    found = bayesq.predict(bayesq.published("chinchilla"), {"N": 1e9, "D": 1e11})
    with pytest.raises(BayesqError, match=r"end its name in \.csv or \.parquet\.$"):
        found.save_draws(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_chains_without_numbers_are_counted() -> None:
    table = draws_frame({"a": (xr.DataArray(np.ones((2, 2)), dims=("chain", "draw")), "1")})
    assert table["chain"].tolist() == [0, 0, 1, 1]
    assert table["draw"].tolist() == [0, 1, 0, 1]


# --- on the command line -----------------------------------------------------------------------


def test_the_command_line_writes_draws(kinds: Path, tmp_path: Path, run: Run) -> None:
    path = tmp_path / "draws.parquet"
    said = run("draws", kinds, "-o", path)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("40 draws of E (nats/token), ")
    assert said.out.endswith(f"saved to {path}\n")
    pd.testing.assert_frame_equal(back(path), bayesq.load_fit(kinds).to_draws())
    told = run("draws", kinds, "-o", path, "--json").json()
    assert told["replaced"] is True
    assert told["units"] == bayesq.load_fit(kinds).summary()["unit"].to_dict()


def test_draws_of_one_study_are_written(studies: Path, tmp_path: Path, run: Run) -> None:
    path = tmp_path / "draws.csv"
    assert run("draws", studies, "--study", "b", "-o", path).code == 0
    fit: Fit = bayesq.load_fit(studies)
    pd.testing.assert_frame_equal(back(path), fit.of_study("b").to_draws(), check_exact=True)


def test_draws_are_refused_in_a_sentence(kinds: Path, tmp_path: Path, run: Run) -> None:
    for arguments, words in {
        (kinds, "-o", tmp_path / "draws.txt"): "end its name in .csv or .parquet.",
        (kinds, "-o", tmp_path / "none" / "draws.csv"): "does not exist; make it first.",
        ("chinchilla", "-o", tmp_path / "a.csv"): "paper's constants; name a fit that was saved.",
    }.items():
        said = run("draws", *arguments)
        assert (said.code, said.out) == (2, "")
        assert said.err.endswith(f"{words}\n")


def test_latex_is_printed_and_nothing_else(kinds: Path, run: Run) -> None:
    fit = bayesq.load_fit(kinds)
    assert run("show", kinds, "--latex", "--prob", "0.5").out == fit.to_latex(0.5)
    law = bayesq.published("chinchilla")
    predicted = bayesq.predict(law, {"N": [1e9], "D": [1e11]})
    said = run("predict", "chinchilla", "--at", "N=1B,D=100B", "--latex")
    assert (said.out, said.err) == (predicted.to_latex(), "")
    decided = bayesq.decide.compute_optimal(law, compute=1e21)
    said = run("decide", "compute_optimal", "chinchilla", "compute=1e21", "--latex", "-q")
    assert (said.out, said.err) == (decided.to_latex(), "")


@pytest.mark.parametrize(
    "command",
    [
        ("show", "fit.nc"),
        ("predict", "chinchilla", "--at", "N=1B"),
        ("decide", "compute_optimal", "chinchilla"),
        ("compare", "grid", "--laws", "chinchilla,kaplan"),
    ],
    ids=lambda command: command[0],
)
def test_one_form_is_asked_for(command: tuple[str, ...], run: Run) -> None:
    said = run(*command, "--latex", "--json")
    assert said.code == 2
    assert "--json and --latex ask for one result in two forms; leave one out." in said.out
