"""A compiled model has no number of a table in it, and fills up what varies in size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesq
from bayesq.model.compose import compose
from bayesq.model.given import given, labels
from bayesq.model.specification import Specification, specify
from bayesq.sampling.compiled import Compiled
from bayesq.sampling.groups import groups_of
from bayesq.sampling.packing import Packed, pack
from bayesq.sampling.program import Program, find_program
from compiling import ALL_EFFECTS, forget
from simulated import table_for

# --- no number of a table is in a program ------------------------------------------------------


def table_of(law: str, *, other: bool) -> pd.DataFrame:
    """Make up a table for a law, or another one of the same shapes with no number in common."""
    rng = np.random.default_rng(2 if other else 1)
    described = bayesq.laws()[law]
    table = table_for(described)
    table = table.assign(run=[f"r{i // 2}" for i in range(len(table))])
    table["loss_full"] = (5.0 if other else 3.0) + 0.3 * rng.uniform(size=len(table))
    table["loss"] = table["loss_full"] + rng.uniform(0.01, 0.3, len(table))
    table["loss_se"] = rng.uniform(0.001, 0.01, len(table))
    table["study"] = np.where(np.arange(len(table)) % 3, "ash", "birch")
    if not other:
        return table
    response = described.responses[0]
    inputs = [i for i in described.inputs_of(response) if not i.format and i.scale != "flag"]
    for column in {"N", "D"}.union(*(i.columns for i in inputs)):
        table[column] *= 3
    if described.levels_of(response):
        bits = {2.0: 3.0, 3.0: 5.0, 4.0: 6.0, 8.0: 7.0}
        table = table.replace({"w_bits": bits, "a_bits": bits})
    return table


def model_of(
    table: pd.DataFrame, law: str, noise: str | None, pool_by: str | None, discrepancy: bool = True
) -> Specification:
    return specify(
        bayesq.read_runs(table), law, noise=noise, discrepancy=discrepancy, pool_by=pool_by
    )


def told_at(program: Program, rows: Packed) -> list[np.ndarray]:
    """Evaluate a program: where chains start, and density, gradient and all else near by."""
    start = program.start(rows)
    points = start + np.random.default_rng(3).normal(0, 0.3, (4, len(start)))
    density = program.density(rows)
    found = [np.hstack(density(point)) for point in points]
    return [start, *found, *program.tell(points, rows).values()]


QUICK = ("chinchilla", "kumar2024-ptq", "frantar2025")
MODELS = [
    *(
        pytest.param(law, None, None, id=law, marks=() if law in QUICK else pytest.mark.slow)
        for law in bayesq.laws()
    ),
    pytest.param("chinchilla", ALL_EFFECTS, None, id=ALL_EFFECTS, marks=pytest.mark.slow),
    pytest.param("chinchilla", "known-se", None, id="known-se", marks=pytest.mark.slow),
    pytest.param("chinchilla", "falls-with-D", None, id="falls-with-D", marks=pytest.mark.slow),
    pytest.param(
        "kumar2024-ptq",
        "known-se",
        None,
        id="known-se of a degradation",
        marks=pytest.mark.slow,
    ),
    pytest.param("chinchilla", None, "study", id="studies"),
    pytest.param(
        "kumar2024-ptq", None, "study", id="studies of a degradation", marks=pytest.mark.slow
    ),
    pytest.param("frantar2025", None, "study", id="studies and kinds", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("law", "noise", "pool_by"), MODELS)
def test_a_program_of_another_table_tells_what_one_made_for_this_table_tells(
    law: str,
    noise: str | None,
    pool_by: str | None,
    empty: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = (
        model_of(table_of(law, other=other), law, noise, pool_by) for other in (False, True)
    )
    rows = given(second, fill_up=True)
    known = find_program(first, given(first, fill_up=True))
    assert find_program(second, rows) is known
    forget(monkeypatch, tmp_path / "anew")
    anew = find_program(second, rows)
    assert anew is not known
    assert anew.told == known.told
    theirs, ours = (told_at(program, pack(rows)) for program in (known, anew))
    for one, other in zip(theirs, ours, strict=True):
        assert np.isfinite(other).all()
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


# --- filling up --------------------------------------------------------------------------------


def slices_of(model: Specification, *, fill_up: bool) -> dict[str, slice]:
    """Tell where each free variable stands in a point of the sampler."""
    made = compose(model, rows=given(model, fill_up=fill_up))
    sizes = [int(np.prod(made.eval_rv_shapes()[v.name])) for v in made.free_RVs]
    ends = np.cumsum(sizes).tolist()
    return {
        v.name: slice(end - size, end)
        for v, size, end in zip(made.free_RVs, sizes, ends, strict=True)
    }


def parts_at(program: Program, rows: Packed, points: np.ndarray) -> dict[str, np.ndarray]:
    told = program.tell(points, rows).items()
    return {t.name: v for t, v in told if t.group == "posterior" and t.name.startswith("misfit_")}


def parts_over(
    program: Program, rows: Packed, point: np.ndarray, at: slice
) -> tuple[np.ndarray, np.ndarray]:
    """Find the parts of the misfit as a linear function of their coordinates: base and matrix."""
    points = np.repeat(point[None], at.stop - at.start + 1, axis=0)
    points[:, at] = np.eye(len(points))[:, 1:]
    values = np.hstack(list(parts_at(program, rows, points).values()))
    return values[0], (values[1:] - values[0]).T


@pytest.mark.parametrize(
    ("law", "noise", "discrepancy"),
    [
        ("chinchilla", None, True),
        pytest.param("kumar2024-ptq", None, True, marks=pytest.mark.slow),
        pytest.param("chinchilla", ALL_EFFECTS, False, marks=pytest.mark.slow),
        pytest.param("frantar2025", "known-se", True, marks=pytest.mark.slow),
    ],
)
def test_filling_up_changes_nothing(
    law: str, noise: str | None, discrepancy: bool, empty: Path
) -> None:
    # An odd number of rows, so that rows, runs, budgets, cells and parts all fill up.
    table = table_of(law, other=False).iloc[:-3]
    model = model_of(table, law, noise, None, discrepancy)
    plain, filled = (given(model, fill_up=fill_up) for fill_up in (False, True))
    assert len(plain["counted"]) == len(table) < len(filled["counted"])
    at, at_filled = (slices_of(model, fill_up=fill_up) for fill_up in (False, True))
    assert list(at) == list(at_filled)
    one, other = (find_program(model, rows) for rows in (plain, filled))
    start = one.start(pack(plain))
    rng = np.random.default_rng(4)
    points = start + rng.normal(0, 0.3, (3, len(start)))
    points_filled = np.zeros((3, other.coordinates))
    volumes = np.zeros((2, 3))
    for i, point in enumerate(points):
        for name, where in at.items():
            begin = at_filled[name].start
            points_filled[i, begin : begin + where.stop - where.start] = point[where]
        if discrepancy:
            # The same parts, and 0 in those that fill up. Coordinates of the one and of the other
            # have volumes of their own.
            where, there = at["centred_misfit"], at_filled["centred_misfit"]
            _, matrix = parts_over(one, pack(plain), point, where)
            base_filled, matrix_filled = parts_over(other, pack(filled), points_filled[i], there)
            now = parts_at(one, pack(plain), point[None])
            wide = parts_at(other, pack(filled), points_filled[i][None])
            wanted = np.hstack(
                [np.pad(v[0], (0, wide[name].shape[1] - v.shape[1])) for name, v in now.items()]
            )
            points_filled[i, there] = np.linalg.solve(matrix_filled, wanted - base_filled)
            volumes[:, i] = [
                np.linalg.slogdet(m)[1] - np.linalg.slogdet(rows["turn"])[1]
                for m, rows in ((matrix, plain), (matrix_filled, filled))
            ]
    more = other.coordinates - one.coordinates
    assert more > 0
    densities = [
        np.array([program.density(pack(rows))(p)[0] for p in ps]) - volume
        for program, rows, ps, volume in zip(
            (one, other), (plain, filled), (points, points_filled), volumes, strict=True
        )
    ]
    # What fills up has a standard normal prior, and is 0 here.
    wanted_density = densities[0] - more * 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(densities[1], wanted_density, rtol=1e-9)
    found, found_filled = (
        groups_of(program, p[None], pack(rows), labels(model))
        for program, p, rows in ((one, points, plain), (other, points_filled, filled))
    )
    for group in ("posterior", "log_likelihood", "log_prior"):
        xr.testing.assert_allclose(found[group], found_filled[group], rtol=1e-6, atol=1e-9)


def test_a_fit_has_the_sizes_of_its_table(empty: Path) -> None:
    table = table_of("kumar2024-ptq", other=False).iloc[3:]
    model = model_of(table, "kumar2024-ptq", ALL_EFFECTS, None)
    compiled = Compiled(model)
    groups = compiled.groups(compiled.program.start(pack(compiled._rows))[None, None])
    assert groups["log_likelihood"]["degradation"].dims == ("chain", "draw", "row")
    np.testing.assert_array_equal(groups["log_likelihood"]["row"], model.design.index)
    assert model.field is not None
    runs, cells = (
        len(table[["study", *names]].drop_duplicates()) for names in (["run"], ["N", "D"])
    )
    sizes = {f"{name}_part": count for name, count in model.field.counts.items()}
    sizes |= {"effect_run_group": runs, "effect_cell_group": cells, "chain": 1, "draw": 1}
    found = dict(groups["posterior"].sizes)
    assert found.pop("effect_budget_group") <= cells
    assert found == sizes
    assert dict(groups["log_prior"].sizes) == dict(groups["posterior"].sizes)
