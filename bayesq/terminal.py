"""The terminal, on which a name is shown and never obeyed.

Names of studies, columns and files come from outside. A character of theirs that would move the
cursor, colour what follows or turn the direction of writing is shown as its escape.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import override

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text


def printable(text: str) -> str:
    r"""Write out what is not printable: ``\x1b[31m`` as four characters and ``[31m``."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


class Terminal(Console):
    """Rich's console, without markup, colours of its own choice, or control characters of texts."""

    def __init__(self, *, stderr: bool = False, width: int | None = None) -> None:
        super().__init__(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)

    @override
    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        # Before it is laid out, so that no part of an escape is cut off; a style within such a text
        # may be lost.
        if isinstance(renderable, str):
            renderable = printable(renderable)
        elif isinstance(renderable, Text) and printable(renderable.plain) != renderable.plain:
            renderable = Text(
                printable(renderable.plain),
                renderable.style,
                justify=renderable.justify,
                overflow=renderable.overflow,
                no_wrap=renderable.no_wrap,
            )
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(printable(text), style)
