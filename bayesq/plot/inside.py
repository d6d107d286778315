"""Which points of a curve lie inside the data: those that no prediction has a note of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesq.posterior.fitted import Fitted
from bayesq.prediction.distance import far


def inside(fit: Fitted, inputs: Mapping[str, Any], count: int) -> np.ndarray:
    """Tell which points :func:`bayesq.predict` takes to lie inside the data.

    Parameters
    ----------
    fit : Fitted
        A fit that is not pooled, or one study of it.
    inputs : mapping of str to float or ndarray
        By symbol, each of shape ``(count,)`` or a number.
    count : int
        How many points there are.

    Returns
    -------
    ndarray of bool, shape (count,)
    """
    wide = {s: np.broadcast_to(np.asarray(v, float), count) for s, v in inputs.items()}
    return ~far(fit, wide).outside


def stretch(points: np.ndarray, known: np.ndarray) -> tuple[float, float] | None:
    """Return the first and the last point inside; None where there is none."""
    if not known.any():
        return None
    return float(points[known].min()), float(points[known].max())
