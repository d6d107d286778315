"""What the documentation says in words of tables that are made again: the tables must bear it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesq.comparison import difference

ROOT = Path(__file__).parents[1]
STUDIES = ROOT / "case_studies"
PAGES = sorted([*(ROOT / "docs" / "belief").glob("*.md"), ROOT / "docs" / "limits.md"])
_TEST = re.compile(r"`(test_[a-z0-9_]+)`")
_FILE = re.compile(r"`((?:bayesq|models|tests|case_studies)/[\w/]+\.py)`")


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(STUDIES / name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_files_and_tests_that_a_page_names_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name in _FILE.findall(text):
        assert (ROOT / name).is_file(), name
    known = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "tests").glob("test_*.py"))
    for name in _TEST.findall(text):
        assert f"def {name}(" in known, name


def test_the_misfit_and_its_smoothness_decide_and_the_noise_does_not() -> None:
    means = table("backtests/choices.csv").groupby("variant")[["cover_90", "crps"]].mean()
    crps, cover = means["crps"], means["cover_90"]
    for worse in ("no discrepancy", "rougher, H = 0.5", "rougher, H = 0.75"):
        assert crps[worse] > 1.2 * crps["default"]
        assert cover[worse] < cover["default"]
    for alike in ("effects of runs", "effects of budgets", "noise falls with D"):
        assert crps[alike] == pytest.approx(crps["default"], rel=0.05)
    assert crps["normal noise"] > 1.05 * crps["default"]


def test_less_in_common_is_wider_and_the_largest_reach_holds_too_little() -> None:
    means = table("backtests/reach.csv").groupby("reach")[["in_90", "width_90"]].mean()
    assert means["width_90"].is_monotonic_decreasing
    assert means["in_90"].iloc[-1] < 0.85 < means["in_90"].loc[2.0]


def test_intervals_after_training_hold_too_little_and_those_in_training_enough() -> None:
    found = table("backtests/results.csv")
    compute = found[found["split"].str.startswith("compute")]
    cover = compute.groupby(["split", "family"])["bayesq_cover_90"].mean().unstack()
    assert (cover["ptq"] < 0.7).all()
    assert (cover["qat"] > 0.9).all()
    training = compute[compute["family"] == "qat"]
    ratio = training["bayesq_width_90"] / training["practice_width_90"]
    assert np.exp(np.log(ratio).mean()) > 1.5
    assert (training["bayesq_crps"] > training["practice_crps"]).any()
    after = compute[compute["family"] == "ptq"]["entry"].unique()
    assert (len(after), sum(e.startswith("olmo") for e in after)) == (6, 4)


def test_critical_tokens_outside_the_data_are_too_sure() -> None:
    found = table("decisions/results.csv")
    asked = found[found["entry"].str.contains("-tokens-") & found["bound"].isna()]
    outside = asked[asked["split"] != "inside"]
    assert outside["in_90"].astype(bool).mean() < 0.7
    assert outside["ratio"].median() > 100


def test_elsewhere_intervals_hold_more_than_four_in_five() -> None:
    found = table("backtests/results.csv")
    after = (found["family"] == "ptq") & found["split"].str.startswith("compute")
    cover = found[~after].groupby(["split", "family"])["bayesq_cover_90"].mean()
    assert (cover > 0.8).all()
    decided = table("decisions/results.csv")
    told = decided[decided["bound"].isna() & (decided["family"] != "tokens")]
    for where in (told["split"] == "inside", told["split"] != "inside"):
        held = told[where].groupby("family")["in_90"].agg(lambda one: one.astype(bool).mean())
        assert (held > 0.8).all()


def test_most_verdicts_are_none_and_averages_did_not_predict_better() -> None:
    found = table("comparisons/results.csv")
    told = [
        difference.Difference(one, se).sign
        for where in ("inside", "outside")
        for one, se in zip(found[where], found[f"{where}_se"], strict=True)
        if np.isfinite(one)
    ]
    assert np.mean(np.array(told) == 0) > 0.5
    scored = found.dropna(subset="average_log_score")
    best = scored[["first_log_score", "second_log_score"]].max(axis=1)
    assert scored["average_log_score"].mean() < best.mean()
