"""A smooth robust surface through the losses, which knows no law: to see what lies far from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesq.checks.settings import codes_of, groups_of
from bayesq.model.huber import minimise
from bayesq.runs.runs import Runs
from bayesq.runs.schema import FORMAT

_ROUNDS = 12
_FEWEST, _FEWEST_OF_POWERS = 6, 8
_BEND = 0.01
# From here on a row holds the surface up by itself.
_LEVERAGE = 0.2
# Logarithm of ln 300,000: guessing over the largest vocabularies in use.
_GUESSING = np.log(12.6)
# Losses closer than this share are not told apart.
_LEAST_SCATTER = 1e-3
# Of more rows the surface is fitted to so many, and all are held against it.
_MOST_FITTED = 20_000


@dataclass(frozen=True)
class Surface:
    """How far each row lies from the surface through the others of its kind.

    Parameters
    ----------
    left : ndarray of float, shape (rows,)
        Distance on the logarithm of the loss; NaN in rows that too few others surround.
    usual : ndarray of float, shape (rows,)
        Robust standard deviation of the distances of the rows that it was fitted with.
    inside : ndarray of bool, shape (rows,)
        Whether others lie around it, so that the surface is not the row's own.
    """

    left: np.ndarray
    usual: np.ndarray
    inside: np.ndarray

    @property
    def scatter(self) -> float:
        """Scatter of losses in the middle of the full table, 0 where nothing tells it."""
        known = self.usual[np.isfinite(self.usual)]
        return float(np.median(known)) if len(known) else 0.0


def surface(runs: Runs) -> Surface:
    """Fit the surface.

    In full precision it is a quadratic in log N and log D for each study and corpus, or a sum of
    powers of N and D, whichever is nearer; of what quantization adds to a partner, a power of both
    for each study, corpus and format.
    """
    columns = runs.columns
    origin = codes_of(runs, ("study", "corpus"))
    log_loss = np.log(columns["loss"])
    change = log_loss - np.log(columns["loss_full"])
    left, usual = np.full(len(runs), np.nan), np.full(len(runs), np.nan)
    inside = np.zeros(len(runs), dtype=bool)
    for rows in groups_of(origin, ~runs.quantized, _FEWEST):
        fitted, inside[rows] = _fit(_powers(runs, rows), log_loss[rows])
        # Fewer rows than a quadratic needs still tell powers.
        ways = [log_loss[rows] - fitted] if np.isfinite(fitted).all() else []
        if len(rows) >= _FEWEST_OF_POWERS:
            ways.append(_beside_powers(runs, rows))
        if not ways:
            continue
        # Of two surfaces, a row that lies on either is no stranger.
        near = np.argmin(np.abs(ways), axis=0)
        left[rows] = np.take_along_axis(np.array(ways), near[None], axis=0)[0]
        usual[rows] = min(_usual(way) for way in ways)
    alike = codes_of(runs, ("study", "corpus", "stage", *FORMAT))
    for rows in groups_of(alike, runs.quantized & np.isfinite(change), _FEWEST):
        # A hundredth of the loss and less is straight, more is a power.
        fitted, inside[rows] = _fit(_powers(runs, rows)[:, :3], np.arcsinh(change[rows] / _BEND))
        # No power goes on beyond guessing.
        most = np.maximum(_GUESSING - log_loss[rows] + change[rows], change[rows])
        left[rows] = change[rows] - np.minimum(_BEND * np.sinh(fitted), most)
        usual[rows] = _usual(left[rows])
    return Surface(left, usual, inside)


def _usual(left: np.ndarray) -> float:
    """Robust standard deviation of distances, of which as many are 0 as the fit has terms."""
    known = np.sort(np.abs(left[np.isfinite(left)]))
    apart = known[known > 1e-7]
    return float(1.4826 * np.median(apart)) if len(apart) > 2 else np.nan


def _beside_powers(runs: Runs, rows: np.ndarray) -> np.ndarray:
    """Residuals of the logarithm of ``E + A N^-alpha + B D^-beta``, fitted robustly."""
    log_loss = np.log(runs.columns["loss"][rows])
    n, d = _powers(runs, rows)[:, 1:3].T
    few = _some(len(rows))
    terms = [(n, 1)] * bool(np.ptp(n)) + [(d, 2)] * bool(np.ptp(d))

    def left(theta: np.ndarray, at: np.ndarray | slice = few) -> np.ndarray:
        held = log_loss[at]
        parts = np.broadcast_to(theta[..., :1], (*theta.shape[:-1], len(held)))
        for x, i in terms:
            slope = np.exp(np.minimum(theta[..., 2 * i : 2 * i + 1], 3.0))
            parts = np.logaddexp(parts, theta[..., 2 * i - 1 : 2 * i] - slope * x[at])
        return np.asarray(held - parts)

    middle = float(np.median(log_loss))
    start = np.array([[middle - 0.5, middle - 1.5, -0.5, middle - 1.5, -0.5]])
    once = np.ones((1, len(log_loss[few])))
    return left(minimise(left, start, once, iterations=60)[0], slice(None))


def _some(count: int) -> np.ndarray | slice:
    """Choose the rows that a surface is fitted to: all, or of very many the same some each time."""
    if count <= _MOST_FITTED:
        return slice(None)
    return np.sort(np.random.default_rng(0).choice(count, _MOST_FITTED, replace=False))


def _powers(runs: Runs, rows: np.ndarray) -> np.ndarray:
    """Terms of a quadratic in log N and log D, centred; those first that matter most."""
    sizes = []
    for name in ("N", "D"):
        values = np.nan_to_num(np.log(runs.columns[name][rows]))
        sizes.append((values - values.mean()) / (values.std() or 1.0))
    n, d = sizes
    return np.column_stack([np.ones(len(rows)), n, d, n * n, d * d, n * d])


def _fit(terms: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit of least absolute distance, by weights anew, and which rows others surround.

    NaN where there is no room for the terms.
    """
    varies = np.ptp(terms, axis=0) > 1e-9
    varies[0] = True
    few = _some(len(values))
    used, triangle = np.linalg.qr(terms[few][:, varies])
    held = values[few]
    if len(held) < 2 * used.shape[1]:
        return np.full(len(values), np.nan), np.zeros(len(values), dtype=bool)
    weight = np.ones(len(held))
    solved = np.zeros(used.shape[1])
    for _ in range(_ROUNDS):
        solved, *_ = np.linalg.lstsq(used * weight[:, None], held * weight, rcond=1e-8)
        weight = 1 / np.sqrt(np.maximum(np.abs(held - used @ solved), _LEAST_SCATTER))
    if len(held) < len(values):
        used = np.linalg.solve(triangle.T, terms[:, varies].T).T
    leverage = (used**2).sum(axis=1)
    return used @ solved, leverage < max(_LEVERAGE, 2 * used.shape[1] / len(held))
