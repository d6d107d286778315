"""Saved fits come back with their law, where the law is at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesq.errors import BayesqError
from bayesq.law.digest import changed
from bayesq.law.law import Law, Response, session_law
from bayesq.law.registry import find_law, laws
from bayesq.model.noise import Noise
from bayesq.model.noises import find_noise
from bayesq.notes import Note, by_severity
from bayesq.posterior.average import Average
from bayesq.posterior.fit import Fit
from bayesq.posterior.migration import BEFORE, SEVERAL, migrate, rearrange
from bayesq.posterior.netcdf import (
    ROWS,
    notes_from_json,
    read_tree,
    specification_from,
    table_from_json,
)
from bayesq.posterior.several import held_of
from bayesq.posterior.stand_ins import stand_in_law, stand_in_noise

if TYPE_CHECKING:
    import xarray as xr

# What reading a damaged description raises.
_DAMAGED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def load_fit(
    path: str | Path, law: Law | str | None = None, noise: Noise | None = None
) -> Fit | Any:
    """Load a fit that was saved with :meth:`Fit.save`, or an average of several.

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
    Fit or Average
        As it was saved. A note says where its law is missing or has changed since; draws, summary
        and notes can then be read, and whatever evaluates the law refuses. Of an average, `law` and
        `noise` are for those of its fits whose law or noise has that name.

    Raises
    ------
    BayesqError
        If the file is missing, cut short or not a saved fit, or if `law` has other parameters or
        `noise` is none.
    """
    if not isinstance(noise, Noise | None):
        raise BayesqError(f"noise is {noise!r}; pass a bayesq.Noise, or none for one of bayesq's.")
    tree = read_tree(Path(path))
    if tree.attrs["format"] != SEVERAL:
        return _fit_of(tree, path, law, noise)
    named = None if law is None else find_law(law)

    def read(part: xr.DataTree) -> Fit:
        with _damaged(path):
            law_then, noise_then = (json.loads(part.attrs[of])["name"] for of in ("law", "noise"))
        its_law = named if named is not None and named.name == law_then else None
        its_noise = noise if noise is not None and noise.name == noise_then else None
        return _fit_of(part, path, its_law, its_noise)

    with _damaged(path):
        held, how, notes = held_of(tree)
    fits = {one.name: one.find_paper() if one.fit is None else read(one.fit) for one in held}
    with _damaged(path):
        if len({fit.response for fit in fits.values()}) > 1:
            raise ValueError("laws that speak of different things")
    return Average(fits, {one.name: one.weight for one in held}, how, notes)


def _fit_of(tree: xr.DataTree, path: str | Path, law: Law | str | None, noise: Noise | None) -> Fit:
    """Make a fit of what was read."""
    with _damaged(path):
        if older := tree.attrs["format"] in BEFORE:
            migrate(tree)
        attrs: dict[str, Any] = {str(name): value for name, value in tree.attrs.items()}
        law_then, noise_then = json.loads(attrs["law"]), json.loads(attrs["noise"])
        fitted, digest = _symbols(law_then), attrs["law_digest"]
        notes, without_width = notes_from_json(attrs["notes"]), stand_in_noise(noise_then)
        parts = dict(json.loads(attrs.get("law_parts", "{}")))
        name, response = str(law_then["name"]), _response(attrs["response"])
    found = find_law(law) if law is not None else _look_up(name, digest)
    found, of_law = _law_of(path, law_then, fitted, found, asked=law is not None)
    if found.at_hand and found.digest != digest:
        # The draws are those of the law as it was: with another formula they mean nothing.
        what = changed(parts, found.parts) or "all that decides its numbers"
        said = f"Law {found.name} has changed since this fit was made ({what})"
        mend = "fit it again, or load the fit with the law as it was then"
        found = stand_in_law(law_then, f"{said}; {mend}.")
        of_law.append(
            Note(
                "law-changed",
                "severe",
                f"{said}: what the fit holds can be read, and nothing be computed from it.",
                f"{mend[0].upper()}{mend[1:]}.",
            )
        )
    used, of_noise = _noise_of(path, response, noise_then, without_width, noise)
    with _damaged(path):
        specification = specification_from(tree, found, used)
    try:
        # A damaged one is worked out anew.
        convergence = table_from_json(tree.attrs.pop("convergence", "null"))
    except (KeyError, TypeError, ValueError):
        convergence = None
    held = tree.filter(lambda node: node.name != ROWS)
    if older:
        held = rearrange(held, specification)
    told = by_severity([*notes, *of_law, *of_noise])
    return Fit(specification, held, told, convergence=convergence)


def _response(told: object) -> Response:
    if told == "loss" or told == "degradation":
        return told
    raise ValueError(told)


@contextmanager
def _damaged(path: str | Path) -> Iterator[None]:
    """Say of whatever goes wrong in reading that the file is damaged."""
    try:
        yield
    except _DAMAGED as error:
        raise BayesqError(
            f"{path} is damaged: what it says of its law and rows cannot be read; save the fit "
            "again."
        ) from error


def _law_of(
    path: str | Path, then: dict[str, Any], fitted: list[str], found: Law | None, *, asked: bool
) -> tuple[Law, list[Note]]:
    """Take the law that was found if it has the parameters that were fitted, else a stand-in."""
    if found is not None and (symbols := _symbols(found.to_dict())) != fitted:
        if asked:
            raise BayesqError(
                f"Law {found.name} has parameters {', '.join(symbols)}, the fit in {path} has "
                f"{', '.join(fitted)}; pass the law that was fitted."
            )
        found = None
    if found is not None:
        return found, []
    missing = Note(
        "law-not-importable",
        "warning",
        f"Law {then['name']} neither ships with bayesq nor was made in this session: the posterior "
        "is here, predictions are not.",
        f"Pass it: bayesq.load_fit({str(path)!r}, law=...), on the command line --law file.py.",
    )
    with _damaged(path):
        return stand_in_law(then), [missing]


def _noise_of(
    path: str | Path, response: Response, then: dict[str, Any], stand_in: Noise, noise: Noise | None
) -> tuple[Noise, list[Note]]:
    """Find the noise of a saved fit, or what stands in for it, and say what became of it."""
    if noise is not None and not _alike(noise, stand_in):
        raise BayesqError(
            f"Noise {noise.name} has parameters {_words(noise)}, the fit in {path} has "
            f"{_words(stand_in)}; pass the noise that was fitted."
        )
    if noise is not None and _other_width(noise, then):
        raise BayesqError(
            f"The width of noise {noise.name} is not the one that the fit in {path} was made with; "
            "pass the noise as it was then."
        )
    found = noise or _look_up_noise(stand_in, response)
    if found is stand_in:
        missing = Note(
            "noise-not-importable",
            "info",
            f"Noise {stand_in.name} was not made in this session: no new run can be drawn, and "
            "nothing fitted again.",
            "Pass it: bayesq.load_fit(path, noise=...).",
        )
        return stand_in, [missing]
    if not _other_width(found, then):
        return found, []
    other = Note(
        "noise-changed",
        "severe",
        f"The width of noise {found.name} is not the one that was fitted: predictions of new runs "
        "would scatter by another formula.",
        "Load the fit with the noise as it was then: bayesq.load_fit(path, noise=...).",
    )
    return stand_in, [other]


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
