"""The line on the machine."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("bayesq", "pymc", "nutpie", "numba", "numpy", "scipy")
ROOT = Path(__file__).parents[3]


def machine(pinned: list[Path]) -> str:
    """Tell cores, processor, load, and the versions of Python and of what was measured."""
    others = [line.replace("==", " ") for p in pinned for line in p.read_text().split()]
    extra = [line for line in others if line.startswith(("numpyro", "jax ", "simple"))]
    return f"{hardware()}; {', '.join([*versions(PACKAGES), *extra])}."


def hardware() -> str:
    """Tell cores, processor, system and load."""
    load = f"load {os.getloadavg()[0]:.1f} before the start"
    return f"{cores()} cores, {_processor()}, {platform.system()}, {load}"


def cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def versions(packages: Sequence[str]) -> list[str]:
    """Tell the versions of Python and of those packages that are installed here."""
    found = [f"Python {platform.python_version()}"]
    for name in packages:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:  # a checkout, or what a benchmark does not need
            continue
    return found


def memory() -> float:
    """Tell the memory of the machine in GiB."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def gpu() -> str:
    """Name the graphics cards, or nothing where there are none."""
    return ", ".join(_said(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]))


def commit() -> str:
    """Tell the commit of this checkout, and whether files differ from it; empty without git."""
    found = _said(["git", "rev-parse", "--short", "HEAD"])
    changed = _said(["git", "status", "--porcelain", "--untracked-files=no"])
    return (found[0] + (" and changes" if changed else "")) if found else ""


def _said(command: list[str]) -> list[str]:
    """Give the lines that a command prints, none where it does not run or fails."""
    try:
        made = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    except OSError:
        return []
    return made.stdout.split("\n")[:-1] if made.returncode == 0 else []


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
