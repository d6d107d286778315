"""Scenarios as people write them, checked like the rows of a table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from bayesq.errors import BayesqError, nearest
from bayesq.law.inputs import Input
from bayesq.law.kind import Kind
from bayesq.law.law import Law, Response
from bayesq.law.levels import Levels
from bayesq.posterior.posterior import Posterior
from bayesq.runs.counts import parse_count
from bayesq.runs.pairing import is_quantized
from bayesq.runs.records import Records, is_missing
from bayesq.runs.schema import BITS, FULL_PRECISION_BITS, REQUIRED, Row
from bayesq.runs.validate import Columns, validate


def read_scenarios(
    scenarios: Mapping[str, Any] | pd.DataFrame,
    fit: Posterior,
    response: Response | None = None,
    free: Collection[str] = (),
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Check scenarios and work out the inputs of a law from them.

    An input may be given by the columns that it is made from, or under its own symbol or alias.

    Parameters
    ----------
    scenarios : mapping or DataFrame
        The scenarios.
    fit : Posterior
        The fit, or the paper's constants, that they are meant for.
    response : {"loss", "degradation"}, optional
        What is to be worked out; by default the response of `fit`.
    free : collection of str
        Symbols of inputs and kinds that are left open.

    Returns
    -------
    frame : DataFrame
        The scenarios as given, with counts such as ``70B`` as numbers.
    inputs : dict of str to ndarray
        Inputs of the law by symbol, each of shape ``(scenarios,)``; for kinds of rows their
        numbers.

    Raises
    ------
    BayesqError
        If a column is unknown, a value is not possible, or an input of the law is missing.
    """
    law = fit.law
    response = fit.response if response is None else response
    law.check_formula()
    frame = _frame(scenarios)
    wanted = law.inputs_of(response)
    kinds = law.levels_of(response)
    direct = direct_names(wanted, kinds)
    from_table = dict.fromkeys([*Row.model_fields, *(c for i in wanted for c in i.columns)])
    known = [*from_table, *(n for n in direct if n not in from_table)]
    for name in frame.columns:
        if name not in known:
            raise BayesqError(f"A scenario has no column {name!r}; {nearest(str(name), known)}.")
    by_name = [n for n in frame.columns if n not in from_table]
    # A symbol goes before an alias, which several inputs may share.
    by_name.sort(key=lambda n: n in direct[n])
    for name in by_name:
        alone = direct[name][0] if len(direct[name]) == 1 else name
        if name != alone and alone in by_name:
            raise BayesqError(f"{name} and {alone} are one input; leave one of them out.")
    given = {symbol: frame[n] for n in by_name for symbol in direct[n]}
    frame = frame.drop(columns=by_name)
    _refuse_twice(frame, wanted, given)
    places = [f"scenario {i + 1}" for i in range(len(frame))]
    _check_stage(frame, law)
    columns = _check(_with_widths(frame) if free else frame, places)
    inputs = {}
    for i in wanted:
        if i.symbol in given:
            inputs[i.symbol] = np.array([_value(i, cell) for cell in given[i.symbol]])
            given[i.symbol] = pd.Series(inputs[i.symbol])
        elif i.symbol not in free:
            inputs[i.symbol] = _from_columns(i, law, frame, columns, places)
    _refuse_nothing_quantized(wanted, inputs, response, set(given))
    for symbol, found in kinds.items():
        asked = given.get(symbol)
        if asked is None and symbol in free:
            continue
        labels = found.label(columns) if asked is None else asked.astype(str).to_numpy()
        inputs[symbol] = _numbers(labels, found, fit.kinds[symbol])
    if response == "loss" and law.base is not None:
        # An input of a format that is given by name is that of a quantized run.
        formats = {*kinds, *(i.symbol for i in wanted if i.format)}
        named = bool(formats & set(given))
        inputs["quantized"] = np.where(named, 1.0, is_quantized(columns).astype(float))
    shown = {name: columns[name] for name in frame.columns if name in columns}
    return pd.DataFrame({**shown, **{s: given[s].to_numpy() for s in given}}), inputs


def _refuse_twice(
    frame: pd.DataFrame, wanted: Sequence[Input], given: Mapping[str, pd.Series]
) -> None:
    """Refuse an input that is given by name and by the columns that it is made from."""
    for i in wanted:
        both = [c for c in (i.accounts_for or i.columns) if c in frame] if i.symbol in given else []
        if both:
            raise BayesqError(
                f"Input {i.symbol} is given by name and by {', '.join(both)}; leave one of them "
                "out."
            )


def _refuse_nothing_quantized(
    wanted: Sequence[Input],
    inputs: Mapping[str, np.ndarray],
    response: Response,
    given: Collection[str],
) -> None:
    """Refuse to call nothing a degradation: a format whose operands are all in full precision.

    `inputs` are by symbol, each of shape ``(scenarios,)``.
    """
    operands = [i for i in wanted if i.neutral is not None]
    spoken = response == "degradation" or any(i.format and i.symbol in given for i in wanted)
    if not (operands and spoken and all(i.symbol in inputs for i in operands)):
        return
    idle = np.all([inputs[i.symbol] == i.neutral for i in operands], axis=0)
    if idle.any():
        raise BayesqError(
            f"Scenario {int(idle.argmax()) + 1} quantizes nothing; say "
            f"{' or '.join(dict.fromkeys(i.columns[0] for i in operands))}."
        )


