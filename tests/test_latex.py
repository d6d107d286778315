"""Results as tables for papers: they compile, say what the frames say, and obey no name."""

# ruff: noqa: RUF001 - letters that only look like others are what names from outside have

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import arviz_base as azb
import numpy as np
import pandas as pd
import pytest
from made_up_fits import around
from matplotlib.mathtext import MathTextParser

import bayesq
from bayesq import Fit, latex
from bayesq.backtesting.scored import Backtest
from bayesq.comparison.comparison import Comparison
from bayesq.comparison.left_out import LeftOut
from bayesq.decide.decision import Decision
from bayesq.notes import Note
from bayesq.plot.symbols import mathtext
from bayesq.prediction.prediction import Prediction

CONSTANTS = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28, "sigma": 0.01}
HOSTILE = "50% of_a & b#c $x^2 ~{\\input{/etc/passwd}} [1] *\\\\\n\n\x1b[2J <|> α≤Ω×±– ’µ"
WARNING = Note("made-up", "warning", f"Beware\nof {HOSTILE}", "Mend it.")
MATH = MathTextParser("agg")
# What a table is made of, beside what is escaped.
COMMANDS = {
    *("toprule", "midrule", "bottomrule", "begin", "end", "centering", "label", "caption"),
    *("textbackslash", "textasciitilde", "textasciicircum", "textless", "textgreater", "textbar"),
}
SYMBOLS = {*latex.GREEK, *latex.IN_MATHEMATICS.values(), "mathrm", "pm", "times", "infty", "hat"}


@pytest.fixture(scope="module")
def fit() -> Fit:
    return around(bayesq.load_pool("grid"), "chinchilla", "loss", CONSTANTS | {"dof": 5.0})


@pytest.fixture(scope="module")
def ptq(ptq_runs: bayesq.Runs) -> Fit:
    about = {"C_T": 0.06, "gamma_D": 0.5, "gamma_N": 0.3, "gamma_post": 0.5}
    return around(
        ptq_runs,
        "kumar2024-ptq",
        "degradation",
        about | {"sigma": 0.1, "sigma_0": 0.001, "dof": 5.0},
    )


@pytest.fixture(scope="module")
def prediction(fit: Fit) -> Prediction:
    return bayesq.predict(fit, pd.DataFrame({"N": [1e8, 7e9], "D": ["20B", "1T"]}))


@pytest.fixture(scope="module")
def decision(fit: Fit) -> Decision:
    return bayesq.decide.compute_optimal(fit, compute=1e17)


def compared(fit: Fit, *names: str) -> Comparison:
    """Put a comparison of laws together by hand; the fit only lends its notes."""
    rng = np.random.default_rng(0)
    runs = np.arange(30)
    elpd = {name: rng.normal(2, 0.3, 30) for name in names}
    left = {n: LeftOut(v, v + 0.1, np.full(30, 0.2), 0.7, (), (), runs) for n, v in elpd.items()}
    beyond = {n: pd.DataFrame({"log_score": v[:10], "run": runs[:10]}) for n, v in elpd.items()}
    return Comparison(dict.fromkeys(names, fit), "row", "largest-N", left, beyond)


def backtested(title: str) -> Backtest:
    """Make scores up."""
    rows = pd.DataFrame(
        {"distance": [1.0, 3.0, 30.0], "run": [1, 2, 3], "in_50": [True, False, True]}
    )
    rows["in_90"] = [True, True, False]
    for name in ("width_90", "crps", "log_score", "interval_score", "bias"):
        rows[name] = [0.01234, -0.5, 12.0]
    return Backtest(title, rows, (WARNING,))


def decided() -> bayesq.DecisionBacktest:
    """Make decisions up."""
    rows = pd.DataFrame({"bound": ["", "", "more"], "pinned": [True, False, False]})
    for who in ("", "practice_"):
        rows[f"{who}in_90"] = [True, False, True]
        rows[f"{who}ratio"] = [1.5, np.inf, 2.0]
        rows[f"{who}regret"] = [0.0, np.nan, np.nan]
    return bayesq.DecisionBacktest(HOSTILE, rows, (WARNING,))


