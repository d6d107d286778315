"""Constants as a paper printed them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bayesq.law.kind import Kind


@dataclass(frozen=True)
class Published:
    """One fit of a law in a paper.

    Parameters
    ----------
    label : str
        Which fit: a year, a scheme.
    values : mapping of str to float or mapping
        Constants by symbol, in the units of the law's parameters; for a parameter with one value a
        kind a mapping from the kinds. They then stand here by their labels.
    source : str
        Paper and place.
    errors : mapping of str to float
        Standard errors, where printed.
    formats : mapping of str to tuple of str, optional
        Values as text that columns of format had, where the law does not look at them.
    checked : bool
        Whether the constants were read in the paper itself, not taken from others' transcripts.
    kinds : mapping of str to Kind
        By label; those that `values` were given for come on top.
    """

    label: str
    values: Mapping[str, float | Mapping[Any, float]]
    source: str
    errors: Mapping[str, float] = field(default_factory=dict)
    checked: bool = True
    formats: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kinds: Mapping[str, Kind] = field(default_factory=dict)

    def __post_init__(self) -> None:
        values, kinds = dict(self.values), dict(self.kinds)
        for symbol, value in values.items():
            if isinstance(value, Mapping):
                kinds |= {kind.label: kind for kind in value if isinstance(kind, Kind)}
                values[symbol] = {str(kind): number for kind, number in value.items()}
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "kinds", kinds)
