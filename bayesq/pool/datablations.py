"""The number of unique tokens of pool datablations, which its tidied upstream table holds."""

from __future__ import annotations

import csv
from pathlib import Path

TIDY = "tidy_return_alloc_losses.csv"


def unique_tokens(folder: Path) -> dict[str, str]:
    """Read the unique tokens of each run from the tidied table beside ``runs.csv``.

    Returns
    -------
    dict of str to str
        Tokens by the name of the run; empty where that table is not at hand.
    """
    tidy = folder / TIDY
    if not tidy.is_file():
        return {}
    with tidy.open(newline="", encoding="utf-8") as file:
        return {row["name"]: row["U"] for row in csv.DictReader(file) if row["U"]}
