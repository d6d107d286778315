"""The gallery: figures that ``make gallery`` kept, each with the line that draws it."""

from __future__ import annotations

import ast
import json
from itertools import groupby
from pathlib import Path

from markdown import plain, write

KEPT = "gallery_figures"
FRONT = "fan"  # the figure of the front page
_WIDTH = 72


def write_gallery(docs: Path) -> None:
    """Write what the gallery's page includes, from the list beside the figures."""
    path = docs / KEPT / "figures.json"
    figures = json.loads(path.read_text(encoding="utf-8"))
    parts = []
    for group, some in groupby(figures, key=lambda one: one["group"]):
        parts += [f"## {group}", *(_shown(one) for one in some)]
    for made in dict.fromkeys(one["made"] for one in figures):
        parts.append(f"*{plain(made)}*")
    write(docs / KEPT / "gallery.inc", "\n\n".join(parts) + "\n")
    front = next(one for one in figures if one["name"] == FRONT)
    write(docs / KEPT / "front.inc", f"{_picture(front)}\n\n*{plain(front['title'])}.*\n")


def _shown(one: dict[str, str]) -> str:
    """Word one figure: title, picture, the line that draws it, and what it says."""
    return "\n\n".join(
        [
            f"### {plain(one['title'])}",
            _picture(one),
            f"```python\n{_in_lines(one['code'])}\n```",
            f":::{{dropdown}} What it says in words\n{plain(one['text'])}\n:::",
        ]
    )


def _picture(one: dict[str, str]) -> str:
    alt = " ".join(one["text"].split())
    return f"```{{image}} {KEPT}/{one['name']}.webp\n:alt: {alt}\n:class: drawn\n```"


def _in_lines(code: str) -> str:
    """Write statements in lines that a page has room for: a long call has a line an argument."""
    return "\n".join(_statement(node) for node in ast.parse(code).body)


def _statement(node: ast.stmt) -> str:
    written = ast.unparse(node)
    call = getattr(node, "value", None)
    if len(written) <= _WIDTH or not isinstance(call, ast.Call):
        return written
    start = written.partition(ast.unparse(call.func))[0] + ast.unparse(call.func)
    given = [ast.unparse(one) for one in (*call.args, *call.keywords)]
    return f"{start}(\n" + "".join(f"    {one},\n" for one in given) + ")"
