"""Units of work for tests, and a backtest that is small enough to be made everywhere."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

import bayesq
from bayesq.jobs.spread import Unit

FEW: dict[str, Any] = {"draws": 20, "tune": 50, "chains": 1, "seed": 1, "progress": False}


def units(function: Callable[..., Any], count: int, *more: Any) -> list[Unit]:
    return [Unit(f"u{i}", function, (i, *more)) for i in range(count)]


def noted(number: int, folder: str) -> int:
    """Leave a line for each time that a unit is begun, and take a while."""
    with open(f"{folder}/{number}", "a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(0.5)
    return number**2


def check_sentence(said: str, pattern: str) -> None:
    assert re.search(pattern, said), said
    assert re.fullmatch(r"[^\n]+[^.]\.", said)
    assert not re.search(r"[a-z]\. [A-Z]", said), "one sentence"


def rows() -> bayesq.Runs:
    frame = pd.DataFrame([{"N": n, "D": 20 * n} for n in np.geomspace(1e7, 1e9, 9)])
    loss = 1.7 + 400 / frame["N"] ** 0.34 + 410 / frame["D"] ** 0.28
    scatter = np.random.default_rng(0).normal(0, 0.003, len(frame))
    return bayesq.read_runs(
        frame.assign(loss=loss + scatter, run=[f"r{i % 4}" for i in frame.index])
    )


def scores(executor: Any, **more: Any) -> pd.DataFrame:
    asked = FEW | {"split": "run", "discrepancy": False, "executor": executor} | more
    return bayesq.backtest(rows(), "chinchilla", **asked).rows
