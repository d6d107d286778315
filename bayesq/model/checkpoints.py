"""Whether the rows of a fit are checkpoints of one schedule, not runs that were each brought down.

Of checkpoints more tokens also mean a lower learning rate, and what a law in D says of them bends
as the rate decays. Rows of which nobody said so (column annealed empty) are taken as of runs that
were each brought down for their own D.
"""

from __future__ import annotations

import numpy as np

from bayesq.model.design import Design


def along_a_schedule(design: Design) -> bool:
    """Tell whether most of the rows are checkpoints along the schedules of their runs.

    Parameters
    ----------
    design : Design
        Rows and inputs of a fit.

    Returns
    -------
    bool
        Whether the law looks at D, and at least half of the rows are of runs that have rows at
        several D, some of them with ``annealed`` "no".
    """
    annealed = design.runs.columns.get("annealed")
    tokens = design.inputs.get("D")
    if annealed is None or tokens is None:
        return False
    cluster = design.runs.cluster
    # The end of a schedule may be marked "yes": it belongs to the checkpoints before it.
    runs = [
        run
        for run in np.unique(cluster[annealed == "no"])
        if len(np.unique(tokens[cluster == run])) > 1
    ]
    return 2 * int(np.isin(cluster, runs).sum()) >= len(cluster) > 0
