"""Keep the gallery's figures for the documentation, which draws none of them itself.

Each is a small WebP picture beside ``figures.json``: its title, the line that draws it, what it
says in words, and what made it.
"""

from __future__ import annotations

import json
from pathlib import Path

from matplotlib.figure import Figure

_LIST = "figures.json"
_DPI = 150  # a page of 6 in is 900 pixels: sharp in a column of text


def keep(figure: Figure, told: dict[str, str], folder: Path) -> None:
    """Write a figure into the folder, and what is told of it into the list there.

    Parameters
    ----------
    figure : Figure
        As wide as a page.
    told : dict of str to str
        Its ``name``, ``title``, ``group``, ``code``, ``text`` and ``made``.
    folder : Path
        Where the documentation looks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{told['name']}.webp"
    # A few colours and text: without losses it is as small as with them, and letters stay sharp.
    figure.savefig(path, dpi=_DPI, pil_kwargs={"lossless": True, "quality": 100})
    _write(folder, {**_kept(folder), told["name"]: told})


def drop_others(names: list[str], folder: Path) -> None:
    """Put what is kept into the order of `names`, and remove what is none of them."""
    kept = _kept(folder)
    for path in folder.glob("*.webp"):
        if path.stem not in names:
            path.unlink()
    _write(folder, {name: kept[name] for name in names if name in kept})


def _kept(folder: Path) -> dict[str, dict[str, str]]:
    path = folder / _LIST
    if not path.exists():
        return {}
    return {one["name"]: one for one in json.loads(path.read_text(encoding="utf-8"))}


def _write(folder: Path, kept: dict[str, dict[str, str]]) -> None:
    text = json.dumps([*kept.values()], indent=1, ensure_ascii=False)
    (folder / _LIST).write_text(text + "\n", encoding="utf-8")
