"""Laws made from laws.

None of them is found by its name in the session until :class:`Law` remembers it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from numbers import Real

import numpy as np

from bayesq.errors import BayesqError, nearest
from bayesq.law.definition import Definition
from bayesq.law.formulas import Formula, arguments_of, held, wired
from bayesq.law.inputs import Input
from bayesq.law.parameter import Parameter
from bayesq.law.prior import Prior
from bayesq.law.probing import multiplies_its_term, not_finite, taking_out

_EQUALS = "_equals_"


def renamed[L: Definition](law: L, **symbols: str) -> L:
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
    parameters = tuple(
        replace(
            p,
            symbol=symbols.get(p.symbol, p.symbol),
            term=wired(p.term, symbols) if p.term else None,
            slope_of=symbols.get(p.slope_of, p.slope_of) if p.slope_of else None,
        )
        for p in law.parameters
    )
    return replace(
        law,
        parameters=parameters,
        loss=wired(law.loss, symbols),
        published=(),
        closed={},
        remember=False,
    )


def fixed[L: Definition](law: L, values: Mapping[str, float | str]) -> L:
    """Hold parameters at numbers or tie them to others; see :meth:`Law.fix`.

    Raises
    ------
    BayesqError
        If that is no law.
    """
    law.check_formula()
    if not values:
        raise BayesqError(
            f"Nothing of law {law.name} is fixed; write fix(parameter=number) or "
            f"fix(parameter='another'), of {', '.join(_known(law))}."
        )
    made = law
    for symbol, value in _spelled_out(law, values):
        whole = made
        made = _fixed(whole, symbol, _checked(whole, symbol, value))
        if at := not_finite(whole, made):
            setting = ", ".join(f"{s} {v:.3g}" for s, v in at.items())
            raise BayesqError(
                f"Law {law.name} has no finite value with {symbol} held at {value}, as at "
                f"{setting}; hold it at another value."
            )
    return made


def without[L: Definition](law: L, symbol: str) -> L:
    """Take an input out of a law's own formulas; see :meth:`Law.without`.

    Raises
    ------
    BayesqError
        If no one parameter does.
    """
    law.check_formula()
    own = [i.symbol for i in law.own_inputs]
    if symbol not in own:
        raise BayesqError(
            f"The formula of law {law.name} takes no input {symbol!r}; {nearest(str(symbol), own)}."
        )
    found = taking_out(law, symbol)
    if len(found) == 1:
        return fixed(law, {found[0]: 0.0})
    able = [s for s in own if s != symbol and len(taking_out(law, s)) == 1]
    raise BayesqError(
        f"No one parameter of law {law.name} takes {symbol} out at 0 and leaves the others their "
        f"say (inputs for which one does: {', '.join(able) or 'none'}); hold several with fix(), "
        "or write another formula with with_formula()."
    )


def with_prior[L: Definition](law: L, symbol: str, prior: Prior) -> L:
    """Give a parameter another prior; see :meth:`Law.with_prior`.

    Raises
    ------
    BayesqError
        If there is no such parameter, or `prior` is none.
    """
    _single(law, symbol)
    if not isinstance(prior, Prior):
        raise BayesqError(
            f"The prior of {symbol} in law {law.name} is to be {prior!r}; give a Prior, such as "
            "Prior('Normal', mu=0, sigma=1)."
        )
    numbers = ",".join(f"{k}={_digits(v)}" for k, v in prior.parameters)
    word = f"{symbol}~{prior.distribution}({numbers})"
    return _with_prior(law, symbol, prior, word)


def with_formula[L: Definition](
    law: L,
    name: str,
    *,
    loss: Formula | None,
    degradation: Formula | None,
    effective: Mapping[str, Formula] | None,
    parameters: tuple[Parameter, ...],
    inputs: tuple[Input, ...],
    title: str | None,
) -> L:
    """Give a law another formula; see :meth:`Law.with_formula`.

    Raises
    ------
    BayesqError
        If formula and parameters do not fit together.
    """
    if not isinstance(name, str) or name in ("", law.name):
        raise BayesqError(
            f"Law {law.name} with another formula is called {name!r}; give it a name of its own."
        )
    given = {"loss": loss, "degradation": degradation, "effective": effective}
    fitting = ("loss",) if law.base is None else ("degradation", "effective")
    said = [what for what, formula in given.items() if formula]
    if len(said) != 1 or said[0] not in fitting:
        raise BayesqError(
            f"Law {law.name} {'is a base law' if law.base is None else 'has a base law'}, so "
            f"{name} needs one formula: {' or '.join(f'{what}=' for what in fitting)}."
        )
    for what, more in (("parameters", parameters), ("inputs", inputs)):
        if isinstance(more, Parameter | Input):
            raise BayesqError(
                f"Law {name} needs a tuple of {what}; write a comma behind the only one."
            )
    changed = {**law.effective, **effective} if effective is not None else {}
    formulas = [f for f in (loss, degradation, *changed.values()) if f is not None]
    used = {a for f in formulas for a in arguments_of(f)}
    new = {p.symbol: p for p in parameters}
    stay = [p for p in law.parameters if p.symbol in used and p.symbol not in new]
    for p in stay:
        if p.term and (gone := [a for a in arguments_of(p.term) if a not in used]):
            raise BayesqError(
                f"The term of {p.symbol} in law {law.name} takes {', '.join(gone)}, which the "
                f"formula of {name} does not; {_give_anew(p.symbol)}."
            )
    every = {*new, *(p.symbol for p in stay)}
    # In the old order; what is new comes last.
    standing = {p.symbol: p for p in law.parameters if p.symbol in every} | new
    listed = {i.symbol: i for i in law.inputs if i.symbol in used}
    made = replace(
        law,
        name=name,
        title=law.title if title is None else title,
        source=f"{law.source}, with another formula" if law.source else "",
        loss=loss,
        degradation=degradation,
        effective=changed,
        parameters=tuple(
            replace(p, slope_of=None) if p.slope_of not in every and p.symbol not in new else p
            for p in standing.values()
        ),
        inputs=tuple((listed | {i.symbol: i for i in inputs}).values()),
        published=(),
        closed={},
        remember=False,
    )
    for p in stay:
        # Its prior would be on a number that the formula does not have.
        if p.term and multiplies_its_term(law, p) and not multiplies_its_term(made, p):
            raise BayesqError(
                f"The term of {p.symbol} in law {law.name} is not what it multiplies in the "
                f"formula of {name}; {_give_anew(p.symbol)}."
            )
    return made


def from_name[L: Definition](law: L, spec: str) -> L:
    """Make the variant that the end of a name stands for, such as ``"gamma_D=0:gamma_N=0"``.

    Parameters
    ----------
    law : Law
        The law that the beginning of the name stands for.
    spec : str
        Parts between colons: ``parameter=number``, ``parameter=another`` or ``without=input``.

    Raises
    ------
    BayesqError
        If it stands for none.
    """
    for part in spec.split(":"):
        symbol, _, value = (word.strip() for word in part.partition("="))
        if "~" in symbol or not (symbol and value):
            raise BayesqError(
                f"{part!r} behind the name of law {law.name} is no variant of it; write "
                f"parameter=number, parameter=another or without=input, with parameters "
                f"{', '.join(_known(law))}."
            )
        if symbol == "without":
            law = without(law, value)
            continue
        held_at: float | str = value
        with suppress(ValueError):
            held_at = float(value)
        law = fixed(law, {symbol: held_at})
    return law


def _fixed[L: Definition](law: L, symbol: str, value: float | str) -> L:
    word = f"{symbol}={value if isinstance(value, str) else _digits(value)}"
    given = {symbol: value}
    own = any(p.symbol == symbol for p in law.parameters)
    parameters = tuple(
        replace(
            p,
            term=held(p.term, given) if p.term else None,
            slope_of=None if p.slope_of == symbol else p.slope_of,
        )
        for p in law.parameters
        if p.symbol != symbol
    )
    if both := _bent_alike(law, symbol, value):
        # The sampler takes the ratios of shares to the first. Two shares that one exponent bends
        # keep theirs to each other, while both trade against a constant: that one must not be
        # first, or two ratios would go up and down as one.
        parameters = tuple(sorted(parameters, key=lambda p: p.symbol != both))
    return replace(
        law,
        name=f"{law.name}:{word}",
        title=f"{law.title}, {word}" if law.title else "",
        base=law.base if own or law.base is None else _fixed(law.base, symbol, value),
        parameters=parameters,
        loss=law.loss and held(law.loss, given),
        degradation=law.degradation and held(law.degradation, given),
        effective={i: held(f, given) for i, f in law.effective.items()},
        published=(),
        closed={decision: held(f, given) for decision, f in law.closed.items()},
        remember=False,
    )


def _bent_alike(law: Definition, symbol: str, value: float | str) -> str | None:
    """Name the coefficient whose exponent is to bend that of another exponent too."""
    slopes = {p.symbol: p.slope_of for p in law.parameters}
    return (
        slopes[value] if isinstance(value, str) and slopes.get(symbol) and value in slopes else None
    )


def _with_prior[L: Definition](law: L, symbol: str, prior: Prior, word: str) -> L:
    own = any(p.symbol == symbol for p in law.parameters)
    return replace(
        law,
        name=f"{law.name}:{word}",
        base=law.base if own or law.base is None else _with_prior(law.base, symbol, prior, word),
        parameters=tuple(
            replace(p, prior=prior) if p.symbol == symbol else p for p in law.parameters
        ),
        remember=False,
    )


def _spelled_out(
    law: Definition, values: Mapping[str, float | str]
) -> Iterator[tuple[str, float | str]]:
    """Spell ``alpha_equals_beta=True`` out as ``beta="alpha"``."""
    for symbol, value in values.items():
        if _EQUALS not in symbol or symbol in _known(law):
            yield symbol, value
            continue
        stays, _, goes = symbol.partition(_EQUALS)
        if value is not True:
            raise BayesqError(
                f"Law {law.name} cannot be fixed with {symbol}={value!r}; write {symbol}=True, or "
                "leave it out."
            )
        yield goes, stays


def _checked(law: Definition, symbol: str, value: float | str) -> float | str:
    """Refuse what a parameter cannot be held at."""
    _single(law, symbol)
    home = law
    while home.base is not None and all(p.symbol != symbol for p in home.parameters):
        home = home.base
    if len(home.parameters) == 1:
        raise BayesqError(
            f"{symbol} is the last parameter of law {home.name}'s own, and a law needs one; leave "
            "it free."
        )
    if isinstance(value, str):
        if value == symbol:
            raise BayesqError(
                f"{symbol} of law {law.name} is tied to itself; tie it to another parameter: "
                f"{', '.join(s for s in _known(law) if s != symbol)}."
            )
        _single(law, value)
        if value not in _known(home):
            raise BayesqError(
                f"{symbol} is of base law {home.name}, which does not know {value} of law "
                f"{law.name}; tie them the other way: fix({value}={symbol!r})."
            )
        return value
    if isinstance(value, bool | np.bool) or not isinstance(value, Real) or not np.isfinite(value):
        raise BayesqError(
            f"{symbol} of law {law.name} cannot be held at {value!r}; give a finite number, or the "
            "name of another parameter."
        )
    return float(value) + 0.0  # no -0


def _single(law: Definition, symbol: str) -> None:
    """Refuse what is not a parameter that has one value for all rows."""
    known = {p.symbol: p for p in law.parameters_of("loss")}
    if symbol not in known:
        raise BayesqError(
            f"Law {law.name} has no parameter {symbol!r}; {nearest(str(symbol), known)}."
        )
    if (kinds := known[symbol].by) is not None:
        free = [s for s, p in known.items() if p.by is None]
        raise BayesqError(
            f"{symbol} of law {law.name} has a value for each {kinds.symbol}, so it cannot be "
            f"changed as one; change one of {', '.join(free)}, or write a formula without it."
        )


def _known(law: Definition) -> list[str]:
    return [p.symbol for p in law.parameters_of("loss")]


def _give_anew(symbol: str) -> str:
    return (
        f"give {symbol} anew among parameters=, as replace(*law.pick({symbol!r}), term=...) with "
        "dataclasses.replace"
    )


def _digits(value: float) -> str:
    """Write a number so that it is read as the same one."""
    text = f"{value:g}"
    return text if float(text) == value else repr(float(value))
