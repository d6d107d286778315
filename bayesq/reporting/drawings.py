"""Figures within a page: SVG without anything that two of them, or two days, could differ in."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from markupsafe import Markup

from bayesq.errors import BayesqError
from bayesq.reporting.pieces import paragraph
from bayesq.terminal import printable

# A column of a paper, which a phone shows at its own size and a screen half as large again.
_SIZE = (3.25, 2.9)
# Points more than these are drawn as a picture within the drawing.
_MOST_POINTS = 3000
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_SALT = "bayesq"  # of the names of parts, which would else be drawn by lot


@dataclass
class Drawings:
    """The figures of one page, numbered, so that no name of a part stands there twice.

    Parameters
    ----------
    wanted : bool
        Whether the page has figures.
    count : int
        How many there are by now.
    """

    wanted: bool = True
    count: int = 0

    def draw(self, caption: str, name: str, of: Any, **options: Any) -> Markup:
        """Draw a figure, or say in a sentence why there is none.

        Parameters
        ----------
        caption : str
            What it is, in a few words.
        name : str
            One of :mod:`bayesq.plot`.
        of : object
            What it draws.
        **options
            What else it takes.
        """
        from matplotlib import pyplot as plt

        from bayesq import plot

        if not self.wanted:
            return Markup("")
        function = getattr(plot, name)

        before = set(plt.get_fignums())
        try:
            try:
                drawn = function(of, **{"figsize": _SIZE, **options})
            except BayesqError as error:
                return paragraph(f"There is no figure of this ({caption}): {error}", "left-out")
            self.count += 1
            own = f"figure-{self.count}"
            return Markup(
                '<figure id="{}"><div class="paper">{}</div>'
                '<figcaption aria-hidden="true"><strong>Figure {}.</strong> {}. {}</figcaption>'
                "</figure>"
            ).format(
                own,
                _inline(_svg_of(drawn), own, caption, plot.alt_text(drawn)),
                self.count,
                printable(caption),
                printable(plot.alt_text(drawn)),
            )
        finally:
            for number in set(plt.get_fignums()) - before:
                plt.close(number)


def _svg_of(drawn: Any) -> str:
    import matplotlib as mpl

    from bayesq.plot.alternative import drawn_figure

    figure = drawn_figure(drawn)
    for ax in figure.axes:
        for artist in (*ax.lines, *ax.collections):
            if _points(artist) > _MOST_POINTS:
                artist.set_rasterized(True)
    held = io.StringIO()
    # Text as paths: a page without fonts of its own would set it in others, which do not fit.
    with mpl.rc_context({"svg.hashsalt": _SALT, "svg.fonttype": "path", "savefig.bbox": None}):
        figure.savefig(held, format="svg", dpi=200, metadata={"Date": None})
    return held.getvalue()


def _points(artist: Any) -> int:
    if hasattr(artist, "get_xdata"):
        return len(artist.get_xdata())
    sizes = [len(path.vertices) for path in artist.get_paths()]
    places = artist.get_offsets()
    return max(sum(sizes), len(places) if places is not None else 0)


def _inline(svg: str, name: str, title: str, told: str) -> Markup:
    """Make an SVG a part of a page: names of its own, a title and a description, fewer digits."""
    from bayesq.plot.alternative import with_words

    root = ElementTree.fromstring(with_words(svg, title, told).encode())
    for parent in list(root.iter()):
        for child in list(parent):
            # Its style would be the page's; its metadata are of the program that drew it.
            if child.tag.rpartition("}")[2] in ("metadata", "style"):
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for key in list(element.attrib):
            element.attrib[key.rpartition("}")[2]] = _own(key, element.attrib.pop(key), name)
        if element.text and not element.text.strip():
            element.text = None
        element.tail = None
    for key in ("width", "height", "version", "id"):
        root.attrib.pop(key, None)
    root.attrib["style"] = "stroke-linejoin: round; stroke-linecap: butt"
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _own(key: str, value: str, name: str) -> str:
    """Give a name within a drawing the drawing's own before it, and a path fewer digits."""
    key = key.rpartition("}")[2]
    if key == "id":
        return f"{name}-{value}"
    if key == "aria-labelledby":
        return " ".join(f"{name}-{part}" for part in value.split())
    if key == "href":
        return value.replace("#", f"#{name}-", 1) if value.startswith("#") else value
    if key in ("d", "points", "x", "y", "width", "height"):
        return _NUMBER.sub(lambda found: f"{float(found[0]):.2f}", value).replace("\n", "")
    return value.replace("url(#", f"url(#{name}-")
