"""Backtests on the command line: what is printed, how one is stopped, and how mistakes end."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesq
import bayesq.backtesting.backtest as room
from command import Run

FEW = ["--draws", "60", "--tune", "200", "--chains", "2"]
GRID = ["grid", "--law", "chinchilla", "--split", "largest-D", "--seed", "3", *FEW]


@pytest.fixture
def run(run: Run) -> Run:
    """Give a function that runs a backtest on the command line, in this process."""
    return lambda *arguments: run("backtest", *arguments)


def stop(*_: Any, **__: Any) -> None:
    """Stand for Ctrl-C."""
    raise KeyboardInterrupt


def test_a_backtest_is_printed_and_stopped_and_gone_on_with(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One test, so that the fit is made once however many processes run the tests.
    folder = tmp_path / "folds[b]"
    with monkeypatch.context() as patch:
        patch.setattr(room, "fit_specification", stop)
        stopped = run(*GRID, "--save", folder)
        assert (stopped.code, stopped.out) == (130, "")
        assert stopped.err == "stopped: no fold was finished, so nothing was kept.\n"
        assert os.listdir(tmp_path) == []
        alone = run(*GRID)
        assert alone.code == 130
        assert alone.err == "stopped: nothing was kept; with --save FOLDER finished folds are.\n"

    kept = tmp_path / "rows.csv"
    said = run(*GRID, "--save", folder, "--json", "-o", kept).json()
    assert said["path"] == str(kept)
    options: dict[str, Any] = {"draws": 60, "tune": 200, "chains": 2, "seed": 3}
    runs = bayesq.load_pool("grid")
    # The same folder: what Python gives is read from it.
    monkeypatch.setattr(room, "_try", stop)
    wanted = bayesq.backtest(runs, "chinchilla", split="largest-D", save=folder, **options)
    assert (said["title"], said["text"]) == (wanted.title, wanted.text)
    assert (said["unit"], said["saved"]) == ("nats/token", str(folder))
    assert said["notes"] == [note.to_dict() for note in wanted.notes]
    pd.testing.assert_frame_equal(pd.DataFrame(said["rows"]), wanted.rows)
    pd.testing.assert_frame_equal(bayesq.load_backtest(kept).rows, wanted.rows)
    summary = pd.DataFrame(said["summary"]).set_index("distance")
    pd.testing.assert_frame_equal(summary, wanted.to_frame())

    out = run(*GRID, "--save", folder, "-o", kept).out
    assert f"rows saved to {kept}, in the place of the file that was there" in re.sub(
        r"\s+", " ", out
    )
    flat = re.sub(r"\s+", " ", out)
    assert wanted.title in flat
    assert wanted.text in flat
    assert re.search(rf"^all +{len(wanted.rows)} ", out, re.MULTILINE)
    assert f"saved in {folder}" in out

    (folder / "fold-01.json").unlink()
    stopped = run(*GRID, "--save", folder)
    assert stopped.code == 130
    # A split by size has one fold, which was to be made again.
    assert stopped.err == "stopped: no fold was finished, so nothing was kept.\n"
    other = run(*GRID, "--save", folder, "--seed", "4")
    assert (other.code, other.out) == (2, "")
    assert "holds another backtest (seed is 3 there and 4 here); name another" in other.err


MISTAKES = {
    "split": (["--split", "largest"], "No split is called 'largest'; did you mean largest-"),
    "quantile": (["--quantile", "70"], "quantile is 70.0; it must lie between 0 and 1"),
    "study": (["--split", "study"], "has one study only in the 12 rows that law chinchilla"),
    "law": (["--law", "chinchila"], "did you mean chinchilla"),
    "response": (["--response", "delta"], "response 'delta'; it takes 'loss'"),
    "too few": (["--quantile", "0.1"], "left out, runs.csv has 2 rows that law chinchilla can use"),
    "draws": (["--draws", "1"], "draws is 1; it must be a whole number from 4 on"),
    "seed": (["--seed", "-1"], "seed is -1; it must be a whole number from 0"),
    "where": (["--where", "N > 1e15"], "keeps none of the 12 rows of runs.csv"),
    "column": (["--column", "size=N"], "no column 'size' to rename"),
    "folder": (["--save", "no/folds"], "^error: Folder no does not exist; make it first"),
    "rows in no folder": (["-o", "no/rows.csv"], "^error: Folder no does not exist; make it"),
    "a file": (["--save", "runs.csv"], "^error: runs.csv is not a folder; name one"),
    "a folder of others": (["--save", "."], "Folder . holds other files and no backtest"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_ends_with_one_sentence_and_nothing_written(
    what: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments, words = MISTAKES[what]
    N, D = np.geomspace(1e7, 1e8, 12), np.geomspace(1e9, 1e10, 12)
    frame = pd.DataFrame({"N": N, "D": D, "loss": 2 + 300 * N**-0.34})
    frame.to_csv(tmp_path / "runs.csv", index=False)
    monkeypatch.chdir(tmp_path)
    # Whatever is wrong is said before anything is compiled.
    monkeypatch.delattr("bayesq.sampling.compiled.find_program")
    save = [] if "--save" in arguments else ["--save", "folds"]
    said = run("runs.csv", "--law", "chinchilla", *save, *arguments)
    assert (said.code, said.out) == (2, "")
    assert re.fullmatch(r"error: [^\n]+[^.]\.\n", said.err)
    assert re.search(words, said.err)
    assert os.listdir(tmp_path) == ["runs.csv"]
