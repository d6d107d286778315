"""Backtests: what is foretold and scored, how a stopped one goes on, and how it is told."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

import bayesq
import bayesq.backtesting.backtest as room
from bayesq import Backtest, BayesqError, Note, Runs
from bayesq.backtesting.folds import make_folds
from bayesq.backtesting.held_out import HeldOut, make_parts
from bayesq.backtesting.scores import crps
from bayesq.backtesting.storage import write_text
from bayesq.fitting import fit_specification
from bayesq.model.specification import Specification, specify_rows
from bayesq.notes import once_each
from made_up_runs import FEW, chosen, made_up, sentence

# --- a backtest ---------------------------------------------------------------------------------


@dataclass
class Fits:
    """Real fits, each made once, however many tests ask for it."""

    made: dict[tuple[str, str], bayesq.Fit] = field(default_factory=dict)
    asked: list[Runs] = field(default_factory=list)
    stop_at: int | None = None

    def __call__(self, specification: Specification, **settings: Any) -> bayesq.Fit:
        self.asked.append(specification.design.runs)
        if len(self.asked) == self.stop_at:
            raise KeyboardInterrupt
        key = (specification.key, str(sorted(settings.items())))
        if key not in self.made:
            self.made[key] = fit_specification(specification, **settings)
        return self.made[key]


@pytest.fixture(scope="module")
def made() -> Fits:
    return Fits()


@pytest.fixture
def fits(made: Fits, monkeypatch: pytest.MonkeyPatch) -> Fits:
    monkeypatch.setattr(room, "fit_specification", made)
    made.asked, made.stop_at = [], None
    return made


STUDIES = made_up(study=["a", "b"] * 6, run=[f"r{i % 4}" for i in range(12)])


def test_rows_left_out_of_the_grid_are_scored_as_predicted(grid: Runs, fits: Fits) -> None:
    result = bayesq.backtest(grid, "chinchilla", split="largest-D", seed=5, **FEW)
    rows = result.rows
    left = chosen(grid).runs.columns["D"] > 2.01e8
    assert rows["row"].tolist() == chosen(grid).index[left].tolist()
    (fitted,) = fits.made.values()
    assert fitted.data.attrs["seed"] == 5
    assert fitted.data.attrs["rows"] == 28 - len(rows)
    at = {"N": rows["N"], "D": rows["D"]}
    foretold = bayesq.predict(fitted, at, kind="run", seed=5)
    observed = grid.columns["loss"][rows["row"]]
    for name, prob in (("50", 0.5), ("90", 0.9)):
        frame = foretold.to_frame(prob)
        for column in ("median", "lower", "upper", "distance"):
            ours = f"{column}_{name}" if column in ("lower", "upper") else column
            np.testing.assert_allclose(rows[ours], frame[column])
        inside = (frame["lower"] <= observed) & (observed <= frame["upper"])
        assert rows[f"in_{name}"].tolist() == inside.tolist()
    draws = foretold.draws.values.reshape(-1, len(rows))
    np.testing.assert_allclose(rows["crps"], crps(draws, observed))
    np.testing.assert_allclose(rows["log_score"], foretold.log_density(observed))
    np.testing.assert_allclose(rows["bias"], rows["median"] - observed)
    np.testing.assert_allclose(rows["width_90"], rows["upper_90"] - rows["lower_90"])
    assert (rows["observed"] == observed).all()
    assert result.title == "Backtest of chinchilla for loss on pool grid, largest-D (1 fold)"
    assert all(n.severity == "severe" for n in result.notes)
    again = bayesq.backtest(grid, "chinchilla", split="largest-D", seed=5, **FEW)
    pd.testing.assert_frame_equal(again.rows, rows)


def study_backtest(save: Path | None = None, **options: Any) -> Backtest:
    asked: dict[str, Any] = {"split": "study", "save": save, **FEW, **options}
    return bayesq.backtest(STUDIES, "chinchilla", **asked)


@pytest.mark.slow
def test_each_study_is_foretold_by_the_others(fits: Fits) -> None:
    result = study_backtest()
    assert result.rows["fold"].tolist() == ["a"] * 6 + ["b"] * 6
    assert result.rows["row"].tolist() == [*range(0, 12, 2), *range(1, 12, 2)]
    assert [set(runs.columns["study"]) for runs in fits.asked] == [{"b"}, {"a"}]
    assert "other-format" not in {n.code for n in result.notes}
    assert result.title.endswith("study (2 folds)")


def test_a_stopped_backtest_goes_on(fits: Fits, tmp_path: Path) -> None:
    whole = study_backtest()
    folder = tmp_path / "folds"
    fits.asked, fits.stop_at = [], 2
    with pytest.raises(KeyboardInterrupt):
        study_backtest(folder)
    assert sorted(os.listdir(folder)) == ["backtest.json", "fold-01.json"]
    fits.asked, fits.stop_at = [], None
    went_on = study_backtest(folder)
    assert len(fits.asked) == 1
    assert sorted(os.listdir(folder)) == ["backtest.json", "fold-01.json", "fold-02.json"]
    pd.testing.assert_frame_equal(went_on.rows, whole.rows)
    assert went_on.notes == whole.notes
    fits.asked = []
    pd.testing.assert_frame_equal(study_backtest(folder).rows, whole.rows)
    assert fits.asked == []


def test_folds_that_are_missing_or_spoilt_are_fitted_again(fits: Fits, tmp_path: Path) -> None:
    whole = study_backtest(tmp_path)
    first, second = (tmp_path / f"fold-0{i}.json" for i in (1, 2))
    text = second.read_text()
    for spoil in (
        second.unlink,
        lambda: second.write_text(text[:-20]),
        lambda: swap(first, second),
    ):
        spoil()
        fits.asked = []
        pd.testing.assert_frame_equal(study_backtest(tmp_path).rows, whole.rows)
        assert len(fits.asked) == 1
        assert second.read_text() == text


def swap(first: Path, second: Path) -> None:
    second.write_text(first.read_text())


def test_a_folder_of_something_else_is_refused(fits: Fits, tmp_path: Path) -> None:
    study_backtest(tmp_path / "mine")
    before = {p.name: p.read_bytes() for p in (tmp_path / "mine").iterdir()}
    others: dict[str, dict[str, Any]] = {
        r"\(seed is 0 there and 7 here\)": {"seed": 7},
        r"\(draws is 60 there and 61 here\)": {"draws": 61},
        r"\(split is 'study' there and 'run' here\)": {"split": "run"},
        r"\(quantile is 0.7 there and 0.5 here\)": {"quantile": 0.5},
        r"\(coreset is None there and True here\)": {"coreset": True},
    }
    for words, options in others.items():
        with pytest.raises(BayesqError, match=words) as caught:
            study_backtest(tmp_path / "mine", **options)
        assert "holds another backtest" in sentence(caught)
    rows = STUDIES.select(np.arange(12) > 0)
    with pytest.raises(BayesqError, match=r"holds another backtest \(its rows are others\)"):
        bayesq.backtest(rows, "chinchilla", split="study", save=tmp_path / "mine", **FEW)
    assert {p.name: p.read_bytes() for p in (tmp_path / "mine").iterdir()} == before
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "diary.txt").write_text("dear diary")
    (tmp_path / "spoilt").mkdir()
    (tmp_path / "spoilt" / "backtest.json").write_text('{"law"')
    unusable = {
        "notes": "holds other files and no backtest",
        "notes/diary.txt": "is not a folder; name one",
        "spoilt": "backtest.json cannot be read; name another folder",
        "no/folds": "Folder .*no does not exist; make it first",
        "x" * 300: "cannot be written to .*name too long",
    }
    for name, words in unusable.items():
        with pytest.raises(BayesqError, match=re.compile(words, re.IGNORECASE)) as caught:
            study_backtest(tmp_path / name)
        sentence(caught)


def test_writing_that_is_stopped_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows.csv"
    write_text(path, "old")

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", stopped)
        with pytest.raises(KeyboardInterrupt):
            write_text(path, "new")
    assert os.listdir(tmp_path) == ["rows.csv"]
    assert path.read_text() == "old"


# --- results -----------------------------------------------------------------------------------


def result(held: int, count: int, runs: int | None = None, distance: float = 1.0) -> Backtest:
    """Make up a backtest whose intervals hold so many rows."""
    inside = np.arange(count) < held
    rows = pd.DataFrame(
        {"run": np.arange(count) % (runs or count), "in_50": inside, "in_90": inside}
    )
    scores = dict.fromkeys(("width_90", "crps", "log_score", "interval_score", "bias"), 0.5)
    return Backtest("Made up", rows.assign(distance=distance, **scores), ())


VERDICTS = {
    (12, 14): "12 of 14 rows left out (86%), .* 10 to 14 of them .* too few rows to judge",
    (1, 1): "hold 1 of 1 row left out",
    (9, 14): "10 to 14 of them .* these are too narrow, or the law is wrong for these rows",
    (90, 100): "84 to 95 of them .* these are right, as far as 100 rows can tell",
    (83, 100): "too narrow",
    (96, 100): "too wide",
}


@pytest.mark.parametrize(("held", "count"), VERDICTS)
def test_the_text_says_whether_intervals_are_right(held: int, count: int) -> None:
    words = VERDICTS[held, count].replace("(", r"\(").replace(")", r"\)")
    said = result(held, count).text
    assert re.search(words, said), said
    assert "come from" not in said
    assert "They come from 1 run; rows of one run" in result(held, 5 * count, 1).text


def test_scores_are_summed_up_by_distance() -> None:
    near, far = result(3, 4).rows, result(1, 3, distance=1.0).rows
    far["distance"] = [1.5, 2.0, 30.0]
    far["crps"] = [0.1, 0.3, 7.0]
    both = Backtest("Made up", pd.concat([near, far], ignore_index=True), ())
    frame = both.to_frame()
    assert frame.index.tolist() == ["inside the data", "1 to 2 times", "over 10 times", "all"]
    assert frame.index.name == "distance"
    assert frame["rows"].tolist() == [4, 2, 1, 7]
    np.testing.assert_allclose(frame["cover_90"], [0.75, 0.5, 0, 4 / 7])
    np.testing.assert_allclose(frame["crps"], [0.5, 0.2, 7, (2 + 0.4 + 7) / 7])
    assert list(frame) == [
        *("rows", "cover_50", "cover_90", "width_90"),
        *("crps", "log_score", "interval_score", "bias"),
    ]
    for shown in ("Made up", both.text, "1 to 2 times"):
        assert shown in repr(both)


def test_scores_are_saved_as_a_table(tmp_path: Path) -> None:
    made = result(3, 4)
    path = made.save(tmp_path / "rows.csv")
    pd.testing.assert_frame_equal(pd.read_csv(path), made.rows)
    assert os.listdir(tmp_path) == ["rows.csv"]
    with pytest.raises(BayesqError, match="is a directory; name the file to write"):
        made.save(tmp_path)
    with pytest.raises(BayesqError, match="does not exist; make it first"):
        made.save(tmp_path / "no" / "rows.csv")


def test_a_note_of_several_folds_is_given_once() -> None:
    r_hat, other = (Note(code, "severe", f"{code} is bad.", "Mend it.") for code in ("r-hat", "k"))
    several = once_each({"a": [r_hat], "b": [], "c": [r_hat, other]}, room._IN_FOLDS)
    assert [n.message for n in several] == [
        "In 2 of 3 folds, first with a left out: r-hat is bad.",
        "In 1 of 3 folds, first with c left out: k is bad.",
    ]
    assert once_each({"a": [r_hat, other]}, room._IN_FOLDS) == [r_hat, other]


def test_what_is_kept_of_a_fold_is_plain_json(fits: Fits, tmp_path: Path) -> None:
    study_backtest(tmp_path)
    head = json.loads((tmp_path / "backtest.json").read_text())
    assert (head["law"], head["split"], head["pool_by"]) == ("chinchilla", "study", None)
    assert head["rows"] == STUDIES.fingerprint
    kept = json.loads((tmp_path / "fold-01.json").read_text())
    assert len(kept["content"]["scores"]["crps"]) == 6


def test_the_parts_of_a_backtest_have_fingerprints() -> None:
    all_ = chosen(STUDIES)
    parts, _ = make_parts(specify_rows(all_), make_folds(all_, "study", 0.7, 0))
    one, other = cast(list[HeldOut], parts)
    assert one.fingerprints["kept"] == other.fingerprints["left"]
