"""Scales and names of the axes of a law: counts read 7B, bits are whole, groups double."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bayesq.law.inputs import Input
from bayesq.plot.canvas import font_size, width_of
from bayesq.plot.symbols import mathtext, plain, short
from bayesq.plot.ticks import ticks_of_counts
from bayesq.runs.counts import format_count

_COUNTED = ("parameters", "tokens")
_LONGEST, _MORE = 14, 8  # letters of the name of a kind
# Height of a line and width of a letter, in sizes of the type.
_LINE, _LETTER = 1.25, 0.6
_USED = 0.8  # share of an axis between its first kind and its last, about


@dataclass(frozen=True)
class Kinds(Input):
    """Kinds of rows that have parameters of their own, drawn like an input: by their numbers."""

    labels: tuple[str, ...] = ()


def kinds_of(source: Input) -> tuple[str, ...]:
    """List the names of kinds; of another input none."""
    return source.labels if isinstance(source, Kinds) else ()


def symbol_of(source: Input) -> str:
    """Write the symbol of an input as papers do; a name of a column or of kinds as it is."""
    column = source.symbol == source.columns[0] and "_" in source.symbol
    as_is = column or isinstance(source, Kinds)
    return plain(source.symbol) if as_is else mathtext(source.symbol)


def name(source: Input) -> str:
    """Name an input with its unit."""
    symbol = symbol_of(source)
    return f"{symbol} ({source.unit})" if source.unit else symbol


def shown(source: Input, value: float) -> str:
    """Write a value of an input; NaN is a row that has none."""
    if np.isnan(value):
        return "full precision"
    if isinstance(source, Kinds):
        return source.labels[int(value)]
    if source.unit in _COUNTED:
        return format_count(value)
    # Of operations there are too many to count in trillions.
    return f"{value:.3g}" if source.unit == "FLOP" else f"{value:g}"


def label_of(source: Input, value: float, most: int = _LONGEST) -> str:
    """Write a value for a figure: names of kinds short, and no dollars that would be typeset."""
    text = shown(source, value)
    return plain(short(text, most) if isinstance(source, Kinds) else text)


def labels_of(source: Input, values: Iterable[float], most: int = _LONGEST) -> list[str]:
    """Write values for a figure so that they are told apart: kinds by number where need be."""
    listed = [float(value) for value in values]
    for letters in range(most, most + _MORE):
        labels = [label_of(source, value, letters) for value in listed]
        if len(set(labels)) == len(labels):
            return labels
    return [f"{int(v) + 1} {label_of(source, v, most - 3)}" for v in listed]


def is_listed(source: Input) -> bool:
    """Whether an input has values by name or yes and no alone, with nothing between two."""
    return isinstance(source, Kinds) or source.scale == "flag"


def dress(ax: Axes, source: Input, response: str, listed: list[float] | None = None) -> None:
    """Scale and label axes that have an input along x and a response in nats along y.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes.
    source : Input
        The input along x.
    response : str
        ``"loss"``, on a linear axis, or ``"degradation"``, on a logarithmic one.
    listed : list of float, optional
        Of kinds and flags the values that have a place along x.
    """
    size = font_size(ax)
    ax.set_xlabel(name(source), fontsize=size)
    ax.set_ylabel(f"{response} (nats/token)", fontsize=size)
    ax.tick_params(labelsize=size)
    if is_listed(source):
        write_kinds(ax, source, listed or [])
    elif source.scale == "log":
        ticks_of_counts(
            ax.xaxis, lambda v: shown(source, v), base=2 if source.unit == "elements" else 10
        )
    elif source.unit == "bits":
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if response == "degradation":
        ticks_of_counts(ax.yaxis, "{:g}".format)
    grid(ax)


def write_kinds(ax: Axes, source: Input, values: list[float], *, aslant: bool = True) -> bool:
    """Name kinds along x, long names aslant; where these have no room, number them from 1.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes.
    source : Input
        Kinds, or yes and no.
    values : list of float
        The kinds that have a place.
    aslant : bool
        Whether there is room for names aslant.

    Returns
    -------
    bool
        Whether they are numbered.
    """
    labels = labels_of(source, values)
    size, width = font_size(ax), _USED * width_of(ax)
    level = _LETTER * size * (sum(map(len, labels)) + 2 * len(labels)) <= width
    fits = level or (aslant and 1.6 * _LINE * size * len(values) <= width)
    if not fits and isinstance(source, Kinds):
        numbers = [int(value) + 1 for value in values]
        every = max(1, int(np.ceil(_LETTER * size * 4 * len(values) / width)))
        ax.set_xticks(values[::every], [str(n) for n in numbers[::every]])
        ax.set_xlabel(f"{name(source)} (number)", fontsize=size)
        return True
    ax.set_xticks(values, labels)
    if not level:
        ax.tick_params(axis="x", rotation=30)
        for label in ax.get_xticklabels():
            label.set(horizontalalignment="right", rotation_mode="anchor")
    return False


def grid(ax: Axes) -> None:
    """Lay faint lines behind what is drawn."""
    ax.grid(color="0.9", linewidth=0.6)
    ax.set_axisbelow(True)
