"""Sixteen full-precision rows, two of each run, and how comparisons of them are fitted."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

FEW: dict[str, Any] = {"draws": 250, "tune": 400, "chains": 2, "seed": 1, "progress": False}
TRUE: dict[str, Any] = {**FEW, "discrepancy": False}
WILD = 15


def rows(wild: float = 0.0, size: float = 1.0, seed: int = 3) -> pd.DataFrame:
    """Make up full-precision rows, two of them of each run; the last one is `wild`.

    Every number is `size` times as large.
    """
    rng = np.random.default_rng(seed)
    n, d = (x.ravel() for x in np.meshgrid(np.geomspace(1e7, 1e9, 4), np.geomspace(1e9, 5e10, 4)))
    mean = 1.7 + 0.6 * (n / 1e8) ** -0.34 + 0.5 * (d / 1e10) ** -0.3
    loss = size * mean * np.exp(rng.normal(0, 0.005, 16))
    loss[WILD] *= 1 + wild
    run = [f"run {i // 2}" for i in range(16)]
    return pd.DataFrame({"N": size * n, "D": size * d, "loss": loss, "stage": "none", "run": run})


def check_sentence(said: str, words: str) -> None:
    assert words in said
    assert re.fullmatch(r"[^\n]+[^.]\.", said)
    assert not re.search(r"[a-z]\. [A-Z]", said), "one sentence"
