"""The draws of a pooled fit, laid out by study for what looks at them one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import xarray as xr

from bayesq.law.parameter import Parameter
from bayesq.model.design import Design
from bayesq.model.hierarchy import Pooling, priors_of_studies
from bayesq.model.names import Names


def by_study(
    posterior: xr.Dataset, parameters: tuple[Parameter, ...], pooling: Pooling
) -> tuple[xr.Dataset, tuple[Parameter, ...]]:
    """Name each study's own parameters apart (``E[grid]``), each with its prior.

    Parameters
    ----------
    posterior : Dataset
        Draws of a pooled fit.
    parameters : tuple of Parameter
        As the law states them, the prior of an asymptote on its share.
    pooling : Pooling
        The studies.

    Returns
    -------
    posterior : Dataset
        With these as variables.
    parameters : tuple of Parameter
        Those that have one stated prior, and these. What is drawn towards a population has the
        population's.
    """
    found: list[Parameter] = []
    variables = {}
    for p in parameters:
        name = Names(p).prior_on(posterior)
        if p.by is not None or name == p.sampled_as:
            found.append(p)
            continue
        draws = posterior[name]
        for study, prior in zip(pooling.names, priors_of_studies(p, pooling), strict=True):
            own = replace(p, symbol=f"{p.symbol}[{study}]", prior=prior)
            variables[own.sampled_as] = draws.sel({pooling.by: study}, drop=True)
            found.append(own)
    return posterior.assign(variables), tuple(found)


def at_studies(medians: dict[str, Any], design: Design) -> dict[str, Any]:
    """Give each row the value of its study, of every parameter that differs between studies."""
    assert design.pooling is not None  # else there are no studies
    by = design.pooling.by
    codes = design.inputs[by].astype(int)
    return {
        name: medians[theirs][codes]
        for p in design.law.parameters_of(design.response)
        for name, theirs in Names(p).by_study(by).items()
        if theirs in medians
    }
