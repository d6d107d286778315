"""Files of formats before, brought to that of today.

A format is read for one version after its own at least, so that a fit can be saved again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bayesq.law.old_labels import described_kinds

if TYPE_CHECKING:
    import xarray as xr

# Ends in a checksum, and has a number for each row.
FORMAT = "bayesq fit 6"
BEFORE = ("bayesq fit 5", "bayesq fit 4")
# Several fits in one file, each in a format of its own.
SEVERAL = "bayesq average 1"
# These held another discrepancy, of which no fit of today can be made.
TOO_OLD = ("bayesq fit 1", "bayesq fit 2", "bayesq fit 3")


def migrate(tree: xr.DataTree) -> None:
    """Bring a tree of a format before to that of today.

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
