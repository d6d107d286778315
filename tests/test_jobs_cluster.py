"""Fits on a Dask cluster of two workers: the same numbers, and nothing lost when one dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import xarray as xr

import bayesq
from at_work import check_sentence, noted, rows, scores, units
from bayesq.errors import BayesqError
from bayesq.jobs.cluster import connected
from bayesq.jobs.spread import Unit, spread
from bayesq.posterior.sealed import from_bytes, to_bytes
from bayesq.progress import Progress

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
        self.address = ""
        give_up = time.monotonic() + 60
        while not self.address and time.monotonic() < give_up:
            time.sleep(0.05)
            # The file is there before its words are.
            with suppress(OSError, ValueError):
                self.address = json.loads(at.read_text())["address"]

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
    try:
        yield made
    finally:
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


def written(number: float) -> bytes:
    return to_bytes(xr.DataTree.from_dict({"posterior": xr.Dataset({"a": number})}))


def test_a_worker_writes_a_fit(cluster: Cluster) -> None:
    with connected(cluster.address) as executor:
        work = [Unit(str(n), written, (float(n),)) for n in range(4)]
        found = dict(spread(work, executor, Progress(), "fit"))
    read = {key: float(from_bytes(content)[0]["posterior"]["a"]) for key, content in found.items()}
    assert read == {"0": 0.0, "1": 1.0, "2": 2.0, "3": 3.0}


@pytest.mark.slow
def test_a_cluster_that_goes_away_is_said(cluster: Cluster, tmp_path: Path) -> None:
    def work() -> None:
        with connected(cluster.address) as executor:
            for _ in spread(units(noted, 40, str(tmp_path)), executor, Progress(), "try"):
                cluster.scheduler.kill()

    with pytest.raises(BayesqError) as caught:
        work()
    check_sentence(str(caught.value), "scheduler at .* is there no more; start it again")


@pytest.mark.slow
def test_a_backtest_is_the_same_on_a_cluster_whose_worker_dies_at_a_fold(
    cluster: Cluster, tmp_path: Path
) -> None:
    serial = scores(1)
    died_at: list[int] = []
    with connected(cluster.address) as executor:
        watching = threading.Thread(
            target=_kill_at_work, args=(cluster.workers[0], cluster.address, died_at)
        )
        watching.start()
        found = scores(executor, save=tmp_path)
        watching.join()
    assert cluster.workers[0].returncode == -signal.SIGKILL
    assert died_at == [1], "it held a fold that it had begun"
    pd.testing.assert_frame_equal(found, serial, check_exact=True)
    assert len(found) == len(rows().numbers), "each row is scored once"


def _kill_at_work(victim: subprocess.Popen[bytes], address: str, died_at: list[int]) -> None:
    """Kill a worker as soon as it runs a task; say how many it had begun."""
    from distributed import Client

    def begun(dask_worker: Any) -> tuple[int, int]:
        return os.getpid(), len(dask_worker.state.executing)

    with Client(address, set_as_default=False) as client:
        while victim.poll() is None:
            running = dict(client.run(begun).values())
            if running.get(victim.pid):
                died_at.append(running[victim.pid])
                victim.kill()
                victim.wait()
            time.sleep(0.02)
