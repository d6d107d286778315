"""Sections put together as one page of HTML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bayesq.reporting.pieces import Section
from bayesq.terminal import printable

_TEMPLATE = "page.html.jinja"


def page(title: str, sections: Sequence[Section]) -> str:
    """Write a page; whatever is no piece of it already is escaped."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(
        loader=PackageLoader("bayesq", "reporting"),
        autoescape=True,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(_TEMPLATE).render(title=title, sections=sections)


def _shown(value: Any) -> Any:
    """Write out what is not printable in plain text."""
    return printable(value) if type(value) is str else value
