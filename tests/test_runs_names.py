"""Columns under the names that the field gives them, and under the table's own."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import bayesq
from bayesq.runs.schema import Row
from tables import refusal, text_file

pytestmark = pytest.mark.filterwarnings("error")

PLAIN = "N,D,loss,w_bits\n7B,1T,2.5,16\n7B,1T,2.7,4\n"


def codes(runs: bayesq.Runs) -> list[str]:
    return [note.code for note in runs.notes]


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        *(("N", n) for n in ("model_size", "params", "n_params", "Num Params", "parameters")),
        *(("D", n) for n in ("tokens", "n_tokens", "train_tokens", "Training-Tokens")),
        *(("loss", n) for n in ("val_loss", "eval_loss", "nll", "eval/loss", "metrics.loss")),
        *(("w_bits", n) for n in ("bits", "wbits", "W-bits", "bpw", "params.w_bits")),
    ],
)
def test_names_that_the_field_uses(name: str, theirs: str, tmp_path: Path) -> None:
    plain = bayesq.read_runs(text_file(tmp_path, PLAIN))
    header = PLAIN.split("\n")[0].replace(name, theirs, 1)
    path = text_file(tmp_path, "\n".join([header, *PLAIN.split("\n")[1:]]), "theirs.csv")
    runs = bayesq.read_runs(path)
    assert runs.fingerprint == plain.fingerprint
    assert f"{theirs} as {name}" in runs.notes[0].message
    assert (codes(plain), codes(runs)) == ([], ["columns-read-as"])
    assert runs.select("w_bits == 4").notes == runs.notes


@pytest.mark.parametrize(
    ("theirs", "ours", "cell"),
    [
        ("gs", "w_group", 128),
        ("group_size", "w_group", 128),
        ("quant", "method", "GPTQ"),
        ("quantizer", "method", "GPTQ"),
        ("run_id", "run", "a1"),
        ("config/seed", "seed", 3),
        ("unique_tokens", "U", 1e9),
    ],
)
def test_names_of_columns_that_are_not_needed(theirs: str, ours: str, cell: Any) -> None:
    runs = bayesq.read_runs(
        pd.DataFrame({"N": [1e9], "D": [1e10], "loss": [2.5], "w_bits": [4], theirs: [cell]})
    )
    assert runs.columns[ours].tolist() == [cell]
    assert theirs not in runs.columns


def test_where_several_fit_the_whole_line_is_there_to_paste(tmp_path: Path) -> None:
    path = text_file(tmp_path, "my size,params,tokens,val_loss,eval_loss\n1,1B,2B,3,4\n")
    message = refusal(path)
    assert "header: val_loss and eval_loss could each be loss" in message
    assert message.endswith("paste -c params=N -c tokens=D -c val_loss=loss.")
    chosen = bayesq.read_runs(path, {"params": "N", "tokens": "D", "val_loss": "loss"})
    assert (chosen.columns["loss"].tolist(), chosen.notes) == ([3], ())
    assert chosen.columns["eval_loss"].tolist() == [4]


def test_the_line_to_paste_keeps_the_unit_that_a_name_tells(tmp_path: Path) -> None:
    path = text_file(tmp_path, "depth,params_M,tokens_B,train/loss,val/loss\n7,19,0.5,4.5,4.6\n")
    message = refusal(path)
    line = "-c 'params_M=N (M)' -c 'tokens_B=D (B)' -c val/loss=loss"
    assert f"paste {line}." in message
    columns = dict(option.rsplit("=", 1) for option in shlex.split(line) if option != "-c")
    runs = bayesq.read_runs(path, columns)
    assert [runs.columns[n][0] for n in ("N", "D", "loss")] == [19e6, 5e8, 4.6]


def test_a_table_without_sizes_names_the_columns_that_look_like_them(tmp_path: Path) -> None:
    path = text_file(tmp_path, "size,tokens,precision,loss\n30M,1B,BF16,4\n60M,2B,W4A4,3\n")
    assert "no column N (parameters); rename size to it, or map it" in refusal(path)
    assert "--column size=N" in refusal(path)


@pytest.mark.parametrize(
    ("theirs", "cells", "noted"),
    [
        ("trained", ["25B", "50B"], True),
        ("tok_seen_in_all", [25e9, 50e9], True),
        ("created", [1.7e9, 1.8e9], False),  # plain numbers alone are times too
        ("trained", ["25B", "long"], False),
    ],
)
def test_tokens_that_are_read_as_nothing_are_pointed_at(
    theirs: str, cells: list[Any], noted: bool
) -> None:
    table = pd.DataFrame({"N": [1e9, 2e9], theirs: cells, "loss": [2.5, 2.4]})
    found = [note for note in bayesq.read_runs(table).notes if note.code == "tokens-unread"]
    assert bool(found) is noted
    for note in found:
        assert theirs in note.message
        assert f"-c {theirs}=D" in note.remedy
    mapped = bayesq.read_runs(table.replace("long", "1B"), {theirs: "D"})
    assert "tokens-unread" not in {note.code for note in mapped.notes}
    assert (
        bayesq.read_runs(table.rename(columns={theirs: "tok"}).replace("long", "1B"))
        .columns["D"]
        .min()
        >= 1e9
    )


def test_check_names_the_columns_that_are_read_as_nothing() -> None:
    table = pd.DataFrame({"N": [1e9], "D": [2e10], "loss": [2.5], "Group": ["g128"], "gpu": ["a"]})
    assert bayesq.check(bayesq.read_runs(table)).facts["columns read as nothing"] == "Group, gpu"
    bare = bayesq.read_runs(table[["N", "D", "loss"]])
    assert "columns read as nothing" not in bayesq.check(bare).facts


def test_a_column_beside_the_real_one_is_the_users_own(tmp_path: Path) -> None:
    path = text_file(tmp_path, "N,params,D,loss,val_loss,w_bits,bpw\n1B,2,1T,2.5,9,4,4.25\n")
    runs = bayesq.read_runs(path)
    assert [runs.columns[n][0] for n in ("params", "val_loss", "bpw")] == [2, 9, 4.25]
    assert (runs.columns["w_bits"].tolist(), runs.notes) == ([4], ())


@pytest.mark.parametrize(
    ("theirs", "columns"),
    [
        ("params (B)", None),
        ("params_b", None),
        ("N in billions", None),
        ("size", {"size": "N (B)"}),
        ("size", {"size": "N_B"}),
    ],
)
def test_units_in_a_name(theirs: str, columns: dict[str, str] | None) -> None:
    frame = pd.DataFrame({theirs: ["8.03", 70, "7B"], "D": [1e12] * 3, "loss": [2.5, 2.2, 2.6]})
    runs = bayesq.read_runs(frame, columns)
    assert runs.columns["N"].tolist() == [8.03e9, 70e9, 7e9]
    if columns is None:
        assert "as N in billions" in runs.notes[0].message


def test_names_of_trackers(tmp_path: Path) -> None:
    text = "Name,State,_step,config.n_params,tokens,val/loss\na,finished,10,1B,2B,3\n"
    runs = bayesq.read_runs(text_file(tmp_path, text))
    assert (runs.columns["run"].tolist(), runs.columns["_step"].tolist()) == (["a"], [10])
    text = "Step,a - val_loss,a - val_loss__MIN,a - val_loss__MAX\n1,3,3,3\n"
    assert "header: this is a chart's export" in refusal(text_file(tmp_path, text))


def test_common_names_are_never_another_columns_alias() -> None:
    words = {"stage": "post", "w_kind": "int", "a_kind": "int", "annealed": "no", "sparsity": 0.5}
    for name in set(Row.model_fields) - {"N", "D", "loss"}:
        cells = {"N": 1e9, "D": 1e10, "loss": 2.5, "w_bits": 4, "a_bits": 4}
        frame = pd.DataFrame([cells | {name: words.get(name, 4)}])
        assert bayesq.read_runs(frame).notes == (), name


def test_a_map_of_columns_in_a_file(tmp_path: Path) -> None:
    path = text_file(tmp_path, "size,seen,bits per byte\n7B,1T,0.8\n")
    kept = text_file(
        tmp_path,
        'size = "N"\nseen = "D"\n"bits per byte" = "bpb"\nbytes_per_token = 4\n',
        "map.toml",
    )
    runs = bayesq.read_runs(path, kept)
    assert runs.columns["loss"].tolist() == pytest.approx([0.8 * 4 * 0.6931471805599453])
    same = text_file(tmp_path, 'bytes_per_token = 4\n[columns]\nsize = "N"\nseen = "D"\n', "m.toml")
    assert bayesq.read_runs(path, str(same)).fingerprint == runs.fingerprint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("size: N", "is not TOML ("),
        ("size = 3", "size is not mapped to a name; write lines like"),
        ("[run]\nsize = 'N'", "run is not mapped to a name; write lines like"),
        ("__import__('os').remove('x')", "is not TOML ("),
        ("a = " + "[" * 5000, "is not TOML ("),
    ],
)
def test_bad_maps(text: str, said: str, tmp_path: Path) -> None:
    path = text_file(tmp_path, "N,D,loss\n1,2,3\n")
    kept = text_file(tmp_path, text, "map.toml")
    assert said in refusal(path, kept)  # type: ignore[arg-type]
    assert "cannot be read (No such file" in refusal(path, "none.toml")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "theirs", "by"),
    [
        *(
            ("loss", n, 1)
            for n in ("Loss (nats)", "loss (nats/token)", "val_loss [nats per token]")
        ),
        *(("D", n, 1) for n in ("D (tokens)", "tokens (tokens)")),
        *(("N", n, 1e9) for n in ("N (1e9)", "params (10^9)", "params [B]")),
        *(("w_bits", n, 1) for n in ("Bits (weights)", "bits [W]")),
        ("a_bits", "Bits (activations)", 1),
    ],
)
def test_units_in_brackets(name: str, theirs: str, by: float, tmp_path: Path) -> None:
    header = ["N", "D", "loss", *([name] if name.endswith("bits") else [])]
    header = [theirs if column == name else column for column in header]
    runs = bayesq.read_runs(
        text_file(
            tmp_path,
            f"{','.join(header)}\n3,3,3,3\n".replace(",3,3,3", ",3,3" + ",3" * (len(header) - 3)),
        )
    )
    assert runs.columns[name].tolist() == [3 * by]


def test_a_renamed_common_column_is_not_read_as_it_was(tmp_path: Path) -> None:
    text = "N,D,loss,val_loss\n1B,2B,2.5,2.7\n"
    runs = bayesq.read_runs(text_file(tmp_path, text), {"loss": "train_loss"})
    assert runs.columns["loss"].tolist() == [2.7]
    assert runs.columns["train_loss"].tolist() == [2.5]
    assert "no column loss" in refusal(
        text_file(tmp_path, "N,D,loss\n1B,2B,2.5\n"), {"loss": "train_loss"}
    )


def test_n_is_a_number_of_repeats_unless_it_is_large(tmp_path: Path) -> None:
    assert "no column N" in refusal(text_file(tmp_path, "model,n,D,loss\na,3,2B,2.7\n"))
    runs = bayesq.read_runs(text_file(tmp_path, "params,n,D,loss\n1B,3,2B,2.7\n"))
    assert (runs.columns["N"].tolist(), runs.columns["n"].tolist()) == ([1e9], [3])
    assert bayesq.read_runs(text_file(tmp_path, "n,d,loss\n1B,2B,2.7\n")).columns["N"] == [1e9]


@pytest.mark.parametrize(
    ("theirs", "measure"),
    [("Wikitext2 PPL", "perplexity"), ("c4 loss", "loss"), ("bpb_pile", "bits_per_byte")],
)
def test_a_table_without_a_loss_points_at_what_is_measured(
    theirs: str, measure: str, tmp_path: Path
) -> None:
    message = refusal(text_file(tmp_path, f"N,D,{theirs}\n1B,2B,9\n"))
    assert f'columns={{"{theirs}": "{measure}"}}' in message
    assert "or perplexity" in message


def test_the_line_to_paste_takes_the_held_out_loss(tmp_path: Path) -> None:
    message = refusal(text_file(tmp_path, "N,D,train_loss,val_loss\n1B,2B,2.5,2.7\n"))
    assert "paste -c val_loss=loss" in message


def test_bytes_per_token_for_nothing_are_refused(tmp_path: Path) -> None:
    path = text_file(tmp_path, PLAIN)
    with pytest.raises(bayesq.BayesqError, match="no column is in bits per byte"):
        bayesq.read_runs(path, bytes_per_token=4.2)
    path = text_file(tmp_path, "N,D,bpb\n1B,2B,0.9\n")
    assert len(bayesq.read_runs(path, bytes_per_token=4.2)) == 1
    for wrong in (0.5, 21.0):
        with pytest.raises(bayesq.BayesqError, match="number of 1 to 20"):
            bayesq.read_runs(path, bytes_per_token=wrong)


def test_bits_that_name_several_operands_point_at_the_method(tmp_path: Path) -> None:
    path = text_file(tmp_path, "N,D,bits,loss\n1B,2B,16,2.7\n1B,2B,W4A8,2.8\n")
    assert "-c bits=method" in refusal(path)
    runs = bayesq.read_runs(path, {"bits": "method"})
    assert runs.columns["w_bits"].tolist() == [16, 4]
    assert runs.columns["a_bits"].tolist() == [16, 8]


def test_a_table_of_markdown(tmp_path: Path) -> None:
    text = "| N | D | loss |\n|---|:-:|--:|\n| 1B | 2B | 2.7 |\n"
    assert bayesq.read_runs(text_file(tmp_path, text)).columns["loss"].tolist() == [2.7]
