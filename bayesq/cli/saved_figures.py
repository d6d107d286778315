"""A figure in a file, with what it shows in words among the file's own facts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayesq.cli.targets import Target
from bayesq.files import write_beside
from bayesq.plot.alternative import alt_text
from bayesq.plot.canvas import figure_of


def save(draw: Callable[[], Any], target: Target, name: str, dpi: float) -> str:
    """Draw, save and close a figure.

    Returns
    -------
    str
        What it shows in words.
    """
    before = set(plt.get_fignums())
    try:
        drawn = draw()
        text, figure = alt_text(drawn), _figure(drawn)
        with target.taken() as path:
            ending = path.suffix.lower()[1:]

            def write(beside: Path) -> None:
                figure.savefig(beside, format=ending, dpi=dpi, metadata=_facts(ending, name, text))

            write_beside(path, write, f"{name}.{ending}")
    finally:
        for number in set(plt.get_fignums()) - before:
            plt.close(number)
    return text


def _figure(drawn: Any) -> Figure:
    """Find the figure of axes, of several, or of a collection of arviz-plots."""
    if isinstance(drawn, np.ndarray):
        drawn = next(ax for ax in drawn.flat if isinstance(ax, Axes))
    found: Figure = figure_of(drawn) if isinstance(drawn, Axes) else drawn.viz["figure"].item()
    return found


def _facts(ending: str, name: str, text: str) -> dict[str, Any]:
    """Name the title and the words as a format has them, without the time of day."""
    title = f"bayesq plot {name}"
    facts: dict[str, dict[str, Any]] = {
        "png": {"Title": title, "Description": text},
        "svg": {"Title": title, "Description": text, "Date": None},
        "pdf": {"Title": title, "Subject": text, "CreationDate": None},
    }
    return facts[ending]
