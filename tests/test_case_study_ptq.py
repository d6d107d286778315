"""The study of overtraining: it runs, and what its texts say is what a fresh run prints."""

from __future__ import annotations

import os
import re
import runpy
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from conftest import PUBLIC

STUDY = Path(__file__).parents[1] / "case_studies" / "ptq_overtraining"
OLMO = Path(os.environ.get("BAYESQ_DATA", PUBLIC)) / "olmo_ptq" / "runs.csv"
README = (STUDY / "README.md").read_text(encoding="utf-8")
NUMBER = r"(-?[\d.]+|inf)"
INTERVAL = rf"{NUMBER} \({NUMBER} to {NUMBER}\)"
ANSWER = re.compile(rf"^(\S.*?\S)  +(\d+)  +{INTERVAL}  +(\d+) of (\d+)  ", re.MULTILINE)
LEFT_OUT = re.compile(
    rf"^(\S.*?\S)  +(\d+)  +{INTERVAL}  +(\d+) of (\d+)  +(\d+)  +{NUMBER}$", re.MULTILINE
)


@dataclass(frozen=True)
class Interval:
    """A median with the ends of its interval."""

    median: float
    lower: float
    upper: float

    def agrees(self, other: Interval) -> bool:
        """Whether two runs of one posterior differ by no more than their draws may."""
        width = self.upper - self.lower
        ends = max(abs(self.lower - other.lower), abs(self.upper - other.upper))
        return abs(self.median - other.median) < 0.1 * width and ends < 0.2 * width


def section(text: str, title: str) -> str:
    """Return the table under a title, up to the next empty line."""
    return text[text.index(title) :].split("\n\n")[0].split("\n```")[0]


def answers(text: str) -> dict[str, Interval]:
    found = ANSWER.findall(section(text, "Degradation and training tokens:"))
    # The texts say that no draw has the degradation fall.
    assert all(above == draws for *_, above, draws in found)
    return {name: Interval(*map(float, numbers)) for name, _, *numbers, _, _ in found}


def rows(text: str, title: str) -> list[list[str]]:
    return [line.split() for line in section(text, title).splitlines()[1:]]


def run(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the script on reduced draws; return what it prints."""
    settings = {"BAYESQ_OUT": str(folder), "BAYESQ_DRAWS": "250", "BAYESQ_TUNE": "500"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    runpy.run_path(str(STUDY / "ptq_overtraining.py"), run_name="__main__")
    return capsys.readouterr().out


def check(printed: str, folder: Path, olmo: list[str]) -> None:
    """Hold a run against the README and against what the texts say.

    Parameters
    ----------
    printed : str
        What the run printed.
    folder : Path
        Where it wrote its figures.
    olmo : list of str
        Selections of OLMo-1B that were at hand.
    """
    figures = {"grid.png", "residuals.png", "left_out.png"} | ({"olmo.png"} if olmo else set())
    assert {path.name for path in folder.iterdir()} == figures
    assert all(name in README for name in figures)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in folder.iterdir())

    quoted, fresh = answers(README), answers(printed)
    assert list(fresh) == ["grid INT3-6", "grid D > 30M", *olmo]
    for name, interval in fresh.items():
        assert quoted[name].agrees(interval), name
    # Leaving out the shortest D moves gamma_D farther than its interval reaches.
    assert fresh["grid D > 30M"].median > fresh["grid INT3-6"].upper

    # These need no sampler: every figure must be the quoted one.
    for title in ("Slopes by least squares:", "Rounded models that end worse"):
        lines = rows(printed, title)[1:]
        assert len(lines) > 1
        assert [line for line in lines if line not in rows(README, title)] == []
    slopes = {
        " ".join(line[:-7]): list(map(float, line[-2:]))
        for line in rows(printed, "Slopes by least squares:")[1:]
        if line[0] in ("grid", "OLMo")
    }
    assert slopes.keys() == fresh.keys()
    for name, (before, last) in slopes.items():
        assert (last > 3 * before) == name.startswith("OLMo"), name

    seen = {name: numbers for name, *numbers in LEFT_OUT.findall(printed)}
    told = {name: numbers for name, *numbers in LEFT_OUT.findall(README)}
    assert list(seen) == ["grid INT3-6", *(["OLMo C4 RTN"] if olmo else [])]
    for name, (_, *interval, inside, unseen, above, ratio) in seen.items():
        _, *quoted_interval, quoted_inside, _, _, quoted_ratio = told[name]
        assert Interval(*map(float, quoted_interval)).agrees(Interval(*map(float, interval)))
        assert abs(int(inside) - int(quoted_inside)) <= 1
        assert float(ratio) == pytest.approx(float(quoted_ratio), rel=0.03)
        if name.startswith("OLMo"):
            assert int(inside) < 0.5 * int(unseen)
            assert int(inside) + int(above) == int(unseen)
        else:
            assert int(inside) > 0.7 * int(unseen)


@pytest.mark.slow
def test_the_study_prints_what_its_readme_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One text with each method, where the public pools are at hand; else the grid alone."""
    monkeypatch.delenv("BAYESQ_DATA", raising=False)
    olmo = []
    if OLMO.is_file():
        table = pd.read_csv(OLMO)
        chosen = ("olmo_ptq-c4", "RTN"), ("olmo_ptq-wt2", "AWQ")
        kept = [pair in chosen for pair in zip(table["study"], table["method"], strict=True)]
        (tmp_path / "pools" / "olmo_ptq").mkdir(parents=True)
        table[kept].to_csv(tmp_path / "pools" / "olmo_ptq" / "runs.csv", index=False)
        monkeypatch.setenv("BAYESQ_DATA", str(tmp_path / "pools"))
        olmo = ["OLMo C4 RTN", "OLMo WT2 AWQ"]
    folder = tmp_path / "out"
    printed = run(folder, capsys, monkeypatch)
    check(printed, folder, olmo)
    assert ("Only the grid, without OLMo-1B." in printed) == (not olmo)


@pytest.mark.slow
def test_all_of_the_study_with_the_whole_pool(
    public: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    printed = run(tmp_path, capsys, monkeypatch)
    check(printed, tmp_path, [name for name in answers(README) if name.startswith("OLMo")])
    assert len(answers(printed)) == 6


@pytest.mark.slow
def test_without_the_public_pools_it_does_the_grid_and_says_how_to_get_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BAYESQ_DATA", raising=False)
    printed = run(tmp_path, capsys, monkeypatch)
    check(printed, tmp_path, [])
    assert "set BAYESQ_DATA to a folder that holds olmo_ptq/runs.csv" in printed


def test_the_texts_hold_no_path_of_a_machine() -> None:
    for path in STUDY.glob("*.*"):
        assert not re.search(r"/(home|work|tmp|root)/", path.read_text(encoding="utf-8"))
