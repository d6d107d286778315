"""How deep a logarithmic axis goes where intervals reach to 0 and below."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

# The axis goes no deeper below what is measured and the medians than this share of the lowest.
_DEEPEST, _ROOM = 0.25, 1.15
_NOWHERE = 1e-6  # of the lowest: below any axis


def above_zero(end: np.ndarray, lowest: float) -> np.ndarray:
    """Put ends at or below 0, which have no place, below the axis; leave the others as they are."""
    return np.where(end > 0, end, _NOWHERE * lowest)


def set_heights(axes: Sequence[Axes], middles: np.ndarray, ends: np.ndarray) -> None:
    """Let logarithmic axes show all medians and measured values, and intervals as far as is useful.

    Parameters
    ----------
    axes : sequence of Axes
        They share what is set.
    middles : ndarray of float
        Medians and measured values.
    ends : ndarray of float
        Ends of intervals; one that lies far below all medians is cut off by the axis.
    """
    middles = middles[np.isfinite(middles) & (middles > 0)]
    if not middles.size:
        return
    ends = np.append(ends[np.isfinite(ends) & (ends > 0)], middles)
    low = max(float(ends.min()), _DEEPEST * float(middles.min())) / _ROOM
    for ax in axes:
        ax.set_ylim(low, float(ends.max()) * _ROOM)
