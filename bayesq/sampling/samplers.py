"""The samplers that a fit may ask for by name, and which of them are installed."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Literal

from bayesq.errors import BayesqError, nearest
from bayesq.sampling.defaults import SAMPLER

Sampler = Literal["nutpie", "numpyro", "blackjax", "pymc"]
SAMPLERS: tuple[Sampler, ...] = ("nutpie", "numpyro", "blackjax", "pymc")


def check_sampler(name: object) -> Sampler:
    """Return the sampler of this name.

    Raises
    ------
    BayesqError
        If there is none, or its library is not installed.
    """
    for known in SAMPLERS:
        if name == known:
            if find_spec(known) is None:
                raise BayesqError(
                    f"Sampler {known} is not installed; install it (pip install "
                    f"'bayesq[samplers]'), or take {SAMPLER}, the usual one."
                )
            return known
    raise BayesqError(f"No sampler {name!r}; {nearest(str(name), SAMPLERS)}.")


def sampler_of(attrs: Mapping[Any, Any]) -> Sampler:
    """Take the sampler that a fit was made with, or the usual one where it is not installed.

    Parameters
    ----------
    attrs : mapping
        Attributes of the fit's data; those of earlier versions name no sampler.
    """
    try:
        return check_sampler(attrs.get("sampler", SAMPLER))
    except BayesqError:
        return check_sampler(SAMPLER)
