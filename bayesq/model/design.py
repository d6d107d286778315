"""Which rows of a table a law is fitted to, and the inputs that they give it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bayesq.counted import how_many
from bayesq.errors import BayesqError
from bayesq.law.inputs import Input
from bayesq.law.kind import Kind
from bayesq.law.law import Law, Response
from bayesq.law.parameter import Parameter
from bayesq.law.prior import Prior
from bayesq.model.hierarchy import Pooling
from bayesq.model.reasons import left_out_note, no_partner, trained_narrow, why
from bayesq.notes import Note
from bayesq.runs.runs import Runs
from bayesq.runs.schema import ERROR_OF, FORMAT, FULL_PRECISION_BITS, Row

# Columns whose levels have losses of their own, quantized or not.
ORIGIN = ("study", "corpus")


@dataclass(frozen=True, eq=False)  # as it stands, or another
class Design:
    """Rows and inputs of one fit.

    Parameters
    ----------
    law, response
        What is fitted, and to what.
    runs : Runs
        The rows that are used, and no others.
    index : ndarray of int, shape (rows,)
        Where the rows stood in the table that was given.
    inputs : dict of str to ndarray
        Inputs of the law by symbol, each of shape ``(rows,)``. For the loss of a quantization law
        ``quantized`` is among them, and for kinds of rows the number of each row's kind.
    observed : ndarray of float, shape (rows,)
        Loss or degradation in nats per token.
    pivots : dict of str to float
        Middle of each input, where the terms of the law have their priors.
    kinds : dict of str to list of Kind
        Kinds of rows that have parameters of their own, in the order of their numbers; a row that
        is of no kind has the number after the last.
    notes : tuple of Note
        What was left out or assumed.
    typical : float
        Geometric mean of the measured losses in nats per token, in full precision if any are.
    formats : dict of str to list of str
        Values as text that each column of format and origin has in these rows.
    pooling : Pooling, optional
        The studies, where each has parameters of its own; their numbers are then an input too.
    """

    law: Law
    response: Response
    runs: Runs
    index: np.ndarray
    inputs: dict[str, np.ndarray]
    observed: np.ndarray
    pivots: dict[str, float]
    kinds: dict[str, list[Kind]]
    notes: tuple[Note, ...]
    typical: float
    formats: dict[str, list[str]]
    pooling: Pooling | None = None

    @property
    def levels(self) -> dict[str, list[str]]:
        """Labels of the kinds, by symbol."""
        return {symbol: [kind.label for kind in kinds] for symbol, kinds in self.kinds.items()}

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """Parameters of the law, each asymptote with its prior in nats per token."""
        return tuple(
            replace(p, prior=p.prior.scaled(self.typical))
            if p.asymptote and isinstance(p.prior, Prior)
            else p
            for p in self.law.parameters_of(self.response)
        )

    @property
    def asymptotes(self) -> tuple[str, ...]:
        """Symbols of what the response cannot fall below."""
        return tuple(p.symbol for p in self.parameters if p.asymptote and self.response == "loss")

    @property
    def complete(self) -> bool:
        """Whether the rows have all their columns: not those of a file of an earlier version."""
        return set(Row.model_fields) <= set(self.runs.columns)

    @property
    def errors(self) -> np.ndarray:
        """Standard error of what was measured in each row, nats per token, NaN where not known."""
        found = self.runs.columns.get(ERROR_OF[self.response])
        return np.full(len(self.index), np.nan) if found is None else np.asarray(found)

    @property
    def middles(self) -> dict[str, float]:
        """Pivots under the names that a noise's width may ask for: ``D_middle``."""
        return {f"{symbol}_middle": value for symbol, value in self.pivots.items()}

    @property
    def usual_error(self) -> float:
        """Standard error of a usual row, nats per token; 0 where none is known."""
        known = self.errors[np.isfinite(self.errors)]
        return float(np.median(known)) if len(known) else 0.0

    def keep(self, rows: np.ndarray) -> Design:
        """Keep some of the rows, bool of shape ``(rows,)``; what is told of all of them stays."""
        return replace(
            self,
            runs=self.runs.take(rows),
            index=self.index[rows],
            inputs={symbol: values[rows] for symbol, values in self.inputs.items()},
            observed=self.observed[rows],
        )

    def varying_formats(self) -> dict[str, np.ndarray]:
        """Columns of format and origin that vary in these rows unseen by the law.

        Returns
        -------
        dict of str to ndarray of str
            Each such column's values as text, one a row; empty in the full-precision rows but for
            study and corpus.
        """
        found = {}
        explained = self.law.accounts_for(self.response)
        studies = set(self.pooling.explained) if self.pooling else set()
        flagged = self.law.flagged(self.response)
        for name in (*ORIGIN, *FORMAT):
            rows = _rows_with(self.law, self.runs, name)
            if name in flagged:
                rows = rows & (self.runs.columns[name] < FULL_PRECISION_BITS)
            levels, codes = np.unique(self.runs.columns[name][rows], return_inverse=True)
            if len(levels) > 1 and name not in (explained - flagged) | studies:
                found[name] = np.full(len(self.index), "", dtype=object)
                found[name][rows] = np.array([as_text(v) for v in levels.tolist()], object)[codes]
        return found


