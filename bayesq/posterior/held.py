"""Draws whose misfit is drawn at some scenarios once, for all that is asked of them after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from bayesq.model.field import PARTS, Field
from bayesq.model.hierarchy import NEW
from bayesq.model.study_fields import AnyField, StudyFields, nowhere
from bayesq.posterior.division import MISFIT
from bayesq.posterior.fit import Fit
from bayesq.posterior.posterior import Posterior
from bayesq.posterior.study import StudyFit

_OVER = ("chain", "draw")


def held_at(
    fit: Posterior, inputs: Mapping[str, Mapping[str, np.ndarray]], rng: np.random.Generator
) -> Posterior:
    """Draw what the rows leave open of the misfit at scenarios, and hold each draw to it.

    What is asked of two predictions of one fit is apart where its rows leave the misfit open. Of
    what this returns, whatever is asked belongs to one field a draw, which is known at the
    scenarios: an answer there has no misfit left to draw, one nearby little.

    Parameters
    ----------
    fit : Posterior
        A fit, or one study of a pooled one; draws that know no misfit are returned as they are.
    inputs : mapping of str to mapping
        Inputs of the scenarios by symbol, by the study that they are of: its name or ``"new"`` of a
        pooled fit, any one name of another.
    rng : Generator
        For what is drawn.

    Returns
    -------
    Posterior
        The same law and draws, with more independent parts of the misfit.
    """
    if not isinstance(fit, Fit | StudyFit) or fit.field is None:
        return fit
    old = fit.field
    new: AnyField
    if isinstance(old, StudyFields):
        assert fit.pooling is not None  # as of all fields of studies
        fields = {s: f.held_at(inputs[s]) if s in inputs else f for s, f in _by_name(fit, old)}
        to_come = nowhere(old.of[0], fit.design.pivots)
        come = to_come.held_at(inputs[NEW]) if NEW in inputs else None
        new = replace(old, of=tuple(fields.values()), to_come=come)
    else:
        (only,) = inputs.values()
        new = old.held_at(only)
    draws = fit.posterior
    grown = {
        f"misfit_{name}": _grown(draws, name, old, new, rng)
        for name, scale in PARTS.items()
        if scale in draws
    }
    specification = replace(fit.specification, field=new)
    if isinstance(fit, StudyFit):
        return replace(fit, specification=specification, draws=_with(draws, grown))
    tree = fit.data.copy()
    tree[MISFIT] = xr.DataTree(_with(tree[MISFIT].to_dataset(), grown))
    return replace(fit, specification=specification, data=tree)


def _by_name(fit: Fit | StudyFit, fields: StudyFields) -> list[tuple[str, Field]]:
    assert fit.pooling is not None
    return list(zip(fit.pooling.names, fields.of, strict=True))


def _slices(field: AnyField, name: str) -> list[slice]:
    """Tell which independent parts are of which study."""
    if isinstance(field, Field):
        return [slice(0, field.counts[name])]
    return [field.parts(i)[name] for i in range(len(field.of) + 1)]


def _grown(
    draws: xr.Dataset, name: str, old: AnyField, new: AnyField, rng: np.random.Generator
) -> xr.Variable:
    """Put draws of the parts that are new behind those of the same study."""
    shape = tuple(draws.sizes[d] for d in _OVER)
    variable = f"misfit_{name}"
    known = draws[variable].values if variable in draws else np.empty((*shape, 0))
    pieces: list[Any] = []
    for before, after in zip(_slices(old, name), _slices(new, name), strict=True):
        more = (after.stop - after.start) - (before.stop - before.start)
        pieces += [known[..., before], rng.standard_normal((*shape, more))]
    return xr.Variable((*_OVER, f"{name}_part"), np.concatenate(pieces, axis=-1))


def _with(draws: xr.Dataset, grown: Mapping[str, xr.Variable]) -> xr.Dataset:
    dims = {variable.dims[-1] for variable in grown.values()}
    left = draws.drop_vars([*grown, *(d for d in dims if d in draws.coords)], errors="ignore")
    return left.assign(grown)
