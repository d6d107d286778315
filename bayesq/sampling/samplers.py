"""The samplers that a fit may ask for by name, and which of them are installed."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Literal

from bayesq.errors import BayesqError, nearest
from bayesq.sampling.defaults import SAMPLER

Sampler = Literal["nutpie", "numpyro", "blackjax", "pymc"]
SAMPLERS: tuple[Sampler, ...] = ("nutpie", "numpyro", "blackjax", "pymc")
Device = Literal["cpu", "gpu"]
DEVICES: tuple[Device, ...] = ("cpu", "gpu")
# What is one piece of JAX with the density; the others call it back from the processor.
_ON_A_GPU = ("numpyro", "blackjax")


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


def check_device(name: object, sampler: str) -> Device:
    """Return the device of this name.

    Raises
    ------
    BayesqError
        If there is none, the sampler does not run on it, or it is not there.
    """
    if name == "cpu":
        return "cpu"
    if name != "gpu":
        raise BayesqError(f"No device {name!r}; {nearest(str(name), DEVICES)}.")
    if sampler not in _ON_A_GPU:
        raise BayesqError(
            f"Sampler {sampler} runs on the processor only; for device 'gpu' take sampler "
            "'numpyro' or 'blackjax'."
        )
    from bayesq.sampling.processor import place

    try:
        place("gpu")
    except RuntimeError:
        raise BayesqError(
            "JAX finds no GPU of NVIDIA here; install what it needs of one (pip install "
            "'jax[cuda13]'), or leave device 'gpu' out."
        ) from None
    return "gpu"


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
