"""Scenarios as people write them, checked like the rows of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bayesq.errors import BayesqError, nearest
from bayesq.law.law import Law, Response
from bayesq.runs.pairing import is_quantized
from bayesq.runs.records import Records
from bayesq.runs.schema import REQUIRED, Row
from bayesq.runs.validate import Columns, validate


def read_scenarios(
    scenarios: Mapping[str, Any] | pd.DataFrame, law: Law, response: Response
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Check scenarios and work out the inputs of a law from them.

    Returns
    -------
    frame : DataFrame
        The scenarios as given, with counts such as ``70B`` as numbers.
    inputs : dict of str to ndarray
        Inputs of the law by symbol, each of shape ``(scenarios,)``.

    Raises
    ------
    BayesqError
        If a column is unknown, a value is not possible, or an input of the law is missing.
    """
    frame = _frame(scenarios)
    wanted = law.inputs_of(response)
    known = dict.fromkeys([*Row.model_fields, *(c for i in wanted for c in i.columns)])
    for name in frame.columns:
        if name not in known:
            raise BayesqError(f"A scenario has no column {name!r}; {nearest(str(name), known)}.")
    places = [f"scenario {i + 1}" for i in range(len(frame))]
    columns = _check(frame, places)
    inputs = {}
    for i in wanted:
        missing = [c for c in i.columns[:1] if c not in frame.columns]
        values = np.full(len(frame), np.nan) if missing else i.values(columns)
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            why = f"no column {missing[0]}" if missing else i.lacking or "a value is missing"
            raise BayesqError(
                f"{places[bad[0]].capitalize()} gives no {i.symbol} for law {law.name} ({why}); "
                f"say {', '.join(c for c in i.columns)} as in the table that was fitted."
            )
        inputs[i.symbol] = np.asarray(values, dtype=float)
    if response == "loss" and law.base is not None:
        inputs["quantized"] = is_quantized(columns).astype(float)
    given = {name: columns[name] for name in frame.columns if name in columns}
    return pd.DataFrame(given), inputs


def _check(frame: pd.DataFrame, places: list[str]) -> Columns:
    """Check scenarios as rows of a table whose losses are not known yet."""
    required = [name for name in REQUIRED if name not in frame.columns]
    header = (*map(str, frame.columns), *required)
    rows = [
        # What stands in for a loss differs from row to row: two equal scenarios are no mistake.
        {str(name): value for name, value in row.items()} | dict.fromkeys(required, i)
        for i, row in enumerate(frame.to_dict("records"), start=1)
    ]
    return validate(Records("The scenarios", header, rows, places))


def _frame(scenarios: Mapping[str, Any] | pd.DataFrame) -> pd.DataFrame:
    if isinstance(scenarios, pd.DataFrame):
        frame = scenarios.reset_index(drop=True)
    elif isinstance(scenarios, Mapping):
        lists = {k: list(v) if _is_list(v) else None for k, v in scenarios.items()}
        lengths = {k: len(v) for k, v in lists.items() if v is not None}
        if len(set(lengths.values())) > 1:
            raise BayesqError(
                "The lists of a scenario differ in length "
                f"({', '.join(f'{k} {n}' for k, n in lengths.items())}); give one value for all or "
                "one a scenario."
            )
        size = next(iter(lengths.values()), 1)
        frame = pd.DataFrame(
            {k: lists[k] if lists[k] is not None else [v] * size for k, v in scenarios.items()}
        )
    else:
        raise BayesqError(
            f"A {type(scenarios).__name__} is not a scenario; pass a mapping such as "
            '{"N": "70B", "D": "15T"} or a data frame.'
        )
    if frame.empty:
        raise BayesqError(
            'There is no scenario; pass at least one, such as {"N": "70B", "D": "15T"}.'
        )
    return frame


def _is_list(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, str)
