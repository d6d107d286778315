"""Averages in files and on the command line, and the runs that are suggested there."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from made_up_fits import around

import bayesq
from bayesq import Fit
from bayesq.decide import fewest_bits
from bayesq.errors import BayesqError
from bayesq.notes import Note
from bayesq.posterior.average import Average
from command import Run

NOISE = {"sigma": 0.05, "sigma_0": 1e-4, "dof": 8.0}
KUMAR = {"C_T": 0.04, "gamma_D": 0.5, "gamma_N": 0.5, "gamma_post": 0.6}
OUYANG = {"k": 0.05, "beta": 0.5, "alpha": 0.2, "gamma": 5.0}
AT = {"N": "7M", "D": "200M", "w_bits": [3, 4]}
QUESTION = {"level": 0.02, "N": "7M", "D": "200M"}


@pytest.fixture(scope="module")
def fits(ptq_runs: bayesq.Runs) -> dict[str, Fit]:
    """Put draws where two laws would have their posteriors."""
    return {
        "kumar2024-ptq": around(ptq_runs, "kumar2024-ptq", "degradation", KUMAR | NOISE),
        "ouyang2024": around(ptq_runs, "ouyang2024", "degradation", OUYANG | NOISE),
    }


@pytest.fixture(scope="module")
def average(fits: dict[str, Fit]) -> Average:
    told = Note("told", "warning", "Something was seen.", "Mend it.", rows=(3, 7))
    mixed = bayesq.average(fits, {"kumar2024-ptq": 0.3, "ouyang2024": 0.7})
    return replace(mixed, notes=(told,))


@pytest.fixture(scope="module")
def folder(
    fits: dict[str, Fit], average: Average, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("fits")
    for name, fit in fits.items():
        fit.save(folder / f"{name.partition('2')[0]}.nc")
    average.save(folder / "both.nc")
    return folder


# --- in a file ---------------------------------------------------------------------------------


def test_an_average_comes_back_as_it_was(average: Average, folder: Path) -> None:
    back = bayesq.load_fit(folder / "both.nc")
    assert isinstance(back, Average)
    assert (back.weights, back.how, back.notes) == (average.weights, average.how, average.notes)
    assert list(back.fits) == list(average.fits)
    for name, fit in average.fits.items():
        assert isinstance(back.fits[name], Fit)
        assert isinstance(fit, Fit)
        xr.testing.assert_identical(back.fits[name].posterior, fit.posterior)
        assert back.fits[name].specification.key == fit.specification.key
    for kind in ("mean", "run"):
        one, other = (bayesq.predict(a, AT, kind).draws for a in (back, average))
        np.testing.assert_array_equal(one, other)
    assert fewest_bits(back, **QUESTION).text == fewest_bits(average, **QUESTION).text


def test_an_average_that_came_back_is_saved_again(folder: Path, tmp_path: Path) -> None:
    back = bayesq.load_fit(folder / "both.nc")
    again = bayesq.load_fit(back.save(tmp_path / "again.nc"))
    assert repr(again) == repr(back)
    np.testing.assert_array_equal(
        bayesq.predict(again, AT).draws.values, bayesq.predict(back, AT).draws.values
    )


def test_papers_constants_come_back_by_their_names(tmp_path: Path) -> None:
    papers = [bayesq.published("sun2025"), bayesq.published("kumar2024-qat")]
    mixed = bayesq.average(papers, "equal")
    back = bayesq.load_fit(mixed.save(tmp_path / "papers.nc"))
    assert {n: fit.title for n, fit in back.fits.items()} == {
        n: fit.title for n, fit in mixed.fits.items()
    }
    given = bayesq.average([papers[0], bayesq.published("kumar2024-qat", gamma_w=2.5)], "equal")
    with pytest.raises(BayesqError, match="which no file holds by itself"):
        given.save(tmp_path / "given.nc")
    assert not (tmp_path / "given.nc").exists()


def test_what_is_damaged_or_has_changed_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cut.nc").write_bytes((folder / "both.nc").read_bytes()[:9000])
    with pytest.raises(BayesqError, match="cut short"):
        bayesq.load_fit(tmp_path / "cut.nc")
    papers = bayesq.average(
        [bayesq.published("sun2025"), bayesq.published("kumar2024-qat")], "equal"
    )
    papers.save(tmp_path / "papers.nc")
    monkeypatch.setitem(vars(bayesq.laws()["sun2025"]), "digest", "another")
    with pytest.raises(BayesqError, match="Law sun2025 has changed since the average was made"):
        bayesq.load_fit(tmp_path / "papers.nc")


def test_one_study_is_taken_of_all_fits_of_an_average(average: Average) -> None:
    with pytest.raises(BayesqError, match="is not pooled over studies"):
        average.of_study("new")


# --- on the command line -----------------------------------------------------------------------


def test_fits_are_averaged_on_the_command_line(
    average: Average, folder: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    both = [folder / "kumar.nc", folder / "ouyang.nc"]
    weights = ["--weights", "kumar2024-ptq=0.3,ouyang2024=0.7"]
    said = run("average", *both, *weights, "--json").json()
    assert said["saved"] == "average-kumar2024-ptq-ouyang2024.nc"
    assert {law["name"]: law["weight"] for law in said["laws"]} == average.weights
    back = bayesq.load_fit(said["saved"])
    np.testing.assert_array_equal(
        bayesq.predict(back, AT).draws.values, bayesq.predict(average, AT).draws.values
    )
    shown = run("show", said["saved"], "--json").json()
    assert shown == said | {"saved": None}
    out = run("average", *both, "--weights", "equal", "-o", "mine.nc").out
    assert re.search(r"^ouyang2024 +ouyang2024 +0\.5 ", out, re.MULTILINE)
    assert out.endswith("saved to mine.nc\n")


def test_an_average_predicts_and_decides_on_the_command_line(
    average: Average, folder: Path, run: Run
) -> None:
    both = folder / "both.nc"
    at = [f"N=7M,D=200M,w_bits={bits}" for bits in (3, 4)]
    said = run("predict", both, "--at", at[0], "--at", at[1], "--json").json()
    pd.testing.assert_frame_equal(
        pd.DataFrame(said["predictions"]), bayesq.predict(average, AT).to_frame()
    )
    said = run("decide", "fewest_bits", both, "level=0.02", "N=7M", "D=200M", "--json").json()
    assert said["text"] == fewest_bits(average, **QUESTION).text


def test_runs_are_suggested_on_the_command_line(
    fits: dict[str, Fit], average: Average, folder: Path, run: Run, tmp_path: Path
) -> None:
    at = {"N": ["7M", "30M", "100M"], "D": ["200M", "2B", "20B"], "w_bits": [3, 4, 5]}
    frame = pd.DataFrame(at)
    each = [",".join(f"{k}={v}" for k, v in row.items()) for row in frame.to_dict("records")]
    line = [part for text in each for part in ("--at", text)]
    # Which of the laws holds: of an average, and of fits that then count alike.
    wanted = bayesq.suggest_runs(average, at, "1e20", progress=False)
    said = run("suggest", folder / "both.nc", "--budget", "1e20", *line, "--json").json()
    assert said["text"] == wanted.text
    pd.testing.assert_frame_equal(pd.DataFrame(said["runs"]), wanted.table)
    two = [folder / "kumar.nc", folder / "ouyang.nc"]
    wanted = bayesq.suggest_runs(fits, at, "1e20", progress=False)
    assert run("suggest", *two, "--budget", "1e20", *line, "--json").json()["text"] == wanted.text
    # An answer of one fit, with candidates and what they cost from a file.
    frame.assign(flops=["1e17", "2e17", "3e17"]).to_csv(tmp_path / "next.csv", index=False)
    wanted = bayesq.suggest_runs(
        fits["ouyang2024"],
        at,
        4e17,
        lambda fit: fewest_bits(fit, **QUESTION),
        cost=[1e17, 2e17, 3e17],
        progress=False,
    )
    asked = ["--decision", "fewest-bits level=0.02 N=7M D=200M", "--cost", "flops"]
    given = ["--candidates", tmp_path / "next.csv", "--budget", "4e17"]
    answer = run("suggest", two[1], *asked, *given)
    assert answer.out.startswith(wanted.text[:40])
    assert run("suggest", two[1], *asked, *given, "--json").json()["text"] == wanted.text
    foretold = ["--decision", "predict N=1B D=20B w_bits=4", "--budget", "1e20", *line]
    assert run("suggest", two[1], *foretold).code == 0


MISTAKES = {
    "an average of averages": (["average", "both.nc", "ouyang.nc"], "both.nc is an average of"),
    "one file twice": (["average", "ouyang.nc", "ouyang.nc"], "ouyang.nc is named twice"),
    "one fit": (["average", "ouyang.nc"], "nothing to compare; pass two fits or more"),
    "a weight for none": (
        ["average", "kumar.nc", "ouyang.nc", "--weights", "kumar=1"],
        "A weight is for 'kumar'; did you mean kumar2024-ptq",
    ),
    "a weight that is none": (
        ["average", "kumar.nc", "ouyang.nc", "--weights", "ouyang2024=much"],
        "holds what is no number",
    ),
    "unknown weights": (
        ["average", "kumar.nc", "ouyang.nc", "--weights", "staking"],
        "weights is 'staking'; did you mean stacking",
    ),
    "priors of an average": (["sensitivity", "both.nc"], "both.nc is an average; ask each of"),
    "an average as a base": (
        ["decide", "critical_tokens", "ouyang.nc", "N=1B", "w_bits=3", "--base", "both.nc"],
        "both.nc is an average of several laws",
    ),
    "a probability of an average": (["show", "both.nc", "--prob", "7"], "prob is 7"),
    "a study of an average": (
        ["decide", "fewest_bits", "both.nc", "level=1", "N=1B", "D=1B", "--study", "new"],
        "not pooled over studies",
    ),
    "nothing to narrow": (
        ["suggest", "ouyang.nc", "--budget", "1e20", "--at", "N=1B,D=1B,w_bits=3"],
        "With one law there is nothing to tell apart",
    ),
    "candidates twice": (
        ["suggest", "both.nc", "--budget", "1e20", "--at", "N=1B", "--candidates", "a.csv"],
        "Give candidates: --at",
    ),
    "an unknown cost": (
        ["suggest", "both.nc", "--budget", "1e20", "--at", "N=1B,D=1B", "--cost", "flop"],
        "The candidates lack column 'flop'",
    ),
    "an unknown answer": (
        ["suggest", "both.nc", "--budget", "1", "--at", "N=1B", "--decision", "few N=1"],
        "No decision is called 'few'",
    ),
    "an open quote": (
        ["suggest", "both.nc", "--budget", "1", "--at", "N=1B", "--decision", "few 'N=1"],
        '--decision "few \'N=1" cannot be read',
    ),
    "constants": (
        ["suggest", "ouyang2024", "kumar.nc", "--budget", "1e20", "--at", "N=1B,D=1B,w_bits=3"],
        "How runs scatter is not known of ouyang2024 with the constants",
    ),
    "no budget": (
        ["suggest", "both.nc", "--budget", "big", "--at", "N=1B,D=1B,w_bits=3"],
        "budget is 'big'; write a number",
    ),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_ends_with_one_sentence(
    what: str, run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments, words = MISTAKES[what]
    monkeypatch.chdir(folder)
    before = sorted(path.name for path in folder.iterdir())
    said = run(*arguments)  # tests of messages ask for JSON too
    assert (said.code, said.out) == (2, "")
    assert re.fullmatch(r"error: [^\n]+[^.]\.\n", said.err)
    assert words in said.err
    assert sorted(path.name for path in folder.iterdir()) == before
