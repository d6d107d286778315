"""The constants of a paper, to be asked like a fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, override

import numpy as np
import xarray as xr

from bayesq import html
from bayesq.errors import BayesqError, nearest
from bayesq.law.kind import Kind
from bayesq.law.law import Law, Response
from bayesq.law.old_labels import kind_of
from bayesq.law.parameter import Parameter
from bayesq.law.prior import Prior
from bayesq.law.published import Published
from bayesq.law.registry import find_law, laws
from bayesq.notes import Note
from bayesq.posterior.posterior import Posterior


@dataclass(frozen=True, eq=False)
class PublishedFit(Posterior):
    """A law with the constants of a paper. Made by :func:`bayesq.published`.

    It has one draw, the constants: :func:`bayesq.predict` and :mod:`bayesq.decide` take it in place
    of a fit, and their intervals have no width.

    Parameters
    ----------
    law : Law
        The law.
    constants : Published
        What the paper printed.
    answers : {"loss", "degradation"}
        What predictions are of.
    draws : xarray.Dataset
        The constants as one chain of one draw.
    """

    law: Law
    constants: Published
    answers: Response
    draws: xr.Dataset

    @property
    @override
    def response(self) -> Response:
        return self.answers

    @property
    @override
    def posterior(self) -> xr.Dataset:
        return self.draws

    @property
    @override
    def observed_range(self) -> dict[str, tuple[float, float]]:
        return dict(self.law.observed)

    @cached_property
    @override
    def kinds(self) -> dict[str, list[Kind]]:
        # What is given by label is meant as the papers' own; another label is read as it stands.
        known: dict[str, Kind] = {}
        for paper in (*self.law.published, self.constants):
            known |= paper.kinds
        labels = {s: self.draws[s].values.tolist() for s in self.law.levels_of(self.response)}
        return {s: [known.get(k) or kind_of(k) for k in of] for s, of in labels.items()}

    @property
    @override
    def formats(self) -> dict[str, list[str]]:
        return {name: list(values) for name, values in self.constants.formats.items()}

    @property
    @override
    def notes(self) -> tuple[Note, ...]:  # type: ignore[override]
        return self.standing_notes

    @property
    @override
    def title(self) -> str:
        return f"{self.law.name} with the constants {self.constants.label}"

    @override
    def way_out(self, response: Response, lacking: list[str]) -> str:
        return (
            f"give {'it' if len(lacking) == 1 else 'them'}, as in "
            f"bayesq.published({self.law.name!r}, {lacking[0]}=...)"
        )

    @property
    @override
    def standing_notes(self) -> tuple[Note, ...]:
        notes = [
            Note(
                "published-constants",
                "info",
                f"These are the constants of {self.constants.source}: points, so intervals have no "
                "width, and they know nothing of how wrong the law is.",
                "Fit the law to runs of your own for an interval.",
            )
        ]
        unknown = [
            i.symbol
            for i in self.law.inputs_of("loss")
            if i.scale != "flag" and i.symbol not in self.law.observed
        ]
        if unknown:
            notes.append(
                Note(
                    "range-unknown",
                    "info",
                    f"In which range of {', '.join(unknown)} these constants were found is not "
                    "recorded here, so no distance from it is told.",
                    "Look it up in the paper before you rely on an answer.",
                )
            )
        if not self.constants.checked:
            notes.append(
                Note(
                    "published-unchecked",
                    "warning",
                    f"The constants {self.constants.label} of {self.law.name} were taken from "
                    "others' transcripts, not read in the paper.",
                    "Check them before you rely on them.",
                )
            )
        return tuple(notes)

    def __repr__(self) -> str:
        constants = ", ".join(f"{k} {v}" for k, v in self.constants.values.items())
        return "\n".join([f"{self.title}: {constants}", *map(str, self.notes)])

    def _repr_html_(self) -> str:
        return html.block(self.title, html.facts(self.constants.values), html.notes(self.notes))


def published(
    law: str | Law,
    which: str | None = None,
    response: str | None = None,
    **values: float | Mapping[Any, float],
) -> PublishedFit:
    """Take a paper's constants in place of a fit.

    Parameters
    ----------
    law : str or Law
        A law, or the name of one.
    which : str, optional
        Which fit of the paper, by its label (see ``bayesq.laws()[name].published``); by default
        the main one.
    response : {"loss", "degradation"}, optional
        What predictions are to be of; by default the law's usual response, if the constants tell
        it.
    **values : float or mapping
        Constants to add to the paper's or to put in their place, by symbol; for a parameter with
        one value a kind a mapping from kinds or their labels.

    Returns
    -------
    PublishedFit
        Takes the place of a fit in :func:`bayesq.predict` and :mod:`bayesq.decide`.

    Raises
    ------
    BayesqError
        If there are no published constants, no fit of that label, or constants are missing.

    Examples
    --------
    >>> import bayesq
    >>> paper = bayesq.published("sun2025")
    >>> answer = bayesq.decide.critical_tokens(paper, N=1e9, exponent=4, mantissa=3, group=128)
    >>> round(float(answer.draws.median()) / 1e12, 1)
    27.3
    """
    law = find_law(law)
    found = _choose(law, which, bool(values))
    every = {p.symbol: p for p in law.parameters_of("loss")}
    for symbol in values:
        if symbol not in every:
            raise BayesqError(
                f"Law {law.name} has no parameter {symbol}; {nearest(symbol, every)}."
            )
    for symbol, value in values.items():
        _check_value(every[symbol], value)
    if values:
        given = f"{found.source}, with {', '.join(values)} given by whoever asks"
        found = replace(found, values={**found.values, **values}, source=given)
    constants = found.values
    lacking = _lacking(law, found)
    if lacking:
        raise BayesqError(
            f"Constants {found.label} of law {law.name} lack {', '.join(lacking)}, of which no "
            f"value could be checked; give it, as in published({law.name!r}, {lacking[0]}=...), "
            f"fit the law, or ask a law whose constants are known: {_to_ask(law)}."
        )
    wanted = law.responses if response is None else (law.check_response(response),)
    told = (r for r in wanted if all(p.symbol in constants for p in law.parameters_of(r)))
    return PublishedFit(law, found, next(told, wanted[0]), _one_draw(law, constants))


def _lacking(law: Law, constants: Published) -> list[str]:
    return [p.symbol for p in law.parameters if p.symbol not in constants.values]


def _to_ask(law: Law) -> str:
    """Name the laws that can be asked without a fit, those of the same stage first."""
    known = [
        other
        for other in laws().values()
        if (other.base is None) == (law.base is None)
        and other.published
        and not _lacking(other, other.published[0])
    ]
    return ", ".join(k.name for k in sorted(known, key=lambda k: k.stages != law.stages))


def _check_value(parameter: Parameter, value: Any) -> None:
    kinds = parameter.by is not None
    numbers = list(value.values()) if kinds and isinstance(value, Mapping) else [value]
    fits = kinds == isinstance(value, Mapping) and bool(numbers)
    positive = kinds or (isinstance(parameter.prior, Prior) and parameter.prior.positive)
    least = 0.0 if positive else -np.inf
    if not fits or not all(_is_number(v) and least < v < np.inf for v in numbers):
        what = 'a number for each kind, such as {"W4": 0.9}' if kinds else "a number"
        what += ", above 0" if positive else ""
        raise BayesqError(f"{parameter.symbol} is {value!r}; give {what}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _choose(law: Law, which: str | None, given: bool) -> Published:
    by_label = {fit.label: fit for fit in law.published}
    if which is not None:
        if which not in by_label:
            raise BayesqError(
                f"Law {law.name} has no published fit {which!r}; "
                f"{nearest(which, by_label) if by_label else 'it has none'}."
            )
        return by_label[which]
    if law.published:
        return law.published[0]
    if given:
        return Published("given", {}, "whoever asks")
    raise BayesqError(
        f"Law {law.name} has no published constants that could be checked; give all of them by "
        f"name ({', '.join(p.symbol for p in law.parameters)}), fit it, or ask a law whose "
        f"constants are known: {_to_ask(law)}."
    )


def _one_draw(law: Law, constants: Mapping[str, Any]) -> xr.Dataset:
    one = {"chain": [0], "draw": [0]}
    by = {p.symbol: p.by for p in law.parameters_of("loss") if p.by is not None}
    draws = {}
    for symbol, value in constants.items():
        if symbol in by:
            kinds = by[symbol].symbol
            labels = list(value)
            draws[symbol] = xr.DataArray(
                np.array([[list(value.values())]], dtype=float),
                dims=("chain", "draw", kinds),
                coords=one | {kinds: labels},
            )
        else:
            draws[symbol] = xr.DataArray([[float(value)]], dims=("chain", "draw"), coords=one)
    return xr.Dataset(draws)
