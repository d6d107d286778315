"""Backtests: which rows are left out, how they are scored, and how a stopped one goes on."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import bayesq
import bayesq.backtesting.backtest as room
from bayesq import Backtest, BayesqError, Note, Runs
from bayesq.backtesting.folds import Fold, make_folds
from bayesq.backtesting.parts import Part, make_parts
from bayesq.backtesting.scores import crps, interval_score
from bayesq.backtesting.storage import write_text
from bayesq.fitting import fit
from bayesq.law.registry import find_law
from bayesq.model.design import Design, design
from bayesq.posterior.posterior import Posterior
from bayesq.prediction.scenarios import read_scenarios

FEW = {"draws": 60, "tune": 200, "chains": 2, "progress": False}


def made_up(rows: int = 12, **columns: Any) -> Runs:
    """Make up losses of networks of several sizes and lengths of training."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "N": np.tile([1e7, 3e7, 1e8], rows)[:rows],
            "D": np.repeat([1e9, 2e9, 4e9, 8e9, 1.6e10, 3.2e10], 3)[:rows],
        }
    ).assign(**columns)
    loss = 1.7 + 400 * frame["N"] ** -0.34 + 1100 * frame["D"] ** -0.37
    return bayesq.read_runs(frame.assign(loss=loss * np.exp(rng.normal(0, 0.003, rows))))


def chosen(runs: Runs, law: str = "chinchilla", response: str | None = None) -> Design:
    return design(runs, find_law(law), response)


def folds(runs: Runs, split: str, quantile: float = 0.7, seed: int = 0) -> dict[str, list[int]]:
    """Rows left out by the name of the fold."""
    made = make_folds(chosen(runs), split, quantile, seed)
    return {fold.name: np.flatnonzero(fold.left_out).tolist() for fold in made}


def sentence(caught: pytest.ExceptionInfo[BayesqError]) -> str:
    said = str(caught.value)
    assert said.endswith(".")
    assert said.isprintable()
    return said


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
    (part,), notes = make_parts(mixed, [fold])
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
        parts, _ = make_parts(all_, make_folds(all_, "largest-compute", 0.7, 0))
        (part,) = parts
        levels = chosen(part.kept, name, response).levels
        asked = SimpleNamespace(law=all_.law, response=response, levels=levels)
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
    (part,), (note,) = make_parts(all_, make_folds(all_, "largest-D", 0.7, 0))
    assert note.code == "unscored-rows"
    assert note.message == (
        "3 of 12 rows left out are not scored: no row kept has their compression (W2 int)."
    )
    assert set(part.scenarios["w_bits"]) == {16, 4, 6}
    assert not np.isin(part.places["row"], np.flatnonzero(runs.columns["w_bits"] == 2)).any()
    narrow = Fold("the narrow rows", runs.columns["w_bits"] == 2)
    with pytest.raises(BayesqError) as caught:
        make_parts(all_, [narrow])
    assert "Nothing is left to score (3 of 3 rows left out are not scored" in sentence(caught)


def test_full_precision_rows_that_no_scenario_can_stand_for_are_told(grid: Runs) -> None:
    all_ = chosen(grid, "sun2025", "loss")
    (part,), notes = make_parts(all_, make_folds(all_, "largest-compute", 0.7, 0))
    if notes:  # once scenarios can say it, there is nothing to tell
        (note,) = notes
        assert re.match(r"12 of 35 rows left out are not scored: they are in full", note.message)
        assert part.left.quantized.all()


# --- scores ------------------------------------------------------------------------------------


def test_crps_is_that_of_a_normal() -> None:
    m = 20_000
    draws = norm.ppf((np.arange(m) + 0.5) / m)
    observed = np.array([-2.0, 0.0, 0.3, 4.0])
    scale, middle = np.array([1.0, 0.2, 3.0, 0.01]), np.array([0.0, 1.0, -1.0, 4.0])
    z = (observed - middle) / scale
    exact = scale * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))
    shuffled = np.random.default_rng(0).permutation(draws)[:, None] * scale + middle
    np.testing.assert_allclose(crps(shuffled, observed), exact, rtol=2e-3)


def test_crps_is_the_fair_mean_over_pairs() -> None:
    draws = np.random.default_rng(1).standard_t(3, (7, 2))
    observed = np.array([0.5, -4.0])
    pairs = np.abs(draws[:, None] - draws[None]).sum((0, 1)) / (7 * 6)
    by_hand = np.abs(draws - observed).mean(0) - pairs / 2
    np.testing.assert_allclose(crps(draws, observed), by_hand)
    # Without bias: the mean over many small samples is the score of the distribution.
    small = np.random.default_rng(2).normal(size=(5, 40_000))
    exact = 2 * norm.pdf(0) - 1 / np.sqrt(np.pi)
    assert crps(small, np.zeros(40_000)).mean() == pytest.approx(exact, abs=0.006)


def test_interval_score_by_hand() -> None:
    lower, upper = np.full(4, 1.0), np.full(4, 3.0)
    observed = np.array([2.0, 0.9, 3.5, 3.0])
    scores = interval_score(lower, upper, observed, 0.1)
    np.testing.assert_allclose(scores, [2, 2 + 20 * 0.1, 2 + 20 * 0.5, 2])


# --- a backtest ---------------------------------------------------------------------------------


@dataclass
class Fits:
    """Real fits, each made once, however many tests ask for it."""

    made: dict[tuple[str, str], bayesq.Fit] = field(default_factory=dict)
    asked: list[Runs] = field(default_factory=list)
    stop_at: int | None = None

    def __call__(self, runs: Runs, law: Any, response: str, **settings: Any) -> bayesq.Fit:
        self.asked.append(runs)
        if len(self.asked) == self.stop_at:
            raise KeyboardInterrupt
        key = (runs.fingerprint, str(sorted(settings.items())))
        if key not in self.made:
            self.made[key] = fit(runs, law, response, **settings)
        return self.made[key]


@pytest.fixture(scope="module")
def made() -> Fits:
    return Fits()


@pytest.fixture
def fits(made: Fits, monkeypatch: pytest.MonkeyPatch) -> Fits:
    monkeypatch.setattr(room, "fit", made)
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
    several = room._once({"a": [r_hat], "b": [], "c": [r_hat, other]})
    assert [n.message for n in several] == [
        "In 2 of 3 folds, first with a left out: r-hat is bad.",
        "In 1 of 3 folds, first with c left out: k is bad.",
    ]
    assert room._once({"a": [r_hat, other]}) == [r_hat, other]


def test_what_is_kept_of_a_fold_is_plain_json(fits: Fits, tmp_path: Path) -> None:
    study_backtest(tmp_path)
    head = json.loads((tmp_path / "backtest.json").read_text())
    assert (head["law"], head["split"], head["options"]) == ("chinchilla", "study", {})
    assert head["rows"] == STUDIES.fingerprint
    kept = json.loads((tmp_path / "fold-01.json").read_text())
    assert len(kept["content"]["scores"]["crps"]) == 6


def test_the_parts_of_a_backtest_have_fingerprints() -> None:
    all_ = chosen(STUDIES)
    parts, _ = make_parts(all_, make_folds(all_, "study", 0.7, 0))
    one, other = cast(list[Part], parts)
    assert one.fingerprints["kept"] == other.fingerprints["left"]
