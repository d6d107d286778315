"""Draw every figure of bayesq from fits of the shipped grid, on one page.

    python case_studies/gallery/gallery.py --out out/gallery

Each is drawn as wide as a column of a paper (3.25 in) and 1200 pixels wide, as PNG and as SVG,
above what it says in words and the line that draws it. Fits are kept in the folder ``fits`` there.
With ``--keep docs/gallery_figures``, as ``make gallery`` asks, the documentation's pictures are
written as well.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from keep import drop_others, keep
from made import Made
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayesq import plot

sys.path.append(str(Path(__file__).parents[1]))
from made_by import made_by

HERE = Path(__file__).parent
COLUMN, PAGE = (3.25, 2.6), (6.0, 3.8)  # inches
DPI = 200  # so that a page is 1200 pixels wide

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Figures of bayesq</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 75rem; margin: auto; padding: 1rem }}
figure {{ margin: 2rem 0; border-top: 1px solid #767676 }}
img {{ max-width: 100%; height: auto; background: white }}
code {{ overflow-wrap: anywhere }}
</style>
</head>
<body>
<main>
<h1>Figures of bayesq</h1>
<p>Drawn from fits of the shipped grid: <code>made</code> holds these, as
<code>case_studies/gallery/made.py</code> makes them.</p>
{figures}
</main>
</body>
</html>
"""
_FIGURE = """<figure>
<h2>{title}</h2>
<p><code>{code}</code></p>
<p><img src="{name}.png" alt="{text}" width="1200"></p>
<p><img src="{name}-column.png" alt="The same, as wide as a column of a paper." width="650"></p>
<figcaption>{text} As SVG: <a href="{name}.svg">{name}.svg</a>,
<a href="{name}-column.svg">{name}-column.svg</a>.</figcaption>
</figure>"""


@dataclass(frozen=True)
class Shown:
    """A figure of the gallery.

    Parameters
    ----------
    name : str
        Of its files.
    title : str
        What it shows, in a line.
    code : str
        The line that draws it.
    draw : callable
        Takes :class:`Made` and a size in inches.
    group : str
        What it is a figure of, with others.
    """

    name: str
    title: str
    code: str
    draw: Any
    group: str = ""


def shown() -> Iterator[Shown]:
    """List the figures of all files of this folder that have some."""
    for path in sorted(HERE.glob("*.py")):
        if path.stem in ("gallery", "keep", "made"):
            continue
        lines = _lines(path)
        module = import_module(path.stem)
        group = (module.__doc__ or "").partition(" for the gallery")[0]
        for name, (title, draw) in module.FIGURES.items():
            yield Shown(name, title, lines[name], draw, group)


def _lines(path: Path) -> dict[str, str]:
    """Read off a file the lines that draw each of its figures."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    _Written(tree).visit(tree)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in tree.body:
        value = getattr(node, "value", None)
        if isinstance(value, ast.Dict):
            return {
                ast.literal_eval(key): _line(entry.elts[-1], functions)
                for key, entry in zip(value.keys, value.values, strict=True)
                if key is not None and isinstance(entry, ast.Tuple)
            }
    raise SystemExit(f"{path} has no FIGURES")


class _Written(ast.NodeTransformer):
    """Writes a file's constants out where they are used: a line is to say all that it asks."""

    def __init__(self, tree: ast.Module) -> None:
        self.values: dict[str, ast.expr] = {}
        for node in tree.body:
            if isinstance(node, ast.Assign):
                for target, value in _pairs(node):
                    if isinstance(target, ast.Name) and isinstance(value, ast.Constant):
                        self.values[target.id] = value

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Put the value in the place of its name."""
        return self.values.get(node.id, node) if isinstance(node.ctx, ast.Load) else node


def _pairs(node: ast.Assign) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Take an assignment apart, where it gives several names their values."""
    for target in node.targets:
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            yield from zip(target.elts, node.value.elts, strict=True)
        else:
            yield target, node.value


def _line(draw: ast.expr, functions: dict[str, ast.FunctionDef]) -> str:
    if isinstance(draw, ast.Name):
        _, *steps = functions[draw.id].body  # after what it says of itself
        written = "; ".join(map(ast.unparse, steps)).replace("return ", "")
    else:
        written = ast.unparse(draw.body if isinstance(draw, ast.Lambda) else draw)
    return written.replace(", figsize=figsize", "")


def figure_of(drawn: Any) -> Figure:
    """Find the figure that axes, panels or a collection of arviz-plots are on."""
    if isinstance(drawn, np.ndarray):
        drawn = next(ax for ax in drawn.flat if isinstance(ax, Axes))
    found = drawn.figure if isinstance(drawn, Axes) else drawn.viz["figure"].item()
    assert isinstance(found, Figure)
    return found


def draw(one: Shown, made: Made, out: Path, kept: Path | None = None, by: str = "") -> str:
    """Draw a figure in both sizes and formats, and return its part of the page.

    Parameters
    ----------
    one : Shown
        The figure.
    made : Made
        What it is drawn of.
    out : Path
        Folder of the page.
    kept : Path, optional
        Folder of the documentation's pictures.
    by : str
        What makes these.
    """
    told = {"name": one.name, "title": one.title, "group": one.group, "code": one.code}
    for ending, size in (("-column", COLUMN), ("", PAGE)):
        drawn = one.draw(made, size)
        told["text"], figure = plot.alt_text(drawn), figure_of(drawn)
        for kind in ("png", "svg"):
            metadata = {"Description": told["text"]} | ({"Date": None} if kind == "svg" else {})
            figure.savefig(out / f"{one.name}{ending}.{kind}", dpi=DPI, metadata=metadata)
        if kept is not None and size is PAGE:
            keep(figure, {**told, "made": by}, kept)
        plt.close(figure)
    return _FIGURE.format(**{key: escape(value) for key, value in told.items()})


def main(arguments: list[str] | None = None) -> None:
    """Draw the gallery, or some figures of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/gallery"))
    parser.add_argument("--only", action="append", help="a figure's name; may be given again")
    parser.add_argument("--fits", type=Path, help="where fits are kept; by default in the gallery")
    parser.add_argument("--keep", type=Path, help="folder of the documentation's pictures")
    asked = parser.parse_args(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    plt.switch_backend("agg")
    made = Made(asked.fits or asked.out / "fits")
    parts, every, by = [], [*shown()], made_by()
    for one in every:
        if asked.only is None or one.name in asked.only:
            print(f"drawing {one.name}", file=sys.stderr, flush=True)
            parts.append(draw(one, made, asked.out, asked.keep, by))
    if asked.keep is not None:
        drop_others([one.name for one in every], asked.keep)
    page = asked.out / "index.html"
    page.write_text(_PAGE.format(figures="\n".join(parts)), encoding="utf-8")
    print(f"{len(parts)} figures: {page}")


if __name__ == "__main__":
    main()