def as_text(value: object) -> str:
    """Write a cell the way that levels are told apart: numbers without a trailing zero."""
    if isinstance(value, float):
        return "empty" if np.isnan(value) else f"{value:g}"
    return str(value) or "empty"


def typical_of(runs: Runs) -> float:
    """Geometric mean of measured losses in nats per token, in full precision if any are."""
    loss, full = runs.columns["loss"], ~runs.quantized
    return float(np.exp(np.log(loss[full] if full.any() else loss).mean()))


def formats_of(law: Law, runs: Runs) -> dict[str, list[str]]:
    """Values as text that each column of format and origin has in rows that a law uses."""
    return {
        name: [as_text(v) for v in np.unique(values[_rows_with(law, runs, name)]).tolist()]
        for name, values in runs.columns.items()
        if name in (*ORIGIN, *FORMAT)
    }


def _rows_with(law: Law, runs: Runs, name: str) -> np.ndarray:
    """Rows in which a column of format or origin counts, shape ``(rows,)``."""
    everywhere = name in ORIGIN or law.base is None
    rows = np.full(len(runs), True) if everywhere else runs.quantized
    side, _, part = name.partition("_")
    if side in ("w", "a") and part != "bits":
        # The format of an operand that is not quantized is not a format.
        rows = rows & (runs.columns[f"{side}_bits"] < FULL_PRECISION_BITS)
    return rows


def design(runs: Runs, law: Law, response: str | None = None) -> Design:
    """Choose the rows that `law` speaks of and work out its inputs.

    Raises
    ------
    BayesqError
        If the law cannot be fitted to `response`, the table lacks an input of the law, or fewer
        rows are left than the law has parameters.
    """
    if not isinstance(runs, Runs):
        raise BayesqError(
            f"A {type(runs).__name__} is not a table of runs; read it with bayesq.read_runs(...)."
        )
    checked = law.check_response(response)
    inputs = law.inputs_of(checked)
    # A table need not have tokens; a law that asks for them says so.
    lacking = {"D"} if np.isnan(runs.columns["D"]).all() else set()
    for i in inputs:
        if missing := [c for c in i.columns if c not in runs.columns or c in lacking]:
            raise BayesqError(
                f"{runs.source} has no column for input {i.symbol} of law {law.name}; add "
                f"{', '.join(missing)} to the table, or map the column that holds it with "
                f'columns={{"theirs": "{missing[0]}"}} (on the command line --column '
                f"theirs={missing[0]})."
            )
    for i in inputs:
        if i.derive is None and runs.columns[i.columns[0]].dtype == object:
            raise BayesqError(
                f"{runs.source}, column {i.columns[0]}: holds text, and law {law.name} needs "
                f"numbers for its input {i.symbol}."
            )
    values = {i.symbol: np.asarray(i.values(runs.columns), dtype=float) for i in inputs}
    by_row = {s: levels.kinds(runs.columns) for s, levels in law.levels_of(checked).items()}
    keep, left_out = _rows(runs, law, checked, inputs, values, by_row)
    _refuse_too_few(runs, law, checked, keep, left_out)
    pivots, kept_values = {}, {}
    quantized = runs.quantized[keep]
    for i in inputs:
        kept = values[i.symbol][keep]
        switched = i.format and law.base is not None
        usable = kept[quantized] if switched else kept
        if i.scale == "log" and (usable <= 0).any():
            raise BayesqError(
                f"{runs.source} gives input {i.symbol} of law {law.name} values of 0 or below, "
                "which have no logarithm; give that input scale='linear', or leave the rows out."
            )
        # The middle is that of the rows in which the input does something.
        active = usable if i.neutral is None else usable[usable != i.neutral]
        pivots[i.symbol] = i.pivot(active if len(active) else usable)
        # A full-precision row has no bits or group; its degradation is switched off, so any number
        # will do that does not widen the range of the data.
        kept_values[i.symbol] = np.where(quantized, kept, pivots[i.symbol]) if switched else kept
    if checked == "loss" and law.base is not None:
        kept_values["quantized"] = quantized.astype(float)
        pivots["quantized"] = 1.0
    kinds: dict[str, list[Kind]] = {}
    for name, levels in law.levels_of(checked).items():
        kinds[name] = levels.sort(by_row[name][keep])
        if not kinds[name]:
            raise BayesqError(
                f"{runs.source} has no row of any {name} that law {law.name} can use; add rows "
                f"that differ in {', '.join(levels.columns[:3])}, or choose another law."
            )
        numbers = {kind: i for i, kind in enumerate(kinds[name])}
        found = [numbers.get(kind, len(numbers)) for kind in by_row[name][keep]]
        kept_values[name] = np.array(found)
    used = runs.take(keep)
    loss = used.columns["loss"]
    observed = loss if checked == "loss" else loss - used.columns["loss_full"]
    notes = [left_out_note(reason, rows, runs, law) for reason, rows in left_out.items()]
    if law.stages is not None and (used.columns["stage"][quantized] == "").any():
        assumed = " or ".join(s for s in law.stages)
        notes.append(
            Note(
                "stage-assumed",
                "info",
                f"Column stage is empty; quantized rows are taken as {assumed}.",
                "Write the stage into the table to make this sure.",
            )
        )
    index = np.flatnonzero(keep)
    return Design(
        law,
        checked,
        used,
        index,
        kept_values,
        observed,
        pivots,
        kinds,
        tuple(notes),
        typical_of(used),
        formats_of(law, used),
    )


