"""Scales, ticks and names of the axes of a law: counts read 7B, bits are whole, groups double."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from bayesq.law.inputs import Input
from bayesq.runs.counts import format_count

_COUNTED = ("parameters", "tokens")


@dataclass(frozen=True)
class Kinds(Input):
    """Kinds of rows that have parameters of their own, drawn like an input: by their numbers."""

    labels: tuple[str, ...] = ()


def name(source: Input) -> str:
    """Name an input with its unit."""
    return f"{source.symbol} ({source.unit})" if source.unit else source.symbol


def shown(source: Input, value: float) -> str:
    """Write a value of an input; NaN is a row that has none."""
    if np.isnan(value):
        return "full precision"
    if isinstance(source, Kinds):
        return source.labels[int(value)]
    return format_count(value) if source.unit in _COUNTED else f"{value:g}"


def dress(ax: Axes, source: Input, along: pd.Series, response: str, measured: pd.Series) -> None:
    """Scale and label axes that have an input along x and a response in nats along y.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes.
    source : Input
        The input along x.
    along, measured : Series
        Its values, and the response measured there.
    response : str
        ``"loss"``, on a linear axis, or ``"degradation"``, on a logarithmic one, which is linear
        around 0 where values below 0 were measured.
    """
    ax.set_xlabel(name(source))
    ax.set_ylabel(f"{response} (nats/token)")
    if source.scale == "log":
        ax.set_xscale("log")
        _logarithmic_ticks(ax.xaxis, along, base=2 if source.unit == "elements" else 10)
        ax.xaxis.set_major_formatter(lambda value, _: shown(source, value))
    elif source.unit == "bits":
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if response == "degradation":
        if is_logarithmic(response, measured):
            ax.set_yscale("log")
            _logarithmic_ticks(ax.yaxis, measured)
        else:
            # A power of ten, so that a tick stands where the axis turns logarithmic.
            threshold = 10 ** np.ceil(np.log10(max(-measured.min(), 1e-6)))
            ax.set_yscale("symlog", linthresh=threshold)
            ax.yaxis.set_minor_formatter(NullFormatter())
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.grid(color="0.9", linewidth=0.6)
    ax.set_axisbelow(True)


def is_logarithmic(response: str, measured: pd.Series) -> bool:
    """Whether the response has a logarithmic axis, with no place for 0 and below."""
    return response == "degradation" and bool((measured > 0).all())


def _logarithmic_ticks(axis: Axis, values: pd.Series, base: int = 10) -> None:
    short = base == 10 and values.max() / values.min() < 100
    axis.set_major_locator(LogLocator(base, subs=(1.0, 2.0, 5.0) if short else (1.0,)))
    axis.set_minor_formatter(NullFormatter())
