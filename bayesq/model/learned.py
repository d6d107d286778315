"""What pools of runs taught about how wrong laws are: the default discrepancies.

The numbers come from ``case_studies/backtests/learn.py``, which fits each pool and then the spread
of tau and tau_format over pools; the table beside it scores every pool with what the others teach.
"""

from __future__ import annotations

from bayesq.errors import BayesqError
from bayesq.law.law import Response
from bayesq.law.prior import Prior
from bayesq.model.design import Design
from bayesq.model.discrepancy import Discrepancy, Surface, surface

LEARNED: dict[Response, Discrepancy] = {
    "loss": Discrepancy(drift=Prior("LogNormal", mu=-1.99, sigma=0.56)),
    "degradation": Discrepancy(
        drift=Prior("LogNormal", mu=0.09, sigma=1.01),
        format=Prior("LogNormal", mu=-0.99, sigma=0.86),
    ),
}


def lay(chosen: Design, discrepancy: bool | Discrepancy) -> tuple[Discrepancy, Surface] | None:
    """Lay the discrepancy that was asked for over the rows of a fit.

    Parameters
    ----------
    chosen : Design
        The rows.
    discrepancy : bool or Discrepancy
        True for the learned one, False for none.

    Raises
    ------
    BayesqError
        If it is something else.
    """
    if discrepancy is False:
        return None
    found = LEARNED[chosen.response] if discrepancy is True else discrepancy
    if not isinstance(found, Discrepancy):
        raise BayesqError(
            f"discrepancy is {discrepancy!r}; pass True, False or a bayesq.Discrepancy."
        )
    laid = surface(chosen.law, chosen.response, chosen.inputs, chosen.pivots, found)
    return found, laid
