"""What a discrepancy is: how wrong a law is taken to be.

What lies above the asymptote, or the whole degradation, is the law's times ``exp(g)``, where the
misfit g is a Gaussian process over the sizes (:mod:`bayesq.model.field`) of scale tau. The
degradation of a format may also deviate in its own way, of scale tau_format. Kennedy & O'Hagan
2001, "Bayesian Calibration of Computer Models", for the term; the priors of tau and tau_format, the
exponent H and the reach are learned from pools, in ``case_studies/backtests``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesq.errors import BayesqError
from bayesq.law.law import Response
from bayesq.law.parameter import Parameter
from bayesq.law.prior import Prior

# Bits, or doublings of a group, over which the misfits of formats are alike.
REACH = 2.0


@dataclass(frozen=True)
class Discrepancy:
    """How wrong a law is taken to be.

    Parameters
    ----------
    drift : Prior
        Prior of tau, the relative misfit that a law gathers in a decade.
    format : Prior, optional
        Prior of tau_format, the relative misfit of a format of its own; by default formats have
        none.
    hurst : float
        The exponent H, between 0 (rough) and 1 (a straight line).
    reach : float
        How far in bits, or doublings of a group, the misfits of formats have something in common:
        the length of the Matern process; 0 for formats that have nothing in common.
    """

    drift: Prior
    format: Prior | None = None
    hurst: float = 0.95
    reach: float = REACH

    def parameters(self, of_formats: bool) -> tuple[Parameter, ...]:
        """List its parameters, with that of formats' own misfits where there are any."""
        drift = Parameter("tau", self.drift, "1", "relative misfit of the law in a decade")
        if self.format is None or not of_formats:
            return (drift,)
        own = Parameter("tau_format", self.format, "1", "relative misfit of a format of its own")
        return (drift, own)

    def to_dict(self) -> dict[str, Any]:
        """Describe it, ready for JSON."""
        own = None if self.format is None else self.format.to_dict()
        return {
            "drift": self.drift.to_dict(),
            "format": own,
            "hurst": self.hurst,
            "reach": self.reach,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Discrepancy:
        """Make one from what :meth:`to_dict` returned."""
        own = data["format"]
        return cls(
            Prior.from_dict(data["drift"]),
            None if own is None else Prior.from_dict(own),
            float(data["hurst"]),
            float(data["reach"]),
        )


# What pools of runs taught about how wrong laws are. The numbers come from
# ``case_studies/backtests/learn.py``, which fits each pool and then the spread of tau and
# tau_format over pools; the table beside it scores every pool with what the others teach.
LEARNED: dict[Response, Discrepancy] = {
    "loss": Discrepancy(drift=Prior("LogNormal", mu=-1.99, sigma=0.56)),
    "degradation": Discrepancy(
        drift=Prior("LogNormal", mu=0.09, sigma=1.01),
        format=Prior("LogNormal", mu=-0.99, sigma=0.86),
    ),
}

# For checkpoints of one schedule. A degradation grows faster as the learning rate decays, which the
# checkpoints before say little of: so the misfit is rougher, and its prior lies above what these
# alone would say. Chosen where intervals of 90 % hold about that share of the later checkpoints
# (``case_studies/backtests/schedules.py``). One source only, OLMo-1B, taught this, so the prior is
# wide. Its losses in full precision asked for nothing else than the default.
LEARNED_ALONG_A_SCHEDULE: dict[Response, Discrepancy] = LEARNED | {
    "degradation": Discrepancy(
        drift=Prior("LogNormal", mu=0.18, sigma=0.5),
        format=LEARNED["degradation"].format,
        hurst=0.5,
    )
}


def find_discrepancy(
    asked: bool | Discrepancy, response: Response, schedule: bool = False
) -> Discrepancy | None:
    """Return the discrepancy that was asked for.

    Parameters
    ----------
    asked : bool or Discrepancy
        True for the learned one, False for none.
    response : {"loss", "degradation"}
        What is fitted.
    schedule : bool
        Whether the rows are checkpoints of one schedule: these have a learned one of their own.

    Raises
    ------
    BayesqError
        If it is something else.
    """
    if asked is False:
        return None
    learned = LEARNED_ALONG_A_SCHEDULE if schedule else LEARNED
    found = learned[response] if asked is True else asked
    if not isinstance(found, Discrepancy):
        raise BayesqError(f"discrepancy is {asked!r}; pass True, False or a bayesq.Discrepancy.")
    return found


def with_misfit(law: Any, floor: Any, misfit: Any) -> Any:
    """Bend what lies of a law above its asymptotes by a log misfit: the mean of runs."""
    return floor + (law - floor) * np.exp(misfit)
