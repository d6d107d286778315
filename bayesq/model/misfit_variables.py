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

from bayesq.model.coordinates import distribution
from bayesq.model.field import PARTS
from bayesq.model.study_fields import AnyField


@dataclass(frozen=True, eq=False)
class Centre:
    """Around what the sampler moves: the misfit that rows show, given the law's parameters.

    Parameters
    ----------
    floor : tensor or float
        Sum of the asymptotes.
    law : tensor, shape (rows,)
        The law above them.
    sigma : tensor
        Relative noise.
    """

    floor: Any
    law: Any
    sigma: Any

    def shown(self, rows: Mapping[str, Any]) -> Any:
        """Log misfit that would put the law on the measured values, shape (rows,)."""
        return pt.log(self._above(rows) / pt.maximum(self.law, 1e-12))

    def relative_noise(self, rows: Mapping[str, Any]) -> Any:
        """Noise as a share of what lies above the asymptotes, less the shares that ``tells`` has.

        In a table of few rows it follows the asymptotes; elsewhere these hardly move.
        """
        if "usual_above" not in rows:
            return self.sigma
        mean = pt.sum(rows["counted"] * self._above(rows)) / pt.sum(rows["counted"])
        return self.sigma * rows["usual_above"] / mean

    def _above(self, rows: Mapping[str, Any]) -> Any:
        return pt.maximum(rows["seen"] - self.floor, rows["least"])


def log_misfit(field: AnyField, rows: Mapping[str, Any], centre: Centre | None) -> Any:
    """Make the variables of the discrepancy in the model at hand, and give each row its misfit.

    Parameters
    ----------
    field : Field or StudyFields
        The discrepancy over the rows.
    rows : mapping of str to tensor
        What the model takes from its rows, as :func:`bayesq.model.given.given` names it.
    centre : Centre, optional
        For the model that is sampled. Without it the parts are random variables of their own.

    Returns
    -------
    tensor, shape (rows,)
    """
    model = pm.modelcontext(None)
    scales = {p.symbol: distribution(p) for p in field.parameters}
    bases = {name: rows[f"basis_{name}"] for name in PARTS if f"basis_{name}" in rows}
    parts = {name: basis.get_value().shape[1] for name, basis in bases.items()}
    for name, count in parts.items():
        model.add_coord(f"{name}_part", range(count))
    if centre is None:
        return sum(
            scales[PARTS[name]]
            * pt.dot(basis, pm.Normal(f"misfit_{name}", 0.0, 1.0, dims=f"{name}_part"))
            for name, basis in bases.items()
        )
    scale = pt.concatenate([pt.ones(n) * scales[PARTS[name]] for name, n in parts.items()])
    sizes, log = _told(sum(parts.values()), scale, rows, centre)
    start = 0
    for name, count in parts.items():
        own = sizes[start : start + count] / scales[PARTS[name]]
        pm.Deterministic(f"misfit_{name}", own, dims=f"{name}_part")
        start += count
    return log


def _told(count: int, scale: Any, rows: Mapping[str, Any], centre: Centre) -> tuple[Any, Any]:
    """Make the parts of the field, times their scales, from what the rows leave open of them.

    Returns
    -------
    tuple of tensor
        The parts, and the misfit of each row.
    """
    turn, turned = rows["turn"], rows["turned"]
    free = pm.Flat("centred_misfit", shape=count, initval=np.zeros(count))
    # Student-t scatter of a few degrees of freedom is half as wide again as its scale.
    noise = 1.5 * centre.relative_noise(rows) ** 2
    # The vector first: XLA compiles a product with a transposed matrix ten times worse.
    precision = rows["told"] / noise + pt.dot(scale**-2, turn**2)
    mean = pt.dot(rows["tells"] * centre.shown(rows), turned) / noise / precision
    directions = mean + free / pt.sqrt(precision)
    sizes = pt.dot(turn, directions)
    prior = pt.sum(pm.logp(pm.Normal.dist(0.0, scale), sizes))
    pm.Potential("log_prior_misfit", prior - pt.sum(pt.log(precision)) / 2)
    return sizes, pt.dot(turned, directions)
