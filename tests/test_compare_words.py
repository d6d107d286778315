"""A comparison's verdict in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq.comparison.comparison import Comparison
from bayesq.comparison.left_out import LeftOut


def made(
    two_fits: dict[str, bayesq.Fit],
    inside: dict[str, np.ndarray],
    outside: dict[str, np.ndarray] | None = None,
    pareto_k: float = 0.2,
    split: str = "largest-compute",
) -> Comparison:
    """Put a comparison together by hand; `fits` only lend their notes."""
    left, beyond = {}, {}
    for name, elpd in inside.items():
        k = np.full(len(elpd), pareto_k)
        left[name] = LeftOut(elpd, elpd + 0.1, k, 0.7, (), (), np.arange(len(elpd)))
    for name, scores in (outside or {}).items():
        beyond[name] = pd.DataFrame({"log_score": scores, "run": np.arange(len(scores))})
    lent = dict(zip(inside, [*two_fits.values(), two_fits["normal"]], strict=False))
    return Comparison(lent, "row", split if beyond else None, left, beyond)


EVEN = np.linspace(-0.1, 0.1, 30)


def test_laws_that_cannot_be_told_apart_are_said_to_be(two_fits: dict[str, bayesq.Fit]) -> None:
    found = made(two_fits, {"a": EVEN, "b": EVEN - 0.1})
    assert found.best == "a"
    assert found.text == (
        "Inside the data (30 rows left out): indistinguishable: a and b (diff 3.0 ± 0.0)."
    )
    assert "laws-bend" not in [n.code for n in found.notes]
    assert found.difference("b", "a").sign == 0


def test_a_better_law_is_preferred(two_fits: dict[str, bayesq.Fit]) -> None:
    noisy = EVEN - 0.2 + 0.6 * np.where(np.arange(30) % 2, 1, -1)
    found = made(two_fits, {"a": EVEN, "b": EVEN - 0.5, "c": noisy})
    assert found.text.startswith(
        "Inside the data (30 rows left out): prefer a over b (15.0 ± 0.0); indistinguishable from "
        "it: c (diff 6.0 ± 3.3)."
    )
    table = found.to_frame()
    assert list(table.index) == ["a", "c", "b"]
    assert table["diff"].tolist() == pytest.approx([0.0, -6.0, -15.0])
    assert table.at["c", "diff_se"] == pytest.approx(np.sqrt(30 * 30 / 29 * 0.36))
    assert table["effective"].tolist() == pytest.approx([3.0] * 3)
    assert table["stacking"].sum() == pytest.approx(1.0)
    assert not [c for c in table.columns if c.startswith("outside")]


def test_the_largest_rows_may_say_another_thing(two_fits: dict[str, bayesq.Fit]) -> None:
    far = np.linspace(-1, 1, 10)
    found = made(two_fits, {"a": EVEN, "b": EVEN - 0.5}, {"a": far - 1, "b": far})
    assert found.best_outside == "b"
    assert found.text == (
        "Inside the data (30 rows left out): prefer a over b (15.0 ± 0.0). "
        "Outside (the 10 rows of largest compute left out): prefer b over a (10.0 ± 0.0). "
        "a wins inside the data (15.0 ± 0.0), b outside (10.0 ± 0.0)."
    )
    (note,) = [n for n in found.notes if n.code == "inside-outside"]
    assert note.severity == "warning"
    assert "a wins inside" in note.message
    table = found.to_frame()
    assert table["outside"].to_dict() == pytest.approx({"a": -10.0, "b": 0.0})
    assert table["outside_diff"].to_dict() == pytest.approx({"a": -10.0, "b": 0.0})
    assert table.at["b", "outside_stacking"] == pytest.approx(1.0, abs=1e-3)
    assert table.at["a", "stacking"] == pytest.approx(1.0, abs=1e-3)
    assert found.weights(outside=True)["b"] == table.at["b", "outside_stacking"]


@pytest.mark.parametrize(
    ("inside", "outside", "words"),
    [
        (0.5, 0.1, "a wins inside the data (15.0 ± 0.0), and not outside."),
        (0.01, 1.0, "b wins outside the data (10.0 ± 0.0), and not inside."),
        (0.01, 0.1, ""),
        (0.5, -1.0, ""),
    ],
)
def test_what_is_said_where_one_side_says_little(
    two_fits: dict[str, bayesq.Fit], inside: float, outside: float, words: str
) -> None:
    far = np.zeros(10)
    found = made(
        two_fits, {"a": EVEN, "b": EVEN - inside}, {"a": far - outside, "b": far}, split="study"
    )
    assert "Outside (each study in turn left out): " in found.text
    assert found.text.endswith(words)
    assert ("wins" in found.text) == bool(words)
    assert ("inside-outside" in [n.code for n in found.notes]) == bool(words)


def test_few_runs_and_bad_estimates_are_noted(two_fits: dict[str, bayesq.Fit]) -> None:
    found = made(two_fits, {"a": EVEN[:19], "b": EVEN[:19]}, pareto_k=0.9)
    codes = [n.code for n in found.notes]
    assert codes.count("pareto-k") == 2
    assert "few-runs-to-compare" in codes
    assert found.to_frame()["bad"].tolist() == [19, 19]
    assert found.notes[0].severity == "severe"
    many = made(two_fits, {"a": EVEN[:20], "b": EVEN[:20]})
    assert not {"pareto-k", "few-runs-to-compare"} & {n.code for n in many.notes}


def test_a_k_that_is_not_a_number_is_bad() -> None:
    k = np.array([0.1, np.inf, 0.71, 0.7])
    left = LeftOut(np.zeros(4), np.zeros(4), k, 0.7, (), (), np.arange(4))
    assert left.bad.tolist() == [1, 2]


def test_a_comparison_shows_table_text_and_notes(two_compared: Comparison) -> None:
    shown = repr(two_compared)
    assert shown.startswith(two_compared.text)
    assert "few-runs-to-compare" in shown
    assert "pseudo_bma" in shown
    table = two_compared.to_frame()
    assert table["elpd"].is_monotonic_decreasing
    assert table["matched"].tolist() == table["refitted"].tolist() == [0, 0]
    assert "heavy" in two_compared.text
    assert "normal" in two_compared.text
