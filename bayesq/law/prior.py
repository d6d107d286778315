"""Priors as data: a distribution's name and its numbers, nothing to compile."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesq.errors import BayesqError, nearest

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# The distributions that laws use, each with its parameters in PyMC's names. A prior is data so that
# listing the laws needs no PyMC and a saved fit holds its priors as JSON.
DISTRIBUTIONS: dict[str, tuple[str, ...]] = {
    "Normal": ("mu", "sigma"),
    "LogNormal": ("mu", "sigma"),
    "HalfNormal": ("sigma",),
    "HalfStudentT": ("nu", "sigma"),
    "Gamma": ("alpha", "beta"),
    "Exponential": ("lam",),
    "Beta": ("alpha", "beta"),
    "Uniform": ("lower", "upper"),
    "TruncatedNormal": ("mu", "sigma", "lower", "upper"),
}

_POSITIVE = ("LogNormal", "HalfNormal", "HalfStudentT", "Gamma", "Exponential")
_ABOVE_0 = ("sigma", "alpha", "beta", "lam", "nu")


@dataclass(frozen=True, init=False)
class Prior:
    """A prior distribution, by PyMC's name and parameters.

    Parameters
    ----------
    distribution : str
        One of PyMC's names: Normal, LogNormal, HalfNormal, HalfStudentT, Gamma, Exponential, Beta,
        Uniform, TruncatedNormal.
    **parameters : float
        Its parameters in PyMC's names.

    Raises
    ------
    BayesqError
        If the distribution or a parameter is unknown or missing.

    Examples
    --------
    >>> from bayesq import Prior
    >>> Prior("LogNormal", mu=0.4, sigma=0.5)
    Prior('LogNormal', mu=0.4, sigma=0.5)
    """

    distribution: str
    parameters: tuple[tuple[str, float], ...]

    def __init__(self, distribution: str, **parameters: float) -> None:
        if distribution not in DISTRIBUTIONS:
            raise BayesqError(
                f"No prior distribution {distribution!r}; {nearest(distribution, DISTRIBUTIONS)}."
            )
        wanted = DISTRIBUTIONS[distribution]
        if set(parameters) != set(wanted):
            raise BayesqError(
                f"Prior {distribution} takes {', '.join(wanted)}; it was given "
                f"{', '.join(parameters) or 'nothing'}."
            )
        for name, value in parameters.items():
            least = 0 if name in _ABOVE_0 else -math.inf
            if not isinstance(value, int | float) or not least < value < math.inf:
                raise BayesqError(
                    f"Prior {distribution} has {name}={value!r}; write a finite number"
                    f"{' above 0' if name in _ABOVE_0 else ''}."
                )
        if parameters.get("lower", -math.inf) >= parameters.get("upper", math.inf):
            raise BayesqError(
                f"Prior {distribution} has lower={parameters['lower']:g} and "
                f"upper={parameters['upper']:g}; write the smaller one as lower."
            )
        object.__setattr__(self, "distribution", distribution)
        object.__setattr__(self, "parameters", tuple((k, float(parameters[k])) for k in wanted))

    def __repr__(self) -> str:
        inside = ", ".join([repr(self.distribution), *(f"{k}={v:g}" for k, v in self.parameters)])
        return f"Prior({inside})"

    @property
    def text(self) -> str:
        """What a table shows of it: ``LogNormal(mu -1.05, sigma 0.5)``."""
        return f"{self.distribution}({', '.join(f'{k} {v:g}' for k, v in self.parameters)})"

    @property
    def positive(self) -> bool:
        """Whether its values are those above 0, all of them: no other bound."""
        return self.distribution in _POSITIVE

    def quantile(self, q: ArrayLike) -> np.ndarray:
        """Quantiles of the distribution.

        Parameters
        ----------
        q : array_like
            Probabilities.

        Returns
        -------
        ndarray
            One value a probability.
        """
        from scipy import stats

        k = dict(self.parameters)
        if self.distribution == "HalfStudentT":
            # SciPy has no folded t: the upper half of the t is half of it.
            return np.asarray(stats.t(k["nu"], scale=k["sigma"]).ppf((1 + np.asarray(q)) / 2))
        match self.distribution:
            case "Normal":
                frozen = stats.norm(k["mu"], k["sigma"])
            case "LogNormal":
                frozen = stats.lognorm(s=k["sigma"], scale=np.exp(k["mu"]))
            case "HalfNormal":
                frozen = stats.halfnorm(scale=k["sigma"])
            case "Gamma":
                frozen = stats.gamma(k["alpha"], scale=1 / k["beta"])
            case "Exponential":
                frozen = stats.expon(scale=1 / k["lam"])
            case "Beta":
                frozen = stats.beta(k["alpha"], k["beta"])
            case "Uniform":
                frozen = stats.uniform(k["lower"], k["upper"] - k["lower"])
            case _:
                low, high = ((k[end] - k["mu"]) / k["sigma"] for end in ("lower", "upper"))
                frozen = stats.truncnorm(low, high, k["mu"], k["sigma"])
        return np.asarray(frozen.ppf(q))

    @property
    def median(self) -> float:
        """Median of the distribution."""
        return float(self.quantile(0.5))

    def scaled(self, factor: float) -> Prior:
        """Return the prior of `factor` times the quantity.

        Raises
        ------
        BayesqError
            For Beta, whose values cannot be scaled.
        """
        return Prior(self.distribution, **self.scaled_parameters(factor))

    def scaled_parameters(self, factor: Any) -> dict[str, Any]:
        """Return the parameters of the prior of `factor` times the quantity.

        Parameters
        ----------
        factor : float, ndarray or tensor
            One factor, or several.

        Raises
        ------
        BayesqError
            For Beta, whose values cannot be scaled.
        """
        k: dict[str, Any] = dict(self.parameters)
        match self.distribution:
            case "LogNormal":
                k["mu"] = k["mu"] + np.log(factor)
                k["sigma"] = k["sigma"] + 0 * factor
            case "Exponential":
                k["lam"] = k["lam"] / factor
            case "Gamma":
                k["alpha"], k["beta"] = k["alpha"] + 0 * factor, k["beta"] / factor
            case "HalfStudentT":
                k["nu"], k["sigma"] = k["nu"] + 0 * factor, k["sigma"] * factor
            case "Beta":
                raise BayesqError(
                    "Prior Beta cannot be scaled to the unit of a loss; use LogNormal or Uniform."
                )
            case _:
                k = {name: factor * value for name, value in k.items()}
        return k

    def to_dict(self) -> dict[str, str | float]:
        """Return the prior as a flat dictionary, ready for JSON."""
        return {"distribution": self.distribution, **dict(self.parameters)}

    @classmethod
    def from_dict(cls, data: dict[str, str | float]) -> Prior:
        """Make a prior from what :meth:`to_dict` returned."""
        numbers = {k: float(v) for k, v in data.items() if k != "distribution"}
        return cls(str(data["distribution"]), **numbers)
