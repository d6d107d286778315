"""Figures of decisions held against accepted pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from pictured import pictured
from test_plot_decisions import decided, numbers, some

from bayesq.plot import plot_decision, plot_reliability

SMALL: Any = (3.25, 2.6)


def drawn(axes: np.ndarray) -> Figure:
    found: Figure = axes[0].figure
    return found


@pictured("decision")
def test_a_decision() -> Figure:
    values = some()
    values[:48] = np.inf
    return drawn(plot_decision(decided(values), figsize=SMALL))


@pictured("decision-laws")
def test_a_decision_over_laws() -> Figure:
    laws = {"one": (0.25, decided(some())), "two": (0.75, decided(some(2.0)))}
    return drawn(plot_decision(decided(some(1.5), laws=laws), figsize=SMALL))


@pictured("reliability")
def test_reliability() -> Figure:
    return drawn(plot_reliability(numbers(), figsize=SMALL))
