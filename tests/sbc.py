"""Simulation-based calibration: the sampler finds again what was drawn from the prior.

Parameters and losses are drawn from the prior and the noise, the model is sampled on those losses,
and each true value is ranked among the draws. Where prior, likelihood, coordinates and sampler are
right, ranks are uniform (Talts et al. 2018). Uniformity is tested by the simultaneous envelope of
the empirical distribution function (Säilynoja, Bürkner & Vehtari 2022). Beside the parameters a
prediction outside the data is ranked, and the log-likelihood, which also sees a sampler that
ignores some of the data (Modrák et al. 2023).

Not by simuk 0.2: it samples by ``pymc.sample``, and what is tested here is bayesq's own sampler,
whose coordinates follow the rows. It compiles each simulated table anew, ranks free variables but
neither prediction nor likelihood, among draws that are not thinned, and has no p-value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import arviz_stats as azs
import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytensor.tensor as pt
import xarray as xr
from pymc.model.transform.conditioning import remove_value_transforms
from pytensor.compile.mode import Mode
from pytensor.graph.replace import vectorize_graph
from scipy.stats import binom, poisson

import bayesq
from bayesq.law.registry import find_law
from bayesq.model.compose import compose
from bayesq.model.design import Design, design
from bayesq.model.specification import specify_rows
from bayesq.posterior.misfit import held_misfit
from bayesq.sampling.compiled import Compiled
from simulated import base_table, crossed, table_for, with_losses

# Draws that a true value is ranked among, and the fewest effective ones that they may stand for.
RANKED, FEWEST = 100, 50
DRAWS, CHAINS = 500, 2
# Of sampling again, with more draws, where those were too few.
LONGER = 4
# Share of right samplers that the test of one model calls wrong.
FALSE_ALARMS = 1e-3
_PLAIN = Mode(linker="py", optimizer="fast_compile")


@dataclass(frozen=True)
class Case:
    """A model to be calibrated, over the rows of a small table."""

    law: str
    rows: Callable[[], pd.DataFrame]
    noise: str | None = None
    discrepancy: bool = True

    def design(self) -> Design:
        """Choose the rows; their losses are a stand-in until they are drawn."""
        return design(bayesq.read_runs(with_losses(self.rows())), find_law(self.law))


def with_errors() -> pd.DataFrame:
    """Give the losses standard errors between those of good and of bad evaluations."""
    return base_table().assign(loss_se=np.geomspace(0.003, 0.1, 36)[np.arange(36) * 7 % 36])


def checkpoints() -> pd.DataFrame:
    """Make the lengths of training of one size the checkpoints of one run."""
    table = base_table()
    return table.assign(run=[f"{n:.3g}" for n in table["N"]])


def seeds() -> pd.DataFrame:
    """Train every model twice."""
    sizes = crossed(N=np.geomspace(1e7, 1e9, 6), D=np.geomspace(1e9, 1e11, 3), seed=[0, 1])
    return sizes.drop(columns="seed").assign(stage="none")


# Every law on a table of its own, and the noises on the base law. To calibrate a further choice,
# add a line.
CASES = {name: Case(name, partial(table_for, law)) for name, law in bayesq.laws().items()} | {
    f"chinchilla, {noise}{'' if wrong else ', true law'}": Case("chinchilla", rows, noise, wrong)
    for wrong in (True, False)
    for noise, rows in (
        ("student-t", base_table),
        ("normal", base_table),
        ("known-se", with_errors),
        ("falls-with-D", base_table),
        ("student-t + run", checkpoints),
        ("student-t + budget", base_table),
        ("student-t + cell", seeds),
    )
    if not (wrong and noise == "student-t")  # that is the default
}


def calibrate(case: Case, simulations: range) -> Iterator[dict[str, float]]:
    """Simulate tables, fit each, and rank what was true.

    Yields
    ------
    dict of str to float
        Of each table the rank of each quantity, from 0 to 1, with ``simulation``, ``ess`` (the
        smallest effective sample size) and ``divergences``.
    """
    chosen = case.design()
    described = specify_rows(chosen, noise=case.noise, discrepancy=case.discrepancy)
    stated = compose(described, to_sample=False)
    likelihood = _log_likelihood(stated)

    def quantities(draws: xr.Dataset, measured: np.ndarray) -> xr.Dataset:
        found = _single(draws, chosen)
        found["prediction"] = law = _law_outside(chosen, draws)
        if described.field is not None:
            found["misfit"] = misfit = held_misfit(draws, described.field, _outside(chosen), "at")[
                ..., 0
            ]
            floor: Any = sum((draws[s] for s in chosen.asymptotes), start=0.0)
            found["prediction"] = floor + (law - floor) * np.exp(misfit)
        found["log_likelihood"] = likelihood(draws, measured)
        return xr.Dataset(found)

    for i in simulations:
        truth, measured = _simulate(stated, chosen.response, i)
        # What the sampler's coordinates take from the measured values goes with them.
        seen = replace(chosen, observed=described.noise.from_scale(measured))
        model = Compiled(replace(described, design=seen))
        for draws in (DRAWS, LONGER * DRAWS):
            drawn = model.sample(draws=draws, tune=draws, chains=CHAINS, seed=i)
            posterior = model.groups(drawn.points)["posterior"]
            thin = slice(None, None, CHAINS * draws // RANKED)
            every = quantities(posterior, measured)
            ess = min(float(v) for v in azs.ess(every).data_vars.values())
            if ess >= FEWEST or draws > DRAWS:
                break
        rng = np.random.default_rng([20261122, i])
        ranked = every.isel(draw=thin)
        true = quantities(truth, measured)
        pits = {str(n): pit(float(true[n][0, 0]), ranked[n].values.ravel(), rng) for n in true}
        diverging = int(drawn.stats["diverging"].sum())
        yield {"simulation": i, **pits, "ess": ess, "divergences": diverging}


def pit(truth: float, draws: np.ndarray, rng: np.random.Generator) -> float:
    """Rank a true value among draws, from 0 to 1; within its rank at random."""
    low, high = (draws < truth).sum(), (draws <= truth).sum()
    return float(rng.uniform(low, high + 1) / (len(draws) + 1))


def verdicts(ranks: pd.DataFrame) -> pd.Series:
    """p-value of the uniformity of each quantity's ranks, from what :func:`calibrate` yields."""
    quantities = ranks.drop(columns=["simulation", "ess", "divergences"])
    return pd.Series({str(name): p_value(values.to_numpy()) for name, values in quantities.items()})


