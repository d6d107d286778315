"""Programs of the case studies, imported by name as they import each other."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest

Load = Callable[[str], ModuleType]


def modules_of(
    folder: Path, names: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Load]:
    """Give a function that imports modules of a folder, and forget them afterwards."""
    monkeypatch.syspath_prepend(str(folder))
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module
    for name in names:
        sys.modules.pop(name, None)
