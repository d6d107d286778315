"""What a slow verb says on the error stream: on a terminal, in a pipe, and when it is stopped."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import bayesq.progress as room
from bayesq.progress import Progress, showing
from bayesq.stopped import Stopped, stopping


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let time pass fast, so that a verb of a fifth of a second is a long one."""
    times = {"_SILENT_FOR": 0.1, "_APART": 0.05, "_AGAIN": 0.2, "_TICK": 0.01}
    for name, seconds in (times | {"_ESTIMATE_AFTER": 0.0}).items():
        monkeypatch.setattr(room, name, seconds)


# --- in a pipe ----------------------------------------------------------------------------------


def test_a_quick_verb_is_silent_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with showing(True) as told:
        told.say("compiling the model")
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("quick")
def test_a_slow_verb_writes_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    with showing(True) as told:
        told.say("compiling the model")
        time.sleep(0.2)
        for done in range(40):  # far more often than there are lines
            told.step(done, 40, "sampling")
            time.sleep(0.01)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert lines[0] == "compiling the model"
    pattern = r"sampling \d+ of 40(, (a few seconds|about \d+ (seconds|minutes)) left)?"
    assert {line for line in lines[1:] if not re.fullmatch(pattern, line)} <= {
        "compiling the model (10 seconds so far)"
    }
    assert any(line.endswith(" left") for line in lines)
    assert 2 <= len(lines) <= 12


@pytest.mark.usefixtures("quick")
def test_what_does_not_change_is_said_again_with_how_long_it_has_been(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with showing(True) as told:
        told.say("compiling the model")
        time.sleep(0.6)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "compiling the model"
    assert set(lines[1:]) == {"compiling the model (10 seconds so far)"}
    assert len(lines) <= 4


@pytest.mark.usefixtures("quick")
def test_false_is_silent_whatever_is_around(capsys: pytest.CaptureFixture[str]) -> None:
    with showing(False) as told, showing(told) as same:
        assert same is told
        assert not told.shown
        same.say("compiling the model")
        same.keep("46 refits are to come")
        time.sleep(0.2)
    with showing(True), showing(False) as silent:
        silent.say("compiling the model")
        time.sleep(0.2)
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("quick")
def test_what_is_kept_is_written_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with showing(True) as told:
        assert told.shown
        told.keep("46 refits are to come")
        assert capsys.readouterr() == ("", "46 refits are to come\n")


def test_a_pipe_that_nobody_reads_stops_no_work() -> None:
    read, write = os.pipe()
    code = (
        "import sys, time, bayesq.progress as room\n"
        "room._SILENT_FOR = room._APART = room._TICK = 0.01\n"
        "sys.stdin.readline()\n"
        "with room.showing(True) as told:\n"
        "    told.say('sampling'); time.sleep(0.2); told.keep('kept')\n"
        "print('done', flush=True)\n"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=write,
        text=True,
    )
    os.close(write)
    os.close(read)
    assert started.communicate("\n", timeout=60)[0] == "done\n"


# --- nesting and estimates ------------------------------------------------------------------------


def test_a_verb_inside_another_shares_its_line() -> None:
    with showing(True) as told:
        texts = []
        for name in told.each(["sun2025", "ouyang2024"], "fitting", str):
            with showing(True) as inner:
                assert inner is told
                inner.say("compiling the model")
                inner.step(400, 8000, "sampling")
                texts.append(told.text)
            assert told.text == f"fitting {name} ({len(texts)} of 2)"
    assert texts == [
        "fitting sun2025 (1 of 2): sampling 5%",
        "fitting ouyang2024 (2 of 2): sampling 5%",
    ]
    # What comes after is on its own.
    with showing(True) as other:
        assert other is not told
        assert other.text == ""


def test_the_time_left_is_that_of_the_outermost_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(room.time, "monotonic", lambda: now[0])
    told = Progress()
    seen = []
    for _ in told.each(range(5), "fold", already=1):
        with told._deeper():
            told.step(0, 100, "sampling")
            now[0] += 20
            told.step(50, 100, "sampling")
            seen.append(told.text)
            now[0] += 20
    assert seen == [
        "fold 2 of 6: sampling 50 of 100, about 20 seconds left",
        "fold 3 of 6: sampling 50 of 100, about 2 minutes left",
        "fold 4 of 6: sampling 50 of 100, about 2 minutes left",
        "fold 5 of 6: sampling 50 of 100, about 60 seconds left",
        "fold 6 of 6: sampling 50 of 100, about 20 seconds left",
    ]
    # What takes longer than was thought has no end in sight.
    now[0] += 100
    assert told.text == "fold 6 of 6"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.1, "10 seconds"), (44, "40 seconds"), (170, "3 minutes"), (7000, "2 hours")],
)
def test_times_are_said_as_one_would(seconds: float, words: str) -> None:
    assert room._about(seconds) == words


