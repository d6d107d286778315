"""The rows of a very large fit in little room on disk: repeated text as numbers, all of it packed.

A table of a million rows has as many cells of text in each of its columns of text, most of them
equal, and columns of numbers that are empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

# Groups that have values by row; of fewer rows a file holds them as they stand.
_OF_ROWS = ("constant_data", "observed_data", "runs")
_MANY = 20_000
_WORDS = "words_of_"
_PACKED = {"zlib": True, "complevel": 1, "shuffle": True}


def fold(tree: xr.DataTree) -> tuple[xr.DataTree, dict[str, dict[str, Any]]]:
    """Put numbers in the place of repeated text, and say what of a tree is to be packed.

    Returns
    -------
    DataTree
        What is to be written; the tree itself where it has few rows.
    dict
        Encoding by group and variable, as :meth:`xarray.DataTree.to_netcdf` takes it.
    """
    found, encoding = tree, {}
    for node in list(tree.subtree):
        large = node.name in _OF_ROWS and any(size > _MANY for size in node.sizes.values())
        if not large or node.parent is None:
            continue
        folded = _folded(node.to_dataset())
        if found is tree:
            found = tree.copy()
        found[node.path] = type(tree)(folded)
        many = [n for n, v in folded.variables.items() if v.size > _MANY and v.dtype.kind in "fiu"]
        encoding[node.path] = {str(name): _PACKED for name in many}
    return found, encoding


def _folded(held: xr.Dataset) -> xr.Dataset:
    import pandas as pd

    found = held
    for name, values in held.data_vars.items():
        if values.dtype.kind not in "OU" or values.size <= _MANY:
            continue
        codes, words = pd.factorize(values.values.astype(object))
        if len(words) > values.size / 2:
            continue
        told = f"{_WORDS}{name}"
        found = found.assign(
            {
                str(name): (values.dims, codes.astype(np.int32), values.attrs),
                told: (f"word_of_{name}", np.array(words, dtype=object)),
            }
        )
    return found


def unfold(tree: xr.DataTree) -> xr.DataTree:
    """Put the text back where :func:`fold` put numbers."""
    for node in tree.subtree:
        if node.name not in _OF_ROWS:
            continue
        held = node.to_dataset()
        folded = [str(n)[len(_WORDS) :] for n in held.data_vars if str(n).startswith(_WORDS)]
        if not folded:
            continue
        for name in folded:
            words = held[f"{_WORDS}{name}"].values.astype(object)
            numbers = held[name]
            text = words[numbers.values]
            held = held.drop_vars(f"{_WORDS}{name}").assign(
                {name: (numbers.dims, text, numbers.attrs)}
            )
        node.dataset = held
    return tree
