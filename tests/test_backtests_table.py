"""The backtests' case study: its pools, today's practice, and the writer of its tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq.model.design import design
from studies import SHARED, Load, made_and_shown, modules_of

FOLDER = Path(__file__).parents[1] / "case_studies" / "backtests"
TRUE = {"E": 1.8, "A": 480.0, "B": 2100.0, "alpha": 0.35, "beta": 0.37}
NAMES = ["practice", "learn", "pools", "table", *SHARED]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Import modules of the case study by name, as its programs do."""
    yield from modules_of(FOLDER, NAMES, monkeypatch)


def simulated(noise: float = 0.005) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    N, D = (x.ravel() for x in np.meshgrid(np.geomspace(3e7, 3e9, 8), np.geomspace(1e9, 1e11, 8)))
    loss = bayesq.laws()["chinchilla"].evaluate("loss", {"N": N, "D": D, **TRUE})
    return pd.DataFrame({"N": N, "D": D, "loss": loss * np.exp(noise * rng.normal(size=len(N)))})


def simulated_formats() -> pd.DataFrame:
    full = simulated(1e-5).assign(stage="none", w_bits=16)
    parts = [full]
    for bits, eff in ((4, 0.8), (2, 0.4)):
        law = bayesq.laws()["chinchilla"]
        loss = law.evaluate("loss", {"N": full["N"] * eff, "D": full["D"], **TRUE})
        parts.append(full.assign(stage="train", w_kind="int", w_bits=bits, loss=loss))
    return pd.concat(parts, ignore_index=True)


def test_practice_recovers_a_simulated_law(load: Load) -> None:
    practise = load("practice").practise
    chosen = design(bayesq.read_runs(simulated()), bayesq.laws()["chinchilla"])
    # Not the small ones: of an extrapolation all rows err together, and chance is large.
    inside = np.random.default_rng(1).random(len(chosen.index)) < 0.7
    told = practise(chosen, inside, seed=3)
    assert told.draws.shape == (400, (~inside).sum())
    assert told.row.tolist() == np.flatnonzero(~inside).tolist()
    assert {s: float(v) for s, v in told.parameters.items() if s not in "AB"} == pytest.approx(
        {s: v for s, v in TRUE.items() if s not in "AB"}, rel=0.2
    )
    low, high = np.quantile(told.draws, [0.05, 0.95], axis=0)
    assert 0.7 <= np.mean((low <= told.observed) & (told.observed <= high)) <= 1
    again = practise(chosen, inside, seed=3)
    assert np.array_equal(told.draws, again.draws)


def test_practice_finds_the_published_optimum(load: Load, public: Path) -> None:
    practise = load("practice").practise
    entry = next(e for e in load("pools").entries() if e.name == "epoch_chinchilla")
    chosen = design(entry.runs(), bayesq.laws()["chinchilla"])
    told = practise(chosen, np.ones(240, dtype=bool), resamples=2)
    # Plain Huber optimum of the 240 rows.
    wanted = {"E": 1.81724, "A": 477.84, "B": 2143.86, "alpha": 0.347313, "beta": 0.367183}
    assert {s: float(v) for s, v in told.parameters.items()} == pytest.approx(wanted, rel=1e-3)
    assert told.draws.shape == (2, 0)


def test_each_kind_has_a_value_of_its_own_and_an_unseen_kind_is_not_foretold(load: Load) -> None:
    practise = load("practice").practise
    table = simulated_formats()
    large = table["N"] * table["D"] > 1e19
    table = table[large | (table["w_bits"] != 2)].reset_index(drop=True)
    chosen = design(bayesq.read_runs(table), bayesq.laws()["frantar2025"])
    inside = (table["N"] * table["D"] <= 1e19).to_numpy()
    told = practise(chosen, inside, resamples=20)
    labels = chosen.levels["compression"]
    eff = dict(zip(labels, told.parameters["eff"], strict=True))
    assert next(v for k, v in eff.items() if "W4" in k) == pytest.approx(0.8, abs=0.02)
    assert set(table["w_bits"][told.row]) == {4, 16}
    assert len(told.row) == (~inside & (table["w_bits"] != 2)).sum()


