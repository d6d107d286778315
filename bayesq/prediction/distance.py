"""How far outside the data a scenario lies, as numbers and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayesq.checks.schedules import beyond_schedule
from bayesq.law.law import Law
from bayesq.notes import Note
from bayesq.posterior.posterior import Posterior
from bayesq.prediction.cloud import apart
from bayesq.runs.counts import format_count

# Beyond this factor an interval from inside the data is a guess about the law, not about numbers.
_FAR = 10.0
# Ranges are shown with three digits, and an end typed from there is inside.
_ROUNDING = 1.005
# A row left out of the middle of a table lies less than this outside the others, mostly.
_CORNER = 1.5
COMPUTE, TOGETHER = "compute", "together"
_NAMES = {COMPUTE: "compute 6ND"}


def distances(
    inputs: Mapping[str, np.ndarray], ranges: Mapping[str, tuple[float, float]]
) -> pd.DataFrame:
    """Work out the factor by which each input lies outside its range in the data, 1 inside.

    Where an input is not positive there is no factor; then it is 1 and the overshoot in units of
    the range.

    Parameters
    ----------
    inputs : mapping of str to ndarray
        By symbol, each of shape ``(scenarios,)`` or a number.
    ranges : mapping of str to (float, float)
        The smallest and the largest in the data.

    Returns
    -------
    DataFrame
        One row a scenario, one column an input.
    """
    table = {}
    for symbol, (low, high) in ranges.items():
        if symbol not in inputs:
            continue
        values = np.asarray(inputs[symbol], dtype=float)
        over = np.maximum(0.0, np.maximum(values - high, low - values))
        table[symbol] = 1 + over / ((high - low) or abs(high) or 1.0)
        factor = (values > 0) & (low > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.maximum(1.0, np.maximum(values / high, low / values))
        table[symbol] = np.where(factor, ratio, table[symbol])
    return pd.DataFrame(table, index=range(max(map(np.size, inputs.values()), default=1)))


def inside(
    inputs: Mapping[str, np.ndarray], law: Law, ranges: Mapping[str, tuple[float, float]]
) -> dict[str, np.ndarray]:
    """Put what has no range to be outside of inside it.

    These are the formats of a scenario in full precision, formats that change nothing, and inputs
    that were only ever seen where they change nothing, of which another note speaks.

    Parameters
    ----------
    inputs : mapping of str to ndarray
        By symbol, each of shape ``(scenarios,)`` or a number.

    Returns
    -------
    dict of str to ndarray
        The same, of the same shapes.
    """
    idle = _idle(inputs, law, ranges)
    return {s: np.where(idle[s], ranges[s][0], v) if s in idle else v for s, v in inputs.items()}


def _idle(
    inputs: Mapping[str, np.ndarray], law: Law, ranges: Mapping[str, tuple[float, float]]
) -> dict[str, np.ndarray]:
    """Tell where a format has no range to be outside of."""
    quantized = inputs.get("quantized", np.array(1.0))
    found = {}
    for i in law.inputs_of("loss"):
        if i.format and i.symbol in inputs and i.symbol in ranges:
            low, high = ranges[i.symbol]
            neutral = inputs[i.symbol] == i.neutral
            found[i.symbol] = (quantized != 1) | neutral | (low == high == i.neutral)
    return found


def far(fit: Posterior, inputs: Mapping[str, np.ndarray]) -> Far:
    """Work out how far outside the rows of a fit scenarios lie. Predictions and decisions ask this.

    Parameters
    ----------
    fit : Posterior
        A fit, or a paper's constants, of which only ranges are known.
    inputs : mapping of str to ndarray
        By symbol, each of shape ``(scenarios,)`` or a number.
    """
    ranges = dict(fit.observed_range)
    table = distances(inside(inputs, fit.law, ranges), ranges)
    idle = _idle(inputs, fit.law, ranges)
    points = {
        s: np.broadcast_to(np.where(idle.get(s, False), np.nan, v), len(table)).astype(float)
        for s, v in inputs.items()
        if s in ranges
    }
    together = table.max(axis=1).fillna(1.0).to_numpy(float)
    corners = [""] * len(table)
    for cloud in fit.clouds:
        found = apart(points, cloud)
        if found.compute is not None and found.spent is not None:
            before = table.get(COMPUTE, 1.0)
            table[COMPUTE] = np.maximum(before, found.compute)
            low, high = ranges.get(COMPUTE, found.spent)
            ranges[COMPUTE] = (max(low, found.spent[0]), min(high, found.spent[1]))
        more = found.factor > together * (1 + 1e-9)
        corners = [
            new if is_more else old
            for is_more, new, old in zip(more, found.corner, corners, strict=True)
        ]
        together = np.maximum(together, found.factor)
    table[TOGETHER] = together
    return Far(table, ranges, corners, beyond_schedule(fit.notes, fit.response))


@dataclass(frozen=True, eq=False)
class Far:
    """How far outside the rows scenarios lie. Made by :func:`far`.

    Parameters
    ----------
    table : pandas.DataFrame
        Factors, 1 inside; one row a scenario. A column for each input, ``compute`` for 6 N D where
        rows have both, and ``together``, the one number that orders scenarios.
    ranges : dict of str to (float, float)
        The smallest and the largest of each in the data.
    corners : list of str
        Which way each lies out where no column but the last says so.
    schedule : tuple of Note
        What is to be said of a scenario whose D lies outside.
    """

    table: pd.DataFrame
    ranges: Mapping[str, tuple[float, float]]
    corners: list[str]
    schedule: tuple[Note, ...] = ()

    @property
    def outside(self) -> np.ndarray:
        """Whether a note says of each scenario that it lies outside, shape ``(scenarios,)``."""
        alone = self.table.drop(columns=TOGETHER)
        far_off = (alone > _ROUNDING).any(axis=1) | (self.table[TOGETHER] > _CORNER)
        return far_off.to_numpy(bool)

    def notes(self, scenario: int, what: str, covered: bool = False) -> list[Note]:
        """Say in words what it means that one scenario lies outside the data, if it does.

        Parameters
        ----------
        scenario : int
            Which.
        what : str
            How it is called.
        covered : bool
            Whether the interval includes the law being wrong out there.
        """
        outside = self._note(scenario, what, covered)
        beyond = "D" in self.table and self.table["D"].iloc[scenario] > _ROUNDING
        return [*([] if outside is None else [outside]), *(self.schedule if beyond else ())]

    def _note(self, scenario: int, what: str, covered: bool) -> Note | None:
        """Say in words how far outside the data one scenario lies; None if it lies inside."""
        distance = self.table.iloc[scenario]
        together = distance[TOGETHER]
        alone = distance.drop(TOGETHER)
        outside = alone[alone > _ROUNDING]
        single = alone.drop(COMPUTE, errors="ignore").max()
        # Of one size, compute lies outside as tokens do.
        if outside.get(COMPUTE, np.inf) <= _ROUNDING * single:
            outside = outside.drop(COMPUTE)
        if outside.empty and together <= _CORNER:
            return None
        shown = [
            f"{in_words(factor)} in {_NAMES.get(str(symbol), symbol)} "
            f"(the data have {_range(str(symbol), self.ranges[str(symbol)])})"
            for symbol, factor in outside.items()
        ]
        if together > _CORNER * max(1.0, alone.max()):
            shown.append(
                f"{in_words(together)} from any rows with {self.corners[scenario]}"
                f"{'' if shown else ', an empty corner of their ranges'}"
            )
        alike = [s for s in outside.index if s != COMPUTE and np.ptp(self.ranges[str(s)]) == 0]
        return Note(
            "extrapolation",
            "severe" if single > _FAR or together > _FAR**2 or alike else "warning",
            f"{what} lies outside the data: {', '.join(shown[:-1])}"
            f"{' and ' if len(shown) > 1 else ''}{shown[-1]}.",
            "The interval includes the law being wrong out there, as wrong as laws were on other "
            "pools; add runs nearer to it to narrow it."
            if covered
            else "The interval does not include the law being wrong out there; add runs nearer to "
            "it, or treat the number as a guess.",
        )


def in_words(factor: float) -> str:
    """Write a factor with two digits: ``318`` as "about 320 times"."""
    if factor >= 1e4:
        return f"about {format_count(float(f'{factor:.1e}'))} times"
    if factor >= 10:
        return f"about {int(float(f'{factor:.1e}')):,} times"
    return f"{factor:.2g} times" if factor >= 1.05 else f"{factor:.3g} times"


def _range(symbol: str, limits: tuple[float, float]) -> str:
    # Operations are not counted in thousands to trillions.
    ends = [f"{end:.3g}" if symbol == COMPUTE else format_count(end) for end in limits]
    return f"{ends[0]} alone" if ends[0] == ends[1] else " to ".join(ends)
