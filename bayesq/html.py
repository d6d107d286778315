"""Pieces of HTML: what comes from outside is escaped, and nothing is asked of the network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from bayesq.notes import Note


def table(frame: pd.DataFrame, *, caption: str = "", units: Mapping[str, str] | None = None) -> str:
    """Write a table, its numbers with four digits, counts as 7B, units in its head."""
    found = frame.to_html(float_format="{:.4g}".format, border=0, escape=True)
    return f"<div>{escape(caption)}{found}</div>"


def notes(told: Iterable[Note]) -> str:
    """Write notes as a list, each with its severity in words and what to do."""
    return "<ul>" + "".join(f"<li>{escape(str(note))}</li>" for note in told) + "</ul>"


def facts(told: Mapping[str, Any]) -> str:
    """Write names and what they are as a list of terms."""
    pairs = (f"<dt>{escape(k)}</dt><dd>{escape(str(v))}</dd>" for k, v in told.items())
    return f"<dl>{''.join(pairs)}</dl>"


def block(title: str, *parts: str) -> str:
    """Put parts of HTML together below a title: what a notebook shows of a result."""
    return f'<div class="bayesq"><p><strong>{escape(title)}</strong></p>{"".join(parts)}</div>'
