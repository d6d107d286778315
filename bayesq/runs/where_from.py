"""Where rows are from, in words: a table, and which of its rows were chosen."""

from __future__ import annotations

import os

from bayesq.errors import BayesqError
from bayesq.runs.choice import Choice

_WHERE = " where "
# What no command can choose again.
_BY_HAND = ", rows chosen by hand"


def name_chosen(source: str, choice: str | None) -> str:
    """Word the source of rows that were chosen of others, by a choice or else by hand."""
    if choice is None:
        return source if source.endswith(_BY_HAND) else f"{source}{_BY_HAND}"
    table, before = take_apart(source)
    both = choice if before is None else f"({before}) and ({choice})"
    return f"{table}{_WHERE}{both}"


def take_apart(source: str) -> tuple[str, str | None]:
    """Take a source apart: the table, and the choice of rows, if there is one.

    A file's name may hold the word that stands between the two: the longest name of a file that is
    there is taken, else the first after which there is a choice.
    """
    words = source.split(_WHERE)
    splits = [(_WHERE.join(words[:i]), _WHERE.join(words[i:])) for i in range(1, len(words))]
    found = [(table, choice) for table, choice in splits if _is_choice(choice)]
    there = [one for one in found if os.path.isfile(one[0])]
    if os.path.isfile(source) or not found:
        return source, None
    return there[-1] if there else found[0]


def is_by_hand(source: str) -> bool:
    """Tell whether rows were chosen by hand, before or after any choice in words."""
    return _BY_HAND in source


def _is_choice(text: str) -> bool:
    try:
        Choice.parse(text)
    except BayesqError:
        return False
    return True
