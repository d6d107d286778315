"""How few weighted rows stood for many, in numbers: kept with a fit, and told by a note."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from bayesq.notes import Note

# Rows from which on fewer, weighted ones stand for them.
FEW = 5_000
# This share of the draws must be left by their weights, or cells are made finer.
_GOOD = 0.5
# Above, a few draws have all the weight (Vehtari et al. 2024); below, so few have it.
_WORST_K = 0.7
_LEAST_EFFECTIVE = 0.1
# So many tell the ends of an interval (as the note on effective draws has it).
_ENOUGH = 400
_PREFIX = "coreset_"


def takes_weighted(rows: int, coreset: bool | None, device: str = "cpu") -> bool:
    """Whether weighted rows stand for all of a table: as asked, or by how many they are."""
    return (rows > FEW and device == "cpu") if coreset is None else coreset


def asked_for(attrs: Mapping[Any, Any], rows: int) -> bool | None:
    """Tell what asks for a fit like one at hand; None where nothing need be asked.

    Parameters
    ----------
    attrs : mapping
        Attributes of its data.
    rows : int
        Its rows.
    """
    is_by_weighted = f"{_PREFIX}k" in attrs
    usual = takes_weighted(rows, None, str(attrs.get("device", "cpu")))
    return None if is_by_weighted == usual else is_by_weighted


@dataclass(frozen=True)
class Reduction:
    """How well weighted rows stood for all of a fit.

    Parameters
    ----------
    rows : int
        Rows of the fit.
    weighted : int
        Weighted rows that draws were made with.
    held : int
        Draws that were held against all rows.
    effective : float
        How many of these their weights leave, chain by chain, all draws taken as independent.
    k : float
        Pareto's k of the weights: below 0.5 they have a variance, above 0.7 they are not to be
        relied on.
    all_rows : bool
        Whether they did not, so that all rows were sampled in the end.
    """

    rows: int
    weighted: int
    held: int
    effective: float
    k: float
    all_rows: bool = False

    @property
    def good(self) -> bool:
        """Whether there is no need to make cells finer."""
        return self.k <= _GOOD and self.effective >= _GOOD * self.held

    @property
    def bad(self) -> bool:
        """Whether weights say that the draws are not of this posterior."""
        return not (self.k <= _WORST_K and self.effective >= _LEAST_EFFECTIVE * self.held)

    def better_than(self, other: Reduction) -> bool:
        """Whether its weights are more even."""
        return (not self.bad, self.effective) > (not other.bad, other.effective)

    @property
    def note(self) -> Note:
        """Say so."""
        left = f"their weights leave {self.effective:,.0f} of {self.held:,} draws"
        how_well = f"Pareto k {self.k:.2f}, {left}"
        if self.all_rows:
            return Note(
                "coreset",
                "info",
                f"{self.weighted:,} weighted rows did not stand for all {self.rows:,} "
                f"({how_well}), so that all rows were sampled as they are.",
                "Nothing to mend; coreset=False (on the command line --no-coreset) samples them at "
                "once.",
            )
        done = (
            f"{self.rows:,} rows were fitted as {self.weighted:,} weighted ones and held against "
            f"all rows: {how_well}"
        )
        if self.bad:
            return Note(
                "coreset",
                "severe",
                f"{done}: the weighted rows do not stand for all.",
                "Fit all rows as they are: coreset=False (on the command line --no-coreset); or "
                "fit fewer rows.",
            )
        if not self.good or self.effective < _ENOUGH <= self.held:
            return Note(
                "coreset",
                "warning",
                f"{done}: the ends of intervals are rough.",
                "Ask for more draws; or fit all rows as they are: coreset=False (on the command "
                "line --no-coreset).",
            )
        return Note(
            "coreset",
            "info",
            f"{done}.",
            "Nothing to mend; coreset=False (on the command line --no-coreset) samples all rows as "
            "they are.",
        )

    def to_attributes(self) -> dict[str, Any]:
        """Describe it, for the attributes of a fit's data."""
        told = {f"{_PREFIX}{name}": value for name, value in asdict(self).items()}
        return told | {f"{_PREFIX}all_rows": int(self.all_rows)}  # netCDF knows no truth values

    @classmethod
    def from_attributes(cls, attrs: Mapping[Any, Any]) -> Reduction | None:
        """Make one from the attributes of a fit's data; None where all rows were fitted."""
        if f"{_PREFIX}k" not in attrs:
            return None
        of = {f.name: attrs[f"{_PREFIX}{f.name}"] for f in fields(cls)}
        return cls(
            int(of["rows"]),
            int(of["weighted"]),
            int(of["held"]),
            float(of["effective"]),
            float(of["k"]),
            bool(of["all_rows"]),
        )
