"""The one kind of error that is the user's to mend."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BayesqError(ValueError):
    """A mistake in what was given to bayesq.

    Its message is one sentence: what is wrong, where, and how to mend it. The command line prints
    it without a traceback and exits with status 2.
    """


def nearest(name: str, valid: Iterable[str]) -> str:
    """Word the names that `name` may have been meant for, for the end of an error message."""
    valid = list(valid)
    folded = {v.casefold(): v for v in valid}
    close = difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.4)
    if close:
        return f"did you mean {' or '.join(folded[c] for c in close)}? (valid: {', '.join(valid)})"
    return f"valid names: {', '.join(valid)}"
