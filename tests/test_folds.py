"""Which rows a backtest leaves out, and what is asked of them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq import BayesqError, Runs
from bayesq.backtesting.folds import Fold, make_folds
from bayesq.backtesting.held_out import make_parts
from bayesq.model.specification import specify_rows
from bayesq.posterior.posterior import Posterior
from bayesq.prediction.scenarios import read_scenarios
from made_up_runs import chosen, folds, made_up, sentence

# --- splits ------------------------------------------------------------------------------------


def test_the_largest_are_left_out() -> None:
    runs = made_up()
    N, D = runs.columns["N"], runs.columns["D"]
    assert folds(runs, "largest-N", 0.5) == {"N above 30M": np.flatnonzero(N > 3e7).tolist()}
    assert folds(runs, "largest-D", 0.3) == {"D above 2B": np.flatnonzero(D > 2e9).tolist()}
    compute = 6 * N * D
    edge = np.quantile(compute, 0.7)
    ((name, rows),) = folds(runs, "largest-compute").items()
    assert rows == np.flatnonzero(compute > edge).tolist()
    assert name == f"compute above {compute[compute <= edge].max():.3g} FLOP"


def test_of_a_tie_at_the_top_the_largest_level_is_left_out() -> None:
    # A third of the rows has the largest N, and so has the quantile.
    runs = made_up()
    top = np.flatnonzero(runs.columns["N"] == 1e8).tolist()
    for quantile in (0.6, 0.7, 0.99):
        assert folds(runs, "largest-N", quantile) == {"N above 30M": top}


def test_equal_compute_is_one_level_whatever_the_rounding() -> None:
    N = np.array([1.1e7, 3.3e7, 9.9e7, 1.1e7, 3.3e7, 9.9e7])
    D = np.array([9.9e9, 3.3e9, 1.1e9, 1.98e10, 6.6e9, 2.2e9])
    runs = bayesq.read_runs(pd.DataFrame({"N": N, "D": D, "loss": np.linspace(3, 2, 6)}))
    ((_, rows),) = folds(runs, "largest-compute", 0.9).items()
    assert rows == [3, 4, 5]


def test_only_rows_that_the_law_can_use_count(grid: Runs) -> None:
    mixed = chosen(grid)
    assert len(mixed.index) == 28
    (fold,) = make_folds(mixed, "largest-D", 0.7, 0)
    columns = mixed.runs.columns
    assert (fold.left_out == (columns["D"] > np.quantile(columns["D"], 0.7))).all()
    (part,), notes = make_parts(specify_rows(mixed), [fold])
    assert notes == []
    assert (part.places["row"] == mixed.index[fold.left_out]).all()
    assert (part.observed == grid.columns["loss"][part.places["row"]]).all()
    assert len(part.kept) + len(part.observed) == 28
    assert not {"loss", "loss_full", "loss_se"} & set(part.scenarios)


def test_studies_are_left_out_in_turn() -> None:
    runs = made_up(study=["b", "a", "b", "a"] * 3)
    assert folds(runs, "study") == {"a": [1, 3, 5, 7, 9, 11], "b": [0, 2, 4, 6, 8, 10]}
    runs = made_up(study=["b", None, "b", None] * 3)
    assert list(folds(runs, "study")) == ["no study", "b"]


def test_runs_are_left_out_in_turn() -> None:
    runs = made_up(run=["x", "y", "z"] * 4, study="s")
    wanted = {f"s {name}": list(range(i, 12, 3)) for i, name in enumerate("xyz")}
    assert folds(runs, "run") == wanted
    assert list(folds(made_up(6), "run")) == [f"row {i}" for i in range(6)]


def test_many_runs_are_dealt_whole_into_ten_folds() -> None:
    runs = made_up(18, run=[f"r{i // 2}" for i in range(18)])
    assert len(folds(runs, "run")) == 9
    runs = made_up(18, run=[f"r{min(i, 12)}" for i in range(18)])
    found = folds(runs, "run", seed=4)
    assert list(found) == [f"runs {i} of 10" for i in range(1, 11)]
    assert sorted(row for rows in found.values() for row in rows) == list(range(18))
    assert sum(set(range(12, 18)) <= set(rows) for rows in found.values()) == 1
    assert folds(runs, "run", seed=4) == found != folds(runs, "run", seed=5)


def one_size() -> Runs:
    return bayesq.read_runs(made_up().frame.assign(N=1e7))


REFUSED: dict[str, tuple[Callable[[], Runs], dict[str, Any], str]] = {
    "split": (made_up, {"split": "largest"}, "No split is called 'largest'; did you mean largest-"),
    "quantile": (made_up, {"quantile": 70}, "quantile is 70; it must lie between 0 and 1"),
    "quantile in words": (made_up, {"quantile": "0.7"}, "quantile is '0.7'; it must lie"),
    "seed": (made_up, {"seed": -1}, "seed is -1; it must be a whole number"),
    "one size": (one_size, {"split": "largest-N"}, "has one level of N only in the 12 rows"),
    "one study": (made_up, {"split": "study"}, "has one study only .* pass another split: larg"),
    "one run": (lambda: made_up(run="r"), {"split": "run"}, "has one training run only"),
    "too few rows": (
        made_up,
        {"quantile": 0.2},
        "With compute above .* FLOP left out, .* has 3 rows that law chinchilla can use",
    ),
    "a misspelt option": (made_up, {"drws": 5}, "backtest takes no drws; did you mean draws"),
    "draws": (made_up, {"draws": 1}, "draws is 1; it must be a whole number from 4 on"),
    "no law": (made_up, {"law": "chinchila"}, "did you mean chinchilla"),
    "no table": (lambda: cast(Runs, 3), {}, "A int is not a table of runs"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_split_is_refused(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, options, words = REFUSED[what]
    monkeypatch.delattr("bayesq.sampling.compiled.find_program")
    with pytest.raises(BayesqError) as caught:
        bayesq.backtest(runs(), save=tmp_path / "folds", **{"law": "chinchilla", **options})
    assert re.search(words, sentence(caught))
    assert os.listdir(tmp_path) == []


# --- rows and scenarios ------------------------------------------------------------------------


@pytest.mark.parametrize("name", bayesq.laws())
def test_a_scenario_gives_the_law_what_its_row_does(name: str, grid: Runs) -> None:
    for response in bayesq.laws()[name].responses:
        try:
            all_ = chosen(grid, name, response)
        except BayesqError:
            continue  # the grid has no row for this law
        where = {int(row): i for i, row in enumerate(all_.index)}
        parts, _ = make_parts(specify_rows(all_), make_folds(all_, "largest-compute", 0.7, 0))
        (part,) = parts
        kept = part.specification.design
        levels = kept.levels
        asked = SimpleNamespace(law=all_.law, response=response, kinds=kept.kinds)
        _, inputs = read_scenarios(part.scenarios, cast(Posterior, asked))
        rows = np.array([where[row] for row in part.places["row"]])
        quantized = all_.runs.quantized[rows]
        for i in all_.law.inputs_of(all_.response):
            # What a format is in a row of full precision is of no account.
            counts = quantized if i.format and all_.law.base is not None else np.full(len(rows), 1)
            same = inputs[i.symbol] == all_.inputs[i.symbol][rows]
            assert same[counts.astype(bool)].all()
        for symbol, labels in all_.levels.items():
            for i, row in enumerate(rows):
                number, ours = all_.inputs[symbol][row], inputs[symbol][i]
                name_ = labels[number] if number < len(labels) else None
                assert name_ == (levels[symbol][ours] if ours < len(levels[symbol]) else None)


def narrow_rows() -> Runs:
    """Quantized rows of three widths, of which the narrowest is in the longest runs only."""
    plain = made_up().frame
    wide = plain.assign(stage="train", w_bits=4, w_kind="int", loss=plain["loss"] * 1.02)
    wider = plain.assign(stage="train", w_bits=6, w_kind="int", loss=plain["loss"] * 1.01)
    narrow = plain[plain["D"] > 4e9].assign(stage="train", w_bits=2, w_kind="int")
    narrow["loss"] *= 1.1
    return bayesq.read_runs(pd.concat([plain, wide, wider, narrow], ignore_index=True))


def test_kinds_that_no_row_kept_has_are_not_scored() -> None:
    runs = narrow_rows()
    all_ = chosen(runs, "frantar2025")
    (part,), (note,) = make_parts(specify_rows(all_), make_folds(all_, "largest-D", 0.7, 0))
    assert note.code == "unscored-rows"
    assert note.message == (
        "3 of 12 rows left out are not scored: no row kept has their compression (W2 int)."
    )
    assert set(part.scenarios["w_bits"]) == {16, 4, 6}
    assert not np.isin(part.places["row"], np.flatnonzero(runs.columns["w_bits"] == 2)).any()
    narrow = Fold("the narrow rows", runs.columns["w_bits"] == 2)
    with pytest.raises(BayesqError) as caught:
        make_parts(specify_rows(all_), [narrow])
    assert "Nothing is left to score (3 of 3 rows left out are not scored" in sentence(caught)


def test_full_precision_rows_that_no_scenario_can_stand_for_are_told(grid: Runs) -> None:
    all_ = chosen(grid, "sun2025", "loss")
    (part,), notes = make_parts(specify_rows(all_), make_folds(all_, "largest-compute", 0.7, 0))
    if notes:  # once scenarios can say it, there is nothing to tell
        (note,) = notes
        assert re.match(r"12 of 35 rows left out are not scored: they are in full", note.message)
        assert part.left.quantized.all()
