"""How answers are worded: a distribution as a sentence, numbers as the field writes them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from bayesq.intervals import interval as chosen_interval
from bayesq.intervals import quantiles
from bayesq.notes import Note
from bayesq.runs.counts import format_count

_RARE = 0.05  # a share of draws that no 90 % interval can miss


def interval(
    values: xr.DataArray,
    show: Callable[[float], str] = format_count,
    unit: str = "",
    searched: tuple[float, float] | None = None,
    among: xr.Dataset | xr.DataArray | None = None,
) -> str:
    """Word a distribution: its median and, where it has a width, its interval.

    Draws whose answer lies beyond what was searched are infinite; `searched` words them. `among`
    are all answers of the question, whose intervals are of one kind.
    """
    every = values if among is None else among
    all_ = every.data_vars.values() if isinstance(every, xr.Dataset) else [every]
    chosen, flat = chosen_interval().of_answers(*(v.values for v in all_)), values.values.ravel()
    (middle,), (low, high) = quantiles(flat, [0.5]), map(float, chosen.ends(flat))

    def said(value: float) -> str:
        if searched is not None and value > searched[1]:
            return f"more than {show(searched[1])}"
        # Tokens and sizes below the first that were searched are told as 0.
        if searched is not None and value < searched[0] * (1 - 1e-9):
            return f"less than {show(searched[0])}"
        return show(value) if np.isfinite(value) else "beyond what was searched"

    text = f"{said(middle)} {unit}".rstrip()
    return text if low == high else f"{text} ({chosen.name} {said(low)} to {said(high)})"


def sentence(
    where: str,
    answer: xr.DataArray,
    says: Callable[[str], str],
    never: str,
    show: Callable[[float], str] = format_count,
    unit: str = "",
    searched: tuple[float, float] | None = None,
) -> str:
    """Word a distribution of which some draws may have no answer.

    Parameters
    ----------
    where : str
        The beginning, as :meth:`Question.where` words it.
    answer : xarray.DataArray
        The draws; NaN where there is no answer, infinite where it lies beyond what was searched.
    says : callable
        From the answer in words to what it means.
    never : str
        What the draws without an answer mean.
    show : callable
        How one number is written.
    unit : str
        What it counts.
    searched : tuple of float, optional
        Ends of what was searched.
    """
    without = float((~np.isfinite(answer)).mean())
    if without == 1:
        text = f"{where}{never}."
    elif without >= 0.5:
        rest = says(interval(answer.where(np.isfinite(answer)), show, unit, among=answer))
        text = f"{where}in {share_in_words(without)} of the draws {never}; in the others {rest}."
    else:
        text = where + says(interval(answer, show, unit, searched))
        text += f"; in {share_in_words(without)} of the draws {never}." if without else "."
    return text


def short(value: float) -> str:
    """Write a ratio with three digits."""
    return f"{value:.3g}"


def as_bits(value: float) -> str:
    """Write a number of bits."""
    return f"{value:.2f}"


def capital(text: str) -> str:
    """Begin with a capital."""
    return text[0].upper() + text[1:]


def share_in_words(share: float) -> str:
    """Write a share of draws, never rounding a rest away."""
    if 0.99 < share < 1:
        return "more than 99%"
    return "less than 1%" if 0 < share < 0.01 else f"{share:.0%}"


def searched_note(answer: xr.DataArray, unit: str, low: float, high: float) -> Note | None:
    """Say how far the search for an answer went, where some draws have none."""
    without = float((~np.isfinite(answer)).mean())
    if not without:
        return None
    return Note(
        "no-answer",
        "warning" if without >= _RARE else "info",
        f"Where there is no answer, none was found from {format_count(low)} to "
        f"{format_count(high)} {unit}.",
        "Read it as a bound: further out than was searched, or never.",
    )
