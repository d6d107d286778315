"""One simulation of a calibration: draw a table from the priors, fit it, and rank what was true.

Beside the parameters a prediction outside the data is ranked, and the log-likelihood, which also
sees a sampler that ignores some of the data (Modrák et al. 2023, arXiv:2211.02383).

Not by simuk 0.2: it samples by ``pymc.sample``, and what is looked at here is bayesq's own sampler,
whose coordinates follow the rows. It compiles each simulated table anew, ranks free variables but
neither prediction nor likelihood, among draws that are not thinned, and has no p-value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from bayesq.model.design import Design
from bayesq.model.specification import Specification
from bayesq.posterior.misfit import held_misfit
from bayesq.sampling.compiled import Compiled
from bayesq.sweeping.uniformity import pit

if TYPE_CHECKING:
    import pymc as pm

# Draws that a true value is ranked among, and the fewest effective ones that they may stand for.
RANKED, FEWEST = 100, 50
# Of sampling again, with more draws, where those were too few.
LONGER = 4
# Of the place of a true value within its rank.
_SEED = 20261122


@dataclass(frozen=True, eq=False)
class Simulation:
    """What simulates tables of a fit: called with a number, the same gives the same.

    Parameters
    ----------
    described : Specification
        The fit; of its rows all but what was measured counts, and their typical loss.
    draws, chains : int
        Draws kept a chain, as many for tuning, and the number of chains.
    sampler : str
        As for :func:`bayesq.fit`.
    """

    described: Specification
    draws: int
    chains: int
    sampler: str

    def __getstate__(self) -> dict[str, Any]:
        # What is compiled does not travel.
        return {n: v for n, v in self.__dict__.items() if n not in ("_stated", "_likelihood")}

    def __call__(self, number: int) -> dict[str, float]:
        """Simulate one table, fit it and rank.

        Returns
        -------
        dict of str to float
            The rank of each quantity, from 0 to 1, with ``simulation``, ``ess`` (the smallest
            effective sample size of them) and ``divergences``.
        """
        import arviz_stats as azs

        design, noise = self.described.design, self.described.noise
        truth, measured = _simulate(self._stated, design.response, number)
        # What the sampler's coordinates take from the measured values goes with them.
        seen = replace(design, observed=noise.from_scale(measured))
        model = Compiled(replace(self.described, design=seen))
        for draws in (self.draws, LONGER * self.draws):
            drawn = model.sample(
                draws=draws, tune=draws, chains=self.chains, seed=number, sampler=self.sampler
            )
            posterior = model.groups(drawn.points)["posterior"]
            thin = slice(None, None, max(self.chains * draws // RANKED, 1))
            every = self._quantities(posterior, measured)
            ess = min(float(v) for v in azs.ess(every).data_vars.values())
            if ess >= FEWEST or draws > self.draws:
                break
        rng = np.random.default_rng([_SEED, number])
        ranked = every.isel(draw=thin)
        true = self._quantities(truth, measured)
        pits = {str(n): pit(float(true[n][0, 0]), ranked[n].values.ravel(), rng) for n in true}
        diverging = int(drawn.stats["diverging"].sum())
        return {"simulation": number, **pits, "ess": ess, "divergences": diverging}

    @cached_property
    def _stated(self) -> pm.Model:
        from bayesq.model.compose import compose

        return compose(self.described, to_sample=False)

    @cached_property
    def _likelihood(self) -> Callable[[xr.Dataset, np.ndarray], xr.DataArray]:
        return _log_likelihood(self._stated)

    def _quantities(self, draws: xr.Dataset, measured: np.ndarray) -> xr.Dataset:
        """Lay out what is ranked, each of chain and draw."""
        design, field = self.described.design, self.described.field
        found = _single(draws, design)
        found["prediction"] = law = _law_outside(design, draws)
        if field is not None:
            found["misfit"] = misfit = held_misfit(draws, field, _outside(design), "at")[..., 0]
            floor: Any = sum((draws[s] for s in design.asymptotes), start=0.0)
            found["prediction"] = floor + (law - floor) * np.exp(misfit)
        found["log_likelihood"] = self._likelihood(draws, measured)
        return xr.Dataset(found)


def _plain() -> Any:
    """Compile in no time what is called a few times."""
    from pytensor.compile import Mode

    return Mode(linker="py", optimizer="fast_compile")


def _simulate(stated: pm.Model, response: str, seed: int) -> tuple[xr.Dataset, np.ndarray]:
    """Draw all variables of a model, as one draw of one chain, and the measured values."""
    import pymc as pm

    wanted = [*stated.free_RVs, *stated.deterministics]
    drawn: Any = pm.draw([*wanted, stated[response]], random_seed=seed, mode=_plain())
    dims = {v.name: stated.named_vars_to_dims.get(v.name, ()) for v in wanted}
    values = {
        v.name: (("chain", "draw", *dims[v.name]), np.asarray(x)[None, None])
        for v, x in zip(wanted, drawn, strict=False)
    }
    return xr.Dataset(values), drawn[-1]


def _single(draws: xr.Dataset, design: Design) -> dict[str, Any]:
    """Take apart what is ranked: parameters, those of each kind, and one shared effect."""
    found: dict[str, Any] = {}
    for name, values in draws.items():
        own = [str(d) for d in values.dims if d not in ("chain", "draw")]
        if not own:
            found[str(name)] = values
        elif str(name).startswith("effect_"):
            found[str(name)] = values.isel({own[0]: 0}, drop=True)
        elif own[0] in design.levels:
            for j, label in enumerate(design.levels[own[0]]):
                if str(name) in {p.symbol for p in design.parameters}:
                    found[f"{name}[{label}]"] = values.isel({own[0]: j}, drop=True)
    return found


def _outside(design: Design) -> dict[str, np.ndarray]:
    """Ten times as large as the last row in everything that has a size."""
    found = {symbol: values[-1:].copy() for symbol, values in design.inputs.items()}
    for i in design.law.inputs_of(design.response):
        if not i.format and i.scale == "log":
            found[i.symbol] *= 10
    return found


def _law_outside(design: Design, draws: xr.Dataset) -> Any:
    at = {symbol: float(values[0]) for symbol, values in _outside(design).items()}
    values: dict[str, Any] = {str(name): draws[name] for name in draws} | at
    for p in design.parameters:
        if p.by is not None:
            values[p.symbol] = draws[p.symbol].isel({p.by.symbol: int(at[p.by.symbol])}, drop=True)
    return design.law.evaluate(design.response, values)


def _log_likelihood(stated: pm.Model) -> Callable[[xr.Dataset, np.ndarray], xr.DataArray]:
    """Compile the log-likelihood of many draws at once, for measured values that change."""
    import pytensor.tensor as pt
    from pymc.model.transform.conditioning import remove_value_transforms
    from pytensor.compile import function
    from pytensor.graph import vectorize_graph

    plain: Any = remove_value_transforms(stated)
    batch = {
        plain.rvs_to_values[v]: pt.tensor(v.name, dtype=v.dtype, shape=(None,) * (v.ndim + 1))
        for v in plain.free_RVs
    }
    term = plain.logp(vars=plain.observed_RVs, jacobian=False)
    density = function(
        list(batch.values()),
        vectorize_graph(term, replace=batch),
        mode=_plain(),
        on_unused_input="ignore",
    )

    def at(draws: xr.Dataset, measured: np.ndarray) -> xr.DataArray:
        plain["measured"].set_value(measured)
        flat = (draws[v.name].values for v in plain.free_RVs)
        values = density(*(x.reshape(-1, *x.shape[2:]) for x in flat))
        shape = (draws.sizes["chain"], draws.sizes["draw"])
        return xr.DataArray(values.reshape(shape), dims=("chain", "draw"))

    return at
