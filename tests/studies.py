"""Programs of the case studies, imported by name as they import each other."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest

Load = Callable[[str], ModuleType]
ROOT = Path(__file__).parents[1]
# What stands beside their folders.
SHARED = ("finished", "made_by", "working", "writing")


def modules_of(
    folder: Path, names: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Load]:
    """Give a function that imports modules of a folder, and forget them afterwards."""
    for place in (ROOT / "case_studies", folder):
        monkeypatch.syspath_prepend(str(place))
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module
    for name in names:
        sys.modules.pop(name, None)


def made_and_shown(path: Path, what: str = "results") -> tuple[str, str]:
    """Read what stands between the marks of a README: what made it, and the rest."""
    text = path.read_text(encoding="utf-8").partition(f"<!-- begin of the {what} -->")[2]
    made, _, rest = text.partition(f"<!-- end of the {what} -->")[0].strip().partition("\n\n")
    return made, rest
