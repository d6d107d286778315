"""Partners, clusters, fingerprints and choices of rows."""

from __future__ import annotations

import json
import math
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq.errors import BayesqError
from bayesq.runs.runs import Runs
from tables import (
    GRID,
    plain_frame,
    text_file,
)

pytestmark = pytest.mark.filterwarnings("error")

# --- pairing, clusters, fingerprint ------------------------------------------------------------


def paired(*rows: dict[str, Any]) -> Runs:
    base = {"study": "s", "corpus": "c", "N": 1e9, "D": 1e11, "stage": "none"}
    return bayesq.read_runs(
        pd.DataFrame([{**base, "loss": 2 + i / 10, **row} for i, row in enumerate(rows)])
    )


QUANTIZED = {"stage": "post", "w_bits": 4}


@pytest.mark.parametrize(
    "change", [{"study": "t"}, {"corpus": "d"}, {"N": 2e9}, {"D": 2e11}, {"study": None}]
)
def test_partners_share_study_corpus_and_counts(change: dict[str, Any]) -> None:
    assert paired({}, QUANTIZED).partner.tolist() == [-1, 0]
    runs = paired({}, QUANTIZED | change)
    assert runs.partner.tolist() == [-1, -1]
    assert np.isnan(runs.columns["loss_full"]).all()


def test_partner_of_the_same_run_then_seed_then_the_first() -> None:
    full: list[dict[str, Any]] = [
        {"run": "a", "seed": 0},
        {"run": "b", "seed": 1},
        {"run": "c", "seed": 1},
    ]
    for given, partner in (
        ({"run": "c", "seed": 0}, 2),
        ({"run": "c"}, 2),
        ({"run": "x", "seed": 1}, 1),
        ({"seed": 1}, 1),
        ({"run": "x", "seed": 9}, 0),
        ({}, 0),
    ):
        assert paired(*full, QUANTIZED | given).partner.tolist() == [-1, -1, -1, partner]
        assert paired(QUANTIZED | given, *full).partner.tolist() == [partner + 1, -1, -1, -1]


def test_partners_of_rows_without_run_or_seed() -> None:
    assert paired({"seed": 3}, {}, QUANTIZED).partner.tolist() == [-1, -1, 0]
    assert paired({"run": "a"}, {"seed": 3}, QUANTIZED).partner.tolist() == [-1, -1, 0]


@pytest.mark.parametrize(
    ("cells", "quantized"),
    [
        ({}, False),
        ({"stage": None}, False),
        ({"stage": "post"}, True),
        ({"stage": "train"}, True),
        ({"w_bits": 15.99}, True),
        ({"a_bits": 8}, True),
        ({"kv_bits": 4}, True),
        ({"grad_bits": 8}, True),
        ({"fc2_a_bits": 8}, True),
        ({"sparsity": 0.5}, True),
        ({"w_bits": 16, "a_bits": 32, "sparsity": 0, "fc2_a_bits": 16}, False),
    ],
)
def test_what_counts_as_quantized(cells: dict[str, Any], quantized: bool) -> None:
    runs = paired({}, cells)
    assert runs.quantized.tolist() == [False, quantized]
    assert runs.partner.tolist() == [-1, 0 if quantized else -1]


@pytest.mark.parametrize(
    "name",
    ["lr", "learning_rate", "Optimizer", "train-data", "lrSchedule", "batch_size", "U", "annealed"],
)
def test_partners_are_never_of_another_recipe(name: str) -> None:
    one, other = {"U": (1e9, 2e9), "annealed": ("yes", "no")}.get(name, (1e-3, 3e-4))
    full = {"run": "a", name: one}
    assert paired(full, QUANTIZED | {"run": "b", name: one}).partner.tolist() == [-1, 0]
    assert paired(full, QUANTIZED | {"run": "a", name: other}).partner.tolist() == [-1, 0]
    assert paired(full, QUANTIZED | {"run": "b"}).partner.tolist() == [-1, 0], "not known"
    runs = paired(full, QUANTIZED | {"run": "b", name: other}, {"run": "c", name: other, "seed": 3})
    assert runs.partner.tolist() == [-1, 2, -1]
    runs = paired(full, QUANTIZED | {"run": "b", name: other})
    assert np.isnan(runs.columns["loss_full"]).all()
    (note,) = runs.notes
    assert (note.code, note.severity, note.rows) == ("partners-apart", "warning", (2,))
    assert f"differ in {name}" in note.message


