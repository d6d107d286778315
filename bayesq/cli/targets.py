"""Files that commands write: names for those that nobody named, and what was there before."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bayesq.files import check_target, unwritable

_LONGEST = 100  # of what a name is made of
_MOST = 10_000
_EXAMPLE = {".nc": "fit.nc", ".html": "report.html", ".png": "figure.png", ".csv": "rows.csv"}
_ENDINGS = re.compile(r"(\.(csv|tsv|txt|parquet|jsonl|ndjson|json|gz))+$", re.IGNORECASE)


class Target:
    """The file that a command writes to.

    Parameters
    ----------
    asked : Path or None
        The file that was named; with None a name is made that no file has yet.
    *parts : str
        Words for such a name: of a law, of a table.
    ending : str
        Of such a name.

    Raises
    ------
    BayesqError
        If nothing can be written there.
    """

    def __init__(self, asked: Path | None, *parts: str, ending: str = ".nc") -> None:
        self.asked = asked
        self.path = Path(f"{_safe('-'.join(parts))}{ending}") if asked is None else asked
        self.plain = self.path
        self.replaced = False
        if asked is not None or not os.path.lexists(self.path):
            check_target(self.path, _EXAMPLE[ending])
        if not os.access(self.path.parent, os.W_OK):
            raise unwritable(self.path.parent, OSError(errno.EACCES, os.strerror(errno.EACCES)))

    @contextmanager
    def taken(self) -> Iterator[Path]:
        """Give the path to write to; a name that was made is held, so that no other takes it."""
        if self.asked is not None:
            self.replaced = os.path.exists(self.asked)
            yield self.asked
            return
        self.path = self._hold()
        try:
            yield self.path
        except BaseException:
            with suppress(OSError):
                self.path.unlink()  # empty: what is written comes by renaming
            raise

    def _hold(self) -> Path:
        """Make an empty file of a name that no other file has, and no other process has taken."""
        for number in range(1, _MOST):
            stem = self.plain.stem if number == 1 else f"{self.plain.stem}-{number}"
            path = self.plain.with_name(f"{stem}{self.plain.suffix}")
            try:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            except FileExistsError:
                continue
            except OSError as error:
                raise unwritable(path, error) from error
            return path
        raise unwritable(self.plain, FileExistsError(f"{_MOST} files of that name are there"))

    @property
    def said(self) -> str:
        """Where it was saved, and what has become of a file that was there."""
        if self.replaced:
            return f"saved to {self.path}, in the place of the file that was there"
        if self.path != self.plain:
            return f"saved to {self.path}; {self.plain} was there already"
        return f"saved to {self.path}"


def table_name(runs: str) -> str:
    """Name a table in a word: its file without folder and endings, or its pool."""
    return "table" if runs == "-" else _ENDINGS.sub("", os.path.basename(os.path.abspath(runs)))


def _safe(name: str) -> str:
    """Keep of a name what every system takes, and no option begins with."""
    return re.sub(r"[^A-Za-z0-9_.+]+", "-", name)[:_LONGEST].strip(".-") or "fit"