@pytest.fixture(scope="module")
def tables(fit: Fit, prediction: Prediction, decision: Decision) -> dict[str, str]:
    """Every kind of table, with names that would do harm where one may come from outside."""
    asked = prediction.scenarios.assign(**{HOSTILE: HOSTILE})
    mixed = {HOSTILE: (0.4, prediction), "b": (0.6, prediction)}
    answers = {HOSTILE: (1.0, decision)}
    return {
        "fit": fit.to_latex(caption="Fit of $\\alpha$", label="tab:fit"),
        "prediction": prediction.to_latex(),
        "of several laws": replace(prediction, laws=mixed, scenarios=asked).to_latex(),
        "decision": decision.to_latex(label="tab:d"),
        "decision of several": replace(
            decision, laws=answers, answer=HOSTILE, notes=(WARNING,)
        ).to_latex(),
        "comparison": compared(fit, "a_1", HOSTILE).to_latex(caption="Laws"),
        "backtest": backtested(HOSTILE).to_latex(),
        "decisions": decided().to_latex(),
    }


def shown(table: str) -> list[str]:
    """Lines of a table without its comments."""
    return [line for line in table.splitlines() if not line.startswith("%")]


def cells(table: str) -> list[list[str]]:
    """Cells of a table, its head first."""
    lines = [line for line in shown(table) if line.endswith(r"\\")]
    return [re.split(r"(?<!\\)&", line.removesuffix(r"\\")) for line in lines]


def check_well_formed(table: str) -> None:
    """Hold a table against what LaTeX asks of one, without LaTeX."""
    assert table.isprintable() is False  # lines
    assert table.replace("\n", "").isprintable()
    text = "\n".join(shown(table))
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0
    assert re.findall(r"\\begin{(\w+)}", text) == re.findall(r"\\end{(\w+)}", text)[::-1]
    (form,) = re.findall(r"\\begin{tabular}{@{}([lr]+)@{}}", text)
    for row in cells(table):
        assert len(row) == len(form)
        assert not re.match(r"\s*[\[*]", row[0])
    outside = re.split(r"(?<!\\)\$", text)
    assert len(outside) % 2 == 1
    for plain in outside[::2]:
        bare = re.sub(r"\\[&%$#_{},]|\\\\", "", plain)
        assert set(re.findall(r"\\([A-Za-z]+)", bare)) <= COMMANDS | {"texttt"}
        assert not re.search(r"\\[^A-Za-z]|[%#_^~$]", bare.replace("tab:", ""))
    for formula in outside[1::2]:
        assert set(re.findall(r"\\([A-Za-z]+)", formula)) <= SYMBOLS
        MATH.parse(f"${formula}$")


NAMES = [
    *("fit", "prediction", "of several laws", "decision", "decision of several"),
    *("comparison", "backtest", "decisions"),
]


@pytest.mark.parametrize("name", NAMES)
def test_tables_are_well_formed(tables: dict[str, str], name: str) -> None:
    assert tables[name].startswith("% needs \\usepackage{booktabs}\n")
    check_well_formed(tables[name])


@pytest.mark.parametrize(
    "broken", ["a & b \\\\", "a_b \\\\", "{a \\\\", "\\input{x} \\\\", "$a \\\\", "[2] \\\\"]
)
def test_what_is_not_well_formed_is_found(broken: str) -> None:
    table = latex.booktabs({"a": ["CELL"]}).replace("CELL \\\\", broken)
    with pytest.raises(AssertionError):
        check_well_formed(table)