def test_own_columns_that_are_no_recipe_do_not_part() -> None:
    full = {"run": "a", "label": "BF16", "hours": 3.0, "lr_eval_loss": 2.0, "note": "x"}
    other = {"run": "b", "label": "W4", "hours": 5.0, "lr_eval_loss": 2.5, "note": "y"}
    assert paired(full, QUANTIZED | other).partner.tolist() == [-1, 0]


def test_own_words_that_cross_precision_are_a_recipe() -> None:
    rows = [{"run": f"{arm}16", "arm": arm, "seed": 1} for arm in "ab"]
    rows += [QUANTIZED | {"run": f"{arm}4", "arm": arm} for arm in "ba"]
    assert paired(*rows).partner.tolist() == [-1, -1, 1, 0]


def test_networks_trained_in_few_bits_have_no_partner_in_another_run() -> None:
    narrow = {"run": "qat", "train_w_bits": 2}
    runs = paired(
        {"run": "base"},
        QUANTIZED | narrow | {"w_bits": 8},
        narrow | {"stage": "train", "w_bits": 2},
        QUANTIZED | {"run": "base", "train_w_bits": 16},
    )
    assert runs.partner.tolist() == [-1, -1, 0, 0]
    assert "were not trained in so few bits" in runs.notes[0].message


def test_partners_that_the_table_names() -> None:
    full = ({"run": "a"}, {"run": "b", "D": 5})
    runs = paired(*full, QUANTIZED | {"run": "q", "partner": "b"}, QUANTIZED | {"run": "r"})
    assert runs.partner.tolist() == [-1, -1, 1, 0]
    assert bayesq.check(runs).facts["partners"] == "1 of their own run, 1 of equal setting"
    with pytest.raises(BayesqError, match="column partner: 'c' names no run with a full-precision"):
        paired(*full, QUANTIZED | {"partner": "c"})


def test_steps_tell_rows_of_a_log_apart_where_tokens_are_unknown() -> None:
    log = [{"run": "a", "D": None, "step": step} for step in (1, 2)]
    quantized = [QUANTIZED | row for row in reversed(log)]
    assert paired(*log, *quantized).partner.tolist() == [-1, -1, 1, 0]
    assert paired({"step": 1}, QUANTIZED | {"step": 2}).partner.tolist() == [-1, 0]


def test_steps_tell_rows_apart_where_a_run_has_several_at_one_count() -> None:
    log = [{"run": "a", "step": step} for step in (100, 200)]
    quantized = [QUANTIZED | {"run": run, "step": 200} for run in "ab"]
    assert paired(*log, *quantized).partner.tolist() == [-1, -1, 1, 1]
    runs = paired(*log, QUANTIZED | {"run": "a", "step": 300}, {"run": "c", "step": 0})
    assert runs.partner.tolist() == [-1] * 4
    assert "differ in step" in runs.notes[0].message
    runs = paired(*log, QUANTIZED | {"run": "a"})
    assert [(note.code, note.rows) for note in runs.notes] == [("partners-open", (3,))]


def test_a_run_that_was_trained_in_few_bits_says_so_of_its_other_rows() -> None:
    runs = paired(
        {"run": "fp"},
        {"run": "q4", "stage": "train", "w_bits": 4},
        QUANTIZED | {"run": "fp"},
        QUANTIZED | {"run": "q4", "w_bits": 3},
    )
    assert runs.partner.tolist() == [-1, 0, 0, -1]
    assert [(note.code, note.rows) for note in runs.notes] == [("partners-apart", (4,))]


@pytest.mark.parametrize("full", ["fp16", "BF16", "none", None])
def test_a_row_that_names_a_quantizer_without_bits_is_no_partner(full: str | None) -> None:
    awq, plain = {"method": "AWQ", "stage": None}, {"method": full, "stage": None}
    gptq = {"method": "GPTQ", "w_bits": 4, "stage": None}
    assert paired(awq, plain, gptq).partner.tolist() == [-1, -1, 1]
    runs = paired(awq, gptq, plain | {"N": 5})
    assert runs.partner.tolist() == [-1, -1, -1]
    assert "name a quantizer without its bits" in runs.notes[-1].message
    # Of a sweep in one method the row of 16 bits is the one to compare with.
    assert paired(gptq | {"w_bits": 16}, gptq).partner.tolist() == [-1, 0]


