"""Compiled models: made once, the same wherever they come from, without a number of a table."""

from __future__ import annotations

import functools
import gc
import json
import os
import subprocess
import sys
import types
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from test_coverage import CASES

import bayesq
from bayesq import Law, Parameter, Prior, Runs
from bayesq.comparison.moments import moments_of
from bayesq.comparison.refits import Refits
from bayesq.law import registry
from bayesq.law.identity import NoIdentityError, identity
from bayesq.model.compose import compose
from bayesq.model.design import Design, design
from bayesq.model.discrepancy import Discrepancy
from bayesq.model.given import given, labels
from bayesq.model.learned import lay
from bayesq.model.noise import Noise
from bayesq.model.noises import find_noise
from bayesq.model.pooling import pool
from bayesq.model.surfaces import Laid, lay_by_study
from bayesq.sampling import cache
from bayesq.sampling import program as room
from bayesq.sampling.compiled import Compiled
from bayesq.sampling.groups import COORDINATE, UNCONSTRAINED, groups_of
from bayesq.sampling.packing import Packed, pack
from bayesq.sampling.program import COUNTS, Program, find_program

FEW: dict[str, Any] = {"draws": 50, "tune": 50, "chains": 2, "seed": 4, "progress": False}
ALL_EFFECTS = "student-t + run + budget + cell"


