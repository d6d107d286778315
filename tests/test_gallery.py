"""The gallery: every figure of bayesq is in it, with its words and the line that draws it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest

from bayesq import plot

FOLDER = Path(__file__).parents[1] / "case_studies" / "gallery"


@pytest.fixture(scope="module")
def gallery() -> Iterator[Any]:
    sys.path.insert(0, str(FOLDER))
    import gallery

    yield gallery
    sys.path.remove(str(FOLDER))


def test_every_figure_is_in_the_gallery(gallery: Any) -> None:
    drawn = {name for one in gallery.shown() for name in re.findall(r"plot_\w+", one.code)}
    assert {name for name in plot.__all__ if name.startswith("plot_")} <= drawn


def test_names_of_the_gallery_s_files_are_apart(gallery: Any) -> None:
    names = [one.name for one in gallery.shown()]
    assert len(names) == len(set(names))
    assert all(one.title for one in gallery.shown())


def test_a_figure_is_drawn_in_both_sizes_and_formats(gallery: Any, tmp_path: Path) -> None:
    sizes = []

    def one(made: Any, figsize: tuple[float, float]) -> Any:
        sizes.append(figsize)
        ax = plt.figure(figsize=figsize).add_subplot()
        plot.alternative.tell(ax, "A line from <0 to 1.")
        ax.plot([0, 1], [0, 1])
        return ax

    shown = gallery.Shown("line", "A line & more", "plot.plot_line(made)", one)
    part = gallery.draw(shown, None, tmp_path)
    assert sizes == [(3.25, 2.6), (6.0, 3.8)]
    assert len(list(tmp_path.iterdir())) == 4
    assert 'alt="A line from &lt;0 to 1."' in part
    assert "A line &amp; more" in part
    width = plt.imread(tmp_path / "line.png").shape[1]
    assert width == 1200
    assert not plt.get_fignums()
