"""How results look on a terminal, and as JSON."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from bayesq.counted import how_many
from bayesq.intervals import Interval, interval
from bayesq.laid_out import table_lines, wrapped
from bayesq.notes import Note
from bayesq.runs.counts import format_count
from bayesq.terminal import Terminal, printable

if TYPE_CHECKING:
    import pandas as pd

    from bayesq.backtesting.scored import Backtest
    from bayesq.catalogue import Catalogue
    from bayesq.checks.check import Check
    from bayesq.cli.targets import Target
    from bayesq.comparison.comparison import Comparison
    from bayesq.decide.decision import Decision
    from bayesq.planning.suggestions import Suggestions
    from bayesq.posterior.average import Average
    from bayesq.posterior.fit import Fit
    from bayesq.posterior.sensitivity import Sensitivity
    from bayesq.prediction.prediction import Prediction
    from bayesq.reporting.report import Report
    from bayesq.sweeping.swept import Sweep


@dataclass(frozen=True)
class _Table:
    """Cells as text, below the names of their columns."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


type Shown = _Table | Text | Note | pd.DataFrame | str | None

_COLOUR = {"severe": "bold red", "warning": "yellow", "info": "dim"}
_COUNTS = ("N", "D")
_REFUSED = ["table", "law", "option", "message"]
_ROWS = 6  # measured rows that are shown beside a decision
console = Terminal()


def print_json(value: Any) -> None:
    """Print a value as JSON; what is not a number there is null, what is infinite is "inf"."""
    print(json.dumps(_plain(value), indent=2, allow_nan=False))


def print_catalogue(items: Catalogue[Any], columns: Sequence[str]) -> None:
    """Print laws or pools, one a row."""
    rows = ({items.kind: name, **item.summary_row()} for name, item in items.items())
    show(_table([items.kind, *columns], rows))


def print_check(found: Check, as_json: bool) -> None:
    """Print what is in a table, what laws can do with it, and which to try."""
    from bayesq.checks.in_lines import HEADER, fact_cells, law_cells

    told_of = _Table(["", ""], fact_cells(found.facts, _width()))
    shown: list[Shown] = [told_of, *found.notes, ""]
    # Of one law that was asked for all that there is to say is said.
    shown += [note for law in found.laws for note in law.notes if len(found.laws) == 1]
    more = [law.to_dict() | {"refused": law.refused, "notes": law.notes} for law in found.laws]
    told = {"table": found.facts, "notes": found.notes, "laws": more, "advice": found.advice}
    laws = _Table(HEADER, law_cells(found.laws, found.facts["source"], _width()))
    _print(as_json, told, *shown, laws, _title(found.advice))


def print_fit(fit: Fit, prob: float | None, as_json: bool, saved: Target | None = None) -> None:
    """Print a fit: what it is, its parameters, its notes."""
    chosen = interval(prob)
    frame = fit.summary(prob).rename_axis("parameter").reset_index()
    attrs = fit.data.attrs
    facts: dict[str, Any] = {"law": fit.law.name, "response": fit.response}
    facts |= {name: attrs[name] for name in ("source", "rows", "seed", "fingerprint")}
    _print(
        as_json,
        facts | _told_of(chosen) | {"parameters": frame, "notes": fit.notes, **_saved(saved)},
        _title(
            f"{fit.law.name} for {fit.response}: {how_many(attrs['rows'], 'row')} of "
            f"{attrs['source']}"
        ),
        frame,
        _aside(f"{_named(chosen)}s from lower to upper; seed {attrs['seed']}"),
        *fit.notes,
        saved.said if saved else None,
    )


def print_sweep(found: Sweep, as_json: bool, saved: Path | None = None) -> None:
    """Print many fits: how many were made, how each went, why some were not, and notes."""
    frame, parameters = found.to_frame().astype(object), found.parameters()
    refused = frame[frame["message"] != ""]
    lines = [f"{', '.join(names)}: {said}" for *names, said in refused[_REFUSED].to_numpy()]
    facts = {"text": found.text, **_told_of(interval())}
    facts |= {"fits": frame.where(frame.notna(), None), "parameters": parameters}
    _print(
        as_json,
        facts | {"notes": found.notes, "saved": saved},
        _title(found.text),
        frame.drop(columns="message").where(frame.notna(), ""),
        *([_aside("refused:"), *map(Text, lines)] if lines else []),
        parameters,
        _aside(f"{_named(interval())}s from lower to upper"),
        *found.notes,
        f"saved in {saved}" if saved else None,
    )