def test_a_degradation_that_is_not_positive_is_counted_and_still_foretold(
    load: Load,
    ptq_runs: bayesq.Runs,
) -> None:
    practise = load("practice").practise
    full, loss = (ptq_runs.columns[c].copy() for c in ("loss_full", "loss"))
    loss[[0, 40]] = full[[0, 40]] - 0.001
    runs = bayesq.Runs({**ptq_runs.columns, "loss": loss}, "changed")
    chosen = design(runs, bayesq.laws()["kumar2024-ptq"])
    inside = np.arange(len(runs)) < 40
    told = practise(chosen, inside, resamples=20)
    assert told.unusable == 1
    assert 40 in told.row
    assert (told.draws > 0).all()


def test_every_entry_loads_and_its_splits_leave_enough_to_fit(load: Load, public: Path) -> None:
    pools = load("pools")
    entries = pools.entries()
    assert len({e.name for e in entries}) == len(entries)
    for entry in entries:
        chosen = design(entry.runs(), bayesq.laws()[entry.law], entry.response)
        for split in pools.SPLITS:
            if entry.pool == "olmo_ptq" and split.size == "largest-N":
                with pytest.raises(bayesq.BayesqError, match="one level of N only"):
                    pools.kept(chosen, split)
                continue
            inside = pools.kept(chosen, split)
            design(chosen.runs.select(inside), chosen.law, entry.response)
            assert (~inside).sum() >= 4
    rows = {e.name: len(e.runs()) for e in entries}
    assert rows["epoch_chinchilla"] == 240
    assert rows["datablations"] == 37
    assert rows["misfitting-best"] < rows["misfitting"] == 240


def test_the_best_of_a_cell_is_its_lowest_loss(load: Load) -> None:
    table = pd.DataFrame({"N": [1e8, 1e8, 2e8], "D": 1e9, "loss": [3.0, 2.9, 2.5]})
    assert load("pools").best_of_cell(bayesq.read_runs(table)).tolist() == [False, True, True]


def made_up(entry: str, split: str, crps: float) -> dict[str, object]:
    ours = {"cover_50": 0.5, "cover_90": 0.9, "width_90": 0.2, "crps": crps, "interval_score": 0.3}
    theirs = ours | {"cover_90": 0.6, "width_90": 0.1, "crps": 0.02, "interval_score": 0.6}
    both = {"bayesq": ours, "practice": theirs}
    numbers = {f"{m}_{name}": value for m, said in both.items() for name, value in said.items()}
    counts = {"family": "base", "kept": 20, "out": 10, "seconds": 1.0}
    return {"entry": entry, "split": split, **counts, **numbers}


