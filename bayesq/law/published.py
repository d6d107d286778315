"""Constants as a paper printed them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Published:
    """One fit of a law in a paper.

    Parameters
    ----------
    label : str
        Which fit: a year, a scheme.
    values : mapping of str to float or mapping
        Constants by symbol, in the units of the law's parameters; for a parameter with one value a
        kind a mapping from the kinds' names.
    source : str
        Paper and place.
    errors : mapping of str to float
        Standard errors, where printed.
    formats : mapping of str to tuple of str, optional
        Values as text that columns of format had, where the law does not look at them.
    checked : bool
        Whether the constants were read in the paper itself, not taken from others' transcripts.
    """

    label: str
    values: Mapping[str, float | Mapping[str, float]]
    source: str
    errors: Mapping[str, float] = field(default_factory=dict)
    checked: bool = True
    formats: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