def p_value(ranks: np.ndarray) -> float:
    """Probability that uniform ranks leave an envelope that these touch."""
    count = len(ranks)
    grid = np.arange(1, count) / count
    below = np.searchsorted(np.sort(ranks), grid, side="right")
    tails = np.minimum(binom.cdf(below, count, grid), binom.sf(below - 1, count, grid))
    return 1.0 - _stays_inside(count, float(tails.min()) * (1 + 1e-9))


def envelope(count: int, prob: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find where the distribution function of uniform ranks stays with a probability.

    Returns
    -------
    tuple of ndarray
        Points between 0 and 1, and the least and the largest share of ranks below each.
    """
    low, high = 0.0, 0.5
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if _stays_inside(count, middle) > prob else (low, middle)
    grid = np.arange(1, count) / count
    inside = _inside(count, low)
    return (
        grid,
        inside.argmax(axis=1) / count,
        (count - inside[:, ::-1].argmax(axis=1)) / count,
    )


def _inside(count: int, tail: float) -> np.ndarray:
    """Tell which numbers of ranks below each point have a larger tail on both sides."""
    grid = np.arange(1, count)[:, None] / count
    number = np.arange(count + 1)
    return (binom.cdf(number, count, grid) > tail) & (binom.sf(number - 1, count, grid) > tail)


def _stays_inside(count: int, tail: float) -> float:
    """Probability that uniform ranks lie inside at every point.

    Exactly: as a Poisson process, whose steps are independent, given the number at its end.
    """
    step = poisson(1.0).pmf(np.arange(count + 1))
    state = np.eye(1, count + 1)[0]
    for allowed in _inside(count, tail):
        state = np.convolve(state, step)[: count + 1] * allowed
    return float(np.convolve(state, step)[count] / poisson(count).pmf(count))


def _simulate(stated: pm.Model, response: str, seed: int) -> tuple[xr.Dataset, np.ndarray]:
    """Draw all variables of a model, as one draw of one chain, and the measured values."""
    wanted = [*stated.free_RVs, *stated.deterministics]
    drawn = pm.draw([*wanted, stated[response]], random_seed=seed, mode=_PLAIN)
    dims = {v.name: stated.named_vars_to_dims.get(v.name, ()) for v in wanted}
    values = {
        v.name: (("chain", "draw", *dims[v.name]), np.asarray(x)[None, None])
        for v, x in zip(wanted, drawn, strict=False)
    }
    return xr.Dataset(values), drawn[-1]


def _single(draws: xr.Dataset, chosen: Design) -> dict[str, Any]:
    """Take apart what is ranked: parameters, those of each kind, and one shared effect."""
    found: dict[str, Any] = {}
    for name, values in draws.items():
        own = [str(d) for d in values.dims if d not in ("chain", "draw")]
        if not own:
            found[str(name)] = values
        elif str(name).startswith("effect_"):
            found[str(name)] = values.isel({own[0]: 0}, drop=True)
        elif own[0] in chosen.levels:
            for j, label in enumerate(chosen.levels[own[0]]):
                if str(name) in {p.symbol for p in chosen.parameters}:
                    found[f"{name}[{label}]"] = values.isel({own[0]: j}, drop=True)
    return found


def _outside(chosen: Design) -> dict[str, np.ndarray]:
    """Ten times as large as the last row in everything that has a size."""
    found = {symbol: values[-1:].copy() for symbol, values in chosen.inputs.items()}
    for i in chosen.law.inputs_of(chosen.response):
        if not i.format and i.scale == "log":
            found[i.symbol] *= 10
    return found


def _law_outside(chosen: Design, draws: xr.Dataset) -> Any:
    at = {symbol: float(values[0]) for symbol, values in _outside(chosen).items()}
    values: dict[str, Any] = {str(name): draws[name] for name in draws} | at
    for p in chosen.parameters:
        if p.by is not None:
            values[p.symbol] = draws[p.symbol].isel({p.by.symbol: int(at[p.by.symbol])}, drop=True)
    return chosen.law.evaluate(chosen.response, values)


def _log_likelihood(stated: pm.Model) -> Callable[[xr.Dataset, np.ndarray], xr.DataArray]:
    """Compile the log-likelihood of many draws at once, for measured values that change."""
    plain = remove_value_transforms(stated)
    batch = {
        plain.rvs_to_values[v]: pt.tensor(v.name, dtype=v.dtype, shape=(None,) * (v.ndim + 1))
        for v in plain.free_RVs
    }
    term = plain.logp(vars=plain.observed_RVs, jacobian=False)
    density = pytensor.function(
        list(batch.values()),
        vectorize_graph(term, replace=batch),
        mode=_PLAIN,
        on_unused_input="ignore",
    )

    def at(draws: xr.Dataset, measured: np.ndarray) -> xr.DataArray:
        plain["measured"].set_value(measured)
        flat = (draws[v.name].values for v in plain.free_RVs)
        values = density(*(x.reshape(-1, *x.shape[2:]) for x in flat))
        shape = (draws.sizes["chain"], draws.sizes["draw"])
        return xr.DataArray(values.reshape(shape), dims=("chain", "draw"))

    return at
