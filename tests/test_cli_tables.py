"""Tables on a terminal: they fit, they break no number, and in a pipe they are not padded."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayesq.laid_out import table_lines, wrapped
from command import Run

NUMBERS = [["3.859e+04", "-1,234.5", "0.9623", "157"], ["1.1", "-2", "300B", "1.000"]]
WORDS = "rows of one run are not independent, and intervals that treat them so are too narrow"


def lines_of(header: list[str], rows: list[list[str]], width: int | None) -> list[str]:
    return [line for line, _ in table_lines(header, rows, width)]


def test_a_table_that_fits_stands_as_it_is() -> None:
    assert lines_of(["a", "long name"], [["1", "x"], ["12345", ""]], 80) == [
        "a      long name",
        "1      x",
        "12345",
    ]


def test_words_give_way_and_numbers_do_not() -> None:
    lines = lines_of(["n", "why"], [["123456", WORDS]], 30)
    assert all(len(line) <= 30 for line in lines)
    assert lines[1].startswith("123456  rows of one run are")
    assert " ".join(line[8:] for line in lines[1:]) == WORDS


def test_what_has_no_room_follows_below_with_the_columns_that_tell_rows_apart() -> None:
    header = ["N", "D", "median", "mean"]
    rows = [["1B", "10B", "1.23456789", "1.23456780"], ["1B", "20B", "2.3", "2.4"]]
    assert lines_of(header, rows, 20) == [
        "N   D    median",
        "1B  10B  1.23456789",
        "1B  20B  2.3",
        "N   D    mean",
        "1B  10B  1.23456780",
        "1B  20B  2.4",
    ]


def test_a_pipe_has_no_edge() -> None:
    header, rows = ["n", "why"], [["1", WORDS * 5]]
    assert lines_of(header, rows, None)[1] == f"1  {WORDS * 5}"
    assert wrapped(WORDS * 5, None) == [WORDS * 5]


def test_wide_letters_take_two_cells() -> None:
    lines = lines_of(["study", "n"], [["模型模型", "1"], ["ab", "2"]], 40)
    assert lines == ["study     n", "模型模型  1", "ab        2"]


CELLS = st.one_of(
    st.sampled_from(["3.859e+04", "-0.001234", "12.5%", "1,068", "70B", "", "inf"]),
    st.text("ab \n", max_size=40),
    st.just(WORDS),
    st.just("x" * 60),
)


ROWS = st.integers(1, 6).flatmap(lambda n: st.lists(st.lists(CELLS, min_size=n, max_size=n)))


@given(ROWS, st.integers(60, 120))
def test_whatever_is_in_it_fits_whole(rows: list[list[str]], width: int) -> None:
    count = len(rows[0]) if rows else 2
    header = [f"column{i}" for i in range(count)]
    laid = list(table_lines(header, rows, width))
    shown = "\n".join(line for line, _ in laid)
    assert all(line == line.rstrip() for line, _ in laid)
    # Beside what tells rows apart there is always one column more, however long its number is.
    if count <= 2:
        assert all(len(line) <= width for line, _ in laid)
    for cell in (cell for row in rows for cell in row if re.search(r"\d", cell)):
        assert re.search(rf"(^|\s){re.escape(cell)}(\s|$)", shown)
    assert any(header_line for _, header_line in laid)


# --- what commands print -----------------------------------------------------------------------

SUN = ["decide", "critical_tokens", "sun2025", "N=1B", "exponent=2", "mantissa=1", "group=128"]
PRINTED = {
    "laws": ["laws"],
    "pools": ["pools"],
    "check": ["check", "grid"],
    "check a law": ["check", "grid", "--law", "chinchilla"],
    "predict": ["predict", "chinchilla", "--at", "N=1B,D=100B", "--at", "N=1B,D=10T"],
    "decide": SUN,
    "help": ["-h"],
    "help of a decision": ["decide", "iso_loss", "-h"],
}
NUMBER = re.compile(r"(?<![\w.])-?\d[\d.,]*(?:e[+-]\d+)?[KMBT%]?(?![\w])")


@pytest.mark.parametrize(
    ("what", "width"),
    # All laws are looked at for a check, which takes its time: at the usual width alone.
    [(what, width) for what in PRINTED for width in (60, 80) if (what, width) != ("check", 60)],
)
def test_output_follows_columns(
    what: str, width: int, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = run(*PRINTED[what]).out.splitlines()
    assert max(map(len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)
    if "help" in what or what == "check":
        return  # help is of one width, and a check has one line a law
    # Every number of the table as a pipe has it is there, and whole.
    monkeypatch.delenv("COLUMNS")
    whole = NUMBER.findall(run(*PRINTED[what]).out)
    assert set(whole) <= set(NUMBER.findall("\n".join(lines)))


def test_a_pipe_has_full_lines_without_padding(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    for what in PRINTED.keys() - {"check", "help of a decision"}:
        arguments = PRINTED[what]
        assert all(line == line.rstrip() for line in run(*arguments).out.splitlines())
    # A line a row, and a line a note.
    out = run("laws").out.splitlines()
    assert len(out) == 1 + len(run("laws", "--json").json())
    assert sum(line.startswith("[") for line in run(*SUN).out.splitlines()) == 3


def test_a_name_cannot_move_the_cursor(tmp_path: Path, run: Run) -> None:
    table = tmp_path / "runs.csv"
    rows = "".join(f"{n}B,20B,{3 - n / 10},\x1b[2J[red]:smile:\n" for n in range(1, 7))
    table.write_text(f"N,D,loss,study\n{rows}")
    out = run("check", table).out
    assert "\x1b" not in out
    assert "\\x1b[2J[red]:smile:" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["laws", "--json"],
        pytest.param(["laws"], marks=pytest.mark.slow),
        pytest.param(["show", "no.nc", "--json"], marks=pytest.mark.slow),
    ],
)
def test_a_reader_that_has_left_is_no_mistake(arguments: list[str]) -> None:
    here, there = os.pipe()
    os.close(here)
    command = [sys.executable, "-u", "-m", "bayesq", *arguments]
    done = subprocess.run(command, stdout=there, stderr=subprocess.PIPE, text=True)
    os.close(there)
    assert (done.returncode, done.stderr) == (1, "")
    del command[1]  # where what is left is written at the end
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
