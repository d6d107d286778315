"""What is in a table, and what each law can do with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesq.checks.identification import identification_notes
from bayesq.errors import BayesqError
from bayesq.law.law import Law
from bayesq.law.registry import find_law, laws
from bayesq.model.design import design
from bayesq.notes import Note, by_severity
from bayesq.runs.counts import format_count
from bayesq.runs.runs import Runs
from bayesq.runs.schema import BITS, FULL_PRECISION_BITS


@dataclass(frozen=True)
class LawCheck:
    """What one law can do with a table: how many rows it uses, or why none."""

    law: str
    response: str
    rows: int
    refused: str
    notes: tuple[Note, ...]


def check_laws(runs: Runs, law: str | None, response: str | None) -> list[LawCheck]:
    """Try one law on a table, or all of them.

    Raises
    ------
    BayesqError
        If the one law that was named cannot use the table.
    """
    if law is not None:
        return [_use(runs, find_law(law), response)]
    return [_try(runs, known, response) for known in laws().values()]


def facts_of(runs: Runs) -> dict[str, Any]:
    """Describe a table in figures."""
    columns = runs.columns
    quantized = runs.quantized
    facts = {
        "source": runs.source,
        "rows": len(runs),
        "quantized": int(quantized.sum()),
        "with full-precision partner": int((~np.isnan(columns["loss_full"]) & quantized).sum()),
        "runs": len(set(runs.cluster)),
        "studies": ", ".join(sorted(set(columns["study"]) - {""})) or "not named",
    }
    for name in ("N", "D"):
        low, high = columns[name].min(), columns[name].max()
        levels = len(np.unique(columns[name]))
        facts[name] = f"{format_count(low)} to {format_count(high)}, {levels} levels"
    facts["loss"] = f"{columns['loss'].min():.4g} to {columns['loss'].max():.4g} nats/token"
    for name in BITS:
        below = np.unique(columns[name][columns[name] < FULL_PRECISION_BITS])
        if len(below):
            facts[name] = ", ".join(f"{b:g}" for b in below)
    return {**facts, "fingerprint": runs.fingerprint}


def _use(runs: Runs, law: Law, response: str | None) -> LawCheck:
    usable = design(runs, law, response)
    notes = by_severity([*usable.notes, *identification_notes(usable)])
    return LawCheck(law.name, usable.response, len(usable.runs), "", notes)


def _try(runs: Runs, law: Law, response: str | None) -> LawCheck:
    try:
        return _use(runs, law, response)
    except BayesqError as error:
        return LawCheck(law.name, response or law.responses[0], 0, str(error), ())
