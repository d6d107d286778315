"""Work in units: the same wherever it is done, kept when a worker dies, refused in one sentence."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest

import bayesq
from at_work import FEW, check_sentence, noted, scores, units
from bayesq.errors import BayesqError
from bayesq.jobs import worker
from bayesq.jobs.processes import worth
from bayesq.jobs.spread import Unit, check_executor, spread
from bayesq.progress import Progress
from command import Run


def squared(number: int) -> tuple[int, int]:
    return number**2, os.getpid()


def dying_once(number: int, folder: str) -> int:
    begun = os.path.exists(f"{folder}/{number}")
    noted(number, folder)
    if number == 1 and not begun:
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def dying(number: int, folder: str) -> int:
    return number if number != 1 else os.kill(os.getpid(), signal.SIGKILL) or 0


def lines(folder: Path) -> dict[str, int]:
    return {p.name: len(p.read_text().splitlines()) for p in folder.iterdir()}


def refusal(executor: Any, *, of: list[Unit] | None = None, folder: Path | None = None) -> str:
    with pytest.raises(BayesqError) as caught:
        list(spread(of or units(squared, 2), executor, Progress(), "try", folder=folder))
    return str(caught.value)


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    """Make an executor of the user's own."""
    import loky

    made = loky.ProcessPoolExecutor(1)
    yield made
    made.shutdown(wait=True, kill_workers=True)


# --- processes ----------------------------------------------------------------------------------

PLAIN = """
import os, sys
from bayesq.jobs.spread import Unit, spread
from bayesq.progress import showing

def what_is_there(number):
    import jax, threadpoolctl, numpy
    import bayesq
    with numpy.errstate(all="ignore"):
        threads = {t["num_threads"] for t in threadpoolctl.threadpool_info()}
    with bayesq.progress.showing(True) as told:
        shown = told.shown
    return number, os.getpid(), threads, os.environ["NPROC"], shown

import bayesq.progress
with showing(False) as told:
    # No `if __name__ == "__main__"` here.
    found = dict(spread([Unit(str(i), what_is_there, (i,)) for i in range(4)], 2, told, "try"))
assert [found[str(i)][0] for i in range(4)] == [0, 1, 2, 3]
assert os.getpid() not in {pid for _, pid, *_ in found.values()}
print(*sorted({str(rest) for _, _, *rest in found.values()}))
"""


