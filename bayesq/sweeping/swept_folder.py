"""Finished fits of sweeps in a folder, which several processes and hosts may share.

A fit has two files, the fit as any saved one and what it comes to as JSON, written in that order:
where the second is, the first is whole. Their names end in a hash of all that decides the fit, so
that whatever else lies in the folder is never taken for it.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from pathlib import Path

from bayesq.errors import BayesqError
from bayesq.files import refuse_unreachable, refuse_unwritable, unwritable, write_beside
from bayesq.sweeping.outcomes import Outcome
from bayesq.sweeping.planned import Planned

_HEAD = "sweep.json"
_FORMAT = 1
_LONGEST = 80  # of what a file is called, before its hash
_DIGITS = 12  # of the hash


class SweptFolder:
    """A folder of fits.

    Parameters
    ----------
    path : Path
        The folder; it need not exist, its parent must.

    Raises
    ------
    BayesqError
        If the folder holds anything else than sweeps, or cannot be written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # os.path, because the methods of Path raise on names that no file can have.
        if os.path.exists(path) and not os.path.isdir(path):
            raise BayesqError(f"{path} is not a folder; name one to save the fits in.")
        refuse_unreachable(path)
        refuse_unwritable(path if os.path.isdir(path) else path.parent)
        self._refuse_another()

    @property
    def begun(self) -> bool:
        """Whether a sweep has written in it."""
        return (self.path / _HEAD).exists()

    def fit_of(self, planned: Planned) -> Path:
        """Name the file of a fit."""
        name = re.sub(r"[^A-Za-z0-9_.+=]+", "-", "-".join(planned.names))[:_LONGEST].strip(".-")
        return self.path / f"{name or 'fit'}-{planned.key[:_DIGITS]}.nc"

    def read(self, planned: Planned, *, keep: bool) -> Outcome | None:
        """Return what a fit came to; None where it is not finished.

        Parameters
        ----------
        planned : Planned
            The fit.
        keep : bool
            Whether the fit itself is to be there too.
        """
        path = self.fit_of(planned)
        try:
            found = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            told = Outcome.from_dict(found["outcome"])
        # Whatever a damaged file says, the fit is made again and the file replaced.
        except (OSError, ValueError, LookupError, TypeError):
            return None
        whole = found.get("key") == planned.key and (path.exists() or not keep)
        return told if whole else None

    def write(self, planned: Planned, outcome: Outcome) -> None:
        """Write what a fit came to, and the fit where it is at hand."""
        try:
            self.path.mkdir(exist_ok=True)
        except OSError as error:
            raise unwritable(self.path, error) from error
        if not self.begun:
            with suppress(FileExistsError):
                self._text(self.path / _HEAD, {"format": _FORMAT}, new=True)
        path = self.fit_of(planned)
        if (content := outcome.written) is not None:
            write_beside(path, lambda beside: beside.write_bytes(content), "fit.nc")
        told = {"key": planned.key, "names": planned.names, "outcome": outcome.to_dict()}
        self._text(path.with_suffix(".json"), told)

    def _text(self, path: Path, told: object, *, new: bool = False) -> None:
        text = json.dumps(told, indent=1)
        write_beside(path, lambda b: b.write_text(text, encoding="utf-8"), "fit.json", new=new)

    def _refuse_another(self) -> None:
        if not os.path.isdir(self.path):
            return
        try:
            found = json.loads((self.path / _HEAD).read_text(encoding="utf-8"))["format"]
        except FileNotFoundError:
            # What begins with a dot is no result of anybody's: a write that was cut short, say.
            if any(not name.startswith(".") for name in os.listdir(self.path)):
                raise BayesqError(
                    f"Folder {self.path} holds other files and no sweep; name an empty or a new "
                    "one."
                ) from None
            return
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise BayesqError(
                f"{self.path / _HEAD} cannot be read; name another folder to save the fits in."
            ) from error
        if found != _FORMAT:
            raise BayesqError(
                f"Folder {self.path} holds a sweep of another version of bayesq; name another one."
            )
