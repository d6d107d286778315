"""Compiled models: made once, and the same wherever they come from."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bayesq
from bayesq import Law, Parameter, Prior, Runs
from bayesq.comparison.moments import moments_of
from bayesq.comparison.refits import Refits
from bayesq.law import registry
from bayesq.law.identity import NoIdentityError, identity
from bayesq.model.design import design
from bayesq.model.discrepancy import Discrepancy
from bayesq.model.given import given
from bayesq.model.specification import specify, specify_rows
from bayesq.sampling import cache
from bayesq.sampling import program as room
from bayesq.sampling.compiled import Compiled
from bayesq.sampling.packing import pack
from compiling import FEW, counts_of, fit_to, forget, rows_of
from two_runs import rows

# --- nothing is compiled twice -----------------------------------------------------------------


def test_other_rows_of_the_same_law_translate_nothing(empty: Path) -> None:
    assert counts_of(lambda: fit_to(rows_of(14))) == {"translated": 1}
    assert [p.suffix for p in empty.iterdir() if p.is_file()] == [".program"]
    other = rows_of(15, 3.0, 1)
    assert counts_of(lambda: fit_to(other)) == {"found": 1}


def test_other_models_have_other_programs() -> None:
    def key(runs: Runs, law: str, noise: str, discrepancy: bool | Discrepancy) -> str:
        described = specify(runs, law, noise=noise, discrepancy=discrepancy)
        found, lasting = room._key(described, given(described, fill_up=True))
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
    folds = counts_of(lambda: bayesq.backtest(runs, "chinchilla", split="run", **FEW))
    assert set(folds) == {"found"}
    assert folds["found"] >= 8

    def refit() -> None:
        refits = Refits(fit, fit.specification)
        assert np.isfinite([refits.elpd(np.arange(16) == i) for i in (0, 5)]).all()
        assert moments_of(fit, fit.specification, np.arange(16)) is not None

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
    rows(seed=0).to_csv(table := tmp_path / "runs.csv", index=False)
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
    Compiled(specify(rows_of(), "chinchilla", discrepancy=False))
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
    runs = rows_of()

    def add(value: float) -> float:
        # No fit refers to the law afterwards, so that its place in memory is free again.
        compiled = Compiled(specify(runs, opaque(value), discrepancy=False))
        point = compiled.program.start(pack(compiled._rows))
        return float(compiled.log_density(point[None])[0])

    found = []
    for value in np.linspace(0.0, 0.5, 6):
        found.append(add(value))
        gc.collect()
    assert len(set(found)) == len(found)


def test_a_design_of_other_losses_has_the_program_of_the_first(empty: Path) -> None:
    chosen = design(rows_of(), registry.find_law("chinchilla"))
    first, other = (
        Compiled(specify_rows(rows, discrepancy=False))
        for rows in (chosen, replace(chosen, observed=chosen.observed * 2))
    )
    assert other.program is first.program
    point = first.program.start(pack(first._rows))[None]
    assert first.log_density(point) != other.log_density(point)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/statm")
def test_memory_after_ten_fits_is_that_after_one(tmp_path: Path) -> None:
    rows(seed=0).to_csv(tmp_path / "one.csv", index=False)
    rows(size=1.3, seed=1).to_csv(tmp_path / "other.csv", index=False)
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
