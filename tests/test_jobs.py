"""Work in units: the same wherever it is done, kept when a worker dies, refused in one sentence."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import re
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
from bayesq.errors import BayesqError
from bayesq.jobs.cluster import connected
from bayesq.jobs.processes import worth
from bayesq.jobs.spread import Unit, check_executor, spread
from bayesq.jobs.worker import run, versions
from bayesq.progress import Progress


def units(function: Callable[..., Any], count: int, *more: Any) -> list[Unit]:
    return [Unit(f"u{i}", function, (i, *more)) for i in range(count)]


def squared(number: int) -> tuple[int, int]:
    return number**2, os.getpid()


def noted(number: int, folder: str) -> int:
    """Leave a line for each time that a unit is begun, and take a while."""
    with open(f"{folder}/{number}", "a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(0.5)
    return number**2


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


def check_sentence(said: str, pattern: str) -> None:
    assert re.search(pattern, said), said
    assert re.fullmatch(r"[^\n]+[^.]\.", said)
    assert not re.search(r"[a-z]\. [A-Z]", said), "one sentence"


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


def too_large(number: int) -> int:
    raise MemoryError


def test_work_that_does_not_fit_into_memory_is_said(pool: Executor) -> None:
    for executor in (1, pool):
        said = refusal(executor, of=units(too_large, 2))
        check_sentence(said, "try u[01] does not fit into memory; give it fewer rows")


def test_a_worker_of_another_version_or_without_a_module_is_said() -> None:
    packed = cloudpickle.dumps(squared), cloudpickle.dumps((3,))
    how, content = run(versions(), *packed)
    assert (how, pickle.loads(content)[0]) == ("done", 9)
    assert run(versions() | {"bayesq": "9.9"}, *packed) == (
        "versions",
        f"bayesq {bayesq.__version__} and not 9.9",
    )
    how, words = run(versions(), b"cnowhere_to_be_found\nthing\n.", packed[1])
    assert how == "unreadable"
    assert words == "ModuleNotFoundError: No module named 'nowhere_to_be_found'"


def failing(number: int) -> None:
    raise ZeroDivisionError("of its own")


def test_what_a_unit_raises_is_raised_with_where_it_was(pool: Executor) -> None:
    with pytest.raises(ZeroDivisionError, match="of its own") as caught:
        list(spread(units(failing, 2), pool, Progress(), "try"))
    assert 'raise ZeroDivisionError("of its own")' in caught.value.__notes__[0]


# --- a cluster ----------------------------------------------------------------------------------


PATHS = Path(__file__).parent, Path(bayesq.__file__).parents[1]


class Cluster:
    """A scheduler and two workers, each a process of its own, as on several hosts."""

    def __init__(self, folder: Path) -> None:
        at = folder / "scheduler.json"
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(at)
        )
        common = ("--nthreads", "1", "--no-nanny", "--scheduler-file", str(at))
        self.workers = [self._start("worker", *common) for _ in range(2)]
        give_up = time.monotonic() + 60
        while not at.exists() and time.monotonic() < give_up:
            time.sleep(0.05)
        self.address: str = json.loads(at.read_text())["address"]

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments, "--no-dashboard"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Workers have what tests import, as on a shared disk.
            env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, PATHS))},
        )

    def end(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    pytest.importorskip("distributed")
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    made.end()


def test_a_scheduler_that_is_not_there_is_said() -> None:
    for address in ("tcp://127.0.0.1:1", "nonsense", ""):
        with pytest.raises(BayesqError) as caught, connected(address):
            pass
        check_sentence(str(caught.value), f"No Dask scheduler answers at '{address}'")


def test_a_worker_that_is_killed_with_a_started_task_loses_nothing(
    cluster: Cluster, tmp_path: Path
) -> None:
    victim = cluster.workers[0]
    found = []
    with connected(cluster.address) as executor:
        for result in spread(units(noted, 6, str(tmp_path)), executor, Progress(), "try"):
            found.append(result)
            begun = [p for p in tmp_path.iterdir() if str(victim.pid) in p.read_text().split()]
            if victim.poll() is None and begun:
                victim.kill()
                victim.wait()
    assert victim.returncode == -signal.SIGKILL
    assert sorted(found) == [(f"u{i}", i**2) for i in range(6)]
    begun_by = {p.name: p.read_text().split() for p in tmp_path.iterdir()}
    by_victim = [name for name, pids in begun_by.items() if str(victim.pid) in pids]
    assert by_victim, "it had begun some"
    again = [name for name in by_victim if str(cluster.workers[1].pid) in begun_by[name]]
    assert again, "and what it held is done by the other"


@pytest.mark.slow
def test_a_cluster_that_goes_away_is_said(cluster: Cluster, tmp_path: Path) -> None:
    def work() -> None:
        with connected(cluster.address) as executor:
            for _ in spread(units(noted, 40, str(tmp_path)), executor, Progress(), "try"):
                cluster.scheduler.kill()

    with pytest.raises(BayesqError) as caught:
        work()
    check_sentence(str(caught.value), "scheduler at .* is there no more; start it again")


# --- the same numbers ---------------------------------------------------------------------------

FEW: dict[str, Any] = {"draws": 20, "tune": 50, "chains": 1, "seed": 1, "progress": False}


def rows() -> bayesq.Runs:
    frame = pd.DataFrame([{"N": n, "D": 20 * n} for n in np.geomspace(1e7, 1e9, 9)])
    loss = 1.7 + 400 / frame["N"] ** 0.34 + 410 / frame["D"] ** 0.28
    scatter = np.random.default_rng(0).normal(0, 0.003, len(frame))
    return bayesq.read_runs(
        frame.assign(loss=loss + scatter, run=[f"r{i % 4}" for i in frame.index])
    )


def scores(executor: Any, **more: Any) -> pd.DataFrame:
    asked = FEW | {"split": "run", "discrepancy": False, "executor": executor} | more
    return bayesq.backtest(rows(), "chinchilla", **asked).rows


@pytest.mark.slow
def test_a_backtest_is_the_same_on_a_cluster(cluster: Cluster) -> None:
    with connected(cluster.address) as executor:
        found = scores(executor)
    pd.testing.assert_frame_equal(found, scores(1), check_exact=True)


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
