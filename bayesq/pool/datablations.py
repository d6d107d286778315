"""The number of unique tokens of pool datablations, which its tidied upstream table holds."""

from __future__ import annotations

import csv
from pathlib import Path

from bayesq.errors import BayesqError

TIDY = "tidy_return_alloc_losses.csv"


def unique_tokens(folder: Path) -> dict[str, float]:
    """Read the unique tokens of each run from the tidied table beside ``runs.csv``.

    Returns
    -------
    dict of str to float
        Tokens by the name of the run; empty where that table is not at hand.

    Raises
    ------
    BayesqError
        If that table is not what it was.
    """
    tidy = folder / TIDY
    if not tidy.is_file():
        return {}
    try:
        with tidy.open(newline="", encoding="utf-8") as file:
            return {row["name"]: float(row["U"]) for row in csv.DictReader(file) if row["U"]}
    except (KeyError, ValueError) as error:
        raise BayesqError(
            f"{tidy} does not hold numbers of unique tokens (columns name and U); restore the "
            "file, or remove it to do without them."
        ) from error
