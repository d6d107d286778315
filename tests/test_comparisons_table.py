"""The comparisons' case study: its questions, and the writer of its tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq.model.design import design
from studies import SHARED, Load, made_and_shown, modules_of

FOLDER = Path(__file__).parents[1] / "case_studies" / "comparisons"
NAMES = ["pools", "questions", "table", "words", *SHARED]
# Chen's law needs a group size, and QuEST has one scale a channel.
CANNOT = {("qat-tokens", "quest"), ("qat-form", "quest")}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Import modules of the case study by name, as its programs do."""
    yield from modules_of(FOLDER, NAMES, monkeypatch)


def made_up(
    pool: str, setting: str, inside: tuple[float, float], outside: tuple[float, float] | None
) -> dict[str, object]:
    result: dict[str, object] = {
        **{"question": "ptq-bits", "pool": pool, "setting": setting},
        **{"first": "kumar2024-ptq", "second": "kumar2024-ptq power"},
        **{"rows": 30, "runs": 7, "refitted": 0, "bad": 0, "severe": ""},
        **{"inside": inside[0], "inside_se": inside[1], "seconds": 1.0},
    }
    if outside:
        result |= {
            "outside": outside[0],
            "outside_se": outside[1],
            "kept": 20,
            "out": 10,
            "runs_out": 3,
        }
    return result


def scored(pool: str, first: float, second: float, average: float) -> dict[str, object]:
    result = made_up(pool, "misfit", (0.0, 1.0), (0.0, 1.0)) | {"weight_first": 0.5}
    for who, log_score in (("first", first), ("second", second), ("average", average)):
        result[f"{who}_log_score"] = log_score
        result |= {f"{who}_crps": 0.01, f"{who}_interval_score": 0.05, f"{who}_cover_90": 0.9}
    return result


def test_every_question_is_put_to_two_laws_that_differ(load: Load) -> None:
    questions = load("questions").questions()
    assert len({q.name for q in questions}) == len(questions)
    for question in questions:
        first, second = question.laws
        assert first.name != second.name
        assert first.digest != second.digest
        assert len({e.name for e in question.pools}) == len(question.pools) > 0


def test_the_power_of_bits_has_ouyangs_prior(load: Load) -> None:
    (question,) = (q for q in load("questions").questions() if q.name == "ptq-bits")
    (power,) = question.laws[1].pick("gamma_P")
    (ouyang,) = bayesq.laws()["ouyang2024"].pick("gamma")
    assert power.prior == ouyang.prior


def test_a_share_that_moves_is_eff_at_20_tokens_a_parameter_and_leaves_full_precision_alone(
    load: Load,
) -> None:
    laws = {q.name: q.laws[1] for q in load("questions").questions()}
    moving = laws["qat-eff"].effective["N"]
    assert moving(1e9, 2e10, 0.7, 0.1) == pytest.approx(7e8)
    assert moving(1e9, 2e11, 0.7, 0.1) == pytest.approx(7e8 * 10**0.1)
    for symbol, at in (("N", 1e9), ("D", 2e11)):
        formula = laws["qat-eff-both-ways"].effective[symbol]
        told = formula(1e9, 2e11, np.array([1.0, 0.7]), 0.1)
        assert told == pytest.approx([at, 0.7 * at * 10**0.1])


def test_both_laws_can_use_rows_of_every_pool(load: Load, public: Path) -> None:
    for question in load("questions").questions():
        for entry in question.pools:
            runs = entry.runs()
            if (question.name, entry.name) in CANNOT:
                with pytest.raises(bayesq.BayesqError, match="per channel without row_length"):
                    design(runs, question.laws[0], question.response)
                continue
            used = [design(runs, law, question.response).index for law in question.laws]
            common = np.intersect1d(*used)
            assert len(common) >= 20, (question.name, entry.name)
            chosen = runs.select(np.isin(np.arange(len(runs)), common))
            for law in question.laws:
                design(chosen, law, question.response)


def test_the_group_varies_where_it_is_asked_whether_it_matters(load: Load, public: Path) -> None:
    (question,) = (q for q in load("questions").questions() if q.name == "qat-group")
    for entry in question.pools:
        chosen = design(entry.runs(), question.laws[0], "degradation")
        assert len(set(chosen.inputs["G"])) > 1