def compiled(table: str, folder: Path) -> str:
    """Compile a table as a page has it, and return what LaTeX says."""
    if not any(map(shutil.which, ("pdflatex", "tectonic"))):
        pytest.skip("there is no LaTeX to compile with")
    body = f"\\begin{{document}}\\noindent\n{table}\n\\end{{document}}\n"
    (folder / "table.tex").write_text(
        f"\\documentclass{{article}}\n\\usepackage{{booktabs}}\n{body}", encoding="utf-8"
    )
    command = (
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
        if shutil.which("pdflatex")
        else ["tectonic", "table.tex"]
    )
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="latin-1")
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_tables_compile(tables: dict[str, str], name: str, tmp_path: Path) -> None:
    compiled(tables[name], tmp_path)


def test_a_prediction_of_four_inputs_fits_the_page(ptq: Fit, tmp_path: Path) -> None:
    at = {"N": ["7B", "1B"], "D": "1T", "w_bits": [4, 3], "w_group": 128}
    table = bayesq.predict(ptq, at).to_latex()
    head, units = ([cell.strip() for cell in row] for row in cells(table)[:2])
    assert head[:4] == ["$N$", "$D$", "$P$", r"\texttt{w\_group}"]
    assert units[:3] == ["(parameters)", "(tokens)", "(bits)"]
    assert "P" in bayesq.predict(ptq, {"N": "7B", "D": "1T", "P": 4}).inputs
    assert "Overfull" not in compiled(table, tmp_path)


def test_signs_beyond_latin_are_mathematics_or_said_to_need_another_engine(tmp_path: Path) -> None:
    assert latex.escape("α ≤ 2 × Ω") == r"$\alpha$ $\leq$ 2 $\times$ $\Omega$"
    every = latex.escape("".join(latex.IN_MATHEMATICS) + "± – — − ’ é ł ğ")
    table = latex.booktabs({every: [every]})
    assert "lualatex" not in table
    compiled(table, tmp_path)
    for other in ("中", "д", "«", "√"):
        assert "% needs lualatex or xelatex" in latex.booktabs({"a": [latex.escape(other)]})


def test_names_from_outside_stand_as_they_are(tables: dict[str, str]) -> None:
    for name in ("of several laws", "decision of several", "comparison"):
        assert latex.escape(HOSTILE) in "\n".join(shown(tables[name]))
    assert latex.escape("a_b & {50%}") == r"a\_b \& \{50\%\}"
    assert latex.escape("\x1b[1m") == r"\textbackslash{}x1b{[}1m"


def test_no_number_goes_without_what_warns_of_it(tables: dict[str, str]) -> None:
    for name in ("decision of several", "backtest", "decisions"):
        (line,) = [line for line in tables[name].splitlines() if "made-up" in line]
        assert line.startswith("% [warning] made-up: Beware of 50%")
        assert line.endswith("Mend it.")


def test_a_fit_has_symbols_units_and_intervals(fit: Fit) -> None:
    head, *rows = [[cell.strip() for cell in row] for row in cells(fit.to_latex())]
    assert head == ["Parameter", "Unit", r"Median [90\,\% interval]"]
    assert [row[0] for row in rows[:4]] == ["$E$", "$A$", "$B$", r"$\alpha$"]
    assert [row[1] for row in rows[:4]] == ["nats/token"] * 3 + ["--"]
    table = fit.summary()
    for row, (_, told) in zip(rows, table.iterrows(), strict=True):
        numbers = [float(v) for v in re.findall(r"[\d.]+", row[2])]
        half = (told["upper"] - told["lower"]) / 2
        np.testing.assert_allclose(
            numbers, told[["median", "lower", "upper"]].to_numpy(float), atol=0.06 * half
        )


def test_tables_follow_what_is_asked_and_what_is_set(fit: Fit, decision: Decision) -> None:
    assert r"[50\,\% interval]" in fit.to_latex(0.5)
    with azb.rc_context({"stats.ci_kind": "hdi", "stats.ci_prob": 0.8}):
        assert r"[80\,\% highest-density interval]" in fit.to_latex()
        assert r"[90\,\% interval]" in decision.to_latex()
    assert fit.to_latex(0.5) != fit.to_latex()


