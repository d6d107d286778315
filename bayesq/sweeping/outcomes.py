"""What one fit of a sweep comes to: a line, a table of parameters, notes, and the fit in bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bayesq.errors import BayesqError
from bayesq.fitting import fit_specification
from bayesq.intervals import Interval
from bayesq.model.specification import Specification
from bayesq.notes import Note
from bayesq.posterior.fit import Fit
from bayesq.posterior.on_demand import stored
from bayesq.posterior.sealed import to_bytes

ENDS = ("median", "lower", "upper")
type Keep = Callable[[Fit], bytes]
_NUMBERS = ("rows", "ess", "r_hat", "divergences", "seconds")


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one fit.

    Parameters
    ----------
    message : str
        Why there is no fit; empty where there is one.
    numbers : mapping of str to float
        ``rows``, the least effective sample size ``ess``, the worst ``r_hat``, ``divergences``, and
        ``seconds`` of sampling.
    parameters : mapping of str to list
        Columns of a table: the names of the parameters under ``parameter``, ``median``, ``lower``,
        ``upper``, ``unit``.
    interval : tuple of (float, str)
        Probability and kind of the intervals.
    notes : tuple of Note
        What the fit says.
    written : bytes or None
        The fit, where it is handed on: as its file has it, or as :func:`packed` has it.
    """

    message: str = ""
    numbers: Mapping[str, float] | None = None
    parameters: Mapping[str, list[Any]] | None = None
    interval: tuple[float, str] = (0.0, "")
    notes: tuple[Note, ...] = ()
    written: bytes | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return all but the fit itself, ready for JSON."""
        return {
            "numbers": self.numbers,
            "parameters": self.parameters,
            "interval": list(self.interval),
            "notes": [note.to_dict() for note in self.notes],
        }

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Outcome:
        """Make one of what :meth:`to_dict` returned.

        Raises
        ------
        LookupError, TypeError, ValueError
            If it is something else.
        """
        numbers = {name: float(told["numbers"][name]) for name in _NUMBERS}
        parameters = {name: list(told["parameters"][name]) for name in ("parameter", *ENDS, "unit")}
        if len({len(column) for column in parameters.values()}) > 1:
            raise ValueError("columns of several lengths")
        prob, kind = told["interval"]
        notes = tuple(Note(**note) for note in told["notes"])
        return cls("", numbers, parameters, (float(prob), str(kind)), notes)

    @property
    def bare(self) -> Outcome:
        """The same without the fit."""
        return replace(self, written=None)


def fitted(
    described: Specification,
    sampling: Mapping[str, Any],
    asked: Interval,
    *,
    keep: Keep | None,
    progress: bool,
) -> Outcome:
    """Make a fit and say what it comes to: a unit of work.

    Parameters
    ----------
    described : Specification
        What is fitted.
    sampling : mapping
        As :func:`bayesq.fitting.fit_specification` takes them.
    asked : Interval
        Of the parameters.
    keep : callable, optional
        How the fit itself is handed on: :func:`as_file` or :func:`packed`; by default it is not.
    progress : bool
        Whether what is being done is said.
    """
    try:
        made = fit_specification(described, **sampling, progress=progress)
    except BayesqError as error:
        return Outcome(str(error))
    return outcome_of(made, asked, keep)


def as_file(made: Fit) -> bytes:
    """Write a fit as its file has it."""
    return to_bytes(made.to_tree())


def packed(made: Fit) -> bytes:
    """Write a fit for this sweep alone, in a tenth of the time that a file of it takes."""
    import cloudpickle

    content: bytes = cloudpickle.dumps((stored(made.data), made.notes, made.convergence))
    return content


def unpacked(content: bytes, described: Specification) -> Fit:
    """Read what :func:`packed` wrote of the fit of what is described."""
    import cloudpickle

    tree, notes, convergence = cloudpickle.loads(content)
    return Fit(described, tree, notes, convergence=convergence)


def outcome_of(made: Fit, asked: Interval, keep: Keep | None) -> Outcome:
    """Say what a fit comes to; see :func:`fitted`."""
    table = summary_of(made, asked)
    stats = made.data["sample_stats"]
    diverging = int(stats["diverging"].sum()) if "diverging" in stats else 0
    numbers = {
        "rows": len(made.design.index),
        "ess": float(table[["ess_bulk", "ess_tail"]].min().min()),
        "r_hat": float(table["r_hat"].max()),
        "divergences": diverging,
        "seconds": float(made.data.attrs.get("sampling_seconds", np.nan)),
    }
    return Outcome(
        "",
        numbers,
        columns_of(table),
        (asked.prob, asked.kind),
        made.notes,
        None if keep is None else keep(made),
    )


def summary_of(made: Fit, asked: Interval) -> pd.DataFrame:
    """Summarise a fit by the intervals of whoever asked: this process may have others set."""
    from arviz_base import rc_context

    with rc_context({"stats.ci_kind": asked.kind}):
        return made.summary(asked.prob)


def columns_of(table: pd.DataFrame) -> dict[str, list[Any]]:
    """Take of a summary what a table of many fits shows."""
    return {"parameter": list(table.index), **{n: table[n].tolist() for n in (*ENDS, "unit")}}