def test_names_that_begin_alike_belong_together() -> None:
    names = ("llama-2-fp16", "llama-3-fp16", "mistral-fp16")
    full = [{"run": name, "seed": 1} for name in names]
    for name, partner in (("llama-3-int4", 1), ("mistral_w4", 2), ("Llama-2-int4", 0)):
        for seed in (1, 2, None):
            runs = paired(*full, QUANTIZED | {"run": name, "seed": seed})
            assert (runs.partner[3], runs.notes) == (partner, ())
    models = paired(*({"model": name} for name in names), QUANTIZED | {"model": "mistral-int4"})
    assert (models.partner[3], models.notes) == (2, ())
    for name in ("qwen-int4", "2024-llama", "llama-int4"):
        assert paired(*full, QUANTIZED | {"run": name}).notes[0].code == "partners-open"
    # Numbers of runs say nothing.
    numbered = [{"run": f"r{i}", "seed": i, "loss": 2.5} for i in (1, 2)]
    runs = paired(*numbered, QUANTIZED | {"run": "r12", "seed": 2})
    assert (runs.partner[2], runs.notes) == (1, ())


def test_partners_that_nothing_decides_are_named() -> None:
    full: list[dict[str, Any]] = [{"lr": 1e-3, "loss": 2.5}, {"lr": 3e-3, "loss": 2.501}]
    (note,) = paired(*full, QUANTIZED).notes
    assert (note.code, note.severity, note.rows) == ("partners-open", "warning", (3,))
    assert "row 3 is set against row 1, and might be against 2" in note.message
    for decided in (
        paired(*full, QUANTIZED | {"lr": 3e-3}),
        paired({"loss": 2.5}, {"loss": 2.51}, QUANTIZED),
        paired({"seed": 1}, {"seed": 2}, QUANTIZED | {"seed": 2}),
        paired({}, {}, QUANTIZED | {"loss_full": 2.05}),
    ):
        assert decided.notes == ()
    # A recipe that is told comes before one that is not.
    assert paired({}, *full, QUANTIZED | {"lr": 3e-3}).partner.tolist() == [-1, -1, -1, 2]
    (note,) = paired({"loss": 2.5}, {"loss": 2.6}, QUANTIZED).notes
    assert note.code == "partners-open"


def test_many_candidates_of_one_setting_are_paired_at_once() -> None:
    count = 1500
    frame = pd.DataFrame({"run": [f"exp-{i}" for i in range(2 * count)], "w_bits": [16, 4] * count})
    frame = frame.assign(N=1e9, D=1e11, lr=1e-3, loss=2.5 + 1e-6 * np.arange(2 * count))
    begun = time.process_time()
    assert (bayesq.read_runs(frame).partner[1::2] == 0).all()
    assert time.process_time() - begun < 5


def test_partners_may_be_named_by_numbers(tmp_path: Path) -> None:
    head = "run,partner,N,D,w_bits,loss\n"
    for names in (("1234567", "1234568"), ("001", "002")):
        text = f"{head}{names[0]},,7B,20B,16,2.3\n{names[1]},{names[0]},7B,20B,4,2.33\n"
        assert bayesq.read_runs(text_file(tmp_path, text)).partner.tolist() == [-1, 0]
    frame = pd.DataFrame({"run": [7, 8], "partner": [np.nan, 7], "w_bits": [16, 4], "N": 1e9})
    assert bayesq.read_runs(frame.assign(loss=[2.3, 2.4])).partner.tolist() == [-1, 0]


def test_a_named_partner_that_was_left_out_is_told(tmp_path: Path) -> None:
    text = "run,partner,N,D,w_bits,loss\na,,1B,20B,16,OOM\nb,a,1B,20B,4,2.8\nc,,2B,20B,16,2.5\n"
    path = text_file(tmp_path, text + "d,c,2B,20B,4,2.56\n")
    runs = bayesq.read_runs(path, skip_bad=True)
    assert runs.partner.tolist() == [-1, -1, 1]
    told = [(note.code, note.rows) for note in runs.notes]
    assert told == [("rows-skipped", (1,)), ("partners-left-out", (2,))]
    kept = bayesq.read_runs(path, where="w_bits < 16")
    assert kept.columns["loss_full"][1] == 2.5
    assert ("partners-left-out", (2,)) in [(note.code, note.rows) for note in kept.notes]
    path.write_text(text + "d,x,2B,20B,4,2.56\n")
    with pytest.raises(BayesqError, match="'x' names no run"):
        bayesq.read_runs(path, skip_bad=True)


