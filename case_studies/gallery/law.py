"""Figures of laws and their data for the gallery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from made import Made

from bayesq import plot

Size = tuple[float, float] | None
Shown = tuple[str, Callable[[Made, Size], Any]]

FIGURES: dict[str, Shown] = {
    "law": (
        "The base law over its data, beside its misfit, and where it leads",
        lambda made, figsize: plot.plot_law(
            made.base, limits=("10M", "1T"), kind="both", misfit="both", figsize=figsize
        ),
    ),
    "law_degradation": (
        "What rounding adds, over tokens",
        lambda made, figsize: plot.plot_law(
            made.added, at={"N": "7.08M"}, limits=("10M", "100B"), figsize=figsize
        ),
    ),
    "law_bits": (
        "What rounding adds, over bits",
        lambda made, figsize: plot.plot_law(
            made.added, x="P", at={"D": "100M"}, limits=(2, 8), misfit="both", figsize=figsize
        ),
    ),
    "law_panels": (
        "A law with five inputs, panel by panel",
        lambda made, figsize: plot.plot_law(made.trained, figsize=figsize),
    ),
    "residuals": (
        "How far rows lie from their fit",
        lambda made, figsize: plot.plot_residuals(made.added, figsize=figsize),
    ),
    "residuals_outliers": (
        "A fit that some formats lie far from",
        lambda made, figsize: plot.plot_residuals(made.trained, figsize=figsize),
    ),
    "fan": (
        "How a prediction widens outside the data, and what widens it",
        lambda made, figsize: plot.plot_fan(made.base, figsize=figsize),
    ),
    "fan_compute": (
        "The same along compute, for what rounding adds",
        lambda made, figsize: plot.plot_fan(made.added, x="compute", figsize=figsize),
    ),
    "degradation": (
        "What rounding adds, over bits and tokens per parameter",
        lambda made, figsize: plot.plot_degradation(made.added, figsize=figsize),
    ),
    "degradation_trained": (
        "What training in float formats adds, over bits of the exponent",
        lambda made, figsize: plot.plot_degradation(made.trained, figsize=figsize),
    ),
}
