"""What a draw of a model tells: arrays by group, name and dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Told:
    """One array that a draw tells.

    Parameters
    ----------
    group : {"posterior", "log_prior", "log_likelihood"}
        Where ArviZ looks for it.
    name : str
        Its name.
    dims : tuple of str
        Its dimensions behind chain and draw.
    shape : tuple of int
        Their sizes in the model, filled up.
    """

    group: str
    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Describe it, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, described: Mapping[str, Any]) -> Told:
        """Make one from what :meth:`to_dict` returned."""
        dims, shape = (tuple(described[name]) for name in ("dims", "shape"))
        return cls(described["group"], described["name"], dims, shape)
