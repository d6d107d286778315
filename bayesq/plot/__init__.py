"""Figures: free functions that take and return Matplotlib axes."""

from bayesq.plot.alternative import alt_text
from bayesq.plot.answer import plot_decision
from bayesq.plot.calibration import plot_pit
from bayesq.plot.contours import plot_iso_loss
from bayesq.plot.degradation import plot_degradation
from bayesq.plot.fan import plot_fan
from bayesq.plot.foretold import plot_backtest
from bayesq.plot.format_order import plot_formats
from bayesq.plot.isoflop import plot_isoflop
from bayesq.plot.law_differences import plot_comparison
from bayesq.plot.law_over_data import plot_law
from bayesq.plot.pairs import plot_pairs
from bayesq.plot.pareto_k import plot_khat
from bayesq.plot.prior_posterior import plot_prior_posterior
from bayesq.plot.prior_sensitivity import plot_sensitivity
from bayesq.plot.reliability import plot_reliability
from bayesq.plot.residuals import plot_residuals

__all__ = [
    "alt_text",
    "plot_backtest",
    "plot_comparison",
    "plot_decision",
    "plot_degradation",
    "plot_fan",
    "plot_formats",
    "plot_iso_loss",
    "plot_isoflop",
    "plot_khat",
    "plot_law",
    "plot_pairs",
    "plot_pit",
    "plot_prior_posterior",
    "plot_reliability",
    "plot_residuals",
    "plot_sensitivity",
]
