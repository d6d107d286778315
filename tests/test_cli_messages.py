"""What commands say of themselves and of mistakes: help, JSON, completion, names of files."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from made_up_fits import around

import bayesq
from bayesq import decide
from bayesq.cli.questions import asked_by
from bayesq.cli.targets import Target, table_name
from bayesq.errors import BayesqError
from command import Run

BASE = {"E": 1.7, "A": 400.0, "B": 600.0, "alpha": 0.34, "beta": 0.28, "sigma": 0.01, "dof": 8.0}
DECISIONS = sorted(set(decide.__all__) - {"Decision"})


# --- each decision's help ----------------------------------------------------------------------


@pytest.mark.parametrize("name", DECISIONS)
def test_a_decision_says_what_it_asks(name: str, run: Run) -> None:
    function = getattr(decide, name)
    said = run("decide", name, "--help")
    assert said.code == 0
    assert said.out.startswith(f"Usage: bayesq decide {name} ")
    flat = re.sub(r"\s+", " ", said.out)
    asked = asked_by(function)
    assert re.sub(r"\s+", " ", asked.title) in flat
    for key, argument in inspect.signature(function).parameters.items():
        if argument.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        if key == "base":
            assert "--base" in flat
            continue
        (words,) = (words for question, words in asked.questions if question == f"{key}=...")
        # Each has a meaning of its own, beside its default.
        assert len(words) > 15
        assert f"{key}=... {words}" in flat
        must = argument.default is inspect.Parameter.empty
        assert ("[required]" in words) == must
        if argument.default not in (None, inspect.Parameter.empty):
            assert "[default: " in words
    if any(
        a.kind is inspect.Parameter.VAR_KEYWORD
        for a in inspect.signature(function).parameters.values()
    ):
        assert f"KEY=VALUE {asked.setting}" in flat
        assert asked.setting
    assert asked.answer in flat
    # Nothing is left of how Python writes it.
    assert not re.search(r"``|\bFalse\b|\bNone\b|:func:|(?<=\w)=\"", said.out)
    assert run("decide", name.replace("_", "-"), "-h").code == 0


def test_questions_have_units_and_defaults(run: Run) -> None:
    flat = re.sub(r"\s+", " ", run("decide", "fewest_bits", "-h").out)
    assert (
        "level=... Largest degradation allowed: nats per token, or 1% of perplexity. [required]"
        in flat
    )
    assert "discrepancy=... false for the law's own formula. [default: true]" in flat
    flat = re.sub(r"\s+", " ", run("decide", "weight_activation_crossover", "-h").out)
    assert "[default: 32,64,128,256]" in flat


def test_the_decisions_are_listed_with_a_line_each(run: Run) -> None:
    said = run("decide")
    assert said == run("decide", "-h")
    for name in DECISIONS:
        assert re.search(rf"^  {name} +[A-Z]", said.out, re.MULTILINE)


def test_options_may_come_before_the_decision(run: Run) -> None:
    question = ["sun2025", "N=1B", "exponent=4", "mantissa=3", "group=128"]
    after = run("decide", "critical_tokens", *question, "--json", "--prob", "0.5").json()
    before = run("decide", "--prob", "0.5", "--json", "critical_tokens", *question).json()
    assert before == after


# --- errors in JSON ----------------------------------------------------------------------------

WRONG = {
    "no table": ["check", "no.csv"],
    "a fit of no table": ["fit", "no.csv", "--law", "chinchilla"],
    "no law": ["fit", "grid"],
    "an unknown option": ["fit", "grid", "--lawn", "chinchilla"],
    "no number": ["predict", "chinchilla", "--at", "N=1B,D=1B", "--prob", "much"],
    "an unknown command": ["guess"],
    "no fit": ["show", "no.nc"],
    "no fit to ask": ["sensitivity", "no.nc"],
    "no scenario": ["predict", "chinchilla"],
    "a bad scenario": ["predict", "chinchilla", "--at", "N"],
    "an unknown split": ["backtest", "grid", "--law", "chinchilla", "--split", "half"],
    "one law": ["compare", "grid", "--laws", "chinchilla", "--unit", "column"],
    "an unknown decision": ["decide", "fewest", "chinchilla"],
    "a question without its level": ["decide", "fewest_bits", "ouyang2024", "N=1B"],
    "an unknown question": ["decide", "critical_tokens", "sun2025", "levle=1"],
    "no weights": ["average", "sun2025", "kumar2024-qat"],
    "a law that cannot": ["check", "grid", "--law", "muennighoff2023"],
    "a budget of nothing": ["suggest", "sun2025", "--budget", "0", "--at", "N=1B,D=1B"],
    "no candidates": ["suggest", "sun2025", "--budget", "1e20"],
}


@pytest.mark.parametrize("what", WRONG)
def test_a_mistake_is_json_where_that_was_asked_for(
    what: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = run(*WRONG[what])
    assert (said.code, said.out) == (2, "")
    assert re.fullmatch(r"error: [^\n]+[^.]\.\n", said.err)
    in_json = run(*WRONG[what], "--json")
    assert (in_json.code, in_json.err) == (2, "")
    assert json.loads(in_json.out) == {"error": said.err.removeprefix("error: ").rstrip("\n")}
    assert not os.listdir(tmp_path)


def test_a_wrong_option_names_the_help_to_read(run: Run) -> None:
    assert run("fit", "grid").err == (
        "error: Missing option '--law' / '-l'; bayesq fit --help says what there is.\n"
    )


@pytest.mark.parametrize(
    "shell", ["bash", *(pytest.param(s, marks=pytest.mark.slow) for s in ("zsh", "fish"))]
)
def test_a_shell_completes_commands_and_decisions(shell: str) -> None:
    def complete(words: str) -> str:
        asked = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        asked |= {"_TYPER_COMPLETE_ARGS": words, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
        code = "from bayesq.cli.app import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | asked | {"_BAYESQ_COMPLETE": f"complete_{shell}"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return done.stdout

    assert "compare" in complete("bayesq comp")
    if shell == "bash":
        assert complete("bayesq decide few").split() == ["fewest_bits"]


# --- names of files ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("runs", "name"),
    [
        ("grid", "grid"),
        ("a/b/runs.csv", "runs"),
        ("runs.csv.gz", "runs"),
        ("RUNS.TSV", "RUNS"),
        ("my.runs.v2.parquet", "my.runs.v2"),
        ("-", "table"),
    ],
)
def test_a_table_has_a_name(runs: str, name: str) -> None:
    assert table_name(runs) == name


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("ouyang2024", "runs"), "ouyang2024-runs.nc"),
        (("kumar2024-ptq:gamma_D=0", "my runs"), "kumar2024-ptq-gamma_D-0-my-runs.nc"),
        (("a~Normal(mu=0,sigma=0.1)", "../../x"), "a-Normal-mu-0-sigma-0.1-..-..-x.nc"),
        (("-rf", "..\\\x1b[2J\n"), "rf-..-2J.nc"),
        (("", "模型"), "fit.nc"),
        (("x" * 300, "y"), f"{'x' * 100}.nc"),
    ],
)
def test_a_name_that_is_made_is_safe(
    parts: tuple[str, ...], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Target(None, *parts).taken() as path:
        path.write_text("a fit")
    assert os.listdir(tmp_path) == [name] == [str(path)]


def test_a_name_that_is_made_is_no_other_file_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a-b.nc").write_text("another's")
    (tmp_path / "a-b-2.nc").symlink_to("nowhere")
    one, other = Target(None, "a", "b"), Target(None, "a", "b")
    # Both look for a name at once.
    with one.taken() as first, other.taken() as second:
        assert (str(first), str(second)) == ("a-b-3.nc", "a-b-4.nc")
    assert one.said == "saved to a-b-3.nc; a-b.nc was there already"
    assert (tmp_path / "a-b.nc").read_text() == "another's"
    # Where nothing comes of it the name is free again.
    with pytest.raises(KeyboardInterrupt), Target(None, "a", "b").taken():
        raise KeyboardInterrupt
    assert not (tmp_path / "a-b-5.nc").exists()


def test_a_file_that_was_named_is_replaced_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "fit.nc"
    target = Target(path)
    with target.taken() as found:
        found.write_text("new")
    assert target.said == f"saved to {path}"
    with target.taken():
        pass
    assert target.said == f"saved to {path}, in the place of the file that was there"


def test_a_fit_without_a_file_is_named_by_law_and_table(
    run: Run, grid: bayesq.Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = around(grid, "chinchilla", "loss", BASE)
    monkeypatch.setattr("bayesq.fitting.fit_specification", lambda *_, **__: made)
    fit = ["fit", "grid", "--law", "chinchilla", "--quiet"]
    first = run(*fit, "--json").json()
    assert (first["saved"], first["replaced"]) == ("chinchilla-grid.nc", False)
    held = (tmp_path / "chinchilla-grid.nc").read_bytes()
    said = run(*fit).out.splitlines()[-1]
    assert said == "saved to chinchilla-grid-2.nc; chinchilla-grid.nc was there already"
    assert (tmp_path / "chinchilla-grid.nc").read_bytes() == held
    assert bayesq.load_fit("chinchilla-grid-2.nc").law.name == "chinchilla"


def test_a_folder_that_cannot_be_written_is_told_before_the_fit(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write anywhere
    monkeypatch.delattr("bayesq.sampling.compiled.find_program")
    said = run("fit", "grid", "--law", "chinchilla")
    assert (said.code, said.out) == (2, "")
    assert "cannot be written to (Permission denied)" in said.err
    with pytest.raises(BayesqError, match="cannot be written to"):
        Target(tmp_path / "fit.nc")
