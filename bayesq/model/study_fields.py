"""The discrepancy over several studies: how wrong the law is in one says nothing of another.

Each study has its own field over sizes, which begins amid that study's rows, and its formats have
their own fields; the scales tau and tau_format are the same for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from bayesq.law.parameter import Parameter
from bayesq.model.design import Design
from bayesq.model.discrepancy import Discrepancy
from bayesq.model.field import PARTS, Field, lay_field, steps


@dataclass(frozen=True, eq=False)
class StudyFields:
    """The fields over the rows of a pooled fit.

    Parameters
    ----------
    by : str
        Input that holds the number of each row's study.
    of : tuple of Field
        The field of each study; its independent parts follow those of the study before.
    to_come : Field, optional
        That of a study to come, whose parts are the last, where something of it is held.
    """

    by: str
    of: tuple[Field, ...]
    to_come: Field | None = None

    @property
    def discrepancy(self) -> Discrepancy:
        """How wrong the law may be."""
        return self.of[0].discrepancy

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Scales of the misfit, the same in all studies."""
        return self.of[0].parameters

    @property
    def formats(self) -> tuple[str, ...]:
        """Inputs that tell formats apart."""
        return self.of[0].formats

    @property
    def counts(self) -> dict[str, int]:
        """Numbers of independent parts of all studies together, by field."""
        return {name: sum(field.counts[name] for field in self.of) for name in PARTS}

    def parts(self, study: int) -> dict[str, slice]:
        """Tell which independent parts are a study's; the number after the last, one to come."""
        found = {}
        for name in PARTS:
            last = 0 if self.to_come is None else self.to_come.counts[name]
            counts = [*(field.counts[name] for field in self.of), last]
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
            getattr(field, what)(
                {s: np.broadcast_to(v, codes.shape)[codes == i] for s, v in inputs.items()}
            )
            for i, field in enumerate(self.of)
        ]
        found = {}
        for name in blocks[0]:
            whole = block_diag(*(block[name] for block in blocks))
            found[name] = np.empty_like(whole)
            found[name][order] = whole
        return found


# The field over the rows of one study, or of several.
AnyField = Field | StudyFields


def lay(design: Design, discrepancy: Discrepancy | None) -> AnyField | None:
    """Lay a discrepancy over the rows of a fit, over those of each study by itself.

    Parameters
    ----------
    design : Design
        The rows, with their studies.
    discrepancy : Discrepancy or None
        How wrong the law may be; None for a law that is taken to be true.
    """
    if discrepancy is None:
        return None
    law, response, pooling = design.law, design.response, design.pooling
    if pooling is None:
        return lay_field(law, response, design.inputs, design.pivots, discrepancy)
    codes = design.inputs[pooling.by].astype(int)
    # One step is the same in all studies.
    unit = steps(law, response, design.inputs)
    return StudyFields(
        pooling.by,
        tuple(
            lay_field(
                law,
                response,
                {symbol: values[codes == i] for symbol, values in design.inputs.items()},
                pivots,
                discrepancy,
                unit,
            )
            for i, pivots in enumerate(pooling.pivots)
        ),
    )


def nowhere(field: Field, pivots: Mapping[str, float]) -> Field:
    """Lay the field over no rows at all: that of a study to come, which begins at the pivots."""
    middle = np.array([pivots[symbol] for symbol in field.sizes])
    # The logarithm only where it is asked for: a linear size may be 0.
    logs = np.log(np.where(field.logarithmic, middle, 1.0))
    return replace(
        field,
        centre=np.where(field.logarithmic, logs, middle),
        shared=field.shared[:0],
        shared_root=np.empty((0, 0)),
        own=field.own[:0],
        own_format=field.own_format[:0],
        own_root=np.empty((0, 0)),
    )


def to_groups(field: AnyField) -> dict[str, xr.Dataset]:
    """Describe it for a file, as groups of a tree."""
    if isinstance(field, Field):
        return {"discrepancy": field.to_dataset()}
    return {f"discrepancy/{i}": part.to_dataset() for i, part in enumerate(field.of)}


def from_group(group: xr.DataTree, discrepancy: Discrepancy, by: str | None) -> AnyField:
    """Make one from what :func:`to_groups` wrote."""
    if by is None:
        return Field.from_dataset(group.to_dataset(), discrepancy)
    parts = (group.children[str(i)].to_dataset() for i in range(len(group.children)))
    return StudyFields(by, tuple(Field.from_dataset(part, discrepancy) for part in parts))
