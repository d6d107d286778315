"""Programs on disk, in the user's cache."""

from __future__ import annotations

import json
import os
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from bayesq.errors import BayesqError
from bayesq.files import write_beside
from bayesq.sampling.told import Told

# What reading a damaged archive raises.
_DAMAGED = (
    OSError,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def folder() -> Path:
    """Return the folder in which compiled models are kept.

    It is in the user's cache; ``BAYESQ_COMPILED`` names another.
    """
    named = os.environ.get("BAYESQ_COMPILED")
    if named:
        return Path(named)
    from platformdirs import user_cache_path

    return user_cache_path("bayesq") / "compiled"


def read(path: Path) -> tuple[dict[str, bytes], tuple[Told, ...]] | None:
    """Read a program; None where there is none, or a damaged one."""
    try:
        with zipfile.ZipFile(path) as file:
            content = {name: file.read(name) for name in file.namelist()}
            told = tuple(Told.from_dict(t) for t in json.loads(content.pop("told")))
            return content, told
    except _DAMAGED:
        return None


def write(path: Path, exported: Mapping[str, bytes], told: tuple[Told, ...]) -> None:
    """Keep a program for the next process; one that cannot be kept is made again then."""

    def fill(beside: Path) -> None:
        with zipfile.ZipFile(beside, "w") as file:
            for name, content in exported.items():
                file.writestr(name, content)
            file.writestr("told", json.dumps([t.to_dict() for t in told]))

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_beside(path, fill, "x.program")
    except (OSError, BayesqError):
        return
