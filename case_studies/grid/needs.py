"""Say in one sentence what to install when a package is missing."""

from __future__ import annotations

import importlib
import sys


def require(*packages: str) -> None:
    """Leave with exit code 2 if a package cannot be imported because it is not installed.

    Parameters
    ----------
    *packages
        Names that serve both for importing and for installing.
    """
    for package in packages:
        try:
            importlib.import_module(package)
        except ModuleNotFoundError as error:
            if error.name != package:
                raise
            command = f"pip install {' '.join(packages)}"
            print(
                f"This program needs {package}, which bayesq does not install: run `{command}`.",
                file=sys.stderr,
            )
            raise SystemExit(2) from None
