"""Finished folds in a folder, so that a backtest that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bayesq.errors import BayesqError
from bayesq.files import refuse_unreachable, refuse_unwritable, unwritable, write_beside
from bayesq.sampling.defaults import SAMPLER

_HEAD = "backtest.json"
_FORMAT = 3  # what a head says of its fits, and the columns of scores
# Settings too long to be told apart by their values.
_LONG = {
    "rows": "its rows are others",
    "code": "its law or noise is another, or holds what cannot be looked into",
    "discrepancy": "its discrepancy is another",
    "fits": "its fits are of another law, noise, discrepancy or number of draws",
}
# What a head means that does not say.
USUAL = {"sampler": SAMPLER, "device": "cpu", "coreset": None}


class Folder:
    """A folder of one backtest: a head that says of which, and a file for each finished fold.

    Nothing is written before the first fold is finished.

    Parameters
    ----------
    path : Path
        The folder; it need not exist, its parent must.
    settings : mapping of str to Any
        Everything that the scores depend on.

    Raises
    ------
    BayesqError
        If the folder holds another backtest or anything else, or cannot be written to.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        self.path = path
        self.settings = {"format": _FORMAT} | json.loads(json.dumps(settings, default=_plain))
        self._refuse_unusable()
        self._refuse_another()

    def read(self, number: int, rows: Mapping[str, str]) -> dict[str, Any] | None:
        """Return what was written of a fold; None where it is not finished.

        Parameters
        ----------
        number : int
            Number of the fold, from 1.
        rows : mapping of str to str
            Fingerprints of the rows kept and of those scored.
        """
        try:
            found = json.loads(self._file(number).read_text(encoding="utf-8"))
            content: dict[str, Any] = found["content"]
        # Whatever a damaged file says, the fold is fitted again and the file replaced.
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return content if found.get("key") == self._key(rows) else None

    def write(self, number: int, rows: Mapping[str, str], content: Mapping[str, Any]) -> None:
        """Write what a finished fold gave."""
        try:
            self.path.mkdir(exist_ok=True)
        except OSError as error:
            raise unwritable(self.path, error) from error
        if not (self.path / _HEAD).exists():
            with suppress(FileExistsError):
                write_text(self.path / _HEAD, json.dumps(self.settings, indent=2), new=True)
        # Another process may have been first: its folds stay as they are.
        self._refuse_another()
        text = json.dumps({"key": self._key(rows), "content": content}, default=_plain)
        write_text(self._file(number), text)

    def _file(self, number: int) -> Path:
        return self.path / f"fold-{number:02d}.json"

    def _key(self, rows: Mapping[str, str]) -> str:
        text = json.dumps([self.settings, dict(rows)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def _refuse_unusable(self) -> None:
        # os.path, because the methods of Path raise on names that no file can have.
        if os.path.exists(self.path) and not os.path.isdir(self.path):
            raise BayesqError(f"{self.path} is not a folder; name one to save the folds in.")
        there = self.path if os.path.isdir(self.path) else self.path.parent
        if os.path.isdir(there):
            refuse_unwritable(there)
        refuse_unreachable(self.path)

    def _refuse_another(self) -> None:
        if not os.path.isdir(self.path):
            return
        if not (self.path / _HEAD).exists():
            # What begins with a dot is no result of anybody's: a write that was cut short, say.
            if any(not name.startswith(".") for name in os.listdir(self.path)):
                raise BayesqError(
                    f"Folder {self.path} holds other files and no backtest; name an empty or a new "
                    "one."
                )
            return
        try:
            there = dict(json.loads((self.path / _HEAD).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise BayesqError(
                f"{self.path / _HEAD} cannot be read; name another folder to save the folds in."
            ) from error
        if there.get("format") != _FORMAT:
            raise BayesqError(
                f"Folder {self.path} holds a backtest of another version of bayesq; name another "
                "folder."
            )
        names = dict.fromkeys([*self.settings, *there])
        other = [n for n in names if there.get(n) != self.settings.get(n)]
        if other:
            shown = ", ".join(_difference(n, there, self.settings) for n in other)
            raise BayesqError(
                f"Folder {self.path} holds another backtest ({shown}); name another folder, or "
                "repeat that one."
            )


def write_text(path: Path, text: str, *, new: bool = False) -> None:
    """Write a text, beside `path` and then renamed.

    Raises
    ------
    BayesqError
        If it cannot be written there.
    FileExistsError
        If the file is there and was to be new.
    """
    write_beside(path, lambda b: b.write_text(text, encoding="utf-8"), "rows.csv", new=new)


def _difference(name: str, there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    if name in _LONG:
        return _LONG[name]
    values = [told.get(name, USUAL.get(name)) for told in (there, here)]
    return "{} is {!r} there and {!r} here".format(name, *values)


def _plain(value: Any) -> Any:
    if hasattr(value, "to_dict"):  # a noise or discrepancy: its repr may hold addresses
        return value.to_dict()
    return value.item() if hasattr(value, "item") else repr(value)
