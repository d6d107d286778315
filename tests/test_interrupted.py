"""Full disks, read-only folders, two writers and kills: nothing lost, nothing half-written."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from made_up_fits import made_up_fit

import bayesq
from bayesq import BayesqError, Fit
from bayesq.backtesting.storage import Folder
from bayesq.files import write_beside
from bayesq.model.specification import specify

SIZES = [{"N": n, "D": d} for n in (1e7, 1e8, 1e9) for d in (1e9, 1e10)]
SAVE = "import sys, bayesq\nbayesq.load_fit(sys.argv[1]).save(sys.argv[2])\n"


def made(seed: int = 0) -> Fit:
    rows = bayesq.read_runs(pd.DataFrame(SIZES).assign(loss=3.0))
    about = specify(rows, "chinchilla", discrepancy=False)
    rng = np.random.default_rng(seed)
    draws = {p.symbol: (("chain", "draw"), rng.lognormal(size=(2, 500))) for p in about.parameters}
    return made_up_fit(about, xr.Dataset(draws))


def draws_of(path: Path) -> bytes:
    return bytes(bayesq.load_fit(path).posterior["alpha"].values.tobytes())


def left_in(folder: Path) -> set[str]:
    """Names in a folder but for what a killed process left of its own, which begins with a dot."""
    return {name for name in os.listdir(folder) if not name.startswith(".bayesq-")}


def of_size(most: int) -> Callable[[], None]:
    """Let a process write no file of more bytes: the kernel refuses, as it does on a full disk."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


# --- full disks --------------------------------------------------------------------------------


# A worker that has sampled holds JAX, which warns of any fork; the child runs a program at once.
@pytest.mark.filterwarnings("ignore:os.fork")
def test_a_save_that_finds_no_room_leaves_the_old_fit(tmp_path: Path) -> None:
    source, target = made().save(tmp_path / "source.nc"), made(1).save(tmp_path / "fit.nc")
    old = target.read_bytes()
    for most in (len(old) - 1,):
        done = subprocess.run(
            [sys.executable, "-c", SAVE, source, target],
            preexec_fn=of_size(most),
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        )
        assert done.returncode == 1
        assert "fit.nc cannot be written to (File too large); mend that" in done.stderr
        assert target.read_bytes() == old
        assert sorted(os.listdir(tmp_path)) == ["fit.nc", "source.nc"]


def mounted(options: str, *command: object) -> subprocess.CompletedProcess[str]:
    """Run a command beside a disk of its own, ``disk``, with ``fit.nc`` in it; or skip the test."""
    ready = 'mkdir disk && mount -t tmpfs -o "$0" tmpfs disk && cp old.nc disk/fit.nc'
    script = f"{ready} || exit 77; {' '.join(map(str, command))}"
    try:
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", script, options], capture_output=True, text=True
        )
    except FileNotFoundError:
        pytest.skip("there is no unshare here")
    if done.returncode in (1, 77) and "disk" not in done.stdout:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    return done


TRY = """
import os, sys, bayesq
fit, old = bayesq.load_fit('new.nc'), open('disk/fit.nc', 'rb').read()
try:
    fit.save('disk/fit.nc')
except bayesq.BayesqError as error:
    print(error)
print(os.listdir('disk'), open('disk/fit.nc', 'rb').read() == old)
"""