def _rows(
    runs: Runs,
    law: Law,
    response: Response,
    inputs: tuple[Input, ...],
    values: Mapping[str, np.ndarray],
    kinds: Mapping[str, np.ndarray],
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Tell the usable rows, and list the others by reason, each row under its first reason."""
    stage, quantized = runs.columns["stage"], runs.quantized
    keep = np.ones(len(runs), dtype=bool)
    left_out: dict[str, np.ndarray] = {}

    def drop(unusable: np.ndarray, reason: str) -> None:
        rows = np.flatnonzero(keep & unusable)
        if len(rows):
            left_out[reason] = np.append(left_out.get(reason, rows[:0]), rows)
        keep[unusable] = False

    if law.base is None and law.stages == ("none",):
        drop(quantized, "quantized")
    elif law.base is not None:
        wanted = law.stages or ("train", "post")
        if response == "degradation":
            drop(~quantized, "full precision")
        # Of two stages that a law tells apart, an empty cell names neither.
        blank = ("",) if law.stages is None or len(law.stages) == 1 else ()
        drop(quantized & ~np.isin(stage, (*wanted, *blank)), f"stage is not {' or '.join(wanted)}")
        narrow = trained_narrow(runs, law, law.accounts_for(response))
        drop(narrow, "they were trained in few bits (train_w_bits) before")
    for i in inputs:
        applies = quantized if i.format and law.base is not None else True
        rows = np.flatnonzero(keep & applies & ~np.isfinite(values[i.symbol]))
        reasons = why(runs.columns, i, rows)
        for reason in dict.fromkeys(reasons):
            drop(np.isin(np.arange(len(runs)), rows[reasons == reason]), reason)
    if kinds and law.base is not None:
        nameless = np.all([found == Kind() for found in kinds.values()], axis=0)
        drop(quantized & nameless, f"no column says how, for {' and '.join(kinds)}")
    if response == "degradation":
        alone, reasons = np.isnan(runs.columns["loss_full"]), no_partner(runs)
        for reason in dict.fromkeys(reasons[alone]):
            drop(alone & (reasons == reason), reason)
    return keep, left_out


def _refuse_too_few(
    runs: Runs, law: Law, response: Response, keep: np.ndarray, left_out: dict[str, np.ndarray]
) -> None:
    symbols = [p.symbol for p in law.parameters_of(response)]
    rows = int(keep.sum())
    unquantized = law.base is not None and not (keep & runs.quantized).any()
    if rows >= len(symbols) and not unquantized:
        return
    reasons = "; ".join(f"{len(rows)} left out: {reason}" for reason, rows in left_out.items())
    found = how_many(rows, "row")
    if rows and unquantized:
        found += f", {'not' if rows == 1 else 'none of them'} quantized,"
    raise BayesqError(
        f"{runs.source} has {found} that law {law.name} can use for {response}"
        f"{f' ({reasons})' if reasons else ''}, and the law has "
        f"{how_many(len(symbols), 'parameter')} ({', '.join(symbols)}); add rows or choose a law "
        "that needs less."
    )