def test_loss_full_is_filled_and_what_the_table_says_stands() -> None:
    runs = paired({}, QUANTIZED, QUANTIZED | {"loss_full": 1.5}, {"N": 5, "w_bits": 4})
    np.testing.assert_array_equal(runs.columns["loss_full"], [math.nan, 2.0, 1.5, math.nan])
    np.testing.assert_array_equal(runs.frame["loss_full"], runs.columns["loss_full"])


def test_counts_in_other_words_are_paired(tmp_path: Path) -> None:
    text = "N,D,loss,w_bits\n4.1B,1T,2.5,16\n4100M,1000B,2.7,4\n4.1e9,1e12,2.8,3\n"
    assert bayesq.read_runs(text_file(tmp_path, text)).partner.tolist() == [-1, 0, 0]


def test_clusters() -> None:
    runs = paired(
        {"run": "b"}, {"run": "a"}, {"run": "b"}, {"run": "b", "study": "t"}, {}, {}, {"run": "a"}
    )
    assert runs.cluster.tolist() == [0, 1, 0, 2, 3, 4, 1]


def test_fingerprint_is_of_the_cells() -> None:
    frame = plain_frame()
    fingerprint = bayesq.read_runs(frame).fingerprint
    assert re.fullmatch("[0-9a-f]{64}", fingerprint)
    same = (
        frame.copy(),
        frame[["run", "loss", "D", "N"]],
        frame.assign(x=math.nan, y=None, z=""),
        frame.assign(w_bits=16, sparsity=0.0, seed=None),
    )
    for other in same:
        assert bayesq.read_runs(other).fingerprint == fingerprint
    changed = (
        frame[:1],
        frame[::-1],
        frame.assign(loss=[2.5, np.nextafter(2.4, 3)]),
        frame.assign(N=[8e9, 7e9]),
        frame.assign(N=frame["D"], D=frame["N"]),
        frame.assign(run=["a", "b"]),
        frame.assign(run=["", "a"]),
        frame.assign(seed=[0, math.nan]),
        frame.assign(x=1),
        frame.assign(x=[math.nan, 1]),
        frame.assign(y=1),
        frame.assign(x="1 "),
        frame.rename(columns={"run": "study"}),
    )
    prints = [bayesq.read_runs(other).fingerprint for other in changed]
    assert fingerprint not in prints
    # x = 1 and x = "1 " are one table to a CSV file, which cannot tell numbers from text.
    assert len(set(prints)) == len(prints) - 1