@pytest.mark.parametrize("kind", ["full", pytest.param("read-only", marks=pytest.mark.slow)])
def test_a_disk_that_takes_nothing_keeps_the_old_fit(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    size = made().save("old.nc").stat().st_size
    made(1).save("new.nc")
    (tmp_path / "try.py").write_text(TRY)
    read_only = "mount -o remount,ro disk;" if kind == "read-only" else ""
    # Room for the old fit and half of the new one.
    done = mounted(f"size={size * 3 // 2 // 1024}k", read_only, sys.executable, "try.py")
    words = "No space left on device" if kind == "full" else "Read-only file system"
    said, left = done.stdout.splitlines()
    assert said.endswith(f"cannot be written to ({words}); mend that, or name another one.")
    assert left == "['fit.nc'] True"


def test_a_folder_that_takes_nothing_is_said_before_any_work(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root writes to every folder; the mounted one above is its test")
    folder = tmp_path / "mine"
    folder.mkdir(mode=0o555)
    for work in (
        lambda: made().save(folder / "fit.nc"),
        lambda: Folder(folder / "backtest", {}),
        lambda: bayesq.fit_laws(rows(), ["chinchilla", "kaplan2020"], save=folder),
    ):
        with pytest.raises(BayesqError, match=r"mine cannot be written to \(Permission denied\)"):
            work()
    assert os.listdir(folder) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no such device here")
@pytest.mark.parametrize(
    "arguments",
    [
        ["pools"],
        pytest.param(["check", "grid", "--law", "chinchilla", "--json"], marks=pytest.mark.slow),
    ],
)
def test_output_that_finds_no_room_is_said_in_a_sentence(arguments: list[str]) -> None:
    code = "import sys; from bayesq.cli.app import main; main(sys.argv[1:])"
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 2
    assert done.stderr == (
        "error: The output cannot be written (No space left on device); mend that, and ask again.\n"
    )


# --- two writers -------------------------------------------------------------------------------


def test_of_two_that_write_one_file_it_holds_what_one_wrote(tmp_path: Path) -> None:
    target, texts = tmp_path / "fit.nc", ["a" * 100_000, "b" * 100_000]

    def write(text: str) -> None:
        for _ in range(20):
            write_beside(target, lambda beside: beside.write_text(text), "fit.nc")

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert not target.exists() or target.read_text() in texts
    assert target.read_text() in texts
    assert os.listdir(tmp_path) == ["fit.nc"]


@pytest.mark.slow
def test_two_processes_that_save_one_file_leave_one_of_their_fits(tmp_path: Path) -> None:
    sources = [made(seed).save(tmp_path / f"{seed}.nc") for seed in (1, 2)]
    target = tmp_path / "fit.nc"
    again = "import sys, bayesq\nfit = bayesq.load_fit(sys.argv[1])\nprint('ready', flush=True)\n"
    again += "for _ in range(6):\n    fit.save(sys.argv[2])\n"
    writers = [
        subprocess.Popen([sys.executable, "-c", again, s, target], stdout=subprocess.PIPE)
        for s in sources
    ]
    allowed = {draws_of(source) for source in sources}
    try:
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
        while any(writer.poll() is None for writer in writers):
            time.sleep(0.1)
            if target.exists():
                assert draws_of(target) in allowed
        assert [writer.wait() for writer in writers] == [0, 0]
    finally:
        for writer in writers:
            writer.kill()
            assert writer.stdout is not None
            writer.stdout.close()
    assert draws_of(target) in allowed
    assert sorted(os.listdir(tmp_path)) == ["1.nc", "2.nc", "fit.nc"]


def test_of_two_backtests_in_one_folder_the_second_is_told(tmp_path: Path) -> None:
    one, same, other = (
        Folder(tmp_path / "folds", {"seed": seed, "split": "run"}) for seed in (1, 1, 2)
    )
    rows = {"kept": "a", "left": "b"}
    one.write(1, rows, {"scores": [1.0]})
    same.write(2, rows, {"scores": [2.0]})
    # Both found the folder empty; what the first has finished is not written over.
    with pytest.raises(BayesqError, match=r"holds another backtest \(seed is 1 there and 2 here\)"):
        other.write(1, rows, {"scores": [3.0]})
    assert one.read(1, rows) == {"scores": [1.0]}
    assert same.read(2, rows) == {"scores": [2.0]}
    assert left_in(tmp_path / "folds") == {"backtest.json", "fold-01.json", "fold-02.json"}


def test_of_many_that_make_a_new_file_one_does(tmp_path: Path) -> None:
    told: list[int] = []

    def make(number: int) -> None:
        try:
            write_beside(
                tmp_path / "head",
                lambda beside: beside.write_text(str(number)),
                "head",
                new=True,
            )
        except FileExistsError:
            return
        told.append(number)

    threads = [threading.Thread(target=make, args=(i,)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(tmp_path / "head").read_text()] == [str(n) for n in told]
    assert os.listdir(tmp_path) == ["head"]


# --- kills -------------------------------------------------------------------------------------


def rows() -> bayesq.Runs:
    frame = pd.DataFrame([{"N": n, "D": 20 * n} for n in np.geomspace(1e7, 1e9, 9)])
    loss = 1.7 + 400 / frame["N"] ** 0.34 + 410 / frame["D"] ** 0.28
    scatter = np.random.default_rng(0).normal(0, 0.003, len(frame))
    return bayesq.read_runs(frame.assign(loss=loss + scatter, run=[f"r{i}" for i in frame.index]))


FEW = ["--draws", "20", "--tune", "50", "--chains", "1", "--seed", "1", "--no-discrepancy"]
FIT = ["fit", "runs.csv", "--law", "chinchilla", "-o", "fit.nc", *FEW]
BACKTEST = ["backtest", "runs.csv", "--law", "chinchilla", "--split", "run", "--save", "folds"]
BACKTEST += [*FEW, "--json"]


def command(arguments: list[str], folder: Path, kill_after: float | None = None) -> str | None:
    """Run a command in a process of its own; None where it was killed before its end."""
    code = "import sys; from bayesq.cli.app import main; main(sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        out, _ = process.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None
    assert process.returncode == 0
    return out


def killed(folder: Path, times: int) -> None:
    """Kill a fit and a backtest at random moments, and look at what is there after each."""
    calm = folder / "calm"
    calm.mkdir()
    for place in (folder, calm):
        rows().frame[["N", "D", "loss", "run"]].to_csv(place / "runs.csv", index=False)
    # Once for what is compiled, once for what it takes and comes to.
    wanted, took = {}, {}
    for name, arguments in {"fit": FIT, "backtest": BACKTEST}.items():
        command(arguments, calm)
        if name == "backtest":
            for path in (calm / "folds").iterdir():
                path.unlink()
        began = time.monotonic()
        wanted[name] = command(arguments, calm)
        took[name] = time.monotonic() - began
    new = draws_of(calm / "fit.nc")
    made().save(folder / "fit.nc")
    old = draws_of(folder / "fit.nc")
    rng = np.random.default_rng(0)
    finished: dict[str, Any] = {}
    for number in range(times):
        name = ("fit", "backtest")[number % 2]
        moment = took[name] * rng.uniform(0.05, 1.05)
        command({"fit": FIT, "backtest": BACKTEST}[name], folder, moment)
        assert draws_of(folder / "fit.nc") in (old, new)
        assert left_in(folder) <= {"runs.csv", "calm", "fit.nc", "folds"}
        if (folder / "folds").exists():
            there = {
                name: json.loads((folder / "folds" / name).read_text())
                for name in left_in(folder / "folds")
            }
            assert all(there[name] == content for name, content in finished.items())
            assert there.keys() - {"backtest.json"} <= {f"fold-{i:02d}.json" for i in range(1, 11)}
            finished = there
    assert json.loads(command(BACKTEST, folder) or "") == json.loads(wanted["backtest"] or "")
    command(FIT, folder)
    assert draws_of(folder / "fit.nc") == new


@pytest.mark.slow
def test_a_kill_at_20_random_moments_loses_nothing(tmp_path: Path) -> None:
    killed(tmp_path, 20)
