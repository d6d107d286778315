"""The variables of the discrepancy in a PyMC model, where the sampler finds them easily.

Law and misfit trade against each other: where the law bends less, the misfit bends more, and the
data determine the two together to a fraction of a per cent. So the sampler does not move in the
parts of the field. Given the law's parameters and the scales, the rows tell the parts as a linear
regression with normal noise would; the sampler moves in what is left, the parts less the mean of
that regression, over its standard deviations, which is nearly standard normal whatever the law's
parameters are. The priors stay where they are, by the Jacobian of that change; and how well the
approximation holds decides how fast the sampler is, not what it finds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayesq.model.coordinates import distribution, median_of
from bayesq.model.discrepancy import PARTS, Discrepancy
from bayesq.model.surfaces import Laid

# A degradation of so many nats has noise as large as itself, about.
_LOST_IN_NOISE = 0.001
# What lies above the asymptote is at least this share of a loss.
_LEAST_ABOVE = 0.02


@dataclass(frozen=True, eq=False)
class Centre:
    """What rows tell of their misfit, once the law's parameters are given.

    Parameters
    ----------
    observed : ndarray of float, shape (rows,)
        Measured values, nats per token.
    floor : tensor or float
        Sum of the asymptotes.
    law : tensor, shape (rows,)
        The law above them.
    sigma : tensor
        Relative noise.
    replaceable : bool
        Whether what the rows tell is data variables, as the measured values then are.
    """

    observed: np.ndarray
    floor: Any
    law: Any
    sigma: Any
    replaceable: bool = False

    def seen(self, observed: Any, least: Any) -> Any:
        """Log misfit that would put the law on the measured values, shape (rows,)."""
        above = pt.maximum(observed - self.floor, least)
        return pt.log(above / pt.maximum(self.law, 1e-12))

    def least(self) -> np.ndarray:
        """Say what of each value lies above the asymptote at least."""
        return np.maximum(_LEAST_ABOVE * np.abs(self.observed), _LOST_IN_NOISE / 10)

    def weights(self) -> np.ndarray:
        """How well a row tells its misfit, 1 for one whose relative noise is sigma."""
        size = np.abs(self.observed)
        if isinstance(self.floor, float):
            weight = (size / (size + _LOST_IN_NOISE)) ** 2
            return np.asarray(np.where(self.observed > 0, weight, 0.0))
        # A share of the noise of a loss: about half of a typical one lies above the asymptote.
        middle = float(np.exp(np.log(size).mean()))
        return np.asarray((np.maximum(size - 0.5 * middle, 0.1 * size) / size) ** 2)


def log_misfit(
    discrepancy: Discrepancy,
    laid: Laid,
    inputs: Mapping[str, np.ndarray],
    centre: Centre | None,
) -> Any:
    """Make the variables of the discrepancy in the model at hand, and give each row its misfit.

    Parameters
    ----------
    discrepancy, laid : Discrepancy, Surface or Surfaces
        How wrong the law may be, over the rows.
    inputs : mapping of str to ndarray
        Inputs of the law, each of shape ``(rows,)``.
    centre : Centre, optional
        For the model that is sampled. Without it the parts are random variables of their own.

    Returns
    -------
    tensor, shape (rows,)
    """
    model = pm.modelcontext(None)
    scales = {p.symbol: distribution(p) for p in discrepancy.parameters(laid)}
    bases = {n: b for n, b in laid.bases(inputs).items() if PARTS[n] in scales and b.shape[1]}
    for name, basis in bases.items():
        model.add_coord(f"{name}_part", range(basis.shape[1]))
    if centre is None:
        return sum(
            scales[PARTS[name]]
            * pt.dot(basis, pm.Normal(f"misfit_{name}", 0.0, 1.0, dims=f"{name}_part"))
            for name, basis in bases.items()
        )
    basis = np.hstack(list(bases.values()))
    scale = pt.concatenate([pt.ones(b.shape[1]) * scales[PARTS[n]] for n, b in bases.items()])
    medians = {p.symbol: median_of(p) for p in discrepancy.parameters(laid)}
    usual = np.concatenate([np.full(b.shape[1], medians[PARTS[n]]) for n, b in bases.items()])
    sizes = _told(basis, scale, usual, centre)
    start = 0
    for name, own in bases.items():
        stop = start + own.shape[1]
        parts = sizes[start:stop] / scales[PARTS[name]]
        pm.Deterministic(f"misfit_{name}", parts, dims=f"{name}_part")
        start = stop
    return pt.dot(basis, sizes)


def _told(basis: np.ndarray, scale: Any, usual: np.ndarray, centre: Centre) -> Any:
    """Make the parts of the field, times their scales, from what the rows leave open of them.

    In directions in which the regression's precision is diagonal: exactly where the scales are as
    usual, and nearly so elsewhere.
    """
    weighted = basis * centre.weights()[:, None]
    told, turn = np.linalg.eigh(usual[:, None] * (basis.T @ weighted) * usual)
    turn = usual[:, None] * turn
    given: Any = (centre.observed, centre.least(), np.maximum(told, 0.0), turn, weighted @ turn)
    if centre.replaceable:
        given = [pm.Data(f"centre_{i}", value) for i, value in enumerate(given)]
    observed, least, told, turn, weighted = given
    free = pm.Flat("centred_misfit", shape=basis.shape[1], initval=np.zeros(basis.shape[1]))
    # Student-t scatter of a few degrees of freedom is half as wide again as its scale.
    noise = 1.5 * centre.sigma**2
    precision = told / noise + pt.dot((turn**2).T, scale**-2)
    mean = pt.dot(weighted.T, centre.seen(observed, least)) / noise / precision
    sizes = pt.dot(turn, mean + free / pt.sqrt(precision))
    prior = pt.sum(pm.logp(pm.Normal.dist(0.0, scale), sizes))
    pm.Potential("log_prior_misfit", prior - pt.sum(pt.log(precision)) / 2)
    return sizes
