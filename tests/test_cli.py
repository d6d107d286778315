"""The command line: what each command prints, and how mistakes end."""

from __future__ import annotations

import gc
import json
import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq import Fit
from command import Answer, Run

COMMANDS = (
    *("laws", "pools", "check", "fit", "show", "sensitivity", "predict", "backtest", "compare"),
    *("average", "suggest", "decide", "draws", "sweep"),
)
LAW_FILE = """
from bayesq import Law, Parameter, Prior

law = Law(
    name="from-a-file",
    loss=lambda N, warmth, E, A, alpha, c: E + A * N**-alpha + c * warmth,
    parameters=(
        Parameter("E", Prior("LogNormal", mu=0.4, sigma=0.5), "nats/token"),
        Parameter("A", Prior("LogNormal", mu=-0.7, sigma=1), term=lambda N, alpha: N**-alpha),
        Parameter("alpha", Prior("LogNormal", mu=-1, sigma=0.5)),
        Parameter("c", Prior("Normal", mu=0, sigma=1), "nats/token"),
    ),
)
"""
ROUNDED = "stage == 'post' and w_kind == 'int' and 3 <= w_bits <= 6 and w_group == 128"


def in_a_process(*arguments: str, cwd: Path | None = None) -> Answer:
    done = subprocess.run(
        [sys.executable, "-m", "bayesq", *arguments], cwd=cwd, capture_output=True, text=True
    )
    return Answer(done.returncode, done.stdout, done.stderr)


# --- lists and checks --------------------------------------------------------------------------


def test_the_help_names_every_command(run: Run) -> None:
    answer = run("--help")
    assert answer.code == 0
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", answer.out, re.MULTILINE)
        assert run(command, "--help") == run(command, "-h")
        assert run(command, "-h").out.startswith(f"Usage: bayesq {command} ")
    assert run() == run("-h") == answer


def test_laws_are_listed(run: Run) -> None:
    said = run("laws", "--json").json()
    assert said == {name: law.to_dict() for name, law in bayesq.laws().items()}
    out = run("laws").out
    # What does not fit into a line goes on in the next one, under nothing.
    lines = [line for line in out.splitlines() if not line.startswith(" ")]
    assert [line.split()[0] for line in lines] == ["law", *bayesq.laws()]
    words = set(re.findall(r"[\w-]+", out))
    for law in bayesq.laws().values():
        assert words >= {p.symbol for p in law.parameters} | set(re.findall(r"[\w-]+", law.title))


def test_pools_are_listed(run: Run) -> None:
    said = run("pools", "--json").json()
    assert list(said) == list(bayesq.pools())
    assert said["grid"]["rows"] == 1068
    assert said["quest"]["licence"] == "MIT"
    assert all(name in run("pools").out for name in bayesq.pools())


