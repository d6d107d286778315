"""Which group of a fit's tree each variable stands in.

``posterior`` has what a reader asks for, the parameters of law and noise; ``misfit`` the scales and
parts of the law's misfit; ``auxiliary`` what the model is written in and nobody reports: terms at
the pivot that carry a prior, offsets of studies, steps between kinds, effects of runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version

import xarray as xr

from bayesq.law.parameter import Parameter
from bayesq.model.design import ORIGIN
from bayesq.model.field import SCALES
from bayesq.model.names import Names
from bayesq.model.specification import Specification
from bayesq.sampling.defaults import LIKELIHOOD, UNCONSTRAINED

POSTERIOR, MISFIT, AUXILIARY = GROUPS = ("posterior", "misfit", "auxiliary")
# Priors that a person states, and those inside the hierarchies below them.
LOG_PRIOR, INNER_LOG_PRIOR = PRIORS = ("log_prior", "log_prior_auxiliary")
STATS, FIELD = "sample_stats", "discrepancy"
_NAMED = (*GROUPS, *PRIORS, LIKELIHOOD, "observed_data", "constant_data", STATS, UNCONSTRAINED)
# What a sampler tells of itself is in no unit, but for how long it took.
_SECONDS = ("process_time_diff", "perf_counter_diff")
# As ArviZ has it.
_MADE_BY = ("created_at", "inference_library", "inference_library_version")
# In a hierarchy only the priors at its top are scaled (Kallioinen et al., 2024): those that a
# person states. The standard normal effects below them are part of the model.
INNER = ("effect_", "misfit_")


def arranged(
    groups: Mapping[str, xr.Dataset], specification: Specification
) -> dict[str, xr.Dataset]:
    """Arrange what was drawn in the groups of a tree, each variable with its unit.

    Parameters
    ----------
    groups : mapping of str to Dataset
        With all draws in ``posterior`` and all their priors in ``log_prior``.
    specification : Specification
        What was fitted.
    """
    parameters = specification.parameters
    units: dict[str, str] = {}
    for p in parameters:
        names = Names(p)
        units |= dict.fromkeys((p.symbol, *(names.by_study(by)[p.symbol] for by in ORIGIN)), p.unit)
        if p.by is not None:
            units[names.rate] = "1/bit"
    found = dict(groups)
    for group, divided in ((POSTERIOR, divide), (LOG_PRIOR, divide_log_prior)):
        if group in found:
            held = found.pop(group)
            for name, values in held.data_vars.items():
                unit = units.get(str(name), "1") if group == POSTERIOR else "1"
                values.attrs["units"] = unit
            found = {**divided(held, parameters), **found}
    stats = groups[STATS].attrs if STATS in groups else {}
    made_by = {name: stats[name] for name in _MADE_BY if name in stats}
    made_by |= {"creation_library": "bayesq", "creation_library_version": version("bayesq")}
    made_by["creation_library_language"] = "Python"
    for group, held in found.items():
        # The sites of a field lie on logarithms, or where inputs are no counts as they are.
        pure = group in (LIKELIHOOD, STATS, UNCONSTRAINED) or group.startswith(FIELD)
        if group in _NAMED or group.startswith(FIELD):
            held.attrs |= made_by
        for name, values in held.data_vars.items() if pure else ():
            values.attrs.setdefault("units", "s" if name in _SECONDS else "1")
    return found


def divide(draws: xr.Dataset, parameters: Iterable[Parameter]) -> dict[str, xr.Dataset]:
    """Divide draws among the groups of a tree.

    Parameters
    ----------
    draws : Dataset
        All variables of a model.
    parameters : iterable of Parameter
        Those of the fit.

    Returns
    -------
    dict of str to Dataset
        The groups that are not empty, by their names.
    """
    reported = _reported(parameters)
    groups: dict[str, list[str]] = {}
    for name in map(str, draws.data_vars):
        of_misfit = name in SCALES or name.startswith("misfit_")
        group = MISFIT if of_misfit else POSTERIOR if name in reported else AUXILIARY
        groups.setdefault(group, []).append(name)
    # In the order of a summary; those of the other groups as the model makes them.
    groups.get(POSTERIOR, []).sort(key=reported.index)
    return {group: draws[groups[group]] for group in GROUPS if group in groups}


def divide_log_prior(
    densities: xr.Dataset, parameters: Iterable[Parameter]
) -> dict[str, xr.Dataset]:
    """Tell the densities of stated priors from those inside the hierarchies below them.

    Power-scaling takes the former only.
    """
    offsets = {Names(p).offset for p in parameters}
    inner = [n for n in map(str, densities) if n.startswith(INNER) or n in offsets]
    stated = [n for n in map(str, densities) if n not in inner]
    found = {LOG_PRIOR: densities[stated], INNER_LOG_PRIOR: densities[inner]}
    return {group: held for group, held in found.items() if held.data_vars}


def join(tree: xr.DataTree, groups: Iterable[str]) -> xr.Dataset:
    """Put the variables of several groups together again, as far as a tree has these groups."""
    first, *others = (tree[group].to_dataset() for group in groups if group in tree.children)
    for other in others:
        first = first.assign({str(name): values for name, values in other.data_vars.items()})
    return first


def _reported(parameters: Iterable[Parameter]) -> list[str]:
    """List names under which rows of a summary are found among draws, in its order."""
    found: list[str] = []
    for p in parameters:
        names = Names(p)
        by_study = (names.by_study(by)[p.symbol] for by in ORIGIN)
        found += [p.symbol, names.rate, names.spread, *by_study]
    return found