def print_draws(table: pd.DataFrame, saved: Target, as_json: bool) -> None:
    """Print where draws were written, and what."""
    units = table.attrs["units"]
    told = {"draws": len(table), "units": units, **_saved(saved)}
    named = ", ".join(f"{name} ({unit})" if unit != "1" else name for name, unit in units.items())
    _print(as_json, told, f"{how_many(len(table), 'draw')} of {named}", saved.said)


def print_latex(table: str) -> None:
    """Print a table for a paper, and nothing else."""
    print(table, end="")


def print_average(average: Average, as_json: bool, saved: Target | None = None) -> None:
    """Print an average: what it is, its laws with their weights, its notes."""
    laws = [
        {"name": name, "law": fit.law.name, "weight": average.weights[name], "what": fit.title}
        for name, fit in average.fits.items()
    ]
    told = {"response": average.response, "weights": average.how, "laws": laws}
    _print(
        as_json,
        told | {"notes": average.notes, **_saved(saved)},
        _title(f"{how_many(len(laws), 'law')} for {average.response} by {average.how}"),
        _table(["name", "law", "weight", "what"], laws),
        *average.notes,
        saved.said if saved else None,
    )


def _saved(target: Target | None) -> dict[str, Any]:
    return {"saved": target and target.path, "replaced": bool(target and target.replaced)}


def print_suggestions(found: Suggestions, as_json: bool) -> None:
    """Print which runs to do: the sentence, the candidates in their order, and notes."""
    frame = found.table
    facts = {"text": found.text, "asked": found.asked, "budget": found.budget}
    _print(
        as_json,
        facts | {"runs": frame, "notes": found.notes},
        _title(found.text),
        frame,
        _aside(
            "chosen: the order of the runs to do, 0 for the others; gain: share of the variance "
            "that a run alone takes away; sd_left: standard deviation left, as a share of today's"
        ),
        *found.notes,
    )


def print_sensitivity(sensitivity: Sensitivity, as_json: bool) -> None:
    """Print which parameters depend on which prior: the sentence, the table, notes."""
    frame = sensitivity.to_frame().reset_index()
    _print(
        as_json,
        {"text": sensitivity.text, "parameters": frame, "notes": sensitivity.notes},
        _title(sensitivity.text),
        frame,
        _aside("sensitivities count from 0.05 on"),
        *sensitivity.notes,
    )


def print_prediction(prediction: Prediction, prob: float | None, as_json: bool) -> None:
    """Print predictions, one scenario a row."""
    chosen, frame = interval(prob), prediction.to_frame(prob)
    response, unit = str(prediction.draws.name), prediction.draws.attrs["units"]
    what = "mean of runs" if prediction.kind == "mean" else "a new run"
    facts = {"response": response, "unit": unit, "kind": prediction.kind}
    _print(
        as_json,
        facts | _told_of(chosen) | {"predictions": frame, "notes": prediction.notes},
        _title(f"{response} in {unit}, {what}, {_named(chosen)}"),
        frame,
        *prediction.notes,
    )


def print_backtest(
    result: Backtest, as_json: bool, saved: Path | None = None, rows: Target | None = None
) -> None:
    """Print a backtest: the sentence, the scores by distance from the data, and notes."""
    frame = result.to_frame().reset_index()
    facts = {"title": result.title, "text": result.text, "unit": "nats/token"}
    _print(
        as_json,
        facts
        | {"summary": frame, "rows": result.rows, "notes": result.notes, "saved": saved}
        | ({} if rows is None else {"path": rows.path}),
        _title(result.title),
        Text(result.text),
        frame,
        _aside("means over rows in nats/token; of log_score more is better"),
        *result.notes,
        f"saved in {saved}" if saved else None,
        None if rows is None else f"rows {rows.said}",
    )


