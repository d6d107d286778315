"""The results in words: a reading, the means of each kind of decision, and every entry."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from writing import markdown

# Whose columns begin how.
WHO = {"bayesq": "", "practice": "practice_"}
FAMILIES = {
    "tokens": "critical tokens",
    "bits": "fewest bits",
    "memory": "bits at a memory",
    "format": "best format",
    "size": "compute-optimal size",
}
PLACES = ("inside", "outside")


def sections(rows: pd.DataFrame) -> list[str]:
    """Word the results, in Markdown.

    Parameters
    ----------
    rows : pandas.DataFrame
        One line a decision: entry, split, family, and the columns of a
        :class:`bayesq.DecisionBacktest`.
    """
    rows = rows.assign(bound=rows["bound"].fillna(""))
    columns = ("decisions", "cover 90", "pinned", "cover 90", "ratio", "regret")
    bounds = ("bounds", "consistent")
    return [
        *(reading(rows, place) for place in PLACES if len(_at(rows, place))),
        "### Kinds of decision",
        markdown(("decision", "rows", *columns, *bounds), _family_lines(rows)),
        "### Every entry",
        markdown(("entry", "split", *columns, *bounds), _entry_lines(rows)),
    ]


def reading(rows: pd.DataFrame, place: str) -> str:
    """Say what the decisions inside, or outside, of what the fits saw come to."""
    seen = "the rows decided about were fitted" if place == "inside" else "they were not"
    some = _at(rows, place)
    words = [f"**{place.capitalize()}**, where {seen}."]
    for family, name in FAMILIES.items():
        part = some[some["family"] == family]
        told, bound = part[part["bound"] == ""], part[part["bound"] != ""]
        if len(told):
            held = " and ".join(f"{_held(told, who)} with {who}" for who in WHO)
            cost = " against ".join(_number(_regret(told, who)) for who in WHO)
            wide = " against ".join(_number(_ratio(told, who)) for who in WHO)
            what = "formats in the set" if family == "format" else "upper over lower end"
            words.append(
                f"Of {_many(told, 'answer')} of {name}, 90 % intervals hold {held} "
                f"({_verdict(told)}; median {what} {wide}); following the advice costs {cost} nats "
                "a token on average."
            )
        if len(bound):
            held = " and ".join(f"{_held(bound, who)} with {who}" for who in WHO)
            words.append(f"With {_many(bound, 'bound')} of {name}, {held} are consistent.")
    return " ".join(words)


def _many(rows: pd.DataFrame, what: str) -> str:
    return f"{len(rows)} {what}{'' if len(rows) == 1 else 's'}"


def _verdict(told: pd.DataFrame) -> str:
    """Compare bayesq's share with what right intervals would hold by chance."""
    from scipy.stats import binom

    count, held = len(told), _held(told, "bayesq")
    low, high = (int(n) for n in binom.ppf([0.025, 0.975], count, 0.9))
    return (
        f"right ones would hold {low} to {high}{'' if held >= low else ', so these are too sure'}"
    )


def _family_lines(rows: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    for place in PLACES:
        for family, name in FAMILIES.items():
            part = _at(rows[rows["family"] == family], place)
            if len(part):
                yield name, place, *_cells(part)


def _entry_lines(rows: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    for (entry, split), part in rows.groupby(["entry", "split"], sort=False):
        yield str(entry), str(split), *_cells(part)


def _cells(part: pd.DataFrame) -> tuple[str, ...]:
    told, bound = part[part["bound"] == ""], part[part["bound"] != ""]
    pinned = told[told["pinned"].astype(bool)]
    return (
        str(len(told)),
        _pair([_share(told, who) for who in WHO], ".2f"),
        str(len(pinned)),
        _pair([_share(pinned, who) for who in WHO], ".2f"),
        _pair([_ratio(told, who) for who in WHO], ".3g"),
        _pair([_regret(told, who) for who in WHO], ".2g"),
        str(len(bound)),
        _pair([_share(bound, who) for who in WHO], ".2f"),
    )


def _at(rows: pd.DataFrame, place: str) -> pd.DataFrame:
    inside = rows["split"] == "inside"
    return rows[inside if place == "inside" else ~inside]


def _held(rows: pd.DataFrame, who: str) -> int:
    return int(rows[f"{WHO[who]}in_90"].astype(bool).sum())


def _share(rows: pd.DataFrame, who: str) -> float:
    return _held(rows, who) / len(rows) if len(rows) else np.nan


def _ratio(rows: pd.DataFrame, who: str) -> float:
    values = rows[f"{WHO[who]}ratio"].dropna()
    # Some may be infinite, and no mean of such.
    return float(np.quantile(values, 0.5, method="inverted_cdf")) if len(values) else np.nan


def _regret(rows: pd.DataFrame, who: str) -> float:
    return float(rows[f"{WHO[who]}regret"].mean()) if len(rows) else np.nan


def _pair(values: list[float], form: str) -> str:
    return "" if all(np.isnan(v) for v in values) else " / ".join(format(v, form) for v in values)


def _number(value: float) -> str:
    return f"{value:.2g}"
