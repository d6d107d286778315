"""Make the files of today's format that later versions are to read: run it when the format is new.

    python tests/saved_fits.py

Each is a fit to a few rows of the grid, of very few draws, with a prediction of it.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import bayesq
from bayesq.posterior.migration import FORMAT

SAVED = Path(__file__).parent / "saved"
FEW: dict[str, Any] = {"draws": 20, "tune": 150, "chains": 2, "seed": 1, "progress": False}


def some(runs: bayesq.Runs, count: int) -> bayesq.Runs:
    kept = np.zeros(len(runs), dtype=bool)
    kept[np.random.default_rng(0).permutation(len(runs))[:count]] = True
    return runs.select(kept)


def unpacked(name: str, number: str, folder: Path) -> Path:
    """Unpack a fit that was saved in a format into a folder."""
    path = folder / f"{name}.nc"
    path.write_bytes(gzip.decompress((SAVED / f"{name}-format-{number}.nc.gz").read_bytes()))
    return path


def fits() -> dict[str, bayesq.Fit]:
    grid = bayesq.load_pool("grid")
    post = grid.select("stage == 'post' and w_group == 128")
    frame = post.frame
    small, large = frame[frame["N"] < 1.3e6], frame[frame["N"] > 1.3e6]
    two = pd.concat([small.iloc[::6].assign(study="a"), large.iloc[::6].assign(study="b")])
    trained = some(grid.select("stage == 'train' or stage == 'none'"), 60)
    return {
        "ptq": bayesq.fit(some(post, 24), "kumar2024-ptq", **FEW),
        "kinds": bayesq.fit(trained, "frantar2025", **FEW),
        "studies": bayesq.fit(
            bayesq.read_runs(two),
            "kumar2024-ptq",
            pool_by="study",
            noise="student-t + cell",
            **FEW,
        ),
    }


def predicted(name: str, fit: bayesq.Fit) -> list[float]:
    """Predict one scenario: the first draws, in nats per token."""
    at: dict[str, Any] = {"N": [1e6], "D": [1e8]}
    if name == "kinds":
        at["compression"] = [fit.levels["compression"][0]]
    else:
        at |= {"w_bits": [4], "w_group": [128]}
    study = "b" if name == "studies" else None
    draws = bayesq.predict(fit, at, study=study, seed=3).draws
    return [float(value) for value in draws.values.ravel()[:5]]


if __name__ == "__main__":
    number = FORMAT.rpartition(" ")[2]
    told = {}
    for name, fit in fits().items():
        path = fit.save(SAVED / f"{name}.nc")
        (SAVED / f"{name}-format-{number}.nc.gz").write_bytes(gzip.compress(path.read_bytes(), 9))
        path.unlink()
        told[name] = predicted(name, fit)
    (SAVED / f"format-{number}.json").write_text(json.dumps(told, indent=1) + "\n")
