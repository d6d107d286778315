"""Sweeps on the command line: what is printed, what is kept, and how mistakes end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import bayesq
import bayesq.sweeping.outcomes as room
from command import Run
from made_up_runs import made_up

FEW = ["--draws", "20", "--tune", "60", "--chains", "2", "--seed", "3", "--no-discrepancy"]
FEW += ["--jobs", "1"]


@pytest.fixture
def run(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give a function that sweeps on the command line, in a folder of two tables."""
    monkeypatch.chdir(tmp_path)
    for name, rows in (("small", 12), ("large", 18)):
        made_up(rows).frame[["N", "D", "loss"]].to_csv(f"{name}.csv", index=False)
    return lambda *arguments: run("sweep", *arguments)


def test_a_sweep_is_printed_kept_and_gone_on_with(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["small.csv", "large.csv", "-l", "chinchilla", "-l", "kumar2024-qat", *FEW]
    asked += ["-o", "fits[b]"]
    said = run(*asked, "--json").json()
    assert said["text"].startswith("2 of 4 fits made, 2 refused; ")
    assert said["saved"] == "fits[b]"
    fits = {(line["table"], line["law"]): line for line in said["fits"]}
    assert fits["large", "chinchilla"]["rows"] == 18
    assert fits["large", "kumar2024-qat"]["rows"] is None
    assert "kumar2024-qat" in fits["large", "kumar2024-qat"]["message"]
    assert {line["parameter"] for line in said["parameters"]} >= {"E", "A", "alpha", "sigma"}
    assert len([n for n in os.listdir("fits[b]") if n.endswith(".nc")]) == 2
    for name in os.listdir("fits[b]"):
        if name.endswith(".nc"):
            assert bayesq.load_fit(Path("fits[b]", name)).law.name == "chinchilla"

    def stop(*_: object, **__: object) -> None:
        raise AssertionError("nothing was to be fitted")

    monkeypatch.setattr(room, "fit_specification", stop)
    assert run(*asked, "--json").json() == said
    told = run(*asked).out
    assert "saved in fits[b]" in told
    assert "large, kumar2024-qat, usual: " in told
    assert r"\toprule" in run(*asked, "--latex").out


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["-l", "chinchila"], "did you mean chinchilla"),
        (["-l", "chinchilla", "--noise", "norml"], "did you mean normal"),
        (["-l", "chinchilla", "--scheduler", "tcp://localhost:1"], "leave one out"),
        (["-l", "chinchilla", "--json", "--latex"], "two forms"),
        ([], "Missing option"),
    ],
)
def test_what_is_wrong_is_one_sentence(given: list[str], words: str, run: Run) -> None:
    done = run("small.csv", *given, *FEW)
    assert done.code == 2
    assert words in done.err + done.out
