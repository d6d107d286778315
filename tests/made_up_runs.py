"""Made-up runs of several sizes and lengths of training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq import BayesqError, Runs
from bayesq.backtesting.folds import make_folds
from bayesq.law.registry import find_law
from bayesq.model.design import Design, design

FEW = {"draws": 60, "tune": 200, "chains": 2, "progress": False}


def made_up(rows: int = 12, **columns: Any) -> Runs:
    """Make up losses of networks of several sizes and lengths of training."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "N": np.tile([1e7, 3e7, 1e8], rows)[:rows],
            "D": np.repeat([1e9, 2e9, 4e9, 8e9, 1.6e10, 3.2e10], 3)[:rows],
        }
    ).assign(**columns)
    loss = 1.7 + 400 * frame["N"] ** -0.34 + 1100 * frame["D"] ** -0.37
    return bayesq.read_runs(frame.assign(loss=loss * np.exp(rng.normal(0, 0.003, rows))))


def chosen(runs: Runs, law: str = "chinchilla", response: str | None = None) -> Design:
    return design(runs, find_law(law), response)


def folds(runs: Runs, split: str, quantile: float = 0.7, seed: int = 0) -> dict[str, list[int]]:
    """Rows left out by the name of the fold."""
    made = make_folds(chosen(runs), split, quantile, seed)
    return {fold.name: np.flatnonzero(fold.left_out).tolist() for fold in made}


def sentence(caught: pytest.ExceptionInfo[BayesqError]) -> str:
    said = str(caught.value)
    assert said.endswith(".")
    assert said.isprintable()
    return said
