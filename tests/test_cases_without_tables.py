"""Mistakes and spellings that people reported without a table: what must come of each."""

from __future__ import annotations

import gzip
import io
import re
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayesq
from command import Run
from noted import about, case, loud, named_loudly, refusal, words


def grid_of_losses() -> pd.DataFrame:
    """Make up what perplexities of 9.97 to 26.75 were measured on."""
    sizes, lengths = np.geomspace(3e8, 2e10, 5), np.geomspace(2e10, 2e12, 5)
    rows = [{"run": f"{n:.2g}-{d:.2g}", "N": n, "D": d} for n, d in product(sizes, lengths)]
    frame = pd.DataFrame(rows)
    ease = frame["N"] ** -0.34 * 400 + frame["D"] ** -0.28 * 410
    share = (ease - ease.min()) / (ease.max() - ease.min())
    return frame.assign(loss=np.log(9.97) + share * np.log(26.75 / 9.97))


def test_perplexities_in_the_loss_column(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    table = grid_of_losses()
    table.assign(loss=np.exp(table["loss"])).to_csv(path, index=False)
    named_loudly(run, path, "perplexit")
    table.to_csv(path, index=False)
    assert not loud(bayesq.check(bayesq.read_runs(path)).notes)


def test_scores_where_higher_is_better(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    table = grid_of_losses()
    table.assign(loss=1.1 - table["loss"] / 5).to_csv(path, index=False)
    named_loudly(run, path, r"accurac|score|higher is better|rise|rising|grow")


def test_three_logged_steps_of_a_run(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    table = grid_of_losses()
    parts = [table.assign(loss=table["loss"] * (1 + 0.004 * k), step=k) for k in (2, 1, 0)]
    pd.concat(parts).sort_values("run", kind="stable").to_csv(path, index=False)
    named_loudly(run, path, r"same N and D|duplicat|logged|last step")


def test_commas_and_formats_in_cells(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    path.write_text(
        "run,N,D,stage,w_bits,loss\n"
        'a,"125,000,000",300B,none,16,3.1\n'
        'a,"125,000,000",300B,post,int4,3.2\n'
        'b,"350,000,000",300B,none,16,2.9\n'
        'b,"350,000,000",300B,post,W4,2.95\n'
    )
    runs = bayesq.read_runs(path)
    assert runs.columns["N"].tolist() == [1.25e8, 1.25e8, 3.5e8, 3.5e8]
    assert runs.columns["w_bits"].tolist() == [16, 4, 16, 4]
    assert run("check", path).code in (0, 2)


@pytest.mark.parametrize("kind", ["runs.csv.gz", "runs.tsv", "semicolons.csv", "runs.tsv.gz"])
def test_kinds_of_files(kind: str, run: Run, tmp_path: Path) -> None:
    plain = case("c05_checkpoints_same_D.csv").read_text()
    text = plain.replace(",", "\t") if "tsv" in kind else plain
    text = text.replace(",", ";") if "semicolons" in kind else text
    path = tmp_path / kind
    path.write_bytes(gzip.compress(text.encode()) if kind.endswith(".gz") else text.encode())
    same = bayesq.read_runs(case("c05_checkpoints_same_D.csv"))
    assert bayesq.read_runs(path).fingerprint == same.fingerprint
    assert run("check", path, "-l", "chinchilla").code == 0


def test_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    data = case("c05_checkpoints_same_D.csv").read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    answer = run("check", "-", "-l", "chinchilla")
    assert answer.code == 0, answer.err
    assert "54" in answer.out


def test_loss_for_some_rows_and_perplexity_for_others(run: Run, tmp_path: Path) -> None:
    table = grid_of_losses()
    odd = np.arange(len(table)) % 2 == 1
    mixed = table.assign(
        perplexity=np.where(odd, np.exp(table["loss"]), np.nan),
        loss=np.where(odd, np.nan, table["loss"]),
    )
    path = tmp_path / "runs.csv"
    mixed.to_csv(path, index=False)
    runs = bayesq.read_runs(path)
    np.testing.assert_allclose(runs.columns["loss"], table["loss"], rtol=1e-12)
    assert not loud(bayesq.check(runs).notes)
    # Both of one row, and they disagree.
    mixed.loc[3, "loss"] = 9.0
    assert re.search(r"row 4\b", refusal(mixed))


def test_methods_that_differ_in_case(run: Run, tmp_path: Path) -> None:
    rows = [
        {"run": name, "N": n, "D": 1e12, "stage": stage, "method": method, "w_bits": bits}
        | {"loss": 2.5 - i / 10 + cost}
        for i, (name, n) in enumerate((("a", 1e9), ("b", 7e9)))
        for stage, method, bits, cost in (
            ("none", "", 16, 0.0),
            ("post", "GPTQ", 4, 0.03),
            ("post", "gptq", 3, 0.1),
        )
    ]
    path = tmp_path / "runs.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    runs = bayesq.read_runs(path)
    notes = [*runs.notes, *bayesq.check(runs).notes]
    assert about(notes, "GPTQ.*gptq|gptq.*GPTQ"), notes
    assert "GPTQ" in words(run("check", path))
