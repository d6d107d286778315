"""A program in coordinates in which its posterior is round: about its mode, by its curvature."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from bayesq.sampling.packing import Packed
from bayesq.sampling.program import Program

# Standard deviations about as far as a correction reaches; beyond, it stays what it is there.
_REACH = 3.0


class Whitened:
    """A program whose points are ``centre + spread @ z``, to samplers as good as any other.

    Its density can be corrected by ``slope @ z + bend @ z**2 / 2``, where it is known to be off;
    with ``tanh`` of ``z`` for ``z``, in units of `_REACH`, since it is not known farther out.

    Parameters
    ----------
    program : Program
        The compiled model.
    centre : ndarray of float, shape (coordinates,)
        Where ``z`` is 0.
    spread : ndarray of float, shape (coordinates, coordinates)
        What turns ``z`` into coordinates.
    slope, bend : ndarray of float, shape (coordinates,), optional
        The correction, none by default.
    """

    # One table, on the processor.
    device, many = "cpu", False

    def __init__(
        self,
        program: Program,
        centre: np.ndarray,
        spread: np.ndarray,
        slope: np.ndarray | None = None,
        bend: np.ndarray | None = None,
    ) -> None:
        self._program, self._centre, self._spread = program, centre, spread
        self.coordinates = program.coordinates
        none = np.zeros(self.coordinates)
        self._slope = none if slope is None else slope
        self._bend = none if bend is None else bend
        self._made: dict[Hashable, Any] = {}

    def density(self, rows: Packed) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
        """Make the log density and its gradient, as the program's own."""
        inner, spread = self._program.density(rows), self._spread

        def at(point: np.ndarray) -> tuple[float, np.ndarray]:
            value, gradient = inner(self._centre + spread @ point)
            near = np.tanh(point / _REACH)
            steep = self._slope + self._bend * _REACH * near
            gradient = gradient @ spread + steep * (1 - near**2)
            return value + float(self._correction(_REACH * near)), gradient

        return at

    def traced(self) -> Callable[..., Any]:
        """Return the log density as JAX functions take it."""
        import jax.numpy as jnp

        inner = self._program.traced()

        def density(point: Any, *packed: Any) -> Any:
            near = _REACH * jnp.tanh(point / _REACH)
            return inner(self._centre + self._spread @ point, *packed) + self._correction(near)

        return density

    def kept(self, name: Hashable, make: Callable[[], Any]) -> Any:
        """Return what was made of it under a name, or make it."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def start(self, rows: Packed) -> np.ndarray:
        """Return where chains begin around."""
        return np.zeros(self.coordinates)

    def corrected(self, slope: np.ndarray, bend: np.ndarray) -> Whitened:
        """Return it with a correction."""
        return Whitened(self._program, self._centre, self._spread, slope, bend)

    def correction(self, points: np.ndarray) -> np.ndarray:
        """Give the correction at points of the program, shape (points,)."""
        z = np.linalg.solve(self._spread, (points - self._centre).T).T
        return np.asarray(self._correction(_REACH * np.tanh(z / _REACH)))

    def _correction(self, near: Any) -> Any:
        return near @ self._slope + (near**2) @ self._bend / 2

    def back(self, points: np.ndarray) -> np.ndarray:
        """Bring points back to the program's own coordinates."""
        return np.asarray(self._centre + points @ self._spread.T)
