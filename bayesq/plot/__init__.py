"""Figures: free functions that take and return Matplotlib axes."""

from bayesq.plot.alternative import alt_text
from bayesq.plot.answer import plot_decision
from bayesq.plot.contours import plot_iso_loss
from bayesq.plot.format_order import plot_formats
from bayesq.plot.isoflop import plot_isoflop
from bayesq.plot.law_over_data import plot_law
from bayesq.plot.reliability import plot_reliability

__all__ = [
    "alt_text",
    "plot_decision",
    "plot_formats",
    "plot_iso_loss",
    "plot_isoflop",
    "plot_law",
    "plot_reliability",
]