def _check_stage(frame: pd.DataFrame, law: Law) -> None:
    """Refuse a stage that the law does not speak of, or none where it speaks of two."""
    if law.base is None or law.stages is None:
        return
    valid = " or ".join(law.stages)
    if "stage" in frame:
        spoken = {"none", *law.stages}
        for stage in frame["stage"]:
            if stage in ("train", "post") and stage not in spoken:
                raise BayesqError(f"Law {law.name} is about stage {valid}, not {stage!r}.")
    elif len(law.stages) > 1 and any(c in frame for c in BITS):
        raise BayesqError(
            f"Law {law.name} is about several stages; say stage={valid} of each scenario, or give "
            "its inputs by symbol."
        )


def _with_widths(frame: pd.DataFrame) -> pd.DataFrame:
    """Give operands whose width is looked for some width, so that their groups can be read."""
    for side in "wa":
        formats = [str(c) for c in frame.columns if str(c).startswith(f"{side}_")]
        unsaid = side == "w" and "stage" in frame and not any(c in frame for c in BITS)
        if (formats or unsaid) and f"{side}_bits" not in formats:
            frame = frame.assign(**{f"{side}_bits": FULL_PRECISION_BITS - 1})
    return frame


def direct_names(wanted: Sequence[Input], kinds: Mapping[str, Levels]) -> dict[str, list[str]]:
    """Map what a scenario may call inputs and kinds, beside their columns, to their symbols."""
    names = {i.symbol: [i.symbol] for i in wanted} | {symbol: [symbol] for symbol in kinds}
    for i in wanted:
        if i.alias and i.alias not in names:
            names[i.alias] = [other.symbol for other in wanted if other.alias == i.alias]
    return names


def _from_columns(
    i: Input, law: Law, frame: pd.DataFrame, columns: Columns, places: list[str]
) -> np.ndarray:
    """Work out one input of each scenario from the columns it is made from, shape ``(scenarios,)``.

    `columns` are those of `frame` as a table is read, each of shape ``(scenarios,)``.
    """
    first = i.columns[0]
    # Taken as 16 bits, as in a table, an empty cell would be an answer to no question; but where
    # 16 bits change nothing, what is not mentioned is not quantized.
    field = Row.model_fields.get(first)
    assumed = field is None or field.default is not None or i.derive is None
    empty = [first not in frame or is_missing(cell) for cell in frame.get(first, places)]
    if any(empty) and i.neutral is None and assumed:
        _refuse(places[empty.index(True)], i, law, f"{first} is not given")
    if i.derive is None and columns[first].dtype == object:
        _refuse(places[0], i, law, f"{first} holds text, not numbers")
    values = np.asarray(i.values(columns), dtype=float)
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        _refuse(places[bad[0]], i, law, i.lacking or "a value is missing")
    return values


def _value(i: Input, cell: Any) -> float:
    unit = f" ({i.unit})" if i.unit else ""
    try:
        value = np.nan if isinstance(cell, bool) else float(parse_count(cell))  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise BayesqError(f"Input {i.symbol} is {cell!r}; write a number{unit}.") from error
    if value == -1 and i.per_channel is not None:
        return i.per_channel
    if i.scale == "flag" and value not in (0, 1):
        raise BayesqError(f"Input {i.symbol} is {cell!r}; write 1 or 0.")
    if value == -1 and i.role == "group":
        raise BayesqError(
            f"Input {i.symbol} is -1, one scale a channel; give the number of elements in a row."
        )
    above = i.scale == "log"
    if not np.isfinite(value) or value < 0 or (above and value == 0):
        least = "above 0" if above else "from 0 on"
        raise BayesqError(f"Input {i.symbol} is {cell!r}; write a number {least}{unit}.")
    return value


def _numbers(labels: np.ndarray, found: Levels, known: Sequence[Kind]) -> np.ndarray:
    """Turn labels into numbers, shape ``(scenarios,)``, as a fit has them; none comes last."""
    return np.array(
        [known.index(found.find(label, known)) if label else len(known) for label in labels]
    )


def _refuse(place: str, i: Input, law: Law, why: str) -> NoReturn:
    alias = f"{i.alias}=..., or " if i.alias else ""
    raise BayesqError(
        f"{place.capitalize()} gives no {i.symbol} for law {law.name} ({why}); say {alias}"
        f"{', '.join(i.columns)} as in the table that was fitted."
    )


def _check(frame: pd.DataFrame, places: list[str]) -> Columns:
    """Check scenarios as rows of a table whose losses are not known yet."""
    required = [name for name in REQUIRED if name not in frame.columns]
    # Two equal rows of a table are a mistake, two equal scenarios are not: they are numbered.
    header = (*map(str, frame.columns), *required, "#")
    rows = [
        {str(name): value for name, value in row.items()} | dict.fromkeys((*required, "#"), i)
        for i, row in enumerate(frame.to_dict("records"), start=1)
    ]
    return validate(Records.of_rows("The scenarios", header, rows, places))


def _frame(scenarios: Mapping[str, Any] | pd.DataFrame) -> pd.DataFrame:
    if isinstance(scenarios, pd.DataFrame):
        if not scenarios.columns.is_unique:
            twice = scenarios.columns[scenarios.columns.duplicated()][0]
            raise BayesqError(f"The scenarios have column {twice} twice; drop one of them.")
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
    return (isinstance(value, Sequence) and not isinstance(value, str)) or np.ndim(value) > 0
