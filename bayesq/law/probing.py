"""What a law does at a few settings and parameters such as may occur, told by numbers.

A formula is a plain function, so whether it has finite values, or whether an input matters to it,
is not read off it but tried.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from bayesq.law.definition import Definition
from bayesq.law.formulas import call
from bayesq.law.inputs import Input
from bayesq.law.parameter import Parameter
from bayesq.law.prior import Prior

_POINTS = 24
# Where no range of the data is known.
_USUAL = {"N": (1e7, 1e11), "D": (1e9, 1e12)}
_GROUPS = (8.0, 512.0)
# Not the very middle of a prior, where an effect may be 0.
_QUANTILE = 0.45
# Of a parameter that has one value for each kind of row.
_KEPT = 0.7

Values = dict[str, Any]


def not_finite(law: Definition, variant: Definition) -> dict[str, float] | None:
    """Find inputs at which a law has a finite loss and a variant of it has none.

    Parameters
    ----------
    law, variant : Definition
        A law, and one that takes no parameter beyond its own.

    Returns
    -------
    dict of str to float or None
        The first such setting, of those that were tried.
    """
    at = _settings(law)
    values = at | _plausible(law, at)
    with np.errstate(all="ignore"):
        before, after = (
            np.isfinite(np.broadcast_to(made.evaluate("loss", values), _POINTS))
            for made in (law, variant)
        )
    bad = np.flatnonzero(before & ~after)
    return {s: float(v[bad[0]]) for s, v in at.items()} if bad.size else None


def taking_out(law: Definition, symbol: str) -> list[str]:
    """List the parameters of a law's own that take an input out of its own formulas at 0.

    One that takes more out does not count: held at 0, a coefficient leaves its exponents nothing
    to say, the exponent of a term that stands beside a constant makes it a second constant, and
    that of a ratio takes out what the input is divided by.

    Parameters
    ----------
    law : Definition
        A law.
    symbol : str
        An input of its own formulas.

    Returns
    -------
    list of str
        Their symbols.
    """
    at = _settings(law)
    values = at | _plausible(law, at)
    elsewhere = {symbol: _settings(law, seed=1)[symbol]}
    single = [p.symbol for p in law.parameters if p.by is None]
    defined = np.isfinite(_own(law, values))
    told = _rank(law, values, [p.symbol for p in law.parameters])
    found = []
    for one in single:
        nothing = values | {one: np.float64(0.0)}
        here, there = _own(law, nothing), _own(law, nothing | elsewhere)
        kept = defined & np.isfinite(here)
        if not np.array_equal(kept, defined):
            continue
        kept &= np.isfinite(there)
        left = [p.symbol for p in law.parameters if p.symbol != one]
        same = np.allclose(here[kept], there[kept], rtol=1e-10, atol=0.0)
        says = _rank(law, nothing, left) >= told - 1
        if same and says and not _mute(law, values, nothing, symbol):
            found.append(one)
    return found


def _mute(law: Definition, before: Values, after: Values, but: str) -> bool:
    """Tell whether another input than `but` that mattered to a law's own formulas does no more."""
    elsewhere = _settings(law, seed=1)

    def matters(values: Values, symbol: str) -> bool:
        here, there = _own(law, values), _own(law, values | {symbol: elsewhere[symbol]})
        kept = np.isfinite(here) & np.isfinite(there)
        return not np.allclose(here[kept], there[kept], rtol=1e-10, atol=0.0)

    others = [i.symbol for i in law.own_inputs if i.symbol != but]
    return any(matters(before, s) and not matters(after, s) for s in others)


def multiplies_its_term(law: Definition, parameter: Parameter) -> bool:
    """Tell whether a law's value moves with a coefficient in proportion to the coefficient's term.

    Parameters
    ----------
    law : Definition
        A law.
    parameter : Parameter
        A coefficient of its own that has a term.

    Returns
    -------
    bool
        True also for one that divides its term.
    """
    assert parameter.term is not None
    at = _settings(law)
    values = at | _plausible(law, at)
    symbol = parameter.symbol
    with np.errstate(all="ignore"):
        term = np.broadcast_to(call(parameter.term, values), _POINTS)
    moved = _own(law, values | {symbol: 2 * values[symbol]}) - _own(law, values)
    with np.errstate(all="ignore"):
        ratio = moved / np.resize(term, moved.size)
    ratio = ratio[np.isfinite(ratio)]
    # Where a flag is 0 the term is switched off, and tells nothing.
    ratio = ratio[ratio != 0]
    return bool(np.allclose(ratio, ratio[:1], rtol=1e-4, atol=0.0))


