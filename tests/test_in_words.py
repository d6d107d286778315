"""A question in one line of words gives what the command line and Python give."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from made_up_fits import around

import bayesq
from bayesq import BayesqError, Fit, decide
from bayesq.decide.in_words import ask
from command import Run

ADDED = {"C_T": 70.0, "gamma_D": 0.32, "gamma_N": 0.44, "gamma_post": 0.6}
NOISE = {"sigma": 0.04, "sigma_0": 1e-4, "dof": 6.0}
BASE = {"E": 0.8, "A": 13.0, "B": 4.2e4, "alpha": 0.21, "beta": 0.64, "sigma": 0.01, "dof": 6.0}


@pytest.fixture(scope="module")
def added(ptq_runs: bayesq.Runs) -> Fit:
    return around(ptq_runs, "kumar2024-ptq", "degradation", ADDED | NOISE)


@pytest.fixture(scope="module")
def base(grid: bayesq.Runs) -> Fit:
    return around(grid, "chinchilla", "loss", BASE)


def test_it_is_what_the_command_says(run: Run, added: Fit, base: Fit, tmp_path: Path) -> None:
    paths = [str(fit.save(tmp_path / f"{fit.law.name}.nc")) for fit in (added, base)]
    words = "critical_tokens N=7.08M w_bits=3"
    name, *asked = words.split()
    said = run("decide", name, paths[0], *asked, "--base", paths[1], "--json").json()
    found = ask(added, words, base=base)
    assert said["text"] == found.text
    frame = pd.DataFrame(said["answers"]).set_index("answer")
    wanted = found.to_frame()
    pd.testing.assert_frame_equal(frame[wanted.columns].astype(float), wanted)
    assert said["notes"] == [note.to_dict() for note in found.notes]


def test_words_are_read_as_the_command_line_reads_them(added: Fit) -> None:
    found = ask(added, "fewest-bits level='4 %' N=7.08M D=400M risk=0.05")
    wanted = decide.fewest_bits(added, level="4 %", N="7.08M", D="400M", risk=0.05)
    assert found.text == wanted.text
    pd.testing.assert_frame_equal(found.to_frame(), wanted.to_frame())


def test_another_fit_is_named_by_its_file(base: Fit, tmp_path: Path) -> None:
    path = base.save(tmp_path / "base.nc")
    found = ask(base, f"speedup compute=1e16 over={path}")
    wanted = decide.speedup(base, over=bayesq.load_fit(path), compute=1e16)
    assert found.text == wanted.text
    with pytest.raises(BayesqError, match=r"nowhere\.nc does not exist"):
        ask(base, "speedup compute=1e16 over=nowhere.nc")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "decide '' cannot be read; write 'fewest_bits level=0.01 N=7B D=1T'."),
        ("fewest_bits 'level", "cannot be read"),
        ("fewst_bits level=1", "did you mean fewest_bits"),
        ("fewest_bits N=1B", "fewest_bits needs level; write level=... behind it."),
        ("fewest_bits level=0.01 N", "decide 'N' is not NAME=VALUE; write it like level=0.01."),
        ("fewest_bits level=0.01 N=1B N=2B", "decide gives N twice"),
        ("fewest_bits level=0.01 N=1B D=1B colour=red", "colour"),
    ],
)
def test_a_mistake_is_one_sentence(added: Fit, words: str, told: str) -> None:
    with pytest.raises(BayesqError) as refused:
        ask(added, words)
    assert told in str(refused.value)


def test_a_base_that_is_not_needed_is_refused_as_on_the_command_line(added: Fit, base: Fit) -> None:
    with pytest.raises(BayesqError, match="fewest_bits needs no base law"):
        ask(added, "fewest_bits level=0.01 N=1B D=20B", base=base)
