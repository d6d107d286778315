"""How measured values scatter around the law."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, override

import numpy as np

from bayesq.law.law import Response
from bayesq.law.parameter import Parameter
from bayesq.law.prior import Prior

_DOF = Parameter(
    "dof", Prior("Gamma", alpha=2.0, beta=0.1), "1", "degrees of freedom: small means heavy tails"
)


class Noise(Protocol):
    """What a noise model is: its parameters, its likelihood in PyMC, and draws of new values."""

    name: str
    parameters: tuple[Parameter, ...]

    def to_scale(self, observed: np.ndarray) -> np.ndarray:
        """Put measured values on the scale of the likelihood."""

    def weights(self, observed: np.ndarray) -> dict[str, float]:
        """By how much a unit of each of its shares adds to the noise in the middle of the data."""

    def observe(self, name: str, mean: Any, values: Mapping[str, Any], measured: Any) -> None:
        """Add the likelihood of scaled values around the law's mean to the PyMC model at hand."""

    def draw(self, mean: Any, values: Mapping[str, Any], rng: np.random.Generator) -> Any:
        """Draw new measured values in nats per token around an xarray object of means."""


class StudentTLogLoss(Noise):
    """Student-t noise on the logarithm of the loss: relative errors with heavy tails."""

    name = "student-t on log loss"
    parameters = (
        # Seeds differ by 0.1 to 1 per cent; badly tuned runs by several.
        Parameter("sigma", Prior("HalfNormal", sigma=0.05), "1", "relative noise of the loss"),
        _DOF,
    )

    @override
    def to_scale(self, observed: np.ndarray) -> np.ndarray:
        return np.log(observed)

    @override
    def weights(self, observed: np.ndarray) -> dict[str, float]:
        return {}

    @override
    def observe(self, name: str, mean: Any, values: Mapping[str, Any], measured: Any) -> None:
        import pymc as pm

        mu = np.log(mean)
        pm.StudentT(
            name, nu=values["dof"], mu=mu, sigma=values["sigma"], observed=measured, dims="row"
        )

    @override
    def draw(self, mean: Any, values: Mapping[str, Any], rng: np.random.Generator) -> Any:
        return mean * np.exp(values["sigma"] * _standard_t(mean, values["dof"], rng))


class StudentTDegradation(Noise):
    """Student-t noise on the degradation, additive plus proportional.

    A measured degradation may lie below 0, so its noise cannot be log-normal: two evaluations
    differ by about ``sigma_0`` nats whatever the degradation, and by ``sigma`` times its size on
    top. The two add up rather than their squares: where the data cannot tell them apart, neither
    then has to vanish for the other to be right.
    """

    name = "student-t on degradation, additive plus proportional"
    parameters = (
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

    @override
    def to_scale(self, observed: np.ndarray) -> np.ndarray:
        return observed

    @override
    def weights(self, observed: np.ndarray) -> dict[str, float]:
        return {"sigma": float(np.median(np.abs(observed))) or 1.0}

    def _scale(self, mean: Any, values: Mapping[str, Any]) -> Any:
        return values["sigma_0"] + values["sigma"] * abs(mean)

    @override
    def observe(self, name: str, mean: Any, values: Mapping[str, Any], measured: Any) -> None:
        import pymc as pm

        sigma = self._scale(mean, values)
        pm.StudentT(name, nu=values["dof"], mu=mean, sigma=sigma, observed=measured, dims="row")

    @override
    def draw(self, mean: Any, values: Mapping[str, Any], rng: np.random.Generator) -> Any:
        return mean + self._scale(mean, values) * _standard_t(mean, values["dof"], rng)


def _standard_t(like: Any, nu: Any, rng: np.random.Generator) -> Any:
    broadcast = nu + 0 * like
    return broadcast.copy(data=rng.standard_t(broadcast.values))


def default_noise(response: Response) -> Noise:
    """Return the noise that a fit to `response` has."""
    return StudentTLogLoss() if response == "loss" else StudentTDegradation()
