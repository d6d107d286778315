"""A process that has compiled nothing, and small fits that make it compile."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bayesq
from bayesq import Law, Runs
from bayesq.sampling import program as room
from bayesq.sampling.defaults import COORDINATE, UNCONSTRAINED
from bayesq.sampling.program import COUNTS
from two_runs import rows

FEW: dict[str, Any] = {"draws": 50, "tune": 50, "chains": 2, "seed": 4, "progress": False}
ALL_EFFECTS = "student-t + run + budget + cell"


def forget(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Make this process one that has compiled nothing, and keeps what it compiles in a folder."""
    monkeypatch.setattr(room, "_KEPT", OrderedDict())
    monkeypatch.setenv("BAYESQ_COMPILED", str(folder))
    return folder


def counts_of(do: Callable[[], Any]) -> dict[str, int]:
    """Tell how often something translated a model, read one and found one."""
    before = COUNTS.copy()
    do()
    return dict(COUNTS - before)


def rows_of(count: int = 16, size: float = 1.0, seed: int = 0) -> Runs:
    return bayesq.read_runs(rows(size=size, seed=seed).iloc[:count])


def points_of(fit: bayesq.Fit) -> np.ndarray:
    return fit.data[UNCONSTRAINED][COORDINATE].values


def fit_to(runs: Runs, law: str | Law = "chinchilla", **options: Any) -> np.ndarray:
    return points_of(bayesq.fit(runs, law, **(FEW | options)))
