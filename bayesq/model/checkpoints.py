"""Whether the rows of a fit are checkpoints of one schedule, not runs that were each brought down.

Of checkpoints more tokens also mean a lower learning rate, and what a law in D says of them bends
as the rate decays. Rows of which nobody said so (column annealed empty) are taken as of runs that
were each brought down for their own D.
"""

from __future__ import annotations

import numpy as np

from bayesq.model.design import Design
from bayesq.runs.runs import Runs
from bayesq.runs.schema import FORMAT


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
    cluster = training_runs(design.runs)
    # The end of a schedule may be marked "yes": it belongs to the checkpoints before it.
    runs = [
        run
        for run in np.unique(cluster[annealed == "no"])
        if len(np.unique(tokens[cluster == run])) > 1
    ]
    return 2 * int(np.isin(cluster, runs).sum()) >= len(cluster) > 0


def training_runs(runs: Runs) -> np.ndarray:
    """Give rows the number of their training run, unnamed checkpoints of a network as of one.

    Parameters
    ----------
    runs : Runs
        The table.

    Returns
    -------
    ndarray of int, shape ``(rows,)``
        As :attr:`Runs.cluster`; but rows without a run of which the table says whether they were
        annealed are of one run where study, corpus, N, seed and the format that they were trained
        in are equal, and it says no of one of them.
    """
    columns = runs.columns
    cluster = runs.cluster.copy()
    unnamed = np.flatnonzero((columns["run"] == "") & (columns["annealed"] != ""))
    found: dict[tuple[str, ...], list[int]] = {}
    for row in unnamed.tolist():
        # What was done after training does not make another run.
        form = FORMAT if columns["stage"][row] == "train" else ("train_w_bits",)
        names = ("study", "corpus", "N", "seed", *form)
        found.setdefault(tuple(str(columns[n][row]) for n in names), []).append(row)
    for rows in found.values():
        if (columns["annealed"][rows] == "no").any():
            cluster[rows] = cluster[rows[0]]
    return cluster
