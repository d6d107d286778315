"""Columns that tell recipes apart part rows from a stranger's baseline, and no others do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq.runs.runs import Runs

SETTINGS = [(N, D) for N in (1e8, 3e8, 1e9) for D in (2e9, 8e9, 3e10, 1e11)]


def trained(cells: Any, arms: tuple[str, ...] = ("",), repeats: int = 1) -> Runs:
    """Read a table of runs in full precision and in 4 and 8 bits, each a run of its own.

    ``cells`` gives further columns for a row's number, arm and width; None leaves the row out.
    """
    rows: list[dict[str, Any]] = []
    made = [
        {"N": N, "D": D, "seed": s, "w_bits": bits, "stage": "none" if bits == 16 else "train"}
        | {"arm": arm}
        for N, D in SETTINGS
        for arm in arms
        for s in range(repeats)
        for bits in (16, 8, 4)
    ]
    for i, row in enumerate(made):
        more = cells(i, row.pop("arm"), row["w_bits"])
        if more is not None:
            rows.append(row | {"run": f"r{i}", "loss": 2.5 + 0.1 / row["w_bits"]} | more)
    return bayesq.read_runs(pd.DataFrame(rows))


def lost(runs: Runs) -> int:
    return int((runs.quantized & (runs.partner < 0)).sum())


RNG = np.random.default_rng(3)
DRAWN = RNG.integers(0, 2, 1000).tolist()
VARYING: dict[str, Any] = {
    "host": lambda i: f"gpu-{DRAWN[i]}",
    "node": lambda i: float(i % 7),
    "notes": lambda i: f"node {i % 7}",
    "comment": lambda i: ("restarted", "fine", "slow disk")[i % 3],
    "date": lambda i: f"2025-03-{1 + i // 5:02d}",
    "url": lambda i: f"https://example.org/{i % 5}",
    "checkpoint_path": lambda i: f"/runs/{i % 4}/last",
    "calibration_data": lambda i: ("c4", "pile")[DRAWN[i]],
    "replicate": lambda i: float(DRAWN[i]),
    "train_loss": lambda i: 2.0 + 0.1 * (i % 7),
    "evalPpl": lambda i: 9.0 + i % 3,
    "mmlu_acc": lambda i: 0.25 + 0.1 * (i % 2),
    "lr_eval_loss": lambda i: 2.0 + 0.1 * (i % 5),
    "zLoss": lambda i: 0.01 * (1 + i % 7),
    "time": lambda i: float(i % 2),
    "loss_std": lambda i: 0.01 * (1 + i % 2),
    "gpu": lambda i: ("A100", "H100")[DRAWN[i]],
    "calib_batch": lambda i: (0.0, 64.0, 128.0)[i % 3],
    "quantized layers": lambda i: ("0%", "50%", "100%")[i % 3],
    # Of these no word tells; their values do.
    "who": lambda i: ("ann", "bob")[DRAWN[i]],
    "machinery": lambda i: ("a100", "h100", "h200", "l40")[RNG.integers(4)],
    "queue": lambda i: float(RNG.integers(5)),
    "racks": lambda i: float(1 + DRAWN[i]),
}


@pytest.mark.parametrize("repeats", [1, 2])
@pytest.mark.parametrize("name", VARYING)
def test_what_varies_from_row_to_row_parts_nobody(name: str, repeats: int) -> None:
    runs = trained(lambda i, arm, bits: {name: VARYING[name](i)}, repeats=repeats)
    assert lost(runs) == 0
    assert not [note for note in runs.notes if note.code == "partners-apart"]


ARMS: dict[str, tuple[Any, Any]] = {
    "init_std": (0.02, 0.006),
    "grad_accum": (1, 4),
    "z_loss": (0.0, 1e-4),
    "z_loss_weight": (0.0, 1e-4),
    "optimizer_name": ("adamw", "muon"),
    "lr": (1e-3, 3e-4),
    "data_path": ("/c4", "/pile"),
    "variant": ("plain", "ours"),
    "ratio": (0.1, 0.5),
    "series": ("I", "II"),
}


@pytest.mark.parametrize("name", ARMS)
def test_rows_are_set_against_their_own_recipe(name: str) -> None:
    told = dict(zip("ab", ARMS[name], strict=True))
    runs = trained(lambda i, arm, bits: {name: told[arm]}, ("a", "b"))
    values, quantized = runs.columns[name], runs.quantized
    assert lost(runs) == 0
    assert (values[runs.partner[quantized]] == values[quantized]).all()


@pytest.mark.parametrize(
    "name", ["optimizer_name", "lr", "data_path", "variant", "series", "grad_accum"]
)
def test_a_recipe_without_a_baseline_takes_no_other(name: str) -> None:
    """Full precision was trained by recipe a everywhere, and by b at two settings alone."""
    told = dict(zip("ab", ARMS[name], strict=True))
    few = 12
    runs = trained(
        lambda i, arm, bits: None if arm == "b" and bits == 16 and i > few else {name: told[arm]},
        ("a", "b"),
    )
    values, quantized = runs.columns[name], runs.quantized
    paired = quantized & (runs.partner >= 0)
    assert (values[runs.partner[paired]] == values[paired]).all()
    assert lost(runs) == 2 * (len(SETTINGS) - 2)
    assert [note.code for note in runs.notes] == ["partners-apart"]
