"""A law's own formula, called with symbols: what comes back is the formula as an expression.

Terms stay in the order in which the law's code, and so the paper, has them: nothing is simplified
but what a held parameter makes of it, such as ``D**0``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

type Expression = Any  # SymPy has no types


class Log2(sympy.Function):  # type: ignore[misc]
    """The binary logarithm, which SymPy would write as a ratio of two."""

    base = 2
    precedence = 51  # more than a product, less than a power: (log2 G)^gamma

    @classmethod
    def eval(cls, x: Any) -> None:
        """Leave it as it stands."""

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        inside = printer.parenthesize(self.args[0], 51)
        log = rf"\log_{{{self.base}}} {inside}"
        return log if exp is None else rf"\left({log}\right)^{{{exp}}}"


class Log10(Log2):
    """The decimal logarithm."""

    base = 10


class Least(sympy.Function):  # type: ignore[misc]
    """The smaller of two numbers; SymPy's own keeps them in no order."""

    word = "min"
    precedence = 1000

    @classmethod
    def eval(cls, a: Any, b: Any) -> None:
        """Leave it as it stands."""

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        inside = ", ".join(printer.doprint(a) for a in self.args)
        raised = "" if exp is None else f"^{{{exp}}}"
        return rf"\{self.word}{raised}\left({inside}\right)"


class Most(Least):
    """The larger of two numbers."""

    word = "max"


class Holds(sympy.Function):  # type: ignore[misc]
    """1 where a comparison holds, else 0: Iverson's bracket."""

    precedence = 1000

    @classmethod
    def eval(cls, x: Any) -> None:
        """Leave it as it stands."""

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return rf"\left[{printer.doprint(self.args[0])}\right]"


class Traced:
    """An expression that goes through a formula as a number would."""

    __array_priority__ = 1000

    def __init__(self, expression: Expression) -> None:
        self.expression = expression

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **more: Any) -> Any:
        known = _UFUNCS.get(ufunc.__name__)
        if known is None or method != "__call__" or more:
            return NotImplemented
        return Traced(known(*map(expression_of, inputs)))

    def __array_function__(self, function: Any, _: Any, given: Any, more: Any) -> Any:
        if function is not np.where or len(given) != 3 or more:
            return NotImplemented
        return Traced(_where(*map(expression_of, given)))

    def __bool__(self) -> bool:
        raise TypeError("a formula that asks whether something holds cannot be typeset")

    def __neg__(self) -> Traced:
        return Traced(_negative(self.expression))

    def __pos__(self) -> Traced:
        return self

    def __abs__(self) -> Traced:
        return Traced(_absolute(self.expression))


def trace(formula: Callable[..., Any], values: dict[str, Expression]) -> Expression:
    """Call a formula with expressions in the place of numbers.

    Parameters
    ----------
    formula : callable
        Arithmetic, comparisons, and NumPy's exp, log, log2, log10, expm1, log1p, sqrt,
        abs, minimum, maximum and where.
    values : dict of str to sympy.Expr
        For each of its arguments.

    Returns
    -------
    sympy.Expr

    Raises
    ------
    TypeError
        If the formula does anything else with them.
    """
    return expression_of(formula(**{name: Traced(value) for name, value in values.items()}))


def expression_of(value: Any) -> Expression:
    """Read a number, or take a traced one's expression."""
    if isinstance(value, Traced):
        return value.expression
    if isinstance(value, sympy.Expr):
        return value
    number = float(value)
    if np.isinf(number):
        return sympy.oo if number > 0 else -sympy.oo
    if not number.is_integer():
        return sympy.Float(repr(number))
    power = len(f"{abs(number):.0f}") - 1
    if power >= 5 and abs(number) == 10.0**power:
        return sympy.Pow(10 if number > 0 else -10, power, evaluate=False)
    return sympy.Integer(int(number))


def plus(a: Expression, b: Expression) -> Expression:
    """Add, the terms in the order in which they come."""
    if a.is_Number and b.is_Number:
        return a + b
    terms = [t for t in (*_parts(sympy.Add, a), *_parts(sympy.Add, b)) if t != 0]
    return _joined(sympy.Add, terms, sympy.S.Zero)


def minus(a: Expression, b: Expression) -> Expression:
    """Subtract, the terms in the order in which they come."""
    return plus(a, _negative(b))


def _negative(a: Expression) -> Expression:
    if a.is_Number:
        return -a
    if isinstance(a, sympy.Add):
        terms = [_negative(t) for t in a.args]
        # What was subtracted comes last: 1 - exp, not -exp + 1.
        return _joined(sympy.Add, sorted(terms, key=is_negative), sympy.S.Zero)
    first, *others = _parts(sympy.Mul, a)
    if first.is_Number:
        return _joined(sympy.Mul, [*([-first] if first != -1 else []), *others], sympy.S.One)
    return sympy.Mul(-1, first, *others, evaluate=False)


