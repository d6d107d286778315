"""One study of a pooled fit, a new one, or their population: a fit like any other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, override

import numpy as np
import xarray as xr

from bayesq.errors import BayesqError, nearest
from bayesq.fitting.result import Fit
from bayesq.law.law import Law, Response
from bayesq.law.parameter import Parameter
from bayesq.model.hierarchy import NEW, POPULATION, RESERVED, Pooling
from bayesq.model.names import Names
from bayesq.model.noise import Noise
from bayesq.model.surfaces import Surfaces, nowhere
from bayesq.notes import Note

_OVER = ("chain", "draw")


@dataclass(frozen=True, eq=False)
class StudyFit(Fit):
    """What a pooled fit says of one study. Made by :meth:`Fit.of_study`.

    Parameters
    ----------
    study : str
        Its name, ``"new"`` or ``"population"``.
    from_priors : tuple of str
        Symbols of parameters that were drawn from their priors.
    """

    study: str
    from_priors: tuple[str, ...]

    @property
    @override
    def title(self) -> str:
        kind = {NEW: "a new study", POPULATION: "the population of studies"}
        return f"{super().title}, {kind.get(self.study, f'study {self.study}')}"

    @property
    @override
    def noise(self) -> Noise | None:  # type: ignore[override]
        # A run belongs to some study.
        return None if self.study == POPULATION else self.scatter

    @property
    @override
    def rows(self) -> xr.Dataset | None:
        # Rows are of studies that were fitted, none of them this one.
        return None if self.study in (NEW, POPULATION) else super().rows

    @property
    @override
    def parameters(self) -> tuple[Parameter, ...]:
        return tuple(p for p in super().parameters if p.symbol in self.posterior)

    @property
    @override
    def standing_notes(self) -> tuple[Note, ...]:
        if not self.from_priors:
            return super().standing_notes
        drawn = Note(
            "base-from-prior",
            "severe",
            f"No row tells {', '.join(self.from_priors)} of a new study: its loss is the prior's.",
            "Name a study that was fitted, add runs of the new one, or ask about degradation.",
        )
        return (*super().standing_notes, drawn)

    @override
    def way_out(self, response: Response, lacking: list[str]) -> str:
        if self.study == POPULATION and set(lacking) & {
            p.symbol for p in self.law.parameters_of(self.response)
        }:
            return "name a study, or study='new'"
        return super().way_out(response, lacking)

    @override
    def save(self, path: str | Path) -> NoReturn:
        """Refuse to save one study: what is saved is the pooled fit."""
        raise BayesqError(
            f"{path} is not written: this is one study of a pooled fit; save that fit, and take "
            f"of_study({self.study!r}) from it again."
        )


def of_study(fit: Fit, study: str, seed: int) -> StudyFit:
    """Take one study, a new one or the population from a pooled fit.

    Raises
    ------
    BayesqError
        If there is no such study.
    """
    pooling = fit.pooling
    assert pooling is not None  # as the caller saw to it
    names = list(pooling.names)
    if study not in (*names, *RESERVED):
        raise BayesqError(f"No {pooling.by} {study!r}; {nearest(str(study), [*names, *RESERVED])}.")
    groups = {
        path.strip("/"): node.to_dataset()
        for path, node in ((n.path, n) for n in fit.data.subtree)
        if path != "/" and not path.startswith(("/discrepancy", "/unconstrained_posterior"))
    }
    attrs = {name: value for name, value in fit.data.attrs.items() if name != "pooling"}
    draws = fit.posterior
    drawn: tuple[str, ...] = ()
    if study in names:
        number = names.index(study)
        groups |= _rows_of(groups, pooling, number)
        attrs |= {
            "rows": groups["observed_data"].sizes["row"],
            "formats": json.dumps(pooling.formats[number]),
        }
        found = _known(fit, draws, pooling.by, study)
    else:
        formats = {k: v for k, v in fit.formats.items() if k not in pooling.explained}
        attrs["formats"] = json.dumps(formats)
        found = draws
        if study == NEW:
            found, drawn = _new(fit, draws, np.random.default_rng(seed))
    plain = found.drop_vars([n for n in found.data_vars if pooling.by in found[n].dims])
    spreads = [Names(p).spread for p in fit.law.parameters_of(fit.response) if p.by is None]
    plain = plain.drop_vars([*spreads, pooling.by], errors="ignore")
    groups["posterior"], laid = _misfit(fit, plain, study)
    groups |= laid
    if not laid:
        attrs["discrepancy"] = "null"
    tree = xr.DataTree.from_dict(groups)
    tree.attrs = attrs
    return StudyFit(fit.law, tree, fit.notes, fit.scatter, study, drawn)


def _rows_of(groups: dict[str, xr.Dataset], pooling: Pooling, number: int) -> dict[str, xr.Dataset]:
    rows = groups["constant_data"][pooling.by].values == number
    return {name: data.isel(row=rows) for name, data in groups.items() if "row" in data.dims}


def _known(fit: Fit, draws: xr.Dataset, by: str, study: str) -> xr.Dataset:
    """Put a study's values under the paper's symbols."""
    return draws.assign(
        {
            name: draws[theirs].sel({by: study}, drop=True)
            for p in fit.law.parameters_of(fit.response)
            for name, theirs in Names(p).by_study(by).items()
            if theirs in draws
        }
    )


def _new(
    fit: Fit, draws: xr.Dataset, rng: np.random.Generator
) -> tuple[xr.Dataset, tuple[str, ...]]:
    """Draw a new study, one a draw of the population."""
    law: Law = fit.law
    law.check_formula()
    pivots = json.loads(fit.data.attrs["pivots"])
    typical = float(fit.data.attrs["typical_loss"])
    shape = tuple(draws.sizes[d] for d in _OVER)
    values: dict[str, Any] = {}
    made: dict[str, Any] = {}
    drawn: list[str] = []
    for group in law.groups_of(fit.response):
        single = [p for p in group if p.by is None]
        for p in single:
            prior = p.single_prior
            if (spread := Names(p).spread) in draws:
                step = draws[spread] * xr.DataArray(rng.standard_normal(shape), dims=_OVER)
                middle = draws[p.sampled_as]
                value = middle * np.exp(step) if prior.positive else middle + step
            else:
                prior = prior.scaled(typical) if p.asymptote else prior
                value = xr.DataArray(prior.quantile(rng.uniform(size=shape)), dims=_OVER)
                drawn.append(p.symbol)
            values[p.symbol] = made[p.sampled_as] = value
        for p in single:
            values[p.symbol] = made[p.symbol] = p.coefficient({**pivots, **values})
    return draws.assign(made), tuple(drawn)


def _misfit(
    fit: Fit, posterior: xr.Dataset, study: str
) -> tuple[xr.Dataset, dict[str, xr.Dataset]]:
    """Keep the field of one study; that of a new one is open everywhere, a population has none."""
    if fit.wrong is None or study == POPULATION:
        return posterior, {}
    laid = fit.wrong[1]
    assert isinstance(laid, Surfaces)  # as of every pooled fit
    if study == NEW:
        parts = {name: slice(0, 0) for name in laid.parts(0)}
        own = nowhere(laid.of[0], json.loads(fit.data.attrs["pivots"]))
    else:
        number = fit.studies.index(study)
        parts, own = laid.parts(number), laid.of[number]
    held = {f"{name}_part": part for name, part in parts.items()}
    held = {dim: part for dim, part in held.items() if dim in posterior.dims}
    return posterior.isel(held), {"discrepancy": own.to_dataset()}
