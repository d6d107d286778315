"""Figures: free functions that take and return Matplotlib axes."""

from bayesq.plot.alternative import alt_text
from bayesq.plot.answer import plot_decision
from bayesq.plot.law_over_data import plot_law

__all__ = ["alt_text", "plot_decision", "plot_law"]
