"""Papers' fits that tests of decisions ask, and draws around their constants."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

import bayesq
from bayesq import Law, Parameter, Prior
from bayesq.decide import Decision
from bayesq.posterior.constants import PublishedFit

T = 1e12
BASE = {"E": 1.8172, "A": 482.01, "B": 2085.43, "alpha": 0.3478, "beta": 0.3658}
CHINCHILLA = bayesq.published("chinchilla")
SUN = bayesq.published("sun2025")
CHEN = bayesq.published("chen2025")
SCHEMES = bayesq.published("chen2025-schemes")
QAT = bayesq.published("kumar2024-qat")
PTQ = bayesq.published("kumar2024-ptq", gamma_post=0.6)
OUYANG = bayesq.published("ouyang2024")
QUEST = bayesq.published("frantar2025", "quest")
QUARTET = bayesq.published("quartet2025")
UNIFIED = bayesq.published(
    "kumar2024-unified",
    **dict(QAT.constants.values),
    **{"C_T": 0.06, "gamma_D": 0.5, "gamma_N": 0.34, "gamma_post": 0.6},
    **{"C_w": 0.8, "C_a": 1.0, "C_kv": 1.2},
)
E2M1 = {"N": "1B", "exponent": 2, "mantissa": 1, "group": 128}


SIZE_ONLY = Law(
    name="size-only",
    loss=lambda N, E, A, alpha: E + A * N**-alpha,
    parameters=(
        Parameter("E", Prior("LogNormal", mu=0.4, sigma=0.5), "nats/token"),
        Parameter("A", Prior("LogNormal", mu=-0.7, sigma=1), term=lambda N, alpha: N**-alpha),
        Parameter("alpha", Prior("LogNormal", mu=-1, sigma=0.5)),
    ),
    remember=False,
)


def spread(paper: PublishedFit, draws: int = 24, by: float = 0.02, **values: Any) -> PublishedFit:
    """Put draws around a paper's constants; `values` are draws given by hand."""
    rng = np.random.default_rng(7)
    over = {"chain": [0, 1], "draw": np.arange(draws // 2)}
    one = paper.posterior.isel(chain=0, draw=0, drop=True)
    noise = {s: rng.normal(1, by, (2, draws // 2)) for s in one.data_vars}
    many = one * xr.Dataset({s: (("chain", "draw"), v) for s, v in noise.items()}, over)
    for symbol, given in values.items():
        many[symbol] = (("chain", "draw"), np.broadcast_to(given, draws).reshape(2, -1))
    return replace(paper, draws=many.transpose("chain", "draw", ...))


def codes(decision: Decision) -> list[str]:
    return [note.code for note in decision.notes]
