"""Figures of laws and their data against accepted pictures."""

from __future__ import annotations

from made_up_fits import around
from matplotlib.figure import Figure
from pictured import pictured

import bayesq
from bayesq.plot import plot_degradation, plot_fan, plot_law, plot_residuals
from bayesq.posterior.fit import Fit

BASE = {"E": 0.76, "A": 10.6, "B": 6.6e4, "alpha": 0.19, "beta": 0.676}
ADDED = {"C_T": 205.0, "gamma_D": 0.33, "gamma_N": 0.52, "gamma_post": 0.585}
SMALL = (3.25, 2.6)


def added(runs: bayesq.Runs) -> Fit:
    noise = {"sigma": 0.1, "sigma_0": 1e-4, "dof": 10.0}
    return around(runs, "kumar2024-ptq", "degradation", ADDED | noise)


def base(runs: bayesq.Runs) -> Fit:
    return around(runs, "chinchilla", "loss", BASE | {"sigma": 0.01, "dof": 10.0})


@pictured("law")
def test_law(ptq_runs: bayesq.Runs) -> Figure:
    options = {"at": {"N": "7.08M"}, "limits": ("1M", "10B"), "kind": "both", "misfit": "both"}
    return plot_law(added(ptq_runs), figsize=SMALL, **options).figure  # type: ignore[arg-type]


@pictured("law_panels")
def test_law_in_panels(ptq_runs: bayesq.Runs) -> Figure:
    axes = plot_law(added(ptq_runs), x="P", by="N", figsize=(6.8, 4.2))
    return axes[0].figure


@pictured("residuals")
def test_residuals(grid: bayesq.Runs) -> Figure:
    return plot_residuals(base(grid), figsize=SMALL)[0].figure


@pictured("fan")
def test_fan(grid: bayesq.Runs) -> Figure:
    return plot_fan(base(grid), figsize=SMALL)[0].figure


@pictured("degradation")
def test_degradation(ptq_runs: bayesq.Runs) -> Figure:
    return plot_degradation(added(ptq_runs), at={"N": "7.08M"}, figsize=SMALL).figure
