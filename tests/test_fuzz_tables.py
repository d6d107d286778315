"""Two thousand malformed and half-right tables: read as they are meant, or refused."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import bayesq
from bayesq import BayesqError, Check, Runs
from half_right import HalfRight, half_right
from malformed import broken, mutated

# Far above what a table of some rows takes, on a busy machine too.
SECONDS = 20
PLACE = (
    r"\b(row|line|column|header|byte)s?\b|is empty|has no rows|ends in|not a whole|cannot be read"
)


def tries(number: int) -> settings:
    return settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzzed")


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Fail where something hangs."""

    def late(*_: object) -> None:
        raise AssertionError(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def assert_one_sentence(error: BayesqError, path: Path) -> None:
    said = str(error)
    assert said.isprintable(), said
    assert said.endswith("."), said
    assert str(path) in said or re.search(PLACE, said), said
    # What is quoted is the table's.
    own = re.sub(r"'[^']*'|\"[^\"]*\"", "", said)
    assert not re.search(r"[a-z]\. [A-Z]", own), said


def read(path: Path, data: bytes) -> tuple[Runs, Check] | None:
    """Read and check a table; None where it is refused, in a sentence that names a place."""
    path.write_bytes(data)
    with within(SECONDS):
        try:
            runs = bayesq.read_runs(path)
            return runs, bayesq.check(runs)
        except BayesqError as error:
            assert_one_sentence(error, path)
            return None


def assert_sound(runs: Runs, checked: Check) -> None:
    columns = runs.columns
    assert len(runs) == len(runs.numbers) > 0
    assert (columns["loss"] > 0).all()
    for name in ("N", "D", "loss"):
        assert not np.isinf(columns[name]).any()
        assert not (columns[name] <= 0).any()
    assert " row" in repr(runs)
    for note in checked.notes:
        assert note.message.strip()
        assert set(note.rows) <= set(runs.numbers.tolist())


def survives(folder: Path, table: tuple[str, bytes]) -> None:
    name, data = table
    if found := read(folder / name, data):
        assert_sound(*found)


def is_meant(folder: Path, table: HalfRight) -> None:
    """Hold what was read against what is true, or find a note that tells of a difference."""
    found = read(folder / table.name, table.data)
    if found is None:
        return
    runs, checked = found
    assert_sound(runs, checked)
    of_run = {run: i for i, run in enumerate(runs.columns["run"])}
    for row in table.truth:
        i = of_run.get(row["run"])
        for name, true in row.items():
            if name == "run":
                continue
            got = None if i is None else float(runs.columns[name][i])
            # A count that is not there is unknown, and laws that need it leave the row out.
            meant = np.nan if true is None else true
            if got is not None and np.isclose(got, meant, rtol=2e-5, equal_nan=True):
                continue
            told = [n for n in (*runs.notes, *checked.notes) if n.severity != "info"]
            about = [note for note in told if re.search(rf"\b{name}\b", str(note))]
            assert about, f"{name} of {row['run']} is {true}, and read as {got} without a word"


def both(body: Callable[..., None], strategy: object, quick: int, full: int) -> tuple[object, ...]:
    """Try a few tables in every run of the tests, and all of them where there is time."""
    few, many = (tries(number)(given(table=strategy)(body)) for number in (quick, full))  # type: ignore[arg-type]
    return few, pytest.mark.slow(many)


test_some_broken_tables, test_all_broken_tables = both(survives, broken(), 20, 600)
test_some_mutated_tables, test_all_mutated_tables = both(survives, mutated(), 20, 700)
test_some_half_right_tables, test_all_half_right_tables = both(is_meant, half_right(), 20, 700)
