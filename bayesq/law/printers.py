"""Equations of a law as MathML and as LaTeX, by SymPy's printers, terms in the law's own order."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape, unescape
from typing import Any, override

import sympy
from sympy.printing.latex import LatexPrinter
from sympy.printing.mathml import MathMLPresentationPrinter
from sympy.printing.precedence import PRECEDENCE

from bayesq.law.equations import Equation, tex_of
from bayesq.law.letters import read_letter
from bayesq.law.traced import Holds, is_negative


def as_tex(lines: Sequence[Equation]) -> str:
    """Write equations in LaTeX; several are lines of ``aligned``."""
    symbols = {s for line in lines for s in (line.left, *line.right.free_symbols)}
    printer = LatexPrinter(
        {
            "order": "none",
            "mul_symbol": r"\,",
            "symbol_names": {s: tex_of(str(s)) for s in symbols},
        }
    )
    found = [
        f"{tex_of(str(line.left))} &= {printer.doprint(_dividing(line.right))}" for line in lines
    ]
    if len(found) == 1:
        return found[0].replace("&=", "=", 1)
    return "\\begin{aligned}\n" + " \\\\\n".join(found) + "\n\\end{aligned}"


def as_mathml(lines: Sequence[Equation]) -> str:
    """Write equations as MathML for a page, aligned at their signs."""
    rows = []
    for line in lines:
        printer = _Printer({"order": "none"})
        left, right = (_xml(printer._print(side)) for side in (line.left, line.right))
        rows.append(
            f'<mtr><mtd style="text-align:right;padding-right:0">{left}</mtd>'
            '<mtd style="text-align:left;padding-left:0">'
            f"<mrow><mo>=</mo>{right}</mrow></mtd></mtr>"
        )
    return (
        '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">'
        f'<mtable displaystyle="true">{"".join(rows)}</mtable></math>'
    )


class _Printer(MathMLPresentationPrinter):  # type: ignore[misc]
    """SymPy's, with factors in their order, symbols as papers print them, and upright words."""

    _raised = 0  # how many exponents deep

    @override
    def _print_Add(self, expr: Any, order: str | None = None) -> Any:
        row = self.dom.createElement("mrow")
        for place, term in enumerate(expr.args):
            if minus := is_negative(term):
                row.appendChild(self._element("mo", "\u2212"))
            elif place:
                row.appendChild(self._element("mo", "+"))
            row.appendChild(self._product(term, skip_minus=minus))
        return row

    @override
    def _print_Mul(self, expr: Any) -> Any:
        if not is_negative(expr):
            return self._product(expr)
        row = self.dom.createElement("mrow")
        row.appendChild(self._element("mo", "\u2212"))
        row.appendChild(self._product(expr, skip_minus=True))
        return row

    def _product(self, expr: Any, *, skip_minus: bool = False) -> Any:
        """Print factors, those that divide below a line."""
        if not isinstance(expr, sympy.Mul):
            return self._print(-expr if skip_minus else expr)
        above, below = [], []
        for factor in expr.args:
            if factor.is_Number and factor < 0 and skip_minus:
                above += [] if factor == -1 else [-factor]
            elif isinstance(factor, sympy.Pow) and is_negative(factor.exp):
                below.append(_inverse(factor))
            else:
                above.append(factor)
        if not below:
            return self._row(above)
        if self._raised:  # in one line, or brackets grow over the whole
            return self._in_line(above, below)
        fraction = self.dom.createElement("mfrac")
        fraction.appendChild(self._row(above))
        fraction.appendChild(self._row(below))
        return fraction

    def _row(self, factors: list[Any]) -> Any:
        if len(factors) < 2:
            return self._print(factors[0] if factors else sympy.S.One)
        row = self.dom.createElement("mrow")
        for place, factor in enumerate(factors):
            if place:
                apart = factor.is_Number or any(map(_is_word, factors[place - 1 : place + 1]))
                row.appendChild(self._element("mo", "·" if apart else "\u2062"))
                if not apart and isinstance(factor, sympy.Function) and not _is_raised(factor):
                    row.appendChild(self._space())
            row.appendChild(self.parenthesize(factor, PRECEDENCE["Mul"]))
        return row

    def _space(self) -> Any:
        found = self.dom.createElement("mspace")
        found.setAttribute("width", "0.17em")
        return found

    def _in_line(self, above: list[Any], below: list[Any]) -> Any:
        row = self.dom.createElement("mrow")
        divisor = self._row(below)
        if len(below) > 1 or isinstance(below[0], sympy.Add):
            divisor = self._bracketed(divisor)
        first = above[0] if len(above) == 1 else None
        dividend = self._row(above)
        if isinstance(first, sympy.Add):
            dividend = self._bracketed(dividend)
        for part in (dividend, self._element("mo", "/"), divisor):
            row.appendChild(part)
        return row

    def _bracketed(self, inside: Any) -> Any:
        row = self.dom.createElement("mrow")
        for part in (self._l_paren(), inside, self._r_paren()):
            row.appendChild(part)
        return row

    def _l_paren(self) -> Any:
        return self._bracket("(")

    def _r_paren(self) -> Any:
        return self._bracket(")")

    def _bracket(self, sign: str) -> Any:
        found = self._element("mo", sign)
        if self._raised:
            found.setAttribute("stretchy", "false")
        return found

    @override
    def _print_Pow(self, expr: Any) -> Any:
        if expr.exp == sympy.Rational(1, 2):
            root = self.dom.createElement("msqrt")
            root.appendChild(self._print(expr.base))
            return root
        if expr.exp == -1:
            return self._product(sympy.Mul(1, expr, evaluate=False))
        return self._power(self.parenthesize(expr.base, PRECEDENCE["Pow"]), expr.exp)

    @override
    def _print_exp(self, expr: Any) -> Any:
        return self._power(self._element("mi", "e"), expr.args[0])

    def _power(self, base: Any, exponent: Any) -> Any:
        # An index and an exponent stand above each other.
        indexed = base.nodeName == "msub"
        found = self.dom.createElement("msubsup" if indexed else "msup")
        for part in [*base.childNodes] if indexed else [base]:
            found.appendChild(part)
        self._raised += 1
        found.appendChild(self._print(exponent))
        self._raised -= 1
        return found

    @override
    def _print_Symbol(self, expr: Any, style: str = "plain") -> Any:
        return self._named(str(expr))

    def _named(self, name: str) -> Any:
        if name.startswith("L_0("):
            row = self.dom.createElement("mrow")
            row.appendChild(self._named("L_0"))
            row.appendChild(self._l_paren())
            for place, part in enumerate(name[4:-1].split(", ")):
                if place:
                    row.appendChild(self._element("mo", ","))
                row.appendChild(self._named(part))
            row.appendChild(self._r_paren())
            return row
        if name.startswith("DeltaL"):
            row = self.dom.createElement("mrow")
            row.appendChild(self._element("mi", "Δ"))
            row.appendChild(self._element("mi", f"L{name[6:]}"))
            return row
        letter = read_letter(name)
        if not letter.index:
            return self._element("mi", letter.shown)
        found = self.dom.createElement("msub")
        found.appendChild(self._element("mi", letter.shown))
        found.appendChild(self._element("mn" if letter.index.isdigit() else "mi", letter.index))
        return found

    def _print_Log2(self, e: Any) -> Any:  # noqa: N802 - the name of the class
        row = self.dom.createElement("mrow")
        log = self.dom.createElement("msub")
        log.appendChild(self._element("mi", "log"))
        log.appendChild(self._element("mn", str(e.base)))
        for part in (log, self._element("mo", "\u2061"), self.parenthesize(e.args[0], 51)):
            row.appendChild(part)
        return row

    def _print_Least(self, e: Any) -> Any:  # noqa: N802 - the name of the class
        row = self.dom.createElement("mrow")
        row.appendChild(self._element("mo", e.word))
        inside = self.dom.createElement("mrow")
        for place, part in enumerate(e.args):
            if place:
                inside.appendChild(self._element("mo", ","))
            inside.appendChild(self._print(part))
        row.appendChild(self._bracketed(inside))
        return row

    def _print_Holds(self, e: Any) -> Any:  # noqa: N802 - the name of the class
        row = self.dom.createElement("mrow")
        for part in (self._bracket("["), self._print(e.args[0]), self._bracket("]")):
            row.appendChild(part)
        return row

    def _element(self, tag: str, text: str) -> Any:
        found = self.dom.createElement(tag)
        found.appendChild(self.dom.createTextNode(text))
        return found


