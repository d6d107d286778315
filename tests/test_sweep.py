"""A sweep: every law with every option on every table, kept, gone on with, and told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesq
import bayesq.sweeping.outcomes as outcomes
from bayesq import BayesqError, Law, Parameter, Prior, Runs, Sweep
from bayesq.intervals import Interval
from bayesq.stopped import Stopped
from bayesq.sweeping.sweep import _unit
from bayesq.sweeping.swept_folder import SweptFolder
from made_up_runs import made_up
from two_runs import check_sentence

QUICK: dict[str, Any] = {
    **{"draws": 20, "tune": 60, "chains": 2, "discrepancy": False, "progress": False},
    "executor": 1,
}
OPTIONS = {"student": {}, "normal": {"noise": "normal"}}
SIZE_ONLY = Law(
    name="size-only",
    loss=lambda N, E, a, alpha: E + a * (N / 1e8) ** -alpha,
    parameters=(
        Parameter("E", Prior("LogNormal", mu=0.4, sigma=0.5), "nats/token"),
        Parameter("a", Prior("LogNormal", mu=-0.7, sigma=1), "nats/token"),
        Parameter("alpha", Prior("LogNormal", mu=-1, sigma=0.5)),
    ),
    remember=False,
)
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def tables() -> dict[str, Runs]:
    return {"small": made_up(12), "large": made_up(18)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sweeps") / "fits"


@pytest.fixture(scope="module")
def swept(folder: Path) -> Sweep:
    """Sweep two tables, two laws and two noises; one law cannot use these rows."""
    laws = [SIZE_ONLY, "kumar2024-qat"]
    return bayesq.sweep(tables(), laws, OPTIONS, save=folder, seed=3, **QUICK)


def of(told: pd.DataFrame, table: str, law: str, option: str) -> pd.DataFrame:
    """Take the lines of one fit."""
    return told[(told["table"] == table) & (told["law"] == law) & (told["option"] == option)]


def count_fits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """List the laws that are fitted from now on."""
    made: list[str] = []
    real = outcomes.fit_specification

    def fit_specification(described: Any, **sampling: Any) -> Any:
        made.append(described.law.name)
        return real(described, **sampling)

    monkeypatch.setattr(outcomes, "fit_specification", fit_specification)
    return made


def test_each_fit_is_the_one_that_is_made_by_itself(swept: Sweep) -> None:
    alone = bayesq.fit(
        tables()["large"],
        SIZE_ONLY,
        noise="normal",
        seed=3,
        **{n: v for n, v in QUICK.items() if n != "executor"},
    )
    found = swept["large", "size-only", "normal"]
    xr.testing.assert_equal(found.posterior, alone.posterior)
    assert found.notes == alone.notes
    assert found.law is SIZE_ONLY, "so that it predicts"
    line = of(swept.to_frame(), "large", "size-only", "normal").iloc[0]
    summary = alone.summary()
    assert line["rows"] == 18
    assert line["ess"] == summary[["ess_bulk", "ess_tail"]].min().min()
    assert line["r_hat"] == summary["r_hat"].max()
    assert line["divergences"] == int(alone.data["sample_stats"]["diverging"].sum())
    told = of(swept.parameters(), "large", "size-only", "normal").set_index("parameter")
    for name in ("median", "lower", "upper", "unit"):
        assert told[name].to_dict() == summary[name].to_dict()
    wide = of(swept.parameters(0.5), "large", "size-only", "normal").set_index("parameter")
    assert wide["upper"].to_dict() == alone.summary(0.5)["upper"].to_dict()


def test_what_cannot_be_fitted_is_a_line_that_says_why(swept: Sweep) -> None:
    table = swept.to_frame()
    assert list(table[["table", "law", "option"]].itertuples(index=False, name=None)) == [
        (t, law, o)
        for t in ("small", "large")
        for law in ("size-only", "kumar2024-qat")
        for o in OPTIONS
    ]
    refused = table[table["status"] == "refused"]
    assert set(refused["law"]) == {"kumar2024-qat"}
    assert len(refused) == 4
    for message in refused["message"]:
        check_sentence(message, "kumar2024-qat")
    assert refused["rows"].isna().all()
    with pytest.raises(BayesqError, match="kumar2024-qat"):
        swept["small", "kumar2024-qat", "normal"]
    assert set(swept.fits) == {(t, "size-only", o) for t in tables() for o in OPTIONS}
    assert swept.text.startswith("4 of 8 fits made, 4 refused; ")


def test_a_sweep_goes_on_where_it_was(
    swept: Sweep, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    laws = [SIZE_ONLY, "kumar2024-qat"]
    made = count_fits(monkeypatch)
    again = bayesq.sweep(tables(), laws, OPTIONS, save=folder, seed=3, **QUICK)
    assert made == []
    pd.testing.assert_frame_equal(again.to_frame(), swept.to_frame())
    pd.testing.assert_frame_equal(again.parameters(), swept.parameters())
    assert again.notes == swept.notes
    # A fit that is gone, one that was cut short, and what is new.
    (lost,) = folder.glob("small-size-only-normal-*.nc")
    lost.unlink()
    (cut,) = folder.glob("large-size-only-normal-*.json")
    cut.write_text(cut.read_text()[:100])
    more = {**OPTIONS, "again": {"seed": 5}}
    again = bayesq.sweep(tables(), laws, more, save=folder, seed=3, **QUICK)
    assert made == ["size-only"] * 4
    assert len(again.fits) == 6
    kept = [names for names in swept.fits if names in again.fits]
    for names in kept:
        xr.testing.assert_equal(again[names].posterior, swept[names].posterior)


@pytest.mark.parametrize("other", [{"seed": 4}, {"draws": 21}, {"chains": 1}, {"noise": "normal"}])
def test_fits_of_other_settings_are_not_taken(
    other: dict[str, Any], swept: Sweep, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = count_fits(monkeypatch)
    settings = {"seed": 3, **QUICK, **other}
    one = {"small": tables()["small"]}
    bayesq.sweep(one, SIZE_ONLY, {"student": {}}, save=folder, **settings)
    assert made == ["size-only"]


def test_without_a_folder_fits_are_held_or_not(tmp_path: Path) -> None:
    held = bayesq.sweep(made_up(), SIZE_ONLY, **QUICK)
    source = made_up().source
    assert list(held.fits) == [(source, "size-only", "usual")]
    assert held[source].law is SIZE_ONLY
    again = bayesq.load_fit(held[source].save(tmp_path / "fit.nc"), SIZE_ONLY)
    assert again.notes == held[source].notes
    xr.testing.assert_equal(again.posterior, held[source].posterior)
    pd.testing.assert_frame_equal(again.summary(), held[source].summary())
    bare = bayesq.sweep(made_up(), SIZE_ONLY, keep_fits=False, **QUICK)
    pd.testing.assert_frame_equal(bare.parameters(), held.parameters())
    for ask in (lambda: bare[source], lambda: bare.parameters(0.5)):
        with pytest.raises(BayesqError, match="was not kept") as caught:
            ask()
        check_sentence(str(caught.value), "keep_fits=True")


def test_what_another_process_finished_meanwhile_is_taken(
    swept: Sweep, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = count_fits(monkeypatch)
    one = swept.planned[0]
    found = _unit(one, Interval(), True, SweptFolder(folder), False)
    assert made == []
    assert found.to_dict() == swept.outcomes[0].to_dict()
    assert found.written == SweptFolder(folder).fit_of(one).read_bytes()


def test_a_sweep_that_is_stopped_keeps_what_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"save": tmp_path / "fits", **QUICK}
    real = outcomes.fit_specification

    def fit_specification(described: Any, **sampling: Any) -> Any:
        if list((tmp_path / "fits").glob("*.nc")):
            raise KeyboardInterrupt
        return real(described, **sampling)

    with monkeypatch.context() as patch:
        patch.setattr(outcomes, "fit_specification", fit_specification)
        with pytest.raises(Stopped, match=r"kept: 1 of 2 fits in .*fits; the same call goes on"):
            bayesq.sweep(tables(), SIZE_ONLY, **asked)
    made = count_fits(monkeypatch)
    found = bayesq.sweep(tables(), SIZE_ONLY, **asked)
    assert made == ["size-only"]
    assert len(found.fits) == 2


@pytest.mark.slow
def test_tables_side_by_side_have_the_posterior_of_each_by_itself(tmp_path: Path) -> None:
    several = {f"t{seed}": made_up(12 + seed % 2) for seed in range(4)}
    asked = {**QUICK, "draws": 400, "tune": 400, "sampler": "numpyro", "save": tmp_path / "fits"}
    aside = bayesq.sweep(several, SIZE_ONLY, batch=True, **asked)
    alone = bayesq.sweep(several, SIZE_ONLY, **asked)
    assert len(list((tmp_path / "fits").glob("*.nc"))) == 8, "other draws, so others are kept"
    for names, one in aside.fits.items():
        other = alone[names].summary()
        mine = one.summary()
        # Of two estimates of a mean the difference has this standard error.
        error = np.sqrt(sum(t["sd"] ** 2 / t["ess_bulk"] for t in (mine, other)))
        assert (np.abs(mine["mean"] - other["mean"]) < 5 * error).all()
        assert one.data.attrs["side_by_side"] == "yes"
        assert mine["r_hat"].max() < 1.05


@pytest.mark.slow
def test_two_processes_give_what_one_gives(swept: Sweep) -> None:
    other = bayesq.sweep(tables(), SIZE_ONLY, OPTIONS, seed=3, **{**QUICK, "executor": 2})
    for names, fit in other.fits.items():
        xr.testing.assert_equal(fit.posterior, swept[names].posterior)
    pd.testing.assert_frame_equal(other.parameters(), swept.parameters(), check_exact=True)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"laws": ["chinchila"]}, "did you mean chinchilla"),
        ({"laws": ["chinchilla", "chinchilla"]}, "each once"),
        ({"laws": []}, "each once"),
        ({"tables": []}, "no table"),
        ({"tables": ["runs.csv"]}, "bayesq.read_runs"),
        ({"options": {}}, "no options"),
        ({"options": [{}, {}]}, "stand twice"),
        ({"options": {"noise": "normal"}}, "give a dictionary"),
        ({"options": [{"nois": "normal"}]}, "did you mean noise"),
        ({"options": [{"noise": "norml"}]}, "did you mean normal"),
        ({"options": [{"draws": 1}]}, "draws is 1"),
        ({"options": [{"response": "bits"}]}, "loss or degradation"),
        ({"options": [{"pool_by": "size"}]}, "pool_by is 'size'"),
        ({"options": [{"discrepancy": "no"}]}, "discrepancy is 'no'"),
        ({"executr": 2}, "did you mean executor"),
        ({"laws": ["kumar2024-qat", "sun2025"]}, "None of the 2 fits can be made"),
        ({"laws": "kumar2024-qat"}, "kumar2024-qat"),
        ({"batch": True}, "pass sampler='numpyro'"),
    ],
)
def test_what_is_wrong_with_all_is_said_before_anything_is_made(
    given: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = count_fits(monkeypatch)
    asked = {"tables": [made_up()], "laws": ["chinchilla"], **QUICK, **given}
    with pytest.raises(BayesqError) as caught:
        bayesq.sweep(**asked, save=tmp_path / "fits")
    check_sentence(str(caught.value), words)
    assert made == []
    assert not (tmp_path / "fits").exists()


@pytest.mark.parametrize("there", ["rows.csv", "sweep.json"])
def test_a_folder_of_anything_else_is_refused(there: str, tmp_path: Path) -> None:
    (tmp_path / there).write_text("{}")
    with pytest.raises(BayesqError) as caught:
        bayesq.sweep(made_up(), "chinchilla", save=tmp_path, **QUICK)
    check_sentence(str(caught.value), "name a")


def test_names_that_are_none_get_the_valid_ones(swept: Sweep) -> None:
    for names, words in (
        (("smal", "size-only", "normal"), "did you mean small"),
        (("small", "size-only"), "none or several"),
        (("small", "size-only", "norml"), "did you mean normal"),
    ):
        with pytest.raises(BayesqError) as caught:
            swept[names]
        check_sentence(str(caught.value), words)


def test_tables_of_one_source_go_by_number() -> None:
    found = bayesq.sweep([made_up(), made_up(15)], SIZE_ONLY, keep_fits=False, **QUICK)
    table = found.to_frame()
    assert list(table["table"]) == ["table 1", "table 2"]
    assert list(table["rows"]) == [12, 15]


def test_intervals_are_those_that_were_set(monkeypatch: pytest.MonkeyPatch) -> None:
    from arviz_base import rc_context

    with rc_context({"stats.ci_kind": "hdi", "stats.ci_prob": 0.8}):
        found = bayesq.sweep(made_up(), SIZE_ONLY, **QUICK)
        (fit,) = found.fits.values()
        told = found.parameters().set_index("parameter")
        assert told["lower"].to_dict() == fit.summary()["lower"].to_dict()
    # Read elsewhere with others set, the draws are asked again.
    told = found.parameters().set_index("parameter")
    assert told["lower"].to_dict() == fit.summary()["lower"].to_dict()


def test_it_is_told_as_neighbours_are(swept: Sweep) -> None:
    assert "size-only" in repr(swept)
    assert "size-only" in swept._repr_html_()
    written = swept.to_latex(caption="Fits")
    assert written.count("& size-only &") == 4
    assert r"\toprule" in written
    codes = [note.code for note in swept.notes]
    assert len(set(codes)) == len(codes), "each kind once"
    severe = [n.severity for n in swept.notes]
    assert severe == sorted(severe, key=["severe", "warning", "info"].index)
    assert np.isfinite(swept.to_frame()["seconds"].dropna()).all()