def added_as_they_stand(law: Definition) -> set[str]:
    """List the parameters that a law's own loss has added to it, marked as shares or not.

    Parameters
    ----------
    law : Definition
        A law with a formula of the loss.

    Returns
    -------
    set of str
        Symbols of parameters with one value and no term, such as E.
    """
    at = _settings(law)
    values = at | _plausible(law, at)
    before = _own(law, values)
    found = set()
    for p in law.parameters:
        if p.by is None and p.term is None:
            moved = _own(law, values | {p.symbol: values[p.symbol] + 1.0}) - before
            known = moved[np.isfinite(moved)]
            if known.size and np.allclose(known, 1.0, rtol=1e-6):
                found.add(p.symbol)
    return found


def _settings(law: Definition, seed: int = 0) -> Values:
    rng = np.random.default_rng(seed)
    inputs = {i.symbol: i for i in (*law.inputs_of("loss"), *law.own_inputs)}
    return {symbol: _drawn(i, law.observed, rng) for symbol, i in inputs.items()}


def _drawn(
    of: Input, observed: Mapping[str, tuple[float, float]], rng: np.random.Generator
) -> np.ndarray:
    if of.scale == "flag":
        return rng.integers(0, 2, _POINTS).astype(float)
    if of.scale == "log":
        low, high = observed.get(of.symbol, _USUAL.get(of.symbol, _GROUPS))
        return np.exp(rng.uniform(np.log(low), np.log(high), _POINTS))
    if of.symbol in observed:
        return rng.uniform(*observed[of.symbol], _POINTS)
    # It may be a share or count bits.
    share = rng.random(_POINTS) < 0.5
    return np.where(share, rng.uniform(0, 1, _POINTS), rng.uniform(2, 8, _POINTS))


def _plausible(law: Definition, at: Values) -> Values:
    """Take a value near the middle of each prior, of coefficients from that of their term."""
    wanted = law.parameters_of("loss")
    values: Values = {
        p.symbol: np.float64(p.prior.quantile(_QUANTILE)) if isinstance(p.prior, Prior) else _KEPT
        for p in wanted
    }
    inputs = {i.symbol: i for i in (*law.inputs_of("loss"), *law.own_inputs)}
    pivots = {symbol: inputs[symbol].pivot(v) for symbol, v in at.items()}
    coefficients = {}
    for p in wanted:
        if p.term is not None:
            with np.errstate(all="ignore"):
                value = p.coefficient(pivots | values)
            if np.isfinite(value) and value != 0:
                coefficients[p.symbol] = np.float64(value)
    return values | coefficients


def _own(law: Definition, values: Values) -> np.ndarray:
    """Evaluate a law's own formulas, one behind the other."""
    with np.errstate(all="ignore"):
        return np.concatenate([np.broadcast_to(call(f, values), _POINTS) for f in law.formulas])


def _rank(law: Definition, values: Values, symbols: Collection[str]) -> int:
    """Count the directions in which parameters move a law's own formulas."""
    columns = []
    for symbol in symbols:
        step = 1e-4 * max(abs(float(values[symbol])), 0.1)
        up, down = (_own(law, values | {symbol: values[symbol] + s}) for s in (step, -step))
        columns.append(up - down)
    slopes = np.array(columns)
    # On the scale of the formula's own value, which may span decades.
    with np.errstate(all="ignore"):
        slopes = slopes / np.abs(_own(law, values))
    slopes = slopes[:, np.isfinite(slopes).all(axis=0)]
    sizes = np.linalg.norm(slopes, axis=1)
    moving = sizes > 1e-10
    if not moving.any():
        return 0
    slopes = slopes[moving] / sizes[moving, None]
    return int(np.linalg.matrix_rank(slopes, tol=1e-5))
