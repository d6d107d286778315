"""A fit's model as PyMC's own functions take it: priors as they are stated, rows by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, override

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from pytensor.graph.traversal import ancestors

from bayesq.errors import BayesqError
from bayesq.model.compose import at_rows
from bayesq.model.given import given
from bayesq.model.specification import Specification


class StatedModel(pm.Model):  # type: ignore[misc]
    """A model that knows the draws of its fit, and completes those that leave variables out.

    PyMC draws anew whatever variable a trace lacks. A fit's ``posterior`` has the parameters of law
    and noise only: with it alone, misfit and effects would silently come from their priors. Here
    the rest of the same draw is put beside them, found by the values that are there.

    Attributes
    ----------
    drawn : Dataset or None
        Every variable of the fit's draws, dimensions chain and draw.
    left_out : set of str
        Variables that the fit's own ``posterior`` leaves to other groups.
    """

    drawn: xr.Dataset | None = None
    left_out: frozenset[str] = frozenset()

    @override
    def compile_fn(self, outs: Any, *, inputs: Any = None, **options: Any) -> Any:
        known = set(inputs or ())
        unseen = {v for v in self.free_RVs if v.name in self.left_out}
        held = known & {*self.free_RVs, *self.deterministics}
        wanted = outs if isinstance(outs, list | tuple) else [outs]
        lacking = unseen & set(ancestors(wanted, blockers=known))
        if self.drawn is None or not lacking or not held or held & unseen:
            return super().compile_fn(outs, inputs=inputs, **options)
        rest = sorted(lacking, key=lambda v: str(v.name))
        compiled = super().compile_fn(outs, inputs=[*inputs, *rest], **options)
        return _Completing(compiled, self.drawn, [v.name for v in held], [v.name for v in rest])


class _Completing:
    """A compiled function that is given the rest of each draw.

    Parameters
    ----------
    function : callable
        What PyMC compiled; its inputs are read off it.
    drawn : Dataset
        The draws.
    given, rest : list of str
        Variables by which a draw is known, and those that are put beside.
    """

    def __init__(self, function: Any, drawn: xr.Dataset, given: list[str], rest: list[str]) -> None:
        self.maker = function.maker
        self._function, self._given = function, given
        flat = drawn[[*given, *rest]].stack(sample=("chain", "draw")).transpose("sample", ...)
        values = {name: flat[name].values for name in (*given, *rest)}
        self._rest = {
            self._key({name: values[name][i] for name in given}): {
                name: values[name][i] for name in rest
            }
            for i in range(flat.sizes["sample"])
        }

    def _key(self, point: Mapping[str, Any]) -> tuple[bytes, ...]:
        return tuple(np.asarray(point[name], dtype=float).tobytes() for name in self._given)

    def __call__(self, **point: Any) -> Any:
        rest = self._rest.get(self._key(point))
        if rest is None:
            raise BayesqError(
                "The draws that were given are not those of this fit, and lack "
                f"{', '.join(next(iter(self._rest.values())))}, which PyMC would draw from their "
                "priors; pass fit.trace, which has every variable of fit.model."
            )
        return self._function(**point, **rest)


class OfRows(NamedTuple):
    """One array of the model that has a value, or several, for each row."""

    name: str
    dims: tuple[str, ...]
    values: np.ndarray


def rows_of(specification: Specification) -> dict[str, OfRows]:
    """Name what the model takes of each row, inputs by the paper's symbols.

    All else that stands in :func:`bayesq.model.given.given` is a number of the priors, or for the
    sampler's coordinates.

    Returns
    -------
    dict of str to OfRows
        By the name that `given` gives it.
    """
    design = specification.design
    # Numbers of kinds and studies are in the arrays that begin with "is_".
    pooled = [design.pooling.by] if design.pooling else []
    numbers = {*design.levels, *pooled}
    found = {}
    for name, values in given(specification).items():
        kind, _, of = name.partition("_")
        named = {
            "input": OfRows(of, ("row",), values),
            "basis": OfRows(f"misfit_basis_{of}", ("row", f"{of}_part"), values),
            "group": OfRows(f"{of}_of_row", ("row", f"effect_{of}_group"), values),
            "is": OfRows(f"{of}_of_row", ("row", of if of in pooled else f"{of}_or_none"), values),
        }.get(kind)
        if name == "loss_se" and specification.noise.takes_errors:
            named = OfRows(name, ("row",), values)
        if named is not None and not (kind == "input" and of in numbers):
            found[name] = named
    return found


def stated(specification: Specification) -> pm.Model:
    """Write down the model of a fit as it is stated.

    Parameters
    ----------
    specification : Specification
        What is fitted.

    Returns
    -------
    pymc.Model
        Free variables are the parameters of law, noise and misfit under their names in a
        posterior, each with its prior; coefficients with a term are deterministic. The observed
        variable has the name of the response and is in nats per token. What it takes of each row
        is data, inputs under the paper's symbols.
    """
    design = specification.design
    rows = rows_of(specification)
    coords: dict[str, Any] = {"row": design.index, **design.levels}
    if design.pooling is not None:
        coords[design.pooling.by] = list(design.pooling.names)
    for of in rows.values():
        for dim, count in zip(of.dims, of.values.shape, strict=True):
            coords.setdefault(dim, range(count))
    with StatedModel(coords=coords) as model:
        data = {
            name: float(value) if value.ndim == 0 else pt.constant(value)
            for name, value in given(specification).items()
        }
        data |= {name: pm.Data(of.name, of.values, dims=of.dims) for name, of in rows.items()}
        mean, values = at_rows(specification, data, to_sample=False, to_draw=True)
        measured = pm.Data(f"measured_{design.response}", design.observed, dims="row")
        specification.noise.observe_in_nats(design.response, mean, values, measured)
    return model
