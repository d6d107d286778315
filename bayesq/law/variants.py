"""Laws made from laws."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

from bayesq.errors import BayesqError
from bayesq.law.formulas import Formula
from bayesq.law.law import Law


def renamed(law: Law, **symbols: str) -> Law:
    """Give parameters of a base law other symbols, where another law needs theirs.

    Parameters
    ----------
    law : Law
        A base law.
    **symbols : str
        New symbols by the old ones: ``alpha="alpha_base"``.

    Returns
    -------
    Law
        The same law under the same name, without its published constants.

    Raises
    ------
    BayesqError
        If the law has a base of its own, or no such parameter.
    """
    known = [p.symbol for p in law.parameters]
    unknown = sorted(set(symbols) - set(known))
    if law.loss is None or unknown:
        raise BayesqError(
            f"Law {law.name} cannot be renamed: it has no parameter {', '.join(unknown)}."
            if unknown
            else f"Law {law.name} cannot be renamed: it is no base law; rename its base."
        )

    def named(formula: Formula) -> Formula:
        def under_new_names(**values: Any) -> Any:
            return formula(**{a: values[symbols.get(a, a)] for a in arguments})

        arguments = list(inspect.signature(formula).parameters)
        under_new_names.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [
                inspect.Parameter(symbols.get(a, a), inspect.Parameter.KEYWORD_ONLY)
                for a in arguments
            ]
        )
        # For inspect.getsource: what the law says is in the formula, not in this wrapper.
        under_new_names.__wrapped__ = formula  # type: ignore[attr-defined]
        return under_new_names

    parameters = tuple(
        replace(
            p,
            symbol=symbols.get(p.symbol, p.symbol),
            term=named(p.term) if p.term else None,
            slope_of=symbols.get(p.slope_of, p.slope_of) if p.slope_of else None,
        )
        for p in law.parameters
    )
    return replace(
        law,
        parameters=parameters,
        loss=named(law.loss),
        published=(),
        closed={},
        remember=False,
    )
