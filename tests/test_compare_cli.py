"""Comparisons on the command line: what is printed, what is kept, and how mistakes end."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesq
import bayesq.backtesting.backtest as backtesting_room
import bayesq.comparison.fits as room
from command import Run

LAWS = ("ptq-without-d", "ptq-without-n")
FEW = ["--draws", "60", "--tune", "200", "--chains", "2", "--seed", "3", "--no-discrepancy"]
OPTIONS: dict[str, Any] = {"draws": 60, "tune": 200, "chains": 2, "seed": 3, "discrepancy": False}


@pytest.fixture
def run(run: Run) -> Run:
    """Give a function that compares laws on the command line, in this process."""
    return lambda *arguments: run("compare", *arguments)


def table() -> pd.DataFrame:
    """Make up rounded networks whose degradation depends on their size and tokens."""
    rng = np.random.default_rng(2)
    n, d, g = (
        x.ravel()
        for x in np.meshgrid(np.geomspace(1e7, 1e8, 3), np.geomspace(5e8, 8e9, 3), [32.0, 128.0])
    )
    delta = 0.05 * (n / 3e7) ** -0.4 * (d / 2e9) ** 0.3 * (g / 64) ** 0.3
    loss = 3.0 + delta * np.exp(rng.normal(0, 0.03, len(n)))
    rows = pd.DataFrame({"N": n, "D": d, "w_bits": 4, "w_group": g, "loss": loss, "loss_full": 3.0})
    return rows.assign(w_kind="int", stage="post", run=[f"r{i}" for i in range(len(n))])


def stop(*_: Any, **__: Any) -> Any:
    raise AssertionError("nothing was to be fitted")


def test_a_comparison_is_printed_and_its_fits_are_kept(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One test, so that the fits are made once however many processes run the tests.
    table().to_csv(tmp_path / "runs.csv", index=False)
    monkeypatch.chdir(tmp_path)
    asked = ["runs.csv", "--laws", ", ".join(LAWS), *FEW, "--save", "fits[b]"]
    said = run(*asked, "--json").json()
    assert sorted(os.listdir("fits[b]")) == [f"{name}.nc" for name in LAWS]
    assert (said["unit"], said["outside"], said["saved"]) == ("row", "largest-compute", "fits[b]")
    lines = {line["law"]: line for line in said["laws"]}
    assert set(lines) == set(LAWS)
    for line in lines.values():
        assert {"elpd", "se", "diff", "stacking", "outside", "outside_stacking"} <= set(line)
    assert sum(line["stacking"] for line in lines.values()) == pytest.approx(1.0)
    assert said["text"].startswith("Inside the data (18 rows left out): ")
    assert "Outside (the " in said["text"]
    assert "few-runs-to-compare" in {note["code"] for note in said["notes"]}

    # The fits are taken from the folder, and Python says the same of them.
    monkeypatch.setattr(room, "fit_specification", stop)
    alone = [*asked, "--outside", "none"]
    again = run(*alone, "--json").json()
    assert again["outside"] is None
    assert "Outside" not in again["text"]
    fits = bayesq.fit_laws(bayesq.read_runs("runs.csv"), LAWS, save="fits[b]", **OPTIONS)
    wanted = bayesq.compare(fits, outside=None, progress=False)
    assert again["text"] == wanted.text
    frame = pd.DataFrame(again["laws"]).set_index("law")
    pd.testing.assert_frame_equal(frame, wanted.to_frame(), check_dtype=False)
    assert again["notes"] == [note.to_dict() for note in wanted.notes]
    # What is inside the data does not depend on what is outside.
    assert lines[frame.index[0]]["elpd"] == frame["elpd"].iloc[0]

    out = run(*alone).out
    flat = re.sub(r"\s+", " ", out)
    assert wanted.text in flat
    for name in LAWS:
        assert re.search(rf"^{name} +-?\d", out, re.MULTILINE)
    assert "sums of log predictive densities in nats; more is better" in out
    assert "rows outside the data" not in out
    assert "fits saved in fits[b]" in out

    # Other options are other fits: those of the folder do not stand for them.
    monkeypatch.setattr(backtesting_room, "fit_specification", stop)
    with pytest.raises(AssertionError, match="nothing was to be fitted"):
        run(*asked, "--noise", "normal")
    by_cell = run(*alone, "--unit", "cell", "--json").json()
    assert by_cell["text"].startswith("Inside the data (9 cells left out): ")


MISTAKES: dict[str, tuple[list[str], str]] = {
    "unknown law": (["--laws", "ptq-without-d,ptq-without-m"], "did you mean ptq-without-"),
    "unknown variant": (["--laws", "ptq-without-d,kumar2024-ptq:gamma_X=0"], "gamma_X"),
    "one law": (["--laws", "ptq-without-d"], "Pass two laws or more, each once"),
    "no law": (["--laws", " , "], "Pass two laws or more, each once; these are none"),
    "one law twice": (["--laws", "ptq-without-d, ptq-without-d"], "Pass two laws or more"),
    "unit": (["--unit", "rows"], "No unit is called 'rows'; did you mean row"),
    "outside": (["--outside", "largest"], "outside is 'largest'; did you mean largest-"),
    "cure": (["--cure", "moment"], "cure is 'moment'; did you mean moments"),
    "response": (["--response", "delta"], "response 'delta'; it takes"),
    "laws of other rows": (["--laws", "ptq-without-d,qat-without-d"], "has 0 rows that law qat-"),
    "where": (["--where", "N > 1e15"], "keeps none of the 18 rows of runs.csv"),
    "draws": (["--draws", "1"], "draws is 1; it must be a whole number from 4 on"),
    "noise": (["--noise", "loud"], "loud"),
    "pool": (["--pool-by", "study"], "study"),
    "a file": (["--save", "runs.csv"], "runs.csv is no folder to save fits in"),
    "a folder in none": (["--save", "no/fits"], "no/fits is no folder to save fits in"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_ends_with_one_sentence_and_nothing_written(
    what: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments, words = MISTAKES[what]
    table().to_csv(tmp_path / "runs.csv", index=False)
    monkeypatch.chdir(tmp_path)
    # Whatever is wrong is said before anything is compiled.
    monkeypatch.delattr("bayesq.sampling.compiled.find_program")
    said = run("runs.csv", "--laws", ",".join(LAWS), *arguments)
    assert (said.code, said.out) == (2, "")
    assert re.fullmatch(r"error: [^\n]+[^.]\.\n", said.err)
    assert words in said.err
    assert os.listdir(tmp_path) == ["runs.csv"]


def test_the_laws_must_be_named(run: Run, tmp_path: Path) -> None:
    table().to_csv(tmp_path / "runs.csv", index=False)
    said = run(tmp_path / "runs.csv")
    assert said.code == 2
    assert "--laws" in said.err
