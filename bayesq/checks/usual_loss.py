"""What a loss is set against: that of networks of its size, and of its own network."""

from __future__ import annotations

import numpy as np

from bayesq.checks.settings import width
from bayesq.runs.runs import Runs


def nats_at(n: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Nats per token that web text would cost networks of these sizes, shape ``(rows,)``.

    Besiroglu et al. 2024, arXiv:2404.10102. Where D is not given, at 20 tokens a parameter.
    """
    d = np.where(np.isnan(d), 20 * n, d)
    return np.asarray(1.8172 + 482.01 * n**-0.3478 + 2085.43 * d**-0.3658)


def expected_loss(runs: Runs) -> np.ndarray:
    """Nats per token that web text would cost the networks of a table, shape ``(rows,)``."""
    return nats_at(runs.columns["N"], runs.columns["D"])


def full_level(runs: Runs) -> tuple[np.ndarray, np.ndarray]:
    """Losses in full precision, a quantized row's by its partner, and which rows have one.

    Where none has, the rows of most bits stand in, since these lose least.
    """
    loss, partner = runs.columns["loss"], runs.columns["loss_full"]
    level = np.where(runs.quantized & np.isfinite(partner), partner, loss)
    told = ~runs.quantized | np.isfinite(partner)
    return level, told if told.any() else width(runs) == width(runs).max()
