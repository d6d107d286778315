"""What studies that are fitted together share, and what is a study's own."""

from __future__ import annotations

from dataclasses import dataclass

from bayesq.law.law import Law, Response
from bayesq.law.parameter import Parameter
from bayesq.law.prior import Prior

# Exponents of base laws that were fitted to single studies differ by 0.2 to 0.25 on the logarithm,
# once their own errors are taken off. Few studies hardly tell their spread, and some differ far
# more: so the prior has the tail of a t with two degrees of freedom, in which a few studies can say
# so. Of 12 studies at hand, intervals of 90 % from 2 to 11 others hold 85 to 94 % of the exponents
# of one that was left out (``case_studies/backtests/new_studies.py``). A raw exponent, about 0.3,
# differs by that share.
_LOG_SPREAD = Prior("HalfStudentT", nu=2.0, sigma=0.4)
_RAW_SPREAD = Prior("HalfStudentT", nu=2.0, sigma=0.15)
# How much quantization costs amid the data depends on method, kind and corpus, which are a study's
# own, far more than an exponent does. A spread held narrower would bend the exponents until they
# explain what the methods do.
_SCALE_SPREAD = Prior("HalfStudentT", nu=2.0, sigma=0.75)
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


def spread_prior(parameter: Parameter) -> Prior:
    """Prior of the spread between studies of a partially pooled parameter."""
    if parameter.term is not None:
        return _SCALE_SPREAD
    return _LOG_SPREAD if parameter.prior.positive else _RAW_SPREAD


def priors_of_studies(parameter: Parameter, pooling: Pooling) -> list[Prior]:
    """List the prior of a parameter that each study has apart, one a study."""
    prior = parameter.single_prior
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
