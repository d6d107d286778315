"""Cells as people write them: numbers with signs in them, mixed units, rows that cannot be read."""

from __future__ import annotations

import gzip
import io
import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq.errors import BayesqError
from command import Run
from tables import rows_of, sentence, text_file

pytestmark = pytest.mark.filterwarnings("error")

PLAIN = "N,D,loss,run\n7B,1T,2.5,a\n8B,1T,2.4,b\n"


def read(folder: Path, text: str, name: str = "runs.csv", **given: object) -> bayesq.Runs:
    return bayesq.read_runs(text_file(folder, text, name), **given)  # type: ignore[arg-type]


def refused(folder: Path, text: str, **given: object) -> str:
    with pytest.raises(BayesqError) as caught:
        read(folder, text, **given)
    return sentence(caught.value)


def coded(runs: bayesq.Runs, code: str) -> bayesq.Note:
    (note,) = (note for note in runs.notes if note.code == code)
    return note


# --- files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["runs.csv.gz", "runs.CSV.GZ", "runs.csv"])
def test_packed_files(name: str, tmp_path: Path) -> None:
    plain = read(tmp_path, PLAIN)
    path = tmp_path / name
    path.write_bytes(gzip.compress(PLAIN.encode()))
    assert bayesq.read_runs(path).fingerprint == plain.fingerprint


@pytest.mark.parametrize("mark", [";", "\t", "|"])
@pytest.mark.parametrize("name", ["runs.csv", "runs.tsv"])
def test_other_separators(mark: str, name: str, tmp_path: Path) -> None:
    plain = read(tmp_path, PLAIN, "plain.csv")
    assert read(tmp_path, PLAIN.replace(",", mark), name).fingerprint == plain.fingerprint
    said = f"sep={mark}\n" + PLAIN.replace(",", mark)
    assert read(tmp_path, said, name).fingerprint == plain.fingerprint


def test_decimal_commas(tmp_path: Path) -> None:
    text = "N;D;loss;w_bits;lr\n7B;1,5T;2,531;4,25;0,001\n8.000.000.000;1T;2,4;16;0,002\n"
    runs = read(tmp_path, text)
    assert runs.columns["N"].tolist() == [7e9, 8e9]
    assert runs.columns["D"].tolist() == [1.5e12, 1e12]
    assert runs.columns["loss"].tolist() == [2.531, 2.4]
    assert runs.columns["w_bits"].tolist() == [4.25, 16]
    assert runs.columns["lr"].tolist() == [0.001, 0.002]
    assert "'2,531' as 2.531" in coded(runs, "cells-read-as").message
    assert "column D: '1.500' can be thousands" in refused(tmp_path, "N;D;loss\n7B;1.500;2,5\n")
    assert "column N: '1,500' can be thousands" in refused(tmp_path, "N;D;loss\n1,500;1T;2.5\n")


