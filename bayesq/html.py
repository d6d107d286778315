"""Pieces of HTML: what comes from outside is escaped, and nothing is asked of the network.

Numbers have the digits that a terminal shows of them. Colours are those of the page around, so that
the pieces are read in the light and in the dark.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from html import escape
from itertools import repeat
from typing import TYPE_CHECKING, Any

from bayesq.counted import format_count
from bayesq.terminal import printable

if TYPE_CHECKING:
    import pandas as pd

    from bayesq.notes import Note

_COUNTED = ("tokens", "parameters")
_COUNTS = ("N", "D", "U")
_ENDS = ("median", "mean", "lower", "upper")
_ALL = (-math.inf, math.inf)
_FIRST = 5
_STYLE = """<style>
.bayesq{max-width:100%;line-height:1.4}
.bayesq p,.bayesq ul,.bayesq dl,.bayesq pre{margin:.4em 0}
.bayesq-wide{overflow-x:auto;max-width:100%}
.bayesq table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.4em 0}
.bayesq caption{text-align:left;padding:.2em .6em .2em 0}
.bayesq th,.bayesq td{padding:.15em .6em;text-align:left;vertical-align:top}
.bayesq th,.bayesq td{border:0;background:none;color:inherit}
.bayesq thead th{border-bottom:1px solid currentColor;vertical-align:bottom}
.bayesq .number{text-align:right;white-space:nowrap}
.bayesq th small{font-weight:normal}
.bayesq dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.1em 1em}
.bayesq dt{font-weight:bold}
.bayesq dd{margin:0;overflow-wrap:anywhere}
.bayesq ul.notes{list-style:none;padding:0}
.bayesq ul.notes li{border-left:.2em solid currentColor;padding-left:.6em;margin:.4em 0}
.bayesq ul.notes p{margin:0}
.bayesq ul.notes li.info{border-left-style:dotted}
.bayesq ul.notes li.warning{border-left-style:dashed}
</style>"""


def text(value: object) -> str:
    """Write text from anywhere so that it is shown and never obeyed."""
    return escape(printable(str(value)))


def paragraph(value: object) -> str:
    """Write a paragraph of text."""
    return f"<p>{text(value)}</p>"


def table(
    frame: pd.DataFrame,
    *,
    caption: str = "",
    units: Mapping[str, str] | None = None,
    row_units: Mapping[str, str] | None = None,
    searched: Mapping[str, tuple[float, float]] | None = None,
) -> str:
    """Write a table, its numbers with four digits, counts as 7B, units in its head.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table. Its index is printed unless it only counts.
    caption : str
        What stands above it.
    units : mapping of str to str, optional
        Units of columns.
    row_units : mapping of str to str, optional
        Units of rows by the first word of their name, for a table whose rows are of several.
    searched : mapping of str to (float, float), optional
        Ends of what was searched, by the same words: what lies beyond is told by them.
    """
    import pandas as pd

    units, row_units, searched = units or {}, row_units or {}, searched or {}
    named = not isinstance(frame.index, pd.RangeIndex) or frame.index.name is not None
    levels = [str(name or "") for name in frame.index.names] if named else []
    names = [str(name) for name in frame.columns]
    numeric = [pd.api.types.is_numeric_dtype(kind) for kind in frame.dtypes]
    head = [f'<th scope="col">{text(name)}</th>' for name in levels]
    for name, number in zip(names, numeric, strict=True):
        unit = f"<br><small>{text(units[name])}</small>" if units.get(name) else ""
        head.append(f'<th scope="col"{_side(number)}>{text(name)}{unit}</th>')
    if row_units:
        head.append('<th scope="col">unit</th>')
    body = []
    for label, *values in frame.itertuples(name=None):
        labels = label if isinstance(label, tuple) else (label,)
        cells = [f'<th scope="row">{text(_plain(part))}</th>' for part in labels[: len(levels)]]
        first = str(labels[0]).partition(" ")[0]
        unit, ends = row_units.get(first, ""), searched.get(first, _ALL)
        for name, number, value in zip(names, numeric, values, strict=True):
            counted = name in _COUNTS or units.get(name) in _COUNTED
            counted |= unit in _COUNTED and name in _ENDS
            beyond = _beyond(value, ends, counted) if row_units and name in _ENDS else ""
            cells.append(f"<td{_side(number)}>{text(beyond or _cell(value, name, counted))}</td>")
        if row_units:
            cells.append(f"<td>{text(unit)}</td>")
        body.append(f"<tr>{''.join(cells)}</tr>")
    above = f"<caption>{text(caption)}</caption>" if caption else ""
    return (
        f"<table>{above}<thead><tr>{''.join(head)}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def first_rows(frame: pd.DataFrame, **looks: Any) -> str:
    """Write the first rows of a table, and how many more it has."""
    more = len(frame) - _FIRST
    said = paragraph(f"… and {more} more row{'s' * (more > 1)}") if more > 0 else ""
    return table(frame.head(_FIRST), **looks) + said


def notes(told: Iterable[Note], about: Iterable[str] | None = None) -> str:
    """Write notes as a list, each with its severity in words and what to do.

    Parameters
    ----------
    told : iterable of Note
        The notes.
    about : iterable of str, optional
        What each of them is about.
    """
    items = (
        f'<li class="note {text(note.severity)}"><p><strong>{text(note.severity.title())}: '
        f"{text(note.code)}</strong>{f' <span class="of">{text(of)}</span>' if of else ''}</p>"
        f"<p>{text(note.message)} <em>{text(note.remedy)}</em></p></li>"
        for note, of in zip(told, repeat("") if about is None else about, strict=False)
    )
    joined = "".join(items)
    return f'<ul class="notes">{joined}</ul>' if joined else ""


def facts(told: Mapping[str, Any]) -> str:
    """Write names and what they are as a list of terms."""
    pairs = (f"<dt>{text(name)}</dt><dd>{text(_plain(value))}</dd>" for name, value in told.items())
    return f"<dl>{''.join(pairs)}</dl>"


def block(title: str, *parts: str) -> str:
    """Put parts of HTML together below a title: what a notebook shows of a result."""
    wide = "".join(
        f'<div class="bayesq-wide">{part}</div>' if part.startswith(("<table", "<math")) else part
        for part in parts
    )
    return f'{_STYLE}<div class="bayesq"><p><strong>{text(title)}</strong></p>{wide}</div>'


def _side(number: bool) -> str:
    return ' class="number"' if number else ""


def _cell(value: Any, column: str, counted: bool) -> str:
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        return ""
    if counted and isinstance(value, float | int) and math.isfinite(value):
        return format_count(value)
    if isinstance(value, float) and column.startswith("ess"):
        return f"{value:.0f}"
    return f"{value:.3f}" if isinstance(value, float) and column == "r_hat" else _plain(value)


def _beyond(value: float, searched: tuple[float, float], counted: bool) -> str:
    """Word an answer that lies beyond what was searched, as its sentence does; else nothing."""
    low, high = searched
    if value > high or value == math.inf:
        end, side = high, "more than"
    elif value < low * (1 - 1e-9) or value == -math.inf:
        end, side = low, "less than"
    else:
        return ""
    return f"{side} {_cell(end, '', counted)}" if math.isfinite(end) else "beyond what was searched"


def _plain(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
