"""Names with values as a line has them: ``N=1B D=100B``."""

from __future__ import annotations

from collections.abc import Iterable

from bayesq.errors import BayesqError


def read_pairs(texts: Iterable[str], option: str, example: str) -> dict[str, str]:
    """Read texts as NAME=VALUE.

    Raises
    ------
    BayesqError
        If one of them is not, or a name is given twice; `option` and `example` word it.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        name, value = (part.strip() for part in (text.partition("=")[::2]))
        if not (name and value):
            raise BayesqError(f"{option} {text!r} is not NAME=VALUE; write it like {example}.")
        if name in pairs:
            raise BayesqError(f"{option} gives {name} twice; give it once.")
        pairs[name] = value
    return pairs
