"""The line on the machine."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("bayesq", "pymc", "nutpie", "numba", "numpy", "scipy")


def machine(pinned: list[Path]) -> str:
    """Tell cores, processor, load, and the versions of Python and of what was measured."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = [f"{name} {version(name)}" for name in PACKAGES]
    others = [line.replace("==", " ") for p in pinned for line in p.read_text().split()]
    extra = [line for line in others if line.startswith(("numpyro", "jax ", "simple"))]
    return (
        f"{cores} cores, {_processor()}, {platform.system()}, load {os.getloadavg()[0]:.1f} before "
        f"the start; Python {platform.python_version()}, {', '.join(versions + extra)}."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
