"""Which study each row of a fit comes from, and what is a study's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bayesq.errors import BayesqError, nearest
from bayesq.law.law import Law, Response
from bayesq.law.parameter import Parameter
from bayesq.law.prior import Prior

if TYPE_CHECKING:
    from bayesq.model.design import Design

# Exponents of one law that were fitted to single pools differ by a fifth or less once their own
# errors are taken off; a raw one, about 0.3, by a tenth.
_LOG_SPREAD = Prior("HalfNormal", sigma=0.2)
_RAW_SPREAD = Prior("HalfNormal", sigma=0.1)
# How much quantization costs amid the data depends on method, kind and corpus, which are a study's
# own, far more than an exponent does: by a half or so. A spread held narrower would bend the
# exponents until they explain what the methods do.
_SCALE_SPREAD = Prior("HalfNormal", sigma=0.5)
# What a prediction may ask for beside a study by its name.
NEW, POPULATION = "new", "population"
RESERVED = (NEW, POPULATION)


@dataclass(frozen=True, eq=False)
class Pooling:
    """The studies of one fit.

    Parameters
    ----------
    by : {"study", "corpus"}
        Column that tells them apart.
    names : tuple of str
        The studies, in the order of their numbers.
    pivots : tuple of dict
        Middle of each input over the rows of each study.
    typical : tuple of float
        Geometric mean of the losses of each study in nats per token, in full precision if any are.
    formats : tuple of dict
        Values as text that each column of format and origin has in each study.
    explained : tuple of str
        Columns of format and origin that vary between studies and in none of them.
    """

    by: str
    names: tuple[str, ...]
    pivots: tuple[dict[str, float], ...]
    typical: tuple[float, ...]
    formats: tuple[dict[str, list[str]], ...]
    explained: tuple[str, ...]


def per_study(symbol: str, by: str) -> str:
    """Name the variable that holds a parameter's value in each study."""
    return f"{symbol}_by_{by}"


def spread_of(symbol: str) -> str:
    """Name the variable that holds a parameter's spread between studies."""
    return f"{symbol}_spread"


def offset_of(symbol: str) -> str:
    """Name the variable that holds how many spreads each study lies from the population."""
    return f"{symbol}_offset"


def spread_prior(parameter: Parameter) -> Prior:
    """Prior of the spread between studies of a partially pooled parameter."""
    if parameter.term is not None:
        return _SCALE_SPREAD
    assert isinstance(parameter.prior, Prior)
    return _LOG_SPREAD if parameter.prior.positive else _RAW_SPREAD


def priors_of_studies(parameter: Parameter, pooling: Pooling) -> list[Prior]:
    """List the prior of a parameter that each study has apart, one a study."""
    prior = parameter.prior
    assert isinstance(prior, Prior)
    return [prior.scaled(t) if parameter.asymptote else prior for t in pooling.typical]


def apart(law: Law, response: Response) -> tuple[Parameter, ...]:
    """List the parameters of which each study has its own: the shares of the base law's loss.

    A loss depends on text and tokenizer, so that the E, A and B of one study say nothing of
    another's. Exponents, and all that quantization adds, are partially pooled.
    """
    groups = law.groups_of(response)
    bases = groups if law.base is None else groups[:-1]
    return tuple(
        p
        for group in bases
        for p in group
        if p.by is None and (p.asymptote or p.share or p.term is not None)
    )


def pool(chosen: Design, by: str) -> Design:
    """Tell the studies of a fit apart.

    Parameters
    ----------
    chosen : Design
        The rows.
    by : {"study", "corpus"}
        Column that tells the studies apart.

    Returns
    -------
    Design
        The same with ``pooling``, and with the number of each row's study among the inputs.

    Raises
    ------
    BayesqError
        If there is no such column of origin, rows do not say their study, or all say the same.
    """
    from bayesq.model.design import ORIGIN

    source = chosen.runs.source
    if by not in ORIGIN:
        raise BayesqError(f"pool_by is {by!r}; {nearest(str(by), ORIGIN)}.")
    names, codes = np.unique(chosen.runs.columns[by].astype(str), return_inverse=True)
    if "" in names:
        raise BayesqError(
            f"{source}, column {by}: {int((codes == 0).sum())} of the {len(codes)} rows that law "
            f"{chosen.law.name} uses are empty; write there where they come from, or leave "
            "pool_by out."
        )
    if len(names) == 1:
        raise BayesqError(
            f"All rows of {source} that law {chosen.law.name} uses are of one {by} ({names[0]}), "
            "and pooling takes two; add another, or leave pool_by out."
        )
    if taken := [n for n in RESERVED if n in names]:
        raise BayesqError(
            f"{source}, column {by}: {taken[0]!r} is a word that predictions use for what is no "
            f"{by} of the table; rename it."
        )
    explained = tuple(
        name
        for name, values in chosen.varying_formats().items()
        if all(len(set(values[codes == i]) - {""}) < 2 for i in range(len(names)))
    )
    parts = [_rows(chosen, codes == i) for i in range(len(names))]
    found = Pooling(
        by,
        tuple(names.tolist()),
        tuple(_pivots(part) for part in parts),
        tuple(part.typical for part in parts),
        tuple(part.formats for part in parts),
        explained,
    )
    return replace(chosen, inputs=chosen.inputs | {by: codes.astype(float)}, pooling=found)


def _rows(chosen: Design, rows: np.ndarray) -> Design:
    """Keep some of the rows; the middles stay those of all."""
    from bayesq.model.design import formats_of, typical_of

    kept = chosen.runs.select(rows)
    return replace(
        chosen,
        runs=kept,
        typical=typical_of(kept),
        formats=formats_of(chosen.law, kept),
        index=chosen.index[rows],
        inputs={symbol: values[rows] for symbol, values in chosen.inputs.items()},
        observed=chosen.observed[rows],
    )


def _pivots(part: Design) -> dict[str, float]:
    """Middle of each input over the rows of a study in which it does something."""
    found = dict(part.pivots)
    for i in part.law.inputs_of(part.response):
        values = part.inputs[i.symbol]
        if i.format and part.law.base is not None:
            values = values[part.runs.quantized]
        active = values if i.neutral is None else values[values != i.neutral]
        if len(active):
            found[i.symbol] = i.pivot(active)
    return found
