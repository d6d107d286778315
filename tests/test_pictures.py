"""The tolerance of accepted pictures: what a reader would see to have moved fails under it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pictured
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.testing.compare import compare_images

SIZES = [(3.25, 2.6), (6.8, 4.2)]


def drawn(change: Callable[[Axes], object], figsize: tuple[float, float]) -> Figure:
    """Draw some points with a curve, ticks, labels and a legend, and change one thing."""
    figure = Figure(figsize=figsize, layout="constrained")
    ax = figure.add_subplot()
    places = [1, 2, 3, 4, 5]
    ax.plot(places, [2.9, 2.6, 2.45, 2.37, 2.33], label="N 7B")
    ax.plot(places, [2.95, 2.58, 2.46, 2.35, 2.34], "o", ms=4, label="measured")
    ax.set_xticks(places, ["1B", "3B", "10B", "30B", "100B"])
    ax.set(xlabel="D (tokens)", ylabel="loss (nats/token)")
    ax.legend()
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # one thing alone moves
    change(ax)
    return figure


def move_a_label(ax: Axes) -> None:
    """By its own width, which is that of its word."""
    ax.xaxis.label.set_x(0.72)


def write_another_tick(ax: Axes) -> None:
    ax.get_xticklabels()[2].set_text("15B")
    ax.set_xticklabels(["1B", "3B", "15B", "30B", "100B"])


def move_a_point(ax: Axes) -> None:
    ax.lines[1].set_ydata([2.95, 2.75, 2.46, 2.35, 2.34])


def leave_it(ax: Axes) -> None:
    pass


def compared(change: Callable[[Axes], object], size: tuple[float, float], folder: Path) -> object:
    for name, what in (("accepted", leave_it), ("drawn", change)):
        drawn(what, size).savefig(folder / f"{name}.png", dpi=80)
    accepted, found = (str(folder / f"{name}.png") for name in ("accepted", "drawn"))
    return compare_images(accepted, found, tol=pictured.TOLERANCE, in_decorator=True)


@pytest.mark.parametrize("size", SIZES, ids=["column", "page"])
@pytest.mark.parametrize("change", [move_a_label, write_another_tick, move_a_point])
def test_one_thing_that_moves_fails(
    change: Callable[[Axes], object], size: tuple[float, float], tmp_path: Path
) -> None:
    found = compared(change, size, tmp_path)
    assert found is not None, "the tolerance lets it pass"


@pytest.mark.parametrize("size", SIZES, ids=["column", "page"])
def test_the_same_figure_passes(size: tuple[float, float], tmp_path: Path) -> None:
    assert compared(leave_it, size, tmp_path) is None


def test_pictures_are_compared_in_this_run(request: pytest.FixtureRequest) -> None:
    """Without --mpl a picture test would pass whatever is drawn."""
    assert request.config.getoption("--mpl")
