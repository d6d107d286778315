"""What a noise is: how far measured values lie from the law, and which rows share a part of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from functools import cached_property
from typing import Any, Literal, override
from weakref import WeakValueDictionary

import numpy as np

from bayesq.errors import BayesqError, nearest
from bayesq.law.carried import Carried
from bayesq.law.formulas import Formula, arguments_of, call
from bayesq.law.identity import NoIdentityError, identity
from bayesq.law.parameter import Parameter
from bayesq.law.prior import Prior

# Groups of rows that may share an effect.
Effect = Literal["run", "budget", "cell"]
EFFECTS: tuple[Effect, ...] = ("run", "budget", "cell")

# Noises made in this session, by name, for fits that are loaded in it.
_SESSION: WeakValueDictionary[str, Noise] = WeakValueDictionary()


@dataclass(frozen=True, eq=False)
class Noise(Carried):
    """How measured values scatter around the law.

    A measured value is the law's mean, times the exponential of the effects that its row shares
    with others, and the row's own noise: Student-t where a parameter ``dof`` is given, else
    normal, on the value itself or on its logarithm.

    Parameters
    ----------
    name : str
        Short name.
    width : callable
        Scale of a row's own noise, on the scale of `on`: a plain NumPy function of parameters by
        name, and of any of ``mean`` (the law's, nats per token), ``loss_se`` (standard error of
        what the row measured, nats per token; every row must have one) and the law's inputs.
    parameters : tuple of Parameter
        Those of the noise, each with its prior.
    on : {"log", "value"}
        Whether the noise is on the logarithm of the value or on the value in nats per token.
    effects : tuple of {"run", "budget", "cell"}
        Which rows share an effect: those of one training run, of one compute budget (6 N D within
        5 %), of one (study, N, D) cell. Each needs a parameter ``sigma_run`` (and so on), the
        standard deviation of the effect on the logarithm of the value.
    remember : bool
        Whether fits that are loaded later in this session may find the noise by its name.

    Raises
    ------
    BayesqError
        If the width takes what is not known, or an effect has no parameter.

    Examples
    --------
    >>> from bayesq import Noise, Parameter, Prior
    >>> noise = Noise(
    ...     "wider-when-small",
    ...     width=lambda sigma, slope, N: sigma * (N / 1e9) ** -slope,
    ...     parameters=(
    ...         Parameter("sigma", Prior("HalfNormal", sigma=0.05)),
    ...         Parameter("slope", Prior("Normal", mu=0.0, sigma=0.5)),
    ...     ),
    ... )
    >>> bayesq.fit(runs, "chinchilla", noise=noise)  # doctest: +SKIP
    """

    name: str
    width: Formula
    parameters: tuple[Parameter, ...]
    on: Literal["log", "value"] = "log"
    effects: tuple[Effect, ...] = ()
    remember: InitVar[bool] = True

    def __post_init__(self, remember: bool) -> None:
        symbols = {p.symbol for p in self.parameters}
        if len(symbols) < len(self.parameters):
            raise BayesqError(f"Noise {self.name} has a parameter twice; drop one of them.")
        for p in self.parameters:
            if not isinstance(p.prior, Prior) or p.by or p.term:
                raise BayesqError(
                    f"Parameter {p.symbol} of noise {self.name} has a term or kinds; pass one that "
                    "has a single value, with its prior."
                )
        if self.on not in ("log", "value"):
            raise BayesqError(f"Noise {self.name} is on {self.on!r}; write 'log' or 'value'.")
        for effect in self.effects:
            if effect not in EFFECTS:
                raise BayesqError(
                    f"Noise {self.name} has no effect {effect!r}; {nearest(effect, EFFECTS)}."
                )
            if f"sigma_{effect}" not in symbols:
                raise BayesqError(
                    f"Noise {self.name} has an effect of {effect} and no parameter sigma_{effect}; "
                    "pass one with a prior."
                )
        used = {*arguments_of(self.width), "dof", *(f"sigma_{e}" for e in self.effects)}
        if idle := sorted(symbols - used):
            raise BayesqError(
                f"Noise {self.name} never uses {', '.join(idle)}; drop it or use it in the width."
            )
        if remember:
            _SESSION[self.name] = self

    @property
    def takes_errors(self) -> bool:
        """Whether its width takes the standard errors of the table."""
        return "loss_se" in arguments_of(self.width)

    @property
    def only_errors(self) -> bool:
        """Whether its width is nothing without these errors."""
        usual = dict.fromkeys(arguments_of(self.width), 1.0) | {"loss_se": 0.0}
        return self.takes_errors and not np.any(call(self.width, usual))

    @property
    def at_hand(self) -> bool:
        """Whether its width is: not that of a noise that only stands in for one."""
        return not getattr(self.width, "stands_in", False)

    def to_scale(self, observed: np.ndarray) -> np.ndarray:
        """Put measured values, in nats per token, on the scale of the noise."""
        return np.log(observed) if self.on == "log" else observed

    def from_scale(self, scaled: Any) -> Any:
        """Undo :meth:`to_scale`."""
        return np.exp(scaled) if self.on == "log" else scaled

    def weights(self, observed: np.ndarray) -> dict[str, float]:
        """By how much a unit of each of its shares adds to the width in the middle of the data."""
        return {"sigma": float(np.median(np.abs(observed))) or 1.0} if self.on == "value" else {}

    def observe(
        self,
        name: str,
        mean: Any,
        values: Mapping[str, Any],
        measured: Any,
        counted: Any = None,
        *,
        to_draw: bool = False,
    ) -> None:
        """Add the likelihood of measured values on their scale to the PyMC model at hand.

        With `counted`, 1 or 0 for each row, only that of the rows that count. With `to_draw` it may
        be drawn from around a mean that is infinite.
        """
        import pymc as pm

        around = self._scaled(mean, values)
        kind: Any = pm.StudentT if "nu" in around else pm.Normal
        if counted is None:
            kind(name, **(_drawable(around) if to_draw else around), observed=measured, dims="row")
        else:
            density = pm.logp(kind.dist(**around), measured)
            pm.Potential(f"log_likelihood_{name}", (counted * density).sum())

    def observe_in_nats(
        self, name: str, mean: Any, values: Mapping[str, Any], measured: Any
    ) -> None:
        """Add the likelihood of measured values in nats per token to the PyMC model at hand."""
        import pymc as pm

        around = _drawable(self._scaled(mean, values))
        if self.on != "log":
            (pm.StudentT if "nu" in around else pm.Normal)(
                name, **around, observed=measured, dims="row"
            )
        elif "nu" not in around:
            pm.LogNormal(name, **around, observed=measured, dims="row")
        else:

            def exponential(nu: Any, mu: Any, sigma: Any, size: Any) -> Any:
                return pm.math.exp(pm.StudentT.dist(nu=nu, mu=mu, sigma=sigma, size=size))

            pm.CustomDist(
                name,
                *(around[of] for of in ("nu", "mu", "sigma")),
                dist=exponential,
                class_name="LogStudentT",
                observed=measured,
                dims="row",
            )

    def log_jacobian(self, observed: np.ndarray) -> np.ndarray:
        """Logarithm of what turns a density on the scale of the noise into one per nat."""
        return -np.log(observed) if self.on == "log" else np.zeros(len(observed))

    def usual(self, size: Any, values: Mapping[str, Any]) -> Any:
        """Width of the noise in a row of usual `size`, relative to it; `values` are its."""
        width = self._width(size, values)
        return width if self.on == "log" else width / size

    def draw(self, mean: Any, values: Mapping[str, Any], rng: np.random.Generator) -> Any:
        """Draw new measured values in nats per token around an xarray object of means."""
        mean, width = self._around(mean, values, rng)
        like = width + 0 * mean
        if "dof" in values:
            dof = (values["dof"] + 0 * like).transpose(*like.dims)
            drawn = like.copy(data=rng.standard_t(dof.values))
        else:
            drawn = like.copy(data=rng.standard_normal(like.shape))
        return mean * np.exp(width * drawn) if self.on == "log" else mean + width * drawn

    def log_density(
        self, observed: Any, mean: Any, values: Mapping[str, Any], rng: np.random.Generator
    ) -> Any:
        """Log density of measured values in nats per token, for each draw of an xarray mean."""
        from scipy import stats

        mean, width = self._around(mean, values, rng)
        off = np.log(observed) - np.log(mean) if self.on == "log" else observed - mean
        scaled = off / width
        dof = (values["dof"] + 0 * scaled).transpose(*scaled.dims) if "dof" in values else None
        density = stats.norm.logpdf(scaled) if dof is None else stats.t.logpdf(scaled, dof)
        # On the logarithm, a unit of the value is 1/value.
        change = np.log(observed) if self.on == "log" else 0.0
        return scaled.copy(data=density) - np.log(width) - change

    @cached_property
    def identity(self) -> str | None:
        """Version of Python and hash of what the width does; None where that cannot be told.

        Code is hashed as Python compiles it, so that hashes of two versions tell nothing.
        """
        try:
            return f"{sys.version_info.major}.{sys.version_info.minor}:{identity(self.width)}"
        except NoIdentityError:
            return None

    @override
    def remember_hashes(self) -> None:
        _ = self.identity

    def to_dict(self) -> dict[str, Any]:
        """Describe the noise, its width by a hash of what it does, ready for JSON."""
        return {
            "name": self.name,
            "width": self.identity,
            "on": self.on,
            "effects": list(self.effects),
            "parameters": [
                {"symbol": p.symbol, "unit": p.unit, "meaning": p.meaning}
                | {"prior": p.prior.to_dict()}
                for p in self.parameters
            ],
        }

    def _around(
        self, mean: Any, values: Mapping[str, Any], rng: np.random.Generator
    ) -> tuple[Any, Any]:
        """Mean of a new row with effects drawn anew, and the width of its noise."""
        for effect in self.effects:
            # A normal effect of a new run, budget or cell, apart for each scenario.
            spread = values[f"sigma_{effect}"] + 0 * mean
            mean = mean * np.exp(spread * spread.copy(data=rng.standard_normal(spread.shape)))
        return mean, self._width(mean, values)

    def _scaled(self, mean: Any, values: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters of the distribution of measured values on the scale of the noise."""
        found = {"mu": np.log(mean) if self.on == "log" else mean}
        found["sigma"] = self._width(mean, values)
        return found | ({"nu": values["dof"]} if "dof" in values else {})

    def _width(self, mean: Any, values: Mapping[str, Any]) -> Any:
        return call(self.width, {"loss_se": 0.0, **values, "mean": mean})


def session_noise(name: str) -> Noise | None:
    """Return a noise that was made in this session, or None."""
    return _SESSION.get(name)


def _drawable(around: dict[str, Any]) -> dict[str, Any]:
    """Give a mean that is infinite in a far tail of a prior a width that leaves it infinite."""
    import pytensor.tensor as pt

    return {**around, "sigma": pt.switch(pt.isinf(around["mu"]), 1.0, around["sigma"])}
