"""Many tables side by side: the posteriors that each has by itself, and their order and seeds."""

from __future__ import annotations

from typing import Any

import arviz_stats as azs
import numpy as np
import pytest

from bayesq.model.given import given
from bayesq.model.specification import specify
from bayesq.sampling.batched import batched
from bayesq.sampling.packing import Packed, pack
from bayesq.sampling.program import Program, find_program
from bayesq.sampling.sample import sample, suited
from compiling import rows_of

SEEDS = range(6)


@pytest.fixture(scope="module")
def tables() -> list[Packed]:
    described = [specify(rows_of(seed=s), "chinchilla", discrepancy=False) for s in SEEDS]
    return [pack(given(d, fill_up=True)) for d in described]


def program(many: bool) -> Program:
    described = specify(rows_of(), "chinchilla", discrepancy=False)
    return find_program(described, given(described, fill_up=True), many=many)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["numpyro", "blackjax"])
def test_many_tables_have_the_posteriors_that_each_has_alone(
    tables: list[Packed], sampler: str
) -> None:
    asked: dict[str, Any] = {"draws": 500, "tune": 300, "chains": 4, "sampler": sampler}
    asked |= suited(discrepancy=False, pooled=False)
    together = batched(program(many=True), tables, seeds=SEEDS, **asked)
    assert len(together) == len(tables)
    alone = program(many=False)
    off = []
    for rows, found in zip(tables, together, strict=True):
        other = sample(alone, rows, seed=99, **asked)
        assert found.points.shape == other.points.shape
        assert not found.stats["maxdepth_reached"].any()
        for i in range(alone.coordinates):
            a, b = (np.ascontiguousarray(d.points[..., i]) for d in (found, other))
            error = np.hypot(float(azs.mcse(a)), float(azs.mcse(b)))
            off.append((a.mean() - b.mean()) / error)
            # Widths within what so many draws tell them.
            assert a.std() == pytest.approx(b.std(), rel=0.3)
    # Of 42 numbers that are nearly standard normal.
    assert np.abs(off).max() < 4.5
    assert np.sqrt(np.mean(np.square(off))) < 1.6


def test_densities_side_by_side_are_those_of_each_point(tables: list[Packed]) -> None:
    import jax

    many, alone = program(many=True), program(many=False)
    density = many.traced()
    rng = np.random.default_rng(2)
    points = alone.start(tables[0]) + 0.1 * rng.normal(size=(3, 2, alone.coordinates))
    with jax.enable_x64(True):
        stacked = [np.stack(arrays) for arrays in zip(*tables[:3], strict=True)]
        # Chains of a table share its rows; tables have their own.
        of_chains = jax.vmap(jax.value_and_grad(density), in_axes=(0, *(None for _ in stacked)))
        value, gradient = jax.jit(jax.vmap(of_chains))(points, *stacked)
    for t, rows in enumerate(tables[:3]):
        at = alone.density(rows)
        for c, point in enumerate(points[t]):
            one, slope = at(point)
            assert value[t, c] == pytest.approx(one, rel=1e-10)
            assert np.asarray(gradient[t, c]) == pytest.approx(slope, rel=1e-8, abs=1e-6)


@pytest.mark.slow
def test_a_table_has_the_draws_of_its_own_seed_wherever_it_stands(tables: list[Packed]) -> None:
    few: dict[str, Any] = {"draws": 20, "tune": 30, "chains": 2, "low_rank": False}
    many = program(many=True)
    found = batched(many, tables[:2], seeds=[5, 6], **few)
    turned = batched(many, tables[1::-1], seeds=[6, 5], **few)
    for one, other in zip(found, turned[::-1], strict=True):
        np.testing.assert_allclose(one.points, other.points, rtol=1e-6)
        assert one.gradients > int(one.stats["n_steps"].sum())
    assert not np.array_equal(found[0].points, found[1].points)
