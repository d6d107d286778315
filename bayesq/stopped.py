"""Ctrl-C, with a word on what was kept and what was not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sized
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path


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


def keeping(
    what: str, done: Sized, total: int, folder: Path | None
) -> AbstractContextManager[None]:
    """Say, if Ctrl-C stops the work inside, how much of it is in a folder, if there is one.

    Parameters
    ----------
    what : str
        What is kept there: ``"fold"``.
    done : sized
        Those that are finished, as they come.
    total : int
        How many there are to be.
    folder : Path or None
        Where they are kept.
    """

    def words() -> Stopped:
        if not done:
            return Stopped(f"no {what} was finished, so nothing was kept")
        return Stopped(f"kept: {len(done)} of {total} {what}s in {folder}", goes_on=True)

    return nullcontext() if folder is None else stopping(words)
