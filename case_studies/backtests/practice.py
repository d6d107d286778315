"""Today's practice: the Huber loss on the log response, and a bootstrap of pairs.

Hoffmann et al. 2022 fit so, and most after them; Besiroglu et al. 2024 added the bootstrap. There
are no priors: E may vanish and exponents may run away where the rows allow it. What is left out is
predicted by each resample's fit, times the exponential of one of that resample's residuals, so that
the interval is one for a new run as bayesq's is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bayesq import Prior
from bayesq.law import OrderedByBits, Parameter
from bayesq.law.formulas import call
from bayesq.model.design import Design

DELTA = 1e-3  # Hoffmann's
RESAMPLES = 400
STARTS = 64
# A step is a factor of e^STEP at most in a coefficient.
STEP = 2.0
DIFFERENCE = 1e-6
TINY = np.finfo(float).tiny


@dataclass(frozen=True)
class Practice:
    """What today's practice says of the rows that were left out.

    Parameters
    ----------
    draws : ndarray of float, shape (resamples, rows)
        Predictions of a new measurement, in nats per token.
    observed : ndarray of float, shape (rows,)
        What was measured.
    row : ndarray of int, shape (rows,)
        Where these rows stood in the table. Of the rows left out, those of a kind that no kept row
        has are not among them.
    unusable : int
        Kept rows whose response is not positive, which have no logarithm.
    parameters : dict of str to ndarray
        Fit to all kept rows, in the paper's units.
    """

    draws: np.ndarray
    observed: np.ndarray
    row: np.ndarray
    unusable: int
    parameters: dict[str, np.ndarray]


def practise(
    chosen: Design, kept: np.ndarray, *, resamples: int = RESAMPLES, seed: int = 1
) -> Practice:
    """Fit the kept rows and predict the others.

    Parameters
    ----------
    chosen : Design
        A law, and the rows that it takes.
    kept : ndarray of bool, shape (rows,)
        Which of them to fit.
    resamples : int
        Resamples of the bootstrap.
    seed : int
        The same seed gives the same draws.
    """
    rng = np.random.default_rng(seed)
    usable = kept & (chosen.observed > 0)
    curve = Curve(chosen)
    log_observed = np.log(chosen.observed[usable])

    def residuals(theta: np.ndarray) -> np.ndarray:
        return np.asarray(log_observed - curve.log(theta, usable))

    once = np.ones((1, int(usable.sum())))
    starts = minimise(residuals, curve.starts(STARTS, rng), once)
    lost = huber(residuals(starts)).sum(axis=1)
    best = minimise(residuals, starts[[lost.argmin()]], once)
    count = rng.multinomial(len(log_observed), once[0] / once.size, size=resamples).astype(float)
    each = minimise(residuals, np.repeat(best, resamples, axis=0), count)
    errors = residuals(each)
    scored = ~kept & curve.known(kept)
    wanted = np.exp(curve.log(each, scored))
    picks = np.array([rng.choice(len(c), wanted.shape[1], p=c / c.sum()) for c in count])
    draws = wanted * np.exp(np.take_along_axis(errors, picks, axis=1))
    return Practice(
        draws,
        chosen.observed[scored],
        chosen.index[scored],
        int((kept & ~usable).sum()),
        curve.parameters(best[0]),
    )


class Curve:
    """A law as a function of unconstrained numbers: logarithms of what must be positive.

    Coefficients stand as their terms at the pivot, so that the priors' middles are sensible starts
    and no two numbers trade against each other over many orders of magnitude.
    """

    def __init__(self, design: Design) -> None:
        self.design = design
        self.single = [p for p in self._all() if p.by is None]
        self.kinds = [p for p in self._all() if p.by is not None]

    def _all(self) -> tuple[Parameter, ...]:
        return self.design.law.parameters_of(self.design.response)

    def _levels(self, p: Parameter) -> list[str]:
        assert p.by is not None
        return self.design.levels[p.by.symbol]

    def _codes(self, p: Parameter) -> np.ndarray:
        assert p.by is not None
        return self.design.inputs[p.by.symbol].astype(int)

    def known(self, kept: np.ndarray) -> np.ndarray:
        """Tell the rows whose kinds are all among the kept rows, or that are of no kind."""
        found = np.ones(len(kept), dtype=bool)
        for p in self.kinds:
            codes = self._codes(p)
            found &= np.isin(codes, codes[kept]) | (codes == len(self._levels(p)))
        return found

    def starts(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Medians of the priors, and draws from them: shape (count, numbers)."""
        q = np.vstack([np.full(len(self.single), 0.5), rng.random((count - 1, len(self.single)))])
        columns = []
        for p, at in zip(self.single, q.T, strict=True):
            assert isinstance(p.prior, Prior)
            value = p.prior.quantile(at)
            columns.append(np.log(value) if p.prior.positive else value)
        theta = np.column_stack(columns)
        for p in self.kinds:
            theta = np.hstack([theta, np.tile(_ladder(p, self._levels(p)), (count, 1))])
        return theta

    def parameters(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        """Parameters by symbol in the paper's units, of shape ``theta.shape[:-1]``."""
        made = {}
        for p, number in zip(self.single, np.moveaxis(theta, -1, 0), strict=False):
            assert isinstance(p.prior, Prior)
            made[p.symbol] = np.exp(number) if p.prior.positive else number
        for p in self.single:
            if p.term is not None:
                shape = call(p.term, {**self.design.pivots, **made})
                at_pivot = made[p.symbol]
                made[p.symbol] = shape / at_pivot if p.divides else at_pivot / shape
        first = len(self.single)
        for p in self.kinds:
            last = first + len(self._levels(p))
            made[p.symbol] = np.exp(theta[..., first:last])
            first = last
        return made

    def log(self, theta: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Logarithm of the law's response in some rows, shape ``(*theta.shape[:-1], rows)``."""
        values = {s: v[rows] for s, v in self.design.inputs.items()}
        made = self.parameters(theta)
        values |= {p.symbol: made[p.symbol][..., None] for p in self.single}
        for p in self.kinds:
            eff = made[p.symbol]
            off = np.full((*eff.shape[:-1], 1), p.off)
            values[p.symbol] = np.concatenate([eff, off], axis=-1)[..., self._codes(p)[rows]]
        mean = self.design.law.evaluate(self.design.response, values)
        return np.asarray(np.log(np.clip(mean, TINY, 1e300)))


def _ladder(p: Parameter, labels: list[str]) -> np.ndarray:
    """Log values of the kinds in the middle of their prior."""
    assert isinstance(p.prior, OrderedByBits)
    rate = float(p.prior.rate.quantile(0.5))
    log_lost: list[float] = []
    for above, below_4 in zip(*p.prior.steps(labels), strict=True):
        first = np.log(-np.log(p.prior.at_4_bits)) + rate * below_4
        log_lost.append(first if above == 0 else log_lost[-1] - rate * above)
    return -np.exp(np.array(log_lost))


def huber(residuals: np.ndarray, delta: float = DELTA) -> np.ndarray:
    """Half the square near 0, and delta times the distance farther out."""
    size = np.abs(residuals)
    return np.where(size <= delta, size**2 / 2, delta * (size - delta / 2))


def minimise(
    residuals: Callable[[np.ndarray], np.ndarray],
    theta: np.ndarray,
    weights: np.ndarray,
    iterations: int = 3000,
) -> np.ndarray:
    """Minimise the weighted Huber losses of many fits at once, each from its own start.

    Levenberg and Marquardt's damped steps on the squares that touch the Huber loss from above where
    the fit stands: a step that is taken never makes the loss worse.

    Parameters
    ----------
    residuals : callable
        From parameters of shape (..., numbers) to residuals of shape (..., rows).
    theta : ndarray of float, shape (fits, numbers)
        Starts.
    weights : ndarray of float, shape (fits, rows) or (1, rows)
        How often each row counts.

    Returns
    -------
    ndarray of float, shape (fits, numbers)
    """
    theta = theta.copy()
    fits, numbers = theta.shape
    weights = np.broadcast_to(weights, (fits, weights.shape[1]))
    damping = np.full(fits, 1e-3)
    calm = np.zeros(fits, dtype=int)
    steps = np.vstack([np.zeros(numbers), DIFFERENCE * np.eye(numbers)])
    for _ in range(iterations):
        going = np.flatnonzero(calm < 15)
        if not len(going):
            break
        at = theta[going]
        around = residuals(at[:, None, :] + steps)
        now = around[:, 0]
        slope = (around[:, 1:] - around[:, :1]) / DIFFERENCE
        weight = weights[going] * np.minimum(1.0, DELTA / np.maximum(np.abs(now), TINY))
        weighted = slope * weight[:, None, :]
        gradient = (weighted @ now[:, :, None])[..., 0]
        hessian = weighted @ slope.transpose(0, 2, 1)
        diagonal = np.einsum("fii->fi", hessian)
        # A number that no row speaks of stays where it is.
        ridge = damping[going, None] * diagonal + 1e-12 * diagonal.max(axis=1, keepdims=True)
        hessian = hessian + (ridge + TINY)[..., None] * np.eye(numbers)
        step = np.linalg.solve(hessian, -gradient[..., None])[..., 0]
        longest = np.abs(step).max(axis=1, keepdims=True)
        step *= np.minimum(1.0, STEP / np.maximum(longest, TINY))
        before = (weights[going] * huber(now)).sum(axis=1)
        after = (weights[going] * huber(residuals(at + step))).sum(axis=1)
        better = after < before
        theta[going[better]] += step[better]
        damping[going] = np.clip(np.where(better, 0.2, 5.0) * damping[going], 1e-9, 1e9)
        gained = np.where(better, 1 - after / np.maximum(before, TINY), 0.0)
        calm[going] = np.where(gained > 1e-8, 0, calm[going] + 1)
    return theta
