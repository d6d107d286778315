"""The discrepancy over several studies: how wrong the law is in one says nothing of another.

Each study has its own field over sizes, which begins amid that study's rows, and its formats have
their own fields; the scales tau and tau_format are the same for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from bayesq.model.design import Design
from bayesq.model.discrepancy import PARTS, Discrepancy, Surface, surface


@dataclass(frozen=True, eq=False)
class Surfaces:
    """The fields over the rows of a pooled fit.

    Parameters
    ----------
    by : str
        Input that holds the number of each row's study.
    of : tuple of Surface
        The field of each study; its independent parts follow those of the study before.
    """

    by: str
    of: tuple[Surface, ...]

    @property
    def formats(self) -> tuple[str, ...]:
        """Inputs that tell formats apart."""
        return self.of[0].formats

    @property
    def counts(self) -> dict[str, int]:
        """Numbers of independent parts of all studies together, by field."""
        return {name: sum(laid.counts[name] for laid in self.of) for name in PARTS}

    def parts(self, study: int) -> dict[str, slice]:
        """Tell which independent parts are a study's."""
        found = {}
        for name in PARTS:
            counts = [laid.counts[name] for laid in self.of]
            start = sum(counts[:study])
            found[name] = slice(start, start + counts[study])
        return found

    def at(self, inputs: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates of rows, as the first study has them."""
        return self.of[0].at(inputs)

    def bases(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Weights of the standard normal parts at rows, shapes (rows, parts)."""
        return self._by_study(inputs, "bases")

    def rests(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Root of what the sites leave open at scenarios, shapes (scenarios, scenarios)."""
        return self._by_study(inputs, "rests")

    def _by_study(self, inputs: Mapping[str, np.ndarray], what: str) -> dict[str, np.ndarray]:
        from scipy.linalg import block_diag  # 0.1 s to import, for pooled fits only

        codes = np.asarray(inputs[self.by]).astype(int)
        order = np.argsort(codes, kind="stable")
        blocks = [
            getattr(laid, what)(
                {s: np.broadcast_to(v, codes.shape)[codes == i] for s, v in inputs.items()}
            )
            for i, laid in enumerate(self.of)
        ]
        found = {}
        for name in blocks[0]:
            whole = block_diag(*(block[name] for block in blocks))
            found[name] = np.empty_like(whole)
            found[name][order] = whole
        return found


# A discrepancy as it is laid over the rows of one study, or of several.
Laid = Surface | Surfaces


def lay_by_study(
    chosen: Design, wrong: tuple[Discrepancy, Surface] | None
) -> tuple[Discrepancy, Surfaces] | None:
    """Lay a discrepancy over each study of a fit by itself.

    Parameters
    ----------
    chosen : Design
        The rows, with their studies.
    wrong : (Discrepancy, Surface) or None
        The discrepancy, laid over all rows.
    """
    if wrong is None:
        return None
    pooling = chosen.pooling
    assert pooling is not None  # else there are no studies
    codes = chosen.inputs[pooling.by].astype(int)
    laid = tuple(
        surface(
            chosen.law,
            chosen.response,
            {symbol: values[codes == i] for symbol, values in chosen.inputs.items()},
            pivots,
            wrong[0],
            wrong[1].unit,
        )
        for i, pivots in enumerate(pooling.pivots)
    )
    return wrong[0], Surfaces(pooling.by, laid)


def nowhere(laid: Surface, pivots: Mapping[str, float]) -> Surface:
    """Lay the field over no rows at all: that of a study to come, which begins at the pivots."""
    middle = np.array([pivots[symbol] for symbol in laid.sizes])
    # The logarithm only where it is asked for: a linear size may be 0.
    logs = np.log(np.where(laid.logarithmic, middle, 1.0))
    return replace(
        laid,
        centre=np.where(laid.logarithmic, logs, middle),
        shared=laid.shared[:0],
        shared_root=np.empty((0, 0)),
        own=laid.own[:0],
        own_format=laid.own_format[:0],
        own_root=np.empty((0, 0)),
    )


def to_groups(laid: Laid) -> dict[str, xr.Dataset]:
    """Describe it for a file, as groups of a tree."""
    if isinstance(laid, Surface):
        return {"discrepancy": laid.to_dataset()}
    return {f"discrepancy/{i}": part.to_dataset() for i, part in enumerate(laid.of)}


def from_group(group: xr.DataTree, by: str | None) -> Laid:
    """Make one from what :func:`to_groups` wrote."""
    if by is None:
        return Surface.from_dataset(group.to_dataset())
    parts = (group.children[str(i)].to_dataset() for i in range(len(group.children)))
    return Surfaces(by, tuple(Surface.from_dataset(part) for part in parts))
