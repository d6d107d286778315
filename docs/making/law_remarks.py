"""What the file of a law says in comments beside its priors and published constants."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Remarks:
    """Comments of a law's file.

    Parameters
    ----------
    parameters : dict of str to str
        By symbol, those above a parameter.
    published : list of str
        Those above or within published constants.
    """

    parameters: dict[str, str] = field(default_factory=dict)
    published: list[str] = field(default_factory=list)


def remarks(path: Path) -> Remarks:
    """Read the comments of a law's file."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    found = Remarks()
    for node in ast.walk(ast.parse(text)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        above = _comment(lines[: node.lineno - 1], last=True)
        if node.func.id == "Parameter" and above and isinstance(node.args[0], ast.Constant):
            found.parameters[str(node.args[0].value)] = above
        if node.func.id == "Published":
            inside = _comment(lines[node.lineno - 1 : node.end_lineno], last=False)
            found.published += [said for said in (above, inside) if said]
    return found


def _comment(lines: list[str], *, last: bool) -> str:
    """Join the lines that are comments: those right at the end, or all."""
    said: list[str] = []
    for line in reversed(lines):
        if line.strip().startswith("# "):
            said.insert(0, line.strip().removeprefix("# "))
        elif last:
            break
    return " ".join(said)
