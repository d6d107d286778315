"""Priors in a PyMC model: the one place where their distributions are PyMC's."""

from __future__ import annotations

from typing import Any

import pymc as pm

from bayesq.law.prior import Prior


def variable(name: str, prior: Prior, unit: Any = None, dims: str | None = None) -> Any:
    """Make the free variable of a prior in the model at hand.

    Parameters
    ----------
    name : str
        The variable's name.
    prior : Prior
        The prior.
    unit : float or tensor, optional
        What the prior is a share of: one number, or one for each level of `dims`.
    dims : str, optional
        Dimension of which each level has a value, by default none.
    """
    return getattr(pm, prior.distribution)(name, **_numbers(prior, unit), dims=dims)


def log_density(prior: Prior, value: Any, unit: Any = None) -> Any:
    """Log density of a prior at a tensor; `unit` as in :func:`variable`."""
    return pm.logp(getattr(pm, prior.distribution).dist(**_numbers(prior, unit)), value)


def _numbers(prior: Prior, unit: Any) -> dict[str, Any]:
    return dict(prior.parameters) if unit is None else prior.scaled_parameters(unit)
