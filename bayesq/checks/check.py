"""A table before anything is fitted to it: what is in it, and what each law can do with it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesq import html
from bayesq.checks.advice import advise
from bayesq.checks.curve_notes import curve_notes
from bayesq.checks.data_notes import data_notes
from bayesq.checks.identification import identification_notes
from bayesq.checks.in_lines import check_text
from bayesq.checks.law_check import LawCheck
from bayesq.checks.stages import Unsaid, unsaid_stage
from bayesq.counted import how_many
from bayesq.errors import BayesqError
from bayesq.law.kind import Kind
from bayesq.law.law import Law
from bayesq.law.registry import find_law, laws
from bayesq.model.design import design
from bayesq.notes import Note, by_severity
from bayesq.runs.runs import Runs, span
from bayesq.runs.schema import BITS, FULL_PRECISION_BITS, Row

if TYPE_CHECKING:
    import pandas as pd

_WIDTH = 110  # cells of a line where no terminal says


@dataclass(frozen=True, eq=False)
class Check:
    """What :func:`bayesq.check` found.

    Parameters
    ----------
    facts : mapping of str to object
        The table in figures.
    notes : tuple of Note
        What is wrong or doubtful in the rows, the severe first.
    laws : tuple of LawCheck
        What each law can do with it, those first that can be fitted.
    unsaid : Unsaid, optional
        What the table tells of quantized rows that do not give their stage.
    """

    facts: Mapping[str, Any]
    notes: tuple[Note, ...]
    laws: tuple[LawCheck, ...]
    unsaid: Unsaid | None = None

    @property
    def usable(self) -> bool:
        """Whether any of the laws can be fitted."""
        return any(not law.refused for law in self.laws)

    @property
    def advice(self) -> str:
        """Which laws to try, in a sentence or two."""
        return advise(self.laws, self.notes, self.unsaid)

    def to_frame(self) -> pd.DataFrame:
        """One row a law: response, usable rows, the worst note, and in a line why."""
        import pandas as pd

        return pd.DataFrame([law.to_dict() for law in self.laws]).set_index("law")

    def __repr__(self) -> str:
        width, _ = shutil.get_terminal_size((_WIDTH, 24))
        return check_text(self.facts, self.notes, self.laws, self.advice, width)

    def _repr_html_(self) -> str:
        return html.block(
            "Check of a table",
            html.facts(self.facts),
            html.paragraph(self.advice),
            html.notes(self.notes),
            html.table(self.to_frame(), caption="what each law can do with it"),
        )


def check(runs: Runs, law: str | Law | None = None, response: str | None = None) -> Check:
    """Look at a table before anything is fitted to it.

    Parameters
    ----------
    runs : Runs
        The table.
    law : str or Law, optional
        The one law to try; by default all that :func:`bayesq.laws` lists.
    response : {"loss", "degradation"}, optional
        What would be fitted; by default each law's usual one.

    Returns
    -------
    Check
        Facts, notes on the rows, and what each law can do with them.

    Raises
    ------
    BayesqError
        If the one law that was named cannot use the table.
    """
    notes = by_severity([*runs.notes, *data_notes(runs)])
    if law is not None:
        tried = [_use(runs, find_law(law), response)]
    else:
        tried = [_try(runs, known, response) for known in laws().values()]
    ordered = tuple(sorted(tried, key=lambda one: bool(one.refused)))
    return Check(facts_of(runs), notes, ordered, unsaid_stage(runs))


def facts_of(runs: Runs) -> dict[str, Any]:
    """Describe a table in figures."""
    columns = runs.columns
    quantized = runs.quantized
    facts = {
        "source": runs.source,
        "rows": len(runs),
        "quantized": int(quantized.sum()),
        "with full-precision partner": int((~np.isnan(columns["loss_full"]) & quantized).sum()),
        "partners": _partners(runs),
        "runs": len(set(runs.cluster)) if runs.runs_named else "not named",
        "studies": ", ".join(sorted(set(columns["study"]) - {""})) or "not named",
    }
    for name in ("N", "D"):
        levels = len(np.unique(columns[name][~np.isnan(columns[name])]))
        facts[name] = span(columns[name]) + (f", {how_many(levels, 'level')}" if levels else "")
    facts["loss"] = f"{columns['loss'].min():.4g} to {columns['loss'].max():.4g} nats/token"
    for name in BITS:
        below = np.unique(columns[name][columns[name] < FULL_PRECISION_BITS])
        if len(below):
            facts[name] = ", ".join(f"{b:g}" for b in below)
    facts["compressions told by"] = _told_by(runs)
    if own := [name for name in columns if name not in Row.model_fields]:
        facts["columns read as nothing"] = ", ".join(own)
    return {**facts, "fingerprint": runs.fingerprint}


def _partners(runs: Runs) -> str:
    """Say what quantized rows are set against: how many each way."""
    known = runs.quantized & ~np.isnan(runs.columns["loss_full"])
    paired = runs.partners.rows >= 0
    counts = {
        "of their own run": known & paired & runs.partners.own,
        "of equal setting": known & paired & ~runs.partners.own,
        "not in these rows": known & ~paired,
    }
    return ", ".join(f"{int(n.sum())} {what}" for what, n in counts.items() if n.any()) or "none"


def _told_by(runs: Runs) -> str:
    """Columns that make compressions differ in these rows, or those that would."""
    told = [name for name in Kind.__dataclass_fields__ if name in runs.columns]
    empty = {"", "nan", str(float(FULL_PRECISION_BITS)), "0.0"}
    rows = runs.quantized
    found = [n for n in told if set(map(str, runs.columns[n][rows].tolist())) - empty]
    return ", ".join(found) or f"nothing here; columns that would: {', '.join(told)}"


def _use(runs: Runs, law: Law, response: str | None) -> LawCheck:
    usable = design(runs, law, response)
    notes = by_severity([*usable.notes, *identification_notes(usable), *curve_notes(usable)])
    return LawCheck(law.name, usable.response, len(usable.runs), "", notes)


def _try(runs: Runs, law: Law, response: str | None) -> LawCheck:
    try:
        return _use(runs, law, response)
    except BayesqError as error:
        return LawCheck(law.name, response or law.responses[0], 0, str(error), ())
