"""Samplers by name: what is refused, what is recorded, and that all draw from one posterior."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import arviz_stats as azs
import numpy as np
import pytest

import bayesq
from bayesq.model.specification import specify
from bayesq.sampling import samplers as room
from bayesq.sampling.compiled import Compiled
from bayesq.sampling.samplers import SAMPLERS, check_sampler, sampler_of
from command import Run
from compiling import rows_of

OTHERS = [name for name in SAMPLERS if name != "nutpie"]
# BlackJAX takes longest to compile, and PyMC long trajectories where it tunes so little.
SOME_SLOW = [pytest.param(n, marks=[pytest.mark.slow] * (n != "numpyro")) for n in OTHERS]
FEW: dict[str, Any] = {"draws": 40, "tune": 60, "chains": 2, "seed": 4, "progress": False}
# What ArviZ's plots and bayesq's notes look for.
STATS = {
    *("diverging", "tree_depth", "maxdepth_reached", "n_steps"),
    *("step_size", "acceptance_rate", "energy", "lp"),
}


def lacking(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Make libraries not be there."""
    found = room.find_spec
    monkeypatch.setattr(room, "find_spec", lambda n: None if n in names else found(n))


# --- what is refused ---------------------------------------------------------------------------


def test_a_sampler_that_is_none_is_refused() -> None:
    with pytest.raises(bayesq.BayesqError, match=r"No sampler 'numpyr'.*numpyro"):
        bayesq.fit(rows_of(), "chinchilla", sampler="numpyr", **FEW)
    with pytest.raises(bayesq.BayesqError, match="No sampler None"):
        check_sampler(None)
    for call in (bayesq.backtest, bayesq.fit_laws):
        law: Any = "chinchilla" if call is bayesq.backtest else ["chinchilla", "chinchilla:E=0"]
        with pytest.raises(bayesq.BayesqError, match="No sampler 'stan'"):
            call(rows_of(), law, sampler="stan", **FEW)


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking(monkeypatch, "blackjax")
    said = r"blackjax is not installed; install it \(pip install 'bayesq\[samplers\]'\)"
    with pytest.raises(bayesq.BayesqError, match=said):
        bayesq.fit(rows_of(), "chinchilla", sampler="blackjax", **FEW)


def test_refits_go_by_the_fits_own_sampler_where_it_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert sampler_of({"sampler": "blackjax"}) == "blackjax"
    assert sampler_of({}) == "nutpie"
    lacking(monkeypatch, "blackjax")
    assert sampler_of({"sampler": "blackjax"}) == "nutpie"


def test_the_command_line_refuses_it_before_anything_is_done(run: Run) -> None:
    for command in (("fit",), ("backtest",)):
        answer = run(*command, "grid", "--law", "chinchilla", "--sampler", "stan")
        assert answer.code == 2
        assert "No sampler 'stan'" in answer.err


# --- what is recorded --------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", SOME_SLOW)
def test_a_fit_says_what_drew_it(sampler: str, tmp_path: Path) -> None:
    runs = rows_of()
    plain = bayesq.fit(runs, "chinchilla", discrepancy=False, **FEW)
    fit = bayesq.fit(runs, "chinchilla", discrepancy=False, sampler=sampler, **FEW)
    for found in (fit, bayesq.load_fit(fit.save(tmp_path / "fit.nc"))):
        assert found.data.attrs["sampler"] == sampler
        assert found.data.attrs[f"version_{sampler}"] == version(sampler)
        stats = found.data["sample_stats"]
        assert set(stats.data_vars) >= STATS
        assert stats.attrs["inference_library"] == sampler
        assert {s: stats.sizes[s] for s in ("chain", "draw")} == {"chain": 2, "draw": 40}
    assert set(plain.data["sample_stats"].data_vars) >= STATS
    assert plain.data.attrs["sampler"] == "nutpie"
    assert set(fit.data.children) == set(plain.data.children)
    assert set(fit.posterior) == set(plain.posterior)
    # Steps of a trajectory are those of its doublings, and each is a gradient.
    stats = fit.data["sample_stats"]
    assert (stats["n_steps"].values < 2 ** stats["tree_depth"].values).all()
    assert fit.data.attrs["gradients"] > int(stats["n_steps"].sum())
    # The log density that is told is that of the draws, up to a constant.
    told = sum(d.sum([x for x in d.dims if x not in ("chain", "draw")]) for d in densities(fit))
    off = (stats["lp"] - told).values
    assert np.ptp(stats["lp"].values) > 1
    assert np.isfinite(off).all()
    again = bayesq.fit(runs, "chinchilla", discrepancy=False, sampler=sampler, **FEW)
    np.testing.assert_array_equal(again.posterior["E"], fit.posterior["E"])
    other = bayesq.fit(
        runs, "chinchilla", discrepancy=False, sampler=sampler, **(FEW | {"seed": 5})
    )
    assert not np.array_equal(other.posterior["E"], fit.posterior["E"])