def print_comparison(found: Comparison, as_json: bool, saved: Path | None = None) -> None:
    """Print a comparison of laws: the verdict, the table, notes."""
    frame = found.to_frame().reset_index()
    beyond = [c for c in frame.columns if str(c).startswith("outside")]
    outside: list[Shown] = []
    if beyond:
        outside = [_aside("rows outside the data, foretold by fits to the others:")]
        outside += [frame[["law", *beyond]]]
    facts: dict[str, Any] = {"text": found.text, "unit": found.unit}
    facts |= {"outside": found.outside if found.beyond else None}
    _print(
        as_json,
        facts | {"laws": frame, "notes": found.notes, "saved": saved},
        _title(found.text),
        frame.drop(columns=beyond),
        *outside,
        _aside("sums of log predictive densities in nats; more is better"),
        *found.notes,
        f"fits saved in {saved}" if saved else None,
    )


def print_decision(decision: Decision, prob: float | None, as_json: bool) -> None:
    """Print an answer: the sentence, its distribution, what comes near, and notes."""
    chosen, frame = decision.interval_of(prob), decision.to_frame(prob).reset_index()
    near, choices, seen = (
        None if table is None else table.reset_index()
        for table in (decision.near_optimal, decision.choices, decision.evidence)
    )
    shown: list[Shown] = [_title(decision.answer), _counted(frame, decision.units)]
    shown.append(_aside(f"{_named(chosen)}s from lower to upper"))
    if near is not None:
        shown += [_aside("near the best:"), _counted(near, decision.units)]
    # Of a list of options those near the best are shown already.
    if choices is not None and (near is None or list(near) != list(choices)):
        shown += [_aside("choices:"), choices]
    if seen is not None:
        beside = f"measured nearest, beside the curve there ({decision.interval.percent} %):"
        shown += [_aside(beside), seen.head(_ROWS)]
    facts = {"text": decision.text, **_told_of(chosen), "answers": frame, "near_optimal": near}
    facts |= {"choices": choices, "evidence": seen, "notes": decision.notes}
    _print(as_json, facts, *shown, *decision.notes)


def _told_of(chosen: Interval) -> dict[str, Any]:
    """Say which interval it is; of the usual kind nobody needs to be told."""
    told: dict[str, Any] = {"prob": chosen.prob}
    return told if chosen.kind == "eti" else told | {"interval": chosen.what}


def _named(chosen: Interval) -> str:
    return f"{chosen.percent}% {chosen.what}"


def print_report(found: Report, as_json: bool, saved: Target) -> None:
    """Print what a report says first, and where it is."""
    facts = {"text": found.text, **_saved(saved)}
    _print(as_json, facts, *map(_title, found.text.splitlines()), saved.said)


def _print(as_json: bool, facts: Mapping[str, Any], *shown: Shown) -> None:
    """Print a result: its facts as JSON, or what is shown of it, one below the other."""
    if as_json:
        print_json(facts)
    else:
        show(*shown)


def show(*parts: Shown) -> None:
    """Print texts, tables and notes, one below the other; severe notes in colour."""
    width = _width()
    for part in parts:
        if part is None:
            continue
        if isinstance(part, Note | Text | str):
            style = _COLOUR[part.severity] if isinstance(part, Note) else getattr(part, "style", "")
            # The name of a file is not to be broken.
            edge = None if isinstance(part, str) else width
            told = [(line, style) for line in wrapped(printable(str(part)), edge)]
        else:
            table = part if isinstance(part, _Table) else _table(list(part), _records(part))
            cells = [[printable(cell) for cell in row] for row in (table.header, *table.rows)]
            laid = table_lines(cells[0], cells[1:], width)
            told = [(line, "bold" if header else "") for line, header in laid]
        for line, style in told:
            console.print(Text(line, style), soft_wrap=True)


def _width() -> int | None:
    """Cells of a line: those of the terminal, or what COLUMNS says; a pipe has no edge."""
    if sys.stdout.isatty():
        return console.width
    asked = os.environ.get("COLUMNS", "")
    return int(asked) if asked.isdecimal() and int(asked) else None


def _title(text: str) -> Text:
    return Text(text, style="bold")


def _aside(text: str) -> Text:
    return Text(text, style="dim")


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


def _table(header: Sequence[Any], rows: Iterable[Mapping[str, Any]]) -> _Table:
    names = [str(name) for name in header]
    return _Table(names, [[_cell(row[name], name) for name in names] for row in rows])


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
    if isinstance(value, Note):
        return value.to_dict()
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "columns"):
        return _plain(_records(value))
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and math.isinf(value):
        return "inf" if value > 0 else "-inf"  # beyond what was searched, which is an answer
    return None if isinstance(value, float) and math.isnan(value) else value
