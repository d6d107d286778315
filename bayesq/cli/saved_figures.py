"""A figure in a file, with what it shows in words among the file's own facts."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayesq.cli.targets import Target
from bayesq.errors import BayesqError
from bayesq.files import write_beside
from bayesq.plot.alternative import alt_text, with_words
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
        with _room(name):
            drawn = draw()
            _figure(drawn).draw_without_rendering()
        text, figure = alt_text(drawn), _figure(drawn)
        with target.taken() as path:
            ending = path.suffix.lower()[1:]

            def write(beside: Path) -> None:
                figure.savefig(beside, format=ending, dpi=dpi, metadata=_facts(ending, name, text))
                if ending == "svg":
                    drawing = beside.read_text(encoding="utf-8")
                    told = with_words(drawing, f"bayesq plot {name}", text)
                    beside.write_text(told, encoding="utf-8")

            write_beside(path, write, f"{name}.{ending}")
    finally:
        for number in set(plt.get_fignums()) - before:
            plt.close(number)
    return text


@contextmanager
def _room(name: str) -> Iterator[None]:
    """Refuse a size on which nothing is left for the axes, of which Matplotlib only warns."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="constrained_layout not applied")
        try:
            yield
        except UserWarning as error:
            raise BayesqError(
                f"There is no room for {name} on a figure of this size; give a larger --width or "
                "--height."
            ) from error


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
