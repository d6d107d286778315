"""What runs teach of a law's misfit: as much as fits with these runs in their tables say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq.decide import fewest_bits

ASKED: dict[str, Any] = {"chains": 2, "draws": 1000, "tune": 1000, "seed": 1, "progress": False}
LOSS = [(n, d) for n in (1e7, 2e7, 5e7, 1e8) for d in (1e9, 3e9, 1e10)]
# Below all that is asked here: of no use to any answer.
USELESS = {"N": 1e7, "D": 1e9}


def base(n: Any, d: Any) -> Any:
    return 1.8 + 480 * n**-0.35 + 2100 * d**-0.37


def cost(n: Any, d: Any, bits: Any) -> Any:
    return 74 * np.exp(-bits / 0.6) * d**0.32 / n**0.44


def losses() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(LOSS, columns=["N", "D"])
    frame["loss"] = base(frame["N"], frame["D"]) * np.exp(0.003 * rng.standard_normal(len(frame)))
    return frame.assign(run=[f"r{i}" for i in range(len(frame))])


def rounded(n: float, d: float, bits: list[float], factor: Any) -> pd.DataFrame:
    """Make the rows of one network: in full precision, and rounded."""
    at = np.array(bits)
    full = float(base(n, d))
    quantized = pd.DataFrame({"w_bits": at, "loss": full + cost(n, d, at) * factor})
    rows = pd.concat([pd.DataFrame({"w_bits": [16.0], "loss": [full]}), quantized])
    return rows.assign(N=n, D=d, run=f"{n:g} {d:g}", stage=["none", *["post"] * len(at)])


def degradations() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    bits = [3.0, 4.0, 5.0]
    rows = [rounded(n, d, bits, np.exp(0.04 * rng.standard_normal(3))) for n, d in LOSS]
    return pd.concat(rows, ignore_index=True)
