"""Several fits on one command line, each with a name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bayesq.errors import BayesqError
from bayesq.posterior.by_name import find_one

if TYPE_CHECKING:
    from bayesq.posterior.posterior import Posterior


def find_posteriors(fits: Sequence[str], law: str | None) -> dict[str, Posterior]:
    """Load fits, or take papers' constants; named by law, or by file where two are of one law.

    Raises
    ------
    BayesqError
        If one is not there, is an average, or is named twice.
    """
    found = {}
    for text in fits:
        if text in found:
            raise BayesqError(f"{text} is named twice; name each fit once.")
        found[text] = find_one(text, law)
    by_law = [fit.law.name for fit in found.values()]
    by_file = [Path(text).stem for text in found]
    names = next((n for n in (by_law, by_file) if len(set(n)) == len(n)), list(found))
    return dict(zip(names, found.values(), strict=True))