def test_other_encodings(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    plain = read(tmp_path, PLAIN, "plain.csv")
    path.write_bytes(PLAIN.encode("utf-16"))
    assert bayesq.read_runs(path).fingerprint == plain.fingerprint


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input(pack: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plain = read(tmp_path, PLAIN)
    data = pack(PLAIN.encode())  # type: ignore[operator]
    piped = SimpleNamespace(buffer=io.BytesIO(data), isatty=lambda: False)
    monkeypatch.setattr(sys, "stdin", piped)
    runs = bayesq.read_runs("-")
    assert (runs.fingerprint, runs.source) == (plain.fingerprint, "standard input")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    with pytest.raises(BayesqError, match="Nothing is piped into standard input; pass a table"):
        bayesq.read_runs("-")


def test_tables_that_would_fill_the_memory(tmp_path: Path) -> None:
    sparse = "".join(f'{{"k{i}": 1}}\n' for i in range(5_000))
    with pytest.raises(BayesqError, match="holds 25000000 cells or more, more than a table of ru"):
        read(tmp_path, sparse, "runs.jsonl")


# --- cells -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "cell", "value", "kind"),
    [
        *(("w_bits", cell, 4, "int") for cell in ("int4", "INT4", "uint4", "i4")),
        *(("w_bits", cell, 4, "") for cell in ("W4", "w4", "4-bit", "4 bits", "4bit", "4b")),
        ("w_bits", "fp8", 8, "fp"),
        ("w_bits", "mxfp4", 4, "mxfp"),
        *(("w_bits", cell, 16, "") for cell in ("bf16", "fp16", "float16", "\u2014")),
        ("a_bits", "A8", 8, ""),
        ("kv_bits", "int4", 4, ""),
        ("sparsity", "50%", 0.5, ""),
        ("sparsity", "16:32", 0.5, ""),
        ("sparsity", "2:8", 0.75, ""),
        ("loss_se", "-", math.nan, ""),
    ],
)
def test_cells_that_spell_numbers(column: str, cell: str, value: float, kind: str) -> None:
    runs = bayesq.read_runs(pd.DataFrame([{**rows_of(1)[0], column: cell}]))
    np.testing.assert_array_equal(runs.columns[column], [value])
    if column == "w_bits":
        assert runs.columns["w_kind"].tolist() == [kind]
    told = [note for note in runs.notes if note.code == "cells-read-as"]
    assert len(told) == (cell not in ("-", "\u2014"))


def test_kinds_that_disagree(tmp_path: Path) -> None:
    said = refused(tmp_path, "N,D,loss,w_bits,w_kind\n7B,1T,2.5,int4,fp\n")
    assert "column w_bits: 'int4' is another kind than w_kind, which is 'fp'; write" in said
    said = refused(tmp_path, "N,D,loss,w_kind,w_bits\n7B,1T,2.5,fp,int4\n")
    assert "column w_bits: 'int4' is another kind than w_kind" in said


def test_methods_that_say_nothing_but_widths(tmp_path: Path) -> None:
    text = "N,D,loss,quant\n7B,1T,2.5,bf16\n7B,1T,2.55,int8\n7B,1T,2.7,W4A8\n"
    runs = read(tmp_path, text)
    assert runs.columns["w_bits"].tolist() == [16, 8, 4]
    assert runs.columns["a_bits"].tolist() == [16, 16, 8]
    assert "'W4A8' as w_bits 4 and a_bits 8" in coded(runs, "cells-read-as").message
    runs = read(tmp_path, text.replace("int8", "GPTQ"))
    assert coded(runs, "bits-missing").severity == "severe"
    assert coded(runs, "bits-missing").rows == (2, 3)


def test_names_that_differ_in_case_alone(tmp_path: Path) -> None:
    text = "N,D,loss,w_bits,method\n1B,1T,2.5,4,GPTQ\n2B,1T,2.4,4,gptq\n3B,1T,2.3,4,RTN\n"
    note = coded(read(tmp_path, text), "names-alike")
    assert "column method" in note.message
    assert "'GPTQ' (row 1) and 'gptq' (row 2)" in note.message
    assert (note.severity, note.rows) == ("warning", (1, 2))


# --- rows that cannot be read ------------------------------------------------------------------

BROKEN = """run,N,D,loss,step
a,1B,0,10.8,0
a,1B,1T,2.5,9
b,2B,1T,OOM,9
c,3B
d,4B,1T,2.2,9
e,x,1T,y,9
"""


def test_all_faults_at_once_and_rows_left_out(tmp_path: Path) -> None:
    said = refused(tmp_path, BROKEN)
    for part in (
        "row 1 (line 2), column D: '0' is not above 0",
        "row 3 (line 4), column loss: 'OOM' is not a number",
        "row 4 (line 5): 2 cells where the header has 5",
        "row 6 (line 7), column N: 'x' is not a number; row 6 (line 7), column loss: 'y' is not",
        "in all 5 cells of 4 rows cannot be read (loss is not a number: 2, D is ",
        "--skip-bad",
    ):
        assert part in said
    runs = read(tmp_path, BROKEN, skip_bad=True)
    assert (runs.columns["run"].tolist(), runs.numbers.tolist()) == (["a", "d"], [2, 5])
    note = coded(runs, "rows-skipped")
    assert (note.severity, note.rows) == ("warning", (1, 3, 4, 6))
    assert "4 rows were left out" in note.message
    assert "column loss: 'OOM' is not a number" in note.message
    assert "header has 3" in refused(tmp_path, "N,D,loss\n1,2\n", skip_bad=True)


def test_rows_are_chosen_before_their_cells_are_judged(tmp_path: Path) -> None:
    runs = read(tmp_path, BROKEN, where="step > 0 and run in ['a', 'd']")
    assert (runs.columns["run"].tolist(), runs.numbers.tolist()) == (["a", "d"], [2, 5])
    assert runs.source.endswith("runs.csv where step > 0 and run in ['a', 'd']")
    assert "column loss: 'OOM' is not" in refused(tmp_path, BROKEN, where="N >= 1B and step > 0")
    assert "keeps none of the 6 rows" in refused(tmp_path, BROKEN, where="N > 1T")
    assert "names an unknown column steps" in refused(tmp_path, BROKEN, where="steps > 1")


def test_choices_in_common_names_and_in_the_tables_own(tmp_path: Path) -> None:
    text = "params,D,ppl,bits\n1B,1T,12,16\n2B,1T,11,int4\n2B,1T,10,\n"
    for where in (
        "params > 1B and bits < 16",
        "N > 1B and w_bits < 16",
        "ppl < 11.5 and bits == 4",
    ):
        assert read(tmp_path, text, where=where).numbers.tolist() == [2]
    # An empty width is full precision, before as after reading.
    assert read(tmp_path, text, where="bits == 16 and loss < 2.4").numbers.tolist() == [3]
    assert read(tmp_path, text, where="stage == ''").numbers.tolist() == [1, 2, 3]


def test_rows_left_out_still_serve_as_partners(tmp_path: Path) -> None:
    text = "run,N,D,w_bits,loss\na,1B,1T,16,2.5\na,1B,1T,4,2.6\nb,2B,1T,16,x\nb,2B,1T,4,2.4\n"
    runs = read(tmp_path, text, where="w_bits < 16")
    np.testing.assert_array_equal(runs.columns["loss_full"], [2.5, math.nan])
    runs = read(tmp_path, text, where="loss - loss_full > 0", skip_bad=True)
    assert runs.numbers.tolist() == [2]


# --- losses and errors in other units ---------------------------------------------------------


def test_losses_in_some_rows_and_perplexities_in_others(tmp_path: Path) -> None:
    text = "N,D,loss,perplexity\n1B,1T,2.5,\n2B,1T,,12\n3B,1T,2.4,11.02\n"
    runs = read(tmp_path, text)
    np.testing.assert_allclose(runs.columns["loss"], [2.5, math.log(12), 2.4])
    assert read(tmp_path, text.replace("perplexity", "ppl")).fingerprint == runs.fingerprint
    said = refused(tmp_path, text.replace("11.02", "14"))
    assert "column perplexity: '14' is a loss of 2.639 nats per token, where loss is 2.4" in said
    assert "column loss: no value" in refused(tmp_path, text.replace(",12", ","))


def test_bits(tmp_path: Path) -> None:
    text = "N,D,bpb\n1B,1T,0.9\n2B,1T,0.8\n"
    said = refused(tmp_path, text)
    assert "column bpb: bits per byte become a loss per token only with the bytes per token" in said
    assert "--bytes-per-token" in said
    runs = read(tmp_path, text, bytes_per_token=4.2)
    np.testing.assert_allclose(runs.columns["loss"], np.array([0.9, 0.8]) * 4.2 * math.log(2))
    by_row = read(tmp_path, "N,D,bpb,bytes_per_token\n1B,1T,0.9,4.2\n2B,1T,0.8,4.2\n")
    np.testing.assert_allclose(by_row.columns["loss"], runs.columns["loss"])
    runs = read(tmp_path, "N,D,bits_per_token\n1B,1T,3.5\n")
    np.testing.assert_allclose(runs.columns["loss"], [3.5 * math.log(2)])
    both = read(
        tmp_path, text.replace("bpb", "bpb,ppl").replace("0.9", "0.9,12").replace("8\n", "8,11\n")
    )
    np.testing.assert_allclose(both.columns["loss"], np.log([12, 11]))
    assert "bytes_per_token is -1; pass a number" in refused(tmp_path, text, bytes_per_token=-1)


def test_errors_become_loss_se(tmp_path: Path) -> None:
    runs = read(tmp_path, "N,D,ppl,ppl_se\n1B,1T,12.5,0.25\n2B,1T,12,\n")
    np.testing.assert_allclose(runs.columns["loss_se"], [0.02, math.nan])
    assert "worked out from ppl_se" in coded(runs, "errors-read-as").message
    runs = read(tmp_path, "N,D,loss,loss_std,n_seeds\n1B,1T,2.5,0.04,4\n2B,1T,2.4,0,1\n")
    np.testing.assert_allclose(runs.columns["loss_se"], [0.02, math.nan])
    assert "column ppl_se (read as perplexity_se): '0' is not a number above 0" in refused(
        tmp_path, "N,D,ppl,ppl_se\n1B,1T,12.5,0\n"
    )
    runs = read(tmp_path, "N,D,loss,delta_se\n1B,1T,2.5,0.01\n")
    assert runs.columns["degradation_se"].tolist() == [0.01]


def test_errors_that_are_not_used_are_named(tmp_path: Path) -> None:
    runs = read(tmp_path, "N,D,loss,loss_std,acc_stderr,horse\n1B,1T,2.5,0.04,1,2\n")
    assert coded(runs, "errors-unused").message.startswith("loss_std and acc_stderr look like err")
    assert np.isnan(runs.columns["loss_se"]).all()


def test_per_cents_of_zero_weights(tmp_path: Path) -> None:
    runs = read(tmp_path, "N,D,loss,sparsity (%)\n1B,1T,2.5,0\n1B,1T,2.6,50\n")
    assert runs.columns["sparsity"].tolist() == [0, 0.5]


# --- tables without D or runs ------------------------------------------------------------------


def test_a_table_without_tokens(tmp_path: Path) -> None:
    runs = read(tmp_path, "run,N,w_bits,loss\na,1B,16,2.5\na,1B,4,2.6\nb,1B,4,2.7\n")
    assert np.isnan(runs.columns["D"]).all()
    assert "D not given" in repr(runs)
    np.testing.assert_array_equal(runs.columns["loss_full"], [math.nan, 2.5, math.nan])
    assert coded(runs, "partners-apart").rows == (3,)
    assert bayesq.check(runs).facts["D"] == "not given"


def test_runs_that_are_not_named() -> None:
    runs = bayesq.read_runs(pd.DataFrame(rows_of(3)))
    assert "of runs not named," in repr(runs)
    assert runs.cluster.tolist() == [0, 1, 2]
    assert bayesq.check(runs).facts["runs"] == "not named"


# --- the command line ----------------------------------------------------------------------------


def test_every_command_reads_tables_alike(run: Run, tmp_path: Path) -> None:
    path = text_file(tmp_path, BROKEN.replace("run,N", "id,size"))
    kept = text_file(tmp_path, 'size = "N"\nid = "run"\n', "map.toml")
    given = ("--columns", str(kept), "-c", "loss=loss", "--skip-bad", "--where", "step > 0")
    facts = json.loads(run("check", str(path), *given, "--json").out)
    assert (facts["table"]["rows"], facts["table"]["runs"]) == (2, 2)
    answer = run("check", str(path), "-c", "size=N")
    assert (answer.code, "in all 5 cells of 4 rows cannot be read" in answer.err) == (2, True)
    for command in ("fit", "check", "compare", "backtest"):
        told = run(command, "--help").out
        for option in ("--columns", "--skip-bad", "--where", "--bytes-per-token", "--column"):
            assert option in told, command
    answer = run("check", "grid", "--skip-bad")
    assert (answer.code, "Pool grid is in the common columns" in answer.err) == (2, True)


@pytest.mark.parametrize("name", ["sparsity (%)", "sparsity_percent"])
def test_a_per_cent_in_a_column_of_per_cents_is_divided_once(tmp_path: Path, name: str) -> None:
    text = f"N,D,loss,{name},stage\n1B,2B,2.7,0%,none\n1B,2B,2.8,50%,post\n"
    runs = read(tmp_path, text + "1B,2B,2.9,2:4,post\n1B,2B,3.0,62.5,post\n")
    assert runs.columns["sparsity"].tolist() == [0, 0.5, 0.5, 0.625]


def test_thousands_beside_decimal_points_are_not_guessed(tmp_path: Path) -> None:
    text = "N\tD\tbits\tppl\n1B\t2B\t16\t12.41\n1B\t2B\t2\t1,234\n"
    message = refused(tmp_path, text)
    assert "'1,234' can be thousands or a decimal number" in message
    assert "row 1" not in message
    elsewhere = "N;D;bits;ppl\n1B;2B;4.5;1,234\n1B;2B;16;12,5\n"
    assert "can be thousands" in refused(tmp_path, elsewhere)
    # No loss comes in thousands.
    losses = read(tmp_path, "N;D;bits;loss\n1B;2B;4.5;2,712\n1B;2B;16;2,7\n")
    assert losses.columns["loss"].tolist() == [2.712, 2.7]


def test_decimal_commas_before_units_and_words_for_groups(tmp_path: Path) -> None:
    text = "N;D;bits;loss;sparsity;group_size\n1B;2B;16;2,7;0%;\n"
    runs = read(tmp_path, text + "1B;2B;4,5 bits;2,8;12,5%;per-channel\n1B;2B;4;2,9;0;g64\n")
    assert runs.columns["w_bits"].tolist() == [16, 4.5, 4]
    assert runs.columns["sparsity"].tolist() == [0, 0.125, 0]
    assert runs.columns["w_group"].tolist()[1:] == [-1, 64]


@pytest.mark.parametrize(
    ("name", "full", "cell", "bits"),
    [
        ("precision", "fp16", "int4", {"w_bits": 4, "w_kind": "int"}),
        ("bit", "16", "3", {"w_bits": 3}),
        ("scheme", "W16A16", "W4A8", {"w_bits": 4, "a_bits": 8}),
        ("quantization", "16", "4", {"w_bits": 4}),
        ("fmt", "bf16", "e2m1", {"w_bits": 4, "w_kind": "fp", "w_exponent": 2, "w_mantissa": 1}),
        ("load_in_4bit", "False", "True", {"w_bits": 4}),
        ("act_precision", "16", "8", {"a_bits": 8, "w_bits": 16}),
        ("kv_cache_dtype", "bf16", "fp8", {"kv_bits": 8, "w_bits": 16}),
    ],
)
def test_widths_under_other_names_are_read(
    tmp_path: Path, name: str, full: str, cell: str, bits: dict[str, object]
) -> None:
    runs = read(tmp_path, f"N,D,{name},loss\n1B,2B,{full},2.7\n1B,2B,{cell},2.8\n")
    assert {column: runs.columns[column][1] for column in bits} == bits
    assert runs.partner.tolist() == [-1, 0]
    assert f"of column {name}" in coded(runs, "cells-read-as").message
    # Beside bits, the column is its owner's.
    text = f"N,D,bits,{name},loss\n1B,2B,16,{full},2.7\n1B,2B,2,{cell},2.8\n"
    assert read(tmp_path, text).columns["w_bits"].tolist() == [16, 2]


@pytest.mark.parametrize(
    ("name", "cell"),
    [("quant", "Q4"), ("variant", "int4"), ("quantized", "yes"), ("precision", "4-bit mix")],
)
def test_what_speaks_of_bits_and_is_not_read_is_severe(
    tmp_path: Path, name: str, cell: str
) -> None:
    text = f"N,D,{name},loss\n1B,2B,base,2.7\n1B,2B,{cell},2.8\n"
    note = coded(read(tmp_path, text), "bits-missing")
    assert (note.severity, note.rows) == ("severe", (2,))
    assert "w_bits" in note.remedy


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("family", ("7B", "13B")),
        ("worker", ("w1", "w2")),
        ("width", ("8", "16")),
        ("precision", ("0.91", "0.93")),
        ("optimizer_bits", ("8", "8")),
        ("method", ("1", "2")),
        ("notes", ("to be compared with int4 later", "the same in 4 bits")),
    ],
)
def test_columns_of_full_precision_rows_are_no_widths(
    tmp_path: Path, name: str, cells: tuple[str, str]
) -> None:
    runs = read(tmp_path, f"N,D,{name},loss\n1B,2B,{cells[0]},2.7\n2B,2B,{cells[1]},2.6\n")
    assert not runs.quantized.any()
    assert runs.notes == ()


def test_a_quantizer_without_bits_is_severe_beside_quantized_rows(tmp_path: Path) -> None:
    text = "N,D,method,bits,loss\n1B,2B,AWQ,,2.8\n1B,2B,fp16,16,2.7\n1B,2B,GPTQ,4,2.9\n"
    runs = read(tmp_path, text + "1B,3B,GPTQ,16,2.6\n")
    note = coded(runs, "bits-missing")
    assert (note.severity, note.rows) == ("severe", (1,))
    assert "AWQ" in note.message
