"""The grid case study: its job lists and its table against the packaged runs, and its smoke run."""

import csv
import importlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GRID = ROOT / "case_studies" / "grid"
PACKAGED = ROOT / "bayesq" / "data" / "grid.csv"

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None,
    reason="torch, which bayesq does not depend on, is not installed",
)

INT4 = {"kind": "int", "bits": 4, "group": 32}
E2M1 = {"kind": "fp", "E": 2, "M": 1, "group": 128}


@pytest.fixture
def load(monkeypatch):
    """Import the folder's modules as its programs do, and forget them: their names are common."""
    names = [path.stem for path in GRID.glob("*.py")]
    monkeypatch.syspath_prepend(str(GRID))
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def packaged():
    with PACKAGED.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def line(**changes):
    """Return a line of the trainer: a full-precision network unless changed."""
    row = {
        "id": "base-s1",
        "size": "s1",
        "N": 786432,
        "D": 24969216,
        "seed": 0,
        "w": None,
        "a": None,
        "kv": None,
        "fc2_a": None,
        "when": "train",
        "loss": 2.0,
    }
    return row | changes


# ------------------------------------------------------------------ job lists and packaged runs


def test_the_job_lists_ask_for_every_packaged_row(load, packaged):
    phases = load("phases")
    jobs = [*phases.phase_one(), *phases.phase_two()]
    found = load("compare_runs").compare(jobs, packaged)

    assert found.unexplained == ()
    assert len(found.complete) + len(found.partial) == len({row["run"] for row in packaged}) == 132
    assert len(found.absent) == 33
    assert len(found.repeated) == 2


def test_the_readme_names_what_is_missing_or_repeated(load, packaged):
    phases = load("phases")
    compare_runs = load("compare_runs")
    found = compare_runs.compare([*phases.phase_one(), *phases.phase_two()], packaged)
    readme = set((GRID / "README.md").read_text(encoding="utf-8").replace("`", " ").split())

    run_at = compare_runs.SETTING_COLUMNS.index("run")
    named = {*found.absent, *found.partial, *(setting[run_at] for setting in found.repeated)}
    assert {run for run in named if run not in {word.strip(",.;:()") for word in readme}} == set()


def test_a_row_that_no_job_asks_for_is_reported(load, packaged):
    phases = load("phases")
    odd = packaged[0] | {"seed": "7"}
    found = load("compare_runs").compare([*phases.phase_one(), *phases.phase_two()], [odd])

    assert len(found.unexplained) == 1
    assert "7" in found.unexplained[0]


def test_the_phases_have_the_jobs_that_were_queued(load):
    phases = load("phases")
    one, two = phases.phase_one(), phases.phase_two()

    assert (len(one), len(two)) == (69, 115)
    assert len({job.id for job in [*one, *two]}) == 165
    assert len(phases.POST_TRAINING) == 38
    assert (one[0].id, one[5].id, one[-1].id) == ("base-s5", "w4a4g32-s3", "w4a4g32-s2-seed1")
    assert (two[0].id, two[22].id) == ("base-s3-seed1", "w4a4g32fc2a8-s3-seed1")


def test_token_counts_are_whole_steps(load):
    job = load("phases").phase_one()[1]

    assert job.measured_tokens()[0] == 24_969_216 == 381 * 256 * 256
    assert job.measured_tokens(batch=8)[0] == 24_999_936


@pytest.mark.parametrize(
    ("exponent", "mantissa", "largest"),
    [(2, 1, 6.0), (1, 2, 3.5), (3, 0, 16.0), (3, 2, 28.0), (2, 3, 7.5), (4, 3, 480.0)],
)
def test_minifloats_spend_every_code_on_a_number(load, exponent, mantissa, largest):
    number = load("formats").FloatFormat(exponent, mantissa, 32)

    assert number.largest == largest
    assert number.bits == 1 + exponent + mantissa
    assert load("formats").from_record(number.record()) == number


def test_two_bits_are_ternary(load):
    assert load("formats").IntFormat(2, 32).qmax == 1


def test_an_unknown_kind_of_format_is_refused(load):
    with pytest.raises(ValueError, match="posit"):
        load("formats").from_record({"kind": "posit"})


# ------------------------------------------------------------------ from JSON lines to the table


