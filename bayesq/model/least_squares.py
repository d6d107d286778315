"""A law over unconstrained numbers, as least squares wants it."""

from __future__ import annotations

import numpy as np

from bayesq.law.kind import Kind
from bayesq.law.levels import OrderedByBits
from bayesq.law.parameter import Parameter
from bayesq.model.design import Design

_TINY = np.finfo(float).tiny


class Curve:
    """A law as a function of unconstrained numbers: logarithms of what must be positive.

    Coefficients stand as their terms at the pivot, so that the priors' middles are sensible starts
    and no two numbers trade against each other over many orders of magnitude.
    """

    def __init__(self, design: Design) -> None:
        self.design = design
        every = design.law.parameters_of(design.response)
        self.single = [p for p in every if p.by is None]
        # Of each parameter with kinds these kinds, and which of them each row is of.
        self.kinds = [
            (p, design.kinds[p.by.symbol], design.inputs[p.by.symbol].astype(int))
            for p in every
            if p.by is not None
        ]

    def known(self, kept: np.ndarray) -> np.ndarray:
        """Tell the rows whose kinds are all among the kept rows, or that are of no kind."""
        found = np.ones(len(kept), dtype=bool)
        for _, kinds, codes in self.kinds:
            found &= np.isin(codes, codes[kept]) | (codes == len(kinds))
        return found

    def starts(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Medians of the priors, and draws from them: shape (count, numbers)."""
        q = np.vstack([np.full(len(self.single), 0.5), rng.random((count - 1, len(self.single)))])
        columns = []
        for p, at in zip(self.single, q.T, strict=True):
            value = p.single_prior.quantile(at)
            columns.append(np.log(value) if p.prior.positive else value)
        theta = np.column_stack(columns)
        for p, kinds, _ in self.kinds:
            theta = np.hstack([theta, np.tile(_ladder(p, kinds), (count, 1))])
        return theta

    def parameters(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        """Parameters by symbol in the paper's units, of shape ``theta.shape[:-1]``."""
        made = {}
        for p, number in zip(self.single, np.moveaxis(theta, -1, 0), strict=False):
            made[p.symbol] = np.exp(number) if p.prior.positive else number
        # Without priors exponents may run away; what overflows is no fit.
        with np.errstate(all="ignore"):
            for p in self.single:
                made[p.symbol] = p.coefficient({**self.design.pivots, **made})
        first = len(self.single)
        for p, kinds, _ in self.kinds:
            last = first + len(kinds)
            made[p.symbol] = np.exp(theta[..., first:last])
            first = last
        return made

    def log(self, theta: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Logarithm of the law's response in some rows, shape ``(*theta.shape[:-1], rows)``."""
        values = {s: v[rows] for s, v in self.design.inputs.items()}
        made = self.parameters(theta)
        values |= {p.symbol: made[p.symbol][..., None] for p in self.single}
        for p, _, codes in self.kinds:
            eff = made[p.symbol]
            off = np.full((*eff.shape[:-1], 1), p.off)
            values[p.symbol] = np.concatenate([eff, off], axis=-1)[..., codes[rows]]
        with np.errstate(all="ignore"):
            mean = self.design.law.evaluate(self.design.response, values)
        return np.asarray(np.log(np.clip(mean, _TINY, 1e300)))


def _ladder(p: Parameter, kinds: list[Kind]) -> np.ndarray:
    """Log values of the kinds in the middle of their prior."""
    assert isinstance(p.prior, OrderedByBits)
    rate = float(p.prior.rate.quantile(0.5))
    log_lost: list[float] = []
    for above, below_4 in zip(*p.prior.steps(kinds), strict=True):
        first = np.log(-np.log(p.prior.at_4_bits)) + rate * below_4
        log_lost.append(first if above == 0 else log_lost[-1] - rate * above)
    return -np.exp(np.array(log_lost))
