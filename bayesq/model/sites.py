"""The points whose values hold a Gaussian process, and its independent parts over them."""

from __future__ import annotations

from typing import Any

import numpy as np

# Coordinates of some points, and where formats count also these.
Points = tuple[np.ndarray, ...]
# Sites at most, and the share of the field's variance over the rows that they may leave open.
_MOST_SITES = 60
_LEFT_OPEN = 3e-4
_JITTER = 1e-9
# Of points that are held beside the sites: how many, and the variance, at a scale of 1, that all of
# them may leave open. The noise of a run is far above that.
_MOST_HELD = 500
_HELD_OPEN = 1e-6


def choose(kernel: Any, alone: np.ndarray, points: Points, often: np.ndarray) -> Points:
    """Choose the sites that hold a field over points.

    Parameters
    ----------
    kernel : callable
        Covariances of two sets of points.
    alone : ndarray of float, shape (points,)
        Variance of each point.
    points : tuple of ndarray, each of shape (points, coordinates)
        Where.
    often : ndarray of float, shape (points,)
        How often each counts.
    """
    nothing, enough = np.empty((len(alone), 0)), _LEFT_OPEN * (often * alone).sum()
    places = _pivots(kernel, alone, points, often, nothing, _MOST_SITES, enough)
    return tuple(p[places] for p in points)


def parts(kernel: Any, rows: Points, sites: Points, often: np.ndarray) -> np.ndarray:
    """Turn the field at the sites into independent parts, the one that moves the rows most first.

    Parts that move the rows by next to nothing are left to what the sites leave open.
    """
    count = len(sites[0])
    if not count:
        return np.empty((0, 0))
    held = np.linalg.cholesky(kernel(sites, sites) + _JITTER * np.eye(count))
    root = np.linalg.inv(held).T
    moved = np.sqrt(often)[:, None] * (kernel(rows, sites) @ root)
    _, size, turned = np.linalg.svd(moved, full_matrices=False)
    open_after = 1 - np.cumsum(size**2) / (size**2).sum()
    parts = int(np.searchsorted(-open_after, -_LEFT_OPEN)) + 1
    return np.asarray(root @ turned[:parts].T)


def continued(
    kernel: Any, points: Points, alone: np.ndarray, sites: Points, root: np.ndarray
) -> tuple[Points, np.ndarray]:
    """Add points to the sites that hold a field, as far as these leave them open.

    Parameters
    ----------
    kernel, points, alone
        As :func:`choose` takes them.
    sites : tuple of ndarray, each of shape (sites, coordinates)
        The sites so far.
    root : ndarray of float, shape (sites, parts)
        From covariances with them to weights of the independent parts.

    Returns
    -------
    sites : tuple of ndarray
        The sites so far, then the points that were added.
    root : ndarray of float, shape (more sites, more parts)
        The parts so far, then one for each point that was added.
    """
    basis = kernel(points, sites) @ root
    left = np.maximum(alone - (basis**2).sum(axis=1), 0.0)
    places = _pivots(kernel, left, points, np.ones(len(left)), basis, _MOST_HELD, _HELD_OPEN)
    added, known = tuple(p[places] for p in points), basis[places]
    open_ = kernel(added, added) - known @ known.T + _JITTER * np.eye(len(places))
    turned = np.linalg.inv(np.linalg.cholesky(open_)).T
    below = np.zeros((len(places), root.shape[1]))
    grown = np.block([[root, -root @ known.T @ turned], [below, turned]])
    return tuple(np.vstack(pair) for pair in zip(sites, added, strict=True)), grown


def _pivots(
    kernel: Any,
    left: np.ndarray,
    points: Points,
    often: np.ndarray,
    columns: np.ndarray,
    most: int,
    enough: float,
) -> list[int]:
    """Choose points by pivoted Cholesky: each where most is left open by those before it.

    `left` is the variance of each point that is open at first, `columns` what is known before the
    first. It ends with `most` points, or when no more than `enough` is left open.
    """
    chosen: list[int] = []
    while len(chosen) < min(most, len(left)) and (often * left).sum() > enough:
        i = int(left.argmax())
        at = tuple(p[i : i + 1] for p in points)
        column = kernel(points, at)[:, 0] - columns @ columns[i]
        column /= np.sqrt(left[i])
        columns = np.column_stack([columns, column])
        left = np.maximum(left - column**2, 0.0)
        left[i] = 0.0
        chosen.append(i)
    return chosen