def as_line(row, size_of):
    """Return the trainer's line that a packaged row must have come from."""

    def record(prefix):
        if row[f"{prefix}_kind"] == "int":
            bits, group = int(row[f"{prefix}_bits"]), int(row[f"{prefix}_group"])
            return {"kind": "int", "bits": bits, "group": group}
        if row[f"{prefix}_kind"] == "fp":
            exponent, mantissa = int(row[f"{prefix}_exponent"]), int(row[f"{prefix}_mantissa"])
            return {
                "kind": "fp",
                "E": exponent,
                "M": mantissa,
                "group": int(row[f"{prefix}_group"]),
            }
        return None

    def integer(column, group):
        unquantised = row[column] in ("", "16")
        return None if unquantised else {"kind": "int", "bits": int(row[column]), "group": group}

    made = line(
        id=row["run"],
        size=size_of[int(row["N"])],
        N=int(row["N"]),
        D=int(row["D"]),
        seed=int(row["seed"]),
        w=record("w"),
        a=record("a"),
        kv=integer("kv_bits", 64),
        fc2_a=integer("fc2_a_bits", 32),
        loss=float(row["loss"]),
    )
    if row["stage"] == "post":
        made |= {"when": "post", "loss_before": float(row["loss_full"])}
    return made


def test_the_packaged_table_is_what_tidy_writes(load, packaged, tmp_path):
    size_of = {size.parameters: name for name, size in load("jobs").SIZES.items()}
    lines = [as_line(row, size_of) for row in packaged]
    tidy = load("tidy")
    tidy.write_table(tmp_path / "runs.csv", tidy.tidy(lines, "kernel-source"))

    assert (tmp_path / "runs.csv").read_text() == PACKAGED.read_text()


def test_a_trained_network_is_paired_by_size_tokens_and_seed(load):
    rows = load("tidy").tidy(
        [
            line(id="w4a4g32-s1", w=INT4, a=INT4, loss=2.5),
            line(id="w4a4g32-s1-seed1", w=INT4, a=INT4, loss=2.6, seed=1),
            line(id="w4a4g32-s1", w=INT4, a=INT4, loss=2.4, D=49938432),
            line(loss=2.0),
            line(loss=2.1),
            line(id="base-s1-seed1", loss=2.2, seed=1),
        ],
        "made-up",
    )

    assert [row["loss_full"] for row in rows] == [2.0, 2.2, "", 2.0, 2.1, 2.2]
    assert [row["stage"] for row in rows] == ["train"] * 3 + ["none"] * 3
    assert [row["method"] for row in rows] == ["ste"] * 3 + [""] * 3
    assert {row["corpus"] for row in rows} == {"made-up"}


def test_a_rounded_network_is_paired_with_itself(load):
    post = line(when="post", w=E2M1, loss=2.3456789, loss_before=2.05)
    del post["fc2_a"]
    (row,) = load("tidy").tidy([post], "made-up")

    assert (row["stage"], row["method"]) == ("post", "rtn")
    assert (row["loss"], row["loss_full"]) == (2.345679, 2.05)
    assert (row["w_kind"], row["w_bits"], row["w_exponent"], row["w_mantissa"]) == ("fp", 4, 2, 1)
    assert (row["a_kind"], row["a_bits"], row["a_group"]) == ("", 16, "")


def test_keys_and_values_and_the_second_layer_have_bits_of_their_own(load):
    eight = {"kind": "int", "bits": 8, "group": 32}
    kv, fc2 = load("tidy").tidy(
        [line(kv={"kind": "int", "bits": 3, "group": 64}), line(w=INT4, a=INT4, fc2_a=eight)],
        "made-up",
    )

    assert (kv["stage"], kv["kv_bits"], kv["w_bits"], kv["fc2_a_bits"]) == ("train", 3, 16, "")
    assert (fc2["a_bits"], fc2["kv_bits"], fc2["fc2_a_bits"]) == (4, 16, 8)


def test_failed_jobs_are_left_out(load):
    assert load("tidy").tidy([{"id": "base-s5", "error": "out of memory"}], "made-up") == []


def test_a_broken_line_is_named(load, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(line()) + '\n{"id": "base')

    with pytest.raises(ValueError, match=r"rows\.jsonl, line 2: not JSON"):
        load("tidy").read_lines(path)


# ------------------------------------------------------------------ workers


