"""Which full-precision row each quantized row is to be compared with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from bayesq.runs.schema import BITS, FULL_PRECISION_BITS

_WIDTHS = (*BITS, "fc2_a_bits")


def is_quantized(columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Tell the quantized rows: a width below 16 bits, zero weights, or stage ``train`` or ``post``.

    Returns
    -------
    ndarray of bool, shape (rows,)
    """
    narrow = np.any([columns[name] < FULL_PRECISION_BITS for name in _WIDTHS], axis=0)
    sparse = columns["sparsity"] > 0
    return narrow | sparse | np.isin(columns["stage"], ("train", "post"))


def find_partners(columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Find the full-precision partner of each quantized row.

    A partner has the same study, corpus, N and D. Of several, the one of the same run is taken
    (a network quantized after training), then the one of the same seed, then the first.

    Returns
    -------
    ndarray of int, shape (rows,)
        Index of the partner's row, -1 where there is none and for rows that are not quantized.
    """
    quantized = is_quantized(columns)
    cell = list(zip(*(columns[c] for c in ("study", "corpus", "N", "D")), strict=True))
    full = defaultdict(list)
    for i in np.flatnonzero(~quantized):
        full[cell[i]].append(i)
    partner = np.full(len(quantized), -1)
    run, seed = columns["run"], columns["seed"]
    for i in np.flatnonzero(quantized):
        if candidates := full.get(cell[i]):
            partner[i] = max(
                candidates, key=lambda j: (run[i] != "" and run[i] == run[j], seed[i] == seed[j])
            )
    return partner
