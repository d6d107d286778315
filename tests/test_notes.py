"""Notes: each is raised by what it speaks of, and by nothing else."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesq
from bayesq import Fit, Note, Parameter, Prior, Runs
from bayesq.checks.diagnosis import prior_notes, residual_notes, sampling_notes
from bayesq.checks.identification import identification_notes
from bayesq.model.design import Design, design
from bayesq.notes import by_severity
from bayesq.posterior.netcdf import notes_from_json, notes_to_json

LAWS = bayesq.laws()
RNG = np.random.default_rng(3)
# The INT3 to INT6 rows of all groups.
ROUNDED = "stage == 'post' and w_kind == 'int' and 3 <= w_bits <= 6"


def found(notes: Any) -> dict[str, Note]:
    return {note.code: note for note in notes}


def designed(rows: Runs, law: str = "kumar2024-ptq", response: str | None = None) -> Design:
    return design(rows, LAWS[law], response)


def table(**columns: Any) -> Runs:
    """Make up 24 full-precision rows with N and D apart, and change some columns of them."""
    plain = {
        "N": np.repeat(np.geomspace(1e7, 1e9, 6), 4),
        "D": np.tile(np.geomspace(1e9, 1e11, 4), 6),
        "loss": 3 + RNG.uniform(size=24),
    }
    return bayesq.read_runs(pd.DataFrame(plain | columns))


def test_a_note_has_four_parts() -> None:
    note = Note("few-levels", "severe", "One level.", "Add runs.")
    assert str(note) == "[severe] few-levels: One level. Add runs."
    assert note.to_dict() == {
        "code": "few-levels",
        "severity": "severe",
        "message": "One level.",
        "remedy": "Add runs.",
        "rows": [],
    }
    assert notes_from_json(notes_to_json((note,))) == (note,)
    with pytest.raises(dataclasses.FrozenInstanceError):
        note.code = "other"  # type: ignore[misc]


def test_severe_notes_come_first_in_their_order() -> None:
    order = [("info", "a"), ("severe", "b"), ("warning", "c"), ("severe", "d"), ("info", "e")]
    notes = [Note(code, severity, "", "") for severity, code in order]  # type: ignore[arg-type]
    assert [n.code for n in by_severity(notes)] == ["b", "d", "c", "a", "e"]


# --- before sampling ---------------------------------------------------------------------------


def test_rows_that_tell_the_parameters_apart_raise_no_note() -> None:
    assert identification_notes(designed(table(), "chinchilla")) == []


@pytest.mark.parametrize(
    ("bits", "severity", "words"),
    [
        ("w_bits == 4", "severe", "Input P has 1 level (4): the data say nothing about"),
        ("w_bits in [3, 6]", "warning", "P has 2 levels (3 and 6): the data say no more than a"),
    ],
)
def test_few_levels(ptq_runs: Runs, bits: str, severity: str, words: str) -> None:
    notes = found(identification_notes(designed(ptq_runs.select(bits))))
    assert notes["few-levels"].severity == severity
    assert words in notes["few-levels"].message
    assert "few-levels" not in found(identification_notes(designed(ptq_runs)))


def test_few_levels_of_bits_are_counted_over_quantized_rows(grid: Runs) -> None:
    # With the base's rows, whose bits are no bits, there would seem to be one level more.
    rows = grid.select("stage == 'none' or (stage == 'post' and w_bits in [3, 4])")
    notes = found(identification_notes(designed(rows, response="loss")))
    assert "P has 2 levels (3 and 4)" in notes["few-levels"].message


# What formats the quantized rows have, and what the notes say of each input: its severity and how
# many levels it has, or that it changes nothing.
IDLE = "in every row, where it changes nothing"
FORMATS: dict[str, tuple[dict[str, Any], dict[str, tuple[str, str]]]] = {
    "weights alone": (
        {"w_bits": [16, 3, 4, 5]},
        {"P_a": ("warning", f"P_a is 16 {IDLE}"), "P_kv": ("warning", f"P_kv is 16 {IDLE}")},
    ),
    "one width": (
        {"w_bits": [16, 4, 4, 4], "a_bits": [16, 3, 4, 5]},
        {"P_w": ("severe", "P_w has 1 level (4): "), "P_kv": ("warning", f"P_kv is 16 {IDLE}")},
    ),
    "some with and some without": (
        {"w_bits": [16, 3, 4, 5], "a_bits": [16, 8, 16, 8]},
        {
            "P_a": ("warning", "P_a has 2 levels (8 and 16): "),
            "P_kv": ("warning", f"P_kv is 16 {IDLE}"),
        },
    ),
}


@pytest.mark.parametrize("what", FORMATS)
def test_a_format_that_changes_nothing_is_no_severe_lack(what: str) -> None:
    columns, wanted = FORMATS[what]
    runs = table(
        stage=["none", "train", "train", "train"] * 6, **{c: v * 6 for c, v in columns.items()}
    )
    notes = identification_notes(designed(runs, "kumar2024-qat"))
    few = {n.message.split()[1]: n for n in notes if n.code == "few-levels"}
    assert set(few) == set(wanted)
    for symbol, (severity, words) in wanted.items():
        assert few[symbol].severity == severity
        assert f"Input {words}" in few[symbol].message


def test_a_flag_has_two_levels_and_no_more() -> None:
    # Weights in every row, activations in some, FC2's input apart in none.
    a_bits = [16, 4, 4, 16] * 6
    runs = table(stage="train", loss_full=2.0, w_bits=4, a_bits=a_bits, w_group=64, a_group=64)
    notes = identification_notes(designed(runs, "chen2025-schemes"))
    few = {n.message.split()[1]: n for n in notes if n.code == "few-levels"}
    assert {s: n.severity for s, n in few.items()} == {
        "G": "severe",
        "W": "severe",
        "FC8": "warning",
    }
    assert f"Input FC8 is 0 {IDLE}" in few["FC8"].message
    assert "Input W has 1 level (1)" in few["W"].message


def test_counts_in_notes_read_like_counts(ptq_runs: Runs) -> None:
    runs = ptq_runs.select("N < 2e6")
    (note,) = (
        n
        for n in identification_notes(designed(runs))
        if n.code == "few-levels" and "N" in n.message
    )
    assert "Input N has 1 level (786k)" in note.message


@pytest.mark.parametrize(("spread", "together"), [(0.05, True), (1.5, False)])
def test_moving_together(spread: float, together: bool) -> None:
    N = np.geomspace(1e7, 1e9, 24)
    D = 20 * N * np.exp(RNG.normal(0, spread, 24))
    notes = found(identification_notes(designed(table(N=N, D=D), "chinchilla")))
    assert ("moving-together" in notes) is together
    if together:
        correlation = np.corrcoef(np.log(N), np.log(D))[0, 1]
        assert f"{correlation:.3f}" in notes["moving-together"].message


def test_several_studies() -> None:
    runs = table(study=["a", "b", "c"] * 8)
    note = found(identification_notes(designed(runs, "chinchilla")))["several-studies"]
    assert note.severity == "severe"
    assert "3 studies or corpora (a, b, c)" in note.message
    assert "pool_by='study' (--pool-by study)" in note.remedy
    # A degradation is relative to the study's own baseline.
    wide = {"w_bits": [3, 4, 5, 6] * 6, "stage": "post", "loss_full": 2.5}
    runs = table(study=["a", "b", "c"] * 8, **wide)
    assert found(identification_notes(designed(runs)))["several-studies"].severity == "warning"
    one = table(study="a")
    assert "several-studies" not in found(identification_notes(designed(one, "chinchilla")))


def test_ignored_columns(grid: Runs, ptq_runs: Runs) -> None:
    note = found(identification_notes(designed(grid.select(ROUNDED))))["ignored-columns"]
    assert note.severity == "warning"
    assert "w_group: -1, 32, 64, 128" in note.message
    assert "w_bits" not in note.message
    assert "Fit one setting at a time" in note.remedy
    # Names of single files are no settings to fit one by one.
    runs = table(
        method=[f"q{i}" for i in range(24)], w_bits=[3, 4, 5, 6] * 6, stage="post", loss_full=2.5
    )
    assert "together" in found(identification_notes(designed(runs)))["ignored-columns"].remedy
    assert "ignored-columns" not in found(identification_notes(designed(ptq_runs)))
    # int3 says what w_bits does, and is no setting beside it; GPTQ and RTN are.
    for methods, ignored in ((("int3", "int4"), False), (("GPTQ", "RTN"), True)):
        runs = table(method=methods * 12, w_bits=[3, 4] * 12, stage="post", loss_full=2.5)
        assert ("ignored-columns" in found(identification_notes(designed(runs)))) is ignored


def test_networks_are_counted_where_no_column_names_the_runs() -> None:
    quantized = {"w_bits": [3, 4, 5, 6] * 6, "stage": "post"}
    for networks, severity in ((4, "warning"), (11, "info")):
        full = [2.0 + i % networks / 100 for i in range(24)]
        runs = table(N=1e8, D=1e9, loss_full=full, **quantized)
        note = found(identification_notes(designed(runs)))["few-runs"]
        assert note.severity == severity
        assert f"come from {networks} training runs, told by their full-precision" in note.message
        assert "(-c THEIRS=run)" in note.remedy
    runs = table(N=1e8, D=1e9, loss_full=[2.0 + i / 100 for i in range(24)], **quantized)
    assert "few-runs" not in found(identification_notes(designed(runs)))


@pytest.mark.parametrize(("runs", "noted"), [(1, True), (4, True), (11, True), (12, False)])
def test_few_runs(runs: int, noted: bool) -> None:
    rows = table(run=[f"r{i % runs}" for i in range(24)])
    notes = found(identification_notes(designed(rows, "chinchilla")))
    assert ("few-runs" in notes) is noted
    if noted:
        assert f"24 rows come from {runs} training run" in notes["few-runs"].message
        assert notes["few-runs"].severity == ("warning" if runs < 10 else "info")


def test_rows_left_out_are_counted_by_reason(grid: Runs) -> None:
    notes = designed(grid, "chen2025").notes
    assert {n.code for n in notes} == {"rows-left-out"}
    frame = grid.frame
    counts = [int(n.message.split()[0]) for n in notes]
    assert sum(counts) == len(frame) - len(designed(grid, "chen2025").runs)
    assert "info" in {n.severity for n in notes}
    assert [n.severity for n in notes if "row_length is empty" in n.message] == ["warning"]


# --- after sampling ----------------------------------------------------------------------------

GOOD = {"r_hat": [1.0, 1.002], "ess_bulk": [2000.0, 900.0], "ess_tail": [1500.0, 450.0]}


def sampled(
    *, diverging: int = 0, deep: int = 0, **columns: list[float]
) -> tuple[xr.Dataset, pd.DataFrame]:
    """Make up statistics of 4 chains of 1000 draws and a table of two parameters."""

    def flags(count: int) -> tuple[tuple[str, str], np.ndarray]:
        return ("chain", "draw"), np.arange(4000).reshape(4, 1000) < count

    stats = xr.Dataset({"diverging": flags(diverging), "maxdepth_reached": flags(deep)})
    return stats, pd.DataFrame(GOOD | columns, index=["E", "alpha"])


def test_good_sampling_raises_no_note(ptq_fit: Fit) -> None:
    assert sampling_notes(*sampled()) == []
    codes = {n.code for n in ptq_fit.notes}
    assert not codes & {"divergences", "r-hat", "ess", "tree-depth", "prior-only", "misfit"}


@pytest.mark.parametrize(
    ("made", "code", "severity", "words"),
    [
        ({"diverging": 40}, "divergences", "warning", "40 of 4000 draws"),
        ({"diverging": 41}, "divergences", "severe", "41 of 4000 draws"),
        ({"r_hat": [1.0, 1.02]}, "r-hat", "warning", "alpha is 1.020"),
        ({"r_hat": [1.06, 1.02]}, "r-hat", "severe", "E is 1.060"),
        ({"ess_bulk": [2000.0, 399.0]}, "ess", "warning", "alpha has only 399 .* fewer than 400"),
        ({"ess_tail": [12.0, 450.0]}, "ess", "warning", "E has only 12 "),
        ({"deep": 1}, "tree-depth", "warning", "1 of 4000 draws"),
    ],
)
def test_bad_sampling_raises_its_note(
    made: dict[str, Any], code: str, severity: str, words: str
) -> None:
    (note,) = sampling_notes(*sampled(**made))
    assert (note.code, note.severity) == (code, severity)
    assert pd.Series([note.message]).str.contains(words).all(), note.message


def test_what_cannot_be_judged_is_not_taken_as_good() -> None:
    # One chain has no R-hat, draws that never move have no effective sample size.
    (note,) = sampling_notes(*sampled(r_hat=[np.nan, np.nan]))
    assert (note.code, note.severity) == ("r-hat", "severe")
    assert note.message == "R-hat of E is not known: there is one chain, or they do not move."
    (note,) = sampling_notes(*sampled(r_hat=[1.0, np.nan]))
    assert "R-hat of alpha is not known" in note.message
    (note,) = sampling_notes(*sampled(ess_bulk=[2000.0, np.nan]))
    assert (note.code, note.severity) == ("ess", "warning")
    assert "alpha has only 0 effective draws" in note.message


def test_a_single_level_is_severe_elsewhere_alone(ptq_fit: Fit) -> None:
    one = Note("few-levels", "severe", "Input N has 1 level.", "Add runs.")
    assert answers(dataclasses.replace(ptq_fit, notes=(one,))) == [(), ()]


@pytest.mark.parametrize(
    ("mean", "sd", "noted"),
    [(0.0, 1.0, True), (0.1, 0.9, True), (0.0, 0.8, False), (0.9, 1.0, False)],
)
def test_prior_only(mean: float, sd: float, noted: bool) -> None:
    parameters = tuple(
        Parameter(s, Prior("Normal", mu=0.0, sigma=1.0), term=t)
        for s, t in (("c", None), ("A", abs), ("dof", None))
    )
    repeated = RNG.normal(0, 1, (4, 1000))
    posterior = xr.Dataset(
        {
            "c": (("chain", "draw"), RNG.normal(mean, sd, (4, 1000))),
            # The prior of a coefficient is on its term, and nobody reads the tails.
            "A": (("chain", "draw"), repeated),
            "A_pivot": (("chain", "draw"), repeated / 10),
            "dof": (("chain", "draw"), repeated),
        }
    )
    notes = prior_notes(posterior, parameters)
    assert [n.code for n in notes] == (["prior-only"] if noted else [])
    assert all("of c repeats its prior" in n.message and n.severity == "warning" for n in notes)


def test_parameters_that_repeat_their_priors_are_named_together() -> None:
    parameters = tuple(Parameter(s, Prior("Normal", mu=0.0, sigma=1.0)) for s in "abc")
    draws = {p.symbol: (("chain", "draw"), RNG.normal(0, 1, (4, 1000))) for p in parameters}
    (note,) = prior_notes(xr.Dataset(draws), parameters)
    assert "The posteriors of a, b and c repeat their priors" in note.message


def test_misfit_names_the_column_that_the_law_ignores(grid: Runs, ptq_law_fit: Fit) -> None:
    # Fitted to one group, the law is wrong about the others in the same way each time.
    chosen = designed(grid.select(ROUNDED))
    (note,) = residual_notes(chosen, ptq_law_fit.posterior)
    assert (note.code, note.severity) == ("misfit", "severe")
    assert note.message.startswith("Column w_group, which the law ignores, explains ")


def test_a_column_that_explains_nothing_is_no_misfit(ptq_runs: Runs, ptq_law_fit: Fit) -> None:
    frame = ptq_runs.frame.assign(method=["rtn", "other"] * 38)
    chosen = designed(bayesq.read_runs(frame))
    assert set(chosen.varying_formats()) == {"method"}
    assert residual_notes(chosen, ptq_law_fit.posterior) == []


def test_what_the_misfit_explains_is_no_misfit_of_a_column(
    ptq_runs: Runs, ptq_law_fit: Fit
) -> None:
    # Every other row is a fifth higher; a column tells which.
    higher = np.arange(76) % 2 == 1
    frame = ptq_runs.frame.assign(method=np.where(higher, "other", "rtn"))
    frame["loss"] = frame["loss_full"] + (frame["loss"] - frame["loss_full"]) * (1 + 0.6 * higher)
    chosen = designed(bayesq.read_runs(frame))
    (note,) = residual_notes(chosen, ptq_law_fit.posterior)
    assert note.message.startswith("Column method, which the law ignores, explains ")
    assert residual_notes(chosen, ptq_law_fit.posterior, np.log(1 + 0.6 * higher)) == []


# --- together ----------------------------------------------------------------------------------


def test_a_fit_carries_the_notes_of_its_rows(ptq_fit: Fit, base_fit: Fit) -> None:
    assert [n.code for n in ptq_fit.notes] == ["few-runs"]
    notes = found(base_fit.notes)
    assert notes["rows-left-out"].message.startswith("1040 rows")
    for fit in (ptq_fit, base_fit):
        assert json.loads(fit.data.attrs["notes"]) == [n.to_dict() for n in fit.notes]
        assert list(by_severity(fit.notes)) == list(fit.notes)


@pytest.mark.parametrize(
    ("size", "severity", "words"),
    [
        ("18.9M", None, ""),
        ("40M", "warning", "2.1 times in N (the data have 786k to 18.9M)"),
        ("1B", "severe", "about 53 times in N (the data have 786k to 18.9M)"),
        ("70k", "severe", "about 11 times in N"),
    ],
)
def test_extrapolation(ptq_fit: Fit, size: str, severity: str | None, words: str) -> None:
    notes = bayesq.predict(ptq_fit, {"N": size, "D": "200M", "w_bits": 4}).notes
    assert [(n.code, n.severity) for n in notes] == (
        [("extrapolation", severity)] if severity else []
    )
    assert all(words in n.message for n in notes)


# --- with every answer -------------------------------------------------------------------------

AT = {"N": "7M", "D": "200M"}


def answers(fit: Fit) -> list[tuple[Note, ...]]:
    """Ask for a prediction and a decision, inside the data."""
    decision = bayesq.decide.fewest_bits(fit, level=0.03, **AT)
    return [bayesq.predict(fit, AT | {"w_bits": 4}).notes, decision.notes]


def test_severe_notes_of_a_fit_go_with_its_answers(ptq_fit: Fit) -> None:
    assert answers(ptq_fit) == [(), ()]
    bad = [
        Note("misfit", "severe", "Bad.", "Mend."),
        Note("ess", "warning", "Poor.", "Mend."),
        Note("misfit", "severe", "Bad too.", "Mend."),
        Note("r-hat", "severe", "Worse.", "Mend."),
    ]
    fit = dataclasses.replace(ptq_fit, notes=by_severity([*ptq_fit.notes, *bad]))
    (one,), (other,) = answers(fit)
    assert one == other
    assert (one.code, one.severity) == ("severe-fit", "severe")
    assert "has severe notes (misfit, r-hat)." in one.message
    assert bayesq.decide.fewest_bits(fit, level=0.03, **AT).text.endswith(one.message)


@pytest.mark.parametrize(
    ("law", "unchecked"), [("chen2025", False), ("muennighoff2023", False), ("ouyang2024", True)]
)
def test_constants_of_a_paper_say_that_they_are(law: str, unchecked: bool) -> None:
    paper = bayesq.published(law)
    at = {"N": "1B", "D": "50B", "U": "50B", "G": 64, "P": 3}
    wanted = {i.symbol for i in paper.law.inputs_of(paper.response)}
    prediction = bayesq.predict(paper, {s: v for s, v in at.items() if s in wanted or s in "ND"})
    notes = found(prediction.notes)
    assert notes["published-constants"].severity == "info"
    assert paper.constants.source in notes["published-constants"].message
    assert ("published-unchecked" in notes) is unchecked
    assert not unchecked or notes["published-unchecked"].severity == "warning"
    # Ouyang's range of D is on no record; the other two have all of theirs.
    assert ("range-unknown" in notes) is (law == "ouyang2024")
    standing = ("published-constants", "published-unchecked", "range-unknown")
    assert tuple(n for n in prediction.notes if n.code in standing) == by_severity(paper.notes)


@pytest.mark.parametrize(
    ("scenario", "unseen"),
    [
        ({"P_w": 4}, ""),
        ({"P_w": 4, "P_a": 16}, ""),
        ({"P_w": 4, "P_a": 8}, "P_a"),
        ({"P_w": [4, 4], "a_bits": [16, 8]}, "P_a"),
        ({"bits": 4}, "P_a or P_kv"),
    ],
)
def test_an_input_that_was_only_seen_idle_is_the_priors(
    scenario: dict[str, Any], unseen: str
) -> None:
    seen = {"P_w": (3.0, 8.0), "P_a": (16.0, 16.0), "P_kv": (16.0, 16.0)}
    law = dataclasses.replace(LAWS["kumar2024-qat"], observed=seen, remember=False)
    notes = found(bayesq.predict(bayesq.published(law), {"N": "1B", "D": "50B"} | scenario).notes)
    assert ("unseen-input" in notes) is bool(unseen)
    if unseen:
        assert notes["unseen-input"].severity == "severe"
        assert f"has another {unseen} than full precision: " in notes["unseen-input"].message
        asked = {"P_a": "a_bits=16", "P_a or P_kv": "a_bits=16 kv_bits=16"}[unseen]
        assert notes["unseen-input"].remedy.endswith(f" in full precision: {asked}.")