def test_workers_share_a_queue_and_a_file(load, tmp_path):
    pytest.importorskip("fcntl", reason="workers lock files, which needs a Unix system")
    work = load("work")
    taken = [work.take(tmp_path / "queue", 2) for _ in range(3)]
    work.append(tmp_path / "rows.jsonl", {"id": "base-s1"})
    work.append(tmp_path / "rows.jsonl", {"id": "base-s2"})

    assert taken == [0, 1, None]
    assert [row["id"] for row in load("tidy").read_lines(tmp_path / "rows.jsonl")] == [
        "base-s1",
        "base-s2",
    ]


def run_program(name, *arguments, **environment):
    return subprocess.run(
        [sys.executable, str(GRID / name), *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("smoke.py", ["--out", "unused"]), ("work.py", ["--corpus", ".", "--out", "unused"])],
)
def test_a_missing_torch_is_told_in_one_sentence(tmp_path, name, arguments):
    (tmp_path / "torch.py").write_text('raise ModuleNotFoundError("none", name="torch")\n')
    done = run_program(name, *arguments, PYTHONPATH=str(tmp_path))

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "This program needs torch, which bayesq does not install: run `pip install torch numpy`."
    ]


# ------------------------------------------------------------------ with torch


@needs_torch
def test_integers_round_to_the_nearest_level(load):
    import torch

    quantiser = load("quantise").FakeQuantiser(load("formats").IntFormat(4, 4))
    x = torch.tensor([[7.0, 1.4, -2.6, 0.0, 70.0, 14.0, -26.0, 0.0]])

    assert quantiser.round(x).tolist() == [[7.0, 1.0, -3.0, 0.0, 70.0, 10.0, -30.0, 0.0]]
    assert quantiser.round(torch.zeros(1, 4)).tolist() == [[0.0] * 4]


@needs_torch
def test_e2m1_has_its_eight_magnitudes(load):
    import torch

    quantiser = load("quantise").FakeQuantiser(load("formats").FloatFormat(2, 1, -1))
    x = torch.linspace(-6, 6, 1201)

    assert quantiser.round(x).abs().unique().tolist() == [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0]


@needs_torch
def test_one_exponent_bit_is_an_integer(load):
    import torch

    formats, quantise = load("formats"), load("quantise")
    x = torch.randn(64, 128, generator=torch.Generator().manual_seed(0))
    e1m2 = quantise.FakeQuantiser(formats.FloatFormat(1, 2, 32)).round(x)

    torch.testing.assert_close(
        e1m2, quantise.FakeQuantiser(formats.IntFormat(4, 32)).round(x), rtol=1e-6, atol=1e-6
    )


@needs_torch
def test_gradients_pass_straight_through(load):
    import torch

    x = torch.tensor([0.3, -0.9, 2.0, 0.1], requires_grad=True)
    load("quantise").FakeQuantiser(load("formats").IntFormat(2, 4))(x).sum().backward()

    assert x.grad.tolist() == [1.0] * 4


@needs_torch
@pytest.mark.parametrize("name", ["s0", "s1", "s2"])
def test_sizes_count_the_weights_of_the_blocks(load, name):
    formats, size = load("formats"), load("jobs").SIZES[name]
    model = load("network").LanguageModel(size, formats.integers(4, 4, 32))
    counted = sum(p.numel() for p in model.blocks.parameters() if p.dim() == 2)

    assert counted == size.parameters


@needs_torch
@pytest.mark.slow
def test_the_smoke_run_trains_rounds_and_writes_the_table(load, tmp_path):
    done = run_program("smoke.py", "--out", tmp_path)
    assert done.returncode == 0, done.stderr

    lines = load("tidy").read_lines(tmp_path / "rows.jsonl")
    with (tmp_path / "runs.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert tuple(table[0]) == load("tidy").COLUMNS
    assert [(row["run"], row["stage"], row["w_kind"]) for row in table] == [
        *[("base-s0", "none", ""), ("base-s0", "post", "int"), ("base-s0", "post", "fp")] * 2,
        ("w4a4g32-s0", "train", "int"),
        ("e2m1b32kv4-s0", "train", "fp"),
    ]
    assert all(float(row["loss"]) < 5.0 for row in table)
    short, long = (row for row in table if row["stage"] == "none")
    assert float(long["loss"]) < float(short["loss"])
    assert all(row["loss_full"] == short["loss"] for row in table if row["D"] == short["D"])
    assert {made["batch_tokens"] for made in lines if made["when"] == "train"} == {8 * 256}