def test_counts_are_written_as_the_field_does(prediction: Prediction, decision: Decision) -> None:
    head, units, *rows = [[cell.strip() for cell in row] for row in cells(prediction.to_latex())]
    assert head == ["$N$", "$D$", r"loss [90\,\%]", "Times"]
    assert units == ["(parameters)", "(tokens)", "(nats/token)", "outside"]
    assert "medians with 90 % intervals" in prediction.to_latex().splitlines()[1]
    assert [row[:2] for row in rows] == [["100M", "20B"], ["7B", "1T"]]
    size = cells(decision.to_latex())[1][2].strip()
    told = decision.to_frame().loc["N", ["median", "lower", "upper"]]
    middle, low, high = map(bayesq.runs.counts.format_count, told)
    assert size == f"{middle} [{low}, {high}]"


@pytest.mark.parametrize(
    ("told", "written"),
    [
        ((0.3478, 0.335, 0.361), "0.348 [0.335, 0.361]"),
        ((406.4, 350.1, 480.2), "406 [350, 480]"),
        ((4.1e9, 3.9e9, 4.4e9), r"4.10 [3.90, 4.40] $\times 10^{9}$"),
        ((1e-5, 0.9e-5, 1.2e-5), r"1.00 [0.90, 1.20] $\times 10^{-5}$"),
        ((-0.3, -0.5, 0.0), "$-0.30$ [$-0.50$, 0.00]"),
        ((41514.3, 3000.0, 9e5), r"4.2 [0.30, 90] $\times 10^{4}$"),
        ((51000.0, 2500.0, 2.2e5), r"5.1 [0.25, 22] $\times 10^{4}$"),
        ((3.3, 0.1, 2e5), "3.3 [0.10, 200000]"),
        ((2e9, 3e7, np.inf), r"2.0 [0.030, $\infty$] $\times 10^{9}$"),
        ((3.34, 2.81, np.inf), r"3.3 [2.8, $\infty$]"),
        ((12.3, 12.3, 12.3), "12.3"),
        ((np.nan, np.nan, np.nan), "--"),
    ],
)
def test_digits_are_those_that_an_interval_supports(
    told: tuple[float, float, float], written: str
) -> None:
    assert latex.estimate(*told) == written


def test_numbers_and_their_errors() -> None:
    assert latex.plus_minus(-12.34, 4.56) == r"$-12.3 \pm 4.6$"
    assert latex.plus_minus(-1234.0, 456.0) == r"$-1230 \pm 460$"
    assert latex.plus_minus(5.0, np.nan) == "5.00"
    assert latex.number(99999.6) == r"1.00 $\times 10^{5}$"
    assert latex.number(0.00012345, 2) == r"1.2 $\times 10^{-4}$"


def test_symbols_are_those_of_papers() -> None:
    assert latex.symbol("gamma_post") == r"$\gamma_{\mathrm{post}}$"
    assert latex.symbol("C_T") == "$C_{T}$"
    assert latex.symbol("eff[W4_A4]") == r"$\mathrm{eff}${[}W4\_A4{]}"
    assert latex.symbol("4bit_loss") == r"4bit\_loss"
    assert mathtext("eff[W4_A4]") == r"$\mathrm{eff}$[W4_A4]"
    assert mathtext("4bit$") == r"4bit\$"


def test_units_of_frames_are_found(prediction: Prediction, decision: Decision, fit: Fit) -> None:
    units = prediction.to_frame().attrs["units"]
    assert (units["N"], units["median"]) == ("parameters", "nats/token")
    assert decision.to_frame().attrs["units"]["D"] == "tokens"
    assert compared(fit, "a", "b").to_frame().attrs["units"]["diff"] == "nats"
    assert backtested("x").to_frame().attrs["units"]["crps"] == "nats/token"
    assert decided().to_frame().attrs["units"] == {"regret": "nats/token"}