# --- on a terminal --------------------------------------------------------------------------------

LIVE = """
import time
from bayesq.progress import showing
with showing(True) as told:
    for i in told.each(range(2), "refit"):
        with showing(True) as inner:
            inner.say("sampling")
            time.sleep(0.5)
    told.keep("that is kept")
    time.sleep(0.3)
print("done")
"""


def on_a_terminal(code: str, **environment: str) -> str:
    leader, follower = pty.openpty()
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    env |= {"TERM": "xterm", "COLUMNS": "80", "LINES": "24", **environment}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=follower, stderr=follower, env=env
    ) as started:
        os.close(follower)
        shown = b""
        while select.select([leader], [], [], 60)[0]:
            try:
                part = os.read(leader, 4096)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            shown += part
        assert started.wait(60) == 0
    os.close(leader)
    return shown.decode()


def test_a_terminal_has_one_live_line() -> None:
    shown = on_a_terminal(LIVE)
    assert "refit 1 of 2: sampling" in shown
    assert "refit 2 of 2: sampling" in shown
    # Only what is kept ends its line; the live one is written over, and gone at the end.
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    ended = [line.split("\r")[-1].strip() for line in plain.replace("\r\n", "\n").split("\n")]
    assert [line for line in ended if line and "refit" not in line] == ["that is kept", "done"]
    assert shown.rstrip().endswith("done")


def test_a_terminal_that_cannot_go_back_gets_lines() -> None:
    code = f"import bayesq.progress as room\nroom._SILENT_FOR = 0.1; room._APART = 0.1\n{LIVE}"
    shown = on_a_terminal(code, TERM="dumb")
    assert "\x1b" not in shown
    assert shown.splitlines()[0] == "refit 1 of 2: sampling"


# --- Ctrl-C ---------------------------------------------------------------------------------------


def test_the_innermost_word_on_what_was_kept_counts() -> None:
    with (
        pytest.raises(KeyboardInterrupt) as caught,
        stopping(lambda: Stopped("nothing was kept")),
        stopping(lambda: Stopped("kept: 2 of 5 folds in out", goes_on=True)),
    ):
        raise KeyboardInterrupt
    assert isinstance(caught.value, Stopped)
    assert str(caught.value) == "kept: 2 of 5 folds in out; the same call goes on from there"


# A fit that takes long and needs no compiler: what is sent is a real signal.
SLOW = """
import sys, time
import bayesq.{room} as room
from bayesq.cli.app import main
real, made = getattr(room, "{name}"), []
def slow(*arguments, **settings):
    if len(made) == {finished}:
        print("ready", flush=True)
        time.sleep(60)
    made.append(1)
    return {result}
room.{name} = slow
main(sys.argv[1:])
"""
SCORES = (
    '{"scores": {"observed": [], "mean": [], "median": [], "lower_90": [], "upper_90": []}, '
    '"notes": []}'
)


