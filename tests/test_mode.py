"""The mode of a posterior and its curvature, and chains that start there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import bayesq
from bayesq.model.specification import specify
from bayesq.sampling.compiled import Compiled
from bayesq.sampling.mode import Densities, find_modes
from compiling import rows_of


def normal(means: np.ndarray, precisions: np.ndarray) -> Densities:
    """Densities of normal distributions, one a table."""

    def of(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        off = points - means[:, None]
        slope = -np.einsum("tij,tkj->tki", precisions, off)
        return (off * slope).sum(-1) / 2, slope

    return of


def test_the_mode_of_a_needle_is_found_in_each_table_with_its_width() -> None:
    rng = np.random.default_rng(1)
    turns = np.linalg.qr(rng.normal(size=(3, 4, 4)))[0]
    widths = np.array([1e-6, 1e-4, 0.01, 0.5])
    covariances = np.einsum("tij,j,tkj->tik", turns, widths**2, turns)
    means = rng.normal(size=(3, 4))
    found = find_modes(normal(means, np.linalg.inv(covariances)), np.zeros((3, 4)))
    assert found.found.all()
    # In the density's own widths. Rounding of gradients that are 1e12 times steeper than others.
    off = np.einsum("tji,tj->ti", turns, found.centres - means) / widths
    assert np.abs(off).max() < 0.2
    got = found.spreads @ found.spreads.transpose(0, 2, 1)
    of = np.einsum("tji,tjk,tkl->til", turns, got, turns)
    assert np.diagonal(of, axis1=1, axis2=2) / widths**2 == pytest.approx(1.0, abs=0.01)


def test_a_table_without_a_mode_is_left_where_it_was_and_the_others_are_not() -> None:
    usual = normal(np.ones((2, 3)), np.tile(100 * np.eye(3), (2, 1, 1)))

    def of(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value, slope = usual(points)
        value[1], slope[1] = np.nan, np.nan
        return value, slope

    found = find_modes(of, np.zeros((2, 3)))
    assert found.found.tolist() == [True, False]
    assert found.centres[0] == pytest.approx(np.ones(3), abs=0.05)
    assert (found.centres[1] == 0).all()
    assert (found.spreads[1] == np.eye(3)).all()


def test_what_the_rows_hardly_tell_stays_where_it_began() -> None:
    def of(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # The second coordinate is the logarithm of a scale: the density climbs without end.
        first, scale = points[..., 0], points[..., 1]
        value = -((first - 2) ** 2) / 2e-4 - 0.5 * scale
        return value, np.stack([-(first - 2) / 1e-4, np.full_like(scale, -0.5)], axis=-1)

    found = find_modes(of, np.zeros((1, 2)))
    assert found.found.all()
    assert found.centres[0] == pytest.approx([2.0, 0.0], abs=0.005)
    assert found.spreads[0] @ found.spreads[0].T == pytest.approx(np.diag([1e-4, 1.0]), abs=1e-6)


@pytest.fixture(scope="module")
def model() -> Compiled:
    return Compiled(specify(rows_of(), "chinchilla", discrepancy=False))


def test_chains_spend_few_gradients_on_warm_up(model: Compiled) -> None:
    """From the mode each step is a short trajectory; from the priors it was ten times as many."""
    drawn = model.sample(draws=200, tune=200, chains=2, seed=3, sampler="numpyro")
    assert drawn.gradients < 2 * 400 * 15


@pytest.mark.slow
def test_chains_that_have_no_mode_begin_as_they_did(
    model: Compiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bayesq.sampling import in_blocks

    def lost(densities: Any, starts: np.ndarray) -> Any:
        found = find_modes(lambda p: tuple(np.nan * a for a in densities(p)), starts)  # type: ignore[arg-type, return-value]
        assert not found.found.any()
        return found

    monkeypatch.setattr(in_blocks, "find_modes", lost)
    drawn = model.sample(draws=50, tune=150, chains=2, seed=3, sampler="numpyro")
    assert np.isfinite(drawn.stats["lp"]).all()
    assert np.ptp(drawn.points[..., 0]) > 0


def test_a_device_that_cannot_be_used_is_refused_in_a_sentence() -> None:
    few: dict[str, Any] = {"draws": 40, "tune": 40, "chains": 1, "seed": 1, "progress": False}
    for options, said in (
        ({"device": "tpu"}, "No device 'tpu'.*gpu"),
        ({"device": "gpu"}, "nutpie runs on the processor only.*'numpyro' or 'blackjax'"),
        ({"device": "gpu", "sampler": "pymc"}, "pymc runs on the processor only"),
    ):
        with pytest.raises(bayesq.BayesqError, match=said):
            bayesq.fit(rows_of(), "chinchilla", **few, **options)


def test_a_gpu_that_is_not_there_is_said_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import jax

    seen = jax.local_devices

    def none(*, backend: str | None = None, **how: Any) -> Any:
        if backend == "cuda":
            raise RuntimeError("Unknown backend cuda")
        return seen(backend=backend, **how)

    monkeypatch.setattr(jax, "local_devices", none)
    with pytest.raises(bayesq.BayesqError, match=r"no GPU of NVIDIA.*pip install 'jax\[cuda13\]'"):
        bayesq.fit(rows_of(), "chinchilla", sampler="numpyro", device="gpu", progress=False)
