"""Figures of priors, parameters, comparisons and backtests as accepted pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from made_up_proofs import backtested, compared, ridge
from matplotlib.figure import Figure
from pictured import pictured

import bayesq
from bayesq import plot

COLUMN = (3.25, 2.6)


def figure(drawn: Any) -> Figure:
    found: Figure = drawn.viz["figure"].item() if hasattr(drawn, "viz") else drawn.figure
    return found


@pictured("prior_posterior")
def test_prior_posterior(grid: bayesq.Runs) -> Figure:
    return figure(plot.plot_prior_posterior(ridge(grid)))


@pictured("pairs")
def test_pairs(grid: bayesq.Runs) -> Figure:
    fit = ridge(grid, diverging=5)
    return figure(plot.plot_pairs(fit, var_names=["A", "alpha", "E"], figsize=(5, 5)))


@pictured("pairs_column")
def test_pairs_in_a_column(grid: bayesq.Runs) -> Figure:
    return figure(plot.plot_pairs(ridge(grid), figsize=COLUMN))


@pictured("comparison")
def test_comparison(grid: bayesq.Runs) -> Figure:
    return figure(plot.plot_comparison(compared(grid), figsize=COLUMN))


@pictured("khat")
def test_khat(grid: bayesq.Runs) -> Figure:
    return figure(plot.plot_khat(compared(grid)))


@pictured("sensitivity")
def test_sensitivity(grid: bayesq.Runs) -> Figure:
    return figure(plot.plot_sensitivity(ridge(grid), figsize=COLUMN))


@pictured("backtest")
def test_backtest() -> Figure:
    return figure(plot.plot_backtest(backtested(30)))


@pictured("backtest_column")
def test_backtest_in_a_column() -> Figure:
    return figure(plot.plot_backtest(backtested(), figsize=COLUMN))


@pictured("pit")
def test_pit() -> Figure:
    found = backtested(40, runs=20)
    found.rows["pit"] = np.linspace(0.01, 0.8, 40)
    return figure(plot.plot_pit(found, figsize=COLUMN))
