"""Several fits with weights in one file: each fit a group, as its own file would hold it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bayesq.errors import BayesqError
from bayesq.law.registry import named_law
from bayesq.notes import Note
from bayesq.posterior.constants import PublishedFit, published
from bayesq.posterior.fit import Fit
from bayesq.posterior.migration import SEVERAL
from bayesq.posterior.netcdf import notes_from_json, notes_to_json
from bayesq.posterior.posterior import Posterior

if TYPE_CHECKING:
    import xarray as xr

# What weights may miss of 1.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Held:
    """What a file holds of one fit of several.

    Parameters
    ----------
    name : str
        Its name among them.
    weight : float
        Its weight.
    fit : DataTree or None
        Its group, where it is a fit.
    paper : dict of str to str or None
        Where it is a paper's constants, what names them.
    """

    name: str
    weight: float
    fit: xr.DataTree | None
    paper: dict[str, str] | None

    def find_paper(self) -> PublishedFit:
        """Find the constants that it names.

        Raises
        ------
        BayesqError
            If the law is not at hand, or has changed.
        """
        assert self.paper is not None
        # The name comes from a file: it must not lead to another that is run.
        law = named_law(self.paper["law"])
        found = published(law, self.paper["which"], self.paper["response"])
        if found.law.digest != self.paper["digest"]:
            raise BayesqError(
                f"Law {found.law.name} has changed since the average was made; make it again with "
                "bayesq.average."
            )
        return found


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


def _paper(name: str, fit: Posterior) -> dict[str, str] | None:
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


def held_of(tree: xr.DataTree) -> tuple[list[Held], str, tuple[Note, ...]]:
    """Take apart what :func:`tree_of_several` put together.

    Returns
    -------
    held : list of Held
        The fits.
    how : str
        Where their weights come from.
    notes : tuple of Note
        What a reader must know of them together.

    Raises
    ------
    KeyError, TypeError, ValueError
        If the file is damaged.
    """
    held = []
    for number, told in enumerate(json.loads(tree.attrs["fits"])):
        paper = told["published"]
        if paper is not None:
            paper = {part: _text(paper[part]) for part in ("law", "which", "response", "digest")}
        fit = tree.children[f"fit_{number}"].copy() if paper is None else None
        held.append(Held(_text(told["name"]), float(told["weight"]), fit, paper))
    weights = np.array([one.weight for one in held])
    if len({one.name for one in held}) != len(held) or not held:
        raise ValueError("no fits, or two of one name")
    # NaN is no share.
    shares = ((weights >= 0) & (weights <= 1 + _ROUNDING)).all()
    if not shares or abs(weights.sum() - 1) > _ROUNDING:
        raise ValueError("weights that are no shares")
    return held, str(tree.attrs["how"]), notes_from_json(tree.attrs["notes"])


def _text(told: object) -> str:
    if not isinstance(told, str):
        raise TypeError(told)
    return told
