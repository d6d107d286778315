"""Scenarios and candidates as ``--at`` gives them."""

from __future__ import annotations

from collections.abc import Sequence

from bayesq.errors import BayesqError
from bayesq.runs.name_values import read_pairs


def read_settings(at: Sequence[str]) -> dict[str, list[str]]:
    """Read one setting or several as columns of text.

    Raises
    ------
    BayesqError
        If one is no list of pairs, or has other columns than the first.
    """
    given = [read_pairs(text.split(","), "--at", "N=70B") for text in at]
    names = list(given[0])
    for number, setting in enumerate(given, start=1):
        if set(setting) != set(names):
            raise BayesqError(
                f"--at number {number} gives {', '.join(setting)} and the first gives "
                f"{', '.join(names)}; let every scenario give the same columns."
            )
    return {name: [setting[name] for setting in given] for name in names}
