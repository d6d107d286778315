"""Pieces of a page: what comes from tables, files and names is escaped and never obeyed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from bayesq import html
from bayesq.notes import Note
from bayesq.terminal import printable

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading.

    Parameters
    ----------
    name : str
        What it is found by: ``"law"``.
    title : str
        Its heading.
    parts : tuple of Markup
        What it says.
    """

    name: str
    title: str
    parts: tuple[Markup, ...]


def paragraph(text: object, kind: str = "") -> Markup:
    """Write a paragraph of plain text."""
    if kind:
        return Markup('<p class="{}">{}</p>').format(kind, printable(str(text)))
    return Markup("<p>{}</p>").format(printable(str(text)))


def heading(text: object, name: str = "") -> Markup:
    """Write a heading below that of a section."""
    if name:
        return Markup('<h3 id="{}">{}</h3>').format(name, printable(str(text)))
    return Markup("<h3>{}</h3>").format(printable(str(text)))


def lines(items: Iterable[object]) -> Markup:
    """Write a list of plain texts."""
    told = Markup("").join(Markup("<li>{}</li>").format(printable(str(item))) for item in items)
    return Markup("<ul>{}</ul>").format(told)


def code(text: str, what: str) -> Markup:
    """Write what is typed or run; a long line moves in its own box."""
    return Markup(
        '<pre class="scroll" role="group" aria-label="{}" tabindex="0"><code>{}</code></pre>'
    ).format(printable(what), printable(text))


def table(frame: pd.DataFrame, what: str, **looks: Any) -> Markup:
    """Write a table, which moves in its own box where it is wider than the page."""
    told = Markup(html.table(frame, **looks))  # escaped there
    # What it is stands above the box, so that it does not move with it.
    return Markup(
        '<p class="caption">{}</p>'
        '<div class="scroll" role="group" aria-label="{}" tabindex="0">{}</div>'
    ).format(printable(what), printable(what), told)


def facts(told: Mapping[str, Any]) -> Markup:
    """Write names and what they are."""
    return Markup(html.facts(told))  # escaped there


def folded(summary: str, *parts: Markup) -> Markup:
    """Write what a reader can close."""
    inner = Markup("").join(parts)
    return Markup("<details open><summary>{}</summary>{}</details>").format(
        printable(summary), inner
    )


def notes(told: Iterable[tuple[str, Note]]) -> Markup:
    """Write notes as a list, each with what it is about."""
    about, each = zip(*told, strict=True)
    return Markup(html.notes(each, about))  # escaped there
