"""``make demo``: what it prints comes from its fits, and what it writes can be used."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from html import escape
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from matplotlib.testing.compare import calculate_rms

import bayesq

DEMO = Path(__file__).parents[1] / "case_studies" / "demo.py"
PICTURE = DEMO.parents[1] / "docs" / "pictures" / "law_over_data.png"
EXPONENTS = ("gamma_D", "gamma_N", "gamma_post")


@pytest.fixture
def demo() -> Callable[[list[str]], int]:
    main: Callable[[list[str]], int] = runpy.run_path(str(DEMO), run_name="demo")["main"]
    return main


def numbers_after(name: str, text: str) -> list[float]:
    """Return the numbers of the line that begins with a name."""
    line = next(line for line in text.splitlines() if line.startswith(name + " "))
    return [float(word) for word in line.split()[1:] if re.fullmatch(r"[-+.\de]+", word)]


def test_the_demo_prints_its_fits_and_writes_them(
    demo: Callable[[list[str]], int],
    tmp_path: Path,
    ptq_runs: bayesq.Runs,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "new" / "out"
    arguments = ["--draws", "400", "--tune", "500", "--seed", "5"]
    assert demo(["--out", str(out), *arguments]) == 0
    printed = capsys.readouterr().out

    # The files.
    assert {path.name for path in out.iterdir()} == {
        "chinchilla.nc",
        "kumar2024-ptq.nc",
        "law_over_data.png",
        "report.html",
    }
    # The README shows the figure of 1,000 draws a chain. Two other seeds of 400 lay 5.8 and 7.4
    # from it (root mean square, of 255); moved aside by 8 pixels it lies 41 from itself.
    drawn, shown = (
        (imread(path)[..., :3] * 255).astype(int) for path in (out / "law_over_data.png", PICTURE)
    )
    assert calculate_rms(shown, drawn) < 15
    base = bayesq.load_fit(out / "chinchilla.nc")
    added = bayesq.load_fit(out / "kumar2024-ptq.nc")
    assert (base.response, added.response) == ("loss", "degradation")
    assert (base.data.attrs["rows"], added.data.attrs["rows"]) == (28, 76)
    assert [fit.data.attrs["seed"] for fit in (base, added)] == [5, 5]

    # The posterior tables are those of the saved fits.
    for fit in (base, added):
        table = printed[printed.index(f"{fit.law.name} for {fit.response}:") :]
        for name, row in fit.summary().iterrows():
            expected = row[["median", "mean", "sd", "lower", "upper"]].to_list()
            assert numbers_after(str(name), table)[:5] == pytest.approx(expected, rel=2e-3)

    # Least squares on the logarithm, and the posterior beside it.
    frame = ptq_runs.frame
    columns = [np.ones(len(frame)), np.log(frame["D"]), np.log(frame["N"]), frame["w_bits"]]
    y = np.log(frame["loss"] - frame["loss_full"])
    found = np.linalg.lstsq(np.column_stack(columns), y)[0]
    section = printed[printed.index("4  Does least squares agree?") :]
    medians = added.summary().loc[list(EXPONENTS), "median"].to_list()
    squares, posterior = zip(*(numbers_after(name, section) for name in EXPONENTS), strict=True)
    assert squares == pytest.approx([found[1], -found[2], -1 / found[3]], rel=1e-3)
    assert posterior == pytest.approx(medians, rel=1e-3)
    # Least squares takes the law to be true; the fit does not, and is less sure.
    table = added.summary().loc[list(EXPONENTS)]
    squares = np.array(squares)
    assert (table["lower"] < squares).all()
    assert (table["upper"] > squares).all()
    assert re.search(r"^gamma_D .*[+-][\d.]+%", section, re.MULTILINE)

    # One prediction inside the data, one outside, each with its interval.
    scenarios = {"N": ["7M", "100M"], "D": ["200M", "2B"], "w_bits": 4}
    mean = bayesq.predict(added, scenarios).to_frame()
    lines = [line for line in printed.splitlines() if "mean of runs  " in line]
    for line, row in zip(lines, mean.itertuples(), strict=True):
        shown = [float(word) for word in line.split()[-4:]]
        assert shown == pytest.approx([row.median, row.lower, row.upper, row.distance], rel=1e-3)
    assert mean["distance"].iloc[0] == 1 < mean["distance"].iloc[1]

    # The decision, in words.
    said = " ".join(printed.split())
    decision = bayesq.decide.fewest_bits(added, level=0.01, risk=0.05, N="1B", D="100B")
    assert decision.text in said
    turn = bayesq.decide.critical_tokens(added, base=base, N="7.08M", w_bits=3)
    assert turn.text in said
    near = bayesq.decide.fewest_bits(added, level="4%", risk=0.05, N="7.08M", D="400M")
    assert near.text in said
    assert "0.03638" in said, "what was measured at 4 bits stands beside it"
    assert "about 53 times in N" in said
    assert "about 250 times in D" in said

    # The report says the same.
    page = (out / "report.html").read_text(encoding="utf-8")
    for answer in (decision, turn, near):
        assert escape(answer.answer) in page
    assert "report.html" in said

    # Readable in one go.
    assert len(printed.splitlines()) < 100


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--draws", "2"], "draws is 2; it must be"),
        (["--seed", "-1"], "seed is -1; it must be"),
        (["--out", str(DEMO)], "cannot be made"),
        (["--out", str(DEMO / "out")], "cannot be made"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(
    demo: Callable[[list[str]], int],
    tmp_path: Path,
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert demo(["--out", str(tmp_path), *arguments]) == 2
    # On a busy machine what it is doing may be said before.
    *_, said = capsys.readouterr().err.splitlines()
    assert said.startswith("error: ")
    assert words in said
    assert list(tmp_path.iterdir()) == []
