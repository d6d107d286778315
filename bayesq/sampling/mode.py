"""Where a posterior is highest and how it curves there, for one table or many of the same shapes.

A million rows leave a posterior that is a needle beside its priors: chains that begin at the mode,
in coordinates in which the curvature there is one, need no warm-up to find either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# Steps to the mode at most; the usual table needs ten.
_STEPS = 60
# Shorter steps that are tried from one point.
_TRIES = 20
# The mode is found where the next step would gain so little of the log density.
_NEAR = 0.02
# Distance of the points whose gradients are compared, as a share of a coordinate, or of 1.
_APART = 1e-5
# No direction is taken for wider than this many of the sampler's coordinates, about the width that
# priors have there.
_WIDEST = 1.0
# A direction as wide as that is climbed only where the density changes by so much in it.
_SLOPE = 2.0

# From points, shape (tables, points, coordinates), to log densities, shape (tables, points), and
# gradients, shape (tables, points, coordinates), each table's own.
Densities = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Bells:
    """Normal approximations of posteriors about their modes (Laplace's), one a table.

    Parameters
    ----------
    centres : ndarray of float, shape (tables, coordinates)
        The modes, or where the search began where none was found.
    spreads : ndarray of float, shape (tables, coordinates, coordinates)
        Matrices L such that ``centre + L u`` with standard normal ``u`` is a draw; the identity
        where no mode was found.
    found : ndarray of bool, shape (tables,)
        Whether it was.
    gradients : int
        Gradients that a table took.
    """

    centres: np.ndarray
    spreads: np.ndarray
    found: np.ndarray
    gradients: int


def find_modes(densities: Densities, starts: np.ndarray, most: int = _STEPS) -> Bells:
    """Find modes by Newton's steps, damped where they would not climb (Levenberg, Marquardt).

    Curvatures are differences of gradients. Directions in which a density curves upwards are
    climbed as if it curved downwards as much (Dauphin et al. 2014, "Identifying and attacking the
    saddle point problem").

    Parameters
    ----------
    densities : callable
        Log densities and gradients of all tables.
    starts : ndarray of float, shape (tables, coordinates)
        Where the search begins.
    most : int
        Steps at most.
    """
    tables, length = starts.shape
    at = starts.astype(float)
    value, gradient = (np.array(of[:, 0]) for of in densities(at[:, None]))
    spent = 1
    climbing = np.isfinite(value) & np.isfinite(gradient).all(axis=1)
    found = np.zeros(tables, dtype=bool)
    damping = np.full(tables, 1e-3)
    curves = np.tile(-np.eye(length), (tables, 1, 1))
    for _ in range(most):
        curves[climbing] = _curvatures(densities, at)[climbing]
        spent += 2 * length
        climbing &= np.isfinite(curves).all(axis=(1, 2))
        if not climbing.any():
            break
        sizes, ways = np.linalg.eigh(np.where(climbing[:, None, None], curves, -np.eye(length)))
        along = np.einsum("tij,ti->tj", ways, gradient)
        # Along a direction that the rows hardly tell, a posterior with scales in it climbs without
        # end, away from where nearly all of it is: it stays where the middle of the priors is.
        along[(np.abs(sizes) < _WIDEST**-2) & (np.abs(along) < _SLOPE)] = 0.0
        sizes = np.maximum(np.abs(sizes), _WIDEST**-2)
        near = climbing & ((along**2 / sizes).sum(axis=1) / 2 < _NEAR)
        found |= near
        climbing &= ~near
        if not climbing.any():
            break
        # Damped as a share of each direction's own curvature: directions differ by many orders.
        left = climbing.copy()
        for _ in range(_TRIES):
            step = np.einsum("tij,tj->ti", ways, along / sizes / (1 + damping)[:, None])
            tried = np.where(left[:, None], at + step, at)
            values, gradients = (got[:, 0] for got in densities(tried[:, None]))
            spent += 1
            better = left & (values > value) & np.isfinite(gradients).all(axis=1)
            at[better], value[better], gradient[better] = (
                tried[better],
                values[better],
                gradients[better],
            )
            damping = np.where(better, damping / 10, np.where(left, 4 * damping + 1, damping))
            left &= ~better
            if not left.any():
                break
        # Where no step climbs, the point is as high as the gradient is exact, or it is no mode.
        found |= left & ((along**2 / sizes).sum(axis=1) < 1.0)
        climbing &= ~left
    return _bells(at, starts, curves, found, spent)


def _bells(
    at: np.ndarray, starts: np.ndarray, curves: np.ndarray, found: np.ndarray, spent: int
) -> Bells:
    """Make normal distributions of modes and curvatures."""
    length = at.shape[1]
    sizes, ways = np.linalg.eigh(np.where(found[:, None, None], -curves, np.eye(length)))
    spreads = ways / np.sqrt(np.maximum(np.abs(sizes), _WIDEST**-2))[:, None, :]
    spreads[~found] = np.eye(length)
    return Bells(np.where(found[:, None], at, starts), spreads, found, spent)


def _curvatures(densities: Densities, at: np.ndarray) -> np.ndarray:
    """Second derivatives of log densities, shape (tables, coordinates, coordinates)."""
    apart = _APART * np.maximum(np.abs(at), 1.0)
    moves = apart[:, :, None] * np.eye(at.shape[1])
    _, gradients = densities(np.concatenate([at[:, None] + moves, at[:, None] - moves], axis=1))
    above, below = np.split(gradients, 2, axis=1)
    with np.errstate(invalid="ignore"):
        curves = (above - below) / (2 * apart[:, :, None])
    return (curves + curves.transpose(0, 2, 1)) / 2
