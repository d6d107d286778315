"""What stands in for a law or noise of a saved fit that is not at hand: parameters, no formula."""

from __future__ import annotations

from inspect import Parameter as Argument
from inspect import Signature
from typing import Any

import numpy as np

from bayesq.errors import BayesqError
from bayesq.law.formulas import Formula
from bayesq.law.law import Law
from bayesq.law.levels import Levels, OrderedByBits
from bayesq.law.parameter import Parameter
from bayesq.law.prior import Prior
from bayesq.model.noise import Noise


def stand_in_law(described: dict[str, Any], why: str = "") -> Law:
    """Make a law with the parameters of the one that was saved and no formula to evaluate.

    Parameters
    ----------
    described : dict
        The law as it was saved.
    why : str
        The sentence that refuses to evaluate it, by default that it is not at hand.
    """
    base = described["base"]
    name = described["name"]

    def formula(**values: Any) -> Any:
        raise BayesqError(
            why
            or f"Law {name} is not at hand, so nothing can be computed from it; load the fit with "
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
        **(
            {"base": stand_in_law(base, why), "degradation": formula} if base else {"loss": formula}
        ),
    )


def stand_in_noise(described: dict[str, Any]) -> Noise:
    """Make a noise that has no width with the parameters of the one that was saved."""
    name = described["name"]

    def width(**values: Any) -> Any:
        raise BayesqError(
            f"Noise {name} is not at hand, so no new run can be drawn; load the fit with "
            "bayesq.load_fit(path, noise=...)."
        )

    width.stands_in = True  # type: ignore[attr-defined]
    parameters = tuple(_parameter(p) for p in described["parameters"])
    width.__signature__ = Signature(  # type: ignore[attr-defined]
        [Argument(p.symbol, Argument.KEYWORD_ONLY) for p in parameters]
    )
    effects = tuple(described["effects"])
    return Noise(name, width, parameters, described["on"], effects, remember=False)


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
