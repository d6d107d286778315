"""The pages of the reference, one a group of public names, from their docstrings."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

from as_markdown import write
from reference_groups import GROUPS, Group, public


def write_reference(docs: Path) -> None:
    """Write the pages; refuse a public name that none of them has."""
    made = docs / "reference" / "made"
    missing = public() - {name for group in GROUPS for name in group.names}
    if missing:
        raise ValueError(
            f"no page of the reference has {', '.join(sorted(missing))}; name it in a group of "
            "docs/making/reference_groups.py"
        )
    for group in GROUPS:
        write(made / f"{group.page}.rst", _page(group))
    lines = [f"[{group.title}](made/{group.page}.rst)\n: {_plain(group.says)}" for group in GROUPS]
    lines.append("[The command line](made/command_line.md)\n: What each command's `-h` prints.")
    listed = "\n".join(f"made/{group.page}" for group in GROUPS)
    tree = f"```{{toctree}}\n:hidden:\n\n{listed}\nmade/command_line\n```\n"
    write(made / "tree.inc", "\n\n".join([*lines, tree]))


def _plain(says: str) -> str:
    """Write a sentence of reStructuredText without what it links to."""
    return re.sub(r":\w+:`([^`<]+?) *(?:<[^>]*>)?`", r"\1", says)


def _page(group: Group) -> str:
    names = "\n".join(f"   ~{name}" for name in group.names)
    parts = [
        f"{group.title}\n{'=' * len(group.title)}",
        group.says,
        f".. autosummary::\n   :nosignatures:\n\n{names}",
        *(_entry(name) for name in group.names),
    ]
    return "\n\n".join(parts) + "\n"


def _entry(name: str) -> str:
    module, _, last = name.rpartition(".")
    found = getattr(importlib.import_module(module), last)
    heading = f"{last}\n{'-' * len(last)}"
    if inspect.isclass(found):
        options = f"   :members:\n   :inherited-members: {_bases(found)}"
        return f"{heading}\n\n.. autoclass:: {name}\n{options}"
    kind = "autofunction" if inspect.isroutine(found) else "autodata"
    return f"{heading}\n\n.. {kind}:: {name}"


def _bases(found: type) -> str:
    """Name the bases whose methods are not shown: those that are not bayesq's."""
    others = [b.__name__ for b in found.__mro__ if not b.__module__.startswith("bayesq")]
    return ", ".join(dict.fromkeys(others)) or "object"
