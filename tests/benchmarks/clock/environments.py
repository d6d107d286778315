"""Environments of the contenders that bayesq does not depend on, each made once."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from clock.stranger import FailedError


def python_with(requirements: Path, folder: Path) -> Path:
    """Make an environment from a file of pinned packages, and name its interpreter.

    Raises
    ------
    FailedError
        If the packages cannot be had.
    """
    python, stamp = folder / "bin" / "python", folder / "made-from.txt"
    wanted = requirements.read_text(encoding="utf-8")
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    print(f"making {folder}", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in (
        [sys.executable, "-m", "venv", folder],
        [*pip, "--only-binary", ":all:", "-r", requirements],
    ):
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            said = (made.stderr or made.stdout).strip().splitlines()
            raise FailedError(f"no environment: {said[-1] if said else made.returncode}")
    stamp.write_text(wanted, encoding="utf-8")
    return python
