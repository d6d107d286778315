"""From a PyMC model to JAX functions of a point and of what the model takes from its rows.

PyMC's model stays the one statement of what is fitted; here it is translated, once a law.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pymc.initial_point import make_initial_point_expression
from pymc.model.transform.conditioning import remove_value_transforms
from pytensor.compile import JAX, SharedVariable
from pytensor.graph import FunctionGraph, clone_replace, graph_inputs, rewrite_graph
from pytensor.link.jax.dispatch import jax_funcify

from bayesq.model.compose import compose
from bayesq.model.coordinates import COORDINATES
from bayesq.model.given import Given
from bayesq.model.specification import Specification
from bayesq.sampling.told import Told


@dataclass(frozen=True, eq=False)
class Translated:
    """A model as functions of a point in the sampler's coordinates and of its rows.

    Parameters
    ----------
    coordinates : int
        Length of a point.
    density : callable
        From a point, shape ``(coordinates,)``, and the arrays of
        :func:`bayesq.model.given.given`, in their order, to a list of one number, the log density
        of the posterior.
    start : callable
        From those arrays to a list of the one point at the middle of the priors.
    tell : callable
        From a point and those arrays to a list of arrays, as `told` lists them, of these shapes.
    told : tuple of Told
        What a draw tells.
    """

    coordinates: int
    density: Callable[..., Any]
    start: Callable[..., Any]
    tell: Callable[..., Any]
    told: tuple[Told, ...]


def translate(specification: Specification, rows: Given) -> Translated:
    """Translate the model of a fit.

    Parameters
    ----------
    specification : Specification
        What is fitted.
    rows : dict of str to ndarray
        What the model takes from its rows. The functions depend on the shapes alone.
    """
    sampled = compose(specification, rows=rows)
    stated = compose(specification, rows=rows, to_sample=False)
    data = data_of(rows)
    free = sampled.free_RVs
    sizes, dims = _sizes(sampled), sampled.named_vars_to_dims
    shapes = [
        tuple(sizes[d] for d in dims[v.name]) if v.name in dims else tuple(map(int, v.type.shape))
        for v in free
    ]
    point = pt.tensor("point", shape=(sum(math.prod(s) for s in shapes),))
    ends = np.cumsum([math.prod(s) for s in shapes])
    pieces = [
        point[end - math.prod(s) : end].reshape(s) for s, end in zip(shapes, ends, strict=True)
    ]
    at_point = {sampled.rvs_to_values[v]: piece for v, piece in zip(free, pieces, strict=True)}
    told, tells = _told(sampled, stated, specification.response)
    starts = make_initial_point_expression(
        free_rvs=free,
        rvs_to_transforms=sampled.rvs_to_transforms,
        initval_strategies=sampled.rvs_to_initial_values,
        return_transformed=True,
    )
    start = pt.concatenate(
        [pt.broadcast_to(v, s).ravel() for v, s in zip(starts, shapes, strict=True)]
    )
    return Translated(
        int(ends[-1]),
        to_jax([point], data, [sampled.logp()], at_point),
        to_jax([], data, [start], {}),
        to_jax([point], data, tells, at_point),
        told,
    )


def _told(sampled: pm.Model, stated: pm.Model, response: str) -> tuple[tuple[Told, ...], list[Any]]:
    """List what a draw tells, and the graphs that tell it from the sampled model's values."""
    drawn = {v.name: v for v in sampled.unobserved_value_vars}
    names = [
        v.name
        for v in (*sampled.free_RVs, *sampled.deterministics)
        if not v.name.startswith(COORDINATES)
    ]
    plain = remove_value_transforms(stated)
    values = {plain.rvs_to_values[v]: drawn[v.name] for v in plain.free_RVs}
    terms = plain.logp(vars=[*plain.free_RVs, *plain.observed_RVs], sum=False, jacobian=False)
    densities = clone_replace(list(terms), values)
    dims = sampled.named_vars_to_dims | stated.named_vars_to_dims
    sizes = _sizes(sampled) | _sizes(stated)
    found = [("posterior", name) for name in names]
    found += [("log_prior", v.name) for v in plain.free_RVs]
    found.append(("log_likelihood", response))
    told = tuple(
        Told(group, name, tuple(own), tuple(sizes[d] for d in own))
        for group, name in found
        for own in [dims.get(name, ())]
    )
    return told, [*(drawn[name] for name in names), *densities]


def _sizes(model: pm.Model) -> dict[str, int]:
    """Sizes of the dimensions of a model."""
    return {d: len(c) for d, c in model.coords.items() if c is not None}


def data_of(rows: Given) -> dict[str, Any]:
    """Make the variables that stand for what a model takes from its rows."""
    # Of fixed shapes, which a JAX function must know.
    return {name: pt.tensor(name, shape=value.shape) for name, value in rows.items()}


def to_jax(
    inputs: list[Any], data: Mapping[str, Any], outputs: list[Any], known: Mapping[Any, Any]
) -> Callable[..., Any]:
    """Turn graphs into a JAX function of `inputs` and `data`."""
    graphs = clone_replace(outputs, dict(known), rebuild_strict=False)
    # By name: PyMC copies data variables when it takes a model apart.
    # Whatever else is shared is the length of a dimension.
    held = {
        v: data[v.name] if v.name in data else pt.constant(v.get_value(), dtype=v.dtype)
        for v in graph_inputs(graphs)
        if isinstance(v, SharedVariable)
    }
    graphs = clone_replace(graphs, held, rebuild_strict=False)
    # As PyMC does before it compiles: what is numerically delicate is written stably, and checks of
    # parameters are left out, which JAX cannot make.
    stable = rewrite_graph(
        graphs, include=("canonicalize", "stabilize", "local_remove_check_parameter")
    )
    # What pymc.sampling.jax.get_jaxified_graph does; that module asks XLA for a hundred devices.
    graph = FunctionGraph(inputs=[*inputs, *data.values()], outputs=list(stable), clone=True)
    JAX.optimizer.rewrite(graph)
    made: Callable[..., Any] = jax_funcify(graph)
    return made