def test_fingerprint_is_the_same_in_every_kind(tmp_path: Path) -> None:
    frame = pd.read_csv(GRID)[:200]
    frame = frame.assign(flag=frame["w_bits"] > 4, lr=1 / frame["loss"], count=2**60, note="ü, \n")
    expected = bayesq.read_runs(frame).fingerprint
    frame.to_csv(tmp_path / "a.csv")
    frame.to_csv(tmp_path / "b.csv", index=False)
    frame.to_parquet(tmp_path / "c.parquet")
    rows = [{k: v for k, v in row.items() if v == v} for row in frame.to_dict("records")]
    (tmp_path / "d.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    for path in sorted(tmp_path.iterdir()):
        assert bayesq.read_runs(path).fingerprint == expected, path.name


def test_fingerprint_does_not_change_from_one_version_to_the_next(tmp_path: Path) -> None:
    path = text_file(tmp_path, "N,D,loss,run\n7B,1T,2.5,a\n")
    assert (
        bayesq.read_runs(path).fingerprint
        == "768ccc2a532cda51b4c78d4068ad6c051a67d4d2d7a64a8ed7f440c4eaaa5659"
    )


# --- select and repr ---------------------------------------------------------------------------


def test_select_by_expression_and_by_mask() -> None:
    runs = paired({}, QUANTIZED, {"w_bits": 8}, QUANTIZED | {"run": "a b"})
    for choice in (
        "w_bits == 4",
        "w_bits <= 4 and stage == 'post'",
        "not (w_bits > 4)",
        "w_bits in [2, 4]",
        np.array([False, True, False, True]),
        [False, True, False, True],
        pd.Series([False, True, False, True]),
    ):
        kept = runs.select(choice)  # type: ignore[arg-type]
        assert kept.columns["loss"].tolist() == [2.1, 2.3]
        assert kept.columns["loss_full"].tolist() == [2.0, 2.0], "even without the partner's row"
        assert kept.partner.tolist() == [-1, -1]
        assert kept.cluster.tolist() == [0, 1]
        assert len(kept.frame) == len(kept) == 2
    assert len(runs) == 4
    assert runs.select("w_bits == 4").source == "the data frame where w_bits == 4"
    assert runs.select(np.array([True] * 4)).source == "the data frame"
    some = runs.select(np.array([True, True, True, False]))
    assert some.source == "the data frame, rows chosen by hand"
    assert runs.select("loss > 0").fingerprint == runs.fingerprint
    assert runs.select("w_bits == 4").fingerprint != runs.fingerprint


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("w_bit == 4", "names an unknown column w_bit; did you mean w_bits"),
        ("w_kind == 'loss' or w_bit == 4", "names an unknown column w_bit; did you mean w_bits"),
        ("`w bits` == 4", "names an unknown column w bits; did you mean w_bits"),
        ("@w_bits == 4", "cannot be read as a choice of rows: '@' is not in the language; write"),
        ("loss", "it is not a comparison, such as 'w_bits <= 4'; write it like"),
        ("True", "it is not a comparison, such as 'w_bits <= 4'; write it like"),
        ("1 < 2", "it compares no column; write it like"),
        ("x = loss", "for = write ==; write it like"),
        ("loss > 2 && N > 1", "for && write and; write it like"),
        ("loss >", "cannot be read as a choice of rows; write it like"),
        ("", "cannot be read as a choice of rows; write it like"),
        ("\0", "'\\x00' is not in the language; write it like"),
        ("loss > 'a'", "compares numbers with text: loss holds numbers, 'a' is text."),
        ("stage == 4", "stage holds text, 4 is a number: write text in quotes, as '4'."),
        ("stage * 2 > 1", "compares numbers with text: stage holds text, to reckon with it takes"),
        ("loss.startswith('2')", "loss holds numbers, startswith looks for text."),
        (
            "loss > [1, 2, 3]",
            "values in a list are compared by in: w_bits in [3, 4]; write it like",
        ),
        ("'post' in stage", "in looks for a column in a list, as in w_bits in [3, 4]; write it"),
        ("loss[99] > 1", "cannot be read as a choice of rows; write it like"),
        ("loss.nothing > 1", "a name with a dot in it stands in backticks: `metrics.loss`; write"),
        ("stage.str.contains('a|b')", "leave .str out, stage.contains('a|b'), where that is meant"),
        ("stage == 'post", "a quote is not closed; write it like"),
        ("1 / 0 > loss", "its numbers come to none that is finite; write it like"),
        ("lambda x: 3", "':' is not in the language; write it like"),
        ("f'{loss}'", "cannot be read as a choice of rows; write it like"),
        (
            "__import__('os')",
            "it calls what is not in the language, which has startswith",
        ),
        ("loss > 100", "keeps none of the 2 rows of the data frame; widen the choice"),
        (np.array([False, False]), "The mask keeps none of the 2 rows of the data frame; widen"),
        (np.array([True]), "The mask has shape (1,) and type bool; pass one truth value for each"),
        (np.array([0, 1]), "The mask has shape (2,) and type int64; pass one truth value for each"),
        ([True, None], "The mask has shape (2,) and type object; pass one truth value for each"),
    ],
)
def test_bad_choices(choice: str, said: str) -> None:
    runs = paired({}, QUANTIZED)
    with pytest.raises(BayesqError) as caught:
        runs.select(choice)
    message = str(caught.value)
    assert message.isprintable()
    assert said in message
    assert message.endswith(".")
    if isinstance(choice, str):
        assert message.startswith(repr(choice))


def test_repr() -> None:
    runs = paired({"run": "a"}, QUANTIZED | {"run": "a"}, {"N": 7e9, "D": 15e12})
    assert repr(runs) == (
        "<Runs: 3 rows (1 quantized) of 2 runs, N 1B to 7B, D 100B to 15T, from the data frame>"
    )
