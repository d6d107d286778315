"""Which commit and which versions made a table: for all scripts that write one."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

_ROOT = Path(__file__).parents[1]
# What decides numbers, besides bayesq itself.
STACK = ("numpy", "scipy", "pymc", "nutpie", "jax", "arviz-stats")

# What such scripts write, which makes the next one's tree no other.
_MADE = (
    ":!*.md",
    ":!*.ipynb",
    ":!case_studies/**/*.csv",
    ":!case_studies/**/*.png",
    ":!case_studies/backtests/new_studies.json",
)


def made_by(seconds: float | None = None, at: str | None = None) -> str:
    """Say in a sentence what made a table.

    Parameters
    ----------
    seconds : float, optional
        How long it took.
    at : str, optional
        What :func:`commit` said when it began, where that is not now.

    Returns
    -------
    str
        The commit, whether anything was changed since, and the versions of what decides numbers.
    """
    took = "" if seconds is None else f" in {seconds:.0f} s"
    versions = ", ".join(f"{name} {version(name)}" for name in STACK)
    return (
        f"Made{took} at {at or commit()} with bayesq {version('bayesq')}, Python "
        f"{platform.python_version()}, {versions}."
    )


def commit() -> str:
    """Name the commit of this checkout, and say where it is not clean."""
    try:
        name, changed = (
            subprocess.run(
                ["git", *asked], cwd=_ROOT, capture_output=True, text=True, check=True
            ).stdout.strip()
            for asked in (
                ["rev-parse", "--short=10", "HEAD"],
                ["status", "--porcelain", "--", ".", *_MADE],
            )
        )
    except (OSError, subprocess.CalledProcessError):
        return "an unknown commit"
    return f"commit {name}" + (" with changes that are not committed" if changed else "")
