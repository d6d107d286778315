"""Saved fits come back with their law, where the law is at hand."""

from __future__ import annotations

import json
from inspect import Parameter as Argument
from inspect import Signature
from pathlib import Path
from typing import Any

import numpy as np

from bayesq.errors import BayesqError
from bayesq.fitting.result import Fit, notes_from_json, table_from_json
from bayesq.fitting.storage import read_tree
from bayesq.law.digest import changed
from bayesq.law.formulas import Formula
from bayesq.law.law import Law, Response, session_law
from bayesq.law.levels import Levels, OrderedByBits
from bayesq.law.parameter import Parameter
from bayesq.law.prior import Prior
from bayesq.law.registry import find_law, laws
from bayesq.model.noise import Noise
from bayesq.model.noises import find_noise
from bayesq.notes import Note, by_severity


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
    attrs = tree.attrs
    try:
        described = json.loads(attrs["law"])
        notes = list(notes_from_json(attrs["notes"]))
        name, fitted = described["name"], _symbols(described)
        described_noise = json.loads(attrs["noise"])
        scattered = _stand_in_noise(described_noise)
        digest = attrs["law_digest"]
    except (KeyError, TypeError, ValueError) as error:
        raise BayesqError(
            f"{path} is damaged: what it says of its law cannot be read; save the fit again."
        ) from error
    found = find_law(law) if law is not None else _look_up(name, digest)
    if found is not None and _symbols(found.to_dict()) != fitted:
        if law is not None:
            raise BayesqError(
                f"Law {found.name} has parameters {', '.join(_symbols(found.to_dict()))}, the fit "
                f"in {path} has {', '.join(fitted)}; pass the law that was fitted."
            )
        found = None
    if found is None:
        found = _stand_in(described)
        notes.append(
            Note(
                "law-not-importable",
                "warning",
                f"Law {name} neither ships with bayesq nor was made in this session: "
                "the posterior is here, predictions are not.",
                f"Pass it: bayesq.load_fit({str(path)!r}, law=...), on the command line --law "
                "file.py.",
            )
        )
    elif found.digest != digest:
        notes.append(
            Note(
                "law-changed",
                "warning",
                f"Law {found.name} has changed since this fit was made: "
                f"{changed(json.loads(attrs.get('law_parts', '{}')), found.parts)}.",
                "Fit it again, or load it with the law as it was then.",
            )
        )
    if noise is not None and not _alike(noise, scattered):
        raise BayesqError(
            f"Noise {noise.name} has parameters {_words(noise)}, the fit in {path} has "
            f"{_words(scattered)}; pass the noise that was fitted."
        )
    if noise is not None and _other_width(noise, described_noise):
        raise BayesqError(
            f"The width of noise {noise.name} is not the one that the fit in {path} was made with; "
            "pass the noise as it was then."
        )
    scatter = noise or _look_up_noise(scattered, attrs["response"])
    if _other_width(scatter, described_noise):
        notes.append(
            Note(
                "noise-changed",
                "severe",
                f"The width of noise {scatter.name} is not the one that was fitted: predictions of "
                "new runs would scatter by another formula.",
                "Load the fit with the noise as it was then: bayesq.load_fit(path, noise=...).",
            )
        )
        scatter = scattered
    try:
        # Files of older versions have none; it is then worked out.
        convergence = table_from_json(tree.attrs.pop("convergence", "null"))
    except (KeyError, TypeError, ValueError):
        convergence = None
    return Fit(found, tree, by_severity(notes), scatter, convergence=convergence)


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


def _stand_in_noise(described: dict[str, Any]) -> Noise:
    """Make a noise that has no width with the parameters of the one that was saved."""
    name = described["name"]

    def width(**values: Any) -> Any:
        raise BayesqError(
            f"Noise {name} is not at hand, so no new run can be drawn; load the fit with "
            "bayesq.load_fit(path, noise=...)."
        )

    parameters = tuple(_parameter(p) for p in described["parameters"])
    width.__signature__ = Signature(  # type: ignore[attr-defined]
        [Argument(p.symbol, Argument.KEYWORD_ONLY) for p in parameters]
    )
    effects = tuple(described["effects"])
    return Noise(name, width, parameters, described["on"], effects, remember=False)


def _look_up(name: str, digest: str) -> Law | None:
    """Find a law by its name, preferably the very one that was fitted, else the shipped one."""
    candidates = [law for law in (laws().get(name), session_law(name)) if law is not None]
    same = (law for law in candidates if law.digest == digest)
    return next(same, candidates[0] if candidates else None)


def _symbols(described: dict[str, Any]) -> list[str]:
    base = _symbols(described["base"]) if described["base"] else []
    return base + [p["symbol"] for p in described["parameters"]]


def _parameter(described: dict[str, Any], formula: Formula | None = None) -> Parameter:
    symbol, unit, meaning = (described[name] for name in ("symbol", "unit", "meaning"))
    if "by" not in described:
        # Which of its parameters are sampled as terms; what the terms are is the law's to know.
        sampled_as = described.get("prior_on", symbol).partition(" / ")[0]
        term = None if sampled_as == symbol else formula
        return Parameter(symbol, Prior.from_dict(described["prior"]), unit, meaning, term)
    # Only the names of the kinds are needed to show a fit; how rows got them is the law's to know.
    kinds = Levels(described["by"], (), lambda columns: np.array([]))
    return Parameter(symbol, OrderedByBits.from_dict(described["prior"]), unit, meaning, by=kinds)


def _stand_in(described: dict[str, Any]) -> Law:
    """Make a law with the parameters of the one that was saved and no formula to evaluate."""
    base = described["base"]
    name = described["name"]

    def formula(**values: Any) -> Any:
        raise BayesqError(
            f"Law {name} is not at hand, so nothing can be computed from it; load the fit with "
            "bayesq.load_fit(path, law=...), on the command line --law file.py."
        )

    formula.stands_in = True  # type: ignore[attr-defined]
    arguments = [*described["inputs"], *(p["symbol"] for p in described["parameters"])]
    formula.__signature__ = Signature(  # type: ignore[attr-defined]
        [Argument(argument, Argument.KEYWORD_ONLY) for argument in arguments]
    )
    return Law(
        name=name,
        title=described["title"],
        source=described["source"],
        parameters=tuple(_parameter(p, formula) for p in described["parameters"]),
        remember=False,
        **({"base": _stand_in(base), "degradation": formula} if base else {"loss": formula}),
    )
