"""What a description of a fit is known by: equal keys for equal posteriors, and for no others."""

from __future__ import annotations

import dataclasses
import json
import types
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq import BayesqError, Noise, Parameter, Prior
from bayesq.model.specification import specify

FEW: dict[str, Any] = {"draws": 40, "tune": 60, "chains": 1, "seed": 1, "progress": False}
SIGMA = Parameter("sigma", Prior("HalfNormal", sigma=0.05))


@pytest.fixture(scope="module")
def runs(grid: bayesq.Runs) -> bayesq.Runs:
    return grid.select("stage == 'none'")


def noise_of(held: object) -> Noise:
    """Make a noise whose width asks an object, of which Python does not tell what it holds."""

    def width(sigma: Any) -> Any:
        return sigma * held.factor  # type: ignore[attr-defined]

    return Noise("held", width, (SIGMA,), remember=False)


def test_the_same_said_otherwise_has_the_same_key(runs: bayesq.Runs) -> None:
    key = specify(runs, "chinchilla").key
    assert specify(runs, bayesq.laws()["chinchilla"], "loss", noise="student-t").key == key
    assert specify(runs, "chinchilla").on(runs).key == key
    reworded = dataclasses.replace(bayesq.laws()["chinchilla"], title="other words", remember=False)
    assert specify(runs, reworded).key == key


def test_other_fits_have_other_keys(runs: bayesq.Runs) -> None:
    described = [
        specify(runs, "chinchilla"),
        specify(runs.select("N > 1e6"), "chinchilla"),
        specify(runs, "chinchilla:alpha=0.3"),
        specify(runs, "chinchilla", noise="normal"),
        specify(runs, "chinchilla", discrepancy=False),
        specify(runs, "chinchilla", noise=Noise("own", lambda sigma: sigma, (SIGMA,))),
        specify(runs, "chinchilla", noise=Noise("own", lambda sigma: 2 * sigma, (SIGMA,))),
    ]
    assert len({each.key for each in described}) == len(described)


def test_what_cannot_be_looked_into_is_nobody_elses(runs: bayesq.Runs, tmp_path: Path) -> None:
    noises = [noise_of(types.SimpleNamespace(factor=factor)) for factor in (1.0, 1000.0)]
    assert len({specify(runs, "chinchilla", noise=noise).key for noise in noises}) == 2
    laws = ["chinchilla", "chinchilla:beta=alpha"]
    made = [
        bayesq.fit_laws(runs, laws, save=tmp_path / "fits", noise=noise, **FEW) for noise in noises
    ]
    one, other = (float(fits["chinchilla"].posterior["sigma"].median()) for fits in made)
    assert other < one / 100


def test_a_noise_that_is_not_at_hand_is_said_to_be_missing(
    runs: bayesq.Runs, tmp_path: Path
) -> None:
    noise = Noise("gone", lambda sigma: sigma, (SIGMA,), remember=False)
    fits = {
        law: bayesq.fit(runs, law, noise=noise, **FEW)
        for law in ("chinchilla", "chinchilla:beta=alpha")
    }
    back = {
        n: bayesq.load_fit(f.save(tmp_path / f"{i}.nc")) for i, (n, f) in enumerate(fits.items())
    }
    for fit in back.values():
        assert "noise-not-importable" in [note.code for note in fit.notes]
        assert "noise-changed" not in [note.code for note in fit.notes]
        assert not fit.can_refit
    # They compare as far as that goes without a fit.
    assert "no-rows" in [note.code for note in bayesq.compare(back, progress=False).notes]


def test_a_folder_of_another_version_is_refused(runs: bayesq.Runs, tmp_path: Path) -> None:
    (tmp_path / "backtest.json").write_text(json.dumps({"law": "chinchilla", "options": {}}))
    with pytest.raises(BayesqError, match="of another version of bayesq; name another folder"):
        bayesq.backtest(runs, "chinchilla", save=tmp_path, **FEW)


def test_a_prior_check_is_of_the_model_that_would_be_fitted(runs: bayesq.Runs) -> None:
    usual = bayesq.prior_check(runs, "chinchilla", draws=200)
    true = bayesq.prior_check(runs, "chinchilla", draws=200, discrepancy=False)
    wide = Noise("wide", lambda sigma: 50 * sigma, (SIGMA,), remember=False)
    noisy = bayesq.prior_check(runs, "chinchilla", draws=200, noise=wide)
    spread = [float(np.log(c.draws).std("sample").median()) for c in (true, usual, noisy)]
    assert spread[1] < spread[2] / 2
    assert not np.array_equal(usual.draws, true.draws)
    frame = pd.concat([runs.frame.assign(study="a"), runs.frame.assign(study="b")])
    two = bayesq.prior_check(bayesq.read_runs(frame), "chinchilla", pool_by="study", draws=20)
    assert two.draws.sizes == {"sample": 20, "row": 2 * len(runs)}
    with pytest.raises(BayesqError, match="No noise 'nromal'; did you mean normal"):
        bayesq.prior_check(runs, "chinchilla", noise="nromal")
