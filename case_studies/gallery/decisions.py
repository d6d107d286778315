"""Figures of decisions for the gallery: each with its title, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from made import Made

from bayesq import average, decide
from bayesq.plot import (
    plot_decision,
    plot_formats,
    plot_iso_loss,
    plot_isoflop,
    plot_reliability,
)

Size = tuple[float, float] | None
_N, _D = "7.08M", "200M"


def isoflop(made: Made, figsize: Size) -> Any:
    """Draw isoFLOP curves of the base law."""
    return plot_isoflop(made.base, figsize=figsize)


def iso_loss(made: Made, figsize: Size) -> Any:
    """Draw contours of the base law over size and tokens."""
    return plot_iso_loss(made.base, figsize=figsize)


def iso_loss_bits(made: Made, figsize: Size) -> Any:
    """Draw contours of the quantized network's loss over bits and size."""
    return plot_iso_loss(made.added, base=made.base, at={"D": _D}, figsize=figsize)


def decision(made: Made, figsize: Size) -> Any:
    """Draw the fewest bits at a level."""
    found = decide.fewest_bits(made.added, level=0.01, N=_N, D=_D, choice=4, risk=0.05)
    return plot_decision(found, figsize=figsize)


def decision_tokens(made: Made, figsize: Size) -> Any:
    """Draw tokens at which a degradation is reached, some of them beyond what was searched."""
    found = decide.tokens_to_degradation(made.added, level=0.1, N=_N, w_bits=4)
    return plot_decision(found, figsize=figsize)


def decision_laws(made: Made, figsize: Size) -> Any:
    """Draw one decision over two laws."""
    both = average(made.comparison, weights="equal")
    found = decide.fewest_bits(both, level=0.01, N=_N, D=_D)
    return plot_decision(found, figsize=figsize)


def decision_sizes(made: Made, figsize: Size) -> Any:
    """Draw sizes that reach one loss, by their bits."""
    found = decide.iso_loss(made.added, base=made.base, N=_N, D=_D)
    return plot_decision(found, figsize=figsize)


def formats(made: Made, figsize: Size) -> Any:
    """Draw the formats that were measured, in order."""
    return plot_formats(made.trained, figsize=figsize)


def reliability(made: Made, figsize: Size) -> Any:
    """Draw critical tokens as they were advised over what was measured."""
    return plot_reliability(made.decided, figsize=figsize)


FIGURES: dict[str, tuple[str, Callable[[Made, Size], Any]]] = {
    "isoflop": ("IsoFLOP curves and the compute-optimal path", isoflop),
    "iso_loss": ("Contours of loss over size and tokens", iso_loss),
    "iso_loss_bits": ("Contours of loss over bits and size", iso_loss_bits),
    "decision": ("A decision: the fewest bits that keep a level", decision),
    "decision_tokens": ("A decision of which some draws lie beyond the search", decision_tokens),
    "decision_laws": ("A decision over two laws", decision_laws),
    "decision_sizes": ("A decision about several options: sizes of one loss", decision_sizes),
    "formats": ("Formats in order of loss", formats),
    "reliability": ("Reliability of decisions", reliability),
}