def test_a_verdict_needs_a_difference_of_4_two_standard_errors_and_two_runs(load: Load) -> None:
    words = load("words")
    wanted = {(9, 2): "first", (-9, 2): "second", (3.9, 0.1): "neither", (9, 5): "neither"}
    wanted |= {(9, np.nan): "one run"}
    for (elpd, se), said in wanted.items():
        assert words.verdict({"inside": elpd, "inside_se": se}, "inside") == said
        assert words.verdict({"inside": elpd, "inside_se": se}, "outside") == ""
    assert words.shown({"inside": -9, "inside_se": 2}, "inside") == "-9.0 ± 2.0, second"
    assert words.shown({"inside": 9, "inside_se": np.nan}, "inside") == "+9.0, one run"
    assert words.shown({}, "outside") == "-"


def test_the_reading_counts_verdicts_and_names_pools(load: Load) -> None:
    words, questions = load("words"), load("questions")
    (question,) = (q for q in questions.questions() if q.name == "ptq-bits")
    results = [
        made_up("a", "alone", (9.0, 2.0), (-9.0, 2.0)),
        made_up("b", "alone", (8.0, 2.0), (1.0, 2.0)),
        made_up("c", "alone", (7.0, np.nan), None),
        made_up("a", "misfit", (1.0, 2.0), (1.0, 2.0)),
        {"question": "ptq-bits", "pool": "d", "setting": "alone", "why": "No rows."},
        {"question": "ptq-bits", "pool": "d", "setting": "misfit", "why": "No rows."},
    ]
    assert words.reading(question, results) == (
        f"**ptq-bits**: {question.asked} Formulas alone, 3 pools: inside `kumar2024-ptq` is "
        "preferred in 2 (a, b), rows of one run give no standard error in 1 (c); outside "
        "`kumar2024-ptq power` is preferred in 1 (a), they cannot be told apart in 1 (b), nothing "
        "was left out in 1 (c). With misfit, 1 pool: inside they cannot be told apart in 1 (a); "
        "outside they cannot be told apart in 1 (a). It cannot be asked of d: No rows."
    )


def test_what_was_not_run_is_named(load: Load) -> None:
    words, questions = load("words"), load("questions")
    (question,) = (q for q in questions.questions() if q.name == "base-exponents")
    done = made_up("epoch_chinchilla", "alone", (9.0, 2.0), None) | {"question": "base-exponents"}
    assert words.missing([done], [question]) == [
        "Not run, with misfit: base-exponents on epoch_chinchilla."
    ]
    assert words.missing([done, done | {"setting": "misfit"}], [question]) == []


def test_averages_are_held_against_the_best_law_of_the_question_and_of_each_pool(
    load: Load,
) -> None:
    words = load("words")
    results = [scored("a", 3.0, 1.0, 2.5), scored("b", 1.0, 2.0, 2.25)]
    (text,) = words.averages_reading(results)
    assert "average's mean log score a row less the better law's is -0.125 on average" in text
    assert "from -0.500 (ptq-bits on a, misfit) to +0.250" in text
    assert "it is above the better law's in 1." in text
    # The first law is best on the mean, the second in b.
    assert "Mean log score: 2.38 of the average, 2.00 of each question's best law and 2.50" in text
    one, every = words._average_lines(results)
    assert one[:4] == ("ptq-bits", "2", "kumar2024-ptq", "2.38 / 2.00 / 2.50")
    assert every[:3] == ("all", "2", "each question's")


def test_a_score_that_tails_leave_without_a_value_is_named_and_not_averaged(load: Load) -> None:
    words = load("words")
    wild = scored("b", 1.0, 2.0, 2.25) | {"average_crps": -1e97}
    (text,) = words.averages_reading([scored("a", 3.0, 1.0, 2.5), wild])
    assert "In 1 comparison with rows left out" in text
    assert "Left out are ptq-bits on b, misfit, where" in text


