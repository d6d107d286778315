"""Which study each row of a fit comes from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayesq.errors import BayesqError, nearest
from bayesq.model.design import ORIGIN, Design, formats_of, typical_of
from bayesq.model.hierarchy import RESERVED, Pooling


def pool(design: Design, by: str) -> Design:
    """Tell the studies of a fit apart.

    Parameters
    ----------
    design : Design
        The rows.
    by : {"study", "corpus"}
        Column that tells the studies apart.

    Returns
    -------
    Design
        The same with ``pooling``, and with the number of each row's study among the inputs.

    Raises
    ------
    BayesqError
        If there is no such column of origin, rows do not say their study, or all say the same.
    """
    source = design.runs.source
    if by not in ORIGIN:
        raise BayesqError(f"pool_by is {by!r}; {nearest(str(by), ORIGIN)}.")
    names, codes = np.unique(design.runs.columns[by].astype(str), return_inverse=True)
    if "" in names:
        raise BayesqError(
            f"{source}, column {by}: {int((codes == 0).sum())} of the {len(codes)} rows that law "
            f"{design.law.name} uses are empty; write there where they come from, or leave "
            "pool_by out."
        )
    if len(names) == 1:
        raise BayesqError(
            f"All rows of {source} that law {design.law.name} uses are of one {by} ({names[0]}), "
            "and pooling takes two; add another, or leave pool_by out."
        )
    if taken := [n for n in RESERVED if n in names]:
        raise BayesqError(
            f"{source}, column {by}: {taken[0]!r} is a word that predictions use for what is no "
            f"{by} of the table; rename it."
        )
    explained = tuple(
        name
        for name, values in design.varying_formats().items()
        if all(len(set(values[codes == i]) - {""}) < 2 for i in range(len(names)))
    )
    parts = [_rows(design, codes == i) for i in range(len(names))]
    found = Pooling(
        by,
        tuple(names.tolist()),
        tuple(_pivots(part) for part in parts),
        tuple(part.typical for part in parts),
        tuple(part.formats for part in parts),
        explained,
    )
    return replace(design, inputs=design.inputs | {by: codes.astype(float)}, pooling=found)


def _rows(design: Design, rows: np.ndarray) -> Design:
    """Keep the rows of a study; the middles stay those of all."""
    kept = design.keep(rows)
    formats = formats_of(design.law, kept.runs)
    return replace(kept, typical=typical_of(kept.runs), formats=formats)


def _pivots(part: Design) -> dict[str, float]:
    """Middle of each input over the rows of a study in which it does something."""
    found = dict(part.pivots)
    for i in part.law.inputs_of(part.response):
        values = part.inputs[i.symbol]
        if i.format and part.law.base is not None:
            values = values[part.runs.quantized]
        active = values if i.neutral is None else values[values != i.neutral]
        if len(active):
            found[i.symbol] = i.pivot(active)
    return found
