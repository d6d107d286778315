"""How results look on a terminal, and as JSON."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bayesq.notes import Note
from bayesq.runs.counts import format_count

if TYPE_CHECKING:
    import pandas as pd

    from bayesq.backtesting.scored import Backtest
    from bayesq.catalogue import Catalogue
    from bayesq.cli.usable import Check
    from bayesq.comparison.comparison import Comparison
    from bayesq.decide.decision import Decision
    from bayesq.posterior.fit import Fit
    from bayesq.posterior.sensitivity import Sensitivity
    from bayesq.prediction.prediction import Prediction

_COLOUR = {"severe": "bold red", "warning": "yellow", "info": "dim"}
_COUNTS = ("N", "D")
_ROWS = 6  # measured rows that are shown beside a decision
# In a pipe or a file there is no edge to fit. Names of files and columns may hold brackets, which
# must not be taken for markup.
console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 160)


def print_json(value: Any) -> None:
    """Print a value as JSON; what is not a number there is null, what is infinite is "inf"."""
    print(json.dumps(_plain(value), indent=2, allow_nan=False))


def print_catalogue(items: Catalogue[Any], columns: Iterable[str] | None = None) -> None:
    """Print laws or pools, one a row."""
    rows = {name: item.summary_row() for name, item in items.items()}
    shown = list(columns or next(iter(rows.values())))
    table = _table(items.kind, *shown)
    for name, row in rows.items():
        table.add_row(name, *(_cell(row[column], column) for column in shown))
    console.print(table)


def print_check(check: Check, as_json: bool) -> None:
    """Print what is in a table and what laws can do with it."""
    if as_json:
        print_json(check.to_dict())
        return
    facts = Table.grid(padding=(0, 2))
    for name, value in check.facts.items():
        facts.add_row(name, Text(str(value)))
    console.print(facts)
    for law in check.laws:
        console.print()
        if law.refused:
            console.print(Text(f"{law.law}: cannot be fitted. {law.refused}", style="dim"))
        else:
            console.print(Text(f"{law.law}: {law.rows} rows for {law.response}", style="bold"))
            print_notes(law.notes)


def print_fit(fit: Fit, prob: float, as_json: bool, saved: Path | None = None) -> None:
    """Print a fit: what it is, its parameters, its notes."""
    summary = fit.summary(prob)
    attrs = fit.data.attrs
    if as_json:
        print_json(
            {
                "law": fit.law.name,
                "response": fit.response,
                "source": attrs["source"],
                "rows": attrs["rows"],
                "seed": attrs["seed"],
                "fingerprint": attrs["fingerprint"],
                "prob": prob,
                "parameters": _records(summary.rename_axis("parameter").reset_index()),
                "notes": [note.to_dict() for note in fit.notes],
                "saved": str(saved) if saved else None,
            }
        )
        return
    console.print(
        Text(f"{fit.law.name} for {fit.response}: {attrs['rows']} rows of {attrs['source']}"),
        style="bold",
    )
    print_frame(summary.rename_axis("parameter").reset_index())
    console.print(f"{prob:.0%} intervals from lower to upper; seed {attrs['seed']}", style="dim")
    print_notes(fit.notes)
    if saved:
        console.print(f"saved to {saved}", soft_wrap=True)


def print_sensitivity(sensitivity: Sensitivity, as_json: bool) -> None:
    """Print which parameters depend on which prior: the sentence, the table, notes."""
    frame = sensitivity.to_frame().reset_index()
    if as_json:
        print_json(
            {
                "text": sensitivity.text,
                "parameters": _records(frame),
                "notes": [note.to_dict() for note in sensitivity.notes],
            }
        )
        return
    console.print(Text(sensitivity.text, style="bold"))
    print_frame(frame)
    console.print("sensitivities count from 0.05 on", style="dim")
    print_notes(sensitivity.notes)


def print_prediction(prediction: Prediction, prob: float, as_json: bool) -> None:
    """Print predictions, one scenario a row."""
    frame = prediction.to_frame(prob)
    if as_json:
        print_json(
            {
                "response": str(prediction.draws.name),
                "unit": prediction.draws.attrs["units"],
                "kind": prediction.kind,
                "prob": prob,
                "predictions": _records(frame),
                "notes": [note.to_dict() for note in prediction.notes],
            }
        )
        return
    what = "mean of runs" if prediction.kind == "mean" else "a new run"
    console.print(
        f"{prediction.draws.name} in {prediction.draws.attrs['units']}, {what}, "
        f"{prob:.0%} interval",
        style="bold",
    )
    print_frame(frame)
    print_notes(prediction.notes)


def print_backtest(result: Backtest, as_json: bool, saved: Path | None = None) -> None:
    """Print a backtest: the sentence, the scores by distance from the data, and notes."""
    frame = result.to_frame().reset_index()
    if as_json:
        print_json(
            {
                "title": result.title,
                "text": result.text,
                "unit": "nats/token",
                "summary": _records(frame),
                "rows": _records(result.rows),
                "notes": [note.to_dict() for note in result.notes],
                "saved": str(saved) if saved else None,
            }
        )
        return
    console.print(Text(result.title, style="bold"))
    console.print(Text(result.text))
    print_frame(frame)
    console.print("means over rows in nats/token; of log_score more is better", style="dim")
    print_notes(result.notes)
    if saved:
        console.print(f"saved in {saved}", soft_wrap=True)


def print_comparison(found: Comparison, as_json: bool, saved: Path | None = None) -> None:
    """Print a comparison of laws: the verdict, the table, notes."""
    frame = found.to_frame().reset_index()
    if as_json:
        print_json(
            {
                "text": found.text,
                "unit": found.unit,
                "outside": found.outside if found.beyond else None,
                "laws": _records(frame),
                "notes": [note.to_dict() for note in found.notes],
                "saved": str(saved) if saved else None,
            }
        )
        return
    console.print(Text(found.text, style="bold"))
    outside = [c for c in frame.columns if str(c).startswith("outside")]
    print_frame(frame.drop(columns=outside))
    if outside:
        console.print("rows outside the data, foretold by fits to the others:", style="dim")
        print_frame(frame[["law", *outside]])
    console.print("sums of log predictive densities in nats; more is better", style="dim")
    print_notes(found.notes)
    if saved:
        console.print(f"fits saved in {saved}", soft_wrap=True)


def print_decision(decision: Decision, prob: float, as_json: bool) -> None:
    """Print an answer: the sentence, its distribution, what comes near, and notes."""
    frame = decision.to_frame(prob).reset_index()
    near, choices, seen = decision.near_optimal, decision.choices, decision.evidence
    if as_json:
        print_json(
            {
                "text": decision.text,
                "prob": prob,
                "answers": _records(frame),
                "near_optimal": None if near is None else _records(near.reset_index()),
                "choices": None if choices is None else _records(choices.reset_index()),
                "evidence": None if seen is None else _records(seen.reset_index()),
                "notes": [note.to_dict() for note in decision.notes],
            }
        )
        return
    console.print(Text(decision.answer, style="bold"))
    print_frame(_counted(frame, decision.units))
    console.print(f"{prob:.0%} intervals from lower to upper", style="dim")
    if near is not None:
        console.print("near the best:", style="dim")
        print_frame(_counted(near.reset_index(), decision.units))
    # Of a list of options those near the best are shown already.
    if choices is not None and (near is None or list(near) != list(choices)):
        console.print("choices:", style="dim")
        print_frame(choices.reset_index())
    if seen is not None:
        console.print("measured nearest, beside the curve there (90 %):", style="dim")
        print_frame(seen.head(_ROWS).reset_index())
    print_notes(decision.notes)


def _counted(frame: pd.DataFrame, units: Mapping[str, str]) -> pd.DataFrame:
    """Write answers that are counts the way the field does: 27.3T."""
    shown = frame.astype(object)
    counted = [
        units.get(str(v).split(" ")[0]) in ("tokens", "parameters") for v in frame.iloc[:, 0]
    ]
    for name in frame.columns.intersection(["median", "mean", "lower", "upper"]):
        cells = zip(frame[name], counted, frame[name].notna(), strict=True)
        shown[name] = [format_count(v) if count and known else v for v, count, known in cells]
    return shown


def print_frame(frame: pd.DataFrame) -> None:
    """Print a data frame as a table."""
    table = _table(*map(str, frame.columns))
    for row in frame.to_dict("records"):
        table.add_row(*(_cell(value, str(name)) for name, value in row.items()))
    console.print(table)


def print_notes(notes: Iterable[Note]) -> None:
    """Print notes, the severe ones in colour."""
    for note in notes:
        console.print(Text(str(note), style=_COLOUR[note.severity]))


def _table(first: str, *rest: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(first, no_wrap=True)
    for name in rest:
        table.add_column(name, overflow="fold")  # an ellipsis would hide digits
    return table


def _cell(value: Any, column: str) -> str:
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        if column in _COUNTS:
            return format_count(value)
        if column.startswith("ess"):
            return f"{value:.0f}"
        return f"{value:.3f}" if column == "r_hat" else f"{value:.4g}"
    return str(value)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    """Replace what JSON has no word for."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and math.isinf(value):
        return "inf" if value > 0 else "-inf"  # beyond what was searched, which is an answer
    return None if isinstance(value, float) and math.isnan(value) else value
