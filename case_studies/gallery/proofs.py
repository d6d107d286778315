"""Figures of priors, parameters, comparisons and backtests for the gallery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from made import Made

from bayesq import plot

Size = tuple[float, float] | None
Shown = tuple[str, Callable[[Made, Size], Any]]

FIGURES: dict[str, Shown] = {
    "prior_posterior": (
        "What the data have changed",
        lambda made, figsize: plot.plot_prior_posterior(made.base, figsize=figsize),
    ),
    "pairs": (
        "The ridge of a coefficient and its exponent",
        lambda made, figsize: plot.plot_pairs(made.base, var_names=["A", "alpha"], figsize=figsize),
    ),
    "pairs_all": (
        "All parameters of a law against each other",
        lambda made, figsize: plot.plot_pairs(made.trained, figsize=figsize),
    ),
    "comparison": (
        "Two laws, inside the data and outside",
        lambda made, figsize: plot.plot_comparison(made.comparison, figsize=figsize),
    ),
    "khat": (
        "Where importance sampling is to be trusted, and what was fitted again",
        lambda made, figsize: plot.plot_khat(made.comparison, figsize=figsize),
    ),
    "sensitivity": (
        "What moves with the priors",
        lambda made, figsize: plot.plot_sensitivity(made.base, figsize=figsize),
    ),
    "backtest": (
        "Foretold against measured",
        lambda made, figsize: plot.plot_backtest(made.backtest, figsize=figsize),
    ),
    "pit": (
        "Calibration of a backtest",
        lambda made, figsize: plot.plot_pit(made.backtest, figsize=figsize),
    ),
    "loo_pit": (
        "Calibration of a fit, each row left out in turn",
        lambda made, figsize: plot.plot_pit(made.trained, figsize=figsize),
    ),
}
