"""Work that is lost for good: a unit too large, workers that die, a cluster that is gone."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor
from pathlib import Path

from bayesq.errors import BayesqError


class LostError(Exception):
    """Work that cannot be done where it was sent; its words have no full stop yet."""


def told_as(lost: LostError, what: str, done: int, total: int, folder: Path | None) -> BayesqError:
    """Say in one sentence what was lost, and what was kept of the rest.

    Parameters
    ----------
    lost : LostError
        What happened, and the way out.
    what : str
        What one unit is called.
    done, total : int
        How many are finished, and of how many.
    folder : Path or None
        Where they are kept.
    """
    kept = ""
    if folder is not None and done:
        kept = (
            f"; kept: {done} of {total} units ({what}) in {folder}, and the same call goes on "
            "from there"
        )
    return BayesqError(f"{lost}{kept}.")


def too_large(unit: str) -> LostError:
    """Say that memory was too small for a unit."""
    return LostError(
        f"{unit} does not fit into memory; give it fewer rows, draws or chains, fewer units beside "
        "it (executor=2, say), or a machine with more memory"
    )


def failed(unit: str, error: BaseException) -> LostError | None:
    """Say what an executor's own error means for a unit; None where it means nothing known."""
    name, words = type(error).__name__, f"{error} {error.__cause__ or ''}"
    if name == "KilledWorker":  # of distributed, which need not be installed
        return LostError(
            f"{unit} ended every worker that took it on, as work does that needs more memory than "
            "a worker may have; give workers more (dask worker --memory-limit), or fewer rows or "
            "draws"
        )
    if isinstance(error, BrokenExecutor):
        return LostError(
            f"A process of the executor died while {unit} was under way, most often for want of "
            "memory; make a new executor with fewer processes"
        )
    if "No module named 'bayesq" in words:
        return LostError(
            "A worker has no bayesq; install there what is installed here, "
            "and start the workers again"
        )
    return None


def misunderstood(unit: str, how: str, words: str) -> LostError:
    """Say that a worker cannot read what it was sent."""
    if how == "versions":
        return LostError(
            f"A worker has {words}; install there what is installed here, and start the workers "
            "again"
        )
    return LostError(
        f"A worker cannot read {unit} ({words}); a module of your own must be where workers "
        "import from, or its law in a file that is given by its path"
    )
