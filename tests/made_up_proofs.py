"""Made-up results for figures of checks, comparisons and backtests: fixed draws, no sampler."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from made_up_fits import made_up_fit, with_kinds

import bayesq
from bayesq import Backtest, Comparison, Fit
from bayesq.comparison.left_out import LeftOut
from bayesq.model.specification import specify

OVER = ("chain", "draw")


def ridge(grid: bayesq.Runs, *, diverging: int = 0, seed: int = 0, wide: float = 1.0) -> Fit:
    """Make up a fit of the base law whose A and alpha lie on a ridge, with all that it is asked."""
    rng = np.random.default_rng(seed)
    described = specify(grid, "chinchilla", "loss", discrepancy=False)

    def draw(spread: float) -> xr.Dataset:
        alpha = 0.2 * np.exp(spread * rng.normal(0, 0.2, (2, 300)))
        beta = 0.6 * np.exp(spread * rng.normal(0, 0.1, (2, 300)))
        values = {
            "E": 0.8 + spread * rng.normal(0, 0.05, (2, 300)),
            "A": 0.5 * 1e7**alpha * np.exp(rng.normal(0, 0.05, (2, 300))),
            "B": 0.2 * 1e8**beta * np.exp(rng.normal(0, 0.05, (2, 300))),
            "alpha": alpha,
            "beta": beta,
            "sigma": 0.01 * np.exp(rng.normal(0, 0.1, (2, 300))),
            "dof": 6 + rng.normal(0, 0.5, (2, 300)),
        }
        values |= {"A_pivot": values["A"] / 1e3, "B_pivot": values["B"] / 1e3}
        return xr.Dataset(
            {name: (OVER, found) for name, found in values.items()},
            {"chain": range(2), "draw": range(300)},
        )

    posterior = draw(wide)
    stops = np.zeros((2, 300), dtype=bool)
    stops.flat[:diverging] = True
    log_prior = xr.Dataset(
        {
            n: -0.5 * (np.log(posterior[n] / posterior[n].mean()) / 3) ** 2
            for n in ("alpha", "beta", "A_pivot", "B_pivot", "E")
        }
    )
    rows = len(described.design.index)
    off = xr.DataArray(rng.normal(0, 1, rows), dims="row")
    likelihood = -0.1 * (0.3 * off + (posterior["E"] - 0.8) / 0.05) ** 2
    predictive = xr.DataArray(described.design.observed, dims="row") + 0.1 * xr.DataArray(
        rng.normal(0, 1, (2, 300, rows)), dims=(*OVER, "row")
    )
    return made_up_fit(
        described,
        posterior,
        prior=draw(4.0),
        sample_stats=xr.Dataset({"diverging": (OVER, stops)}, posterior.coords),
        log_prior=log_prior,
        log_likelihood=xr.Dataset({"loss": likelihood.transpose(*OVER, "row")}),
        posterior_predictive=predictive.to_dataset(name="loss"),
    )


def many_kinds(count: int = 20) -> Fit:
    """Make up a fit with a parameter for each of many formats, and priors that overflow."""
    rng = np.random.default_rng(0)
    names = [f"method-of-which-the-name-is-long-{n}" for n in range(count)]
    formats: list[dict[str, object]] = [{"w_bits": 4, "method": name} for name in names]
    described = with_kinds(bayesq.laws()["frantar2025"], *formats)
    (by,) = [p.by for p in described.law.parameters if p.by is not None]
    kinds = described.design.levels[by.symbol]

    def draw(spread: float) -> xr.Dataset:
        def around(middle: float, sd: float = 0.1) -> np.ndarray:
            return np.asarray(middle * np.exp(spread * rng.normal(0, sd, (2, 100))))

        values = {"E": around(0.8), "A": around(400.0), "B": around(1100.0), "alpha": around(0.3)}
        values |= {"beta": around(0.4), "sigma": around(0.01), "dof": around(6.0)}
        values |= {"eff_rate": around(1.0), "eff_spread": around(1.0)}
        found = xr.Dataset({name: (OVER, drawn) for name, drawn in values.items()})
        eff = rng.uniform(0.1, 0.9, (2, 100, len(kinds)))
        # Of later kinds the data say more.
        eff = eff if spread > 1 else 0.5 + (eff - 0.5) / np.arange(1, len(kinds) + 1)
        found["eff"] = ((*OVER, by.symbol), eff)
        return found.assign_coords({by.symbol: list(kinds), "chain": range(2), "draw": range(100)})

    prior = draw(4.0)
    prior["A"][0, :3] = np.inf
    return made_up_fit(described, draw(1.0), prior=prior)


def backtested(
    count: int = 12, *, runs: int | None = None, bias: float = 0.02, seed: int = 0
) -> Backtest:
    """Make up a backtest of rows at several distances, some outside their intervals."""
    rng = np.random.default_rng(seed)
    observed = 2.5 + rng.uniform(0, 1, count)
    median = observed + bias + 0.05 * rng.normal(0, 1, count)
    ends = {"50": 0.674 * 0.05, "90": 1.645 * 0.05}
    rows = pd.DataFrame(
        {
            "fold": "compute above 1e+17 FLOP",
            "row": 10 * np.arange(count),
            "run": np.arange(count) % (runs or count),
            "N": 1e7,
            "D": 1e9,
            "observed": observed,
            "median": median,
        }
    )
    for name, half in ends.items():
        rows[f"lower_{name}"], rows[f"upper_{name}"] = median - half, median + half
    rows["width_90"] = rows["upper_90"] - rows["lower_90"]
    for name in ends:
        rows[f"in_{name}"] = rows["observed"].between(rows[f"lower_{name}"], rows[f"upper_{name}"])
    rows = rows.assign(crps=0.1, log_score=1.5, interval_score=0.2, bias=median - observed)
    rows["pit"] = (np.arange(count) + 0.5) / count
    rows["distance"] = np.resize([1.0, 1.5, 3.0], count)
    return Backtest("Made up", rows, ())


def compared(grid: bayesq.Runs, *, far: float = 10.0, outside: bool = True) -> Comparison:
    """Make up a comparison of three laws: two alike, one worse; one row not to be trusted."""
    fits = {name: ridge(grid) for name in ("one", "two", "three")}
    units = len(next(iter(fits.values())).specification.design.index)
    rng = np.random.default_rng(3)
    base, runs = rng.normal(2, 0.5, units), np.arange(units)
    k = rng.uniform(0, 0.4, units)
    left = {}
    for name, short in {"one": 0.0, "two": 1.0, "three": far}.items():
        elpd = base - short / units + rng.normal(0, 0.02, units)
        mine = k.copy()
        mine[4] = 0.9 if name == "three" else 0.0
        cured = () if name == "three" else (4,)
        left[name] = LeftOut(elpd, elpd + 0.1, mine, 0.7, (2,), cured, runs)
    beyond = {}
    if outside:
        beyond = {
            name: backtested().rows.assign(log_score=1.5 - short / 12 + 0.01 * np.arange(12) * i)
            for i, (name, short) in enumerate({"one": 20.0, "two": 0.0, "three": 60.0}.items())
        }
    return Comparison(fits, "row", "largest-compute" if outside else None, left, beyond)
