"""What a law says of a response as equations: its formula, and below it what stands in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import sympy

from bayesq.law.definition import Definition, Response
from bayesq.law.formulas import Formula, arguments_of
from bayesq.law.letters import read_letter
from bayesq.law.traced import Least, is_negative, minus, plus, trace

_LONG = 8  # operations within the base of a power


@dataclass(frozen=True)
class Equation:
    """One line: what is defined, and as what.

    Parameters
    ----------
    left : sympy.Symbol
        What is defined.
    right : sympy.Expr
        As what.
    shown : bool
        Whether the line is printed; one that repeats another at other inputs is not.
    """

    left: sympy.Symbol
    right: sympy.Expr
    shown: bool = True


class Equations:
    """The equations of a law and a response, what is asked for first.

    Parameters
    ----------
    law : Definition
        A law whose formulas can be traced.
    response : {"loss", "degradation"}
        What is asked for.

    Raises
    ------
    TypeError
        If a formula cannot be traced.
    """

    def __init__(self, law: Definition, response: Response) -> None:
        self.lines: list[Equation] = []
        self._taken: set[str] = set()
        inputs = {i.symbol: sympy.Symbol(i.symbol) for i in law.inputs_of("loss")}
        symbols = {p.symbol: sympy.Symbol(p.symbol) for p in law.parameters_of("loss")}
        values = {**inputs, **symbols}
        self._taken |= set(values)
        of = self._loss if response == "loss" else self._degradation
        right = of(law, values)
        left = sympy.Symbol("L" if response == "loss" else "DeltaL")
        lines = [Equation(left, right), *self.lines]
        # What one line defines is named in the others.
        names = {e.right: e.left for e in self.lines if not e.right.is_Symbol}
        lines = [Equation(e.left, _named(e.right, names, e.left), e.shown) for e in lines]
        self.lines = lines
        self._shorten(inputs)
        self.lines = [Equation(e.left, _ordered(e.right), e.shown) for e in self.lines]

    def _shorten(self, inputs: Mapping[str, sympy.Symbol]) -> None:
        """Give names to what makes a line too long to read, as papers do.

        Those are what an input is worth where a long expression of it is raised to a power, and
        the smaller or larger of an input and another number where it stands there twice.
        """
        rights = [e.right for e in self.lines]
        long = [
            (part.base, "eff")
            for part in _parts_of(rights)
            if isinstance(part, sympy.Pow) and part.base.count_ops() >= _LONG
        ]
        every = list(_parts_of(rights))
        twice = [
            (part, part.word) for part in every if isinstance(part, Least) and every.count(part) > 1
        ]
        names: dict[sympy.Expr, sympy.Symbol] = {}
        for part, index in dict.fromkeys([*long, *twice]):
            of = next((s for s in _parts_of([part]) if s in inputs.values()), None)
            if of is not None and part not in names:
                names[part] = self._define(f"{of}_{index}", part)
        if names:
            self.lines = [
                Equation(e.left, _named(e.right, names, e.left), e.shown) for e in self.lines
            ]

    @property
    def whole(self) -> sympy.Expr:
        """What is asked for in inputs and parameters alone."""
        first, *others = self.lines
        meant = {e.left: e.right for e in others}
        found = first.right
        while found.free_symbols & set(meant):
            found = found.xreplace(meant)
        return found

    def _loss(self, law: Definition, values: Mapping[str, sympy.Expr]) -> sympy.Expr:
        if law.loss is not None:
            return _called(law.loss, values)
        assert law.base is not None  # as for every law without a loss
        if law.degradation is not None:
            full = self._loss(law.base, values)
            return plus(full, self._define("DeltaL", _called(law.degradation, values)))
        return self._loss(law.base, {**values, **self._changed(law, values)})

    def _degradation(self, law: Definition, values: Mapping[str, sympy.Expr]) -> sympy.Expr:
        base = law.base
        assert base is not None  # a base law has no degradation
        if law.degradation is not None:
            added = _called(law.degradation, values)
        else:
            changed = {**values, **self._changed(law, values)}
            inputs = [i.symbol for i in base.inputs_of("loss")]

            def at(values: Mapping[str, sympy.Expr], *, shown: bool) -> sympy.Symbol:
                words = ", ".join(str(values[i]) for i in inputs)
                return self._define(f"L_0({words})", self._loss(base, values), shown=shown)

            added = minus(at(changed, shown=False), at(values, shown=True))
        if base.base is None:
            return added
        before = self._degradation(base, values)
        if law.degradation is not None:
            added = self._define("delta", added)
        return plus(before, added)

    def _changed(
        self, law: Definition, values: Mapping[str, sympy.Expr]
    ) -> dict[str, sympy.Symbol]:
        """Name the inputs that quantization changes, and define them."""
        return {
            symbol: self._define(f"{symbol}_eff", _called(formula, values))
            for symbol, formula in law.effective.items()
        }

    def _define(self, name: str, right: sympy.Expr, *, shown: bool = True) -> sympy.Symbol:
        """Give an expression a name; one that another has is followed by a prime."""
        known = {str(e.left): e.right for e in self.lines}
        while name in self._taken or known.get(name, right) != right:
            name += "'"
        left = sympy.Symbol(name)
        if name not in known:
            self.lines.append(Equation(left, right, shown))
        return left


def _called(formula: Formula, values: Mapping[str, sympy.Expr]) -> sympy.Expr:
    return trace(formula, {a: values[a] for a in arguments_of(formula)})


def _parts_of(expressions: Iterable[sympy.Expr]) -> Iterator[sympy.Expr]:
    for expression in expressions:
        yield from sympy.preorder_traversal(expression)


def _ordered(expression: sympy.Expr) -> sympy.Expr:
    """Put single letters first among what is divided by."""
    if not expression.args:
        return expression
    parts = [_ordered(part) for part in expression.args]
    if isinstance(expression, sympy.Mul):
        single = [p for p in parts if isinstance(p, sympy.Pow) and p.exp == -1 and p.base.is_Symbol]
        below = [p for p in parts if isinstance(p, sympy.Pow) and is_negative(p.exp)]
        if single and below[: len(single)] != single:
            first = parts.index(below[0])
            rest = [p for p in parts if p not in single]
            parts = [*rest[:first], *single, *rest[first:]]
    return expression.func(*parts, evaluate=False)


def _named(
    right: sympy.Expr, names: Mapping[sympy.Expr, sympy.Symbol], but: sympy.Symbol
) -> sympy.Expr:
    others = {expression: name for expression, name in names.items() if name != but}
    return right.xreplace(others) if others else right


def tex_of(name: str) -> str:
    """Write what a line defines, or a symbol, in LaTeX."""
    if name.startswith("L_0("):
        inside = ", ".join(tex_of(part) for part in name[4:-1].split(", "))
        return rf"L_{{0}}\left({inside}\right)"
    if name.startswith("DeltaL"):
        return rf"\Delta L{name[6:]}"
    plain = name.rstrip("'")
    return read_letter(plain).tex + "'" * (len(name) - len(plain))
