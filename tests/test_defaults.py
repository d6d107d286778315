"""What the defaults follow from: the tables of the backtests that chose them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from bayesq.model.discrepancy import LEARNED, REACH
from studies import ROOT, SHARED, Load, modules_of

FOLDER = ROOT / "case_studies" / "backtests"
NAMES = ["choices", "learn", "pools", "practice", "reach", "schedules", "table", *SHARED]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Import modules of the case study by name, as its programs do."""
    yield from modules_of(FOLDER, NAMES, monkeypatch)


@pytest.mark.parametrize("response", ["loss", "degradation"])
def test_the_defaults_are_what_the_pools_taught(load: Load, response: str) -> None:
    learn = load("learn")
    learned, default = learn.prior(learn.teachers(response)), LEARNED[response]
    assert learned.drift == default.drift
    if response == "degradation":
        assert learned.format == default.format
    assert (learned.hurst, learned.reach) == (default.hurst, default.reach)


def test_pools_fitted_again_are_compared_with_what_was_learned(load: Load) -> None:
    learn = load("learn")
    then = learn.read()
    now = json.loads(json.dumps(then))
    now["grid-w4a4"]["tau"][0] += 0.3 * then["grid-w4a4"]["tau"][1]
    said, table = learn.compared(then, now)
    assert f"The {len(then)} pools were fitted again" in said
    assert "at most 0.30 of its standard deviations from `learned.json` (tau of grid-w4a4)" in said
    assert "| loss | log tau | -1.99, 0.56 | -1.99, 0.56 |" in table
    assert "| degradation | log tau_format | -0.99, 0.86 | -0.99, 0.86 |" in table


def test_the_reaches_and_choices_say_what_the_text_says_of_them(load: Load) -> None:
    reach = load("reach")
    means = reach.means(pd.read_csv(FOLDER / "reach.csv"))
    assert means.index.tolist() == list(reach.REACHES)
    assert means["width_90"].is_monotonic_decreasing
    assert means["crps"].is_monotonic_decreasing
    rises = means["log_score"].diff()
    assert rises[4.0] < 0.05 < rises[2.0]
    assert means["in_90"][4.0] < 0.85 < 0.9 < means["in_90"][2.0]
    assert REACH == 2
    choices = load("choices").means(pd.read_csv(FOLDER / "choices.csv")).loc["compute-70"]
    score, default = choices["interval_score"], choices["interval_score"]["default"]
    alike = ["effects of runs", "effects of budgets", "noise falls with D"]
    assert score[alike].between(0.95 * default, 1.05 * default).all()
    others = ["no discrepancy", "rougher, H = 0.5", "rougher, H = 0.75", "normal noise"]
    assert (score[others] > 1.1 * default).all()


def of_schedules(kept: float, name: str, share: list[bool]) -> pd.DataFrame:
    where = {"group": "checkpoints", "discrepancy": name, "entry": "olmo", "kept": kept}
    return pd.DataFrame(
        where | {"in_90": share, "interval_score": 0.2, "relative": [1.0, 3.0, 2.0]}
    )


def test_schedules_are_tabulated_at_three_quantiles_and_told_at_a_fourth(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedules = load("schedules")
    default, chosen = schedules.FURTHER_BY
    held = [True] * 3
    rows = [of_schedules(q, n, held) for n in (default, chosen) for q in schedules.QUANTILES]
    rows += [of_schedules(0.3, default, [True, False, True]), of_schedules(0.3, chosen, held)]
    found = pd.concat(rows)
    table = schedules.table(found)
    assert f"| checkpoints | {default} | 3 / 3 / 3 | 1 / 1 / 1 | 2 / 2 / 2 |" in table
    assert schedules.further(found) == (
        "Further out intervals are wide: with only the first 30% of the checkpoints kept, those of "
        f'"{default}" hold 2 of 3 later rows at a median width of 2 times the value and those of '
        f'"{chosen}" hold 3 of 3 later rows at a median width of 2 times the value.'
    )
    (tmp_path / "README.md").write_text((FOLDER / "README.md").read_text("utf-8"), "utf-8")
    monkeypatch.setattr(schedules, "README", tmp_path / "README.md")
    monkeypatch.setattr(schedules, "RESULT", tmp_path / "schedules.csv")
    schedules.write(found, "Made by hand.")
    assert "Made by hand.\n\n| rows | discrepancy" in (tmp_path / "README.md").read_text("utf-8")
    assert len(pd.read_csv(tmp_path / "schedules.csv")) == len(found)


def test_every_table_of_checkpoints_is_planned(load: Load) -> None:
    schedules = load("schedules")
    jobs = schedules.planned({})
    asked = [(group, name, quantile) for group, name, _, quantile, _ in jobs]
    assert len(jobs) == len({job[:4] for job in jobs}) == 6 * 4 * 3 + 2 * 4 + 2 * 3
    assert ("checkpoints", "for checkpoints", 0.3) in asked
    assert {name for group, name, _ in asked if group == "checkpoints"} == set(schedules.variants())


@pytest.mark.slow
def test_a_cell_of_the_checkpoints_made_again_is_near_what_is_written(
    load: Load, public: Path
) -> None:
    schedules = load("schedules")
    options = {"draws": 200, "tune": 400, "chains": 2}
    held = []
    for table in ("olmo-c4-rtn", "olmo-c4-awq", "olmo-wt2-rtn", "olmo-wt2-awq"):
        rows = schedules.scores(("checkpoints", "for checkpoints", table, 0.5, options))
        held += list(rows["in_90"])
    # The table says 0.92 of 72; three rows on the edge may fall to either side.
    (line,) = (
        line
        for line in (FOLDER / "README.md").read_text("utf-8").splitlines()
        if line.startswith("| checkpoints | for checkpoints |")
    )
    count, share = (cell.split("/")[0].strip() for cell in line.split("|")[3:5])
    assert len(held) == int(count)
    assert sum(held) / len(held) == pytest.approx(float(share), abs=0.05)
