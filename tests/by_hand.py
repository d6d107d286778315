"""Laws of fits, worked out by hand at every draw."""

from __future__ import annotations

import numpy as np

from bayesq import Fit


def kumar(fit: Fit, N: float, D: float, P: float) -> np.ndarray:
    """Work out the degradation of each draw by hand."""
    C_T, gamma_D, gamma_N, gamma_post = (
        fit.posterior[s].values for s in ("C_T", "gamma_D", "gamma_N", "gamma_post")
    )
    return C_T * D**gamma_D / N**gamma_N * np.exp(-P / gamma_post)
