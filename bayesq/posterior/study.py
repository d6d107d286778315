"""One study of a pooled fit, a new one, or their population."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn, override

import numpy as np
import xarray as xr

from bayesq import html
from bayesq.errors import BayesqError, nearest
from bayesq.intervals import interval
from bayesq.law.law import Response
from bayesq.law.parameter import Parameter
from bayesq.model.design import Design
from bayesq.model.field import Field
from bayesq.model.hierarchy import NEW, POPULATION, RESERVED, Pooling
from bayesq.model.names import Names
from bayesq.model.noise import Noise
from bayesq.model.specification import Specification
from bayesq.model.study_fields import StudyFields, nowhere
from bayesq.notes import Note
from bayesq.posterior.fitted import Densities, Fitted
from bayesq.posterior.sensitivity import Sensitivity, sensitivity

_OVER = ("chain", "draw")


@dataclass(frozen=True, eq=False)
class StudyFit(Fitted):
    """What a pooled fit says of one study. Made by :meth:`Fit.of_study`.

    Parameters
    ----------
    specification : Specification
        The fit as that of this study: its rows and its field. A study to come and the population
        have the rows of all.
    draws : xarray.Dataset
        The parameters under the paper's own symbols, dimensions chain and draw.
    known : xarray.Dataset or None
        Its rows, where it has any.
    notes : tuple of Note
        Those of the pooled fit.
    study : str
        Its name, ``"new"`` or ``"population"``.
    from_priors : tuple of str
        Symbols of parameters that were drawn from their priors.
    held : Densities or None
        Those of the pooled fit, of its own rows.
    """

    specification: Specification
    draws: xr.Dataset
    known: xr.Dataset | None
    notes: tuple[Note, ...]
    study: str
    from_priors: tuple[str, ...]
    held: Densities | None

    @property
    @override
    def posterior(self) -> xr.Dataset:
        return self.draws

    @property
    @override
    def rows(self) -> xr.Dataset | None:
        return self.known

    @property
    @override
    def title(self) -> str:
        kind = {NEW: "a new study", POPULATION: "the population of studies"}
        return f"{super().title}, {kind.get(self.study, f'study {self.study}')}"

    @property
    @override
    def noise(self) -> Noise | None:
        # A run belongs to some study.
        return None if self.study == POPULATION else super().noise

    @property
    @override
    def parameters(self) -> tuple[Parameter, ...]:
        return tuple(p for p in super().parameters if p.symbol in self.draws)

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

    @property
    @override
    def densities(self) -> Densities | None:
        return self.held

    def sensitivity(self, of: Any = None, *, progress: bool = True) -> Sensitivity:
        """Tell which parameters, or what in a prediction or decision, depend on which prior."""
        return sensitivity(self, of, progress=progress)

    def save(self, path: str | Path) -> NoReturn:
        """Refuse to save one study: what is saved is the pooled fit."""
        raise BayesqError(
            f"{path} is not written: this is one study of a pooled fit; save that fit, and take "
            f"of_study({self.study!r}) from it again."
        )

    def __repr__(self) -> str:
        table = self.summary().to_string(float_format="{:.4g}".format)
        return "\n".join([self.title, table, *map(str, self.notes)])

    def _repr_html_(self) -> str:
        table = html.table(self.summary(), caption=f"{interval().name}s")
        return html.block(self.title, table, html.notes(self.notes))


def of_study(fit: Fitted, rows: xr.Dataset, study: str, seed: int) -> StudyFit:
    """Take one study, a new one or the population from a pooled fit.

    Parameters
    ----------
    fit : Fitted
        The pooled fit.
    rows : xarray.Dataset
        Its rows.
    study, seed
        As :meth:`bayesq.Fit.of_study` takes them.

    Raises
    ------
    BayesqError
        If there is no such study.
    """
    specification, draws, pooling = fit.specification, fit.posterior, fit.pooling
    assert pooling is not None  # as the caller saw to it
    names = list(pooling.names)
    if study not in (*names, *RESERVED):
        raise BayesqError(f"No {pooling.by} {study!r}; {nearest(str(study), [*names, *RESERVED])}.")
    design = specification.design
    known: xr.Dataset | None = None
    densities = fit.densities
    drawn: tuple[str, ...] = ()
    if study in names:
        number = names.index(study)
        own = _design_of(design, pooling, number)
        of_it = rows[pooling.by].values == number
        known = rows.isel(row=of_it)
        if densities is not None:
            densities = densities._replace(likelihood=densities.likelihood.isel(row=of_it))
        found = _known(design, draws, pooling.by, study)
    else:
        formats = {k: v for k, v in design.formats.items() if k not in pooling.explained}
        own = replace(design, formats=formats, pooling=None)
        found = draws
        if study == NEW:
            found, drawn = _new(design, draws, np.random.default_rng(seed))
    plain = found.drop_vars([n for n in found.data_vars if pooling.by in found[n].dims])
    spreads = [Names(p).spread for p in design.law.parameters_of(design.response) if not p.by]
    plain = plain.drop_vars([*spreads, pooling.by], errors="ignore")
    plain, field = _misfit(specification, plain, study)
    described = replace(specification, design=own, field=field)
    return StudyFit(described, plain, known, fit.notes, study, drawn, densities)


def _design_of(design: Design, pooling: Pooling, number: int) -> Design:
    """Keep the rows of one study; the middles stay those of all."""
    kept = design.keep(design.inputs[pooling.by] == number)
    typical, formats = pooling.typical[number], pooling.formats[number]
    return replace(kept, typical=typical, formats=formats, pooling=None)


def _known(design: Design, draws: xr.Dataset, by: str, study: str) -> xr.Dataset:
    """Put a study's values under the paper's symbols."""
    return draws.assign(
        {
            name: draws[theirs].sel({by: study}, drop=True)
            for p in design.law.parameters_of(design.response)
            for name, theirs in Names(p).by_study(by).items()
            if theirs in draws
        }
    )


def _new(
    design: Design, draws: xr.Dataset, rng: np.random.Generator
) -> tuple[xr.Dataset, tuple[str, ...]]:
    """Draw a new study, one a draw of the population."""
    design.law.check_formula()
    shape = tuple(draws.sizes[d] for d in _OVER)
    values: dict[str, Any] = {}
    made: dict[str, Any] = {}
    drawn: list[str] = []
    for group in design.law.groups_of(design.response):
        single = [p for p in group if p.by is None]
        for p in single:
            prior = p.single_prior
            if (spread := Names(p).spread) in draws:
                step = draws[spread] * xr.DataArray(rng.standard_normal(shape), dims=_OVER)
                middle = draws[p.sampled_as]
                value = middle * np.exp(step) if prior.positive else middle + step
            else:
                prior = prior.scaled(design.typical) if p.asymptote else prior
                value = xr.DataArray(prior.quantile(rng.uniform(size=shape)), dims=_OVER)
                drawn.append(p.symbol)
            values[p.symbol] = made[p.sampled_as] = value
        for p in single:
            values[p.symbol] = made[p.symbol] = p.coefficient({**design.pivots, **values})
    return draws.assign(made), tuple(drawn)


def _misfit(
    specification: Specification, posterior: xr.Dataset, study: str
) -> tuple[xr.Dataset, Field | None]:
    """Keep the field of one study; that of a new one is open everywhere, a population has none."""
    fields, pooling = specification.field, specification.pooling
    if fields is None or study == POPULATION:
        return posterior, None
    assert isinstance(fields, StudyFields)  # as of every pooled fit
    assert pooling is not None
    if study == NEW:
        parts = fields.parts(len(fields.of))
        own = fields.to_come or nowhere(fields.of[0], specification.design.pivots)
    else:
        number = pooling.names.index(study)
        parts, own = fields.parts(number), fields.of[number]
    held = {f"{name}_part": part for name, part in parts.items()}
    return posterior.isel({dim: part for dim, part in held.items() if dim in posterior.dims}), own
