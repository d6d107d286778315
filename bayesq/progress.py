"""What a verb that takes long is doing, said on the error stream.

On a terminal one live line; in a pipe, a file or a notebook a line now and then. A verb inside
another shares its line: ``fitting sun2025 (2 of 3): sampling 40%, about 20 seconds left``.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.text import Text

# In a pipe: quick verbs stay silent, and a long one does not fill a log.
_SILENT_FOR = 2.0  # seconds
_APART = 5.0
_APART_SHARE = 0.05  # of the time so far: every half minute after ten
_AGAIN = 30.0  # the same words once more, with how long it has been
_TICK = 0.25
_ESTIMATE_AFTER = 1.0
# So many steps are told one by one, more of them as a percentage.
_COUNTED = 1000
_FRAMES = "-\\|/"


@dataclass
class _Level:
    """What one of several nested verbs does."""

    text: str = ""
    what: str = ""
    first: int = 0
    done: int = 0
    total: int = 0
    began: float = 0.0
    last: float = 0.0

    def left(self, now: float) -> float | None:
        """Estimate the seconds that are left, as soon as a step has told."""
        steps = self.done - self.first
        spent = self.last - self.began
        if not (steps > 0 and self.done < self.total and now - self.began >= _ESTIMATE_AFTER):
            return None
        left = spent / steps * (self.total - self.done) - (now - self.last)
        return left if left > 0 else None  # what takes longer than was thought has no end in sight


class Progress:
    """What is being done now. Made by :func:`showing`; one that is made here is silent."""

    def __init__(self) -> None:
        self._levels = [_Level()]
        self._lock = threading.Lock()
        self._screen: _Live | _Lines | None = None

    def say(self, text: str) -> None:
        """Say what is being done now.

        Parameters
        ----------
        text : str
            A few words: ``"compiling the model"``.
        """
        with self._lock:
            level = self._levels[-1]
            level.text, level.what, level.total = text, "", 0

    def step(self, done: int, total: int, what: str) -> None:
        """Say how much of something is done, from which the time left is estimated.

        Parameters
        ----------
        done, total : int
            Steps done so far and in all.
        what : str
            What is being done: ``"sampling"``.
        """
        shown = f"{done} of {total}" if total <= _COUNTED else f"{done / total:.0%}"
        self._step(done, total, what, f"{what} {shown}")

    def each[Item](
        self,
        items: Sequence[Item],
        what: str,
        name: Callable[[Item], str] = lambda item: "",
        *,
        already: int = 0,
    ) -> Iterator[Item]:
        """Go through things that take long, each a step: ``refit 7 of 46``.

        Parameters
        ----------
        items : sequence
            The things.
        what : str
            What is done with each: ``"refit"``.
        name : callable
            Tells the name of each, where it has one: ``fitting sun2025 (2 of 3)``.
        already : int
            How many others are done already.
        """
        total = already + len(items)
        for number, item in enumerate(items, start=already + 1):
            named, counted = name(item), f"{number} of {total}"
            text = f"{what} {named} ({counted})" if named else f"{what} {counted}"
            self._step(number - 1, total, what, text)
            yield item

    def keep(self, text: str) -> None:
        """Say something that stays to be read."""
        if self._screen is not None:
            self._screen.keep(text)

    @property
    def shown(self) -> bool:
        """Whether anybody is told."""
        return self._screen is not None

    @property
    def text(self) -> str:
        """All that is being done, from the outermost verb to the innermost, and the time left."""
        with self._lock:
            levels = list(self._levels)
        now = time.monotonic()
        doing = [": ".join(level.text for level in levels if level.text)]
        left = next((s for level in levels if (s := level.left(now)) is not None), None)
        if left is not None:
            doing.append("a few seconds left" if left < 10 else f"about {_about(left)} left")
        return ", ".join(filter(None, doing))

    def _step(self, done: int, total: int, what: str, text: str) -> None:
        now = time.monotonic()
        with self._lock:
            level = self._levels[-1]
            if (what, total) != (level.what, level.total) or done < level.done:
                level.what, level.total, level.first, level.began = what, total, done, now
            level.text, level.done, level.last = text, done, now

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        """Let a verb inside this one say what it does."""
        level = _Level()
        with self._lock:
            self._levels.append(level)
        try:
            yield
        finally:
            with self._lock:
                # By identity: alike is not the same.
                self._levels = [other for other in self._levels if other is not level]


_current: Progress | None = None


@contextmanager
def showing(progress: bool | Progress) -> Iterator[Progress]:
    """Say on the error stream what is being done, as long as the context lasts.

    Parameters
    ----------
    progress : bool or Progress
        True to say it, in the line of the verb around this one if there is one; False for silence;
        or where to say it.
    """
    global _current
    around = progress if isinstance(progress, Progress) else _current
    if not progress:
        yield Progress()
    elif around is not None:
        with around._deeper():
            yield around
    else:
        told = _current = Progress()
        try:
            told._screen = _screen(told)
            yield told
        finally:
            _current = None
            if told._screen is not None:
                told._screen.close()


@contextmanager
def silence() -> Iterator[None]:
    """Let nothing inside say anything, whatever it is told: it works for another process."""
    global _current
    around, _current = _current, Progress()
    try:
        yield
    finally:
        _current = around


def _screen(told: Progress) -> _Live | _Lines | None:
    stream = sys.stderr
    if stream is None:  # as under pythonw
        return None
    live = stream.isatty() and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")
    return _Live(told) if live else _Lines(told, stream)


class _Lines:
    """A line now and then, by a thread of its own: a long compilation says nothing by itself."""

    def __init__(self, told: Progress, stream: TextIO) -> None:
        self._told, self._stream = told, stream
        self._began = self._changed = time.monotonic()
        self._written = self._began + _SILENT_FOR - _APART
        self._text = ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bayesq progress", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(_TICK):
            now = time.monotonic()
            text = self._told.text
            if now - self._written < max(_APART, _APART_SHARE * (now - self._began)) or not text:
                continue
            if text != self._text:
                self._text, self._changed = text, now
                self.keep(text)
            elif now - self._written >= _AGAIN:
                so_far = f" ({_about(now - self._changed)} so far)"
                self.keep(text if text.endswith(" left") else text + so_far)

    def keep(self, text: str) -> None:
        from bayesq.terminal import printable

        self._written = time.monotonic()
        try:
            self._stream.write(f"{printable(text)}\n")
            self._stream.flush()
        except (OSError, ValueError):
            self._over.set()  # nobody listens any more, which is no reason to stop the work


class _Live:
    """One line on a terminal, which goes when the work is done."""

    def __init__(self, told: Progress) -> None:
        from rich.live import Live

        from bayesq.terminal import Terminal

        self._told = told
        self._live = Live(
            console=Terminal(stderr=True),
            get_renderable=self._line,
            transient=True,
            refresh_per_second=8,
        )
        self._live.start()

    def keep(self, text: str) -> None:
        self._live.console.print(text, soft_wrap=True)

    def close(self) -> None:
        self._live.stop()

    def _line(self) -> Text:
        from rich.text import Text

        text = self._told.text
        frame = _FRAMES[int(time.monotonic() * 8) % len(_FRAMES)]
        return Text(f"{frame} {text}" if text else "", no_wrap=True, overflow="ellipsis")


def _about(seconds: float) -> str:
    """Say a time as one would: 40 seconds, 3 minutes, 2 hours."""
    if seconds < 90:
        return f"{max(round(seconds, -1), 10):.0f} seconds"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.0f} hours"
