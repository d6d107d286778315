"""Several fits with weights in one file: each fit a group, as its own file would hold it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bayesq.errors import BayesqError
from bayesq.notes import Note
from bayesq.posterior.constants import PublishedFit, published
from bayesq.posterior.fit import Fit
from bayesq.posterior.migration import SEVERAL
from bayesq.posterior.netcdf import notes_from_json, notes_to_json
from bayesq.posterior.posterior import Posterior

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Several:
    """What a file holds of an average."""

    fits: dict[str, Posterior]
    weights: dict[str, float]
    how: str
    notes: tuple[Note, ...]


def tree_of_several(
    fits: Mapping[str, Posterior], weights: Mapping[str, float], how: str, notes: tuple[Note, ...]
) -> xr.DataTree:
    """Put fits and weights into one tree.

    Raises
    ------
    BayesqError
        If one is neither a fit nor a paper's constants as they ship.
    """
    import xarray as xr

    told = {
        "format": SEVERAL,
        "how": how,
        "notes": notes_to_json(notes),
        "fits": json.dumps(
            [
                {"name": name, "weight": weights[name], "published": _paper(name, fit)}
                for name, fit in fits.items()
            ]
        ),
    }
    whole = xr.DataTree(xr.Dataset(attrs=told))
    for number, fit in enumerate(fits.values()):
        if isinstance(fit, Fit):
            # A law may be called anything, a group of a file may not.
            whole[f"fit_{number}"] = fit.to_tree()
    return whole


def _paper(name: str, fit: Posterior) -> dict[str, Any] | None:
    """Name a paper's constants so that they are found again; None of a fit."""
    if isinstance(fit, Fit):
        return None
    if not isinstance(fit, PublishedFit) or fit.constants not in fit.law.published:
        raise BayesqError(
            f"{name} is {fit.title}, which no file holds by itself; average whole fits, and take "
            "one study of the average instead."
        )
    which = {"law": fit.law.name, "which": fit.constants.label, "response": fit.response}
    return which | {"digest": fit.law.digest}


def several_of(tree: xr.DataTree, read: Callable[[xr.DataTree], Fit]) -> Several:
    """Take fits and weights out of a tree.

    Parameters
    ----------
    tree : DataTree
        What was read.
    read : callable
        Makes a fit of its group.

    Raises
    ------
    BayesqError
        If a law of which it has a paper's constants is not at hand, or has changed.
    KeyError, TypeError, ValueError
        If the file is damaged.
    """
    fits: dict[str, Posterior] = {}
    weights: dict[str, float] = {}
    for number, held in enumerate(json.loads(tree.attrs["fits"])):
        name = str(held["name"])
        weights[name] = float(held["weight"])
        if held["published"] is None:
            fits[name] = read(tree.children[f"fit_{number}"].copy())
        else:
            fits[name] = _published(**held["published"])
    notes = notes_from_json(tree.attrs["notes"])
    return Several(fits, weights, str(tree.attrs["how"]), notes)


def _published(law: str, which: str, response: str, digest: str) -> PublishedFit:
    found = published(law, which, response)
    if found.law.digest != digest:
        raise BayesqError(
            f"Law {law} has changed since the average was made; make it again with bayesq.average."
        )
    return found