def test_a_plain_script_spreads_over_processes_of_one_thread(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text(PLAIN)
    done = subprocess.run(
        [sys.executable, tmp_path / "plain.py"], capture_output=True, text=True, timeout=100
    )
    assert (done.stdout, done.stderr) == ("[{1}, '1', False]\n", "")


def test_small_work_stays_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BAYESQ_JOBS")
    found = dict(spread(units(squared, 5), None, Progress(), "try"))
    assert {pid for _, pid in found.values()} == {os.getpid()}


@pytest.mark.parametrize(
    ("took", "left", "processes", "wanted"),
    [
        ([8.0], 100, 4, False),  # this one may have compiled
        ([8.0, 1.0], 6, 4, False),
        ([8.0, 5.0], 6, 4, True),
        ([90.0], 4, 4, True),  # no compiler takes that long
        ([90.0], 4, 1, False),
        ([90.0], 1, 4, False),
    ],
)
def test_processes_are_started_where_they_are_worth_it(
    took: list[float], left: int, processes: int, wanted: bool
) -> None:
    assert worth(took, left, processes) is wanted


@pytest.mark.slow
def test_a_process_that_dies_once_costs_nothing_that_is_finished(tmp_path: Path) -> None:
    found = list(spread(units(dying_once, 4, str(tmp_path)), 2, Progress(), "try"))
    assert sorted(found) == [("u0", 0), ("u1", 1), ("u2", 4), ("u3", 9)]
    begun = lines(tmp_path)
    assert begun["1"] == 2
    # Only what was under way with it is done again.
    assert sum(begun.values()) <= 6
    assert max(begun.values()) == 2


def test_a_unit_that_ends_every_process_is_said_with_what_was_kept(tmp_path: Path) -> None:
    kept = []

    def work() -> None:
        told = Progress()
        of = units(dying, 3, "")
        for key, _ in spread(of, 2, told, "fold", already=2, folder=tmp_path):
            kept.append(key)

    with pytest.raises(BayesqError) as caught:
        work()
    assert sorted(kept) == ["u0", "u2"]
    check_sentence(
        str(caught.value),
        rf"fold u1 ended every process that took it on.*; kept: 4 of 5 units \(fold\) in "
        rf"{tmp_path}, and the same call goes on from there",
    )


STOPPED = """
import os, sys, time
from pathlib import Path
from bayesq.jobs.spread import Unit, spread
from bayesq.progress import Progress
from bayesq.stopped import keeping, Stopped
def slow(number):
    os.write(1, f"{os.getpid()}\\n".encode())
    time.sleep(60 if number else 0)
done = []
try:
    with keeping("fold", done, 4, Path("folds")):
        for key, _ in spread([Unit(str(i), slow, (i,)) for i in range(4)], 2, Progress(), "fold"):
            done.append(key)
except Stopped as stopped:
    print(stopped)
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks at processes in /proc")
def test_a_stop_leaves_no_process_behind(how: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "stopped.py").write_text(STOPPED)
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, tmp_path / "stopped.py"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        pids = [int(process.stdout.readline()) for _ in range(3)]
        if how == signal.SIGINT:
            os.killpg(process.pid, how)  # as a terminal does
            said = process.stdout.readline()
            assert said == "kept: 1 of 4 folds in folds; the same call goes on from there\n"
        else:
            process.kill()
        process.stdout.close()
    while any(alive(pid) for pid in pids) and time.monotonic() < began + 30:
        time.sleep(0.05)
    assert not [pid for pid in pids if alive(pid)]
    assert time.monotonic() - began < 30, "the units take a minute"


# --- refused in one sentence --------------------------------------------------------------------


def test_executors_that_cannot_work_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    forking = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork"))
    with ThreadPoolExecutor(1) as threads, forking:
        check_sentence(refusal(threads), "one of threads.* executor=4")
        check_sentence(refusal(forking), r"forks this process.*get_context\('spawn'\)")
    check_sentence(refusal("4"), r"executor is a str; .*client\.get_executor\(\)")
    check_sentence(refusal(True), "executor is a bool; pass a number of processes")
    check_sentence(refusal(0), "executor is 0; a number of processes is 1")
    for name in ("0", "many", "-2"):
        monkeypatch.setenv("BAYESQ_JOBS", name)
        check_sentence(refusal(None), f"BAYESQ_JOBS is '{name}'")
    monkeypatch.setenv("BAYESQ_JOBS", "3")
    assert check_executor(None) == 3
    assert check_executor(2) == 2


def test_verbs_refuse_an_executor_before_any_work(grid: bayesq.Runs) -> None:
    verbs: list[Callable[..., Any]] = [
        lambda **o: bayesq.backtest(grid, "chinchilla", **o),
        lambda **o: bayesq.backtest_decision(grid, "kumar2024-ptq", "critical_tokens", **o),
        lambda **o: bayesq.fit_laws(grid, ["kumar2024-ptq", "ouyang2024"], **o),
    ]
    for verb in verbs:
        with pytest.raises(BayesqError, match="executor is 0"):
            verb(executor=0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--jobs", "0"], "executor is 0"),
        (["--scheduler", "tcp://127.0.0.1:1"], "No Dask scheduler answers at 'tcp://127.0.0.1:1'"),
        (["--scheduler", "tcp://127.0.0.1:1", "--jobs", "2"], "leave one out"),
    ],
)
@pytest.mark.parametrize(
    "command",
    [
        ["backtest", "grid", "--law", "chinchilla"],
        ["compare", "grid", "--laws", "kumar2024-ptq,ouyang2024"],
    ],
    ids=lambda given: given[0],
)
def test_the_command_line_says_what_cannot_work(
    command: list[str], options: list[str], words: str, run: Run
) -> None:
    answer = run(*command, *options)
    assert answer.code == 2
    assert words in answer.err


def too_large(number: int) -> int:
    raise MemoryError


def test_work_that_does_not_fit_into_memory_is_said(pool: Executor) -> None:
    for executor in (1, pool):
        said = refusal(executor, of=units(too_large, 2))
        check_sentence(said, "try u[01] does not fit into memory; give it fewer rows")


def test_a_worker_of_another_version_or_without_a_module_is_said() -> None:
    packed = cloudpickle.dumps(squared), cloudpickle.dumps((3,))
    how, content = worker.run(worker.versions(), *packed)
    assert (how, pickle.loads(content)[0]) == ("done", 9)
    assert worker.run(worker.versions() | {"bayesq": "9.9"}, *packed) == (
        "versions",
        f"bayesq {bayesq.__version__} and not 9.9",
    )
    how, words = worker.run(worker.versions(), b"cnowhere_to_be_found\nthing\n.", packed[1])
    assert how == "unreadable"
    assert words == "ModuleNotFoundError: No module named 'nowhere_to_be_found'"


def failing(number: int) -> None:
    raise ZeroDivisionError("of its own")


def test_what_a_unit_raises_is_raised_with_where_it_was(pool: Executor) -> None:
    with pytest.raises(ZeroDivisionError, match="of its own") as caught:
        list(spread(units(failing, 2), pool, Progress(), "try"))
    assert 'raise ZeroDivisionError("of its own")' in caught.value.__notes__[0]


# --- the same numbers ---------------------------------------------------------------------------


@pytest.mark.slow
def test_a_backtest_is_the_same_in_processes(tmp_path: Path) -> None:
    alone = scores(1, discrepancy=True)
    for executor in (2, None):
        together = scores(executor, discrepancy=True, save=tmp_path / str(executor))
        pd.testing.assert_frame_equal(together, alone, check_exact=True)
    again = scores(1, discrepancy=True, save=tmp_path / "2")
    pd.testing.assert_frame_equal(again, alone, check_exact=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_laws_of_ones_own_are_fitted_and_compared_the_same(wild_fit: bayesq.Fit) -> None:
    runs = bayesq.load_pool("grid")
    fits, compared = [], []
    law = bayesq.laws()["chinchilla"].fix(beta="alpha")
    for executor in (1, 2):
        fits.append(
            bayesq.fit_laws(runs, ["chinchilla", law], discrepancy=False, executor=executor, **FEW)
        )
        two = {"a": wild_fit, "b": wild_fit}
        found = bayesq.compare(
            two, outside="largest-N", cure="refit", executor=executor, progress=False
        )
        compared.append(found.to_frame())
    for one, other in zip(*(f.values() for f in fits), strict=True):
        assert other.law is one.law
        for name, values in one.posterior.items():
            np.testing.assert_array_equal(values, other.posterior[name])
    pd.testing.assert_frame_equal(*compared, check_exact=True)
