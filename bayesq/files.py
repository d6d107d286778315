"""Files that hold the old content or the new, never half of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from bayesq.errors import BayesqError


def write_beside(
    path: Path, write: Callable[[Path], object], example: str, *, new: bool = False
) -> Path:
    """Write a file under a temporary name in the same folder, then rename it.

    Parameters
    ----------
    path : Path
        The file to make or to replace.
    write : callable
        Writes the content to the path that it is given.
    example : str
        A name that such a file may have, for messages.
    new : bool
        Leave a file that is there as it is: of two processes that make it, one does.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    BayesqError
        If the folder does not exist or cannot be written to.
    FileExistsError
        If the file is there and was to be new.
    """
    check_target(path, example)
    try:
        # Not the name of the file: with more to it, a long one would be too long.
        handle, name = tempfile.mkstemp(prefix=".bayesq-", suffix=".tmp", dir=path.parent)
    except OSError as error:
        raise unwritable(path.parent, error) from error
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        # mkstemp makes files private; this one is as public as any other file of its user.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        if new:
            _name_new(temporary, path)
        else:
            temporary.replace(path)
    except FileExistsError:
        raise
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _name_new(temporary: Path, path: Path) -> None:
    """Give a file its name unless there is one of that name."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:  # not every disk has links; there two processes may still meet
        if path.exists():
            raise FileExistsError(path) from None
        temporary.replace(path)


def check_target(path: Path, example: str) -> None:
    """Refuse a file that cannot be written, before any work is done for it.

    Raises
    ------
    BayesqError
        If it is a directory or a device, or its folder does not exist or takes no files.
    """
    # os.path, because the methods of Path raise on names that no file can have.
    if os.path.isdir(path):
        raise BayesqError(
            f"{path} is a directory; name the file to write, such as {path}/{example}."
        )
    # Renaming a file to /dev/null would take the device away.
    if os.path.exists(path) and not os.path.isfile(path):
        raise BayesqError(f"{path} is not an ordinary file; name the file to write, as {example}.")
    refuse_unreachable(path)
    refuse_unwritable(path.parent)


def refuse_unwritable(folder: Path) -> None:
    """Refuse a folder that takes no files, by making one in it that has no name.

    Raises
    ------
    BayesqError
        If the folder is read-only, not the user's, or full.
    """
    try:
        with tempfile.TemporaryFile(dir=folder, prefix=".bayesq-", suffix=".tmp"):
            pass
    except OSError as error:
        raise unwritable(folder, error) from error


def refuse_unreachable(path: Path) -> None:
    """Refuse a file or folder that nothing can be written to, be it there or to be made.

    Raises
    ------
    BayesqError
        If the folder that it is in does not exist, or its name is none that it can have.
    """
    if not os.path.isdir(path.parent):
        raise BayesqError(f"Folder {path.parent} does not exist; make it first.")
    try:
        path.stat()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> BayesqError:
    """Say that a file or folder cannot be written to."""
    return BayesqError(
        f"{path} cannot be written to ({error.strerror or error}); mend that, or name another one."
    )
