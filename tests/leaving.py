"""Leaving units out of one fit, as a comparison does of several."""

from __future__ import annotations

from bayesq import Fit
from bayesq.comparison.left_out import LeftOut, estimate, refit
from bayesq.comparison.units import Unit
from bayesq.model.specification import Specification
from bayesq.progress import Progress


def leave_out(
    fit: Fit, specification: Specification | None, unit: Unit = "row", cure: str = "refit"
) -> LeftOut:
    """Tell what a fit says of each unit without it: :func:`estimate`, then :func:`refit`."""
    return refit({"": estimate(fit, specification, unit, cure, Progress())}, Progress())[""]
