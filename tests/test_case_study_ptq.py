"""The study of overtraining: what its text says in words is what its tables say in numbers."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq.runs.counts import format_count
from notebooks import numbers, tables

PAGE = Path(__file__).parents[1] / "case_studies" / "ptq_overtraining" / "ptq_overtraining.ipynb"
OLMO = ["OLMo C4 RTN", "OLMo C4 AWQ", "OLMo WT2 RTN", "OLMo WT2 AWQ"]


@pytest.fixture(scope="module")
def shown() -> list[pd.DataFrame]:
    """Read the tables: answers, slopes, what was left out, two comparisons, and turns."""
    return tables(nbformat.read(PAGE, 4))


@pytest.fixture
def rows(public: Path, ptq_runs: bayesq.Runs) -> dict[str, pd.DataFrame]:
    """Choose the rows of each selection from the tables as they are."""
    found = {"grid INT3-6": ptq_runs.frame, "grid D > 30M": ptq_runs.select("D > 3e7").frame}
    pool = pd.read_csv(public / "olmo_ptq" / "runs.csv").query("3 <= w_bits <= 5")
    for name in OLMO:
        _, text, method = name.split()
        found[name] = pool.query(f"study == 'olmo_ptq-{text.lower()}' and method == '{method}'")
    return found


def value(cell: str, which: int = 0) -> float:
    return numbers(cell)[which].value


def slope(rows: pd.DataFrame) -> float:
    """Slope of log degradation on log D by least squares, with a level for each run and width."""
    levels = pd.get_dummies(rows["run"].astype(str) + rows["w_bits"].astype(str), dtype=float)
    inputs = np.column_stack([np.log(rows["D"]), levels])
    return float(np.linalg.lstsq(inputs, np.log(rows["loss"] - rows["loss_full"]))[0][0])


def test_no_draw_has_the_degradation_fall_and_the_shortest_runs_decide_more_than_the_interval(
    shown: list[pd.DataFrame],
) -> None:
    answers = shown[0]
    assert list(answers.index) == ["grid INT3-6", "grid D > 30M", *OLMO]
    assert set(answers["draws above 0"]) == {"all"}
    upper = value(answers.loc["grid INT3-6", "gamma_D"], 2)
    assert value(answers.loc["grid D > 30M", "gamma_D"]) > upper
    assert value(shown[1].loc["grid INT3-6", "3 bits"]) > upper


def test_slopes_are_those_of_another_way_to_fit_them(
    shown: list[pd.DataFrame], rows: dict[str, pd.DataFrame]
) -> None:
    slopes = shown[1]
    for name, of in rows.items():
        assert slopes.loc[name, "all"] == f"{slope(of):.2f}", name
        for bits, some in of.groupby("w_bits"):
            assert slopes.loc[name, f"{bits:g} bits"] == f"{slope(some):.2f}", (name, bits)


def test_only_the_checkpoints_of_one_schedule_turn_steep_at_its_end(
    shown: list[pd.DataFrame],
) -> None:
    for name, line in shown[1].iterrows():
        steep = value(line["last doubling"]) > 3 * value(line["before"])
        assert steep == (name in OLMO), name


def test_the_end_of_the_schedule_is_not_foretold_and_that_of_the_grid_mostly_is(
    shown: list[pd.DataFrame],
) -> None:
    left_out = shown[2]
    for name, line in left_out.iterrows():
        inside, of = (value(line["unseen rows inside"], i) for i in (0, 1))
        if name in OLMO:
            assert inside < 0.5 * of
            assert inside + value(line["above"]) == of
        else:
            assert inside > 0.7 * of


def test_d_is_needed_on_the_grid_and_stands_for_the_schedule_in_one_run(
    shown: list[pd.DataFrame],
) -> None:
    on_grid, on_olmo = shown[3], shown[4]
    for where in ("elpd inside", "elpd outside"):
        inside = on_grid[where].map(value)
        assert inside.idxmax() == "Ouyang"
        # Far behind: the gap is several times that between the two laws with D.
        assert inside["Kumar"] - inside["no D"] > 2 * (inside["Ouyang"] - inside["Kumar"]) > 0
        assert on_olmo[where].map(value).idxmax() == "schedule"
    assert value(on_olmo.loc["Kumar", "elpd inside"]) > value(on_olmo.loc["no D", "elpd inside"])
    assert not on_olmo["short of the best"].str.contains("±").any()


def test_rounded_models_that_end_worse_are_those_of_the_pools(
    shown: list[pd.DataFrame], rows: dict[str, pd.DataFrame]
) -> None:
    found = []
    for name, of in rows.items():
        for (_, bits), some in of.groupby(["N", "w_bits"]):
            last = some.loc[some["D"].idxmax(), "loss"]
            if name != "grid D > 30M" and last > some["loss"].min() + 5e-4:
                found.append((name, f"{bits:g}", f"{some['loss'].min():.3f}", f"{last:.3f}"))
    turns = shown[5]
    columns = (turns.index, turns["bits"], turns["lowest loss"], turns["last loss"])
    assert list(zip(*columns, strict=True)) == found
    assert set(turns["last D"]) <= {format_count(of["D"].max()) for of in rows.values()}


def test_the_texts_hold_no_path_of_a_machine() -> None:
    for path in PAGE.parent.glob("*.*"):
        assert not re.search(r"/(home|work|tmp|root)/", path.read_text(encoding="utf-8")), path
