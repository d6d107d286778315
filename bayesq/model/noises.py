"""The noises that a fit knows by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bayesq.errors import BayesqError, nearest
from bayesq.law.law import Response
from bayesq.law.parameter import Parameter
from bayesq.law.prior import Prior
from bayesq.model.noise import EFFECTS, Effect, Noise, session_noise

_DOF = Parameter(
    "dof",
    # 90 %: 3.7 to 9.9. Below, a tail is no scatter of runs but a law that does not fit them.
    Prior("LogNormal", mu=1.8, sigma=0.3),
    "1",
    "degrees of freedom: small means heavy tails",
)
# Seeds differ by 0.1 to 1 per cent; badly tuned runs by several.
_SIGMA = Parameter("sigma", Prior("HalfNormal", sigma=0.05), "1", "relative noise of the loss")
# By what factor noise falls in a decade of tokens is 10^-sigma_slope: 0.3 to 3 (90 %).
_SLOPE = Parameter(
    "sigma_slope", Prior("Normal", mu=0.0, sigma=0.3), "1", "fall of the noise with D"
)
_OF_DEGRADATION = (
    Parameter(
        "sigma",
        Prior("HalfNormal", sigma=0.3),
        "1",
        "noise relative to the degradation",
        share=True,
    ),
    # Two seeds of the shipped grid differ by 0.001 to 0.015 nats, two evaluations by less.
    Parameter(
        "sigma_0",
        Prior("HalfNormal", sigma=0.01),
        "nats/token",
        "noise at no degradation",
        share=True,
    ),
    _DOF,
)


def same(sigma: Any) -> Any:
    """Of a loss: relative noise, the same everywhere."""
    return sigma


def known(sigma: Any, loss_se: Any, mean: Any) -> Any:
    """Of a loss: the standard error that the table gives, and a rest."""
    return np.sqrt(sigma**2 + (loss_se / mean) ** 2)


def only_known(loss_se: Any, mean: Any) -> Any:
    """Of a loss: the standard error that the table gives, and nothing else."""
    return loss_se / mean


def falling(sigma: Any, sigma_slope: Any, D: Any, D_middle: Any) -> Any:
    """Of a loss: relative noise that falls with tokens as a power."""
    return sigma * (D / D_middle) ** -sigma_slope


def additive(sigma: Any, sigma_0: Any, mean: Any) -> Any:
    """Of a degradation: noise at none, and more in proportion.

    A measured degradation may lie below 0, so its noise cannot be log-normal: two evaluations
    differ by about ``sigma_0`` nats whatever the degradation, and by ``sigma`` times its size on
    top. The two add up rather than their squares: where the data cannot tell them apart, neither
    then has to vanish for the other to be right.
    """
    return sigma_0 + sigma * abs(mean)


def known_additive(sigma: Any, sigma_0: Any, mean: Any, loss_se: Any) -> Any:
    """Of a degradation: the standard error that the table gives on top."""
    return np.sqrt((sigma_0 + sigma * abs(mean)) ** 2 + loss_se**2)


def only_known_additive(mean: Any, loss_se: Any) -> Any:
    """Of a degradation: the standard error that the table gives, and nothing else."""
    return loss_se + 0 * mean


def falling_additive(
    sigma: Any, sigma_0: Any, mean: Any, sigma_slope: Any, D: Any, D_middle: Any
) -> Any:
    """Of a degradation: noise that falls with tokens as a power."""
    return (sigma_0 + sigma * abs(mean)) * (D / D_middle) ** -sigma_slope


# What each name means for a loss and for a degradation.
_NAMED: dict[str, dict[Response, tuple[Any, tuple[Parameter, ...]]]] = {
    "student-t": {
        "loss": (same, (_SIGMA, _DOF)),
        "degradation": (additive, _OF_DEGRADATION),
    },
    "normal": {
        "loss": (same, (_SIGMA,)),
        "degradation": (additive, _OF_DEGRADATION[:2]),
    },
    "known-se": {
        "loss": (known, (_SIGMA, _DOF)),
        "degradation": (known_additive, _OF_DEGRADATION),
    },
    "only-se": {
        "loss": (only_known, ()),
        "degradation": (only_known_additive, ()),
    },
    "falls-with-D": {
        "loss": (falling, (_SIGMA, _SLOPE, _DOF)),
        "degradation": (falling_additive, (*_OF_DEGRADATION[:2], _SLOPE, _DOF)),
    },
}
# Relative, on the loss or the degradation: seeds of one cell differ by 0.1 to 1 per cent in loss.
_EFFECT_SD: dict[Response, float] = {"loss": 0.02, "degradation": 0.2}
DEFAULT = "student-t"


# Rows that a law goes through leave its noise to the prior. There it must not reach down to 0,
# where the rows would have to be met exactly; seeds differ by more. 90 %: 0.16 to 1.6 per cent.
_OF_FEW = Prior("LogNormal", mu=-5.3, sigma=0.7)


def of_few_rows(noise: Noise) -> Noise:
    """Return the noise for a table of no more than two rows a parameter of the law.

    Parameters
    ----------
    noise : Noise
        A noise; one of a user's own, of a degradation, or beside known errors comes back as it is.
    """
    if noise.width not in (same, falling):
        return noise
    parameters = (replace(p, prior=_OF_FEW) if p is _SIGMA else p for p in noise.parameters)
    return replace(noise, parameters=tuple(parameters), remember=False)


def noise_names() -> tuple[str, ...]:
    """Names of noises and, after a plus, of effects."""
    return (*_NAMED, *EFFECTS)


def find_noise(noise: str | Noise | None, response: Response) -> Noise:
    """Return a noise by its name.

    Parameters
    ----------
    noise : str, Noise or None
        ``"student-t"``, ``"normal"``, ``"known-se"``, ``"only-se"`` or ``"falls-with-D"``, effects
        after a plus: ``"student-t + run"``, ``"run + budget"``. A noise of the user's own is
        returned as it is.
    response : {"loss", "degradation"}
        What is fitted.

    Raises
    ------
    BayesqError
        If there is no such noise.
    """
    if isinstance(noise, Noise):
        return noise
    if noise is not None and not isinstance(noise, str):
        raise BayesqError(
            f"A {type(noise).__name__} is not a noise; pass a bayesq.Noise or one of "
            f"{', '.join(noise_names())}."
        )
    parts = [p.strip() for p in (noise or DEFAULT).split("+")]
    if len(parts) == 1 and parts[0] not in noise_names() and (made := session_noise(parts[0])):
        return made
    for part in parts:
        if part not in noise_names():
            raise BayesqError(f"No noise {part!r}; {nearest(part, noise_names())}.")
    widths = [p for p in parts if p in _NAMED] or [DEFAULT]
    effects: tuple[Effect, ...] = tuple(e for e in EFFECTS if e in parts)
    if len(widths) > 1 or len(set(parts)) < len(parts):
        raise BayesqError(
            f"noise is {noise!r}; name one of {', '.join(_NAMED)}, and each effect once."
        )
    width, parameters = _NAMED[widths[0]][response]
    spread = Prior("HalfNormal", sigma=_EFFECT_SD[response])
    shared = tuple(
        Parameter(f"sigma_{e}", spread, "1", f"relative spread between {_PLURAL[e]}")
        for e in effects
    )
    return Noise(
        name=" + ".join([widths[0], *effects]),
        width=width,
        parameters=(*parameters, *shared),
        on="log" if response == "loss" else "value",
        effects=effects,
        remember=False,
    )


_PLURAL = {"run": "runs", "budget": "compute budgets", "cell": "(N, D) cells"}
