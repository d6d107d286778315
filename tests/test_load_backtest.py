"""Saved backtests are read as they were, and nothing else is taken for one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_proofs import backtested

import bayesq
from bayesq.backtesting.scored import Backtest
from bayesq.backtesting.scores import pit
from bayesq.cli.printing import print_backtest
from bayesq.errors import BayesqError
from bayesq.notes import Note


def test_a_table_of_rows_comes_back(tmp_path: Path) -> None:
    made = backtested()
    found = bayesq.load_backtest(made.save(tmp_path / "rows.csv"))
    pd.testing.assert_frame_equal(found.rows, made.rows)
    assert found.title == "Backtest of rows.csv"
    assert (found.text, [n.code for n in found.notes]) == (made.text, ["rows-only"])


def test_what_the_command_line_says_comes_back_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Backtest("Made up", backtested().rows, (Note("r-hat", "severe", "Bad.", "Mend it."),))
    print_backtest(made, as_json=True)
    path = tmp_path / "told.json"
    path.write_text(capsys.readouterr().out)
    found = bayesq.load_backtest(path)
    pd.testing.assert_frame_equal(found.rows, made.rows)
    assert (found.title, found.notes) == (made.title, made.notes)


def test_what_is_no_backtest_is_refused(tmp_path: Path) -> None:
    rows = backtested().rows
    with pytest.raises(BayesqError, match=r"cannot be read \(No such file"):
        bayesq.load_backtest(tmp_path / "none.csv")
    for name, text, why in (
        ("short.csv", rows.drop(columns=["median", "run"]).to_csv(index=False), "run and median"),
        ("none.csv", rows.head(0).to_csv(index=False), "it has no rows"),
        ("words.csv", rows.assign(N="many").to_csv(index=False), "some of its numbers are none"),
        ("held.csv", rows.assign(in_90=3).to_csv(index=False), "not all True or False"),
        ("empty.csv", "", "cannot be read as one"),
        ("other.json", json.dumps({"rows": 3}), "cannot be read as one"),
        ("list.json", "[1, 2]", "cannot be read as one"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(BayesqError, match=f"holds no backtest .*{why}"):
            bayesq.load_backtest(tmp_path / name)


def test_pit_is_the_share_of_draws_below() -> None:
    draws = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 1.0], [4.0, 1.0]])
    np.testing.assert_allclose(pit(draws, np.array([2.5, 1.0])), [0.5, 0.75])
    rng = np.random.default_rng(0)
    found = bayesq.score(rng.normal(size=(2000, 500)), rng.normal(size=500))["pit"]
    # Uniform: a mean of 500 within 3 standard errors, each in (0, 1).
    assert found.mean() == pytest.approx(0.5, abs=3 / np.sqrt(12 * 500))
    assert found.between(0, 1).all()