def test_the_tables_are_written_between_the_marks(
    load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    table = load("table")
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    (tmp_path / "README.md").write_text(readme, encoding="utf-8")
    monkeypatch.setattr(table, "README", tmp_path / "README.md")
    monkeypatch.setattr(table, "_RESULTS", tmp_path / "results.csv")
    table.write([made_up("x", "compute-70", 0.5)], "Made by x.")
    table.write(
        [made_up("a", "compute-70", 0.01), made_up("b", "compute-70", 0.04)], "Made by hand."
    )
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    for mark in (lambda t: t.partition("<!-- begin")[0], lambda t: t.partition("end of the")[2]):
        assert mark(text) == mark(readme)
    assert "| x |" not in text
    assert (
        "| a | compute-70 | 20 | 10 | 0.50 / 0.50 | 0.90 / 0.60 | 0.2 / 0.1 | 0.01 / 0.02 |" in text
    )
    # Half and twice practice's CRPS are even; coverage is averaged as it is.
    assert "| compute-70 | all | 2 | 0.50 / 0.50 | 0.90 / 0.60 | 2.00 | 1.00 | 0.50 |" in text
    assert "hold 90% of the rows left out with bayesq and 60% with practice" in text
    assert "Its CRPS is 1.00 times practice's, and the lower one in 1 of 2." in text
    assert "Below 70% lie 0 with bayesq. Below 70% lie 2 with practice: a, b." in text
    csv = pd.read_csv(tmp_path / "results.csv")
    assert csv["entry"].tolist() == ["a", "b"]
    assert "seconds" not in csv
    assert {p.name for p in tmp_path.iterdir()} == {"README.md", "results.csv"}


def test_a_score_that_tails_leave_without_a_value_is_named_and_not_averaged(load: Load) -> None:
    table = load("table")
    results = [made_up(*r) for r in (("a", "s", 0.01), ("b", "s", -1e97), ("c", "s", np.inf))]
    assert table.ratio(results, "crps") == pytest.approx(0.5)
    text = table.reading("s", results)
    assert "Its CRPS is 0.50 times practice's, and the lower one in 1 of 3." in text
    assert "That is without b, c, where" in text


def test_an_entry_that_cannot_be_had_says_why(
    load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("BAYESQ_DATA", raising=False)
    table, pools = load("table"), load("pools")
    entry = next(e for e in pools.entries() if e.name == "gadre-c4")
    assert "BAYESQ_DATA is not set" in table.cell((entry, pools.SPLITS[0], 200, tmp_path))["why"]


def test_the_readme_has_what_the_results_give(load: Load) -> None:
    table = load("table")
    wanted = "\n\n".join(table.sections(table.read(FOLDER / "results.csv")))
    assert made_and_shown(FOLDER / "README.md")[1] == wanted


def hold_to_the_table(result: dict[str, float]) -> None:
    """Compare a cell that was made again with the committed one."""
    rows = pd.read_csv(FOLDER / "results.csv").set_index(["entry", "split"])
    written = rows.loc[(result["entry"], result["split"])]
    assert (result["kept"], result["out"]) == (written["kept"], written["out"])
    for name in (n for n in written.index if n.startswith("practice")):
        assert result[name] == pytest.approx(written[name], rel=1e-3), name
    # 800 draws where the table has 2,000: ends of an interval vary by some per cent of its width,
    # so that a row on the edge may fall to either side.
    for name in ("width_90", "crps", "interval_score"):
        assert result[f"bayesq_{name}"] == pytest.approx(written[f"bayesq_{name}"], rel=0.15), name
    for name in ("cover_50", "cover_90"):
        apart = abs(result[f"bayesq_{name}"] - written[f"bayesq_{name}"]) * result["out"]
        assert apart < max(1.5, 0.1 * result["out"]), name


@pytest.mark.slow
@pytest.mark.parametrize("split", [0, 1, 2])
def test_the_cells_of_a_table_made_again_are_those_that_are_written(
    load: Load, split: int, public: Path, tmp_path: Path
) -> None:
    table, pools = load("table"), load("pools")
    for entry in pools.entries():
        # Fits of a share for each kind take minutes.
        if entry.law not in ("quartet2025", "frantar2025"):
            result = table.cell((entry, pools.SPLITS[split], 200, tmp_path))
            if "why" not in result:
                hold_to_the_table(result)


def test_a_cell_has_the_scores_of_both_methods_on_the_same_rows(load: Load, tmp_path: Path) -> None:
    table, pools = load("table"), load("pools")
    entry = next(e for e in pools.entries() if e.name == "grid-base")
    result = table.cell((entry, pools.SPLITS[0], 200, tmp_path))
    assert (result["kept"], result["out"]) == (19, 9)
    for method in table.METHODS:
        assert 0 <= result[f"{method}_cover_50"] <= result[f"{method}_cover_90"] <= 1
        assert 0 < result[f"{method}_crps"] < result[f"{method}_interval_score"]
    hold_to_the_table(result)
    (folder,) = tmp_path.iterdir()
    assert folder.name.startswith("grid-base-compute-70-200-")