def _multiply(a: Expression, b: Expression) -> Expression:
    if a.is_Number and b.is_Number:
        return a * b
    if 0 in (a, b):
        return sympy.S.Zero
    factors, sign = [], 1
    for factor in (*_parts(sympy.Mul, a), *_parts(sympy.Mul, b)):
        if factor == -1:
            sign = -sign
        elif factor != 1:
            factors.append(factor)
    product = _joined(sympy.Mul, factors, sympy.S.One)
    return product if sign > 0 else _negative(product)


def _divide(a: Expression, b: Expression) -> Expression:
    if b == 0:  # a decay of 0 is a limit that is meant
        return -sympy.oo if is_negative(a) else sympy.oo
    if a.is_Number and b.is_Number:
        return a / b
    if b == 2 and (least := _least(a)) is not None:
        return least
    result = a
    for factor in _parts(sympy.Mul, b):
        if isinstance(factor, sympy.Pow) and factor.exp == -1:
            result = _multiply(result, factor.base)
        elif factor == -1:
            result = _negative(result)
        else:
            result = _multiply(result, sympy.Pow(factor, -1, evaluate=False))
    return result


def _least(a: Expression) -> Expression | None:
    """Read a + b - abs(a - b), of which half is the smaller of the two."""
    if isinstance(a, sympy.Add) and len(a.args) == 3:
        one, other, apart = a.args
        if apart == _negative(_absolute(minus(one, other))):
            return Least(one, other)
    return None


def _power(a: Expression, b: Expression) -> Expression:
    if b == 0:
        return sympy.S.One
    if b == 1:
        return a
    if a.is_Number and b.is_Number:
        return a**b
    return sympy.Pow(a, b, evaluate=False)


def _exp(a: Expression) -> Expression:
    if a == -sympy.oo:
        return sympy.S.Zero
    return sympy.S.One if a == 0 else sympy.exp(a, evaluate=False)


def _log(a: Expression) -> Expression:
    return sympy.log(a, evaluate=False)


def _absolute(a: Expression) -> Expression:
    return sympy.Abs(a, evaluate=False)


def _where(holds: Expression, a: Expression, b: Expression) -> Expression:
    """Write a choice with Iverson's brackets: what holds is 1, what does not is 0."""
    if not isinstance(holds, Holds):
        raise TypeError("a choice by what is no comparison cannot be typeset")
    otherwise = Holds(holds.args[0].negated)
    return plus(_multiply(holds, a), _multiply(otherwise, b))


def _compared(relation: Callable[..., Any]) -> Callable[[Expression, Expression], Expression]:
    return lambda a, b: Holds(relation(a, b, evaluate=False))


_UFUNCS: dict[str, Callable[..., Expression]] = {
    **{"add": plus, "subtract": minus, "multiply": _multiply, "divide": _divide},
    **{"true_divide": _divide, "power": _power, "float_power": _power, "negative": _negative},
    "positive": lambda a: a,
    "square": lambda a: _power(a, sympy.Integer(2)),
    "reciprocal": lambda a: _divide(sympy.S.One, a),
    "exp": _exp,
    "exp2": lambda a: _power(sympy.Integer(2), a),
    "expm1": lambda a: minus(_exp(a), sympy.S.One),
    "log": _log,
    "log2": Log2,
    "log1p": lambda a: _log(plus(sympy.S.One, a)),
    "log10": Log10,
    "minimum": Least,
    "maximum": Most,
    "sqrt": lambda a: sympy.sqrt(a, evaluate=False),
    "absolute": _absolute,
    **{"less": _compared(sympy.Lt), "less_equal": _compared(sympy.Le)},
    **{"greater": _compared(sympy.Gt), "greater_equal": _compared(sympy.Ge)},
}


def _parts(kind: type[Any], a: Expression) -> tuple[Any, ...]:
    return a.args if isinstance(a, kind) else (a,)


def _joined(kind: Any, parts: list[Any], none: Expression) -> Expression:
    return kind(*parts, evaluate=False) if len(parts) > 1 else parts[0] if parts else none


def is_negative(a: Expression) -> bool:
    """Tell whether a minus stands before an expression."""
    first = _parts(sympy.Mul, a)[0]
    return bool(first.is_Number and first < 0)


def _operators() -> None:
    """Give Python's operators to what is traced, from either side."""
    for name, ufunc in (
        *(("add", "add"), ("sub", "subtract"), ("mul", "multiply"), ("truediv", "divide")),
        *(("pow", "power"), ("lt", "less"), ("le", "less_equal"), ("gt", "greater")),
        ("ge", "greater_equal"),
    ):
        known = _UFUNCS[ufunc]

        def forward(self: Traced, other: Any, known: Any = known) -> Traced:
            return Traced(known(self.expression, expression_of(other)))

        def backward(self: Traced, other: Any, known: Any = known) -> Traced:
            return Traced(known(expression_of(other), self.expression))

        setattr(Traced, f"__{name}__", forward)
        if hasattr(operator, f"i{name}"):
            setattr(Traced, f"__r{name}__", backward)


_operators()
