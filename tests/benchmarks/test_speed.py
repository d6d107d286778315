"""Speed as ratios measured in one run: the command line against a plain PyMC script.

Run with ``make bench``. Nothing here fails for being slow: machines are noisy, and a ratio is for
reading.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROUNDS = 5

PLAIN = {
    "chinchilla": """
import numpy as np, pandas as pd, pymc as pm
runs = pd.read_csv({csv!r}).query("stage == 'none'")
with pm.Model():
    E = pm.LogNormal("E", 0.4, 0.5)
    A, B = pm.LogNormal("A", 6, 2), pm.LogNormal("B", 6, 2)
    alpha, beta = pm.LogNormal("alpha", -1.05, 0.5), pm.LogNormal("beta", -1.05, 0.5)
    sigma, nu = pm.HalfNormal("sigma", 0.05), pm.Gamma("nu", 2, 0.1)
    N, D = runs.N.to_numpy(float), runs.D.to_numpy(float)
    mu = pm.math.log(E + A * N**-alpha + B * D**-beta)
    pm.StudentT("loss", nu=nu, mu=mu, sigma=sigma, observed=np.log(runs.loss))
    pm.sample(1000, tune=1000, chains=4, random_seed=1, progressbar=False)
""",
    "kumar2024-ptq": """
import numpy as np, pandas as pd, pymc as pm
runs = pd.read_csv({csv!r}).query({where!r})
with pm.Model():
    C_T = pm.LogNormal("C_T", 4, 4)
    gamma_D, gamma_N = pm.Normal("gamma_D", 0.4, 0.3), pm.Normal("gamma_N", 0.35, 0.3)
    gamma_post = pm.LogNormal("gamma_post", -0.4, 0.35)
    sigma, sigma_0 = pm.HalfNormal("sigma", 0.3), pm.HalfNormal("sigma_0", 0.01)
    nu = pm.Gamma("nu", 2, 0.1)
    N, D, P = (runs[c].to_numpy(float) for c in ("N", "D", "w_bits"))
    mu = C_T * D**gamma_D / N**gamma_N * pm.math.exp(-P / gamma_post)
    pm.StudentT("d", nu=nu, mu=mu, sigma=sigma_0 + sigma * mu, observed=runs.loss - runs.loss_full)
    pm.sample(1000, tune=1000, chains=4, random_seed=1, progressbar=False)
""",
}
GRID = Path(__file__).parents[2] / "bayesq" / "data" / "grid.csv"
PTQ = "stage == 'post' and w_kind == 'int' and 3 <= w_bits <= 6 and w_group == 128"


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def compare(first: list[str], second: list[str]) -> tuple[float, float, float]:
    """Run two commands in turn; return their median seconds and the median ratio."""
    seconds(first), seconds(second)  # fill the caches of compiled code
    pairs = [(seconds(first), seconds(second)) for _ in range(ROUNDS)]
    ratio = statistics.median(a / b for a, b in pairs)
    return *(statistics.median(column) for column in zip(*pairs, strict=True)), ratio


@pytest.mark.slow
@pytest.mark.parametrize(("law", "where"), [("chinchilla", None), ("kumar2024-ptq", PTQ)])
def test_fit_in_a_new_process(law: str, where: str | None, tmp_path: Path) -> None:
    ours = [sys.executable, "-m", "bayesq", "fit", "grid", "--law", law, "--seed", "1"]
    ours += ["-o", str(tmp_path / "fit.nc"), *(["--where", where] if where else [])]
    script = PLAIN[law].format(csv=str(GRID), where=where)
    plain = [sys.executable, "-W", "ignore", "-c", script]
    a, b, ratio = compare(ours, plain)
    print(f"\nbayesq fit {law}: {a:.1f} s; plain PyMC script: {b:.1f} s; ratio {ratio:.2f}")


@pytest.mark.slow
@pytest.mark.parametrize("command", [["--help"], ["laws"], ["check", "runs.csv"]])
def test_quick_commands(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_bytes(GRID.read_bytes())
    command = [str(tmp_path / c) if c == "runs.csv" else c for c in command]
    a, b, _ = compare([sys.executable, "-m", "bayesq", *command], [sys.executable, "-c", "pass"])
    print(f"\nbayesq {command[0]}: {a:.2f} s; the interpreter alone: {b:.2f} s; {a - b:.2f} s more")
