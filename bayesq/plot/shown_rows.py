"""The rows of a fit as figures show them: inputs, kinds and studies by number, what was measured.

A row in full precision has no format: its bits are NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from bayesq.errors import BayesqError, nearest
from bayesq.law.inputs import Input
from bayesq.plot.axes import Kinds, shown
from bayesq.plot.colours import levels_of
from bayesq.posterior.fitted import Fitted
from bayesq.runs.counts import parse_count

MEASURED, PLACE = "measured", "place"
_NEAR = 0.01  # of the value held
# Of more rows some are drawn, the same each time: more dots are a blot, and take minutes.
_MANY, _DRAWN = 20_000, 5_000


def check_fitted(fit: object, what: str) -> None:
    """Refuse what has no rows of its own to draw.

    Raises
    ------
    BayesqError
        If `fit` is not a fit or one study of it.
    """
    if not isinstance(fit, Fitted):
        raise BayesqError(
            f"{what} draws the rows of a fit, and a {type(fit).__name__} has none; pass one that "
            "bayesq.fit or bayesq.load_fit gave."
        )
    fit.law.check_formula()


def inputs_of(fit: Fitted) -> dict[str, Input]:
    """List the inputs of the law, with kinds of rows and studies as if they were inputs."""
    inputs = {i.symbol: i for i in fit.law.inputs_of(fit.response)}
    for symbol, found in fit.law.levels_of(fit.response).items():
        labels = tuple(fit.levels[symbol])
        inputs[symbol] = Kinds(symbol, found.columns, scale="flag", format=True, labels=labels)
    if fit.pooling is not None:
        by = fit.pooling.by
        inputs[by] = Kinds(by, (by,), scale="flag", labels=tuple(fit.pooling.names))
    return inputs


def check_input(fit: Fitted, inputs: Mapping[str, Input], symbol: str) -> None:
    """Refuse a symbol that is no input."""
    if symbol not in inputs:
        raise BayesqError(f"Law {fit.law.name} has no input {symbol!r}; {nearest(symbol, inputs)}.")


def held_at(
    fit: Fitted, inputs: Mapping[str, Input], at: Mapping[str, float | str] | None
) -> dict[str, float]:
    """Read inputs that are held at one value; kinds and studies become their numbers."""
    held = {}
    for symbol, value in (at or {}).items():
        check_input(fit, inputs, symbol)
        held[symbol] = _value(fit, inputs[symbol], value)
    return held


def _value(fit: Fitted, source: Input, value: float | str) -> float:
    kinds = fit.law.levels_of(fit.response)
    if source.symbol in kinds:
        known = fit.kinds[source.symbol]
        return float(known.index(kinds[source.symbol].find(str(value), known)))
    if isinstance(source, Kinds):
        if str(value) not in source.labels:
            raise BayesqError(
                f"There is no {source.symbol} {value!r}; {nearest(str(value), source.labels)}."
            )
        return float(source.labels.index(str(value)))
    try:
        return float(parse_count(value))  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise BayesqError(
            f"{source.symbol} is held at {value!r}; write a number such as 7.1M."
        ) from error


def measured_rows(fit: Fitted, inputs: Mapping[str, Input]) -> pd.DataFrame:
    """Take inputs and measured values, one row each.

    Returns
    -------
    DataFrame
        A column for each input by symbol, NaN where a row has none; ``measured``, nats per token;
        and ``place``, the number of the row in the design.
    """
    design = fit.specification.design
    known: dict[str, Any] = dict(design.inputs)
    if fit.pooling is not None:
        names = design.runs.columns[fit.pooling.by].astype(str)
        known[fit.pooling.by] = np.array([fit.pooling.names.index(n) for n in names])
    rows = pd.DataFrame({s: np.asarray(known[s], dtype=float) for s in inputs})
    rows[MEASURED], rows[PLACE] = design.observed, np.arange(len(design.observed))
    if "quantized" in design.inputs:
        full = design.inputs["quantized"] == 0
        formats = [s for s, i in inputs.items() if i.format]
        rows.loc[full, formats] = np.nan
        # A law without bits among its inputs has no curve for the rows in full precision.
        rows = rows if formats else rows[~full]
    for symbol, source in inputs.items():
        if isinstance(source, Kinds):
            # The number after the last stands for none.
            rows.loc[rows[symbol] >= len(source.labels), symbol] = np.nan
    return rows


def some_of(count: int) -> np.ndarray:
    """Choose the rows that a figure draws, by place: all, or of very many some."""
    if count <= _MANY:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, _DRAWN, replace=False))


def some_in_words(count: int) -> str:
    """Say that not all rows are drawn; empty where they are."""
    drawn = len(some_of(count))
    return f" {drawn:,} of {count:,} rows are drawn." if drawn < count else ""


def joined(rows: pd.DataFrame, sources: Iterable[Input]) -> pd.DataFrame:
    """Take numbers that lie within 1 % of each other as one level, that of their median."""
    rows = rows.copy()
    for source in sources:
        if isinstance(source, Kinds) or source.format or source.scale != "log":
            continue
        values = rows[source.symbol].to_numpy(float, copy=True)
        known = np.unique(values[np.isfinite(values)])
        # A level begins where the step from its first value is too wide.
        first, group = -np.inf, {}
        for value in known:
            if value > first * (1 + _NEAR) or first <= 0:
                first = value
            group[value] = first
        starts = np.array([group.get(value, np.nan) for value in values])
        if len(set(group.values())) < len(known):
            for start in np.unique(starts[np.isfinite(starts)]):
                values[starts == start] = np.median(values[starts == start])
            rows[source.symbol] = values
    return rows


def rows_at(
    rows: pd.DataFrame, inputs: Mapping[str, Input], held: Mapping[str, float]
) -> pd.DataFrame:
    """Keep the rows that were measured where inputs are held.

    Raises
    ------
    BayesqError
        If there are none.
    """
    for symbol, value in held.items():
        near = np.isclose(rows[symbol], value, rtol=_NEAR, atol=0)
        if not near.any():
            levels = ", ".join(shown(inputs[symbol], v) for v in levels_of(rows[symbol])[:8])
            raise BayesqError(
                f"No row was measured at {symbol} {shown(inputs[symbol], value)}; "
                f"the data have {levels}."
            )
        rows = rows[near]
    return rows