def test_the_tables_are_written_between_the_marks(
    load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    table = load("table")
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    (tmp_path / "README.md").write_text(readme, encoding="utf-8")
    monkeypatch.setattr(table, "_README", tmp_path / "README.md")
    monkeypatch.setattr(table, "_RESULTS", tmp_path / "results.csv")
    table.write([made_up("x", "alone", (5.0, 1.0), None)], "Made by x.")
    some = [made_up("a", "alone", (9.0, 2.0), (1.0, 2.0)), scored("a", 3.0, 1.0, 2.5)]
    table.write(some, "Made by hand.")
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    for mark in (lambda t: t.partition("<!-- begin")[0], lambda t: t.partition("end of the")[2]):
        assert mark(text) == mark(readme)
    assert "| x |" not in text
    assert (
        "| ptq-bits | a | 30 | 7 | 10 | 3 | kumar2024-ptq / kumar2024-ptq power | "
        "+9.0 ± 2.0, first | +1.0 ± 2.0, neither | +0.0 ± 1.0, neither | +0.0 ± 1.0, neither |"
        in text
    )
    assert "| ptq-bits | a | 20 | 10 | 0.50 | 3.00 / 1.00 / 2.50 |" in text
    assert "Not run, formulas alone: ptq-bits on grid-ptq-3to6" in text
    assert "seconds" not in pd.read_csv(tmp_path / "results.csv")
    assert {p.name for p in tmp_path.iterdir()} == {"README.md", "results.csv"}


def test_the_readme_has_what_the_results_give(load: Load) -> None:
    table, words, questions = map(load, ("table", "words", "questions"))
    results = table.read(FOLDER / "results.csv")
    wanted = "\n\n".join(words.sections(results, questions.questions()))
    _, shown = made_and_shown(FOLDER / "README.md")
    assert shown == wanted


def test_a_pool_that_cannot_be_had_says_why_and_nothing_is_kept(
    load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("BAYESQ_DATA", raising=False)
    table, questions = load("table"), load("questions")
    (question,) = (q for q in questions.questions() if q.name == "qat-eff-both-ways")
    with pytest.raises(bayesq.BayesqError, match="BAYESQ_DATA is not set"):
        table.cell(question, "quartet", "alone", 100, tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_is_not_finished_is_not_run_where_nobody_asks(load: Load, tmp_path: Path) -> None:
    table, questions = load("table"), load("questions")
    (question,) = (q for q in questions.questions() if q.name == "qat-group")
    assert table.cell(question, "grid-w16a4", "alone", 100, tmp_path, run=False) is None
    assert not list(tmp_path.iterdir())


def test_rows_that_a_law_cannot_use_are_an_answer_and_are_kept(load: Load, tmp_path: Path) -> None:
    table, questions = load("table"), load("questions")
    (question,) = (q for q in questions.questions() if q.name == "qat-group")
    # One group size a channel, which Chen's law does not take.
    entry = replace(question.pools[0], where="stage == 'train' and w_group == -1")
    asked = replace(question, pools=(entry,))
    told = table.cell(asked, entry.name, "alone", 100, tmp_path)
    assert "24 left out: column row_length is empty" in told["why"]
    again = table.cell(asked, entry.name, "alone", 100, tmp_path, run=False)
    assert again == told
    assert "cannot be asked" in table.progress(told)


def hold_to_the_table(result: dict[str, object]) -> None:
    """Compare a cell that was made again with the committed one."""
    keys = ["question", "pool", "setting"]
    rows = pd.read_csv(FOLDER / "results.csv").set_index(keys)
    written = rows.loc[tuple(result[key] for key in keys)]
    for count in ("rows", "runs", "kept", "out", "runs_out"):
        assert result[count] == written[count], count
    # Both are of some hundred effective draws: a sum over rows varies by some tenths of a nat,
    # which a verdict at 4 nats is not moved by.
    for place in ("inside", "outside"):
        within = max(1.0, 0.25 * written[f"{place}_se"])
        assert result[place] == pytest.approx(written[place], abs=within), place


def test_a_cell_made_again_is_the_one_that_is_written(load: Load, tmp_path: Path) -> None:
    table, questions = load("table"), load("questions")
    (question,) = (q for q in questions.questions() if q.name == "qat-group")
    hold_to_the_table(table.cell(question, "grid-w16a4", "alone", 200, tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ptq-bits", "ptq-tokens", "qat-tokens", "qat-group"])
def test_the_cells_of_a_question_made_again_are_those_that_are_written(
    load: Load, name: str, public: Path, tmp_path: Path
) -> None:
    table, questions = load("table"), load("questions")
    (question,) = (q for q in questions.questions() if q.name == name)
    for entry in question.pools:
        if (name, entry.name) not in CANNOT:
            hold_to_the_table(table.cell(question, entry.name, "alone", 500, tmp_path))


def test_what_is_not_to_be_trusted_is_named(load: Load) -> None:
    words = load("words")
    sound = made_up("a", "alone", (1.0, 2.0), (1.0, 2.0))
    unsure = made_up("b", "alone", (1.0, 2.0), (1.0, 2.0)) | {"bad": 2, "severe_kept": "ess r-hat"}
    assert words.doubts([sound]) == []
    (text,) = words.doubts([sound, unsure])
    assert "Pareto k stayed too high: ptq-bits on b, alone (2)." in text
    assert "A fit to the rows kept has the severe note `r-hat`: ptq-bits on b, alone." in text
