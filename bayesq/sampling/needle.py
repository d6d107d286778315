"""The mode of a compiled density, and coordinates in which the density is round about it."""

from __future__ import annotations

import numpy as np

from bayesq.sampling.mode import find_modes
from bayesq.sampling.packing import Packed
from bayesq.sampling.program import Program
from bayesq.sampling.whitened import Whitened

# A needle is found by few hundred gradients or by none.
_MOST = 2000
# A curvature takes two gradients a coordinate: of very many, as effects of runs are, few are taken.
_CURVATURES, _FEWEST = 6000, 4
_NOWHERE = 1e30


def mode_of(
    program: Program, rows: Packed, start: np.ndarray | None = None
) -> tuple[np.ndarray, Whitened | None, int]:
    """Look for the mode.

    Parameters
    ----------
    program : Program
        The compiled model.
    rows : tuple of ndarray
        What the model takes from its rows, packed.
    start : ndarray of float, shape (coordinates,), optional
        Where to begin, by default at the middle of the priors.

    Returns
    -------
    ndarray of float, shape (coordinates,)
        The highest point that was found.
    Whitened or None
        The program in coordinates in which the density is round there; None if it is no mode.
    int
        How many gradients it took.
    """
    from scipy.optimize import minimize

    density = program.density(rows)
    spent = 0

    def lost(point: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal spent
        spent += 1
        value, gradient = density(point)
        if np.isfinite(value) and np.isfinite(gradient).all():
            return -value, -gradient
        return _NOWHERE, np.zeros_like(point)

    def many(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = [density(point) for point in points[0]]
        return np.array([[f[0] for f in found]]), np.array([[f[1] for f in found]])

    starts = [program.start(rows)] if start is None else [start]
    limits = {"maxiter": _MOST, "maxfun": _MOST}
    ends = [minimize(lost, s, jac=True, method="L-BFGS-B", options=limits) for s in starts]
    best = min(ends, key=lambda end: float(end.fun)).x
    steps = max(_CURVATURES // (2 * len(best)), _FEWEST)
    bells = find_modes(many, best[None], steps)
    spent += bells.gradients
    centre = bells.centres[0]
    if not bells.found[0]:
        return centre, None, spent
    return centre, Whitened(program, centre, bells.spreads[0]), spent