def densities(fit: bayesq.Fit) -> list[Any]:
    assert fit.densities is not None
    return [d for group in fit.densities for d in group.data_vars.values()]


@pytest.mark.slow
def test_a_folder_of_folds_is_of_one_sampler(tmp_path: Path) -> None:
    runs, asked = rows_of(), {"split": "largest-N", "discrepancy": False, **FEW}
    bayesq.backtest(runs, "chinchilla", save=tmp_path / "usual", **asked)
    head = json.loads((tmp_path / "usual" / "backtest.json").read_text())
    assert "sampler" not in head, "a folder that is older than the choice goes on"
    with pytest.raises(bayesq.BayesqError, match="sampler is 'nutpie' there and 'numpyro' here"):
        bayesq.backtest(runs, "chinchilla", save=tmp_path / "usual", sampler="numpyro", **asked)
    bayesq.backtest(runs, "chinchilla", save=tmp_path / "other", sampler="numpyro", **asked)
    with pytest.raises(bayesq.BayesqError, match="sampler is 'numpyro' there and 'nutpie' here"):
        bayesq.backtest(runs, "chinchilla", save=tmp_path / "other", **asked)


@pytest.mark.slow
def test_a_folder_of_fits_tells_samplers_apart(tmp_path: Path) -> None:
    runs, laws = rows_of(), ["chinchilla", "chinchilla:E=0"]
    asked: dict[str, Any] = {"save": tmp_path / "fits", "discrepancy": False, **FEW}
    usual = bayesq.fit_laws(runs, laws, **asked)
    other = bayesq.fit_laws(runs, laws, sampler="numpyro", **asked)
    kept = bayesq.fit_laws(runs, laws, sampler="numpyro", **asked)
    for name in usual:
        said = [f[name].data.attrs["sampler"] for f in (usual, other, kept)]
        assert said == ["nutpie", "numpyro", "numpyro"]
        created = [f[name].data["sample_stats"].attrs["created_at"] for f in (other, kept)]
        assert created[0] == created[1]


# --- what is drawn -----------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", SOME_SLOW)
def test_progress_is_told_to_the_end_and_ctrl_c_ends_it(sampler: str) -> None:
    """Of what Ctrl-C stopped PyMC would hand back some draws as if they were all."""
    model = Compiled(specify(rows_of(), "chinchilla", discrepancy=False))
    how: dict[str, Any] = {n: FEW[n] for n in ("draws", "tune", "chains", "seed")}
    told: list[tuple[int, int]] = []
    model.sample(**how, sampler=sampler, step=lambda done, of: told.append((done, of)))
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] > 0

    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.sample(**how, sampler=sampler, step=stop)


@pytest.mark.slow
@pytest.mark.parametrize("discrepancy", [True, False])
@pytest.mark.parametrize("sampler", OTHERS)
def test_all_samplers_draw_from_one_posterior(
    sampler: str, discrepancy: bool, grid: bayesq.Runs
) -> None:
    asked: dict[str, Any] = {"discrepancy": discrepancy, "seed": 3, "progress": False}
    usual = bayesq.fit(grid, "chinchilla", **asked)
    other = bayesq.fit(grid, "chinchilla", sampler=sampler, draws=600, **asked)
    assert not [n for n in other.notes if n.code in ("r-hat", "divergences", "tree-depth")]
    for p in usual.parameters:
        draws = [fit.posterior[p.symbol].values for fit in (usual, other)]
        error = np.hypot(*(azs.mcse(d, method="median") for d in draws))
        off = np.median(draws[0]) - np.median(draws[1])
        # Of eight parameters or so, four errors are met by chance once in 2,000 tables.
        assert abs(off) < 4 * error, p.symbol
