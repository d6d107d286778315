"""Run the case studies in full, and keep what they show as notebooks beside them.

    make case-studies                                       # all
    make case-studies CASE_STUDIES="--only float_formats"   # one

The public pools are read from the folder that BAYESQ_DATA names. Each notebook ends with the commit
and the versions that it was run with.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from writing import replace_text

from made_by import commit, made_by

_HERE = Path(__file__).parent


def programs() -> dict[str, Path]:
    """List the case studies that are programs with text: NAME/NAME.py in percent form."""
    return {
        path.stem: path
        for path in sorted(_HERE.glob("*/*.py"))
        if path.stem == path.parent.name and "\n# %%" in path.read_text(encoding="utf-8")
    }


def main() -> None:
    """Run those asked for, one after the other."""
    known = programs()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=known, default=[*known], metavar="NAME")
    for name in parser.parse_args().only:
        began = time.perf_counter()
        render(known[name])
        print(f"{name}: {time.perf_counter() - began:.0f} s", flush=True)


def render(program: Path) -> None:
    """Run one program in its folder, and write its notebook."""
    began, at = time.perf_counter(), commit()
    notebook = execute(program)
    notebook.cells.append(
        nbformat.v4.new_markdown_cell(f"*{made_by(time.perf_counter() - began, at)}*")
    )
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"{program.stem}-{number}"[-64:]  # the same in each run
        describe(cell)
    notebook.metadata.pop("widgets", None)
    replace_text(program.with_suffix(".ipynb"), nbformat.writes(notebook) + "\n")


def execute(program: Path) -> nbformat.NotebookNode:
    """Run one program in its folder; return what it shows as a notebook."""
    notebook = jupytext.read(program)
    client = NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        resources={"metadata": {"path": program.parent}},
        record_timing=False,
    )
    client.execute()
    return notebook


def describe(cell: nbformat.NotebookNode) -> None:
    """Give the page of a cell the words of its figure, which stand in the output."""
    for output in cell.get("outputs", []):
        alt = output.get("metadata", {}).get("image/png", {}).get("alt")
        if alt:
            cell.metadata.setdefault("mystnb", {})["image"] = {"alt": alt}


if __name__ == "__main__":
    main()
