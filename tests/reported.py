"""A report of made-up fits, read the way a browser reads it."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

from made_up_fits import around

import bayesq
from bayesq import Fit

ADDED = {"C_T": 70.0, "gamma_D": 0.32, "gamma_N": 0.44, "gamma_post": 0.6}
NOISE = {"sigma": 0.04, "sigma_0": 1e-4, "dof": 6.0}
BASE = {"E": 0.8, "A": 13.0, "B": 4.2e4, "alpha": 0.21, "beta": 0.64, "sigma": 0.01, "dof": 6.0}
QUESTIONS = ("fewest_bits level=0.01 N=7B D=1T", "critical_tokens N=7.08M w_bits=3")
# Elements that HTML closes by themselves; those of drawings may be closed at once too.
_VOID = {"meta", "link", "br", "img", "hr", "input"}


def made_up(rounded: bayesq.Runs, grid: bayesq.Runs) -> tuple[Fit, Fit]:
    """Make up a fit of a degradation and one of its base law."""
    return (
        around(rounded, "kumar2024-ptq", "degradation", ADDED | NOISE),
        around(grid, "chinchilla", "loss", BASE),
    )


class Page(HTMLParser):
    """Elements of a page, in their order: each with its attributes, its text and what it is in."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.open: list[Element] = []
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = Element(tag, {k: v or "" for k, v in attrs}, tuple(self.open))
        self.elements.append(found)
        if tag not in _VOID:
            self.open.append(found)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {k: v or "" for k, v in attrs}, tuple(self.open)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1].tag == tag, f"</{tag}> closes {self.open[-1]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data

    def all(self, *tags: str, within: str = "") -> Iterator[Element]:
        """Give the elements of these tags, within the element of an id."""
        for element in self.elements:
            if element.tag in tags and (not within or within in element.ids):
                yield element

    def table(self, caption: str) -> list[dict[str, str]]:
        """Read the first table whose caption, or the name of whose box, begins so."""
        for table in self.all("table"):
            boxes = [e.attrs.get("aria-label", "") for e in table.inside]
            if any(name.startswith(caption) for name in boxes):
                lines = [
                    [c for c in self.all("th", "td") if row in c.inside]
                    for row in self.all("tr")
                    if table in row.inside
                ]
                head = [[" ".join(c.text.split()) for c in line] for line in lines]
                names = [
                    a or (head[1][i] if len(head[1]) > i else "") for i, a in enumerate(head[0])
                ]
                return [
                    dict(zip(names, cells, strict=False)) for cells in head[1:] if any(cells[1:])
                ]
        raise AssertionError(f"no table is called {caption}")


class Element:
    """One element of a page."""

    def __init__(self, tag: str, attrs: dict[str, str], inside: tuple[Element, ...]) -> None:
        self.tag, self.attrs, self.inside, self.text = tag, attrs, inside, ""

    @property
    def ids(self) -> set[str]:
        return {e.attrs["id"] for e in self.inside if "id" in e.attrs}

    def __repr__(self) -> str:
        return f"<{self.tag} {self.attrs}>"
