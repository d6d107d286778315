"""Files of formats before, brought to that of today.

A format is read for one version after its own at least, so that a fit can be saved again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bayesq.law.old_labels import described_kinds
from bayesq.posterior.division import STATS, arranged
from bayesq.posterior.kept_rows import constant_data, observed_data

if TYPE_CHECKING:
    import xarray as xr

    from bayesq.model.specification import Specification

# Draws of the misfit stand apart from those of the parameters, and new measurements beside them.
FORMAT = "bayesq fit 7"
# From 6 on a file ends in a checksum, and has a number for each row.
BEFORE = ("bayesq fit 6", "bayesq fit 5", "bayesq fit 4")
# Several fits in one file, each in a format of its own.
SEVERAL = "bayesq average 1"
# What ends in a checksum.
SEALED = (FORMAT, BEFORE[0], SEVERAL)
# What nutpie calls what ArviZ calls otherwise.
_STATS = {"depth": "tree_depth", "logp": "lp", "mean_tree_accept": "acceptance_rate"}
# These held another discrepancy, of which no fit of today can be made.
TOO_OLD = ("bayesq fit 1", "bayesq fit 2", "bayesq fit 3")


def migrate(tree: xr.DataTree) -> None:
    """Bring what a tree of a format before says of its fit to that of today.

    Format 5 lacks columns, of which nothing is known then. Format 4 had no group ``runs``: such a
    fit predicts and decides, and takes its table to be fitted again; of kinds it had their labels.

    Raises
    ------
    KeyError, TypeError, ValueError
        If the file is damaged.
    """
    if tree.attrs["format"] == BEFORE[-1]:
        law = json.loads(tree.attrs["law"])
        kinds = described_kinds(law, tree["posterior"].coords)
        tree.attrs["kinds"] = json.dumps(kinds)
    tree.attrs["format"] = FORMAT


def rearrange(tree: xr.DataTree, specification: Specification) -> xr.DataTree:
    """Put draws and rows of a format before 7 into the groups of today.

    They stood in one group each, without units; of rows only what the law takes was kept, and what
    the sampler told had the names of nutpie.

    Parameters
    ----------
    tree : DataTree
        What was read.
    specification : Specification
        What it says of its fit.
    """
    groups = {name: group.to_dataset() for name, group in tree.children.items()}
    if specification.design.complete:
        design = specification.design
        groups |= {"constant_data": constant_data(design), "observed_data": observed_data(design)}
    if STATS in groups:
        stats = groups[STATS]
        groups[STATS] = stats.rename({n: now for n, now in _STATS.items() if n in stats})
    found = tree.copy()
    for name, held in arranged(groups, specification).items():
        if name not in found.children or not found[name].children:
            found[name] = type(tree)(held)
    return found
