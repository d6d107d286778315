"""Figures: free functions that take and return Matplotlib axes."""

from bayesq.plot.alternative import alt_text
from bayesq.plot.answer import plot_decision
from bayesq.plot.degradation import plot_degradation
from bayesq.plot.fan import plot_fan
from bayesq.plot.law_over_data import plot_law
from bayesq.plot.residuals import plot_residuals

__all__ = [
    "alt_text",
    "plot_decision",
    "plot_degradation",
    "plot_fan",
    "plot_law",
    "plot_residuals",
]
