"""Figures: free functions that take and return Matplotlib axes."""

from bayesq.plot.law_over_data import plot_law

__all__ = ["plot_law"]
