"""Adding a law takes one file and no other edit: it is listed, fitted, asked and saved."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bayesq
from bayesq.cli.app import main

LAW = """
'''Share of the size kept by the weights, falling with the tokens per parameter.'''

import numpy as np

from bayesq.law import WEIGHT_BITS, Law, Parameter, Prior, Published
from bayesq.models import chinchilla


def kept(P, rate):
    return 1 - np.exp(-P / rate)


def effective_size(N, P, rate):
    return N * kept(P, rate)


law = Law(
    name="one-file",
    title="a law in one file",
    source="its own file",
    base=chinchilla.law,
    effective={"N": effective_size},
    inputs=(WEIGHT_BITS,),
    stages=("train",),
    parameters=(
        Parameter("rate", Prior("LogNormal", mu=0.5, sigma=0.5), "bits", "sensitivity"),
    ),
    published=(
        Published(
            "rough",
            {"E": 1.8, "A": 480.0, "B": 2000.0, "alpha": 0.35, "beta": 0.37, "rate": 2.0},
            "nobody",
        ),
    ),
    observed={"N": (1e6, 1e9), "D": (1e8, 1e11), "P": (2, 8)},
    closed={"effective_parameters": kept},
)
"""


@pytest.fixture
def added(folder_of_laws: Path) -> None:
    (folder_of_laws / "one_file.py").write_text(LAW)


@pytest.mark.usefixtures("added")
def test_a_law_in_one_file_is_at_home(
    grid: bayesq.Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "one-file" in bayesq.laws()
    rows = grid.select("stage == 'none' or stage == 'train' and w_group == 32 and a_bits == 16")
    few = {"draws": 200, "tune": 300, "chains": 2, "progress": False}
    fit = bayesq.fit(rows, "one-file", discrepancy=False, seed=1, **few)
    rate = fit.posterior["rate"]
    assert 1 < float(rate.median()) < 6

    at = {"N": "7.1M", "D": "200M", "w_bits": [3, 16]}
    losses = bayesq.predict(fit, at).draws
    assert (losses.isel(scenario=0) > losses.isel(scenario=1)).all()

    kept = bayesq.decide.effective_parameters(fit, N="7.1M", D="200M", w_bits=3)
    np.testing.assert_allclose(kept.draws["eff"], 1 - np.exp(-3 / rate), rtol=1e-12)
    # N P fixed, N (1 - exp(-P / rate)) is larger the fewer the bits: no number of them is best.
    best = bayesq.decide.optimal_precision(fit, compute=1e16, D="200M")
    assert best.without_answer == 1
    assert "there is no optimum" in best.text
    assert bayesq.load_fit(fit.save(tmp_path / "fit.nc")).law is fit.law

    for command in (["laws", "--json"], ["decide", "effective_parameters", "one-file", "P=4"]):
        with pytest.raises(SystemExit) as ended:
            main([*command, "--json"] if "--json" not in command else command)
        assert ended.value.code in (0, None)
        said = json.loads(capsys.readouterr().out)
        assert said
    assert said["answers"][0]["median"] == pytest.approx(1 - np.exp(-2))


def test_a_second_checkout_has_laws_of_its_own(tmp_path: Path) -> None:
    root = Path(__file__).parents[1]
    for folder in ("bayesq", "models"):
        shutil.copytree(
            root / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    text = (root / "models" / "qat_without_d.py").read_text(encoding="utf-8")
    text = text.replace('name="qat-without-d"', 'name="of-the-copy"')
    (tmp_path / "models" / "of_the_copy.py").write_text(text, encoding="utf-8")
    said = subprocess.run(
        [sys.executable, "-c", "import bayesq; print('of-the-copy' in bayesq.laws())"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "True\n"
    assert "of-the-copy" not in bayesq.laws()
