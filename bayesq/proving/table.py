"""Decisions and answers, laid out as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayesq.proving.case import Answer, Case
from bayesq.proving.decision_backtest import WHO

# Shown whether or not they differ between decisions.
_ALWAYS = ("N", "D", "w_bits", "w_group")
# A rise of so many times the spread between seeds is no accident of theirs.
_CLEAR = 2.0


def tabulate(cases: Sequence[Case], answers: Mapping[str, Sequence[Answer]]) -> pd.DataFrame:
    """Lay out what was measured and what was advised, one line a decision.

    Parameters
    ----------
    cases : list of Case
        The decisions.
    answers : dict of str to list of Answer
        Of ``"bayesq"`` and ``"practice"``, one a case.

    Returns
    -------
    DataFrame
        As :class:`bayesq.DecisionBacktest` describes its rows.
    """
    held = pd.DataFrame([case.setting for case in cases])
    shown = [name for name in held if _speaks(str(name), held[name])]
    lines = [_line(case) for case in cases]
    for who, given in answers.items():
        for line, case, answer in zip(lines, cases, given, strict=True):
            line |= {f"{WHO[who]}{k}": v for k, v in _compared(case, answer).items()}
    return pd.concat([held[shown], pd.DataFrame(lines)], axis=1)


def _speaks(name: str, values: pd.Series[Any]) -> bool:
    told = values.notna() & (values != "")
    return bool(told.any() and (name in _ALWAYS or values.nunique(dropna=False) > 1))


def _line(case: Case) -> dict[str, Any]:
    line = {name: getattr(case, name) for name in ("measured", "bound", "edge", "rise", "spread")}
    pinned = not case.bound and case.rise > _CLEAR * np.nan_to_num(case.spread)
    return line | {"pinned": pinned, "left_out": case.left_out}


def _compared(case: Case, answer: Answer) -> dict[str, Any]:
    line = {name: getattr(answer, name) for name in ("median", "lower", "upper")}
    line |= {"in_90": case.holds(answer), "ratio": answer.ratio}
    line |= {"advised": case.advised(answer), "regret": case.regret(answer)}
    return line | ({"set_90": "; ".join(answer.formats)} if answer.formats else {})
