"""Saved fits come back with their law, where the law is at hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bayesq.errors import BayesqError
from bayesq.law.digest import changed
from bayesq.law.law import Law, Response, session_law
from bayesq.law.registry import find_law, laws
from bayesq.model.noise import Noise
from bayesq.model.noises import find_noise
from bayesq.notes import Note, by_severity
from bayesq.posterior.fit import Fit
from bayesq.posterior.netcdf import (
    ROWS,
    notes_from_json,
    read_tree,
    specification_from,
    table_from_json,
)
from bayesq.posterior.stand_ins import stand_in_law, stand_in_noise


def load_fit(path: str | Path, law: Law | str | None = None, noise: Noise | None = None) -> Fit:
    """Load a fit that was saved with :meth:`Fit.save`.

    Nothing in the file is run. The law is looked up by its name among those that ship and those
    made in this session; where it is not found the fit still gives its posterior, summary and
    notes, and only predictions need the law.

    Parameters
    ----------
    path : str or Path
        The file.
    law : Law or str, optional
        The law of the fit, where it neither ships nor was made in this session.
    noise : Noise, optional
        The noise of the fit, where it is one of your own that was not made in this session.

    Returns
    -------
    Fit
        As it was saved. A note says where its law is missing or has changed since.

    Raises
    ------
    BayesqError
        If the file is missing, cut short or not a saved fit, or if `law` has other parameters.
    """
    tree = read_tree(Path(path))
    attrs: dict[str, Any] = {str(name): value for name, value in tree.attrs.items()}
    try:
        described, noise_then = json.loads(attrs["law"]), json.loads(attrs["noise"])
        notes = list(notes_from_json(attrs["notes"]))
        found, of_law = _law_of(path, attrs, described, law)
        used, of_noise = _noise_of(path, attrs["response"], noise_then, noise)
        specification = specification_from(tree, found, used)
    except BayesqError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise BayesqError(
            f"{path} is damaged: what it says of its law and rows cannot be read; save the fit "
            "again."
        ) from error
    try:
        # A damaged one is worked out anew.
        convergence = table_from_json(tree.attrs.pop("convergence", "null"))
    except (KeyError, TypeError, ValueError):
        convergence = None
    held = tree.filter(lambda node: node.name != ROWS)
    told = by_severity([*notes, *of_law, *of_noise])
    return Fit(specification, held, told, convergence=convergence)


def _law_of(
    path: str | Path, attrs: Mapping[str, Any], described: dict[str, Any], law: Law | str | None
) -> tuple[Law, list[Note]]:
    """Find the law of a saved fit, or what stands in for it, and say what became of it."""
    name, fitted, digest = described["name"], _symbols(described), attrs["law_digest"]
    found = find_law(law) if law is not None else _look_up(name, digest)
    if found is not None and _symbols(found.to_dict()) != fitted:
        if law is not None:
            raise BayesqError(
                f"Law {found.name} has parameters {', '.join(_symbols(found.to_dict()))}, the fit "
                f"in {path} has {', '.join(fitted)}; pass the law that was fitted."
            )
        found = None
    if found is None:
        missing = Note(
            "law-not-importable",
            "warning",
            f"Law {name} neither ships with bayesq nor was made in this session: the posterior is "
            "here, predictions are not.",
            f"Pass it: bayesq.load_fit({str(path)!r}, law=...), on the command line --law file.py.",
        )
        return stand_in_law(described), [missing]
    if found.digest == digest:
        return found, []
    other = Note(
        "law-changed",
        "warning",
        f"Law {found.name} has changed since this fit was made: "
        f"{changed(json.loads(attrs.get('law_parts', '{}')), found.parts)}.",
        "Fit it again, or load it with the law as it was then.",
    )
    return found, [other]


def _noise_of(
    path: str | Path, response: Response, described: dict[str, Any], noise: Noise | None
) -> tuple[Noise, list[Note]]:
    """Find the noise of a saved fit, or what stands in for it, and say what became of it."""
    then = stand_in_noise(described)
    if noise is not None and not _alike(noise, then):
        raise BayesqError(
            f"Noise {noise.name} has parameters {_words(noise)}, the fit in {path} has "
            f"{_words(then)}; pass the noise that was fitted."
        )
    if noise is not None and _other_width(noise, described):
        raise BayesqError(
            f"The width of noise {noise.name} is not the one that the fit in {path} was made with; "
            "pass the noise as it was then."
        )
    found = noise or _look_up_noise(then, response)
    if not _other_width(found, described):
        return found, []
    changed_since = Note(
        "noise-changed",
        "severe",
        f"The width of noise {found.name} is not the one that was fitted: predictions of new runs "
        "would be wide by another formula.",
        "Load the fit with the noise as it was then: bayesq.load_fit(path, noise=...).",
    )
    return then, [changed_since]


def _look_up_noise(fitted: Noise, response: Response) -> Noise:
    """Find the noise of a saved fit by its name, else keep the one that has no width."""
    try:
        found = find_noise(fitted.name, response)
    except BayesqError:
        return fitted
    return found if _alike(found, fitted) else fitted


def _other_width(noise: Noise, described: dict[str, Any]) -> bool:
    """Whether a noise at hand is known to scatter otherwise than the one that was saved."""
    then, now = described.get("width"), noise.identity
    if noise.name != described["name"] or then is None or now is None or then == now:
        return False
    # Hashes of two versions of Python are not to be compared.
    return str(then).partition(":")[0] == now.partition(":")[0]


def _alike(one: Noise, other: Noise) -> bool:
    """Whether two noises have the same parameters and effects, on the same scale."""
    first, second = ({p.symbol for p in noise.parameters} for noise in (one, other))
    return first == second and (one.on, set(one.effects)) == (other.on, set(other.effects))


def _words(noise: Noise) -> str:
    return f"{', '.join(p.symbol for p in noise.parameters)} on the {noise.on}"


def _look_up(name: str, digest: str) -> Law | None:
    """Find a law by its name, preferably the very one that was fitted, else the shipped one."""
    candidates = [law for law in (laws().get(name), session_law(name)) if law is not None]
    same = (law for law in candidates if law.digest == digest)
    return next(same, candidates[0] if candidates else None)


def _symbols(described: dict[str, Any]) -> list[str]:
    base = _symbols(described["base"]) if described["base"] else []
    return base + [p["symbol"] for p in described["parameters"]]