def _is_raised(factor: Any) -> bool:
    """Whether a function is printed as a letter with an exponent, or in brackets of its own."""
    return isinstance(factor, sympy.exp | Holds)


def _is_word(factor: Any) -> bool:
    """Whether a factor is a name of several letters, which must not run into another."""
    return bool(factor.is_Symbol and len(read_letter(str(factor)).shown) > 1)


def _dividing(expression: Any) -> Any:
    """Write A N^-alpha as A / N^alpha, as the other printer does."""
    if not expression.args:
        return expression
    parts = [_dividing(part) for part in expression.args]
    if isinstance(expression, sympy.Mul):
        parts = [
            sympy.Pow(_inverse(p), -1, evaluate=False)
            if isinstance(p, sympy.Pow) and is_negative(p.exp) and p.exp != -1
            else p
            for p in parts
        ]
    return expression.func(*parts, evaluate=False)


def _inverse(factor: Any) -> Any:
    """Take what a factor divides by: N^alpha of N^-alpha."""
    exponent = -factor.exp if factor.exp.is_Number else _without_minus(factor.exp)
    return factor.base if exponent == 1 else sympy.Pow(factor.base, exponent, evaluate=False)


def _without_minus(exponent: Any) -> Any:
    first, *others = exponent.args
    rest = others if first == -1 else [-first, *others]
    return rest[0] if len(rest) == 1 else sympy.Mul(*rest, evaluate=False)


def _xml(node: Any) -> str:
    """Write a node; SymPy's texts hold entities, which XML does not know by name, and are raw."""
    _plain(node)
    return str(node.toxml())


def _plain(node: Any) -> None:
    if node.nodeType == node.TEXT_NODE:
        node.data = escape(unescape(node.data), quote=False)
    for child in node.childNodes:
        _plain(child)
