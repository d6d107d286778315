"""What scenarios ask for that the fit has not seen, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bayesq.model.design import as_text
from bayesq.notes import Note
from bayesq.posterior.posterior import Posterior
from bayesq.runs.records import is_missing


def format_note(frame: pd.DataFrame, fit: Posterior) -> Note | None:
    """Say which scenarios tell of a format or origin that the fit has not seen and cannot tell.

    A law answers the same for every value of a column that is not among its inputs: for values of
    the rows that it was fitted to that is an answer, for others it is none.
    """
    seen = fit.formats
    accounted = fit.law.accounts_for(fit.response) - fit.law.flagged(fit.response)
    other = {}
    for name in frame.columns:
        if name in seen and name not in accounted:
            cells = {as_text(v) for v in frame[name].tolist() if not is_missing(v)}
            if strange := sorted(cells - set(seen[name])):
                other[name] = f"{name} {', '.join(strange)} (the data have {', '.join(seen[name])})"
    if not other:
        return None
    return Note(
        "other-format",
        "severe",
        f"Law {fit.law.name} does not look at {', '.join(other)}, and the scenarios ask for what "
        f"it was not fitted to: {'; '.join(other.values())}.",
        "Fit rows of that kind, or leave the column out to ask about the rows that were fitted.",
    )


def unseen_note(fit: Posterior, at: Mapping[str, Any]) -> Note | None:
    """Say which inputs the fit has only seen where they change nothing, and are asked elsewhere.

    `at` has inputs by symbol, each a number or an array of shape ``(scenarios,)``.
    """
    ranges = fit.observed_range
    unseen = {
        i.symbol: f"{i.columns[0]}={i.neutral:g}"
        for i in fit.law.inputs_of("loss")
        if i.neutral is not None
        and ranges.get(i.symbol) == (i.neutral, i.neutral)
        and i.symbol in at
        and (np.asarray(at[i.symbol]) != i.neutral).any()
    }
    if not unseen:
        return None
    return Note(
        "unseen-input",
        "severe",
        f"No row that was fitted has another {' or '.join(unseen)} than full precision: what is "
        "said of it comes from the prior.",
        f"Add such rows, or ask with {' and '.join(unseen)} in full precision: "
        f"{' '.join(unseen.values())}.",
    )
