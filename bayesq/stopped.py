"""Ctrl-C, with a word on what was kept and what was not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stopped(KeyboardInterrupt):
    """Work that Ctrl-C has stopped.

    Parameters
    ----------
    kept : str
        What was kept, or that nothing was.
    goes_on : bool
        Whether the same call goes on from there.
    """

    def __init__(self, kept: str, *, goes_on: bool = False) -> None:
        super().__init__(kept)
        self.kept = kept
        self.goes_on = goes_on

    def __str__(self) -> str:
        return self.words("call")

    def words(self, again: str) -> str:
        """Say it, where the same `again` ("call", "command") goes on."""
        return f"{self.kept}; the same {again} goes on from there" if self.goes_on else self.kept


@contextmanager
def stopping(what: Callable[[], Stopped]) -> Iterator[None]:
    """Say what was kept of the work inside, if Ctrl-C stops it and nothing in it has said so."""
    try:
        yield
    except Stopped:
        raise
    except KeyboardInterrupt as stopped:
        raise what() from stopped
