"""Questions on the command line: what `bayesq decide` prints, and how mistakes end."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import bayesq
from bayesq import Fit, decide
from bayesq.decide import Decision
from bayesq.intervals import asked_for
from command import Run

SUN = ("N=1B", "exponent=2", "mantissa=1", "group=128")


@pytest.fixture
def run(run: Run) -> Run:
    """Give a function that asks on the command line, in this process."""
    return lambda *arguments: run("decide", *arguments)


@pytest.fixture(scope="module")
def saved(ptq_fit: Fit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ptq_fit.save(tmp_path_factory.mktemp("saved") / "ptq.nc")


@pytest.fixture(scope="module")
def saved_base(base_fit: Fit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base_fit.save(tmp_path_factory.mktemp("saved") / "base.nc")


def check(said: dict[str, Any], wanted: Decision, prob: float = 0.9) -> None:
    """See that an answer in JSON is the one that Python gives."""
    assert (said["text"], said["prob"]) == (wanted.text, prob)
    found = pd.DataFrame(said["answers"]).set_index("answer")
    frame = wanted.to_frame(prob)
    pd.testing.assert_frame_equal(found[frame.columns].astype(float), frame)
    assert said["notes"] == [note.to_dict() for note in wanted.notes]
    near = wanted.near_optimal
    assert (said["near_optimal"] is None) is (near is None)
    if near is not None:
        found = pd.DataFrame(said["near_optimal"]).set_index(near.index.name)
        pd.testing.assert_frame_equal(found, near, check_dtype=False)


def test_the_help_names_every_decision(run: Run) -> None:
    said = run("--help")
    assert said.code == 0
    for name in set(decide.__all__) - {"Decision"}:
        assert re.search(rf"\b{name}\b", said.out)


def test_prose_from_a_papers_constants(run: Run) -> None:
    said = run("critical_tokens", "sun2025", *SUN, "--quiet")
    assert (said.code, said.err) == (0, "")
    flat = re.sub(r"\s+", " ", said.out)
    assert "At N 1B, E 2, M 1, B 128, more than 393B tokens raise the loss." in flat
    assert re.search(r"^D +393B|^D .*3\.928e\+11", said.out, re.MULTILINE)
    assert "90% intervals from lower to upper" in said.out
    assert "near the best:" in said.out
    assert "[warning] extrapolation: The decision lies outside the data" in flat
    assert "[info] published-constants" in said.out
    assert "50% intervals" in run("critical_tokens", "sun2025", *SUN, "--prob", "0.5").out


PAPERS: dict[str, tuple[list[str], Callable[[], Decision]]] = {
    "critical tokens": (
        ["critical_tokens", "sun2025", *SUN],
        lambda: decide.critical_tokens(
            bayesq.published("sun2025"), N=1e9, exponent=2, mantissa=1, group=128
        ),
    ),
    "a name with hyphens": (
        ["critical-tokens", "chen2025:W4A16", "N=595M", "group=64"],
        lambda: decide.critical_tokens(bayesq.published("chen2025", "W4A16"), N="595M", group=64),
    ),
    "another fit of the paper": (
        ["compute_optimal", "chinchilla:hoffmann2022", "compute=5.76e23", "tolerance=0.01"],
        lambda: decide.compute_optimal(
            bayesq.published("chinchilla", "hoffmann2022"), compute=5.76e23, tolerance=0.01
        ),
    ),
    "a list of formats": (
        ["optimal_format", "sun2025", "formats=E2M1,INT4,E4M3", "N=1B", "D=100B", "group=128"],
        lambda: decide.optimal_format(
            bayesq.published("sun2025"),
            formats=["E2M1", "INT4", "E4M3"],
            N=1e9,
            D=1e11,
            group=128,
        ),
    ),
    "a width": (
        ["optimal_format", "frantar2025:quest", "bits=4", "N=1B", "D=100B"],
        lambda: decide.optimal_format(
            bayesq.published("frantar2025", "quest"), bits=4, N=1e9, D=1e11
        ),
    ),
    "a list of groups": (
        ["weight_activation_crossover", "chen2025-schemes", "N=595M", "group=32,256"],
        lambda: decide.weight_activation_crossover(
            bayesq.published("chen2025-schemes"), N="595M", group=[32, 256]
        ),
    ),
    "one group": (
        ["largest_group", "chen2025", "level=0.05", "N=595M", "D=100B"],
        lambda: decide.largest_group(bayesq.published("chen2025"), level=0.05, N=595e6, D=1e11),
    ),
    "a level": (
        ["tokens_to_degradation", "ouyang2024", "level=0.2", "N=7B", "bits=2"],
        lambda: decide.tokens_to_degradation(
            bayesq.published("ouyang2024"), level=0.2, N="7B", bits=2
        ),
    ),
    "no answer": (
        ["fewest_bits", "ouyang2024", "level=1e-9", "N=7B", "D=1T"],
        lambda: decide.fewest_bits(bayesq.published("ouyang2024"), level=1e-9, N="7B", D="1T"),
    ),
    "a budget": (
        ["optimal_precision", "kumar2024-qat", "compute=1e20", "D=20B", "kv_bits=16"],
        lambda: decide.optimal_precision(
            bayesq.published("kumar2024-qat"), compute=1e20, D="20B", kv_bits=16
        ),
    ),
    "no question": (
        ["effective_parameters", "frantar2025"],
        lambda: decide.effective_parameters(bayesq.published("frantar2025")),
    ),
    "words in a value": (
        ["effective_parameters", "frantar2025:quest", "compression=W4A4 E2M1"],
        lambda: decide.effective_parameters(
            bayesq.published("frantar2025", "quest"), compression="W4A4 E2M1"
        ),
    ),
    "two papers": (
        ["critical_tokens", "ouyang2024", "N=1B", "w_bits=3", "--base", "chinchilla:hoffmann2022"],
        lambda: decide.critical_tokens(
            bayesq.published("ouyang2024"),
            base=bayesq.published("chinchilla", "hoffmann2022"),
            N="1B",
            w_bits=3,
        ),
    ),
}


@pytest.mark.parametrize("what", PAPERS)
def test_json_is_what_python_answers(what: str, run: Run) -> None:
    arguments, ask = PAPERS[what]
    check(run(*arguments, "--json").json(), ask())


def test_every_decision_is_asked_on_the_command_line() -> None:
    asked = {arguments[0].replace("-", "_") for arguments, _ in PAPERS.values()}
    asked |= {"inference_optimal", "iso_loss", "speedup"}  # in files of their own
    assert asked == set(decide.__all__) - {"Decision"}


def test_a_saved_fit_is_asked(saved: Path, ptq_fit: Fit, run: Run) -> None:
    said = run("fewest_bits", saved, "level=0.01", "N=1B", "D=100B", "--json", "--prob", "0.8")
    with asked_for(0.8):
        wanted = decide.fewest_bits(ptq_fit, level=0.01, N="1B", D="100B")
    assert "(80 % interval" in wanted.answer
    check(said.json(), wanted, 0.8)


def test_a_saved_fit_is_asked_with_its_base_law(
    saved: Path, saved_base: Path, ptq_fit: Fit, base_fit: Fit, run: Run
) -> None:
    question = ["critical_tokens", saved, "N=10M", "w_bits=3"]
    alone = run(*question)
    assert (alone.code, alone.out) == (2, "")
    assert "pass base=, a fit of chinchilla" in alone.err
    wanted = decide.critical_tokens(ptq_fit, base=base_fit, N="10M", w_bits=3)
    check(run(*question, "--base", saved_base, "--json").json(), wanted)
    # A paper's constants will do for the base law too.
    paper = decide.critical_tokens(ptq_fit, base=bayesq.published("chinchilla"), N="10M", w_bits=3)
    check(run(*question, "--base", "chinchilla", "--json").json(), paper)


MISTAKES: dict[str, tuple[list[str], str]] = {
    "unknown decision": (["critical_token", "sun2025", *SUN], "did you mean critical_tokens"),
    "the class of answers": (["Decision", "sun2025"], "No decision is called 'Decision'"),
    "missing level": (
        ["tokens_to_degradation", "ouyang2024", "N=1B", "bits=2"],
        "tokens_to_degradation needs level; write level=... behind it",
    ),
    "missing compute": (["compute_optimal", "chinchilla"], "needs compute; write compute=..."),
    "missing size": (["optimal_format", "sun2025", "bits=4", "D=1B"], "optimal_format needs N;"),
    "no value": (["critical_tokens", "sun2025", "N"], "'N' is not NAME=VALUE; write it like N=1B"),
    "empty value": (["critical_tokens", "sun2025", "N="], "'N=' is not NAME=VALUE"),
    "given twice": (["critical_tokens", "sun2025", *SUN, "N=2B"], "gives N twice; give it once"),
    "unknown key": (["critical_tokens", "sun2025", *SUN, "widht=4"], "no column 'widht'"),
    "key of Python's": (
        ["critical_tokens", "sun2025", *SUN, "closed_form=maybe"],
        "closed_form",
    ),
    "base among the keys": (["critical_tokens", "sun2025", *SUN, "base=chinchilla"], "base"),
    "fit among the keys": (["critical_tokens", "sun2025", *SUN, "fit=3"], "fit"),
    "unknown key of a narrow decision": (
        ["weight_activation_crossover", "chen2025-schemes", "N=1B", "D=1B"],
        r"\bD\b",
    ),
    "text for a number": (
        ["compute_optimal", "chinchilla", "compute=much"],
        "compute is 'much'; write a number above 0",
    ),
    "text for bits": (
        ["optimal_format", "sun2025", "bits=four", "N=1B", "D=1B", "group=32"],
        "bits is 'four'; write a number",
    ),
    "text for a group": (
        ["optimal_format", "frantar2025:quest", "bits=4", "N=1B", "D=1B", "group=big"],
        "group",
    ),
    "no level at all": (
        ["tokens_to_degradation", "ouyang2024", "N=1B", "bits=2", "level=0"],
        "level is '0'",
    ),
    "unknown label": (["critical_tokens", "chen2025:W4", "N=1B", "group=64"], "no published fit"),
    "constants missing": (["fewest_bits", "kumar2024-ptq", "level=1", "N=1B"], "lack gamma_post"),
    "no constants": (["critical_tokens", "ptq-without-d", "N=1B"], "has no published constants"),
    "no file": (["critical_tokens", "sun.nc", *SUN], "sun.nc does not exist"),
    "no base": (["critical_tokens", "ouyang2024", "N=1B", "w_bits=3"], "The loss needs E, A, B"),
    "another base": (
        ["critical_tokens", "ouyang2024", "N=1B", "w_bits=3", "--base", "sun2025"],
        "base= is sun2025 with the constants sun2025, and law ouyang2024 has base law chinchilla",
    ),
    "a base for nothing": (
        ["largest_group", "chen2025", "level=1", "N=1B", "D=1B", "--base", "chinchilla"],
        "largest_group needs no base law; leave --base out",
    ),
    "probability": (["critical_tokens", "sun2025", *SUN, "--prob", "90"], "prob is 90.0; it must"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_ends_with_one_sentence(
    what: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments, words = MISTAKES[what]
    monkeypatch.chdir(tmp_path)
    said = run(*arguments)
    assert (said.code, said.out) == (2, "")
    assert re.fullmatch(r"error: [^\n]+[^.]\.\n", said.err)
    assert re.search(words, said.err)