def test_a_pool_is_checked_by_its_name(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    said = run("check", "grid", "--json").json()
    assert said["table"]["source"] == "pool grid"
    assert said["table"]["rows"] == 1068
    assert said["table"]["fingerprint"] == bayesq.load_pool("grid").fingerprint
    rows = {law["law"]: law["rows"] for law in said["laws"]}
    assert sorted(rows) == sorted(bayesq.laws())
    assert list(rows.values()).index(0) == sum(count > 0 for count in rows.values())
    assert rows["chinchilla"] == 28
    # The table says the same, a line a law, and the advice comes last.
    out = run("check", "grid").out.splitlines()
    first = next(i for i, line in enumerate(out) if line.startswith("law "))
    for line, law in zip(out[first + 1 :], said["laws"], strict=False):
        name, count, worst, why = re.split(r"  +", line, maxsplit=3)
        assert (name, int(count), worst) == (law["law"], law["rows"], law["worst"])
        assert law["why"] == why
    assert " ".join(out[first + 1 + len(said["laws"]) :]) == said["advice"]
    assert "chinchilla (28 rows) for rows in full precision" in said["advice"]


def test_a_choice_of_rows_and_a_law_are_checked(run: Run) -> None:
    said = run("check", "grid", "--where", ROUNDED, "--law", "kumar2024-ptq", "--json").json()
    (law,) = said["laws"]
    assert (law["law"], law["response"], law["rows"]) == ("kumar2024-ptq", "degradation", 76)
    assert [note["code"] for note in law["notes"]] == ["few-runs"]
    assert said["table"]["source"] == f"pool grid where {ROUNDED}"


def test_laws_that_cannot_be_fitted_say_why(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("params,D,loss\n1B,20B,3.0\n2B,20B,2.9\n")
    answer = run("check", table, "--column", "params=N", "--json")
    assert (answer.code, answer.err) == (2, "")
    said = json.loads(answer.out)
    assert said["table"]["N"] == "1B to 2B, 2 levels"
    assert all(law["rows"] == 0 and law["refused"].endswith(".") for law in said["laws"])
    assert said["advice"].startswith("No law can be fitted to this table")
    monkeypatch.delenv("COLUMNS", raising=False)
    answer = run("check", table, "-c", "params=N")
    assert (answer.code, answer.err) == (2, "")
    assert re.search(r"^chinchilla +0 +cannot be fitted +\S*mine.csv has 2 rows", answer.out, re.M)
    monkeypatch.setenv("COLUMNS", "100")  # a line a law, which begins with what matters
    out = run("check", table, "-c", "params=N").out
    assert re.search(r"^chinchilla +0 +cannot be fitted +2 rows.* …$", out, re.M)
    assert max(map(len, out.splitlines())) <= 100


def test_quick_commands_import_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text("N,D,loss\n1B,20B,3.0\n2B,20B,2.9\n")
    code = (
        "import contextlib, sys\n"
        "from bayesq.cli.app import main\n"
        "for arguments in (['--help'], ['laws'], ['laws', '--json'], ['check', 'runs.csv']):\n"
        "    with contextlib.suppress(SystemExit):\n"
        "        main(arguments)\n"
        "    print('\\n#', *{name.partition('.')[0] for name in sys.modules})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    imported = [set(line.split()) for line in done.stdout.splitlines() if line.startswith("# ")]
    assert len(imported) == 4
    heavy = {"pandas", "pymc", "pytensor", "xarray", "scipy", "arviz_stats", "nutpie", "matplotlib"}
    heavy |= {"jax", "jaxlib", "numba"}
    assert not set.union(*imported) & heavy


# --- fit, show, predict ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with a table that names its columns otherwise, and a law in a file."""
    folder = tmp_path_factory.mktemp("cli")
    rng = np.random.default_rng(2)
    N, warmth = 10 ** rng.uniform(7, 9, 24), rng.uniform(-1, 1, 24)
    frame = pd.DataFrame({"params": N, "D": 1e9 * (1 + np.arange(24)), "warmth": warmth})
    frame["loss"] = (2 + 300 * N**-0.34 + 0.3 * warmth) * np.exp(rng.normal(0, 0.002, 24))
    frame["note"] = np.where(np.arange(24) < 20, "good", "spoilt")
    frame.loc[20:, "loss"] *= 2
    frame.to_csv(folder / "runs.csv", index=False)
    (folder / "mine.py").write_text(LAW_FILE)
    return folder


FIT = ["fit", "runs.csv", "--law", "mine.py", "--column", "params=N", "--where", "note == 'good'"]
FEW = ["--draws", "300", "--tune", "1000", "--chains", "2", "--prob", "0.98"]


def test_a_fit_is_printed_and_saved(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One test, so that the two fits are made once however many processes run the tests.
    monkeypatch.chdir(folder)
    check_fit_in_json(folder, run)
    check_fit_on_a_terminal(folder)


def check_fit_in_json(folder: Path, run: Run) -> None:
    (folder / "fit.nc").write_text("an older fit")
    said = run(*FIT, *FEW, "--seed", 1, "-o", "fit.nc", "--json").json()
    assert (said["law"], said["response"], said["rows"]) == ("from-a-file", "loss", 20)
    assert (said["seed"], said["prob"], said["saved"]) == (1, 0.98, "fit.nc")
    table = {row["parameter"]: row for row in said["parameters"]}
    assert list(table) == ["E", "A", "alpha", "c", "sigma", "dof", "tau"]
    assert table["E"]["lower"] < 2 < table["E"]["upper"]
    assert table["c"]["lower"] < 0.3 < table["c"]["upper"]
    columns = ["median", "mean", "sd", "lower", "upper", "r_hat", "ess_bulk", "ess_tail", "unit"]
    assert list(table["E"]) == ["parameter", *columns]

    law = folder / "mine.py"
    fit = bayesq.load_fit(folder / "fit.nc", law=str(law))
    assert fit.summary().loc["E", "median"] == table["E"]["median"]
    shown = run("show", folder / "fit.nc", "--law", law, "--prob", "0.98", "--json").json()
    assert said["replaced"]
    assert shown == said | {"saved": None, "replaced": False}
    # Without its law, which nobody holds any more, the fit is shown, and says what is missing.
    del fit
    gc.collect()
    alone = run("show", folder / "fit.nc", "--json").json()
    assert [n["code"] for n in alone["notes"] if n not in said["notes"]] == ["law-not-importable"]
    at = ["--at", "N=100M,warmth=0.5"]
    answer = run("predict", folder / "fit.nc", *at)
    assert answer.code == 2
    assert "is not at hand" in answer.err
    assert "--law file.py" in answer.err
    (row,) = run("predict", folder / "fit.nc", *at, "--law", law, "--json").json()["predictions"]
    assert row["median"] == pytest.approx(2 + 300 * 1e8**-0.34 + 0.15, rel=0.01)


def on_a_terminal(folder: Path, *arguments: object) -> str:
    """Run the command line with a terminal for its output; return what it showed.

    No model has been compiled before.
    """
    terminal = {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "bayesq", *map(str, arguments)],
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env=os.environ | terminal | {"BAYESQ_COMPILED": str(folder / "compiled")},
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while select.select([ours], [], [], 120)[0]:
                shown += os.read(ours, 65536)
        except OSError:
            pass  # how Linux says that the other end has closed
        os.close(ours)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode(errors="replace"))
    assert process.returncode == 0, text
    return text


def check_fit_on_a_terminal(folder: Path) -> None:
    shown = on_a_terminal(folder, *FIT, *FEW, "--seed", 2, "-o", "other[b].nc")
    assert "fitting from-a-file" in shown
    assert "compiling (once for this law and size of table)" in shown
    assert "from-a-file for loss: 20 rows of runs.csv where note == 'good'" in shown
    assert "98% intervals from lower to upper; seed 2" in shown
    assert "saved to other[b].nc" in shown
    one, other = (
        bayesq.load_fit(folder / name, law=str(folder / "mine.py"))
        for name in ("fit.nc", "other[b].nc")
    )
    for name in ("E", "sigma"):
        assert not np.isin(other.posterior[name], one.posterior[name]).any()
    # Other draws of the same posterior.
    medians = [f.summary().loc["c", "median"] for f in (one, other)]
    assert medians[0] == pytest.approx(medians[1], rel=0.05)


@pytest.fixture(scope="module")
def saved(ptq_fit: Fit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ptq_fit.save(tmp_path_factory.mktemp("saved") / "fit.nc")


def test_a_saved_fit_is_shown(saved: Path, ptq_fit: Fit, run: Run) -> None:
    said = run("show", saved, "--json").json()
    table = ptq_fit.summary()
    assert [row["parameter"] for row in said["parameters"]] == list(table.index)
    assert [row["upper"] for row in said["parameters"]] == list(table["upper"])
    assert said["fingerprint"] == ptq_fit.data.attrs["fingerprint"]
    assert said["notes"] == [note.to_dict() for note in ptq_fit.notes]
    out = run("show", saved, "--prob", "0.5").out
    assert "50% intervals" in out
    assert f"{ptq_fit.summary(0.5).loc['C_T', 'lower']:.4g}" in out
    assert "[warning] few-runs" in out


def test_scenarios_are_predicted(saved: Path, ptq_fit: Fit, run: Run) -> None:
    at = ["--at", "N=70B, D=15T,w_bits=4", "--at", "D=200M,w_bits=3,N=7M"]
    frame = bayesq.predict(
        ptq_fit, {"N": ["70B", "7M"], "D": ["15T", "200M"], "w_bits": [4, 3]}, "run"
    ).to_frame(0.8)
    said = run("predict", saved, *at, "--kind", "run", "--prob", "0.8", "--json").json()
    assert (said["response"], said["unit"], said["kind"]) == ("degradation", "nats/token", "run")
    pd.testing.assert_frame_equal(pd.DataFrame(said["predictions"]), frame)
    assert [note["code"] for note in said["notes"]] == ["extrapolation"]
    out = run("predict", saved, *at, "--kind", "run").out
    assert "degradation in nats/token, a new run, 90% interval" in out
    assert re.search(r"^70B +15T +4 ", out, re.MULTILINE)
    assert "Scenario 1 lies outside the data: about 3,700 times in N" in out


@pytest.mark.parametrize(
    ("name", "paper", "at"),
    [
        ("ouyang2024", ("ouyang2024",), {"N": "1B", "D": "1B", "P": "3"}),
        ("chinchilla:hoffmann2022", ("chinchilla", "hoffmann2022"), {"N": "1B", "D": "1B"}),
    ],
)
def test_a_law_stands_for_the_constants_of_its_paper(
    name: str, paper: tuple[str, ...], at: dict[str, str], run: Run
) -> None:
    wanted = bayesq.predict(bayesq.published(*paper), at)
    scenario = ",".join(f"{symbol}={value}" for symbol, value in at.items())
    said = run("predict", name, "--at", scenario, "--json").json()
    assert said["predictions"][0]["median"] == wanted.draws.item()
    assert said["notes"] == [note.to_dict() for note in wanted.notes]
    assert "published-constants" in {note["code"] for note in said["notes"]}


def test_python_m_and_the_script_are_the_same_program() -> None:
    script = Path(sys.executable).with_name("bayesq")
    one = in_a_process("laws", "--json").json()
    assert one == json.loads(subprocess.check_output([script, "laws", "--json"]))


# --- mistakes ----------------------------------------------------------------------------------

GOOD = "N,D,loss\n1B,20B,3.0\n2B,20B,2.9\n4B,20B,2.8\n1B,40B,2.95\n2B,40B,2.85\n4B,40B,2.7\n"
FIT_IT = ["fit", "runs.csv", "--law", "chinchilla", "-o", "fit.nc"]  # a later option wins


def changed(row: int, column: str, cell: str) -> str:
    """Put another cell into the good table."""
    lines = [line.split(",") for line in GOOD.splitlines()]
    lines[row][lines[0].index(column)] = cell
    return "".join(",".join(line) + "\n" for line in lines)


def place(row: int, column: str) -> str:
    return rf"^error: runs.csv, row {row} \(line {row + 1}\), column {column}: .*; write "


def law(name: str) -> list[str]:
    return ["fit", "runs.csv", "--law", name, "-o", "fit.nc"]


def table(name: str) -> list[str]:
    return ["fit", name, "--law", "chinchilla", "-o", "fit.nc"]


# The table, the command, and what must be said.
MISTAKES: dict[str, tuple[str, list[str], str]] = {
    "missing column": (
        "N,loss\n1B,3\n",
        FIT_IT,
        "^error: runs.csv has no column for input D of law .*--column",
    ),
    "text in a number": (changed(2, "D", "many"), FIT_IT, place(2, "D")),
    "NaN": (changed(3, "loss", "nan"), FIT_IT, place(3, "loss")),
    "infinity": (changed(1, "loss", "inf"), FIT_IT, place(1, "loss")),
    "zero size": (changed(1, "N", "0"), FIT_IT, place(1, "N")),
    "negative tokens": (changed(4, "D", "-20B"), FIT_IT, place(4, "D")),
    "negative loss": (changed(6, "loss", "-2"), FIT_IT, place(6, "loss")),
    "duplicate": (GOOD + "1B,20B,3.0\n", FIT_IT, r"row 7 \(line 8\): every column equals row 1"),
    "bits": ("N,D,loss,w_bits\n1B,20B,3,64\n", FIT_IT, place(1, "w_bits")),
    "empty": ("", FIT_IT, "^error: runs.csv is empty; write a header"),
    "binary": ("N,D,loss\n\0\1\2", FIT_IT, "^error: runs.csv, line 2: holds binary data"),
    "cut short": (GOOD[:-8], FIT_IT, r"row 6 \(line 7\): 2 cells where the header has 3"),
    "few rows": (GOOD[:31], FIT_IT, "has 2 rows that law chinchilla can use .* 5 parameters"),
    "unknown law": (GOOD, law("chinchila"), "did you mean chinchilla"),
    "lacking input": (GOOD, law("kumar2024-ptq"), "has 0 rows that law kumar2024-ptq can use"),
    "law file missing": (GOOD, law("no.py"), "no.py is not a file"),
    "response": (GOOD, [*FIT_IT, "--response", "delta"], "response 'delta'; it takes 'loss'"),
    "directory": (GOOD, table("."), "^error: . is a directory; name one file in it"),
    "missing file": (GOOD, table("run.csv"), "^error: run.csv does not exist"),
    "unknown pool": (GOOD, table("grit"), "neither a file nor a pool; did you mean grid"),
    "endless name": (GOOD, table("x" * 300), "is neither a file nor a pool"),
    "missing folder": (GOOD, [*FIT_IT, "-o", "no/fit.nc"], "^error: Folder no does not exist"),
    "output": (GOOD, [*FIT_IT, "-o", "."], "^error: . is a directory; name the file to write"),
    "unknown column": (GOOD, [*FIT_IT, "--where", "w_bit < 4"], "w_bit; did you mean w_bits"),
    "no choice": (GOOD, [*FIT_IT, "--where", "N <"], "cannot be read as a choice of rows; write"),
    "no row": (GOOD, [*FIT_IT, "--where", "N > 1e12"], "keeps none of the 6 rows of runs.csv"),
    "renaming nothing": (GOOD, [*FIT_IT, "-c", "size=N"], "no column 'size' to rename"),
    "no renaming": (GOOD, [*FIT_IT, "-c", "size"], "--column 'size' is not NAME=VALUE; write"),
    "renaming twice": (GOOD, [*FIT_IT, "-c", "N=a", "-c", "N=b"], "--column gives N twice"),
    "renaming a pool": (GOOD, ["check", "grid", "-c", "a=N"], "grid is in the common columns"),
    "draws": (GOOD, [*FIT_IT, "--draws", "1"], "draws is 1; it must be a whole number from 4 on"),
    "seed": (GOOD, [*FIT_IT, "--seed", "-1"], "seed is -1; it must be a whole number from 0"),
    "probability": (GOOD, [*FIT_IT, "--prob", "90"], "prob is 90.0; it must lie between 0 and 1"),
    "no fit": (GOOD, ["show", "fit.nc"], "^error: fit.nc does not exist"),
    "a table as fit": (
        GOOD,
        ["show", "runs.csv"],
        "^error: runs.csv cannot be read as a saved fit",
    ),
    "a folder as fit": (GOOD, ["predict", ".", "--at", "N=1B"], "is a directory; name a saved fit"),
    "check": (changed(2, "D", "many"), ["check", "runs.csv"], place(2, "D")),
    "check a law": (
        GOOD,
        ["check", "runs.csv", "--law", "chen2025"],
        "has 0 rows that law chen2025",
    ),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_ends_with_one_sentence_and_nothing_written(
    what: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, arguments, words = MISTAKES[what]
    (tmp_path / "runs.csv").write_text(text)
    monkeypatch.chdir(tmp_path)
    # Whatever is wrong is said before anything is compiled.
    monkeypatch.delattr("bayesq.sampling.compiled.find_program")
    said = run(*arguments)
    assert (said.code, said.out) == (2, "")
    assert re.fullmatch(r"error: [^\n]+[^.]\.\n", said.err)
    assert re.search(words, said.err)
    assert os.listdir(tmp_path) == ["runs.csv"]


AT = ["--at", "N=1B,D=1B,w_bits=3"]
BAD_QUESTIONS = {
    "no value": (["--at", "N"], "--at 'N' is not NAME=VALUE; write it like N=70B"),
    "lacking": (["--at", "N=1B,D=1B"], "Scenario 1 gives no P for law kumar2024-ptq"),
    "twice": (["--at", "N=1B,N=2B,D=1B,w_bits=3"], "--at gives N twice; give it once"),
    "unequal": ([*AT, "--at", "N=1B,D=1B"], "number 2 gives N, D and the first gives N, D, w_bits"),
    "unknown": (["--at", "N=1B,D=1B,bit=3"], "no column 'bit'; did you mean bits or w_bits"),
    "text": (["--at", "N=big,D=1B,w_bits=3"], "column N: 'big' is not a number"),
    "kind": ([*AT, "--kind", "new"], "kind is 'new'; it must be 'mean'"),
    "prob": ([*AT, "--prob", "0"], "prob is 0.0; it must lie between"),
    "other law": ([*AT, "--law", "chinchilla"], "pass the law that was fitted"),
}


@pytest.mark.parametrize("what", BAD_QUESTIONS)
def test_a_bad_question_ends_with_one_sentence(what: str, run: Run, saved: Path) -> None:
    arguments, words = BAD_QUESTIONS[what]
    said = run("predict", saved, *arguments)
    assert (said.code, said.out) == (2, "")
    assert re.fullmatch(r"error: [^\n]+[^.]\.\n", said.err)
    assert re.search(words, said.err)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["chinchilla:old"], "no published fit 'old'; (did you mean|valid names)"),
        (["ptq-without-n"], "ptq-without-n has no published constants"),
        (["chinchilla", "--kind", "run"], "noise of a new run is not known"),
        (["chinchilla", "--law", "chen2025"], "--law"),  # there is no fit that it could be for
    ],
)
def test_a_bad_question_to_a_paper_ends_with_one_sentence(
    arguments: list[str], words: str, run: Run
) -> None:
    said = run("predict", *arguments, "--at", "N=1B,D=1B")
    assert (said.code, said.out) == (2, "")
    assert re.fullmatch(r"error: [^\n]+[^.]\.\n", said.err)
    assert re.search(words, said.err)


def test_a_process_ends_without_a_traceback(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.nc").write_bytes(saved.read_bytes()[:5000])
    (tmp_path / "runs.csv").write_text(changed(2, "D", "many"))
    for arguments in (FIT_IT, ["show", "cut.nc"]):
        said = in_a_process(*arguments, cwd=tmp_path)
        assert (said.code, said.out) == (2, "")
        assert re.fullmatch(r"error: [^\n]+[^.]\.\n", said.err)
    assert sorted(os.listdir(tmp_path)) == ["cut.nc", "runs.csv"]


def test_a_variant_has_no_published_constants(run: Run) -> None:
    said = run("decide", "compute_optimal", "chinchilla:beta=alpha", "compute=1e21")
    assert said.code == 2
    assert "is a variant of law chinchilla, of which there are no published constants" in said.err