def forget(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Make this process one that has compiled nothing, and keeps what it compiles in a folder."""
    monkeypatch.setattr(room, "_KEPT", OrderedDict())
    monkeypatch.setenv("BAYESQ_COMPILED", str(folder))
    return folder


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return forget(monkeypatch, tmp_path / "compiled")


def counts_of(do: Callable[[], Any]) -> dict[str, int]:
    """Tell how often something translated a model, read one and found one."""
    before = COUNTS.copy()
    do()
    return dict(COUNTS - before)


def frame(count: int = 16, size: float = 1.0, seed: int = 0) -> pd.DataFrame:
    """Make up full-precision rows, two of each run."""
    rng = np.random.default_rng(seed)
    n, d = (x.ravel() for x in np.meshgrid(np.geomspace(1e7, 1e9, 4), np.geomspace(1e9, 5e10, 4)))
    loss = 1.7 + 0.6 * (n / 1e8) ** -0.34 + 0.5 * (d / 1e10) ** -0.3
    loss = size * loss * np.exp(rng.normal(0, 0.005, 16))
    run = [f"run {i // 2}" for i in range(16)]
    table = pd.DataFrame({"N": size * n, "D": size * d, "loss": loss, "stage": "none", "run": run})
    return table.iloc[:count]


def rows_of(count: int = 16, size: float = 1.0, seed: int = 0) -> Runs:
    return bayesq.read_runs(frame(count, size, seed))


def points_of(fit: bayesq.Fit) -> np.ndarray:
    return fit.data[UNCONSTRAINED][COORDINATE].values


def fit_to(runs: Runs, law: str | Law = "chinchilla", **options: Any) -> np.ndarray:
    return points_of(bayesq.fit(runs, law, **(FEW | options)))


# --- nothing is compiled twice -----------------------------------------------------------------


def test_other_rows_of_the_same_law_translate_nothing(empty: Path) -> None:
    assert counts_of(lambda: fit_to(rows_of(14))) == {"translated": 1}
    assert [p.suffix for p in empty.iterdir() if p.is_file()] == [".program"]
    other = rows_of(15, 3.0, 1)
    assert counts_of(lambda: fit_to(other)) == {"found": 1}


def test_other_models_have_other_programs() -> None:
    def key(runs: Runs, law: str, noise: str, discrepancy: bool | Discrepancy) -> str:
        chosen = design(runs, registry.find_law(law))
        model = chosen, find_noise(noise, "loss"), lay(chosen, discrepancy)
        found, lasting = room._key(*model, given(*model, fill_up=True))
        assert lasting
        return found

    plain = key(rows_of(14), "chinchilla", "student-t", True)
    assert key(rows_of(15, 3.0, 1), "chinchilla", "student-t", True) == plain
    other = [
        key(rows_of(14), "chinchilla", "normal", True),
        key(rows_of(14), "chinchilla", "student-t", False),
        key(rows_of(9), "chinchilla", "student-t", False),
        key(rows_of(14), "chinchilla:alpha=0.3", "student-t", True),
        key(rows_of(14), "chinchilla:alpha=0.4", "student-t", True),
        key(rows_of(14), "chinchilla", "student-t", Discrepancy(Prior("HalfNormal", sigma=0.1))),
    ]
    assert len({plain, *other}) == 1 + len(other)


def test_folds_and_refits_translate_nothing(empty: Path) -> None:
    runs = rows_of()
    fit = bayesq.fit(runs, "chinchilla", **FEW)
    chosen = fit.design
    assert chosen is not None
    folds = counts_of(lambda: bayesq.backtest(runs, "chinchilla", split="run", **FEW))
    assert set(folds) == {"found"}
    assert folds["found"] >= 8

    def refit() -> None:
        refits = Refits(fit, chosen)
        assert np.isfinite([refits.elpd(np.arange(16) == i) for i in (0, 5)]).all()
        assert moments_of(fit, chosen, np.arange(16)) is not None

    assert counts_of(refit) == {"found": 2}


PROCESS = """
import json, sys
import numpy as np
import bayesq
from bayesq.sampling.program import COUNTS

fit = bayesq.fit(bayesq.read_runs(sys.argv[1]), "chinchilla", **json.loads(sys.argv[3]))
np.save(sys.argv[2], fit.data["unconstrained_posterior"]["coordinate"].values)
print(json.dumps([dict(COUNTS), [name for name in ("pymc", "pytensor") if name in sys.modules]]))
"""


def test_a_seed_gives_the_same_draws_wherever_the_program_comes_from(
    empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame().to_csv(table := tmp_path / "runs.csv", index=False)
    runs = bayesq.read_runs(table)

    def in_a_new_process(compiled: Path) -> tuple[np.ndarray, dict[str, int], list[str]]:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", PROCESS, table, tmp_path / "x", json.dumps(FEW)],
            env=os.environ | {"BAYESQ_COMPILED": str(compiled)},
            capture_output=True,
            check=True,
        )
        return np.load(tmp_path / "x.npy"), *json.loads(done.stdout)

    first = fit_to(runs)
    fit_to(rows_of(15, 3.0, 1))
    np.testing.assert_array_equal(fit_to(runs), first)
    forget(monkeypatch, empty)
    assert counts_of(lambda: np.testing.assert_array_equal(fit_to(runs), first)) == {"read": 1}
    warm, counted, imported = in_a_new_process(empty)
    np.testing.assert_array_equal(warm, first)
    assert counted == {"read": 1}
    assert imported == [], "what is compiled needs no PyMC"
    cold, counted, _ = in_a_new_process(tmp_path / "new")
    np.testing.assert_array_equal(cold, first)
    assert counted == {"translated": 1}
    assert fit_to(runs, seed=5).tolist() != first.tolist()


# --- no number of a table is in a program ------------------------------------------------------

Model = tuple[Design, Noise, tuple[Discrepancy, Laid] | None]


def table_of(law: str, *, other: bool) -> pd.DataFrame:
    """Make up a table for a law, or another one of the same shapes with no number in common."""
    rng = np.random.default_rng(2 if other else 1)
    table = CASES[law].assign(run=[f"r{i // 2}" for i in range(len(CASES[law]))])
    table["loss_full"] = (5.0 if other else 3.0) + 0.3 * rng.uniform(size=len(table))
    table["loss"] = table["loss_full"] + rng.uniform(0.01, 0.3, len(table))
    table["loss_se"] = rng.uniform(0.001, 0.01, len(table))
    table["study"] = np.where(np.arange(len(table)) % 3, "ash", "birch")
    if not other:
        return table
    for column in {"N", "D", "U"} & set(table):
        table[column] *= 3
    if law == "frantar2025":
        bits = {2.0: 3.0, 3.0: 5.0, 4.0: 6.0, 8.0: 7.0}
        table = table.replace({"w_bits": bits, "a_bits": bits})
    return table


def model_of(table: pd.DataFrame, law: str, noise: str | None, pool_by: str | None) -> Model:
    chosen = design(bayesq.read_runs(table), registry.find_law(law))
    if pool_by is not None:
        chosen = pool(chosen, pool_by)
    wrong = lay(chosen, True)
    if pool_by is not None:
        wrong = lay_by_study(chosen, wrong)
    return chosen, find_noise(noise, chosen.response), wrong


def told_at(program: Program, rows: Packed) -> list[np.ndarray]:
    """Evaluate a program: where chains start, and density, gradient and all else near by."""
    start = program.start(rows)
    points = start + np.random.default_rng(3).normal(0, 0.3, (4, len(start)))
    density = program.density(rows)
    found = [np.hstack(density(point)) for point in points]
    return [start, *found, *program.tell(points, rows)]


QUICK = ("chinchilla", "kumar2024-ptq", "frantar2025")
MODELS = [
    *(
        pytest.param(law, None, None, id=law, marks=() if law in QUICK else pytest.mark.slow)
        for law in CASES
    ),
    pytest.param("chinchilla", ALL_EFFECTS, None, id=ALL_EFFECTS),
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
    rows = given(*second, fill_up=True)
    known = find_program(*first, given(*first, fill_up=True))
    assert find_program(*second, rows) is known
    forget(monkeypatch, tmp_path / "anew")
    anew = find_program(*second, rows)
    assert anew is not known
    assert anew.told == known.told
    theirs, ours = (told_at(program, pack(rows)) for program in (known, anew))
    for one, other in zip(theirs, ours, strict=True):
        assert np.isfinite(other).all()
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


# --- filling up --------------------------------------------------------------------------------


def slices_of(model: Model, *, fill_up: bool) -> dict[str, slice]:
    """Tell where each free variable stands in a point of the sampler."""
    made = compose(*model, rows=given(*model, fill_up=fill_up))
    sizes = [int(np.prod(made.eval_rv_shapes()[v.name])) for v in made.free_RVs]
    ends = np.cumsum(sizes).tolist()
    return {
        v.name: slice(end - size, end)
        for v, size, end in zip(made.free_RVs, sizes, ends, strict=True)
    }


def parts_at(program: Program, rows: Packed, points: np.ndarray) -> dict[str, np.ndarray]:
    told = zip(program.told, program.tell(points, rows), strict=True)
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
    ("law", "noise", "wrong"),
    [
        ("chinchilla", None, True),
        pytest.param("kumar2024-ptq", None, True, marks=pytest.mark.slow),
        ("chinchilla", ALL_EFFECTS, False),
        pytest.param("frantar2025", "known-se", True, marks=pytest.mark.slow),
    ],
)
def test_filling_up_changes_nothing(law: str, noise: str | None, wrong: bool, empty: Path) -> None:
    # An odd number of rows, so that rows, runs, budgets, cells and parts all fill up.
    table = table_of(law, other=False).iloc[:-3]
    chosen, scatter, laid = model_of(table, law, noise, None)
    model: Model = (chosen, scatter, laid if wrong else None)
    plain, filled = (given(*model, fill_up=fill_up) for fill_up in (False, True))
    assert len(plain["counted"]) == len(table) < len(filled["counted"])
    at, at_filled = (slices_of(model, fill_up=fill_up) for fill_up in (False, True))
    assert list(at) == list(at_filled)
    one, other = (find_program(*model, rows) for rows in (plain, filled))
    start = one.start(pack(plain))
    rng = np.random.default_rng(4)
    points = start + rng.normal(0, 0.3, (3, len(start)))
    points_filled = np.zeros((3, other.coordinates))
    volumes = np.zeros((2, 3))
    for i, point in enumerate(points):
        for name, where in at.items():
            begin = at_filled[name].start
            points_filled[i, begin : begin + where.stop - where.start] = point[where]
        if wrong:
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
        groups_of(program, p[None], pack(rows), labels(*model))
        for program, p, rows in ((one, points, plain), (other, points_filled, filled))
    )
    for group in ("posterior", "log_likelihood", "log_prior"):
        xr.testing.assert_allclose(found[group], found_filled[group], rtol=1e-6, atol=1e-9)


def test_a_fit_has_the_sizes_of_its_table(empty: Path) -> None:
    table = table_of("kumar2024-ptq", other=False).iloc[3:]
    model = model_of(table, "kumar2024-ptq", ALL_EFFECTS, None)
    chosen, _, wrong = model
    compiled = Compiled(*model)
    groups = compiled.groups(compiled.program.start(pack(compiled._rows))[None, None])
    assert groups["log_likelihood"]["degradation"].dims == ("chain", "draw", "row")
    np.testing.assert_array_equal(groups["log_likelihood"]["row"], chosen.index)
    assert wrong is not None
    runs, cells = (
        len(table[["study", *names]].drop_duplicates()) for names in (["run"], ["N", "D"])
    )
    sizes = {f"{name}_part": count for name, count in wrong[1].counts.items()}
    sizes |= {"effect_run_group": runs, "effect_cell_group": cells, "chain": 1, "draw": 1}
    found = dict(groups["posterior"].sizes)
    assert found.pop("effect_budget_group") <= cells
    assert found == sizes
    assert dict(groups["log_prior"].sizes) == dict(groups["posterior"].sizes)


# --- the folder of compiled models -------------------------------------------------------------

HARM: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: b"",
    "cut short": lambda whole: whole[: len(whole) // 2],
    "another file": lambda whole: b"N,D,loss\n1,2,3\n",
    "a hole": lambda whole: whole[: len(whole) // 2] + bytes(99) + whole[len(whole) // 2 + 99 :],
}


def test_a_damaged_program_is_made_anew(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = rows_of()
    first = fit_to(runs, discrepancy=False)

    def again() -> None:
        forget(monkeypatch, empty)
        np.testing.assert_array_equal(fit_to(runs, discrepancy=False), first)

    (path,) = empty.glob("*.program")
    whole = path.read_bytes()
    for what, harm in HARM.items():
        path.write_bytes(harm(whole))
        assert cache.read(path) is None, what
    assert counts_of(again) == {"translated": 1}
    assert counts_of(again) == {"read": 1}


def test_a_damaged_byte_of_a_program_is_noticed(empty: Path) -> None:
    chosen = design(rows_of(), registry.find_law("chinchilla"))
    Compiled(chosen, find_noise(None, "loss"), None)
    (path,) = empty.glob("*.program")
    whole, read = path.read_bytes(), cache.read(path)
    assert read is not None
    rng = np.random.default_rng(0)
    # Most of a file is content; what says where it lies is at its end.
    ends = [*rng.integers(0, len(whole), 100), *range(len(whole) - 400, len(whole))]
    for at in ends:
        for bit in (0, 3, 6):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
            assert cache.read(path) in (None, read), (at, bit)


def test_what_the_compiler_kept_may_be_damaged(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = rows_of()
    first = fit_to(runs, discrepancy=False)
    kept = [path for path in (empty / "xla").iterdir() if path.is_file()]
    assert kept
    for path in kept:
        path.write_bytes(path.read_bytes()[:100])
    forget(monkeypatch, empty)
    np.testing.assert_array_equal(fit_to(runs, discrepancy=False), first)


def test_a_folder_that_cannot_be_written_to_does_not_hinder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("mine")
    forget(monkeypatch, path)
    assert counts_of(lambda: fit_to(rows_of(), discrepancy=False)) == {"translated": 1}
    assert path.read_text() == "mine"


# --- what decides a law's numbers --------------------------------------------------------------


def made(text: str, **names: Any) -> Any:
    """Run a text as a notebook would and return the function `f` that it makes."""
    exec(text, names)
    return names["f"]


PLAIN = "def f(N, a):\n    return a * half(N)\ndef half(x, by=2.0):\n    return x / by + K\n"
DIFFERENT = {
    "a constant of a helper": PLAIN.replace("+ K", "+ K + 1.0"),
    "a default": PLAIN.replace("by=2.0", "by=3.0"),
    "another sign": PLAIN.replace("a *", "a -"),
    "names swapped": PLAIN.replace("f(N, a)", "f(a, N)"),
    "a text": "def f(N, a):\n    return half('a')\ndef half(x):\n    return K\n",
    "a text in a generator": "def f(N, a):\n    return sum(v['a'] for v in N)\n",
    "another text in a generator": "def f(N, a):\n    return sum(v['b'] for v in N)\n",
}


def test_formulas_that_differ_have_other_identities() -> None:
    found = {what: identity(made(text, K=1.0)) for what, text in DIFFERENT.items()}
    found |= {f"global {k}": identity(made(PLAIN, K=k)) for k in (1.0, 2.0, 1, True, None)}
    assert len(set(found.values())) == len(found), found


SAME = {
    "comments and lines": "\n\n" + PLAIN.replace("    return a", "    # Of N.\n    return a"),
    "another order": "".join(PLAIN.partition("def half")[i] for i in (1, 2, 0)),
    "a global that nobody asks for": PLAIN + "L = 3.0\n",
    "a docstring": PLAIN.replace("    return a", "    'Take half.'\n    return a"),
}


@pytest.mark.parametrize("what", SAME)
def test_formulas_that_do_the_same_have_one_identity(what: str) -> None:
    assert identity(made(SAME[what], K=1.0)) == identity(made(PLAIN, K=1.0))


def test_a_docstring_decides_nothing() -> None:
    documented = PLAIN.replace("    return a", "    'Take {}.'\n    return a")
    one, other = (made(documented.format(word), K=1.0) for word in ("half", "a third"))
    assert identity(one) == identity(other)


def test_values_that_a_function_closes_over_count() -> None:
    def close(*held: Any) -> Callable[[Any], Any]:
        return lambda N: [N, *held]

    def double(x: float) -> float:
        return 2 * x

    def treble(x: float) -> float:
        return 3 * x

    every = [close(1.0), close(2.0), close(np.arange(3.0)), close(np.arange(3)), close({"a": 1})]
    every += [close(double), close(treble), close(double, treble), close(treble, double)]
    # The same things again are the same in the same places.
    every += [close(double, treble, double), close(double, treble, treble)]
    every += [functools.partial(double, 1.0), functools.partial(double, 2.0)]
    assert len({identity(f) for f in every}) == len(every)
    assert identity(close(double, {"b": 1, "a": 2})) == identity(close(double, {"a": 2, "b": 1}))


@dataclass(frozen=True)
class Halving:
    """Something with a method that calls another one."""

    by: float

    def part(self, x: float) -> float:
        return x / self.by

    def formula(self, N: float) -> float:
        return self.part(N)


def known_or_other(one: Any, other: Any) -> bool:
    """Tell whether two things that differ have other identities, or at least none."""
    try:
        return identity(one) != identity(other)
    except NoIdentityError:
        return True


def test_what_a_formula_asks_for_is_looked_into_or_has_no_identity(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asks = "def f(x):\n    return R('a') * x\n"
    table = [made(asks, R={"a": value}.get) for value in (1.0, 2.0)]
    assert known_or_other(*table), "a method of a mapping"

    attribute = [made("def f(x):\n    return f.k * x\n") for _ in range(2)]
    for k, f in enumerate(attribute):
        f.k = k
    assert known_or_other(*attribute), "an attribute of a function"

    wrapped = [
        functools.wraps(np.mean)(made(f"def f(x):\n    return {k} * x\n")) for k in (1.0, 2.0)
    ]
    assert known_or_other(*wrapped), "a function under the name of another one"

    globals_ = [made("def f(x):\n    return globals()['K'] * x\n", K=k) for k in (1.0, 2.0)]
    assert known_or_other(*globals_), "globals by name"

    monkeypatch.syspath_prepend(str(tmp_path))
    imported = made("def f(x):\n    import of_mine\n    return of_mine.K * x\n")
    (tmp_path / "of_mine.py").write_text("K = 1.0\n")
    with pytest.raises(NoIdentityError):
        identity(imported)


def test_methods_that_a_method_calls_are_looked_into_or_have_no_identity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def now() -> str:
        try:
            return identity(Halving(2.0).formula)
        except NoIdentityError:
            return str(next(fresh))

    fresh = iter(range(9))
    before = now()
    monkeypatch.setattr(Halving, "part", lambda self, x: x / self.by + 1)
    assert now() != before


def test_modules_that_know_each_other_are_no_endless_way() -> None:
    one, other = types.ModuleType("one"), types.ModuleType("other")
    one.other, other.one = other, one  # type: ignore[attr-defined]
    found = []
    for value in (1.0, 2.0):
        other.K = value  # type: ignore[attr-defined]
        found.append(identity(made("def f(x):\n    return one.other.K * x\n", one=one)))
    assert len(set(found)) == 2


def test_a_prior_counts_and_a_meaning_does_not() -> None:
    def law(sigma: float = 1.0, meaning: str = "", title: str = "") -> Law:
        a = Parameter("a", Prior("Normal", mu=0.0, sigma=sigma), meaning=meaning)
        return Law("t", (a,), loss=lambda N, a: a / N, title=title, remember=False)

    assert identity(law()) == identity(law(meaning="Size.", title="T"))
    assert identity(law()) != identity(law(sigma=2.0))


IDENTITIES = f"""
import bayesq
from bayesq.law.identity import identity

names = {{"K": {{"a", "b", "c"}}}}
exec({PLAIN!r}, names)
print(identity(names["f"]), identity(*bayesq.laws().values()))
"""


def test_an_identity_is_the_same_in_another_process() -> None:
    found = {identity(made(PLAIN, K={"a", "b", "c"})) + " " + identity(*bayesq.laws().values())}
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", IDENTITIES],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(done.stdout.strip())
    assert len(found) == 1


def opaque(value: float) -> Law:
    """Make a law that asks an object that cannot be looked into."""
    held = types.SimpleNamespace(value=value)
    prior = Prior("LogNormal", mu=0.7, sigma=0.5)
    return Law(
        "opaque", (Parameter("E", prior),), loss=lambda N, E: E + 0 * N + held.value, remember=False
    )


def test_a_law_without_identity_is_fitted_and_not_kept(empty: Path) -> None:
    law = opaque(0.0)
    with pytest.raises(NoIdentityError, match="SimpleNamespace"):
        identity(law)
    runs = rows_of()
    first = fit_to(runs, law, discrepancy=False)
    assert counts_of(lambda: fit_to(runs, law, discrepancy=False)) == {"found": 1}
    np.testing.assert_array_equal(fit_to(runs, law, discrepancy=False), first)
    assert list(empty.glob("*.program")) == []


def test_laws_without_identity_are_never_taken_for_each_other(empty: Path) -> None:
    noise = find_noise(None, "loss")
    runs = rows_of()

    def add(value: float) -> float:
        # No fit refers to the law afterwards, so that its place in memory is free again.
        compiled = Compiled(design(runs, opaque(value)), noise, None)
        point = compiled.program.start(pack(compiled._rows))
        return float(compiled.log_density(point[None])[0])

    found = []
    for value in np.linspace(0.0, 0.5, 6):
        found.append(add(value))
        gc.collect()
    assert len(set(found)) == len(found)


def test_a_design_of_other_losses_has_the_program_of_the_first(empty: Path) -> None:
    chosen = design(rows_of(), registry.find_law("chinchilla"))
    noise = find_noise(None, "loss")
    first = Compiled(chosen, noise, None)
    other = Compiled(replace(chosen, observed=chosen.observed * 2), noise, None)
    assert other.program is first.program
    point = first.program.start(pack(first._rows))[None]
    assert first.log_density(point) != other.log_density(point)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/statm")
def test_memory_after_ten_fits_is_that_after_one(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "one.csv", index=False)
    frame(size=1.3, seed=1).to_csv(tmp_path / "other.csv", index=False)
    code = (
        "import os, bayesq\n"
        "tables = [bayesq.read_runs(f'{name}.csv') for name in ('one', 'other')]\n"
        "for i in range(10):\n"
        "    bayesq.fit(tables[i % 2], 'chinchilla', seed=i, progress=False)\n"
        "    pages = int(open('/proc/self/statm').read().split()[1])\n"
        "    print(pages * os.sysconf('SC_PAGESIZE'))\n"
    )
    own = os.environ | {"BAYESQ_COMPILED": str(tmp_path / "compiled")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=own, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    sizes = [int(line) for line in done.stdout.split()]
    print(f"\nMB after each fit: {[round(size / 1e6) for size in sizes]}")
    assert sizes[-1] < 1.1 * sizes[0]
    assert max(sizes) < 1e9