def stopped(code: str, *arguments: str, cwd: Path) -> tuple[int, str, str]:
    """Run a command until it says that it is ready, and stop it as Ctrl-C does."""
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "ready\n"
        time.sleep(0.2)
        started.send_signal(signal.SIGINT)
        out, err = started.communicate(timeout=60)
    return started.returncode, out, err


def last(err: str) -> str:
    """Return the last line; on a slow machine a line may have said what is being done."""
    assert "Traceback" not in err
    return err.splitlines()[-1]


def test_a_backtest_that_is_stopped_says_which_folds_are_kept(tmp_path: Path) -> None:
    where = {"room": "backtesting.backtest", "name": "_try", "result": SCORES}
    asked = ["backtest", "grid", "--law", "chinchilla", "--split", "run"]
    code, out, err = stopped(SLOW.format(**where, finished=2), *asked, "--save", "f", cwd=tmp_path)
    assert (code, out) == (130, "")
    assert last(err) == "stopped: kept: 2 of 7 folds in f; the same command goes on from there."
    assert sorted(os.listdir(tmp_path / "f")) == ["backtest.json", "fold-01.json", "fold-02.json"]
    code, _, err = stopped(SLOW.format(**where, finished=1), *asked, "--save", "f", cwd=tmp_path)
    assert code == 130
    assert last(err).startswith("stopped: kept: 3 of 7 folds in f; ")
    code, _, err = stopped(SLOW.format(**where, finished=1), *asked, "-q", cwd=tmp_path)
    assert (code, err) == (
        130,
        "stopped: nothing was kept; with --save FOLDER finished folds are.\n",
    )


def test_a_fit_that_is_stopped_says_that_nothing_was_saved(tmp_path: Path) -> None:
    code = SLOW.format(room="fitting", name="fit_specification", finished=0, result="None")
    asked = ["fit", "grid", "--law", "chinchilla", "-o", "fit.nc", "--quiet"]
    assert stopped(code, *asked, cwd=tmp_path) == (130, "", "stopped: nothing was saved.\n")
    assert os.listdir(tmp_path) == []


def test_a_comparison_that_is_stopped_says_which_fits_are_kept(tmp_path: Path) -> None:
    has = '"specification": arguments[0], "save": lambda self, path: path.write_text("a fit")'
    result = f'type("", (), {{{has}}})()'
    code = SLOW.format(room="comparison.fits", name="fit_specification", finished=1, result=result)
    asked = ["compare", "grid", "--laws", "chinchilla,chinchilla:beta=alpha", "--quiet"]
    status, _, err = stopped(code, *asked, "--save", "fits", cwd=tmp_path)
    assert (status, err) == (
        130,
        "stopped: kept: 1 of 2 fits in fits; the same command goes on from there.\n",
    )
    status, _, err = stopped(code, *asked, cwd=tmp_path)
    assert (status, err) == (
        130,
        "stopped: nothing was kept; with --save FOLDER finished fits are.\n",
    )


@pytest.mark.slow
def test_a_real_backtest_is_stopped_while_it_compiles_or_samples(tmp_path: Path) -> None:
    few = ["--draws", "50", "--tune", "100", "--chains", "2", "--split", "run", "--save", "folds"]
    with subprocess.Popen(
        [sys.executable, "-m", "bayesq", "backtest", "grid", "--law", "chinchilla", *few],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        while not (tmp_path / "folds" / "fold-01.json").exists():
            assert started.poll() is None
            time.sleep(0.1)
        started.send_signal(signal.SIGINT)
        out, err = started.communicate(timeout=120)
    assert (started.returncode, out) == (130, "")
    kept = len(list((tmp_path / "folds").glob("fold-*.json")))
    assert (
        last(err)
        == f"stopped: kept: {kept} of 7 folds in folds; the same command goes on from there."
    )
    said = r"fold \d of 7(: [^\n]*)?(, (a few seconds|about \d+ \w+) left)?( \(\d+ \w+ so far\))?"
    assert all(re.fullmatch(said, line) for line in err.splitlines()[:-1])
